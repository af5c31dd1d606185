//! Labels: what an entity is called in the script that the reader asked for.

use domain::id::EntityKind;
use lipi::Script;
use serde::Serialize;
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// An entity as other documents show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Label {
    pub id: Uuid,
    pub kind: EntityKind,
    pub slug: String,
    /// Its name in the script that was asked for.
    pub label: String,
    /// True where a program made `label` from another script.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub machine_made: bool,
}

impl Label {
    /// The name of `label` in `script`.
    pub fn of(label: &store::Label, script: Option<Script>) -> Self {
        let (text, machine_made) = label.in_script(script);
        Self {
            id: label.entity.id,
            kind: label.entity.kind,
            slug: label.slug.clone(),
            label: text.to_owned(),
            machine_made,
        }
    }
}

/// The labels that came with a record, looked up by id and shown in one script.
#[derive(Clone, Copy)]
pub struct Labels<'a> {
    pub known: &'a HashMap<Uuid, store::Label>,
    pub script: Option<Script>,
}

impl Labels<'_> {
    /// The label of `id`; none for what is not live.
    pub fn get(&self, id: Uuid) -> Option<Label> {
        self.known.get(&id).map(|label| Label::of(label, self.script))
    }

    /// The labels of `ids`, in their order.
    pub fn all(&self, ids: impl IntoIterator<Item = Uuid>) -> Vec<Label> {
        ids.into_iter().filter_map(|id| self.get(id)).collect()
    }
}
