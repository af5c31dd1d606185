//! What a song says, told in plain words of another language.

use crate::id::{RightsId, SourceId};
use crate::name::Language;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// One telling of what a song says. It has rights of its own: a translation belongs to whoever made it, however old
/// the song is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Meaning {
    pub id: Uuid,
    pub kind: MeaningKind,
    /// The language that it is told in.
    pub language: Language,
    /// Plain text without markup; word by word, a paragraph for each line of the song.
    #[schema(example = json!(["The singer bows to all great souls."]))]
    pub paragraphs: Vec<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// Mandatory at publication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<RightsId>,
}

/// How close a telling keeps to the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeaningKind {
    /// A few sentences on what the song is about.
    Gist,
    /// Each word with its meaning.
    WordByWord,
    /// Line by line.
    Translation,
}

impl MeaningKind {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gist => "gist",
            Self::WordByWord => "word_by_word",
            Self::Translation => "translation",
        }
    }
}
