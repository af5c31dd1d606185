//! One index on disk, from its birth to the day another takes its place.

use super::rows::View;
use super::schema::{DIGEST, Fields, LIVE, RANK, SCHEMA_VERSION, VERSION, entity_of_rank};
use super::sets::Scratch;
use super::shelf::Shelf;
use super::unsynced::Unsynced;
use super::{engine, folder};
use crate::document::Change;
use crate::engine::{Indexed, Stored};
use crate::held::{Known, Verdict, verdict};
use crate::query::{Held, HeldAfter};
use crate::{Applied, Error, Position};
use ::tantivy::directory::error::LockError;
use ::tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use ::tantivy::store::Compressor;
use ::tantivy::{
    DocAddress, Index, IndexMeta, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher,
    TantivyError,
};
use arc_swap::ArcSwap;
use domain::{EntityKind, EntityRef};
use lipi::FOLD_VERSION;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use uuid::Uuid;

/// Bytes of a block of stored documents; a hit reads one block, so it is small.
const STORE_BLOCK_BYTES: usize = 2_048;
/// Segments of one size that are merged into one.
const MERGE_SEGMENTS: usize = 6;
/// Documents below which segments count as of one size.
const MERGE_LAYER_DOCUMENTS: u32 = 64;
/// Most changes that are folded by the thread that writes them.
const FOLDED_ALONE_MAX: usize = 32;
/// Searches whose memory is kept for the next ones.
const SCRATCHES_MAX: usize = 16;
/// The file that says how far the log is done.
const POSITION_FILE: &str = "position.json";

/// The beginning of the name of every generation that this program can read.
pub(super) fn name_prefix() -> String {
    format!("compositions-f{FOLD_VERSION}-s{SCHEMA_VERSION}-")
}

pub(super) struct Generation {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) fields: Fields,
    reader: IndexReader,
    /// What is searched.
    view: ArcSwap<View>,
    scratches: Mutex<Vec<Scratch>>,
    shelf: Shelf,
    index: Index,
    memory_bytes: usize,
    desk: Mutex<Desk>,
    held: RwLock<Catalogue>,
    position: Mutex<Option<Position>>,
    /// Number of the last commit.
    committed: AtomicU64,
}

/// The file of the position.
#[derive(Serialize, Deserialize)]
struct Placed {
    position: Position,
    /// The commit that the position was saved after.
    committed: u64,
}

/// The writing side. After a failure the writer is gone, with all it had not committed.
struct Desk {
    writer: Option<IndexWriter>,
    staged: HashMap<EntityRef, Known>,
    retired: bool,
}

/// Versions of all entities, those that were deleted included.
#[derive(Default)]
struct Catalogue {
    known: BTreeMap<(Uuid, EntityKind), Known>,
    live: u64,
}

impl Catalogue {
    fn get(&self, entity: EntityRef) -> Option<Known> {
        self.known.get(&(entity.id, entity.kind)).copied()
    }

    fn insert(&mut self, entity: EntityRef, new: Known) {
        let before = self.known.insert((entity.id, entity.kind), new);
        self.live += u64::from(new.live);
        self.live -= u64::from(before.is_some_and(|known| known.live));
    }
}

impl Generation {
    /// Makes an empty one.
    pub(super) fn create(path: PathBuf, memory_bytes: usize) -> Result<Self, Error> {
        Self::create_large(path, memory_bytes, memory_bytes)
    }

