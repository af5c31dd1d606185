//! Memory and disk as one: what is stored goes to both, what memory has lost comes back from the disk.

use crate::config::{Config, Kind};
use crate::purge::generations::{Generations, Validity};
use crate::store::disk::{self, Disk, Thawed};
use crate::store::key::Key;
use crate::store::ledger::{Damage, Ledger, State};
use crate::store::object::Object;
use crate::store::seed::Seed;
use crate::{Error, Inner};
use http::HeaderMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder that is ours alone, and what it says of purges.
pub(crate) struct Folder {
    /// Held until the edge has stopped.
    lock: File,
    objects: PathBuf,
    disk_bytes_max: u64,
    seed: Seed,
}

impl Folder {
    /// Refuses what cannot work: no rights, no room, another edge.
    pub(crate) fn open(path: &Path, config: &Config) -> Result<(Self, Generations), Error> {
        let refused = |source| Error::File { path: path.to_owned(), source };
        let (folder, state, ledger) = Self::prepare(path, config.disk_bytes_max).map_err(refused)?;
        Ok((folder, Generations::resume(config.purge_tags_max, state, ledger)))
    }

    fn prepare(path: &Path, disk_bytes_max: u64) -> io::Result<(Self, State, Ledger)> {
        fs::create_dir_all(path)?;
        let lock = File::create(path.join("lock"))?;
        lock.try_lock().map_err(|_| io::Error::other("another edge uses this folder"))?;
        let objects = path.join("objects");
        room(path, &objects, disk_bytes_max)?;
        let (ledger, known) = Ledger::open(path.join("purges"), disk_bytes_max)?;
        let state = known.or_else(|damage| emptied(&objects, &damage))?;
        fs::create_dir_all(&objects)?;
        Ok((Self { lock, objects, disk_bytes_max, seed: ledger.seed().clone() }, state, ledger))
    }
}

/// Without a record of purges no object can be trusted.
fn emptied(objects: &Path, damage: &Damage) -> io::Result<State> {
    if objects.exists() {
        tracing::warn!(
            reason = damage as &dyn std::error::Error,
            "The record of purges is of no use: the cache on disk starts empty"
        );
        fs::remove_dir_all(objects)?;
    }
    Ok(State { now: 1, ..State::default() })
}

/// Whether the folder can grow to its size.
fn room(path: &Path, objects: &Path, disk_bytes_max: u64) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let blocks = |entry: io::Result<fs::DirEntry>| entry?.metadata().map(|meta| meta.blocks() * 512);
    let taken: u64 = match fs::read_dir(objects) {
        Ok(entries) => entries.map(blocks).sum::<io::Result<u64>>()?,
        Err(_) => 0,
    };
    let system = rustix::fs::statvfs(path)?;
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    if free.saturating_add(taken) < disk_bytes_max {
        let text = format!("it has room for {} bytes of {disk_bytes_max}", free.saturating_add(taken));
        return Err(io::Error::new(io::ErrorKind::StorageFull, text));
    }
    Ok(())
}

impl Inner {
    /// Finds what the disk holds. Without it the edge serves all the same, from memory.
    pub(crate) async fn open_disk(&self) {
        let Some(folder) = &self.folder else { return };
        match Disk::open(&folder.objects, folder.disk_bytes_max, folder.seed.clone()).await {
            Ok(disk) => {
                tracing::info!(folder = %folder.objects.display(), "The cache on disk is open");
                // Set once, before the first request.
                let _ = self.disk.set(disk);
            }
            Err(error) => {
                self.telemetry.disk("unusable");
                tracing::error!(%error, folder = %folder.objects.display(), "There is no cache on disk");
            }
        }
    }

    /// Waits for the disk, and says in the record of purges that all is well.
    pub(crate) async fn close_disk(&self) {
        if let Some(disk) = self.disk.get() {
            disk.close().await;
        }
        self.generations.close();
        if let Some(folder) = &self.folder
            && let Err(error) = folder.lock.unlock()
        {
            tracing::warn!(%error, "The folder of the cache on disk is still locked");
        }
    }

    /// The disk, once it is known which purges were missed while the edge was down.
    fn trusted_disk(&self) -> Option<&Disk> {
        self.disk.get().filter(|_| self.knows_of_purges())
    }

    /// Whether the feed was heard since the start, or is known to be silent, or there is none.
    pub(crate) fn knows_of_purges(&self) -> bool {
        self.config.profile == Kind::Rfc || self.progress.heard().is_some() || self.is_blind()
    }

    /// Stores an object in the place of what would have answered the same request. False where it is too large.
    pub(crate) fn keep(&self, key: &Key, object: Arc<Object>, asked: &HeaderMap) -> bool {
        if !self.store.insert(key, object, asked) {
            return false;
        }
        self.freeze(key);
        true
    }

    /// Removes exactly this object, and its slices, from memory and disk.
    pub(crate) fn discard(&self, key: &Key, object: &Arc<Object>) {
        self.store.remove(key, object);
        self.freeze(key);
        self.drop_slices(key, object);
    }

    /// Brings the disk in line with what memory holds for an address.
    pub(crate) fn freeze(&self, key: &Key) {
        let Some(disk) = self.disk.get() else { return };
        let variants = self.store.variants(key);
        if variants.is_empty() {
            disk.remove(key);
        } else {
            self.telemetry.disk(if disk.put(key, variants) { "written" } else { "too-large" });
        }
    }

    /// Whether the disk may have what memory has not.
    pub(crate) fn is_on_disk(&self, key: &Key) -> bool {
        self.trusted_disk().is_some_and(|disk| disk.may_hold(key))
    }

    /// Brings an address back to memory, as far as no purge forbids it.
    pub(crate) async fn thaw(&self, key: &Key) {
        let Some(disk) = self.trusted_disk() else { return };
        let _turn = disk.turn(key).await;
        if !self.store.variants(key).is_empty() {
            return;
        }
        let objects = match disk.load(key).await {
            Thawed::Objects(objects) => objects,
            Thawed::Unreadable => {
                self.telemetry.disk("unreadable");
                return disk.remove(key);
            }
            Thawed::Failed(error) => {
                if self.telemetry.disk("failed") == 1 {
                    tracing::warn!(%error, "The disk cannot be read; further failures are only counted");
                }
                return;
            }
        };
        if self.revive(key, objects) {
            self.telemetry.disk("read");
        } else {
            self.telemetry.disk("purged");
            disk.remove(key);
        }
    }

    /// Puts what the disk had of an address back into memory, as far as no purge forbids it. False where nothing is left.
    pub(crate) fn revive(&self, key: &Key, objects: Vec<Object>) -> bool {
        // What was purged softly may still be confirmed.
        let holds = |object: &Object| object.standing(&self.generations) != Validity::Gone;
        let objects: Vec<_> = objects.into_iter().filter(holds).map(Arc::new).collect();
        let any = !objects.is_empty();
        if any {
            self.store.restore(key, objects);
        }
        any
    }
}

/// The least size of a disk, for the configuration.
pub(crate) const DISK_BYTES_MIN: u64 = disk::BYTES_MIN;
