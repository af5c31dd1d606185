//! Ragas as readers see them: the scale with what can be read off it.

use crate::ragas::all::{Ragas, labels, swaras, tokens};
use crate::view::entity::EntityDetail;
use crate::view::label::Label;
use domain::music::raga::{RagaKind, Tradition};
use domain::music::scale::{self, Motion, ScaleJati};
use domain::music::{Raga, ScaleToken, Swara};
use domain::name::{AliasScheme, Name, NameRole};
use lipi::Script;
use serde::Serialize;
use store::Live;
use utoipa::ToSchema;
use uuid::Uuid;

/// A raga, whole, with the ragas that belong to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RagaDetail {
    #[serde(flatten)]
    pub entity: EntityDetail,
    /// Ragas of this catalogue whose parent it is, by name.
    pub janyas: Vec<Label>,
    /// Other ragas with these very lines, by name: a scale is not an identity.
    pub same_scale: Vec<Label>,
}

impl RagaDetail {
    /// The document of `live`, which is `raga`, among `all` ragas.
    pub fn of(live: &Live, raga: &Raga, all: &Ragas, script: Option<Script>) -> Self {
        let id = live.entity.id;
        Self {
            entity: EntityDetail::of(live, script),
            janyas: labels(all.janyas(id), id, script),
            same_scale: labels(all.with_scale_of(raga), id, script),
        }
    }
}

/// Another name of a raga.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Alias {
    pub text: String,
    #[schema(value_type = String)]
    pub script: Script,
    /// Why it exists: `concert`, `spelling_variant`, `hindustani_counterpart`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<AliasScheme>,
}

impl Alias {
    /// The aliases among `names`, in their order.
    pub fn all(names: &[Name]) -> Vec<Self> {
        let aliases = names.iter().filter(|name| name.role == NameRole::Alias);
        let alias =
            |name: &Name| Self { text: name.text.clone(), script: name.script, scheme: name.alias_scheme };
        aliases.map(alias).collect()
    }
}

/// What a raga becomes when another of its notes is taken for S.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Mode {
    /// The note that is taken for S, in half tones above its own S.
    pub tonic: u8,
    /// The same note by its name in this raga.
    pub from: Swara,
    /// The swaras that it has then; none where the grammar has no names for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swaras: Option<Vec<Swara>>,
    /// Ragas of this catalogue with these swaras, by name.
    pub ragas: Vec<Label>,
}

impl Mode {
    /// The modes of `raga` but its own, each with the ragas among `all` that have its swaras.
    pub fn all(id: Uuid, raga: &Raga, all: &Ragas, script: Option<Script>) -> Vec<Self> {
        let modes = swaras(raga).modes().into_iter().filter(|mode| mode.tonic != 0);
        modes
            .filter_map(|mode| {
                let from = tokens(raga).find(|token| token.swara.position() == mode.tonic)?.swara;
                let ragas = labels(all.with_set(mode.set), id, script);
                Some(Self { tonic: mode.tonic, from, swaras: mode.swaras, ragas })
            })
            .collect()
    }
}

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
