//! The rules of what a song is said to mean.

use super::short::{label, text, too_many};
use crate::composition::{Composition, Meaning};
use crate::report::has_markup;
use crate::violation::Violation;
use std::collections::HashSet;
use uuid::Uuid;

/// The most paragraphs of one meaning, and the longest paragraph in bytes of UTF-8.
const PARAGRAPHS_MAX: usize = 200;
const PARAGRAPH_BYTES_MAX: usize = 4_000;

/// What the meanings of `song` break. Their ids join `ids`, those of its versions, sections and texts.
pub(super) fn check(song: &Composition, ids: &mut HashSet<Uuid>, found: &mut Vec<Violation>) {
    too_many("/meanings", song.meanings.len(), Composition::MEANINGS_MAX, found);
    for (index, meaning) in song.meanings.iter().enumerate().take(Composition::MEANINGS_MAX) {
        let field = format!("/meanings/{index}");
        if meaning.id.is_nil() || !ids.insert(meaning.id) {
            let detail = "give it an id of its own";
            found.push(Violation::error(format!("{field}/id"), "id_repeated", detail));
        }
        words(&field, meaning, found);
        if meaning.rights.is_none() {
            let detail = "say what may be done with these words: they have rights beside those of the song";
            found.push(Violation::draft(format!("{field}/rights"), "rights_missing", detail));
        }
    }
}

fn words(field: &str, meaning: &Meaning, found: &mut Vec<Violation>) {
    label(&format!("{field}/author"), meaning.author.as_deref(), found);
    let paragraphs = format!("{field}/paragraphs");
    if meaning.paragraphs.is_empty() {
        found.push(Violation::error(&paragraphs, "empty", "a meaning has at least one paragraph"));
    }
    too_many(&paragraphs, meaning.paragraphs.len(), PARAGRAPHS_MAX, found);
    for (index, paragraph) in meaning.paragraphs.iter().enumerate().take(PARAGRAPHS_MAX) {
        let place = format!("{paragraphs}/{index}");
        text(&place, paragraph, PARAGRAPH_BYTES_MAX, found);
        if has_markup(paragraph) {
            found.push(Violation::error(place, "markup", "plain words: no tags"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::composition::{Meaning, MeaningKind};
    use crate::id::RightsId;
    use crate::name::Language;
    use crate::record::Record;
    use crate::samples::{id, kriti};

    fn gist() -> Meaning {
        Meaning {
            id: id(700),
            kind: MeaningKind::Gist,
            language: Language::En,
            paragraphs: vec!["The singer bows to Ganapati.".into()],
            author: None,
            source: None,
            rights: Some(RightsId(id(4))),
        }
    }

    fn broken(change: impl FnOnce(&mut Meaning), expected: &[&str]) {
        let mut song = kriti();
        let mut meaning = gist();
        change(&mut meaning);
        song.meanings.push(meaning);
        let found = Record::Composition(song).check();
        let found: Vec<_> = found.iter().map(|found| format!("{} {}", found.field, found.code)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_meaning_is_plain_text_with_rights() {
        broken(|_| {}, &[]);
        broken(|meaning| meaning.rights = None, &["/meanings/0/rights rights_missing"]);
        broken(|meaning| meaning.paragraphs.clear(), &["/meanings/0/paragraphs empty"]);
        let first = |text: &str| {
            let text = text.to_owned();
            move |meaning: &mut Meaning| meaning.paragraphs[0] = text
        };
        broken(first(""), &["/meanings/0/paragraphs/0 empty"]);
        broken(first("a <b>bold</b> word"), &["/meanings/0/paragraphs/0 markup"]);
        broken(first("two\nlines"), &["/meanings/0/paragraphs/0 control_character"]);
        broken(first(&"x".repeat(4_001)), &["/meanings/0/paragraphs/0 too_long"]);
        broken(|meaning| meaning.author = Some(" ".into()), &["/meanings/0/author empty"]);
    }

    #[test]
    fn a_meaning_has_an_id_of_its_own() {
        broken(|meaning| meaning.id = id(10), &["/meanings/0/id id_repeated"]);
        broken(|meaning| meaning.id = uuid::Uuid::nil(), &["/meanings/0/id id_repeated"]);
    }

    #[test]
    fn what_a_meaning_refers_to_is_a_reference_of_the_song() {
        let mut song = kriti();
        song.meanings.push(Meaning { rights: Some(RightsId(id(44))), ..gist() });
        let referred = Record::Composition(song).references();
        assert!(referred.iter().any(|(role, entity)| *role == "rights" && entity.id == id(44)));
    }
}
