//! Words of a text, with their place in it.
//!
//! A word is a run of letters and marks with the joiners between them; viramas and vowel signs never cut
//! it. Apostrophes, dots, tildes and carets between two letters belong to the word, as transcriptions use
//! them as letters. Digits are words of their own, unless they are the pronunciation figures of a Tamil
//! text.

use crate::key::{clip, digits_key, fold_word};
use crate::script::{Scheme, Script};
use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// One word as the index sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The folded word; never empty.
    pub k1: String,
    /// Where the word stands in the original text, in bytes: what a highlight marks.
    pub bytes: Range<usize>,
    /// Number of words before it.
    pub position: u32,
}

/// The words of a text, folded, in order.
///
/// `hint` is the scheme of the Latin part when the field is known to be in one; a user's query has none.
/// Reads at most [`crate::TEXT_BYTES_MAX`] bytes. A word that folds to nothing (stray marks) is left out.
pub fn k1_tokens(text: &str, hint: Option<Scheme>) -> Vec<Token> {
    let text = clip(text);
    let mut tokens = Vec::new();
    for word in words(text) {
        let source = &text[word.bytes.clone()];
        let k1 = if word.digits { digits_key(source) } else { fold_word(source, hint) };
        if !k1.is_empty() {
            let position = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
            tokens.push(Token { k1, bytes: word.bytes, position });
        }
    }
    tokens
}

pub(crate) struct Word {
    pub(crate) bytes: Range<usize>,
    pub(crate) digits: bool,
}

/// The words of a text, before folding.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut open: Option<Word> = None;
    let mut before = '\0';
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|(_, next)| *next);
        let end = at + c.len_utf8();
        match class(c, before, next) {
            Class::Letter => extend(&mut words, &mut open, at..end, false),
            Class::Digit => extend(&mut words, &mut open, at..end, true),
            Class::Inner => {
                if let Some(word) = open.as_mut().filter(|word| !word.digits) {
                    word.bytes.end = end;
                }
            }
            Class::Break => words.extend(open.take()),
        }
        before = c;
    }
    words.extend(open);
    words
}

fn extend(words: &mut Vec<Word>, open: &mut Option<Word>, bytes: Range<usize>, digits: bool) {
    match open {
        Some(word) if word.digits == digits => word.bytes.end = bytes.end,
        _ => words.extend(open.replace(Word { bytes, digits })),
    }
}

enum Class {
    Letter,
    Digit,
    /// Part of an open word, begins none.
    Inner,
    Break,
}

fn class(c: char, before: char, next: Option<char>) -> Class {
    if c.is_numeric() {
        return if is_tamil_figure(c, before, next) { Class::Inner } else { Class::Digit };
    }
    if c.is_alphabetic() || is_combining_mark(c) {
        return Class::Letter;
    }
    let between_letters = is_letter(before) && next.is_some_and(is_letter);
    match c {
        '\u{200C}' | '\u{200D}' => Class::Inner,
        '\'' | '’' | '‘' | '`' | '~' | '^' | '.' if between_letters => Class::Inner,
        _ => Class::Break,
    }
}

fn is_letter(c: char) -> bool {
    (c.is_alphabetic() || is_combining_mark(c) || matches!(c, '\u{200C}' | '\u{200D}')) && !c.is_numeric()
}

/// The small figures 2 to 4 that tell k, kh, g and gh apart in Tamil texts; also a plain one that stands
/// alone right after a Tamil letter.
fn is_tamil_figure(c: char, before: char, next: Option<char>) -> bool {
    let after_tamil = Script::indic(before).is_some_and(|(script, _)| script == Script::Tamil);
    match c {
        '²' | '³' | '⁴' | '₂' | '₃' | '₄' => after_tamil,
        '2' | '3' | '4' => after_tamil && !before.is_numeric() && !next.is_some_and(char::is_numeric),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Vec<&str> {
        words(text).into_iter().map(|word| &text[word.bytes]).collect()
    }

    #[test]
    fn virama_and_marks_never_cut_a_word() {
        assert_eq!(sources("కల్యాణి కృష్ణా"), ["కల్యాణి", "కృష్ణా"]);
        assert_eq!(sources("कृष्णा kr\u{325}s\u{323}n\u{323}a"), ["कृष्णा", "kr\u{325}s\u{323}n\u{323}a"]);
        assert_eq!(sources("ക്ഷ്മാ அம்மா ಕೃಷ್ಣ"), ["ക്ഷ്മാ", "அம்மா", "ಕೃಷ್ಣ"]);
    }

    #[test]
    fn inner_signs_stay_and_outer_signs_cut() {
        assert_eq!(sources("bhajE'haM, 'rama' j~nAna R^iShi."), ["bhajE'haM", "rama", "j~nAna", "R^iShi"]);
        assert_eq!(sources("rāma... kr̥ṣṇa।hari"), ["rāma", "kr̥ṣṇa", "hari"]);
    }

    #[test]
    fn digits_are_words_of_their_own() {
        assert_eq!(sources("mela22 raga 10"), ["mela", "22", "raga", "10"]);
        assert_eq!(sources("அடி 3"), ["அடி", "3"]);
        assert_eq!(sources("பா³ஷ் க3ணபதி அடி12"), ["பா³ஷ்", "க3ணபதி", "அடி", "12"]);
    }

    #[test]
    fn offsets_point_into_the_original_and_positions_count_words() {
        let text = "శ్రీ — Rāma  ३";
        let tokens = k1_tokens(text, None);
        let seen: Vec<_> =
            tokens.iter().map(|t| (t.k1.as_str(), &text[t.bytes.clone()], t.position)).collect();
        assert_eq!(seen, [("sri", "శ్రీ", 0), ("rama", "Rāma", 1), ("3", "३", 2)]);
    }

    #[test]
    fn stray_marks_give_no_token() {
        assert!(k1_tokens("\u{301}\u{302} \u{200D} ❤\u{FE0F} ... '", None).is_empty());
    }
}
