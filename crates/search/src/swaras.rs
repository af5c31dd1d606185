//! Patterns of swaras: how they are typed, and the terms by which a notation that holds them is found.
//!
//! A notation is indexed by every run of three to eight swaras of a section, once with their numbers
//! (`SR2G3`) and once by their letters alone (`SRG`): octaves, lengths, rests and bars do not count. A
//! pattern is one such run, a longer one all its runs of eight.

use crate::document::SwaraSection;
use domain::music::Swara;
use lipi::Script;
use std::fmt;
use std::ops::Range;

/// Fewest and most swaras of one term.
const RUN: std::ops::RangeInclusive<usize> = 3..=8;

/// Swaras that follow each other, all with their numbers or all without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwaraPattern(Vec<Sung>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sung {
    /// Any variety of this letter.
    Degree(char),
    /// This one.
    Swara(Swara),
}

/// Why a text is no pattern of swaras.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwaraMistake {
    /// A sign that no swara is written with.
    #[error("`{0}` is no swara")]
    Unexpected(char),
    /// A number that the letter does not have.
    #[error("`{0}` is not one of the sixteen swaras")]
    Unknown(String),
    /// Fewer than [`SwaraPattern::LENGTH_MIN`] or more than [`SwaraPattern::LENGTH_MAX`].
    #[error("a pattern has {} to {} swaras", SwaraPattern::LENGTH_MIN, SwaraPattern::LENGTH_MAX)]
    Length,
    /// Some with a number, some without.
    #[error("either every R, G, M, D and N has its number, or none has")]
    Mixed,
}

impl SwaraPattern {
    /// Fewest swaras: shorter ones are in everything.
    pub const LENGTH_MIN: usize = *RUN.start();
    /// Most swaras.
    pub const LENGTH_MAX: usize = 16;

    /// Reads `S R2 G3`, `srgm`, `sa ri ga ma`, `స రి గ మ`: octave marks, bars and commas are passed over.
    pub fn parse(text: &str) -> Result<Self, SwaraMistake> {
        let letters = letters(text);
        let mut rest = letters.as_slice();
        let mut sung = Vec::new();
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            if is_between(*first) {
                continue;
            }
            let (one, behind) = swara(*first, behind)?;
            sung.push(one);
            rest = behind;
            if sung.len() > Self::LENGTH_MAX {
                return Err(SwaraMistake::Length);
            }
        }
        Self::of(sung)
    }

    fn of(sung: Vec<Sung>) -> Result<Self, SwaraMistake> {
        if sung.len() < Self::LENGTH_MIN {
            return Err(SwaraMistake::Length);
        }
        let numbered = |one: &Sung| matches!(one, Sung::Swara(swara) if !is_plain(swara.degree()));
        let bare = |one: &Sung| matches!(one, Sung::Degree(degree) if !is_plain(*degree));
        if sung.iter().any(numbered) && sung.iter().any(bare) {
            return Err(SwaraMistake::Mixed);
        }
        Ok(Self(sung))
    }

    /// Whether a text that is a pattern can hardly be a word: its letters stand alone, by spaces or without vowels,
    /// or have numbers.
    pub fn is_nothing_else(text: &str) -> bool {
        let is_vowel = |letter: &char| matches!(letter, 'a' | 'ā' | 'i' | 'ī');
        let is_one = |word: &[char]| word.iter().filter(|letter| "srgmpdn".contains(**letter)).count() <= 1;
        let letters = letters(text);
        letters.iter().any(char::is_ascii_digit)
            || !letters.iter().any(is_vowel)
            || letters.split(|letter| is_between(*letter)).all(is_one)
    }

    /// How many swaras it has.
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// The terms that a notation must all have.
    pub(crate) fn terms(&self) -> Vec<String> {
        self.0.windows(self.0.len().min(*RUN.end())).map(|run| run.iter().map(Sung::term).collect()).collect()
    }

    /// Where it begins in a sequence.
    pub fn begins_in(&self, sequence: &[Swara]) -> Option<usize> {
        let is_sung = |run: &[Swara]| run.iter().zip(&self.0).all(|(swara, one)| one.is(*swara));
        sequence.windows(self.0.len()).position(is_sung)
    }

    /// The first place in a notation where it is sung: the section, the number of the avartanam in which it
    /// begins (from 1), the swaras of all that it touches, and where in that text each of its own stands.
    pub(crate) fn place<'a>(
        &self,
        sections: &'a [SwaraSection],
    ) -> Option<(&'a SwaraSection, usize, String, Vec<Range<usize>>)> {
        sections.iter().find_map(|section| {
            let sequence: Vec<Swara> = section.rows.iter().flatten().copied().collect();
            let from = self.begins_in(&sequence)?;
            let (row, text, ranges) = shown(&section.rows, from..from + self.0.len());
            Some((section, row, text, ranges))
        })
    }
}

