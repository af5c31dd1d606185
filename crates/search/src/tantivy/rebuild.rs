//! A new generation, written beside the one that is read and put in its place in one step.

use super::generation::{Generation, replace_file};
use super::{CURRENT_FILE, Inner, Tantivy, blocking, next_name, sweep};
use crate::document::Change;
use crate::{Applied, Error, Position, RebuildBackend, Stats};
use async_trait::async_trait;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Memory for documents that wait to be written by a rebuild, in bytes, where the configuration says no more:
/// the fewer segments it makes, the fewer are merged. It is given back with the swap.
const MEMORY_BYTES_MIN: usize = 150_000_000;

pub(super) struct Rebuilding {
    index: Tantivy,
    generation: Arc<Generation>,
    swapped: bool,
}

impl Rebuilding {
    pub(super) fn begin(inner: &Inner) -> Result<Generation, Error> {
        Generation::create_large(
            inner.root.join(next_name(&inner.root)?),
            inner.memory_bytes,
            MEMORY_BYTES_MIN,
        )
    }

    pub(super) fn new(index: Tantivy, generation: Generation) -> Self {
        Self { index, generation: Arc::new(generation), swapped: false }
    }
}

#[async_trait]
impl RebuildBackend for Rebuilding {
    async fn apply(&mut self, changes: Vec<Change>) -> Result<Applied, Error> {
        let generation = Arc::clone(&self.generation);
        blocking("write a rebuild", move || generation.write(&changes)).await
    }

    async fn swap(self: Box<Self>, position: Position) -> Result<Stats, Error> {
        // On a task of its own: a caller that goes away cannot part the pointer from what is read.
        tokio::spawn(self.swap_whole(position))
            .await
            .unwrap_or_else(|error| Err(Error::Engine { action: "swap", source: error.into() }))
    }
}

impl Rebuilding {
    async fn swap_whole(mut self: Box<Self>, position: Position) -> Result<Stats, Error> {
        let (index, fresh) = (self.index.clone(), Arc::clone(&self.generation));
        let _turn = self.index.0.turn.lock().await;
        let swapped = blocking("swap", move || {
            fresh.set_position(position)?;
            fresh.commit()?;
            fresh.settle()?;
            fresh.verify()?;
            replace_file(&index.0.root.join(CURRENT_FILE), &fresh.name, true)?;
            index.0.current.swap(Arc::clone(&fresh)).retire();
            sweep(&index.0.root, &fresh.name);
            Ok(())
        })
        .await;
        self.swapped = swapped.is_ok();
        swapped?;
        crate::Backend::stats(&self.index).await
    }
}

impl Drop for Rebuilding {
    fn drop(&mut self) {
        self.index.0.rebuilding.store(false, Ordering::Release);
        let is_read = self.index.0.current.load().name == self.generation.name;
        if !self.swapped && !is_read {
            self.generation.retire();
            // What cannot be removed now goes with the next sweep.
            let _ = fs::remove_dir_all(&self.generation.path);
        }
    }
}
