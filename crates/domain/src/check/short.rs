//! What all records share: names, notes, sources, foreign ids, and lists with limits.

use crate::composition::Composition;
use crate::name::{Name, NameRole};
use crate::reference::{ExternalId, SourceNote};
use crate::violation::Violation;
use std::collections::HashSet;
use std::hash::Hash;

/// The most names of one record.
const NAMES_MAX: usize = Composition::TITLES_MAX;
/// The longest note, in bytes of UTF-8.
const NOTE_BYTES_MAX: usize = 4_000;
/// The longest label or place name, in bytes of UTF-8.
pub const LABEL_BYTES_MAX: usize = 200;
/// The most sources of one record.
const SOURCES_MAX: usize = 64;
/// The most ids in other collections.
const EXTERNAL_IDS_MAX: usize = 64;
/// The longest name of a collection and the longest id in one, in bytes.
const EXTERNAL_SCHEME_BYTES_MAX: usize = 32;
const EXTERNAL_ID_BYTES_MAX: usize = 200;
/// The longest web address, in bytes.
const URL_BYTES_MAX: usize = 2_000;

/// A list of names: at least one to show, each of them a text, none twice.
pub fn names(field: &str, names: &[Name], found: &mut Vec<Violation>) {
    if !names.iter().any(|name| name.role == NameRole::Display) {
        found.push(Violation::error(field, "display_name_missing", "give at least one name to show"));
    }
    too_many(field, names.len(), NAMES_MAX, found);
    let mut shown = HashSet::new();
    let mut seen = HashSet::new();
    for (index, name) in names.iter().enumerate().take(NAMES_MAX) {
        let place = format!("{field}/{index}");
        text(&format!("{place}/text"), &name.text, Name::TEXT_BYTES_MAX, found);
        note(&format!("{place}/note"), name.note.as_deref(), found);
        if !seen.insert((&name.text, name.role, name.language, name.script)) {
            found.push(Violation::error(&place, "repeated", "this name is in the list already"));
        } else if name.role == NameRole::Display && !shown.insert((name.language, name.script)) {
            let detail = "one name to show per language and script; make the others aliases";
            found.push(Violation::error(format!("{place}/role"), "display_name_repeated", detail));
        }
        if let Some(mark) = &name.disambiguator {
            label(&format!("{place}/disambiguator"), Some(mark), found);
            if !name.homonym_ok {
                let detail = "only a name that is shared on purpose is told apart; set `homonym_ok`";
                found.push(Violation::error(format!("{place}/disambiguator"), "not_a_homonym", detail));
            }
        }
        if name.alias_scheme.is_some() && name.role != NameRole::Alias {
            let detail = "only an alias has an alias scheme";
            found.push(Violation::error(format!("{place}/alias_scheme"), "not_an_alias", detail));
        }
        let recognised = lipi::script_of(&name.text);
        if recognised != name.script {
            let detail = format!("the letters are {recognised}");
            found.push(Violation::warning(format!("{place}/script"), "other_script", detail));
        }
    }
}

/// Where the facts come from.
pub fn sources(sources: &[SourceNote], found: &mut Vec<Violation>) {
    too_many("/sources", sources.len(), SOURCES_MAX, found);
    for (index, source) in sources.iter().enumerate().take(SOURCES_MAX) {
        let field = format!("/sources/{index}/note");
        if source.note.trim().is_empty() {
            found.push(Violation::error(&field, "empty", "say in a sentence what was taken"));
        }
        note(&field, Some(&source.note), found);
    }
}

/// Ids in other collections.
pub fn external_ids(ids: &[ExternalId], found: &mut Vec<Violation>) {
    too_many("/external_ids", ids.len(), EXTERNAL_IDS_MAX, found);
    unique("/external_ids", ids, found);
    for (index, external) in ids.iter().enumerate().take(EXTERNAL_IDS_MAX) {
        let field = format!("/external_ids/{index}");
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        let length = external.scheme.len();
        if !(1..=EXTERNAL_SCHEME_BYTES_MAX).contains(&length) || !external.scheme.chars().all(allowed) {
            let detail = "use 1 to 32 of a-z, 0-9, `_` and `-`";
            found.push(Violation::error(format!("{field}/scheme"), "bad_scheme", detail));
        }
        text(&format!("{field}/id"), &external.id, EXTERNAL_ID_BYTES_MAX, found);
    }
}