    /// Makes an empty one whose first writer has more memory, until it settles.
    pub(super) fn create_large(path: PathBuf, memory_bytes: usize, first: usize) -> Result<Self, Error> {
        fs::create_dir_all(&path).map_err(folder(&path))?;
        let fields = Fields::new();
        let settings = IndexSettings {
            docstore_compression: Compressor::None,
            docstore_blocksize: STORE_BLOCK_BYTES,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let index = Index::builder()
            .schema(fields.schema.clone())
            .settings(settings)
            .open_or_create(Unsynced::open(&path).map_err(engine("make an index"))?)
            .map_err(engine("make an index"))?;
        let writer = open_writer(&index, &path, memory_bytes.max(first))?;
        Self::of(index, path, fields, memory_bytes, writer)
    }

    /// Opens one that is there; its files are checked against their sums.
    pub(super) fn open(path: PathBuf, memory_bytes: usize) -> Result<Self, Error> {
        let fields = Fields::new();
        let index = Index::open(Unsynced::open(&path).map_err(engine("open"))?).map_err(engine("open"))?;
        let damaged = index.validate_checksum().map_err(engine("check its files"))?;
        if index.schema() != fields.schema || !damaged.is_empty() {
            let source = format!("damaged files: {damaged:?}, or unknown fields").into();
            return Err(Error::Engine { action: "check its files", source });
        }
        let writer = open_writer(&index, &path, memory_bytes)?;
        Self::of(index, path, fields, memory_bytes, writer)
    }

    fn of(
        index: Index,
        path: PathBuf,
        fields: Fields,
        memory_bytes: usize,
        writer: IndexWriter,
    ) -> Result<Self, Error> {
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        let reader: IndexReader = reader.map_err(engine("read"))?;
        let held = read_catalogue(&reader.searcher()).map_err(engine("read its versions"))?;
        let view = View::of(reader.searcher(), &fields, None).map_err(engine("read its columns"))?;
        let metas = index.load_metas().map_err(engine("read its state"))?;
        let position = read_position(&metas, &path);
        Ok(Self {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            path,
            fields,
            reader,
            view: ArcSwap::from_pointee(view),
            scratches: Mutex::default(),
            shelf: Shelf::default(),
            index,
            memory_bytes,
            desk: Mutex::new(Desk { writer: Some(writer), staged: HashMap::new(), retired: false }),
            held: RwLock::new(held),
            position: Mutex::new(position),
            committed: AtomicU64::new(metas.opstamp),
        })
    }

    /// What is searched: the state of the last commit.
    pub(super) fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Memory for one search.
    pub(super) fn scratch(&self) -> Scratch {
        self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Memory of a search that came to its end.
    pub(super) fn give_back(&self, scratch: Scratch) {
        let mut scratches = self.scratches.lock().unwrap_or_else(PoisonError::into_inner);
        if scratches.len() < SCRATCHES_MAX {
            scratches.push(scratch);
        }
    }

    /// What was stored with documents, in their order.
    pub(super) fn stored(&self, view: &View, addresses: Vec<DocAddress>) -> Result<Vec<Arc<Stored>>, Error> {
        self.shelf.stored(&view.searcher, &self.fields, addresses)
    }

    fn show(&self) -> ::tantivy::Result<()> {
        self.reader.reload()?;
        let view = View::of(self.reader.searcher(), &self.fields, Some(&self.view.load()))?;
        self.view.store(Arc::new(view));
        Ok(())
    }

    /// Hands a batch to the writer; [`Generation::commit`] makes it last and be seen.
    pub(super) fn write(&self, changes: &[Change]) -> Result<Applied, Error> {
        let mut desk = self.desk();
        let written = self.write_at(&mut desk, changes);
        if written.is_err() {
            desk.give_up();
        }
        written
    }

    fn write_at(&self, desk: &mut Desk, changes: &[Change]) -> Result<Applied, Error> {
        let mut applied = Applied::default();
        for (change, folded) in changes.iter().zip(self.folded(changes)) {
            let entity = change.entity();
            let before = desk.staged.get(&entity).copied().or_else(|| self.known(entity));
            let new = Known::of(change);
            match verdict(before, new) {
                Verdict::Stale => applied.stale += 1,
                Verdict::Unchanged => applied.unchanged += 1,
                Verdict::Write => {
                    self.replace(desk, change, folded, new, before.is_some())?;
                    desk.staged.insert(entity, new);
                    *(if new.live { &mut applied.put } else { &mut applied.deleted }) += 1;
                }
            }
        }
        Ok(applied)
    }

    /// What a batch will probably write, folded on every core: folding is most of what a rebuild costs.
    fn folded(&self, changes: &[Change]) -> Vec<Option<Indexed>> {
        let fold = |change: &Change| match change {
            Change::Put(document) => Some(crate::engine::indexed(document)),
            Change::Delete { .. } => None,
        };
        let is_new = |change: &Change| {
            self.known(change.entity()).is_none_or(|known| known.version < change.version())
        };
        let fold_all = |changes: &[Change]| -> Vec<Option<Indexed>> {
            changes.iter().map(|change| if is_new(change) { fold(change) } else { None }).collect()
        };
        if changes.len() < FOLDED_ALONE_MAX {
            return fold_all(changes);
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            let parts: Vec<_> = changes
                .chunks(changes.len().div_ceil(cores))
                .map(|part| (part.len(), scope.spawn(move || fold_all(part))))
                .collect();
            // A part that panicked is folded again, one by one, where it is written.
            let folded = parts
                .into_iter()
                .map(|(length, part)| part.join().unwrap_or_else(|_| (0..length).map(|_| None).collect()));
            folded.flatten().collect()
        })
    }

    fn replace(
        &self,
        desk: &mut Desk,
        change: &Change,
        folded: Option<Indexed>,
        new: Known,
        is_there: bool,
    ) -> Result<(), Error> {
        let writer = self.writer(desk)?;
        // Looking for what was never there costs a look into every segment at the commit.
        if is_there {
            writer.delete_term(self.fields.key_term(change.entity()));
        }
        let document = match change {
            Change::Put(document) => {
                let folded = folded.unwrap_or_else(|| crate::engine::indexed(document));
                self.fields.document(&folded, new.digest)
            }
            Change::Delete { entity, version } => self.fields.tombstone(*entity, *version),
        };
        writer.add_document(document).map(|_| ()).map_err(engine("write a document"))
    }

    /// Makes all that was written visible; it outlives this process.
    pub(super) fn commit(&self) -> Result<(), Error> {
        let mut desk = self.desk();
        let payload = serde_json::to_string(&self.position()).unwrap_or_default();
        match self.writer(&mut desk).and_then(|writer| commit(writer, &payload)) {
            Ok(number) => self.committed.store(number, Ordering::Release),
            Err(error) => {
                desk.give_up();
                return Err(error);
            }
        }
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        desk.staged.drain().for_each(|(entity, known)| held.insert(entity, known));
        drop(held);
        self.show().map_err(engine("show what was written"))
    }

    /// Ends what a rebuild began: segments are merged to the end, and the memory of its writer is given back.
    pub(super) fn settle(&self) -> Result<(), Error> {
        if let Some(writer) = self.desk().writer.take() {
            writer.wait_merging_threads().map_err(engine("merge what was written"))?;
        }
        self.show().map_err(engine("show what was written"))
    }

    pub(super) fn position(&self) -> Option<Position> {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Written without waiting for the disk: the next commit carries it too, and a position that went
    /// back repeats work and loses none.
    pub(super) fn set_position(&self, position: Position) -> Result<(), Error> {
        let committed = self.committed.load(Ordering::Acquire);
        let text = serde_json::to_string(&Placed { position, committed }).unwrap_or_default();
        replace_file(&self.path.join(POSITION_FILE), &text, false)?;
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = Some(position);
        Ok(())
    }

    pub(super) fn versions(&self, after: HeldAfter, limit: usize) -> Vec<Held> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let behind = |((id, _), _): &(&(Uuid, EntityKind), &Known)| after.is_none_or(|after| *id > after);
        held.known
            .range((after.unwrap_or(Uuid::nil()), EntityKind::Composition)..)
            .filter(behind)
            .filter(|(_, known)| known.live)
            .map(|((id, kind), known)| (EntityRef { kind: *kind, id: *id }, known.version))
            .take(limit)
            .collect()
    }

    /// Documents that can be found.
    pub(super) fn documents(&self) -> u64 {
        self.held.read().unwrap_or_else(PoisonError::into_inner).live
    }

    /// What a count of the files says against what was written.
    pub(super) fn verify(&self) -> Result<(), Error> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let tombstones = held.known.len() as u64 - held.live;
        let found = self.view().searcher.num_docs().saturating_sub(tombstones);
        if found == held.live {
            return Ok(());
        }
        Err(Error::RebuildIncomplete { expected: held.live, found })
    }

