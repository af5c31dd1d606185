//! What is stored already, as far as rows can be linked to it.

use super::SCHEME;
use domain::music::Raga;
use domain::name::NameRole;
use domain::reference::ExternalId;
use domain::{EntityKind, EntityRef, Name, Record, Verdict};
use lipi::Script;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Stored entities.
#[derive(Debug, Default)]
pub struct Known {
    externals: HashMap<(EntityKind, ExternalId), Uuid>,
    /// Ragas, composers and talas, whole.
    records: HashMap<Uuid, Record>,
    songs: Vec<Song>,
    /// Works that came into being elsewhere.
    foreign_songs: HashSet<Uuid>,
    ids: HashSet<Uuid>,
    verdicts: Vec<Verdict>,
}

/// What tells a stored work from others.
#[derive(Debug)]
pub struct Song {
    pub id: Uuid,
    pub composer: Option<Uuid>,
    pub ragas: Vec<Uuid>,
    /// Folded titles.
    pub keys: Vec<String>,
    /// A row of the collection stands for it already.
    pub taken: bool,
}

impl Known {
    /// Adds a stored record.
    pub fn add(&mut self, entity: EntityRef, record: Record) {
        self.ids.insert(entity.id);
        for external in record.external_ids() {
            self.externals.insert((entity.kind, external.clone()), entity.id);
        }
        match record {
            Record::Composition(song) => {
                if foreign(&song.external_ids) {
                    self.foreign_songs.insert(entity.id);
                }
                self.songs.push(Song {
                    id: entity.id,
                    composer: song.composer.map(|composer| composer.0),
                    ragas: song.versions.first().map_or_else(Vec::new, |version| {
                        version.ragas.iter().map(|entry| entry.raga.0).collect()
                    }),
                    keys: title_keys(&song.titles),
                    taken: taken(&song.external_ids),
                });
            }
            Record::Raga(_) | Record::Composer(_) | Record::Tala(_) => {
                self.records.insert(entity.id, record);
            }
            _ => {}
        }
    }

    /// Adds rulings on names.
    pub fn rule(&mut self, verdicts: impl IntoIterator<Item = Verdict>) {
        self.verdicts.extend(verdicts);
    }

    /// Rulings on names.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// The number of the mela of a stored raga, or of its parent.
    pub fn mela_of(&self, raga: &Raga) -> Option<u8> {
        raga.mela_number.or_else(|| match self.record(raga.parent?.0) {
            Some(Record::Raga(mela)) => mela.mela_number,
            _ => None,
        })
    }

    /// Every stored id.
    pub fn ids(&self) -> HashSet<Uuid> {
        self.ids.clone()
    }

    /// The stored entity with this id in a collection.
    pub fn by_external(&self, kind: EntityKind, external: &ExternalId) -> Option<Uuid> {
        self.externals.get(&(kind, external.clone())).copied()
    }

    /// A stored raga, composer or tala.
    pub fn record(&self, id: Uuid) -> Option<&Record> {
        self.records.get(&id)
    }

    /// Stored records of `kind` that no row stands for yet.
    pub fn free(&self, kind: EntityKind) -> impl Iterator<Item = (Uuid, &Record)> {
        self.records
            .iter()
            .filter(move |(_, record)| record.kind() == kind && !taken(record.external_ids()))
            .map(|(id, record)| (*id, record))
    }

    /// Every stored raga.
    pub fn ragas(&self) -> impl Iterator<Item = (Uuid, &Raga)> {
        self.records.iter().filter_map(|(id, record)| match record {
            Record::Raga(raga) => Some((*id, raga)),
            _ => None,
        })
    }

    /// Whether the stored entity came into being elsewhere, so that a row is only linked to it.
    pub fn is_foreign(&self, id: Uuid) -> bool {
        self.records.get(&id).is_some_and(|record| foreign(record.external_ids()))
    }

    /// The same of a stored work.
    pub fn is_linked_song(&self, id: Uuid) -> bool {
        self.foreign_songs.contains(&id)
    }

    /// Stored works.
    pub fn songs(&self) -> &[Song] {
        &self.songs
    }
}

fn foreign(externals: &[ExternalId]) -> bool {
    externals.iter().any(|external| external.scheme != SCHEME)
}

fn taken(externals: &[ExternalId]) -> bool {
    externals.iter().any(|external| external.scheme == SCHEME)
}

fn title_keys(titles: &[Name]) -> Vec<String> {
    let mut keys: Vec<String> = titles
        .iter()
        .filter(|name| name.script == Script::Latin && name.role != NameRole::Signature)
        .map(|name| lipi::k1_joined(&name.text))
        .collect();
    keys.sort();
    keys.dedup();
    keys
}
