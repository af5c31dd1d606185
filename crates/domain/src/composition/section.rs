//! The section tree of a version.

use crate::music::tala::TalaSetting;
use crate::name::Language;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A part of a song. A madhyama kala passage is a child of the section in which it is sung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    pub id: Uuid,
    pub kind: SectionKind,
    /// 1..n for charanams and verses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default)]
    pub kala: Kala,
    /// Languages of this section where they differ from the song's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Language>,
    /// The tala of this section where it differs from the version's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tala: Option<TalaSetting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub children: Vec<Section>,
}

/// What a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    Pallavi,
    Anupallavi,
    Charanam,
    SamashtiCharanam,
    MadhyamaKala,
    Chittaswaram,
    VilomaChittaswaram,
    SwaraSahitya,
    SolkattuSwara,
    Jati,
    MuktayiSwara,
    MuktayiSahitya,
    EttugadaPallavi,
    EttugadaSwara,
    EttugadaSahitya,
    Anubandha,
    Verse,
    Refrain,
    Other,
}

/// Tempo of a section relative to the song.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kala {
    #[default]
    Sama,
    Madhyama,
    Druta,
}
