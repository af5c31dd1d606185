//! Ragas.

use crate::id::RagaId;
use crate::music::scale::{ScaleToken, Swara};
use crate::name::Name;
use crate::reference::{ExternalId, SourceNote};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A raga. Neither its name nor its scale is its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Raga {
    pub names: Vec<Name>,
    pub kind: RagaKind,
    /// 1..=72; set exactly where `kind` is mela.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mela_number: Option<u8>,
    /// A mela; set exactly where `kind` is janya.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RagaId>,
    #[serde(default)]
    pub arohana: Vec<ScaleToken>,
    #[serde(default)]
    pub avarohana: Vec<ScaleToken>,
    /// Foreign swaras that the raga takes beside those of its parent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anya_swaras: Vec<Swara>,
    #[serde(default)]
    pub tradition: Tradition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
}

/// Where a raga stands in the mela system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RagaKind {
    Mela,
    Janya,
    Unclassified,
}

/// Which music a raga comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tradition {
    #[default]
    Carnatic,
    HindustaniImport,
}
