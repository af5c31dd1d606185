//! The embedded engine: Tantivy in this process, in files.
//!
//! The folder holds generations, `compositions-f{fold}-s{schema}-{number}`, and `CURRENT`, the name of the
//! one that is read. A generation that this program cannot read (another folding, other fields, damaged
//! files) is left for an empty one, whose missing position asks for a rebuild.

mod gather;
mod generation;
mod matching;
mod rebuild;
mod rows;
mod schema;
mod sets;
mod shelf;
mod unsynced;

use crate::document::Change;
use crate::engine::{Candidate, Request, Retrieved, Retriever};
use crate::query::{Held, HeldAfter};
use crate::{Applied, Backend, Error, Position, RebuildBackend, Stats};
use arc_swap::ArcSwap;
use async_trait::async_trait;
use gather::{Placed, gather};
use generation::{Generation, name_prefix, replace_file};
use rebuild::Rebuilding;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Mutex;

/// The file that names the generation that is read.
const CURRENT_FILE: &str = "CURRENT";

/// The index in one folder. Clones are the same index.
#[derive(Clone)]
pub(crate) struct Tantivy(Arc<Inner>);

struct Inner {
    root: PathBuf,
    memory_bytes: usize,
    current: ArcSwap<Generation>,
    /// Whose turn it is to write: a batch never falls between two generations.
    turn: Mutex<()>,
    rebuilding: AtomicBool,
}

impl Tantivy {
    pub(crate) async fn open(root: PathBuf, memory_bytes: usize) -> Result<Self, Error> {
        blocking("open", move || {
            fs::create_dir_all(&root).map_err(folder(&root))?;
            let current = open_current(&root, memory_bytes)?;
            sweep(&root, &current.name);
            Ok(Self(Arc::new(Inner {
                root,
                memory_bytes,
                current: ArcSwap::from_pointee(current),
                turn: Mutex::new(()),
                rebuilding: AtomicBool::new(false),
            })))
        })
        .await
    }

    fn current(&self) -> Arc<Generation> {
        self.0.current.load_full()
    }
}

#[async_trait]
impl Retriever for Tantivy {
    async fn retrieve(&self, request: Request) -> Result<Retrieved, Error> {
        let generation = self.current();
        blocking("search", move || retrieve(&generation, &request)).await
    }
}

#[async_trait]
impl Backend for Tantivy {
    async fn apply(&self, changes: Vec<Change>) -> Result<Applied, Error> {
        let this = self.clone();
        // The turn is taken inside the task: a caller that goes away leaves no batch half done.
        tokio::spawn(async move {
            let _turn = this.0.turn.lock().await;
            let generation = this.current();
            blocking("apply", move || {
                let applied = generation.write(&changes)?;
                if applied.put + applied.deleted > 0 {
                    generation.commit()?;
                }
                Ok(applied)
            })
            .await
        })
        .await
        .unwrap_or_else(|error| Err(Error::Engine { action: "apply", source: error.into() }))
    }

    async fn versions(&self, after: HeldAfter, limit: usize) -> Result<Vec<Held>, Error> {
        Ok(self.current().versions(after, limit))
    }

    async fn position(&self) -> Result<Option<Position>, Error> {
        Ok(self.known_position())
    }

    fn known_position(&self) -> Option<Position> {
        self.current().position()
    }

    async fn set_position(&self, position: Position) -> Result<(), Error> {
        let _turn = self.0.turn.lock().await;
        self.current().set_position(position)
    }

    async fn begin_rebuild(&self) -> Result<Box<dyn RebuildBackend>, Error> {
        if self.0.rebuilding.swap(true, Ordering::AcqRel) {
            return Err(Error::RebuildRunning);
        }
        let this = self.clone();
        // On a task of its own: where the caller goes away, what was begun is dropped and the next may begin.
        tokio::spawn(async move {
            let inner = Arc::clone(&this.0);
            match blocking("begin a rebuild", move || Rebuilding::begin(&inner)).await {
                Ok(generation) => Ok(Box::new(Rebuilding::new(this, generation)) as Box<dyn RebuildBackend>),
                Err(error) => {
                    this.0.rebuilding.store(false, Ordering::Release);
                    Err(error)
                }
            }
        })
        .await
        .unwrap_or_else(|error| Err(Error::Engine { action: "begin a rebuild", source: error.into() }))
    }

    fn documents(&self) -> u64 {
        self.0.current.load().documents()
    }

    async fn stats(&self) -> Result<Stats, Error> {
        let current = self.current();
        Ok(Stats {
            documents: current.documents(),
            bytes: current.bytes(),
            generation: current.name.clone(),
            position: current.position(),
        })
    }
}

fn retrieve(generation: &Generation, request: &Request) -> Result<Retrieved, Error> {
    let view = generation.view();
    let mut scratch = generation.scratch();
    let gathered = gather(&view, &generation.fields, request, &mut scratch).map_err(engine("search"))?;
    generation.give_back(scratch);
    let stored = generation.stored(&view, gathered.top.iter().map(|placed| placed.address).collect())?;
    let candidate =
        |(placed, stored): (Placed, _)| Candidate { primary: placed.primary, rank: placed.rank, stored };
    Ok(Retrieved {
        candidates: gathered.top.into_iter().zip(stored).map(candidate).collect(),
        total: gathered.total,
        strongest: gathered.strongest,
        facets: gathered.facets,
        partial: gathered.partial,
    })
}

