//! Catalogue folders as documents of an index, without a database: what a search over them would find.
//!
//! Everything goes the way of a load (rows are linked to what is there, names are added), but ids are the
//! provisional ones, and nothing is stored. Relevance is judged on this, in seconds and on any desk.

use super::catalogue::{self, Known};
use super::plan::{Batch, Work, linked};
use super::{Error, Plan, starter};
use crate::follower::project;
use domain::name::Name;
use domain::reference::ExternalId;
use domain::{EntityKind, EntityRef, Record};
use search::Change;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use store::{Read, Truth};
use uuid::Uuid;

/// Documents, and how the outside world calls what they are about.
pub struct Offline {
    /// For [`search::Search::apply`], in order.
    pub changes: Vec<Change>,
    /// Ids of each entity in its collections: `t0002`, `composition/tyagaraja/…`.
    pub ids: HashMap<Uuid, Vec<String>>,
    /// Rows of the table of works, as they stand there: column, value. One work may have several rows.
    pub rows: Vec<(Uuid, BTreeMap<&'static str, String>)>,
}

/// What a database holds, with the same knowledge of it: to judge answers that come from there.
pub async fn stored(read: &Read) -> Result<Offline, store::Error> {
    let mut found = Offline { changes: Vec::new(), ids: HashMap::new(), rows: Vec::new() };
    for kind in EntityKind::ALL {
        let mut after = None;
        loop {
            let page = read.versions(kind, after, PAGE_MAX).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.id);
            let entities: Vec<EntityRef> = page.into_iter().map(|(entity, _)| entity).collect();
            let truths = read.truth(&entities).await?;
            for truth in &truths {
                let externals = truth.body.iter().flat_map(Record::external_ids);
                let ids = externals.map(|external| external.id.clone()).collect();
                found.ids.insert(truth.entity.id, ids);
            }
            found.changes.extend(project::changes(&truths));
        }
    }
    Ok(found)
}

/// Aggregates read at a time.
const PAGE_MAX: usize = 500;

#[derive(Default)]
struct Shelf {
    records: BTreeMap<Uuid, (EntityKind, Record, String)>,
    /// The entity of each row, by the row's provisional id.
    entities: HashMap<Uuid, Uuid>,
    rows: Vec<(Uuid, BTreeMap<&'static str, String>)>,
}

/// Reads the folders one after the other, as `load` would.
pub fn documents(folders: &[PathBuf]) -> Result<Offline, Error> {
    let mut shelf = Shelf::default();
    for folder in folders {
        match Plan::of(folder)? {
            Plan::Starter(folder) => shelf.add(&starter::parse(&folder)?)?,
            Plan::Export(file) => shelf.add(&super::exchange::parse(&file)?)?,
            Plan::Catalogue(folder) => {
                let (files, report) = catalogue::parse(&folder)?;
                shelf.add(&catalogue::plan(&files, report, &shelf.known()))?;
                for krithi in &files.krithis {
                    shelf.row(krithi);
                }
            }
        }
    }
    Ok(shelf.documents())
}

impl Shelf {
    fn known(&self) -> Known {
        let mut known = Known::default();
        for (id, (kind, record, _)) in &self.records {
            known.add(EntityRef { kind: *kind, id: *id }, record.clone());
        }
        known
    }

    fn add(&mut self, batch: &Batch) -> Result<(), Error> {
        for entry in &batch.entries {
            let form = |source| Error::Form { record: entry.external.id.clone(), source };
            match &entry.work {
                Work::Put(record) | Work::Keep { record, .. } => {
                    let settled = super::plan::Entry::settle(record, &self.entities).map_err(form)?;
                    let put = (entry.kind(), settled, entry.slug.clone());
                    self.records.insert(entry.provisional, put);
                    self.entities.insert(entry.provisional, entry.provisional);
                }
                Work::Link { target, names } => {
                    self.entities.insert(entry.provisional, target.id);
                    self.link(target.id, &entry.external, names).map_err(form)?;
                }
            }
        }
        Ok(())
    }

    fn link(&mut self, id: Uuid, external: &ExternalId, names: &[Name]) -> Result<(), serde_json::Error> {
        if let Some((_, record, _)) = self.records.get_mut(&id) {
            *record = linked(record, external, names)?;
        }
        Ok(())
    }

    fn row(&mut self, krithi: &catalogue::Krithi) {
        let provisional = super::plan::provisional(&catalogue::external(&krithi.id));
        let Some(id) = self.entities.get(&provisional) else { return };
        let columns = [
            ("id", &krithi.id),
            ("title", &krithi.title),
            ("raga", &krithi.raga),
            ("raga_canonical", &krithi.raga_group),
            ("tala", &krithi.tala),
            ("composer", &krithi.composer),
            ("language", &krithi.language),
            ("form", &krithi.form),
        ];
        self.rows.push((*id, columns.into_iter().map(|(name, value)| (name, value.clone())).collect()));
    }

    fn documents(self) -> Offline {
        let groups = self.groups();
        let truths: Vec<Truth> = self
            .records
            .iter()
            .map(|(id, (kind, record, slug))| Truth {
                entity: EntityRef { kind: *kind, id: *id },
                version: 1,
                body: Some(record.clone()),
                slug: Some(slug.clone()),
                label: None,
                labels: HashMap::new(),
                groups: groups.get(id).cloned().unwrap_or_default(),
                melas: self.melas(*id, record),
                recorded_at: Some(chrono::DateTime::UNIX_EPOCH),
            })
            .collect();
        let own = |(_, record, _): &(EntityKind, Record, String)| {
            record.external_ids().iter().map(|external| external.id.clone()).collect()
        };
        Offline {
            changes: project::changes(&truths),
            ids: self.records.iter().map(|(id, record)| (*id, own(record))).collect(),
            rows: self.rows,
        }
    }

    fn groups(&self) -> HashMap<Uuid, Vec<Uuid>> {
        let mut groups: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (id, (_, record, _)) in &self.records {
            for (_, member) in record.references().into_iter().filter(|(role, _)| *role == "member") {
                groups.entry(member.id).or_default().push(*id);
            }
        }
        groups
    }

    fn melas(&self, id: Uuid, record: &Record) -> Vec<u8> {
        let ragas = record.references().into_iter().filter(|(role, _)| *role == "raga");
        let ragas: Vec<Uuid> = match record {
            Record::Raga(_) => vec![id],
            _ => ragas.map(|(_, raga)| raga.id).collect(),
        };
        let mut melas: Vec<u8> = ragas.into_iter().filter_map(|raga| self.mela(raga)).collect();
        melas.sort_unstable();
        melas.dedup();
        melas
    }

    fn mela(&self, raga: Uuid) -> Option<u8> {
        let number = |id: Uuid| match self.records.get(&id) {
            Some((_, Record::Raga(raga), _)) => Some((raga.mela_number, raga.parent)),
            _ => None,
        };
        let (own, parent) = number(raga)?;
        own.or_else(|| number(parent?.0)?.0)
    }
}
