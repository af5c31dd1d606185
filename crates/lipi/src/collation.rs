//! A to Z order within a script.
//!
//! An Indic text sorts letter by letter in the order of its alphabet: vowels, then consonants, where a
//! consonant with its vowel is the consonant followed by the vowel (an inherent a counts as written).
//! Candrabindu, anusvara and visarga follow the vowel they stand on and come before any consonant; a bare
//! consonant and a conjunct come after the same consonant with any vowel, as in dictionaries. ḷa, ḻa, ṟa
//! and ṉa stand at the end; Tamil has its own order, with the Grantha letters last. Latin text sorts by
//! its base letters a to z. Words sort before longer words that begin with them; digits come before
//! letters, letters of other scripts after all.

use crate::grapheme::{CONSONANTS, VIRAMA};
use crate::key::{clip, native_digit};
use crate::script::Script;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A key whose byte order is the order of the texts in a list of `script`. Texts that differ only in
/// marks, case or punctuation are ordered by those in the end, so equal keys mean equal texts (of the
/// first [`crate::TEXT_BYTES_MAX`] bytes).
pub fn collation_key(text: &str, script: Script) -> Vec<u8> {
    let text = clip(text);
    let mut key = Vec::with_capacity(text.len() * 2);
    match script {
        Script::Latin => push_latin(&mut key, text),
        _ => push_indic(&mut key, text, script),
    }
    key.push(END);
    key.extend(text.nfd().collect::<String>().to_lowercase().bytes());
    key.push(END);
    key.extend(text.bytes());
    key
}

/// The letter an A to Z list files the text under: an independent vowel or a bare consonant of `script`,
/// a capital A to Z for Latin, and `#` for what begins with a digit or another script or holds no letter.
pub fn initial(text: &str, script: Script) -> String {
    let first = clip(text).nfd().nfc().find(|c| c.is_alphanumeric() && !is_sign_only(*c));
    let letter = match (first, script.block()) {
        (Some(c), None) => c.nfkd().next().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()),
        (Some(c), Some(block)) => Script::indic(c)
            .filter(|(own, _)| *own == script)
            .and_then(|(_, offset)| filed_under(script, offset))
            .and_then(|offset| char::from_u32(block + offset)),
        (None, _) => None,
    };
    letter.map_or_else(|| "#".to_owned(), String::from)
}

// Weights, low to high. Everything that continues a text is above END.
const END: u8 = 0x00;
const SPACE: u8 = 0x02;
const DIGIT: u8 = 0x04;
const LATIN: u8 = 0x10;
const VOWEL: u8 = 0x10;
const SIGN: u8 = 0x30;
const BARE: u8 = 0x3F;
const CONSONANT: u8 = 0x40;
const OTHER: u8 = 0xF0;

fn push_latin(key: &mut Vec<u8>, text: &str) {
    for c in text.nfkd() {
        for c in c.to_lowercase() {
            match c {
                'a'..='z' => key.push(LATIN + (c as u8 - b'a')),
                _ => push_common(key, c),
            }
        }
    }
}

/// Space, digits and letters of other scripts; marks and punctuation weigh nothing here.
fn push_common(key: &mut Vec<u8>, c: char) {
    if let Some(digit) = native_digit(c).unwrap_or(c).to_digit(10) {
        key.push(DIGIT + u8::try_from(digit).unwrap_or(0));
    } else if c.is_whitespace() || c == '-' {
        if key.last().is_some_and(|last| *last != SPACE) {
            key.push(SPACE);
        }
    } else if c.is_alphanumeric() && !is_combining_mark(c) {
        key.push(OTHER);
        key.extend(&(c as u32).to_be_bytes()[1..]);
    }
}

/// What the last letter still waits for.
#[derive(PartialEq, Eq)]
enum Open {
    Nothing,
    /// A consonant, which has its inherent vowel unless a sign follows.
    Vowel,
}

fn push_indic(key: &mut Vec<u8>, text: &str, script: Script) {
    let mut open = Open::Nothing;
    for c in text.nfd().nfc() {
        match Script::indic(c).filter(|(own, _)| *own == script) {
            Some((_, offset)) => push_letter(key, script, offset, c, &mut open),
            None if is_combining_mark(c) || matches!(c, '\u{200C}' | '\u{200D}') => {}
            None => {
                close(key, &mut open);
                push_common(key, c);
            }
        }
    }
    close(key, &mut open);
}

