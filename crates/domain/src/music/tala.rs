//! Talas, their angas, and how a song sits in one.

use crate::id::TalaId;
use crate::name::Name;
use crate::reference::{ExternalId, SourceNote};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tala.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tala {
    pub names: Vec<Name>,
    pub kind: TalaKind,
    /// The count of a laghu; set exactly for suladi talas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jati: Option<Jati>,
    /// Of a suladi tala, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub angas: Vec<Anga>,
    /// Of a chapu tala: the groups that its beats fall into (misra chapu 3 + 4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<u8>,
    /// Beats of one avartanam, at one akshara a beat; must equal the sum of angas or groups.
    pub beats: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
}

/// The family of a tala.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TalaKind {
    Suladi,
    Chapu,
    Other,
}

/// The five counts of a laghu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jati {
    Tisra,
    Chatusra,
    Khanda,
    Misra,
    Sankirna,
}

/// The limbs of a suladi tala.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Anga {
    Laghu,
    Drutam,
    Anudrutam,
}

/// How a song sits in a tala. Desadi and madhyadi are Adi with an eduppu, not talas of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TalaSetting {
    pub tala: TalaId,
    /// 1, 2 or 4.
    #[serde(default = "one")]
    pub kalai: u8,
    /// Subdivision of a beat: 3, 4, 5, 7 or 9.
    #[serde(default = "four")]
    pub gati: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eduppu: Option<Eduppu>,
}

/// Where the song begins in the avartanam, in beats from samam; negative for atita.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Eduppu {
    pub numerator: i16,
    /// 1..=16.
    pub denominator: u8,
}

const fn one() -> u8 {
    1
}

const fn four() -> u8 {
    4
}
