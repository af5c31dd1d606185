//! A disk that forgets nothing and may miss what is new: a worse one than any, beside the real record of purges.
//!
//! What is removed stays, and a write may be lost, so that what it should have replaced comes back. Only the record of
//! purges stands between these objects and the reader. That one is the real file, opened, read and rewritten by the
//! real code; where it finds it worthless, it takes the folder of objects away, and all of this is gone.

use super::dice::Dice;
use super::oracle::PLACES;
use crate::config::Config;
use crate::store::frozen;
use crate::store::object::Object;
use crate::store::tiers::DISK_BYTES_MIN;
use bytes::Bytes;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) struct Platter {
    folder: PathBuf,
    records: [Option<Bytes>; PLACES.len()],
}

/// One write in so many is lost.
const LOST_ONE_IN: u64 = 8;

impl Platter {
    /// An empty one, in memory where the system has a folder there: a history must not wait for a real disk.
    pub(super) fn new() -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let shared = PathBuf::from("/dev/shm");
        let home = if shared.is_dir() { shared } else { std::env::temp_dir() };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = home.join(format!("sangraha-model-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, records: Default::default() })
    }

    /// The configuration of an edge that keeps its objects here.
    pub(super) fn config(&self, config: &Config) -> Config {
        Config { disk: Some(self.folder.clone()), disk_bytes_max: DISK_BYTES_MIN, ..config.clone() }
    }

    /// Says that there are objects: a sign that goes with the folder.
    pub(super) fn mark(&self) -> io::Result<()> {
        fs::write(self.folder.join("objects/sign"), "")
    }

    /// Forgets all where the edge has emptied the folder; whether it has.
    pub(super) fn follow(&mut self) -> bool {
        let emptied = !self.folder.join("objects/sign").exists();
        if emptied {
            self.records = Default::default();
        }
        emptied
    }

    pub(super) fn write(&mut self, place: usize, variants: &[Arc<Object>], dice: &mut Dice) {
        if !variants.is_empty() && !dice.one_in(LOST_ONE_IN) {
            self.records[place] = Some(frozen::write(variants).into());
        }
    }

    pub(super) fn read(&self, place: usize) -> Vec<Object> {
        self.records[place].as_ref().and_then(frozen::read).unwrap_or_default()
    }

    /// Harms the record of purges: it is gone, or a bit of it is another.
    pub(super) fn harm(&self, dice: &mut Dice) -> io::Result<()> {
        let record = self.folder.join("purges");
        if dice.one_in(3) {
            return fs::remove_file(record);
        }
        let mut bytes = fs::read(&record)?;
        let place = dice.below(bytes.len() as u64) as usize;
        bytes[place] ^= 1 << dice.below(8);
        fs::write(record, bytes)
    }
}

impl Drop for Platter {
    fn drop(&mut self) {
        // What is left of a model is of no use to anybody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
