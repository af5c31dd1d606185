//! Names and other short texts.

use crate::name::{Name, NameRole};
use crate::violation::Violation;

/// The most names of one record.
const NAMES_MAX: usize = 64;
/// The longest note, in bytes of UTF-8.
const NOTE_BYTES_MAX: usize = 4_000;

/// A list of names: at least one to show, each of them a text.
pub fn check(field: &str, names: &[Name], found: &mut Vec<Violation>) {
    if !names.iter().any(|name| name.role == NameRole::Display) {
        found.push(Violation::error(field, "display_name_missing", "give at least one name to show"));
    }
    too_many(field, names.len(), NAMES_MAX, found);
    for (index, name) in names.iter().enumerate().take(NAMES_MAX) {
        text(&format!("{field}/{index}/text"), &name.text, Name::TEXT_BYTES_MAX, found);
        note(&format!("{field}/{index}/note"), name.note.as_deref(), found);
        if names[..index].iter().any(|earlier| same(earlier, name)) {
            let detail = "this name is in the list already";
            found.push(Violation::error(format!("{field}/{index}"), "name_repeated", detail));
        }
    }
}

fn same(one: &Name, other: &Name) -> bool {
    one.text == other.text && one.role == other.role && one.language == other.language
}

/// A text of one line that must not be empty.
pub fn text(field: &str, text: &str, bytes_max: usize, found: &mut Vec<Violation>) {
    if text.trim().is_empty() {
        found.push(Violation::error(field, "empty", "must not be empty"));
    } else if text.trim() != text {
        found.push(Violation::error(field, "untrimmed", "must not begin or end with white space"));
    }
    line(field, text, bytes_max, found);
}

/// A text of one line that may be empty.
pub fn line(field: &str, text: &str, bytes_max: usize, found: &mut Vec<Violation>) {
    if text.len() > bytes_max {
        found.push(Violation::error(field, "too_long", format!("must have at most {bytes_max} bytes")));
    }
    if text.chars().any(char::is_control) {
        found.push(Violation::error(field, "control_character", "must not hold control characters"));
    }
}

/// A free text, line breaks allowed.
pub fn note(field: &str, text: Option<&str>, found: &mut Vec<Violation>) {
    let Some(text) = text else { return };
    if text.len() > NOTE_BYTES_MAX {
        found.push(Violation::error(field, "too_long", format!("must have at most {NOTE_BYTES_MAX} bytes")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        found.push(Violation::error(field, "control_character", "must not hold control characters"));
    }
}

/// A list with a limit.
pub fn too_many(field: &str, count: usize, max: usize, found: &mut Vec<Violation>) {
    if count > max {
        found.push(Violation::error(
            field,
            "too_many",
            format!("{count} entries where at most {max} are kept"),
        ));
    }
}