/// The generation that `CURRENT` names, or an empty one.
fn open_current(root: &Path, memory_bytes: usize) -> Result<Generation, Error> {
    let pointer = root.join(CURRENT_FILE);
    let name = match fs::read_to_string(&pointer) {
        Ok(name) => Some(name.trim().to_owned()).filter(|name| name.starts_with(&name_prefix())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(folder(&pointer)(error)),
    };
    if let Some(name) = name {
        match Generation::open(root.join(&name), memory_bytes) {
            Ok(generation) => return Ok(generation),
            Err(error @ (Error::Locked { .. } | Error::Config(_))) => return Err(error),
            Err(error) => tracing::warn!(
                search.generation = %name,
                error = &error as &dyn std::error::Error,
                "The index cannot be read and begins anew: it needs a rebuild"
            ),
        }
    }
    let name = next_name(root)?;
    let generation = Generation::create(root.join(&name), memory_bytes)?;
    replace_file(&pointer, &name, true)?;
    Ok(generation)
}

/// A name that no generation in the folder has had.
fn next_name(root: &Path) -> Result<String, Error> {
    let last = generations(root).map_err(folder(root))?.into_iter().map(|(number, _)| number).max();
    Ok(format!("{}{:06}", name_prefix(), last.unwrap_or_default() + 1))
}

/// Number and name of every generation in the folder, of whatever folding and fields.
fn generations(root: &Path) -> std::io::Result<Vec<(u64, String)>> {
    let mut found = Vec::new();
    for folder in fs::read_dir(root)? {
        let name = folder?.file_name().to_string_lossy().into_owned();
        let number = name.rsplit('-').next().and_then(|number| number.parse().ok());
        found.extend(number.filter(|_| name.starts_with("compositions-f")).map(|number| (number, name)));
    }
    Ok(found)
}

/// Removes all generations but the current one and the one before it. What cannot be removed stays: it
/// costs space and nothing else.
fn sweep(root: &Path, current: &str) {
    let mut others = generations(root).unwrap_or_default();
    others.retain(|(_, name)| name != current);
    others.sort_unstable();
    others.pop();
    for (_, name) in others {
        if let Err(error) = fs::remove_dir_all(root.join(&name)) {
            tracing::warn!(search.generation = %name, %error, "An old index cannot be removed");
        }
    }
}

async fn blocking<T: Send + 'static>(
    action: &'static str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Error::Engine { action, source: error.into() }))
}

fn engine(action: &'static str) -> impl FnOnce(::tantivy::TantivyError) -> Error {
    move |source| Error::Engine { action, source: source.into() }
}

fn folder(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Directory { path, source }
}

#[cfg(test)]
mod tests {
    use crate::{Change, Config, Document, Query, Search, Title, TitleKind};
    use chrono::DateTime;
    use domain::metrics::Metrics;
    use domain::{EntityKind, EntityRef};
    use std::time::{Duration, Instant};
    use uuid::Uuid;

    const DOCUMENTS: u128 = 4_000;
    const CHANGES: u128 = 40;

    fn song(number: u128, version: u64) -> Change {
        let entity = EntityRef { kind: EntityKind::Composition, id: Uuid::from_u128(number) };
        let mut song = Document::new(entity, version, format!("song-{number}"), DateTime::UNIX_EPOCH);
        let words = ["rAma", "kRSNa", "dEvi", "gaNapati", "mahAnubhAvulu"];
        let word = |nth: u128| words[(number / 5_u128.pow(nth as u32) % 5) as usize];
        let title = format!("{} {} {} v{version}", word(0), word(1), word(2));
        song.titles = vec![Title::new(TitleKind::Display, title)];
        song.ragas = vec![Uuid::from_u128(10_000 + number % 400)];
        Change::Put(song)
    }

    /// Prints what one change and one search cost beside a whole catalogue; the bound that holds is in the
    /// benchmarks, as a debug build on a busy machine proves none.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_single_change_is_seen_beside_a_whole_catalogue() {
        let folder = std::env::temp_dir().join(format!("sangraha-search-{}", Uuid::now_v7()));
        let search = Search::open(&Config::tantivy(&folder), &Metrics::default()).await.unwrap();
        let all: Vec<Change> = (1..=DOCUMENTS).map(|number| song(number, 1)).collect();
        for batch in all.chunks(Search::BATCH_CHANGES_MAX) {
            search.apply(batch).await.unwrap();
        }
        let (mut changed, mut asked) = (Vec::new(), Vec::new());
        for number in 1..=CHANGES {
            let begun = Instant::now();
            search.apply(&[song(number * 7, 2)]).await.unwrap();
            changed.push(begun.elapsed());
            let begun = Instant::now();
            let answer = search.query(&Query { limit: 100, ..Query::text("v2") }).await.unwrap();
            asked.push(begun.elapsed());
            assert!(answer.partial || answer.total == number as u64);
        }
        println!("apply one of {DOCUMENTS}: {}; search: {}", summary(changed), summary(asked));
        drop(search);
        let _ = std::fs::remove_dir_all(folder);
    }

    fn summary(mut times: Vec<Duration>) -> String {
        times.sort_unstable();
        format!("p50 {:?}, max {:?}", times[times.len() / 2], times[times.len() - 1])
    }
}
