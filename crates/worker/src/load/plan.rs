//! Records that are ready to be stored, before any database was asked.
//!
//! Records refer to each other by provisional ids, made from their external ids, so that a whole folder can
//! be checked without a database. [`Entry::settle`] puts the stored ids in their place.

use domain::name::NameRole;
use domain::reference::ExternalId;
use domain::{EntityKind, EntityRef, Name, Record, Severity, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

use super::names::push_new;
use super::report::Report;

/// One row of a catalogue, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The identity of the row, under which it is found again.
    pub external: ExternalId,
    /// Stands for the id of the record until that is known.
    pub provisional: Uuid,
    /// The address that the record would like.
    pub slug: String,
    pub file: String,
    pub line: usize,
    pub work: Work,
}

/// A disagreement with another collection that was looked into and decided for this catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What the two disagree on.
    pub field: Field,
    /// What the other collection says, as it spells it.
    pub other: String,
    /// Why ours stays.
    pub reason: String,
}

/// A fact that two collections are compared on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Of a work.
    Composer,
    /// Of a work: any of its ragas.
    Raga,
    /// Of a work, with where it begins in the tala.
    Tala,
    /// Of a raga: the number of its mela.
    Parent,
    /// Of a raga, without octave marks.
    Arohana,
    /// The same.
    Avarohana,
}

impl std::fmt::Display for Field {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Composer => "composer",
            Self::Raga => "raga",
            Self::Tala => "tala",
            Self::Parent => "parent",
            Self::Arohana => "arohana",
            Self::Avarohana => "avarohana",
        })
    }
}

/// What to do with a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Store this record under the row's identity.
    Put(Box<Record>),
    /// Store this record under the id that it has, with the addresses that it had.
    Keep { record: Box<Record>, former: Vec<String> },
    /// The entity is there already: give it the row's identity and these other names.
    Link { target: EntityRef, names: Vec<Name> },
}

/// Everything that one load wants, what is referred to first.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub entries: Vec<Entry>,
    /// Rulings on names; their entities are provisional ids.
    pub verdicts: Vec<Verdict>,
    /// Decided disagreements by the provisional id of the record.
    pub decided: HashMap<Uuid, Vec<Decision>>,
    /// Ids of entities that are stored already and may be referred to.
    pub stored: HashSet<Uuid>,
    /// Rows, bad rows and remarks so far.
    pub report: Report,
}

impl Entry {
    /// What kind of entity it is.
    pub fn kind(&self) -> EntityKind {
        match &self.work {
            Work::Put(record) | Work::Keep { record, .. } => record.kind(),
            Work::Link { target, .. } => target.kind,
        }
    }

    /// The record that the row brings; none of one that only adds to a stored record.
    pub fn record(&self) -> Option<&Record> {
        match &self.work {
            Work::Put(record) | Work::Keep { record, .. } => Some(record),
            Work::Link { .. } => None,
        }
    }

    /// The record with the ids of the database in place of provisional ones.
    pub fn settle(record: &Record, ids: &HashMap<Uuid, Uuid>) -> Result<Record, serde_json::Error> {
        let mut body = serde_json::to_value(record)?;
        replace_ids(&mut body, ids);
        Record::from_json(record.kind(), body)
    }
}

impl Batch {
    /// Sorts the entries so that what is referred to comes first, and drops what refers to a row that was
    /// left out, reporting it. What must never be stored is left out too.
    pub fn finish(&mut self) {
        self.drop_invalid();
        self.drop_dangling();
        let order: HashMap<EntityKind, usize> =
            EntityKind::ALL.into_iter().enumerate().map(|(at, kind)| (kind, at)).collect();
        let depths = self.depths();
        self.entries.sort_by_key(|entry| (order[&entry.kind()], depths[&entry.provisional]));
    }

