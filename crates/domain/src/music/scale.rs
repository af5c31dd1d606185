//! Swaras and scales.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The sixteen names of the twelve positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Swara {
    S,
    R1,
    R2,
    R3,
    G1,
    G2,
    G3,
    M1,
    M2,
    P,
    D1,
    D2,
    D3,
    N1,
    N2,
    N3,
}

/// One step of an arohana or avarohana.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleToken {
    pub swara: Swara,
    /// −1 below the middle octave, +1 above it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub octave: i8,
    /// A note of phrases, outside the plain line.
    #[serde(default, skip_serializing_if = "crate::name::is_false")]
    pub prayoga: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn is_zero(octave: &i8) -> bool {
    *octave == 0
}
