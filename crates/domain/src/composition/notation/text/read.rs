//! From text to rows.

use super::{Frame, MISTAKES_MAX, Mistake, Reason, TEXT_BYTES_MAX};
use crate::composition::notation::{Notation, Note, Row, units_per_beat};
use crate::music::scale::Swara;

/// The rows of one section, or the mistakes of the text in its order.
pub fn parse(text: &str, frame: &Frame) -> Result<Vec<Row>, Vec<Mistake>> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(vec![Mistake { line: 1, column: 1, reason: Reason::TooLong }]);
    }
    let mut reader = Reader::new(frame);
    let mut last = 1;
    for (number, line) in (1..).zip(text.lines()) {
        last = number;
        reader.line(number, line);
        if reader.mistakes.len() >= MISTAKES_MAX {
            break;
        }
    }
    reader.finish(last)
}

/// A word of a line and its column.
struct Word<'t> {
    column: usize,
    text: &'t str,
}

/// A note while its row is being read: its length in half units, since a bracket doubles the speed.
struct Draft {
    note: Note,
    halves: u32,
}

/// A closed row: where its drafts end, and how long its units are.
struct Closed {
    end: usize,
    units_per_beat: u8,
    halves_per_unit: u32,
}

/// The tokens that a line of words may stand under.
enum Above {
    Nothing,
    /// The line has a mistake, so that nothing is said of its words.
    Broken,
    /// For each token the draft that takes its word; none for karvai and rests.
    Tokens(Vec<Option<usize>>),
}

struct Reader<'f> {
    frame: &'f Frame,
    mistakes: Vec<Mistake>,
    /// Notes of all rows, those of the open row last.
    drafts: Vec<Draft>,
    rows: Vec<Closed>,
    /// The first draft of the open row.
    row_start: usize,
    /// Half units in the open anga.
    anga: u32,
    angas_done: usize,
    speed: u8,
    in_bracket: bool,
    has_bracket: bool,
    above: Above,
}

impl<'f> Reader<'f> {
    const fn new(frame: &'f Frame) -> Self {
        Self {
            frame,
            mistakes: Vec::new(),
            drafts: Vec::new(),
            rows: Vec::new(),
            row_start: 0,
            anga: 0,
            angas_done: 0,
            speed: 1,
            in_bracket: false,
            has_bracket: false,
            above: Above::Nothing,
        }
    }

    fn line(&mut self, line: usize, text: &str) {
        let words = words(text);
        match words.first().map(|word| word.text) {
            None => {}
            Some(first) if first.starts_with('#') => {}
            Some(">") => self.sahitya(line, &words[1..]),
            Some("speed") => self.set_speed(line, &words),
            Some(_) => self.swaras(line, &words),
        }
    }

    fn swaras(&mut self, line: usize, words: &[Word<'_>]) {
        let before = self.mistakes.len();
        self.above = Above::Tokens(Vec::new());
        for word in words {
            if let Err(reason) = self.token(word.text) {
                self.mistake(line, word.column, reason);
            }
        }
        if self.mistakes.len() > before {
            self.above = Above::Broken;
        }
    }

    fn mistake(&mut self, line: usize, column: usize, reason: Reason) {
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(Mistake { line, column, reason });
        }
    }