fn push_letter(key: &mut Vec<u8>, script: Script, offset: u32, c: char, open: &mut Open) {
    if offset == VIRAMA {
        key.push(BARE);
        *open = Open::Nothing;
    } else if let Some(vowel) = vowel_of_sign(offset) {
        key.push(VOWEL + vowel);
        *open = Open::Nothing;
    } else if let Some(letter) = chillu_base(script, offset) {
        close(key, open);
        key.extend([CONSONANT + consonant_rank(script, letter), BARE]);
    } else if CONSONANTS.contains(&offset) {
        close(key, open);
        key.push(CONSONANT + consonant_rank(script, offset));
        *open = Open::Vowel;
    } else if let Some(vowel) = vowel_rank(offset) {
        close(key, open);
        key.push(VOWEL + vowel);
    } else if (0x00..=0x03).contains(&offset) {
        close(key, open);
        key.push(SIGN + u8::try_from(offset).unwrap_or(0));
    } else if !is_combining_mark(c) {
        close(key, open);
        push_common(key, c);
    }
}

fn close(key: &mut Vec<u8>, open: &mut Open) {
    if *open == Open::Vowel {
        key.push(VOWEL);
    }
    *open = Open::Nothing;
}

/// Rank of an independent vowel: a is 0. The long vocalic r and l stand apart in the block, and after the
/// short ones in the alphabet.
fn vowel_rank(offset: u32) -> Option<u8> {
    match offset {
        0x04 => Some(0),
        0x05..=0x0B => u8::try_from(offset - 0x05).ok(),
        0x60 => Some(7),
        0x0C => Some(8),
        0x61 => Some(9),
        0x0D..=0x14 => u8::try_from(offset - 0x0D + 10).ok(),
        _ => None,
    }
}

/// Rank of the vowel a dependent sign stands for.
fn vowel_of_sign(offset: u32) -> Option<u8> {
    match offset {
        0x3E..=0x43 => u8::try_from(offset - 0x3E + 1).ok(),
        0x44 => Some(7),
        0x62 => Some(8),
        0x63 => Some(9),
        0x45..=0x4C => u8::try_from(offset - 0x45 + 10).ok(),
        _ => None,
    }
}

/// Letters that stand at the end of the alphabet though not of the block.
const LAST: [u32; 4] = [0x33, 0x34, 0x31, 0x29];

/// The Tamil alphabet: its own eighteen consonants, then the Grantha letters.
const TAMIL: [u32; 23] = [
    0x15, 0x19, 0x1A, 0x1E, 0x1F, 0x23, 0x24, 0x28, 0x2A, 0x2E, 0x2F, 0x30, 0x32, 0x35, 0x34, 0x33, 0x31,
    0x29, 0x1C, 0x36, 0x37, 0x38, 0x39,
];

fn consonant_rank(script: Script, offset: u32) -> u8 {
    let rank = match script {
        Script::Tamil => TAMIL.iter().position(|letter| *letter == offset),
        _ => LAST.iter().position(|letter| *letter == offset).map(|at| 0x30 + at),
    };
    rank.and_then(|rank| u8::try_from(rank).ok()).or(u8::try_from(offset - 0x15).ok()).unwrap_or(0)
}

/// The consonant of a Malayalam letter for a consonant without vowel.
fn chillu_base(script: Script, offset: u32) -> Option<u32> {
    match (script, offset) {
        (Script::Malayalam, 0x7A) => Some(0x23),
        (Script::Malayalam, 0x7B) => Some(0x28),
        (Script::Malayalam, 0x7C) => Some(0x30),
        (Script::Malayalam, 0x7D) => Some(0x32),
        (Script::Malayalam, 0x7E) => Some(0x33),
        (Script::Malayalam, 0x7F) => Some(0x15),
        _ => None,
    }
}

/// Signs that stand on a letter and file nothing.
fn is_sign_only(c: char) -> bool {
    is_combining_mark(c) && Script::indic(c).is_none_or(|(_, offset)| vowel_of_sign(offset).is_none())
}

