//! Swaras and scales.
//!
//! A line of a scale is written in swaras with white space between them: `S R2 G3 P D2 S`. The octave may
//! be marked: `S'` or a dot above the letter for the upper one, `N3,` or a dot below for the lower one.
//! A note of phrases stands in brackets: `(G3)`. Nothing else is read; a mistake is named with its column.
//!
//! Octaves of a line without marks are those that make it smoothest, by the sum of its steps in half tones; of
//! two that are equally smooth, those with fewer notes outside the middle octave. An S that begins an
//! arohana is the middle one and an S that ends it the upper one; in an avarohana it is the other way
//! round. In a line with any mark, a note without one is in the middle octave.

use crate::music::swara_set::SwaraSet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// The sixteen names of the twelve positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Swara {
    S,
    R1,
    R2,
    R3,
    G1,
    G2,
    G3,
    M1,
    M2,
    P,
    D1,
    D2,
    D3,
    N1,
    N2,
    N3,
}

/// One step of an arohana or avarohana.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleToken {
    pub swara: Swara,
    /// −1 below the middle octave, +1 above it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub octave: i8,
    /// A note of phrases, outside the plain line.
    #[serde(default, skip_serializing_if = "crate::name::is_false")]
    pub prayoga: bool,
}

/// The two directions of a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Motion {
    /// Upwards.
    Arohana,
    /// Downwards.
    Avarohana,
}

/// How many of the seven degrees a direction uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScaleJati {
    /// Four.
    Svarantara,
    /// Five.
    Audava,
    /// Six.
    Shadava,
    /// Seven.
    Sampurna,
}

/// The most notes of one direction.
pub const TOKENS_MAX: usize = 64;

/// Where a text stops being a scale, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {reason}")]
pub struct ScaleError {
    /// Of the character, from 1.
    pub column: usize,
    pub reason: ScaleMistake,
}

/// What is wrong with a text that should be a scale.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScaleMistake {
    /// Nothing but white space.
    #[error("a scale needs at least one swara")]
    Empty,
    /// R, G, M, D or N alone.
    #[error("`{0}` needs its number, as in `{0}1`")]
    NumberMissing(char),
    /// S or P with a number, or a number that the letter does not have.
    #[error("`{0}` is not one of the sixteen swaras")]
    UnknownSwara(String),
    /// Two swaras without a space between them, as `SR1`.
    #[error("a space is missing before `{0}`")]
    SpaceMissing(char),
    /// A bracket that is never closed.
    #[error("the bracket is not closed")]
    BracketOpen,
    /// Anything that no scale has.
    #[error("`{0}` cannot stand in a scale")]
    Unexpected(char),
    /// More than [`TOKENS_MAX`] swaras, or far more characters than they need.
    #[error("a line of a scale has at most {TOKENS_MAX} swaras")]
    TooLong,
}

impl Swara {
    /// All sixteen, from S up.
    pub const ALL: [Self; 16] = [
        Self::S,
        Self::R1,
        Self::R2,
        Self::R3,
        Self::G1,
        Self::G2,
        Self::G3,
        Self::M1,
        Self::M2,
        Self::P,
        Self::D1,
        Self::D2,
        Self::D3,
        Self::N1,
        Self::N2,
        Self::N3,
    ];

    /// The name: `R2`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
            Self::G1 => "G1",
            Self::G2 => "G2",
            Self::G3 => "G3",
            Self::M1 => "M1",
            Self::M2 => "M2",
            Self::P => "P",
            Self::D1 => "D1",
            Self::D2 => "D2",
            Self::D3 => "D3",
            Self::N1 => "N1",
            Self::N2 => "N2",
            Self::N3 => "N3",
        }
    }

    /// Half tones above S, 0..=11. R2 and G1 share one, as do R3 and G2, D2 and N1, D3 and N2.
    pub const fn position(self) -> u8 {
        match self {
            Self::S => 0,
            Self::R1 => 1,
            Self::R2 | Self::G1 => 2,
            Self::R3 | Self::G2 => 3,
            Self::G3 => 4,
            Self::M1 => 5,
            Self::M2 => 6,
            Self::P => 7,
            Self::D1 => 8,
            Self::D2 | Self::N1 => 9,
            Self::D3 | Self::N2 => 10,
            Self::N3 => 11,
        }
    }

    /// The degree: S, R, G, M, P, D or N.
    pub fn degree(self) -> char {
        self.as_str().chars().next().unwrap_or('S')
    }
}

