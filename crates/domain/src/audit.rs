//! The audit trail: every entry sealed to the one before it.
//!
//! The hash of an entry covers its own fields and the hash of its predecessor, so that a change, a gap or a
//! swap anywhere shows at the next verification. It is taken over canonical JSON (object keys sorted, no
//! white space, whole numbers without a fraction), which survives a store that keeps JSON as values and not
//! as text; times count to the microsecond for the same reason.

use crate::actor::Actor;
use crate::id::EntityRef;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// The predecessor's hash of the very first entry.
pub const FIRST_PREVIOUS_HASH: [u8; 32] = [0; 32];

/// One sealed entry.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// 1 for the first entry, without gaps.
    pub number: i64,
    pub at: DateTime<Utc>,
    pub actor: Actor,
    /// The role under which the actor was let in.
    pub role: Option<String>,
    pub ip: Option<IpAddr>,
    pub request_id: String,
    /// Kind and verb, `composition_publish`.
    pub action: String,
    pub entity: Option<EntityRef>,
    /// What was changed, as a list of field changes or a note.
    pub changes: Value,
    pub reason: Option<String>,
    /// The hash of the entry before this one.
    pub previous_hash: [u8; 32],
    pub hash: [u8; 32],
}

/// An entry that has no hash yet. Fields as in [`AuditEntry`].
#[derive(Clone, Debug, PartialEq)]
pub struct AuditDraft {
    pub number: i64,
    pub at: DateTime<Utc>,
    pub actor: Actor,
    pub role: Option<String>,
    pub ip: Option<IpAddr>,
    pub request_id: String,
    pub action: String,
    pub entity: Option<EntityRef>,
    pub changes: Value,
    pub reason: Option<String>,
}

impl AuditEntry {
    /// Seals `draft` to the entry whose hash is `previous`.
    pub fn seal(previous: [u8; 32], draft: AuditDraft) -> Self {
        let mut entry = Self {
            number: draft.number,
            at: draft.at,
            actor: draft.actor,
            role: draft.role,
            ip: draft.ip,
            request_id: draft.request_id,
            action: draft.action,
            entity: draft.entity,
            changes: draft.changes,
            reason: draft.reason,
            previous_hash: previous,
            hash: [0; 32],
        };
        entry.hash = entry.content_hash();
        entry
    }

    fn content_hash(&self) -> [u8; 32] {
        let content = json!({
            "number": self.number,
            "at_us": self.at.timestamp_micros(),
            "user": self.actor.user,
            "actor": self.actor.name,
            "role": self.role,
            "ip": self.ip.map(|ip| ip.to_string()),
            "request_id": self.request_id,
            "action": self.action,
            "entity": self.entity.map(|entity| entity.to_string()),
            "changes": self.changes,
            "reason": self.reason,
        });
        let mut text = String::new();
        canonical(&content, &mut text);
        Sha256::new().chain_update(self.previous_hash).chain_update(text).finalize().into()
    }
}

/// Whether `entry` is whole and follows the entry whose hash is `previous`.
pub fn verify(previous: [u8; 32], entry: &AuditEntry) -> bool {
    entry.previous_hash == previous && entry.hash == entry.content_hash()
}

/// Writes `value` so that equal values have equal texts.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (index, (key, item)) in fields.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(item, out);
            }
            out.push('}');
        }
        Value::Number(number) => match number.as_f64() {
            // `1.0` may come back from the store as `1`; both are the same number.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                out.push_str(&format!("{float:.0}"));
            }
            _ => out.push_str(&number.to_string()),
        },
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EntityKind;
    use uuid::Uuid;

    fn draft(number: i64) -> AuditDraft {
        AuditDraft {
            number,
            at: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            actor: Actor::system("test"),
            role: Some("admin".into()),
            ip: Some(IpAddr::from([192, 0, 2, 1])),
            request_id: "r-1".into(),
            action: "composition_publish".into(),
            entity: Some(EntityRef { kind: EntityKind::Composition, id: Uuid::from_u128(7) }),
            changes: json!([{"pointer": "/titles/0/text", "before": "a", "after": "b"}]),
            reason: None,
        }
    }

    fn chain(length: i64) -> Vec<AuditEntry> {
        let mut previous = FIRST_PREVIOUS_HASH;
        (1..=length)
            .map(|number| {
                let entry = AuditEntry::seal(previous, draft(number));
                previous = entry.hash;
                entry
            })
            .collect()
    }

    /// The number of the first entry that does not follow.
    fn first_break(entries: &[AuditEntry]) -> Option<i64> {
        let mut previous = FIRST_PREVIOUS_HASH;
        for entry in entries {
            if !verify(previous, entry) {
                return Some(entry.number);
            }
            previous = entry.hash;
        }
        None
    }

    #[test]
    fn an_untouched_chain_verifies() {
        assert_eq!(first_break(&chain(20)), None);
    }

    #[test]
    fn a_change_of_any_field_shows() {
        let tampers: [fn(&mut AuditEntry); 11] = [
            |entry| entry.number += 100,
            |entry| entry.at += chrono::Duration::microseconds(1),
            |entry| entry.actor.name.push('x'),
            |entry| entry.actor.user = Some(Uuid::from_u128(1)),
            |entry| entry.role = None,
            |entry| entry.ip = None,
            |entry| entry.request_id.push('x'),
            |entry| entry.action.push('x'),
            |entry| entry.entity = None,
            |entry| entry.changes = json!([]),
            |entry| entry.reason = Some("because".into()),
        ];
        for tamper in tampers {
            let mut entries = chain(5);
            tamper(&mut entries[2]);
            assert!(first_break(&entries).is_some());
        }
    }

    #[test]
    fn a_removed_or_swapped_or_resealed_entry_shows() {
        let mut removed = chain(5);
        removed.remove(2);
        assert_eq!(first_break(&removed), Some(4));

        let mut swapped = chain(5);
        swapped.swap(1, 2);
        assert_eq!(first_break(&swapped), Some(3));

        let mut resealed = chain(5);
        let changed = AuditDraft { action: "raga_update".into(), ..draft(3) };
        resealed[2] = AuditEntry::seal(resealed[1].hash, changed);
        assert_eq!(first_break(&resealed), Some(4));
    }

    #[test]
    fn the_order_of_keys_and_the_spelling_of_numbers_do_not_count() {
        let one: Value = serde_json::from_str(r#"{"b": 1.0, "a": {"y": [1, 2.5], "x": "é"}}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"a": {"x": "\u00e9", "y": [1, 2.5]}, "b": 1}"#).unwrap();
        let sealed = |changes| AuditEntry::seal(FIRST_PREVIOUS_HASH, AuditDraft { changes, ..draft(1) }).hash;
        assert_eq!(sealed(one), sealed(other));
    }
}