    pub(super) fn bytes(&self) -> u64 {
        let files = fs::read_dir(&self.path).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
    }

    /// Gives back the writer's memory and lock; searches that run go on.
    pub(super) fn retire(&self) {
        let mut desk = self.desk();
        desk.give_up();
        desk.retired = true;
    }

    fn known(&self, entity: EntityRef) -> Option<Known> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).get(entity)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer<'a>(&self, desk: &'a mut Desk) -> Result<&'a mut IndexWriter, Error> {
        if desk.retired {
            return Err(Error::Engine {
                action: "write",
                source: "another generation has taken its place".into(),
            });
        }
        if desk.writer.is_none() {
            desk.writer = Some(open_writer(&self.index, &self.path, self.memory_bytes)?);
        }
        desk.writer.as_mut().ok_or_else(|| Error::Engine { action: "write", source: "no writer".into() })
    }
}

impl Desk {
    /// Forgets what was not committed.
    fn give_up(&mut self) {
        self.staged.clear();
        self.writer = None;
    }
}

fn open_writer(index: &Index, path: &Path, memory_bytes: usize) -> Result<IndexWriter, Error> {
    let options = IndexWriterOptions::builder()
        .memory_budget_per_thread(memory_bytes)
        .num_worker_threads(1)
        .num_merge_threads(1)
        .build();
    let writer = index.writer_with_options(options).map_err(|error| match error {
        TantivyError::LockFailure(LockError::LockBusy, _) => Error::Locked { path: path.to_owned() },
        TantivyError::InvalidArgument(words) => Error::Config(words),
        other => engine("begin to write")(other),
    })?;
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(MERGE_SEGMENTS);
    policy.set_min_layer_size(MERGE_LAYER_DOCUMENTS);
    policy.set_del_docs_ratio_before_merge(0.3);
    writer.set_merge_policy(Box::new(policy));
    Ok(writer)
}

