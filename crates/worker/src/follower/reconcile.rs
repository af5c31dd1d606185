//! The proof that nothing was lost: versions of the database against versions of the index.

use super::{Follower, Target};
use crate::Error;
use domain::event::surrogate_keys;
use domain::{EntityKind, EntityRef};
use search::Position;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};
use uuid::Uuid;

/// What differs between index and database, and what was done about it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Drift {
    /// Live aggregates in the database.
    pub database: u64,
    /// Documents in the index.
    pub index: u64,
    /// In the database, not in the index.
    pub missing: u64,
    /// In both, with different versions.
    pub stale: u64,
    /// In the index, no longer in the database.
    pub extra: u64,
    /// Documents that were mended; a healthy region has 0.
    pub repairs: u64,
}

impl Drift {
    /// Documents that differ.
    pub const fn total(&self) -> u64 {
        self.missing + self.stale + self.extra
    }

    fn count(&mut self, suspects: &Suspects) {
        for suspect in suspects.values() {
            match (suspect.held, suspect.truth) {
                (None, _) => self.missing += 1,
                (Some(_), Some(_)) => self.stale += 1,
                (Some(_), None) => self.extra += 1,
            }
        }
    }
}

/// A document whose version is not the database's: none stands for absence.
#[derive(Clone, Copy)]
struct Suspect {
    held: Option<u64>,
    truth: Option<u64>,
}

type Suspects = BTreeMap<EntityRef, Suspect>;

/// Versions read at a time.
const PAGE_MAX: usize = 1_000;
/// A stream without an event for this long brings none that is on its way: it is longer than a relay waits
/// for a standby.
const QUIET_MIN: Duration = Duration::from_millis(2_500);
/// In a stream that is never quiet, what differs for this long counts as drift.
const SETTLE_MAX: Duration = Duration::from_secs(5);

impl Follower {
    /// Compares. What differs is suspect until the stream has been applied and is quiet, so that an event on
    /// its way is not taken for a loss. Answers also the position that the follower has now.
    pub(super) async fn compare(&mut self, repair: bool, at: Position) -> Result<(Drift, Position), Error> {
        let mut at = at;
        let (mut drift, mut suspects) = self.differences().await?;
        let deadline = Instant::now() + SETTLE_MAX;
        let mut is_quiet = false;
        while !suspects.is_empty() && !is_quiet && Instant::now() < deadline {
            let entries = self.stream.read(at.position, self.config.batch_max, QUIET_MIN).await;
            is_quiet = entries.as_ref().is_ok_and(Vec::is_empty);
            at = self.take(entries, at).await?;
            suspects = self.unmoved(&suspects).await?;
        }
        drift.count(&suspects);
        self.counted.drift.set(drift.total() as i64);
        if suspects.is_empty() {
            info!(documents = drift.index, "Index and database agree");
            return Ok((drift, at));
        }
        let Drift { missing, stale, extra, .. } = drift;
        warn!(missing, stale, extra, "The index differs from the database");
        if repair {
            at = self.mend(&suspects, at).await?;
            drift.repairs = suspects.len() as u64;
            self.counted.repairs.inc_by(drift.repairs);
        }
        Ok((drift, at))
    }

    /// Projects the suspects again. Where the index holds something that outranks the truth, which only a
    /// database that went back can leave behind, all of it is built anew.
    async fn mend(&mut self, suspects: &Suspects, at: Position) -> Result<Position, Error> {
        let read = self.read(0).await?;
        let entities: Vec<EntityRef> = suspects.keys().copied().collect();
        let passed_over = self.index(&mut Target::Serving(&self.search), &read, &entities).await?;
        let tags: Vec<String> = entities.iter().flat_map(|entity| surrogate_keys(*entity)).collect();
        self.cache.raise(&tags, read.lsn() + 1).await; // what was read until now was made from the old index
        let mut unmended = self.unmoved(suspects).await?;
        unmended.retain(|entity, _| !passed_over.contains(entity));
        if unmended.is_empty() { Ok(at) } else { self.rebuild(Some(at)).await }
    }

    /// Those of `suspects` that still differ and whose documents have not moved. One that moved is followed.
    async fn unmoved(&self, suspects: &Suspects) -> Result<Suspects, Error> {
        let (_, mut differing) = self.differences().await?;
        differing.retain(|entity, now| suspects.get(entity).is_some_and(|then| then.held == now.held));
        Ok(differing)
    }

    async fn differences(&self) -> Result<(Drift, Suspects), Error> {
        let mut indexed = self.indexed().await?;
        let mut drift = Drift { index: indexed.len() as u64, ..Drift::default() };
        let mut suspects = Suspects::new();
        let read = self.read(0).await?;
        for kind in EntityKind::ALL {
            let mut after = None;
            loop {
                let page = read.versions(kind, after, PAGE_MAX).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.id);
                drift.database += page.len() as u64;
                for (entity, version) in page {
                    let suspect = Suspect { held: indexed.remove(&entity), truth: Some(version) };
                    if suspect.held != suspect.truth {
                        suspects.insert(entity, suspect);
                    }
                }
            }
        }
        let left = indexed.into_iter();
        suspects.extend(left.map(|(entity, held)| (entity, Suspect { held: Some(held), truth: None })));
        Ok((drift, suspects))
    }

    async fn indexed(&self) -> Result<BTreeMap<EntityRef, u64>, Error> {
        let mut found = BTreeMap::new();
        let mut after: Option<Uuid> = None;
        loop {
            let page = self.search.versions(after, PAGE_MAX).await?;
            let Some((last, _)) = page.last() else { return Ok(found) };
            after = Some(last.id);
            found.extend(page);
        }
    }
}
