//! Indic text to ISO 15919, and the thread's converters.
//!
//! The tables are vidyut-lipi's. Digits never reach them: Tamil numerals are additive there, and a long
//! row of them has no value that fits.

use crate::script::Script;
use std::cell::RefCell;
use unicode_normalization::UnicodeNormalization;
use vidyut_lipi::{Mapping, Scheme as Table, transliterate};

/// Indic letters as ISO 15919 in NFC; everything else stays as it is.
///
/// Telugu and Kannada write the nasal before a stop as anusvara; it comes out as the nasal that is spoken
/// (`ēndarō`, not `ēṁdarō`). Malayalam double ṟ is the stop ṯṯ. `script` is the script of the text:
/// characters of other scripts pass unchanged, and Latin text is only normalised.
pub fn to_iso15919(text: &str, script: Script) -> String {
    let iso = raw_iso(text, script);
    match script {
        Script::Telugu | Script::Kannada => spoken_nasals(&iso),
        Script::Malayalam => iso.replace("ṟṟ", "ṯṯ"),
        _ => iso,
    }
}

/// As [`to_iso15919`] without the step for the nasals, so that the way back is exact.
pub(crate) fn raw_iso(text: &str, script: Script) -> String {
    let Some(from) = table_of(script) else { return text.nfc().collect() };
    let mut out = String::with_capacity(text.len());
    for_each_piece(
        text,
        |piece, convert| {
            if convert {
                out.push_str(&tidy_iso(&convert_with(&spelled_om(piece), from, Table::Iso15919)))
            } else {
                out.push_str(piece)
            }
        },
        |c| Script::of_char(c) == Some(script) || is_mark_or_joiner(c),
    );
    out.nfc().collect()
}

/// Hands out the text in pieces: stretches of letters that `wanted` accepts (to convert) and the rest.
pub(crate) fn for_each_piece(text: &str, mut each: impl FnMut(&str, bool), wanted: impl Fn(char) -> bool) {
    let mut start = 0;
    let mut state = None;
    for (at, c) in text.char_indices() {
        let convert = wanted(c) && !c.is_numeric();
        if state.is_some_and(|before| before != convert) {
            each(&text[start..at], !convert);
            start = at;
        }
        state = Some(convert);
    }
    if let Some(convert) = state {
        each(&text[start..], convert);
    }
}

pub(crate) fn is_mark_or_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}') || unicode_normalization::char::is_combining_mark(c)
}

/// The nasal of the row of the stop that follows, for an anusvara before a stop.
pub(crate) fn spoken_nasals(iso: &str) -> String {
    let mut out = String::with_capacity(iso.len());
    let mut chars = iso.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().and_then(|next| nasal_before(*next))) {
            ('ṁ' | 'ṃ', Some(nasal)) => out.push(nasal),
            _ => out.push(c),
        }
    }
    out
}

/// The nasal spoken before a stop, by the first letter of the stop.
pub(crate) fn nasal_before(stop: char) -> Option<char> {
    match stop {
        'k' | 'g' => Some('ṅ'),
        'c' | 'j' => Some('ñ'),
        'ṭ' | 'ḍ' => Some('ṇ'),
        't' | 'd' => Some('n'),
        'p' | 'b' => Some('m'),
        _ => None,
    }
}

pub(crate) const fn table_of(script: Script) -> Option<Table> {
    match script {
        Script::Devanagari => Some(Table::Devanagari),
        Script::Bengali => Some(Table::Bengali),
        Script::Gujarati => Some(Table::Gujarati),
        Script::Tamil => Some(Table::Tamil),
        Script::Telugu => Some(Table::Telugu),
        Script::Kannada => Some(Table::Kannada),
        Script::Malayalam => Some(Table::Malayalam),
        Script::Grantha => Some(Table::Grantha),
        Script::Latin => None,
    }
}

/// The sign Om in letters: the tables take its vowel for a short one.
fn spelled_om(text: &str) -> String {
    text.replace('ॐ', "ओं").replace('ૐ', "ઓં").replace('ௐ', "ஓம்")
}

/// Joiners only steer the shape of letters, they have no Latin counterpart. The tables write a bare ṟ as
/// r with breve.
fn tidy_iso(iso: &str) -> String {
    let iso: String = iso.chars().filter(|c| !matches!(c, '\u{200C}' | '\u{200D}')).collect();
    iso.replace("r\u{306}", "ṟ")
}

thread_local! {
    /// Every mapping this thread has needed: at most one for each ordered pair of tables in use, all of
    /// which have ISO 15919 on one side.
    static MAPPINGS: RefCell<Vec<Mapping>> = const { RefCell::new(Vec::new()) };
}

/// One conversion by the tables.
pub(crate) fn convert_with(text: &str, from: Table, to: Table) -> String {
    MAPPINGS.with_borrow_mut(|mappings| {
        let at = mappings.iter().position(|m| m.from() == from && m.to() == to).unwrap_or_else(|| {
            mappings.push(Mapping::new(from, to));
            mappings.len() - 1
        });
        transliterate(text, &mappings[at])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_scripts_come_out_as_iso() {
        for (text, script, iso) in [
            ("कृष्णा", Script::Devanagari, "kr̥ṣṇā"),
            ("ఎందరో మహానుభావులు", Script::Telugu, "endarō mahānubhāvulu"),
            ("ರಂಗ ಕಂಚಿ ದಂಡ ಅಂಬಾ ಸಂಸಾರ", Script::Kannada, "raṅga kañci daṇḍa ambā saṁsāra"),
            ("பழனி அன்னை", Script::Tamil, "paḻaṉi aṉṉai"),
            ("ധർമ്മം", Script::Malayalam, "dharmmaṁ"),
            ("കാറ്റ്", Script::Malayalam, "kāṯṯ"),
            ("রাম", Script::Bengali, "rāma"),
            ("રામ", Script::Gujarati, "rāma"),
            ("𑌰𑌾𑌮", Script::Grantha, "rāma"),
            ("Rāma", Script::Latin, "Rāma"),
        ] {
            assert_eq!(to_iso15919(text, script), iso);
        }
    }

    #[test]
    fn other_scripts_digits_and_punctuation_pass_unchanged() {
        assert_eq!(to_iso15919("రామ (rama) १२ 3।", Script::Telugu), "rāma (rama) १२ 3।");
        let numerals = "௧௨௩௲".repeat(50);
        assert_eq!(to_iso15919(&numerals, Script::Tamil), numerals);
    }

    #[test]
    fn old_and_new_chillu_agree() {
        assert_eq!(to_iso15919("ര്\u{200D}", Script::Malayalam), to_iso15919("ർ", Script::Malayalam));
    }
}
