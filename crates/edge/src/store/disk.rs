//! The second tier: a folder of files of one size, which hold what memory had and outlive the process.
//!
//! Only this file knows the engine (foyer). It is asked for whole addresses, after memory was asked; nothing on the
//! way of a hit waits for it. Its writes are best effort: a disk that is too slow keeps less, and holds nobody up.
//! What it gives back is checked twice, by its checksum and by [`frozen`], and then by the purges.

use crate::store::frozen;
use crate::store::key::Key;
use crate::store::object::Object;
use crate::store::seed::Seed;
use bytes::Bytes;
use foyer::{
    BlockEngineConfig, Code, DeviceBuilder, FsDeviceBuilder, HybridCache, HybridCacheBuilder,
    HybridCachePolicy, Load, PsyncIoEngineConfig, RecoverMode,
};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

/// The least that is worth a folder.
pub(crate) const BYTES_MIN: u64 = 16 << 20;

/// Into how many parts a disk is divided, where they are not too small for that.
pub(crate) const BLOCKS: u64 = 64;

/// Addresses that are read at one time: what is read and not yet in memory is bounded by it.
const READERS: usize = 16;

pub(crate) struct Disk {
    cache: HybridCache<Bytes, Frozen, Seed>,
    entry_bytes_max: usize,
    turns: Box<[Mutex<()>]>,
}

/// What the disk said.
pub(crate) enum Thawed {
    Objects(Vec<Object>),
    /// It held something else under that hash, or what it held is damaged.
    Unreadable,
    Failed(foyer::Error),
}

/// How the disk is divided and what it may take of memory.
struct Layout {
    /// What is given up at once when room is needed.
    block_bytes: usize,
    /// What waits to be written; there are two of these, and as much again in the queue.
    buffer_bytes: usize,
}

impl Layout {
    fn of(disk_bytes_max: u64) -> Self {
        const MIB: usize = 1 << 20;
        let block_bytes = usize::try_from(disk_bytes_max / BLOCKS).unwrap_or(usize::MAX);
        let block_bytes = (block_bytes / MIB * MIB).clamp(MIB, 1_024 * MIB);
        Self { block_bytes, buffer_bytes: block_bytes.clamp(4 * MIB, 16 * MIB) }
    }
}

impl Disk {
    /// Opens or makes the files in `folder` and finds what they hold. All room is taken now, so that it cannot be
    /// missing later.
    pub(crate) async fn open(folder: &Path, disk_bytes_max: u64, seed: Seed) -> Result<Self, foyer::Error> {
        /// Of the index block that every written batch has.
        const OVERHEAD_BYTES: usize = 16 << 10;
        let Layout { block_bytes, buffer_bytes } = Layout::of(disk_bytes_max);
        let capacity = usize::try_from(disk_bytes_max).unwrap_or(usize::MAX);
        let device = FsDeviceBuilder::new(folder).with_capacity(capacity).build()?;
        let engine = BlockEngineConfig::new(device)
            .with_block_size(block_bytes)
            .with_buffer_pool_size(buffer_bytes)
            .with_submit_queue_size_threshold(buffer_bytes)
            .with_tombstone_log(true);
        let cache = HybridCacheBuilder::new()
            .with_name("edge")
            .with_policy(HybridCachePolicy::WriteOnInsertion)
            .with_flush_on_close(false)
            // Its memory tier is not used: ours is before it.
            .memory(1)
            .with_shards(1)
            .with_hash_builder(seed)
            .storage()
            .with_io_engine_config(PsyncIoEngineConfig::new())
            .with_engine_config(engine)
            .with_recover_mode(RecoverMode::Quiet)
            .build()
            .await?;
        reserve(folder).map_err(foyer::Error::io_error)?;
        let entry_bytes_max = block_bytes.min(buffer_bytes) - OVERHEAD_BYTES;
        Ok(Self { cache, entry_bytes_max, turns: (0..READERS).map(|_| Mutex::default()).collect() })
    }

    /// Whether a look is worth it: false is sure, true is not.
    pub(crate) fn may_hold(&self, key: &Key) -> bool {
        self.cache.storage().may_contains(key.text())
    }

    /// Writes all variants of an address, as many of the newest as fit. False where none does.
    pub(crate) fn put(&self, key: &Key, mut variants: Vec<Arc<Object>>) -> bool {
        while frozen::bytes_of(&variants) + key.text().len() > self.entry_bytes_max {
            variants.pop();
        }
        if variants.is_empty() {
            self.remove(key);
            return false;
        }
        self.cache.storage_writer(key.text().clone()).force().insert(Frozen::Live(variants)).is_some()
    }