fn commit(writer: &mut IndexWriter, payload: &str) -> Result<u64, Error> {
    let mut prepared = writer.prepare_commit().map_err(engine("prepare a commit"))?;
    prepared.set_payload(payload);
    prepared.commit().map_err(engine("commit"))
}

fn read_catalogue(searcher: &Searcher) -> ::tantivy::Result<Catalogue> {
    let mut catalogue = Catalogue::default();
    for segment in searcher.segment_readers() {
        let columns = segment.fast_fields();
        let (version, digest) = (columns.u64(VERSION)?, columns.u64(DIGEST)?);
        let live = columns.column_opt::<u64>(LIVE)?;
        let Some(rank) = columns.bytes(RANK)? else { continue };
        let mut bytes = Vec::new();
        for doc in segment.doc_ids_alive() {
            rank.ord_to_bytes(rank.ords().first(doc).unwrap_or(u64::MAX), &mut bytes)?;
            if let Some(entity) = entity_of_rank(&bytes) {
                let known = Known {
                    version: version.first(doc).unwrap_or_default(),
                    digest: digest.first(doc).unwrap_or_default(),
                    live: live.as_ref().is_some_and(|column| column.first(doc) == Some(1)),
                };
                catalogue.insert(entity, known);
            }
        }
    }
    Ok(catalogue)
}

/// The file is the newer one. The commit is what is left when a power cut took the file, or took commits
/// that the file has seen.
fn read_position(metas: &IndexMeta, path: &Path) -> Option<Position> {
    let file = fs::read_to_string(path.join(POSITION_FILE)).ok();
    let placed = file.and_then(|text| serde_json::from_str::<Placed>(&text).ok());
    let believed = placed.filter(|placed| placed.committed <= metas.opstamp).map(|placed| placed.position);
    believed.or_else(|| serde_json::from_str(metas.payload.as_deref()?).ok()?)
}

/// Replaces a file in one step; `durable` waits until the disk has it.
pub(super) fn replace_file(path: &Path, text: &str, durable: bool) -> Result<(), Error> {
    let write = || -> std::io::Result<()> {
        let fresh = path.with_extension("new");
        fs::write(&fresh, text)?;
        if durable {
            fs::File::open(&fresh)?.sync_all()?;
        }
        fs::rename(&fresh, path)?;
        match path.parent().filter(|_| durable) {
            Some(parent) => fs::File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(folder(path))
}
