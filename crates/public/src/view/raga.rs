//! Ragas as readers see them: the scale with what can be read off it.

use crate::view::label::Label;
use domain::music::raga::{RagaKind, Tradition};
use domain::music::scale::{self, Motion, ScaleJati};
use domain::music::{Raga, ScaleToken, Swara};
use serde::Serialize;
use utoipa::ToSchema;

/// The scale of a raga, and what follows from it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RagaScale {
    pub kind: RagaKind,
    /// 1 to 72, of a mela.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mela_number: Option<u8>,
    /// The mela that a janya comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Label>,
    pub arohana: Line,
    pub avarohana: Line,
    /// Foreign swaras beside those of the parent; a raga that has some is bhashanga.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anya_swaras: Vec<Swara>,
    pub tradition: Tradition,
}

/// One direction of a scale.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Line {
    /// The swaras as a musician writes them: `S R2 G3 P D2 S`.
    pub text: String,
    pub tokens: Vec<ScaleToken>,
    /// It turns back on its way.
    pub vakra: bool,
    /// How many of the seven swaras it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jati: Option<ScaleJati>,
}

impl RagaScale {
    /// The scale of `raga`, whose parent readers know as `parent`.
    pub fn of(raga: &Raga, parent: Option<Label>) -> Self {
        Self {
            kind: raga.kind,
            mela_number: raga.mela_number,
            parent,
            arohana: Line::of(&raga.arohana, Motion::Arohana),
            avarohana: Line::of(&raga.avarohana, Motion::Avarohana),
            anya_swaras: raga.anya_swaras.clone(),
            tradition: raga.tradition,
        }
    }
}

impl Line {
    fn of(tokens: &[ScaleToken], motion: Motion) -> Self {
        Self {
            text: scale::display(tokens),
            vakra: scale::is_vakra(tokens, motion),
            jati: scale::jati(tokens),
            tokens: tokens.to_vec(),
        }
    }
}