    fn set_speed(&mut self, line: usize, words: &[Word<'_>]) {
        let asked = words.get(1).and_then(|word| word.text.parse().ok());
        let known = asked.filter(|speed| units_per_beat(*speed, self.frame.gati).is_some());
        if self.is_inside() {
            self.mistake(line, 1, Reason::SpeedInside);
        } else if let (Some(speed), 2) = (known, words.len()) {
            self.speed = speed;
        } else {
            self.mistake(line, words.get(1).map_or(1, |word| word.column), Reason::BadSpeed);
        }
    }

    /// Whether an avartanam is open.
    const fn is_inside(&self) -> bool {
        self.drafts.len() > self.row_start || self.angas_done > 0
    }

    fn token(&mut self, word: &str) -> Result<(), Reason> {
        match word {
            "|" => self.bar(),
            "||" => self.row(),
            _ => self.bracketed(word),
        }
    }

    /// A note with the brackets that stand at it.
    fn bracketed(&mut self, word: &str) -> Result<(), Reason> {
        let inner = word.strip_prefix('(');
        if inner.is_some() {
            if self.in_bracket {
                return Err(Reason::Bracket);
            }
            (self.in_bracket, self.has_bracket) = (true, true);
        }
        let inner = inner.unwrap_or(word);
        let body = inner.strip_suffix(')').unwrap_or(inner);
        if !body.is_empty() {
            self.note(body)?;
        }
        if body.len() < inner.len() && !std::mem::take(&mut self.in_bracket) {
            return Err(Reason::Bracket);
        }
        Ok(())
    }

    fn note(&mut self, body: &str) -> Result<(), Reason> {
        let unit = if self.in_bracket { 1 } else { 2 };
        let halves = if body == ";" { 2 * unit } else { unit };
        self.anga += halves;
        let place = match body {
            "," | ";" => self.hold(halves).map(|()| None)?,
            "_" => self.rest(halves),
            _ => {
                let note = self.swara(body)?;
                self.drafts.push(Draft { note, halves });
                Some(self.drafts.len() - 1)
            }
        };
        if let Above::Tokens(places) = &mut self.above {
            places.push(place);
        }
        Ok(())
    }

    /// Karvai: the note before goes on; at the beginning of a row as a held note of its own.
    fn hold(&mut self, halves: u32) -> Result<(), Reason> {
        let inside = self.drafts.len() > self.row_start;
        match self.drafts.last_mut() {
            Some(last) if last.note.is_rest() => Err(Reason::NothingToHold),
            Some(last) if inside => {
                last.halves += halves;
                Ok(())
            }
            Some(_) => {
                self.drafts.push(Draft { note: Note::held(0), halves });
                Ok(())
            }
            None => Err(Reason::NothingToHold),
        }
    }

    fn rest(&mut self, halves: u32) -> Option<usize> {
        let inside = self.drafts.len() > self.row_start;
        match self.drafts.last_mut() {
            Some(last) if inside && last.note.is_rest() => last.halves += halves,
            _ => self.drafts.push(Draft { note: Note::rest(0), halves }),
        }
        None
    }

    fn swara(&self, body: &str) -> Result<Note, Reason> {
        let unknown = || Reason::Unknown(body.chars().take(12).collect());
        let mut letters = body.chars();
        let letter = letters.next().map(|letter| letter.to_ascii_uppercase()).ok_or_else(unknown)?;
        if !"SRGMPDN".contains(letter) {
            return Err(unknown());
        }
        let rest = letters.as_str();
        let number = rest.chars().next().filter(char::is_ascii_digit);
        let octave = match &rest[number.map_or(0, char::len_utf8)..] {
            "" => 0,
            "'" => 1,
            "''" => 2,
            "." => -1,
            ".." => -2,
            far if far.chars().all(|mark| matches!(mark, '\'' | '.')) => return Err(Reason::OctaveTooFar),
            _ => return Err(unknown()),
        };
        let swara = match number {
            Some(number) => self.numbered(&format!("{letter}{number}"), unknown)?,
            None => self.alone(letter)?,
        };
        Ok(Note::sung(swara, octave, 0))
    }

    fn numbered(&self, name: &str, unknown: impl Fn() -> Reason) -> Result<Swara, Reason> {
        let swara: Swara = name.parse().map_err(|_| unknown())?;
        if self.frame.swaras.contains(&swara) { Ok(swara) } else { Err(Reason::Foreign(name.to_owned())) }
    }

    /// The swara of the raga that a letter alone means.
    fn alone(&self, letter: char) -> Result<Swara, Reason> {
        let fitting: Vec<Swara> =
            self.frame.swaras.iter().copied().filter(|swara| swara.degree() == letter).collect();
        match fitting[..] {
            [] => Err(Reason::Foreign(letter.to_string())),
            [one] => Ok(one),
            _ => {
                let names = fitting.iter().map(Swara::to_string).collect::<Vec<_>>().join(" and ");
                Err(Reason::Ambiguous(letter.to_ascii_lowercase(), names))
            }
        }
    }

    /// The end of an anga.
    fn bar(&mut self) -> Result<(), Reason> {
        if self.angas_done + 1 >= self.frame.angas.len() {
            return Err(Reason::TooManyAngas(self.frame.angas.len()));
        }
        self.close_anga()
    }

    fn close_anga(&mut self) -> Result<(), Reason> {
        let beats = self.frame.angas.get(self.angas_done).copied().unwrap_or(0);
        let units = u32::from(units_per_beat(self.speed, self.frame.gati).unwrap_or(1));
        let expected = u32::from(beats) * u32::from(self.frame.kalai) * units;
        let found = std::mem::take(&mut self.anga);
        self.angas_done += 1;
        if found == expected * 2 {
            return Ok(());
        }
        // Half a unit too much is told as a whole one.
        Err(Reason::BarMisplaced { expected, found: found.div_ceil(2) })
    }

    /// The end of an avartanam.
    fn row(&mut self) -> Result<(), Reason> {
        let (found, expected) = (self.angas_done + 1, self.frame.angas.len());
        let filled =
            if found == expected { self.close_anga() } else { Err(Reason::AngaMissing { expected, found }) };
        (self.anga, self.angas_done) = (0, 0);
        let closed = self.close_row();
        filled.and(closed)
    }

    fn close_row(&mut self) -> Result<(), Reason> {
        self.row_start = self.drafts.len();
        let halved = std::mem::take(&mut self.has_bracket);
        let units = units_per_beat(self.speed + u8::from(halved), self.frame.gati);
        self.rows.push(Closed {
            end: self.row_start,
            units_per_beat: units.unwrap_or(1),
            halves_per_unit: if halved { 1 } else { 2 },
        });
        if std::mem::take(&mut self.in_bracket) {
            Err(Reason::Bracket)
        } else if units.is_none() {
            Err(Reason::TooFast)
        } else if self.rows.len() > Notation::ROWS_MAX {
            Err(Reason::TooManyRows)
        } else {
            Ok(())
        }
    }

    /// The words under the line of swaras before.
    fn sahitya(&mut self, line: usize, words: &[Word<'_>]) {
        let places = match std::mem::replace(&mut self.above, Above::Nothing) {
            Above::Nothing => return self.mistake(line, 1, Reason::WordsAlone),
            Above::Broken => return,
            Above::Tokens(places) => places,
        };
        let syllables = words.iter().filter(|word| !matches!(word.text, "|" | "||"));
        for (at, word) in syllables.enumerate() {
            if let Err(reason) = self.syllable(&places, at, word.text) {
                self.mistake(line, word.column, reason);
            }
        }
    }

    fn syllable(&mut self, places: &[Option<usize>], at: usize, text: &str) -> Result<(), Reason> {
        let place = places.get(at).ok_or(Reason::WordTooMany(places.len()))?;
        if text == "." {
            return Ok(());
        }
        if text.len() > Notation::SYLLABLE_BYTES_MAX {
            return Err(Reason::WordTooLong);
        }
        let draft = place.and_then(|place| self.drafts.get_mut(place));
        draft.ok_or_else(|| Reason::WordMisplaced(text.to_owned()))?.note.syllable = Some(text.to_owned());
        Ok(())
    }

    fn finish(mut self, last_line: usize) -> Result<Vec<Row>, Vec<Mistake>> {
        if self.is_inside() {
            self.mistake(last_line, 1, Reason::Unfinished);
        } else if self.rows.is_empty() {
            self.mistake(last_line, 1, Reason::Empty);
        }
        if !self.mistakes.is_empty() {
            return Err(self.mistakes);
        }
        let mut drafts = self.drafts.into_iter();
        let mut start = 0;
        let finished = |row: Closed| {
            let count = row.end - std::mem::replace(&mut start, row.end);
            let notes =
                drafts.by_ref().take(count).map(|draft| draft.finished(row.halves_per_unit)).collect();
            Row { units_per_beat: row.units_per_beat, notes }
        };
        Ok(self.rows.into_iter().map(finished).collect())
    }
}

impl Draft {
    fn finished(self, halves_per_unit: u32) -> Note {
        let length = u16::try_from(self.halves / halves_per_unit).unwrap_or(u16::MAX);
        Note { length, ..self.note }
    }
}

fn words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    for (column, (byte, letter)) in (1..).zip(line.char_indices()) {
        match (letter.is_whitespace(), start) {
            (false, None) => start = Some((column, byte)),
            (true, Some((column, from))) => {
                words.push(Word { column, text: &line[from..byte] });
                start = None;
            }
            _ => {}
        }
    }
    if let Some((column, from)) = start {
        words.push(Word { column, text: &line[from..] });
    }
    words
}
