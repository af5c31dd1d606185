//! From rows to text.

use super::Frame;
use crate::composition::notation::{Note, Row, speed};
use crate::music::scale::Swara;
use std::fmt::Write;

/// The text of `rows`, one avartanam a line with its words beneath. Reading it against the same frame gives
/// the rows back, if they keep to the rules of a notation.
pub fn write(rows: &[Row], frame: &Frame) -> String {
    let mut text = String::new();
    let mut current = 1;
    for row in rows {
        let wanted = speed(row.units_per_beat, frame.gati).unwrap_or(1);
        if wanted != current {
            // Writing to a string does not fail.
            let _ = writeln!(text, "speed {wanted}");
            current = wanted;
        }
        Line::of(row, frame).append_to(&mut text);
    }
    text
}

struct Line {
    swaras: Vec<String>,
    words: Vec<String>,
    has_words: bool,
}

impl Line {
    fn of(row: &Row, frame: &Frame) -> Self {
        let mut line = Self { swaras: Vec::new(), words: vec![">".to_owned()], has_words: false };
        let bars = row.bars(&frame.angas, frame.kalai);
        for (index, bar) in bars.iter().enumerate() {
            for note in &bar.notes {
                line.note(note, frame);
            }
            let end = if index + 1 == bars.len() { "||" } else { "|" };
            line.token(end, end);
        }
        line
    }

    fn append_to(self, text: &mut String) {
        *text += &self.swaras.join(" ");
        text.push('\n');
        if self.has_words {
            *text += &self.words.join(" ");
            text.push('\n');
        }
    }

    fn note(&mut self, note: &Note, frame: &Frame) {
        let (first, next) = match note.swara {
            Some(swara) => (sung(swara, note.octave, frame), ","),
            None if note.held => (",".to_owned(), ","),
            None => ("_".to_owned(), "_"),
        };
        self.has_words |= note.syllable.is_some();
        self.token(&first, note.syllable.as_deref().unwrap_or("."));
        for _ in 1..note.length {
            self.token(next, ".");
        }
    }

    fn token(&mut self, swara: &str, word: &str) {
        self.swaras.push(swara.to_owned());
        self.words.push(word.to_owned());
    }
}

/// The letter, with its number only where the raga has several.
fn sung(swara: Swara, octave: i8, frame: &Frame) -> String {
    let degree = swara.degree();
    let is_alone = frame.swaras.iter().filter(|other| other.degree() == degree).count() == 1;
    let mut name = swara.as_str().to_ascii_lowercase();
    if is_alone {
        name.truncate(1);
    }
    let mark = if octave > 0 { "'" } else { "." };
    name + &mark.repeat(usize::from(octave.unsigned_abs()))
}
