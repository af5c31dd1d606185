//! Reference entities as readers see them.

use crate::view::composition::RevisionMark;
use crate::view::label::{Label, Labels};
use crate::view::raga::RagaScale;
use domain::Record;
use domain::name::Name;
use domain::reference::{ExternalId, Location};
use lipi::Script;
use serde::Serialize;
use store::{EntityRow, Live};
use utoipa::ToSchema;

/// An entity in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EntityItem {
    #[serde(flatten)]
    pub label: Label,
    /// Songs of this catalogue that refer to it.
    pub compositions: u64,
    /// Of a raga.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mela_number: Option<u8>,
    /// Of a temple.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
}

impl EntityItem {
    /// The item of `row`, with its name in `script`.
    pub fn of(row: EntityRow, script: Option<Script>) -> Self {
        let mela_number = match &row.record {
            Record::Raga(raga) => raga.mela_number,
            _ => None,
        };
        let location = match &row.record {
            Record::Temple(temple) => temple.location,
            _ => None,
        };
        Self {
            label: Label::of(&row.label, script),
            compositions: row.count,
            mela_number,
            location,
            external_ids: row.record.external_ids().to_vec(),
        }
    }
}

/// An entity, whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EntityDetail {
    #[serde(flatten)]
    pub label: Label,
    pub names: Vec<Name>,
    /// Of a raga.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<RagaScale>,
    /// The record as it is stored, without what readers cannot see; its ids are explained by `labels`.
    #[schema(value_type = Object)]
    pub about: Record,
    /// Everything that `about` refers to.
    pub labels: Vec<Label>,
    pub revision: RevisionMark,
}

impl EntityDetail {
    /// The document of `live`.
    pub fn of(live: &Live, script: Option<Script>) -> Self {
        let labels = Labels { known: &live.labels, script };
        let mut linked: Vec<Label> = live.labels.values().map(|label| Label::of(label, script)).collect();
        linked.sort_by(|a, b| (a.kind, &a.label, a.id).cmp(&(b.kind, &b.label, b.id)));
        let scale = match &live.record {
            Record::Raga(raga) => {
                Some(RagaScale::of(raga, raga.parent.and_then(|parent| labels.get(parent.0))))
            }
            _ => None,
        };
        Self {
            label: Label::of(&live.label, script),
            names: live.record.names().to_vec(),
            scale,
            about: visible(live),
            labels: linked,
            revision: RevisionMark::of(live),
        }
    }
}

/// The record without the members of a group that are not published.
fn visible(live: &Live) -> Record {
    let mut record = live.record.clone();
    if let Record::Group(group) = &mut record {
        group.members.retain(|member| live.labels.contains_key(&member.composition.0));
    }
    record
}
