//! Lyric texts: the words of a version, section by section, in one script.

use crate::id::{RightsId, SourceId};
use crate::name::Language;
use lipi::Script;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The words of a version in one script and rendering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LyricText {
    pub id: Uuid,
    pub languages: Vec<Language>,
    #[schema(value_type = String, example = "latin")]
    pub script: Script,
    /// Romanisation of a Latin text; none for an Indic script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "iso15919")]
    pub scheme: Option<lipi::Scheme>,
    #[serde(default)]
    pub rendering: Rendering,
    /// Exactly one text per version, language set, script and rendering is primary.
    #[serde(default)]
    pub is_primary: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<RightsId>,
    pub sections: Vec<LyricSection>,
}

/// The lines of one section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LyricSection {
    /// A section of the version's tree, at any depth.
    pub section: Uuid,
    pub lines: Vec<String>,
}

/// Words as they are sung, or cut as a grammarian would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rendering {
    #[default]
    Continuous,
    WordDivision,
}
