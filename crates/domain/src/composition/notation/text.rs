//! Notation as people type it.
//!
//! ```text
//! speed 1
//! m p | d s' s' r' || r' s' | d p m p ||
//! > śrī . | ga ṇa nā tha || si ndhū | . ra va rṇa ||
//! ```
//!
//! Swaras stand with spaces between them, each one unit long: `s r g m p d n`, with a number where the raga
//! has several (`d1`), with `'` for the octave above and `.` for the one below (twice for the next). `,`
//! prolongs what stands before it by a unit and `;` by two; `_` is a unit of silence. What stands in `( )` goes
//! at double speed. `|` ends an anga, `||` an avartanam, which may run over several lines.
//!
//! A line that begins with `>` has the words of the line above it: a syllable or a `.` for each of its tokens,
//! from the left; what is missing at the end is `.`. `speed 2` on a line of its own holds for the avartanams that
//! begin after it. A line that begins with `#` is a remark.

mod read;
mod write;

pub use read::parse;
pub use write::write;

use crate::music::raga::Raga;
use crate::music::scale::Swara;
use std::collections::BTreeSet;

/// The largest text of one section, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// The most mistakes of one text that are told.
const MISTAKES_MAX: usize = 20;

/// What a text is read against.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Beats of each anga.
    pub angas: Vec<u8>,
    pub kalai: u8,
    pub gati: u8,
    /// The swaras that may occur.
    pub swaras: BTreeSet<Swara>,
}

/// Where a text stops being a notation, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct Mistake {
    /// From 1.
    pub line: usize,
    /// Of the character, from 1.
    pub column: usize,
    pub reason: Reason,
}

/// What is wrong with a text that should be a notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// No avartanam at all.
    #[error("there is no avartanam")]
    Empty,
    /// More than [`TEXT_BYTES_MAX`].
    #[error("a notation of one section has at most {TEXT_BYTES_MAX} bytes")]
    TooLong,
    /// More avartanams than a section may have.
    #[error("a section has at most {} avartanams", super::Notation::ROWS_MAX)]
    TooManyRows,
    /// Something that is no token of a notation.
    #[error("`{0}` is no swara, karvai, rest or bar")]
    Unknown(String),
    /// A letter alone where the raga has several swaras of it.
    #[error("the raga has {1}: give `{0}` its number")]
    Ambiguous(char, String),
    /// A swara that is neither in the scale nor among the anya swaras.
    #[error("`{0}` is foreign to the raga")]
    Foreign(String),
    /// A note further than two octaves away.
    #[error("at most two octave marks")]
    OctaveTooFar,
    /// Karvai where nothing sounds.
    #[error("there is nothing to prolong")]
    NothingToHold,
    /// A bar at the wrong place.
    #[error("this anga has {expected} units and {found} are written")]
    BarMisplaced { expected: u32, found: u32 },
    /// The end of an avartanam before its last anga.
    #[error("the avartanam has {expected} angas and {found} are written")]
    AngaMissing { expected: usize, found: usize },
    /// More angas than the tala has.
    #[error("the avartanam has only {0} angas")]
    TooManyAngas(usize),
    /// The text ends inside an avartanam.
    #[error("the last avartanam is not closed with `||`")]
    Unfinished,
    /// A bracket without its other half.
    #[error("the brackets do not match")]
    Bracket,
    /// Double speed of a row that is already as fast as can be.
    #[error("no speed is faster than the fifth")]
    TooFast,
    /// `speed` without a number from 1 to 5.
    #[error("write `speed` and a number from 1 to 5")]
    BadSpeed,
    /// `speed` in the middle of an avartanam.
    #[error("the speed changes between avartanams only")]
    SpeedInside,
    /// A line of words under nothing.
    #[error("a line of words stands under a line of swaras")]
    WordsAlone,
    /// More words than swaras above them.
    #[error("there are {0} tokens above and this is one more")]
    WordTooMany(usize),
    /// A syllable under karvai, a rest or a bar.
    #[error("`{0}` stands under no swara; use `.` there")]
    WordMisplaced(String),
    /// A syllable with far too many letters.
    #[error("a syllable has at most {} bytes", super::Notation::SYLLABLE_BYTES_MAX)]
    WordTooLong,
}

impl Frame {
    /// The swaras of `raga`: its lines and its anya swaras; S belongs to every raga.
    pub fn swaras_of(raga: &Raga) -> BTreeSet<Swara> {
        let lines = raga.arohana.iter().chain(&raga.avarohana).map(|token| token.swara);
        lines.chain(raga.anya_swaras.iter().copied()).chain([Swara::S]).collect()
    }
}

#[cfg(test)]
mod tests;