    pub(crate) fn remove(&self, key: &Key) {
        if self.may_hold(key) {
            self.cache.remove(key.text());
        }
    }

    /// One reader for an address: those who want the same find it in memory when it is their turn.
    pub(crate) async fn turn(&self, key: &Key) -> MutexGuard<'_, ()> {
        self.turns[usize::from((key.hash >> 48) as u8) % READERS].lock().await
    }

    pub(crate) async fn load(&self, key: &Key) -> Thawed {
        let bytes = match self.cache.storage().load(key.text()).await {
            Ok(Load::Entry { value, .. }) => value.bytes(),
            Ok(Load::Piece { piece, .. }) => piece.value().bytes(),
            Ok(Load::Miss | Load::Throttled) => return Thawed::Unreadable,
            Err(error) => return Thawed::Failed(error),
        };
        frozen::read(&bytes).map_or(Thawed::Unreadable, Thawed::Objects)
    }

    /// Waits for what is being written, for a while.
    pub(crate) async fn close(&self) {
        const PATIENCE: Duration = Duration::from_secs(10);
        match timeout(PATIENCE, self.cache.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "The cache on disk was not closed well"),
            Err(_) => tracing::warn!("The cache on disk took too long to close"),
        }
    }
}

/// Files with holes are a promise that a full disk breaks in the middle of a write.
fn reserve(folder: &Path) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let file = File::options().write(true).open(path)?;
        match fallocate(&file, FallocateFlags::KEEP_SIZE, 0, file.metadata()?.len()) {
            Ok(()) | Err(Errno::NOTSUP | Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A value of the engine: objects on their way to the disk, or bytes that came from it.
pub(crate) enum Frozen {
    Live(Vec<Arc<Object>>),
    Bytes(Bytes),
}

impl Frozen {
    fn bytes(&self) -> Bytes {
        match self {
            Self::Live(variants) => frozen::write(variants).into(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl Code for Frozen {
    fn encode(&self, writer: &mut impl Write) -> foyer::Result<()> {
        writer.write_all(&self.bytes()).map_err(foyer::Error::io_error)
    }

    /// The reader ends with the value.
    fn decode(reader: &mut impl Read) -> foyer::Result<Self> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(foyer::Error::io_error)?;
        Ok(Self::Bytes(bytes.into()))
    }

    fn estimated_size(&self) -> usize {
        match self {
            Self::Live(variants) => frozen::bytes_of(variants),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Freshness, Variant};
    use crate::store::key::Spelling;
    use crate::store::object::Made;
    use http::{HeaderMap, StatusCode};

    fn object(body: &'static [u8]) -> Arc<Object> {
        Arc::new(Object::new(Made {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body),
            freshness: Freshness::NONE,
            received_us: 0,
            fill: 0,
            tags: [].into(),
            tagged: false,
            variant: Variant::default(),
            tag_words: "".into(),
            sliced: None,
        }))
    }

    #[tokio::test]
    async fn what_is_put_is_there_until_it_is_removed_also_after_closing() {
        let folder = std::env::temp_dir().join(format!("sangraha-disk-{}", std::process::id()));
        let seed = Seed::random();
        let key = |path| Key::new(false, "host", path, None, Spelling::Canonical, &seed).unwrap();
        let (kept, removed) = (key("/kept"), key("/removed"));
        let disk = Disk::open(&folder, BYTES_MIN, seed.clone()).await.unwrap();
        for key in [&kept, &removed] {
            assert!(!disk.may_hold(key));
            assert!(disk.put(key, vec![object(b"old")]));
            assert!(disk.put(key, vec![object(b"one"), object(b"two")]));
            assert!(disk.may_hold(key));
        }
        disk.remove(&removed);
        disk.close().await;
        assert!(disk.may_hold(&kept) && !disk.may_hold(&removed));
        drop(disk);
        let disk = Disk::open(&folder, BYTES_MIN, seed.clone()).await.unwrap();
        assert!(disk.may_hold(&kept) && !disk.may_hold(&removed));
        let Thawed::Objects(objects) = disk.load(&kept).await else { panic!() };
        assert_eq!(objects.iter().map(|object| &*object.body).collect::<Vec<_>>(), [b"one", b"two"]);
        disk.close().await;
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_disk_is_divided_into_blocks_that_memory_can_carry() {
        for (disk_bytes_max, block_mib, buffer_mib) in
            [(BYTES_MIN, 1, 4), (1 << 30, 16, 16), (1 << 40, 1_024, 16)]
        {
            let Layout { block_bytes, buffer_bytes } = Layout::of(disk_bytes_max);
            assert_eq!((block_bytes >> 20, buffer_bytes >> 20), (block_mib, buffer_mib), "{disk_bytes_max}");
        }
    }
}
