//! Readers' reports: what a reader may send, and where in a song it points.

use crate::composition::Composition;
use crate::violation::Violation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// Nobody has answered yet.
    Open,
    /// The catalogue was changed.
    Corrected,
    /// The catalogue stays as it is.
    Declined,
}

impl ReportState {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Corrected => "corrected",
            Self::Declined => "declined",
        }
    }
}

/// A place in a song.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// A version; any where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<Uuid>,
    /// A line of the section, 1 for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u16>,
}

/// The longest report, in characters.
pub const TEXT_CHARS_MAX: usize = 2_000;
/// The longest way to reach its author, in characters.
pub const CONTACT_CHARS_MAX: usize = 200;

/// What is wrong with the words of a report.
pub fn check_words(text: &str, contact: Option<&str>) -> Vec<Violation> {
    let mut found = Vec::new();
    if text.trim().is_empty() {
        found.push(Violation::error("/text", "required", "Say what is wrong."));
    }
    found.extend(words("/text", text, TEXT_CHARS_MAX, &['\n', '\r', '\t']));
    found.extend(contact.into_iter().flat_map(|contact| words("/contact", contact, CONTACT_CHARS_MAX, &[])));
    found
}

fn words(field: &str, text: &str, chars_max: usize, allowed: &[char]) -> Vec<Violation> {
    let mut found = Vec::new();
    if text.chars().count() > chars_max {
        found.push(Violation::error(field, "too_long", format!("At most {chars_max} characters, please.")));
    }
    if text.chars().any(|letter| is_control(letter) && !allowed.contains(&letter)) {
        let detail = "Control characters cannot be sent.";
        found.push(Violation::error(field, "control_character", detail));
    }
    if has_markup(text) {
        found.push(Violation::error(field, "markup", "Plain words, please: no tags."));
    }
    found
}

/// Control characters, and those that turn the direction of what stands beside them. Joiners are letters of
/// Indic scripts and stay.
fn is_control(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// What a browser would take for a tag, a comment or a declaration.
pub(crate) fn has_markup(text: &str) -> bool {
    let mut letters = text.chars().peekable();
    std::iter::from_fn(|| letters.next().map(|letter| (letter, letters.peek().copied())))
        .any(|pair| matches!(pair, ('<', Some(next)) if next.is_ascii_alphabetic() || "/!?".contains(next)))
}

/// The place that a fragment of a song's page means: `s2` is the second section, `s2-1` its first child, `s2-l3`
/// its third line; `v2s1` stands in the second version. None where the song has no such place.
pub fn place_on_page(song: &Composition, fragment: &str) -> Option<Place> {
    let (version, path) = match fragment.strip_prefix('v') {
        None => (song.versions.first()?, fragment.strip_prefix('s')?),
        Some(rest) => {
            let (number, path) = rest.split_once('s')?;
            (nth(&song.versions, number)?, path)
        }
    };
    let (path, line) = match path.split_once("-l") {
        Some((path, line)) => (path, Some(line.parse().ok()?)),
        None => (path, None),
    };
    let mut steps = path.split('-');
    let mut section = nth(&version.sections, steps.next()?)?;
    for step in steps {
        section = nth(&section.children, step)?;
    }
    Some(Place { version: Some(version.id), section: Some(section.id), line })
}

/// The item with this number, 1 for the first.
fn nth<'a, T>(items: &'a [T], number: &str) -> Option<&'a T> {
    items.get(number.parse::<usize>().ok()?.checked_sub(1)?)
}

/// What is wrong with a place in `song`, as pointers below `/anchor`.
pub fn check_place(song: &Composition, place: Place) -> Vec<Violation> {
    let missing = |field: &str, what: &str| {
        vec![Violation::error(field, "unknown_value", format!("This song has no such {what}."))]
    };
    let versions = || song.versions.iter().filter(|version| place.version.is_none_or(|id| id == version.id));
    if versions().next().is_none() {
        return missing("/anchor/version", "version");
    }
    let Some(section) = place.section else {
        return match place.line {
            None => Vec::new(),
            Some(_) => vec![Violation::error("/anchor/section", "required", "A line is one of a section.")],
        };
    };
    if !versions().any(|version| version.all_sections().iter().any(|known| known.id == section)) {
        return missing("/anchor/section", "section");
    }
    let parts = versions().flat_map(|version| &version.texts).flat_map(|text| &text.sections);
    let lines = parts.filter(|part| part.section == section).map(|part| part.lines.len()).max().unwrap_or(0);
    match place.line {
        Some(line) if line == 0 || usize::from(line) > lines => missing("/anchor/line", "line"),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{id, kriti};

    fn codes(text: &str, contact: Option<&str>) -> Vec<(String, String)> {
        check_words(text, contact).into_iter().map(|found| (found.field, found.code)).collect()
    }

    #[test]
    fn plain_words_of_any_script_may_be_sent() {
        let text = "வாதாபி: line 2 < line 3 — ക്‍ഷ\n\t5 > 4, a < b? <3";
        assert_eq!(codes(text, Some("asha@example.org")), []);
    }

    #[test]
    fn markup_control_characters_and_long_texts_are_refused() {
        for text in ["<b>x", "a</b>", "<!-- x", "<?php", "x<Script src=//y>"] {
            assert_eq!(codes(text, None), [("/text".to_owned(), "markup".to_owned())], "{text}");
        }
        for text in ["a\u{0}", "a\u{1b}[31m", "a\u{202e}b", "\u{feff}a"] {
            assert_eq!(codes(text, None), [("/text".to_owned(), "control_character".to_owned())], "{text:?}");
        }
        assert_eq!(codes(&"க".repeat(TEXT_CHARS_MAX), None), []);
        assert_eq!(codes(&"a".repeat(TEXT_CHARS_MAX + 1), None)[0].1, "too_long");
        assert_eq!(codes(" \n", None)[0].1, "required");
        assert_eq!(codes("a", Some("a\nb"))[0], ("/contact".to_owned(), "control_character".to_owned()));
    }

    #[test]
    fn a_fragment_of_a_page_is_a_place() {
        let song = kriti();
        let place = |fragment| place_on_page(&song, fragment).map(|place| (place.section, place.line));
        assert_eq!(place("s1"), Some((Some(id(11)), None)));
        assert_eq!(place("s3-1"), Some((Some(id(14)), None)));
        assert_eq!(place("s3-1-l2"), Some((Some(id(14)), Some(2))));
        assert_eq!(place("v1s2-l1"), Some((Some(id(12)), Some(1))));
        for odd in ["", "s", "s0", "s4", "s3-2", "v2s1", "v0s1", "sx", "s1-l", "s1-lx", "x1", "s1-l99999999"]
        {
            assert_eq!(place(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_place_must_be_in_the_song() {
        let song = kriti();
        let place = |version, section, line| Place { version, section, line };
        let fine = [
            place(None, None, None),
            place(Some(id(10)), Some(id(14)), Some(2)),
            place(None, Some(id(11)), None),
        ];
        assert!(fine.into_iter().all(|place| check_place(&song, place).is_empty()));
        for (place, field) in [
            (place(Some(id(11)), None, None), "/anchor/version"),
            (place(None, Some(id(10)), None), "/anchor/section"),
            (place(None, None, Some(1)), "/anchor/section"),
            (place(None, Some(id(14)), Some(3)), "/anchor/line"),
            (place(None, Some(id(14)), Some(0)), "/anchor/line"),
        ] {
            assert_eq!(check_place(&song, place)[0].field, field, "{place:?}");
        }
    }
}
