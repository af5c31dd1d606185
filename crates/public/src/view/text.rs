//! Texts in the script that the reader asked for: stored where we have it, transliterated where we do not.

use crate::view::label::{Label, Labels};
use domain::composition::text::Rendering;
use domain::composition::{LyricText, Version};
use domain::name::Language;
use lipi::{Notation, Scheme, Script};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The words of a version in one script.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Text {
    /// The stored text that this is, or was made from.
    pub id: Uuid,
    pub languages: Vec<Language>,
    #[schema(value_type = String)]
    pub script: Script,
    /// Romanisation, where the script is Latin.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub scheme: Option<Scheme>,
    pub rendering: Rendering,
    pub is_primary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Where the stored text is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Label>,
    /// Rights in it where they are not the song's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<Label>,
    /// True where a program transliterated it from another script.
    pub machine_made: bool,
    pub sections: Vec<TextSection>,
}

/// The lines of one section of the version's section tree.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TextSection {
    pub section: Uuid,
    pub lines: Vec<String>,
}

/// A script and, for Latin, a romanisation, as a reader asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub script: Script,
    pub scheme: Option<Scheme>,
}

/// The stored texts of `version`; or, where a script is `wanted`, one text in it.
pub fn texts(version: &Version, wanted: Option<Wanted>, labels: Labels<'_>) -> Vec<Text> {
    match wanted {
        None => version.texts.iter().map(|text| stored(text, labels)).collect(),
        Some(wanted) => in_script(version, wanted, labels).into_iter().collect(),
    }
}

/// A stored text in the wanted script, or the primary text transliterated into it; none without any text.
fn in_script(version: &Version, wanted: Wanted, labels: Labels<'_>) -> Option<Text> {
    let fits = |text: &&LyricText| {
        text.script == wanted.script && (wanted.scheme.is_none() || text.scheme == wanted.scheme)
    };
    if let Some(text) = version.texts.iter().filter(fits).max_by_key(|text| text.is_primary) {
        return Some(stored(text, labels));
    }
    let source = version.texts.iter().find(|text| text.is_primary).or_else(|| version.texts.first())?;
    Some(transliterated(source, wanted, labels))
}

fn stored(text: &LyricText, labels: Labels<'_>) -> Text {
    Text {
        id: text.id,
        languages: text.languages.clone(),
        script: text.script,
        scheme: text.scheme,
        rendering: text.rendering,
        is_primary: text.is_primary,
        label: text.label.clone(),
        source: text.source.and_then(|source| labels.get(source.0)),
        rights: text.rights.and_then(|rights| labels.get(rights.0)),
        machine_made: false,
        sections: text
            .sections
            .iter()
            .map(|section| TextSection { section: section.section, lines: section.lines.clone() })
            .collect(),
    }
}

fn transliterated(text: &LyricText, wanted: Wanted, labels: Labels<'_>) -> Text {
    let from = match text.scheme {
        Some(scheme) => Notation::Latin(scheme),
        None => Notation::Script(text.script),
    };
    let scheme = (wanted.script == Script::Latin).then(|| wanted.scheme.unwrap_or(Scheme::Iso15919));
    let to = scheme.map_or(Notation::Script(wanted.script), Notation::Latin);
    let mut made = Text { script: wanted.script, scheme, machine_made: true, ..stored(text, labels) };
    for line in made.sections.iter_mut().flat_map(|section| &mut section.lines) {
        *line = lipi::transliterate(line, from, to);
    }
    made
}
