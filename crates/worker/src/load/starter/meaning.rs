//! What works say, in other words.

use super::builder::{Built, id, refer};
use super::raw::{self, Head};
use crate::load::plan::part_id;
use domain::EntityKind;
use domain::composition::{Meaning, MeaningKind};
use domain::id::SourceId;
use domain::name::Language;
use domain::reference::ExternalId;

/// The meaning that `raw` tells of the work `of`.
pub fn meaning(head: &Head, raw: raw::Meaning, of: &ExternalId) -> Built<Meaning> {
    let language = raw.language.or(head.language).ok_or("a meaning needs a `language`")?;
    let source = raw.source_key.or_else(|| head.source_key.clone());
    let rights = raw.rights.or_else(|| head.rights.clone());
    Ok(Meaning {
        id: part_id(of, &path(raw.kind, language)),
        kind: raw.kind,
        language,
        paragraphs: paragraphs(raw.kind, &raw.text),
        author: raw.author.or_else(|| head.author.clone()),
        source: source.map(|key| SourceId(id(EntityKind::Source, &key))),
        rights: rights.map(|key| refer::rights(&key)),
    })
}

/// One of a kind in a language: what the id is made of.
fn path(kind: MeaningKind, language: Language) -> String {
    format!("meaning/{}/{}", language.as_str(), kind.as_str())
}

/// Word by word a paragraph a line; otherwise lines flow together up to an empty one.
fn paragraphs(kind: MeaningKind, text: &str) -> Vec<String> {
    let joined = |lines: &str| lines.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts: Vec<&str> = match kind {
        MeaningKind::WordByWord => text.lines().collect(),
        MeaningKind::Gist | MeaningKind::Translation => text.split("\n\n").collect(),
    };
    parts.into_iter().map(joined).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_flow_into_paragraphs_and_words_stay_on_their_lines() {
        let text = "\nOne\ntwo.\n\n\nThree.\n";
        assert_eq!(paragraphs(MeaningKind::Gist, text), ["One two.", "Three."]);
        assert_eq!(paragraphs(MeaningKind::WordByWord, text), ["One", "two.", "Three."]);
    }
}