/// A text of one line that must not be empty.
pub fn text(field: &str, text: &str, bytes_max: usize, found: &mut Vec<Violation>) {
    if text.trim().is_empty() {
        found.push(Violation::error(field, "empty", "must not be empty"));
    } else if text.trim() != text {
        found.push(Violation::error(field, "untrimmed", "must not begin or end with white space"));
    }
    if text.len() > bytes_max {
        found.push(Violation::error(field, "too_long", format!("must have at most {bytes_max} bytes")));
    }
    if text.chars().any(char::is_control) {
        found.push(Violation::error(field, "control_character", "must not hold control characters"));
    }
}

/// A label that may be absent, but not empty.
pub fn label(field: &str, label: Option<&str>, found: &mut Vec<Violation>) {
    if let Some(label) = label {
        text(field, label, LABEL_BYTES_MAX, found);
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

/// A web address, of which only the beginning is looked at.
pub fn url(field: &str, url: Option<&str>, found: &mut Vec<Violation>) {
    let Some(url) = url else { return };
    text(field, url, URL_BYTES_MAX, found);
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if !rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace)) {
        found.push(Violation::error(
            field,
            "bad_url",
            "must be an address that begins with https:// or http://",
        ));
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

/// A list in which nothing comes twice.
pub fn unique<T: Eq + Hash>(field: &str, items: &[T], found: &mut Vec<Violation>) {
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        if !seen.insert(item) {
            found.push(Violation::error(format!("{field}/{index}"), "repeated", "is in the list already"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::AliasScheme;
    use proptest::prelude::*;

    fn codes(list: &[Name]) -> Vec<String> {
        let mut found = Vec::new();
        names("/names", list, &mut found);
        found.into_iter().map(|violation| format!("{} {}", violation.field, violation.code)).collect()
    }

    #[test]
    fn a_record_has_a_name_to_show() {
        assert_eq!(codes(&[]), ["/names display_name_missing"]);
        assert_eq!(codes(&[Name::alias("Todi", AliasScheme::Concert)]), ["/names display_name_missing"]);
        assert_eq!(codes(&[Name::display("Todi"), Name::display("तोडि")]), [""; 0]);
    }

    #[test]
    fn a_bad_name_is_pointed_at() {
        let with = |text: &str| codes(&[Name::display("Todi"), Name::alias(text, AliasScheme::Concert)]);
        assert_eq!(with(""), ["/names/1/text empty"]);
        assert_eq!(with(" x"), ["/names/1/text untrimmed"]);
        assert_eq!(with("a\u{0}b"), ["/names/1/text control_character"]);
        assert_eq!(with(&"x".repeat(401)), ["/names/1/text too_long"]);
        let many = vec![Name::display("Todi"); 65];
        assert!(codes(&many).contains(&"/names too_many".to_owned()));
        assert_eq!(codes(&[Name::display("Todi"), Name::display("Todi")]), ["/names/1 repeated"]);
        assert_eq!(
            codes(&[Name::display("Todi"), Name::display("Thodi")]),
            ["/names/1/role display_name_repeated"]
        );
        let stated = Name { script: lipi::Script::Tamil, ..Name::display("Todi") };
        assert_eq!(codes(&[stated]), ["/names/0/script other_script"]);
    }

    #[test]
    fn a_mark_belongs_to_a_name_that_is_shared_on_purpose() {
        let mark = |text: &str, homonym_ok| {
            codes(&[Name { disambiguator: Some(text.into()), homonym_ok, ..Name::display("Kalavati") }])
        };
        assert_eq!(mark("Chakravakam", true), [""; 0]);
        assert_eq!(mark("Chakravakam", false), ["/names/0/disambiguator not_a_homonym"]);
        assert_eq!(mark(" ", true), ["/names/0/disambiguator empty"]);
    }

    #[test]
    fn foreign_ids_are_unique_and_plain() {
        let id = |scheme: &str, id: &str| ExternalId { scheme: scheme.into(), id: id.into() };
        let mut found = Vec::new();
        external_ids(&[id("a", "1"), id("a", "1"), id("A b", ""), id("b", "1")], &mut found);
        let fields: Vec<_> = found.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["/external_ids/1", "/external_ids/2/scheme", "/external_ids/2/id"]);
    }

    #[test]
    fn only_web_addresses_are_addresses() {
        for (address, sound) in [
            ("https://example.org/a", true),
            ("http://example.org", true),
            ("https://", false),
            ("javascript:alert(1)", false),
            ("https://a b", false),
        ] {
            let mut found = Vec::new();
            url("/url", Some(address), &mut found);
            assert_eq!(found.is_empty(), sound, "{address}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in any::<String>()) {
            let _ = codes(&[Name::display(text)]);
        }
    }
}