impl fmt::Display for SwaraPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms: Vec<String> = self.0.iter().map(Sung::term).collect();
        formatter.write_str(&terms.join(" "))
    }
}

impl Sung {
    fn term(&self) -> String {
        match self {
            Self::Degree(degree) => degree.to_string(),
            Self::Swara(swara) => swara.as_str().to_owned(),
        }
    }

    fn is(self, swara: Swara) -> bool {
        match self {
            Self::Degree(degree) => swara.degree() == degree,
            Self::Swara(wanted) => wanted == swara,
        }
    }
}

/// Every term of the swaras of one section.
pub(crate) fn terms(rows: &[Vec<Swara>]) -> impl Iterator<Item = String> {
    let sequence: Vec<Swara> = rows.iter().flatten().copied().collect();
    let runs: Vec<String> = RUN
        .flat_map(|length| {
            sequence
                .windows(length)
                .flat_map(|run| [spelled(run), run.iter().map(|it| it.degree()).collect()])
                .collect::<Vec<String>>()
        })
        .collect();
    runs.into_iter()
}

fn spelled(run: &[Swara]) -> String {
    run.iter().map(|swara| swara.as_str()).collect()
}

/// The rows that a stretch of the sequence touches, as text.
fn shown(rows: &[Vec<Swara>], wanted: Range<usize>) -> (usize, String, Vec<Range<usize>>) {
    let (mut at, mut first, mut text, mut ranges) = (0, 0, String::new(), Vec::new());
    for (number, row) in (1..).zip(rows) {
        let its = at..at + row.len();
        at = its.end;
        if its.end <= wanted.start || its.start >= wanted.end {
            continue;
        }
        if text.is_empty() {
            first = number;
        }
        for (place, swara) in its.zip(row) {
            if !text.is_empty() {
                text.push(' ');
            }
            let from = text.len();
            text.push_str(swara.as_str());
            if wanted.contains(&place) {
                ranges.push(from..text.len());
            }
        }
    }
    (first, text, ranges)
}

/// The text in small Latin letters. Tamil writes one letter for a voiced sound and its voiceless one.
fn letters(text: &str) -> Vec<char> {
    let script = lipi::script_of(text);
    let iso = lipi::to_iso15919(text, script).to_lowercase();
    let plain = |letter| match letter {
        'k' if script == Script::Tamil => 'g',
        't' if script == Script::Tamil => 'd',
        'c' | 'ś' if script == Script::Tamil => 's',
        'ṉ' => 'n',
        other => other,
    };
    iso.chars().map(plain).collect()
}

/// Spaces, bars, commas and marks of the octave.
fn is_between(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, ',' | ';' | '-' | '+' | '|' | '.' | '\'' | '’' | '`' | ':' | '(' | ')')
}

