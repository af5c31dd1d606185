//! What a song says, as readers see it.

use crate::view::label::{Label, Labels};
use domain::composition::{Composition, MeaningKind};
use domain::name::Language;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// One telling of what a song says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = MeaningShown)]
pub struct Meaning {
    pub id: Uuid,
    pub kind: MeaningKind,
    /// The language that it is told in.
    pub language: Language,
    /// Plain text; word by word, a paragraph for each line of the song.
    pub paragraphs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Label>,
    /// What may be done with these words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<Label>,
}

/// The meanings of `song`, in its order.
pub fn meanings(song: &Composition, labels: Labels<'_>) -> Vec<Meaning> {
    // Sources and licences have English names, which no script makes readable.
    let labels = Labels { script: None, ..labels };
    let shown = |meaning: &domain::composition::Meaning| Meaning {
        id: meaning.id,
        kind: meaning.kind,
        language: meaning.language,
        paragraphs: meaning.paragraphs.clone(),
        author: meaning.author.clone(),
        source: meaning.source.and_then(|source| labels.get(source.0)),
        rights: meaning.rights.and_then(|rights| labels.get(rights.0)),
    };
    song.meanings.iter().map(shown).collect()
}
