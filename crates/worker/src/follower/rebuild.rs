//! A new index from the database, swapped in when it is complete.

use super::{Follower, Target};
use crate::Error;
use domain::EntityKind;
use search::Position;
use tracing::info;

/// Aggregates listed at a time.
const PAGE_MAX: usize = 500;

impl Follower {
    /// Builds a new index from a snapshot and swaps it in; readers keep the old one until then. Afterwards the
    /// follower goes on from `at`, up to which cache and edges have followed, or, without such a place in
    /// this epoch of the log, from the head, with an empty cache. That head is read *before* the snapshot,
    /// so that whatever changes meanwhile is applied again.
    pub(super) async fn rebuild(&mut self, at: Option<Position>) -> Result<Position, Error> {
        let read = self.read(0).await?;
        let head = read.stream_head().await?;
        let is_in_log = |at: &Position| {
            at.epoch == head.epoch && at.position >= head.trimmed && at.position <= head.position
        };
        let kept = at.filter(is_in_log);
        let at = kept.unwrap_or(Position { epoch: head.epoch, position: head.position });
        info!(position = at.position, "Building a new index");
        let mut rebuild = self.search.begin_rebuild().await?;
        for kind in EntityKind::ALL {
            let mut after = None;
            loop {
                let page = read.versions(kind, after, PAGE_MAX).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.id);
                let entities: Vec<_> = page.into_iter().map(|(entity, _)| entity).collect();
                self.index(&mut Target::Growing(&mut rebuild), &read, &entities).await?;
            }
        }
        let stats = rebuild.swap(at).await?;
        if kept.is_none() {
            self.cache.clear().await;
            let lsn = self.lsn_at(at.position).await?.unwrap_or(0);
            self.feed.begin_anew(at.epoch, at.position, lsn);
        }
        self.counted.position.set(at.position as i64);
        info!(documents = stats.documents, "The new index serves");
        Ok(at)
    }
}