    fn drop_invalid(&mut self) {
        let report = &mut self.report;
        self.entries.retain(|entry| {
            let Some(record) = entry.record() else { return true };
            let broken = record.check().into_iter().find(|violation| violation.severity == Severity::Error);
            let Some(broken) = broken else { return true };
            report.reject(&entry.file, entry.line, format!("{} {}", broken.field, broken.detail));
            false
        });
    }

    fn drop_dangling(&mut self) {
        loop {
            let mut known = self.stored.clone();
            known.extend(self.entries.iter().map(|entry| entry.provisional));
            let (kept, dropped): (Vec<_>, Vec<_>) = std::mem::take(&mut self.entries)
                .into_iter()
                .partition(|entry| references(entry).all(|id| known.contains(&id)));
            self.entries = kept;
            if dropped.is_empty() {
                return;
            }
            for entry in dropped {
                self.report.reject(&entry.file, entry.line, "refers to a row that could not be loaded");
            }
        }
    }

    /// How many records of its own kind each entry rests on, one upon the other.
    fn depths(&self) -> HashMap<Uuid, usize> {
        let mut depths: HashMap<Uuid, usize> =
            self.entries.iter().map(|entry| (entry.provisional, 0)).collect();
        // Chains are short (mela and janya, deity and form); a circle must not run on.
        for _ in 0..DEPTH_MAX {
            let mut moved = false;
            for entry in &self.entries {
                let deepest =
                    same_kind(entry).filter_map(|id| depths.get(&id)).max().map_or(0, |depth| depth + 1);
                let own = depths.entry(entry.provisional).or_default();
                if *own < deepest {
                    *own = deepest;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        depths
    }
}

/// The longest chain of records of one kind, each resting on the next.
const DEPTH_MAX: usize = 8;

/// The new content of the stored record that a row stands for: what the row says, and what others have
/// added. Ids in other collections and further aliases stay; a load takes nothing away. A record that came
/// into being in another collection keeps its content.
pub fn merged(
    stored: &Record,
    incoming: &Record,
    external: &ExternalId,
) -> Result<Record, serde_json::Error> {
    let origin = stored.external_ids().first();
    if origin.is_some_and(|origin| origin.scheme != external.scheme) {
        return linked(stored, external, &[]);
    }
    let names: Vec<Name> =
        stored.names().iter().filter(|name| name.role != NameRole::Display).cloned().collect();
    let mut merged = incoming.clone();
    for external in stored.external_ids() {
        merged = linked(&merged, external, &[])?;
    }
    with_names(&merged, &names)
}

/// A stored record with one more id and further names.
pub fn linked(stored: &Record, external: &ExternalId, names: &[Name]) -> Result<Record, serde_json::Error> {
    if stored.external_ids().contains(external) {
        return with_names(stored, names);
    }
    let mut body = serde_json::to_value(stored)?;
    match body.get_mut("external_ids").and_then(Value::as_array_mut) {
        Some(ids) => ids.push(json!(external)),
        None => body["external_ids"] = json!([external]),
    }
    with_names(&Record::from_json(stored.kind(), body)?, names)
}

/// The record with those of `names` whose text it has not yet, as far as there is room.
fn with_names(record: &Record, names: &[Name]) -> Result<Record, serde_json::Error> {
    let mut all = record.names().to_vec();
    for name in names {
        if all.len() < NAMES_MAX {
            push_new(&mut all, name.clone());
        }
    }
    if all.len() == record.names().len() {
        return Ok(record.clone());
    }
    let mut body = serde_json::to_value(record)?;
    let field = if record.kind() == EntityKind::Composition { "titles" } else { "names" };
    body[field] = json!(all);
    Record::from_json(record.kind(), body)
}

/// The most names of one record.
const NAMES_MAX: usize = 64;

/// The provisional id of the row with this identity.
pub fn provisional(external: &ExternalId) -> Uuid {
    derived(&[&external.scheme, &external.id])
}

/// The id of a part (version, section, text) of the record with this identity: the same in every load.
pub fn part_id(external: &ExternalId, path: &str) -> Uuid {
    derived(&[&external.scheme, &external.id, path])
}

/// The verdict with the ids of the database in place of provisional ones.
pub fn settled(verdict: &Verdict, ids: &HashMap<Uuid, Uuid>) -> Verdict {
    let mut settled = verdict.clone();
    for member in &mut settled.members {
        member.entity = member.entity.map(|id| ids.get(&id).copied().unwrap_or(id));
    }
    settled
}

/// The identity of a verdict: the names that it speaks of, in no order.
pub fn verdict_id(verdict: &Verdict) -> Uuid {
    let mut names: Vec<String> = verdict
        .members
        .iter()
        .map(|member| format!("{} {}", member.name, member.mela.unwrap_or_default()))
        .collect();
    names.sort();
    derived(&["verdict", verdict.kind.as_str(), &names.join("/")])
}

fn derived(parts: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn references(entry: &Entry) -> impl Iterator<Item = Uuid> {
    let found = entry.record().map(Record::references).unwrap_or_default();
    found.into_iter().map(|(_, target)| target.id)
}

fn same_kind(entry: &Entry) -> impl Iterator<Item = Uuid> {
    let kind = entry.kind();
    let found = entry.record().map(Record::references).unwrap_or_default();
    found.into_iter().filter(move |(_, target)| target.kind == kind).map(|(_, target)| target.id)
}

fn replace_ids(value: &mut Value, ids: &HashMap<Uuid, Uuid>) {
    match value {
        Value::String(text) if text.len() == UUID_TEXT_BYTES => {
            if let Some(settled) = Uuid::parse_str(text).ok().and_then(|id| ids.get(&id)) {
                *text = settled.to_string();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| replace_ids(value, ids)),
        Value::Object(fields) => fields.values_mut().for_each(|value| replace_ids(value, ids)),
        _ => {}
    }
}

/// The length of a UUID as text, in bytes.
const UUID_TEXT_BYTES: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;
    use domain::name::AliasScheme;
    use domain::reference::Tag;

    fn id(scheme: &str, id: &str) -> ExternalId {
        ExternalId { scheme: scheme.to_owned(), id: id.to_owned() }
    }

    fn tag(name: &str, external_ids: Vec<ExternalId>) -> Record {
        let names = vec![Name::display(name)];
        let category = domain::reference::TagCategory::Other;
        Record::Tag(Tag { names, category, note: None, sources: Vec::new(), external_ids })
    }

    #[test]
    fn a_load_adds_and_takes_nothing_away() {
        let alias = Name::alias("another name", AliasScheme::SourceSpelling);
        let stored = linked(&tag("old", vec![id("one", "a")]), &id("two", "b"), &[alias]).unwrap();
        let merged = merged(&stored, &tag("new", vec![id("one", "a")]), &id("one", "a")).unwrap();
        assert_eq!(merged.label(), "new");
        assert_eq!(merged.names().len(), 2);
        assert_eq!(merged.external_ids(), [id("one", "a"), id("two", "b")]);
    }

    #[test]
    fn a_record_of_another_collection_keeps_its_content() {
        let stored = tag("old", vec![id("one", "a"), id("two", "b")]);
        let kept = merged(&stored, &tag("new", vec![id("two", "b")]), &id("two", "b")).unwrap();
        assert_eq!(kept, stored);
    }

    #[test]
    fn settling_puts_stored_ids_in_place() {
        let (wanted, stored) = (provisional(&id("one", "a")), Uuid::from_u128(7));
        assert_ne!(wanted, part_id(&id("one", "a"), "version"));
        let mut body = json!({ "deep": [{ "id": wanted }, "text"] });
        replace_ids(&mut body, &HashMap::from([(wanted, stored)]));
        assert_eq!(body, json!({ "deep": [{ "id": stored }, "text"] }));
    }
}