impl fmt::Display for Swara {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Swara {
    type Err = ScaleMistake;

    fn from_str(text: &str) -> Result<Self, ScaleMistake> {
        let known = Self::ALL.into_iter().find(|swara| swara.as_str() == text);
        known.ok_or_else(|| match text {
            "R" | "G" | "M" | "D" | "N" => ScaleMistake::NumberMissing(text.chars().next().unwrap_or('R')),
            _ => ScaleMistake::UnknownSwara(text.chars().take(8).collect()),
        })
    }
}

impl ScaleToken {
    /// A note of the middle octave, in the plain line.
    pub const fn plain(swara: Swara) -> Self {
        Self { swara, octave: 0, prayoga: false }
    }

    /// Half tones above the middle S; negative below it.
    pub const fn pitch(self) -> i16 {
        self.octave as i16 * 12 + self.swara.position() as i16
    }
}

impl fmt::Display for ScaleToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.octave {
            ..0 => ",",
            0 => "",
            1.. => "'",
        };
        if self.prayoga {
            write!(formatter, "({}{mark})", self.swara)
        } else {
            write!(formatter, "{}{mark}", self.swara)
        }
    }
}

/// A line as people write it: `S R2 G3 P D2 S'`.
pub fn display(line: &[ScaleToken]) -> String {
    line.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Reads one line of a scale; see the top of this file for what is accepted.
pub fn parse(text: &str, motion: Motion) -> Result<Vec<ScaleToken>, ScaleError> {
    let notes = Scanner::new(text).notes()?;
    let octaves = if notes.iter().any(|note| note.mark.is_some()) {
        notes.iter().map(|note| note.mark.unwrap_or(0)).collect()
    } else {
        smoothest(&notes, motion)
    };
    let token = |(note, octave): (&Note, i8)| ScaleToken { swara: note.swara, octave, prayoga: note.prayoga };
    Ok(notes.iter().zip(octaves).map(token).collect())
}

/// Not monotone in its direction; notes of phrases do not count.
pub fn is_vakra(line: &[ScaleToken], motion: Motion) -> bool {
    let pitches: Vec<i16> = plain(line).map(|token| token.pitch()).collect();
    !match motion {
        Motion::Arohana => pitches.is_sorted_by(|earlier, later| earlier < later),
        Motion::Avarohana => pitches.is_sorted_by(|earlier, later| earlier > later),
    }
}

/// How many of the seven degrees the plain line uses; none below four.
pub fn jati(line: &[ScaleToken]) -> Option<ScaleJati> {
    let degrees: std::collections::BTreeSet<_> = plain(line).map(|token| token.swara.degree()).collect();
    match degrees.len() {
        4 => Some(ScaleJati::Svarantara),
        5 => Some(ScaleJati::Audava),
        6 => Some(ScaleJati::Shadava),
        7 => Some(ScaleJati::Sampurna),
        _ => None,
    }
}

/// The pitch classes of the plain line.
pub fn swara_set(line: &[ScaleToken]) -> SwaraSet {
    plain(line).map(|token| token.swara).collect()
}

fn plain(line: &[ScaleToken]) -> impl Iterator<Item = &ScaleToken> {
    line.iter().filter(|token| !token.prayoga)
}

/// Octaves of a line without marks, by the rule at the top of this file.
fn smoothest(notes: &[Note], motion: Motion) -> Vec<i8> {
    /// In the order of preference.
    const OCTAVES: [i8; 3] = [0, 1, -1];
    /// Half tones walked so far, notes outside the middle octave so far.
    type Cost = (i32, i32);

    // For each note and octave: the least cost to get there, and the octave before on that way.
    let mut ways: Vec<[Option<(Cost, usize)>; 3]> = Vec::with_capacity(notes.len());
    for (index, note) in notes.iter().enumerate() {
        let mut here = [None; 3];
        for (choice, octave) in OCTAVES.into_iter().enumerate() {
            if fixed_octave(notes, index, motion).is_some_and(|fixed| fixed != octave) {
                continue;
            }
            let outside = i32::from(octave != 0);
            let pitch = |swara: Swara, octave: i8| i32::from(octave) * 12 + i32::from(swara.position());
            here[choice] = match index.checked_sub(1) {
                None => Some(((0, outside), 0)),
                Some(before) => (0..OCTAVES.len())
                    .filter_map(|from| {
                        let ((walked, strayed), _) = ways[before][from]?;
                        let step = pitch(note.swara, octave) - pitch(notes[before].swara, OCTAVES[from]);
                        Some(((walked + step.abs(), strayed + outside), from))
                    })
                    .min(),
            };
        }
        ways.push(here);
    }

    let ends = ways.last().into_iter().flatten().enumerate();
    let best = ends.filter_map(|(choice, way)| way.map(|(cost, _)| (cost, choice))).min();
    let mut choice = best.map_or(0, |(_, choice)| choice);
    let mut octaves: Vec<i8> = ways
        .iter()
        .rev()
        .map(|here| {
            let octave = OCTAVES[choice];
            choice = here[choice].map_or(0, |(_, from)| from);
            octave
        })
        .collect();
    octaves.reverse();
    octaves
}

/// The octave of an S that begins or ends a line.
fn fixed_octave(notes: &[Note], index: usize, motion: Motion) -> Option<i8> {
    if notes[index].swara != Swara::S {
        return None;
    }
    match (motion, index == 0, index + 1 == notes.len()) {
        (_, true, true) => Some(0),
        (Motion::Arohana, true, _) | (Motion::Avarohana, _, true) => Some(0),
        (Motion::Arohana, _, true) | (Motion::Avarohana, true, _) => Some(1),
        _ => None,
    }
}

/// A swara as it was written.
struct Note {
    swara: Swara,
    mark: Option<i8>,
    prayoga: bool,
}

struct Scanner {
    characters: Vec<char>,
    at: usize,
}

impl Scanner {
    /// Longer texts are refused at the character after.
    const CHARACTERS_MAX: usize = TOKENS_MAX * 16;

    fn new(text: &str) -> Self {
        Self { characters: text.chars().take(Self::CHARACTERS_MAX + 1).collect(), at: 0 }
    }

    fn notes(mut self) -> Result<Vec<Note>, ScaleError> {
        let mut notes = Vec::new();
        loop {
            let spaced = self.skip_space();
            let Some(next) = self.peek() else { break };
            if !spaced && !notes.is_empty() {
                let reason = if next.is_ascii_uppercase() || next == '(' {
                    ScaleMistake::SpaceMissing(next)
                } else {
                    ScaleMistake::Unexpected(next)
                };
                return Err(self.error(reason));
            }
            if notes.len() == TOKENS_MAX || self.characters.len() > Self::CHARACTERS_MAX {
                return Err(self.error(ScaleMistake::TooLong));
            }
            notes.push(self.note()?);
        }
        if notes.is_empty() {
            return Err(ScaleError { column: 1, reason: ScaleMistake::Empty });
        }
        Ok(notes)
    }

    fn note(&mut self) -> Result<Note, ScaleError> {
        let column = self.at + 1;
        let prayoga = self.take('(');
        let (letter, dotted) = self.letter()?;
        let mut name = String::from(letter);
        if let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            name.push(digit);
            self.at += 1;
        }
        let swara = name.parse().map_err(|reason| ScaleError { column, reason })?;
        let mark = dotted.or_else(|| self.mark());
        if prayoga && !self.take(')') {
            return Err(self.error(ScaleMistake::BracketOpen));
        }
        Ok(Note { swara, mark, prayoga })
    }

    /// A letter with the dot that may stand above or below it.
    fn letter(&mut self) -> Result<(char, Option<i8>), ScaleError> {
        let written = self.peek().unwrap_or(' ');
        let (letter, precomposed) = match written {
            'S' | 'R' | 'G' | 'M' | 'P' | 'D' | 'N' => (written, None),
            'Ṣ' => ('S', Some(-1)),
            'Ṛ' => ('R', Some(-1)),
            'Ṃ' => ('M', Some(-1)),
            'Ḍ' => ('D', Some(-1)),
            'Ṇ' => ('N', Some(-1)),
            'Ṡ' => ('S', Some(1)),
            'Ṙ' => ('R', Some(1)),
            'Ġ' => ('G', Some(1)),
            'Ṁ' => ('M', Some(1)),
            'Ṗ' => ('P', Some(1)),
            'Ḋ' => ('D', Some(1)),
            'Ṅ' => ('N', Some(1)),
            other => return Err(self.error(ScaleMistake::Unexpected(other))),
        };
        self.at += 1;
        let dot = match self.peek() {
            Some('\u{323}') => Some(-1),
            Some('\u{307}') => Some(1),
            _ => None,
        };
        self.at += usize::from(dot.is_some());
        Ok((letter, precomposed.or(dot)))
    }

    fn mark(&mut self) -> Option<i8> {
        if self.take('\'') {
            Some(1)
        } else if self.take(',') {
            Some(-1)
        } else {
            None
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        self.at > start
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    const fn error(&self, reason: ScaleMistake) -> ScaleError {
        ScaleError { column: self.at + 1, reason }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn is_zero(octave: &i8) -> bool {
    *octave == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use Motion::{Arohana, Avarohana};
    use proptest::prelude::*;

    fn octaves(text: &str, motion: Motion) -> String {
        display(&parse(text, motion).unwrap())
    }

    #[test]
    fn a_plain_scale_ends_an_octave_above() {
        assert_eq!(octaves("S R2 G3 P D2 S", Arohana), "S R2 G3 P D2 S'");
        assert_eq!(octaves("S D2 P G3 R2 S", Avarohana), "S' D2 P G3 R2 S");
    }

    #[test]
    fn every_mela_is_read_back_from_its_plain_text() {
        use crate::music::melakarta::{arohana, avarohana};
        for number in 1..=72 {
            for (line, motion) in
                [(arohana(number).unwrap(), Arohana), (avarohana(number).unwrap(), Avarohana)]
            {
                let text = display(&line).replace('\'', "");
                assert_eq!(parse(&text, motion).unwrap(), line);
                assert!(!is_vakra(&line, motion));
                assert_eq!(jati(&line), Some(ScaleJati::Sampurna));
            }
        }
    }

    #[test]
    fn notes_below_and_above_the_octave_find_their_place() {
        assert_eq!(octaves("N3 S G3 M1 P N3 S", Arohana), "N3, S G3 M1 P N3 S'");
        assert_eq!(octaves("P D2 N3 S R2 G3 M1 P", Arohana), "P, D2, N3, S R2 G3 M1 P");
        assert_eq!(octaves("M1 G3 R2 S N3 D2 P", Avarohana), "M1 G3 R2 S N3, D2, P,");
        assert_eq!(octaves("R1 N3 D2 P M2 P G3 R1 S", Avarohana), "R1' N3 D2 P M2 P G3 R1 S");
        assert_eq!(
            octaves("S N2 D2 P M1 G3 R2 S N2 D2 N2 S", Avarohana),
            "S' N2 D2 P M1 G3 R2 S N2, D2, N2, S"
        );
        assert_eq!(octaves("S N1 D1 M1 G3 R2", Avarohana), "S' N1 D1 M1 G3 R2");
        assert_eq!(octaves("S D2 N2 R2 S R2 G3", Arohana), "S D2, N2, R2 S R2 G3");
        assert_eq!(octaves("S P M2 P D2 N3 S", Arohana), "S P M2 P D2 N3 S'");
        assert_eq!(octaves("N3 R1 G2 M2 D1 N3 S", Arohana), "N3, R1 G2 M2 D1 N3 S'");
        assert_eq!(octaves("S G3 P R2 M1 D2 S", Arohana), "S G3 P R2 M1 D2 S'");
        assert_eq!(octaves("S N2 S P D1 M1 P R1 G2 R1 S", Avarohana), "S' N2 S' P D1 M1 P R1 G2 R1 S");
        assert_eq!(octaves("R2 S N2 S D2 P M1 R2 S", Avarohana), "R2' S' N2 S' D2 P M1 R2 S");
        assert_eq!(octaves("S", Arohana), "S");
    }

    #[test]
    fn marks_win_over_the_rule() {
        assert_eq!(octaves("G̣2 P̣ Ṇ3 S R2 G2 M1 P D1", Arohana), "G2, P, N3, S R2 G2 M1 P D1");
        assert_eq!(octaves("S R2 S' (G3)", Arohana), "S R2 S' (G3)");
        assert!(parse("(G3)", Arohana).unwrap()[0].prayoga);
    }

    #[test]
    fn mistakes_are_named_with_their_column() {
        let cases = [
            ("", 1, ScaleMistake::Empty),
            (" \t", 1, ScaleMistake::Empty),
            ("SR1G1M1PD1S", 2, ScaleMistake::SpaceMissing('R')),
            ("S R1 SS R1 S", 7, ScaleMistake::SpaceMissing('S')),
            ("S M1 G3 M1 D N3 S", 12, ScaleMistake::NumberMissing('D')),
            ("S N2 S(ANya SwaRa*: R2)", 7, ScaleMistake::SpaceMissing('(')),
            ("S N2 S (ANya SwaRa*: R2)", 9, ScaleMistake::Unexpected('A')),
            ("S*M1", 2, ScaleMistake::Unexpected('*')),
            ("S R4", 3, ScaleMistake::UnknownSwara("R4".into())),
            ("S P1", 3, ScaleMistake::UnknownSwara("P1".into())),
            ("S X", 3, ScaleMistake::Unexpected('X')),
            ("S R2 /", 6, ScaleMistake::Unexpected('/')),
            ("s r2", 1, ScaleMistake::Unexpected('s')),
            ("S (G3", 6, ScaleMistake::BracketOpen),
            ("S {Hindustani}", 3, ScaleMistake::Unexpected('{')),
        ];
        for (text, column, reason) in cases {
            assert_eq!(parse(text, Arohana), Err(ScaleError { column, reason }), "{text}");
        }
        let padded = format!("S{}X", " ".repeat(5_000));
        assert_eq!(parse(&padded, Arohana).unwrap_err().reason, ScaleMistake::TooLong);
        let endless = "S ".repeat(100_000);
        assert_eq!(parse(&endless, Arohana).unwrap_err().reason, ScaleMistake::TooLong);
    }

    #[test]
    fn a_line_that_turns_is_vakra() {
        let turns = parse("S G2 R2 G2 M1 P N2 S", Arohana).unwrap();
        assert!(is_vakra(&turns, Arohana));
        let prayoga = parse("S R2 G3 (R2) P D2 S", Arohana).unwrap();
        assert!(!is_vakra(&prayoga[..5], Arohana));
    }

    #[test]
    fn jati_counts_degrees() {
        let jati_of = |text| jati(&parse(text, Arohana).unwrap());
        assert_eq!(jati_of("S R2 G3 P D2 S"), Some(ScaleJati::Audava));
        assert_eq!(jati_of("S G3 P N3 S"), Some(ScaleJati::Svarantara));
        assert_eq!(jati_of("S R2 G2 G3 P D2 S"), Some(ScaleJati::Audava));
        assert_eq!(jati_of("S P"), None);
    }

    fn token() -> impl Strategy<Value = ScaleToken> {
        (0..16_usize, -1..=1_i8, any::<bool>()).prop_map(|(index, octave, prayoga)| ScaleToken {
            swara: Swara::ALL[index],
            octave,
            prayoga,
        })
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,80}") {
            let _ = parse(&text, Arohana);
            let _ = parse(&text, Avarohana);
        }

        #[test]
        fn a_marked_line_survives_writing_and_reading(line in proptest::collection::vec(token(), 1..TOKENS_MAX)) {
            let read = parse(&display(&line), Arohana);
            if line.iter().any(|token| token.octave != 0) {
                prop_assert_eq!(read.unwrap(), line);
            } else {
                let swaras = |line: &[ScaleToken]| line.iter().map(|token| token.swara).collect::<Vec<_>>();
                prop_assert_eq!(swaras(&read.unwrap()), swaras(&line));
            }
        }
    }
}
