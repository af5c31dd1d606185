//! Revisions: every saved state of an aggregate, whole and immutable.

use crate::record::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use utoipa::ToSchema;

/// Why a revision was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Import,
    CuratorEdit,
    Merge,
    Correction,
    Rollback,
    Takedown,
}

impl ChangeKind {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::CuratorEdit => "curator_edit",
            Self::Merge => "merge",
            Self::Correction => "correction",
            Self::Rollback => "rollback",
            Self::Takedown => "takedown",
        }
    }
}

/// SHA-256 of a record's canonical JSON (fields in the order of the type, defaults left out). Equal
/// contents have equal hashes, so a second save of the same record can be recognised.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// The hash of `record`.
    pub fn of(record: &Record) -> Self {
        let json = serde_json::to_vec(record).expect("a record is plain data and always has a JSON form");
        Self(Sha256::digest(json).into())
    }

    /// Lower-case hexadecimal, 64 characters.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_hex())
    }
}

/// The most changes that a difference lists field by field.
pub const FIELD_CHANGES_MAX: usize = 1_000;

/// One field that differs between two states of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// JSON pointer (RFC 6901); empty for the whole record.
    pub pointer: String,
    /// None where the field was not there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// None where the field is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// What changed between two states of a record, in the order of pointers. Lists are compared place by place,
/// so a changed line of a text is one change. Where that would list more than [`FIELD_CHANGES_MAX`]
/// changes, whole fields of the record are listed in their place: coarser, but nothing is left out.
pub fn diff(before: Option<&Record>, after: Option<&Record>) -> Vec<FieldChange> {
    let value = |record: &Record| {
        serde_json::to_value(record).expect("a record is plain data and always has a JSON form")
    };
    let (before, after) = (before.map(value), after.map(value));
    let mut fine = Difference { changes: Vec::new(), depth_max: usize::MAX };
    fine.compare("", 0, before.as_ref(), after.as_ref());
    if fine.changes.len() <= FIELD_CHANGES_MAX {
        return fine.changes;
    }
    let mut coarse = Difference { changes: Vec::new(), depth_max: 1 };
    coarse.compare("", 0, before.as_ref(), after.as_ref());
    coarse.changes
}

struct Difference {
    changes: Vec<FieldChange>,
    /// How many steps below the record are looked into.
    depth_max: usize,
}

impl Difference {
    fn compare(&mut self, pointer: &str, depth: usize, before: Option<&Value>, after: Option<&Value>) {
        if before == after || self.changes.len() > FIELD_CHANGES_MAX {
            return;
        }
        match (before, after) {
            (Some(Value::Object(old)), Some(Value::Object(new))) if depth < self.depth_max => {
                let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
                for key in keys {
                    let step = key.replace('~', "~0").replace('/', "~1");
                    self.compare(&format!("{pointer}/{step}"), depth + 1, old.get(key), new.get(key));
                }
            }
            (Some(Value::Array(old)), Some(Value::Array(new))) if depth < self.depth_max => {
                for index in 0..old.len().max(new.len()) {
                    self.compare(&format!("{pointer}/{index}"), depth + 1, old.get(index), new.get(index));
                }
            }
            _ => self.changes.push(FieldChange {
                pointer: pointer.to_owned(),
                before: before.cloned(),
                after: after.cloned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composition::Form;
    use crate::samples::kriti;

    fn pointers(changes: &[FieldChange]) -> Vec<&str> {
        changes.iter().map(|change| change.pointer.as_str()).collect()
    }

    #[test]
    fn equal_contents_have_equal_hashes() {
        let record = Record::Composition(kriti());
        assert_eq!(ContentHash::of(&record), ContentHash::of(&record.clone()));
        let other = Record::Composition(crate::Composition { form: Form::Padam, ..kriti() });
        assert_ne!(ContentHash::of(&record), ContentHash::of(&other));
        assert_eq!(ContentHash::of(&record).to_hex().len(), 64);
    }

    #[test]
    fn a_changed_line_is_one_change() {
        let mut changed = kriti();
        changed.versions[0].texts[0].sections[2].lines[1] = "another line".into();
        let changes = diff(Some(&Record::Composition(kriti())), Some(&Record::Composition(changed)));
        assert_eq!(
            changes,
            [FieldChange {
                pointer: "/versions/0/texts/0/sections/2/lines/1".into(),
                before: Some("second line".into()),
                after: Some("another line".into()),
            }]
        );
    }

    #[test]
    fn what_comes_and_goes_has_one_side_only() {
        let mut changed = kriti();
        changed.year_hint = Some(1_800);
        changed.rights = None;
        let changes = diff(Some(&Record::Composition(kriti())), Some(&Record::Composition(changed)));
        assert_eq!(pointers(&changes), ["/rights", "/year_hint"]);
        assert_eq!((changes[0].after.is_none(), changes[1].before.is_none()), (true, true));
        assert_eq!(diff(None, None), []);
        assert_eq!(pointers(&diff(None, Some(&Record::Composition(kriti())))), [""]);
    }

    #[test]
    fn too_many_changes_are_told_by_the_field() {
        let mut before = kriti();
        before.versions[0].texts[0].sections[0].lines =
            (0..FIELD_CHANGES_MAX + 1).map(|n| n.to_string()).collect();
        let mut after = before.clone();
        for line in &mut after.versions[0].texts[0].sections[0].lines {
            line.push('x');
        }
        after.year_hint = Some(1_800);
        let changes = diff(Some(&Record::Composition(before)), Some(&Record::Composition(after)));
        assert_eq!(pointers(&changes), ["/versions", "/year_hint"]);
    }
}