/// One swara and what stands behind it: its letter, perhaps said as a syllable, perhaps with a number.
fn swara(letter: char, mut rest: &[char]) -> Result<(Sung, &[char]), SwaraMistake> {
    if !"srgmpdn".contains(letter) {
        return Err(SwaraMistake::Unexpected(letter));
    }
    let degree = letter.to_ascii_uppercase();
    rest = rest.strip_prefix(&['h']).filter(|_| letter == 'd').unwrap_or(rest);
    if let [vowel, behind @ ..] = rest
        && matches!(vowel, 'a' | 'ā' | 'i' | 'ī')
    {
        rest = behind;
    }
    if let [number, behind @ ..] = rest
        && number.is_ascii_digit()
    {
        let name = format!("{degree}{number}");
        let swara = name.parse().map_err(|_| SwaraMistake::Unknown(name))?;
        return Ok((Sung::Swara(swara), behind));
    }
    Ok((Sung::Degree(degree), rest))
}

const fn is_plain(degree: char) -> bool {
    matches!(degree, 'S' | 'P')
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn terms_of(text: &str) -> Vec<String> {
        SwaraPattern::parse(text).unwrap().terms()
    }

    #[test]
    fn a_pattern_is_typed_in_many_ways() {
        for text in
            ["s r g m", "SRGM", "sa ri ga ma", "sarigama", "స రి గ మ", "सरिगम", "ஸரிகம", "S, R | G. M'"]
        {
            assert_eq!(terms_of(text), ["SRGM"], "{text}");
        }
        assert_eq!(terms_of("S R2 G3 P dha2 S"), ["SR2G3PD2S"]);
    }

    #[test]
    fn a_pattern_is_written_as_it_can_be_read_again() {
        for (text, written) in [("srgpds", "S R G P D S"), ("స రి గ మ", "S R G M"), ("S R2 G3 P", "S R2 G3 P")]
        {
            let pattern = SwaraPattern::parse(text).unwrap();
            assert_eq!(
                (pattern.to_string().as_str(), pattern.length()),
                (written, written.split(' ').count())
            );
            assert_eq!(SwaraPattern::parse(written), Ok(pattern));
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_a_reason() {
        let mistake = |text: &str| SwaraPattern::parse(text).unwrap_err();
        assert_eq!(mistake("S R2 X"), SwaraMistake::Unexpected('x'));
        assert_eq!(mistake("S R4 G3"), SwaraMistake::Unknown("R4".to_owned()));
        assert_eq!(mistake("S2 R1 G1"), SwaraMistake::Unknown("S2".to_owned()));
        assert_eq!(mistake("S R2 G M1"), SwaraMistake::Mixed);
        assert_eq!(mistake("S R"), SwaraMistake::Length);
        assert_eq!(mistake(""), SwaraMistake::Length);
        assert_eq!(mistake(&"s r g ".repeat(100_000)), SwaraMistake::Length);
    }

    #[test]
    fn a_long_pattern_asks_for_all_its_runs() {
        let asked = terms_of("srgmpdns ndp");
        assert_eq!(asked.len(), 4);
        assert!(asked.iter().all(|term| term.len() == 8));
    }

    #[test]
    fn a_place_runs_over_the_bar_and_names_each_swara() {
        use Swara::{D2, G3, P, R2, S};
        let rows = vec![vec![S, S, S], vec![R2, G3], vec![P, D2]];
        let section = SwaraSection { section: Uuid::nil(), label: "pallavi".to_owned(), rows };
        let all: Vec<String> = terms(&section.rows).collect();
        let pattern = SwaraPattern::parse("R G P").unwrap();
        assert!(pattern.terms().iter().all(|term| all.contains(term)));
        let sections = [section];
        let (found, row, text, ranges) = pattern.place(&sections).unwrap();
        assert_eq!((found.label.as_str(), row, text.as_str()), ("pallavi", 2, "R2 G3 P D2"));
        assert_eq!(ranges, [0..2, 3..5, 6..7]);
        assert!(SwaraPattern::parse("R2 G3 D2").unwrap().place(&sections).is_none());
    }
}
