//! Events: *that* something changed, never *to what*. Whoever hears one re-reads the truth.

use crate::id::{EntityKind, EntityRef};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to the aggregate, as readers are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Readers see a new or changed record.
    Published,
    /// Readers see it no more.
    Withdrawn,
    /// Somebody ordered a purge of the caches; nothing of the catalogue changed.
    Purged,
}

impl EventKind {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
            Self::Purged => "purged",
        }
    }
}

/// One change of what readers may see. Recorded in the transaction that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// UUIDv7, made when the change was; the identity by which a second delivery is recognised.
    pub id: Uuid,
    pub kind: EventKind,
    /// None for an order to purge, which is kept under the event's own id.
    pub entity: Option<EntityRef>,
    /// Rises by one with every change of the aggregate, under its row lock.
    pub version: i64,
    pub at: DateTime<Utc>,
}

impl Event {
    /// That the purge `id` was ordered.
    pub const fn of_purge(id: Uuid, at: DateTime<Utc>) -> Self {
        Self { id, kind: EventKind::Purged, entity: None, version: 0, at }
    }
}

/// The surrogate keys that a change of `entity` makes stale, wherever they were rendered: its own key and
/// the lists of its kind.
pub fn surrogate_keys(entity: EntityRef) -> [String; 2] {
    [surrogate_key(entity), list_surrogate_key(entity.kind)]
}

/// The surrogate key of one aggregate: `raga:0192…`.
pub fn surrogate_key(entity: EntityRef) -> String {
    entity.to_string()
}

/// The surrogate key of everything that lists entities of `kind`, or shows labels of many: `list:ragas`.
pub fn list_surrogate_key(kind: EntityKind) -> String {
    format!("list:{}", kind.plural())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_makes_its_own_key_and_the_lists_of_its_kind_stale() {
        let entity = EntityRef { kind: EntityKind::Deity, id: Uuid::nil() };
        assert_eq!(surrogate_keys(entity), [format!("deity:{}", Uuid::nil()), "list:deities".to_owned()]);
    }

    #[test]
    fn an_event_survives_the_wire() {
        let entity = EntityRef { kind: EntityKind::Raga, id: Uuid::now_v7() };
        let at = DateTime::UNIX_EPOCH;
        let event =
            Event { id: Uuid::now_v7(), kind: EventKind::Withdrawn, entity: Some(entity), version: 7, at };
        for event in [Event::of_purge(event.id, at), event] {
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
        }
    }
}