fn filed_under(script: Script, offset: u32) -> Option<u32> {
    match offset {
        0x04 => Some(0x05),
        0x05..=0x14 | 0x60 | 0x61 => Some(offset),
        _ if CONSONANTS.contains(&offset) => Some(offset),
        0x3E..=0x43 => Some(offset - 0x3E + 0x06),
        0x44 => Some(0x60),
        0x45..=0x4C => Some(offset - 0x45 + 0x0D),
        0x62 => Some(0x0C),
        0x63 => Some(0x61),
        _ => chillu_base(script, offset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn in_order(script: Script, texts: &[&str]) {
        for pair in texts.windows(2) {
            assert!(collation_key(pair[0], script) < collation_key(pair[1], script), "{script}: {pair:?}");
        }
    }

    #[test]
    fn latin_sorts_by_base_letters() {
        in_order(
            Script::Latin,
            &[
                "12 rāgas",
                "Ābhēri",
                "abhōgi",
                "Bhairavi",
                "kalyāṇi",
                "kr̥ṣṇa",
                "rāma",
                "rāma kr̥ṣṇa",
                "rāmā x",
                "Śrī",
                "sudhā",
                "రామ",
            ],
        );
        in_order(Script::Latin, &["Rama", "rama", "rāma", "ramana"]);
    }

    #[test]
    fn vowels_come_first_and_conjuncts_after_vowels() {
        in_order(
            Script::Devanagari,
            &[
                "१",
                "अ",
                "आ",
                "ई",
                "ऋ",
                "ॠ",
                "ए",
                "औ",
                "क",
                "कं",
                "कः",
                "कक",
                "का",
                "कौ",
                "क्",
                "क्य",
                "ख",
                "ह",
                "ळ",
            ],
        );
        in_order(
            Script::Telugu,
            &["అంబా", "ఆది", "ఎందరో", "ఏమి", "కల్యాణి", "కాపి", "కౌ", "క్షీర", "రామ", "రామ కృష్ణ", "రామా", "హరి", "ళ"],
        );
        in_order(Script::Kannada, &["ಅ", "ಆ", "ಎ", "ಏ", "ಕ", "ಕೃಷ್ಣ", "ಕ್ಷ", "ಹ", "ಳ"]);
        in_order(Script::Malayalam, &["അ", "ആ", "ക", "രാമ", "രാമൻ", "ഹ", "ള", "ഴ", "റ"]);
    }

    #[test]
    fn tamil_has_its_own_alphabet() {
        let alphabet = "அ ஆ ஐ ஔ ஃ க ங ச ஞ ட ண த ந ப ம ய ர ல வ ழ ள ற ன ஜ ஶ ஷ ஸ ஹ";
        in_order(Script::Tamil, &alphabet.split(' ').collect::<Vec<_>>());
    }

    #[test]
    fn chillu_sorts_as_its_consonant_without_vowel() {
        let (chillu, virama) = (collation_key("ൻ", Script::Malayalam), collation_key("ന്", Script::Malayalam));
        assert_eq!(chillu[..2], virama[..2]);
    }

    #[test]
    fn names_are_filed_under_their_first_letter() {
        for (text, script, letter) in [
            ("śrī", Script::Latin, "S"),
            ("  'Ābhōgi", Script::Latin, "A"),
            ("r̥ṣabha", Script::Latin, "R"),
            ("12 swaras", Script::Latin, "#"),
            ("రామ", Script::Latin, "#"),
            ("", Script::Latin, "#"),
            ("శ్రీ", Script::Telugu, "శ"),
            ("ఎందరో", Script::Telugu, "ఎ"),
            ("क़ल", Script::Devanagari, "क"),
            ("ऋषि", Script::Devanagari, "ऋ"),
            ("ിx", Script::Malayalam, "ഇ"),
            ("ൻ", Script::Malayalam, "ന"),
            ("கௌள", Script::Tamil, "க"),
            ("ಕೃಷ್ಣ", Script::Kannada, "ಕ"),
            ("rama", Script::Kannada, "#"),
        ] {
            assert_eq!(initial(text, script), letter, "{text} in {script}");
        }
    }

    proptest! {
        #[test]
        fn keys_are_total_bounded_and_tell_texts_apart(
            a in prop_oneof!["\\PC{0,20}", "[\u{b80}-\u{d7f} ]{0,20}"],
            b in prop_oneof!["\\PC{0,20}", "[\u{b80}-\u{d7f} ]{0,20}"],
            script in prop::sample::select(Script::ALL.to_vec()),
        ) {
            let key = collation_key(&a, script);
            prop_assert!(key.len() <= 2 + 80 * a.len());
            prop_assert_eq!(a == b, key == collation_key(&b, script));
            prop_assert!(!initial(&a, script).is_empty());
        }
    }
}
