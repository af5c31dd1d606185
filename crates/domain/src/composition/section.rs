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

impl Section {
    /// How deep sections may be nested; 1 is a tree without children.
    pub const DEPTH_MAX: usize = 4;

    /// A section without anything but its kind.
    pub const fn new(id: Uuid, kind: SectionKind) -> Self {
        Self {
            id,
            kind,
            number: None,
            label: None,
            kala: Kala::Sama,
            languages: Vec::new(),
            tala: None,
            note: None,
            children: Vec::new(),
        }
    }
}

impl SectionKind {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pallavi => "pallavi",
            Self::Anupallavi => "anupallavi",
            Self::Charanam => "charanam",
            Self::SamashtiCharanam => "samashti_charanam",
            Self::MadhyamaKala => "madhyama_kala",
            Self::Chittaswaram => "chittaswaram",
            Self::VilomaChittaswaram => "viloma_chittaswaram",
            Self::SwaraSahitya => "swara_sahitya",
            Self::SolkattuSwara => "solkattu_swara",
            Self::Jati => "jati",
            Self::MuktayiSwara => "muktayi_swara",
            Self::MuktayiSahitya => "muktayi_sahitya",
            Self::EttugadaPallavi => "ettugada_pallavi",
            Self::EttugadaSwara => "ettugada_swara",
            Self::EttugadaSahitya => "ettugada_sahitya",
            Self::Anubandha => "anubandha",
            Self::Verse => "verse",
            Self::Refrain => "refrain",
            Self::Other => "other",
        }
    }

    /// Whether a madhyama kala passage may close this section.
    pub const fn takes_madhyama_kala(self) -> bool {
        matches!(self, Self::Pallavi | Self::Anupallavi | Self::Charanam | Self::SamashtiCharanam)
    }
}
