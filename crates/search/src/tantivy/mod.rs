//! The embedded engine: Tantivy in this process, in files.
//!
//! The folder holds generations, `compositions-f{fold}-s{schema}-{number}`, and `CURRENT`, the name of the
//! one that is read. A generation that this program cannot read (another folding, other fields, damaged
//! files) is left for an empty one, whose missing position asks for a rebuild.

mod gather;
mod generation;
mod plan;
mod rebuild;
mod schema;
mod unsynced;

use crate::document::Change;
use crate::query::{
    Answer, Cursor, FacetCounts, Held, HeldAfter, Hit, MatchClass, Matched, Query, RagaMode, Sort, Suggest,
    Suggestion,
};
use crate::rank::{self, Match, Reading};
use crate::{Applied, Backend, Error, Position, RebuildBackend, Stats};
use ::tantivy::Searcher;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use domain::EntityKind;
use gather::{Gather, Gathered, Placed, Primary};
use generation::{Generation, name_prefix, replace_file};
use plan::{Reach, class_of, strength};
use rebuild::Rebuilding;
use schema::{RANK_BYTES, Stored, entity_of_rank};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Hits whose order is refined by their titles; those behind them come by class and title.
const REFINED_MAX: usize = 200;
/// The file that names the generation that is read.
const CURRENT_FILE: &str = "CURRENT";

/// The index in one folder. Clones are the same index.
#[derive(Clone)]
pub(crate) struct Tantivy(Arc<Inner>);

struct Inner {
    root: PathBuf,
    memory_bytes: usize,
    query_time_max: Duration,
    current: ArcSwap<Generation>,
    /// Whose turn it is to write: a batch never falls between two generations.
    turn: Mutex<()>,
    rebuilding: AtomicBool,
}

impl Tantivy {
    pub(crate) async fn open(root: PathBuf, memory_bytes: usize, query_ms_max: u64) -> Result<Self, Error> {
        blocking("open", move || {
            fs::create_dir_all(&root).map_err(folder(&root))?;
            let current = open_current(&root, memory_bytes)?;
            sweep(&root, &current.name);
            Ok(Self(Arc::new(Inner {
                root,
                memory_bytes,
                query_time_max: Duration::from_millis(query_ms_max),
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

    async fn query(&self, query: Query) -> Result<Answer, Error> {
        let (generation, time_max) = (self.current(), self.0.query_time_max);
        blocking("search", move || Search::begin(&generation, time_max).answer(&query)).await
    }

    async fn suggest(&self, suggest: Suggest) -> Result<Vec<Suggestion>, Error> {
        let (generation, time_max) = (self.current(), self.0.query_time_max);
        blocking("suggest", move || Search::begin(&generation, time_max).suggest(&suggest)).await
    }

    fn versions(&self, after: HeldAfter, limit: usize) -> Vec<Held> {
        self.current().versions(after, limit)
    }

    fn position(&self) -> Option<Position> {
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

    fn stats(&self) -> Stats {
        let current = self.current();
        Stats {
            documents: current.documents(),
            bytes: current.bytes(),
            generation: current.name.clone(),
            position: current.position(),
        }
    }
}

/// One search in one state of the index.
struct Search<'a> {
    generation: &'a Generation,
    searcher: Searcher,
    position: Option<Position>,
    deadline: Instant,
}

/// A place in the order of an answer. Smaller comes first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    tail: bool,
    /// Negated.
    primary: i64,
    /// Negated.
    score: i64,
    rank: Vec<u8>,
}

struct Item {
    place: Place,
    stored: Stored,
    found: Option<Match>,
}

impl<'a> Search<'a> {
    fn begin(generation: &'a Generation, time_max: Duration) -> Self {
        Self {
            position: generation.position(),
            searcher: generation.searcher(),
            generation,
            deadline: Instant::now() + time_max,
        }
    }

    fn answer(&self, query: &Query) -> Result<Answer, Error> {
        let typed = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let reading = typed.and_then(Reading::of);
        let after = query.after.as_ref().map(|cursor| place_of(cursor, query.sort)).transpose()?;
        if typed.is_some() && reading.is_none() {
            return Ok(self.nothing(query));
        }
        let refined = reading.as_ref().filter(|_| query.sort == Sort::Relevance);
        let asked = Asked { query, reading: reading.as_ref(), refined: refined.is_some(), after };
        let (gathered, guessed) = self.gather_for(&asked)?;
        let (mut items, best) = self.order(&asked, &gathered)?;
        let confident = best.map_or(!guessed, |found| rank::is_confident(found.class, found.score));
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = items.last().filter(|_| more).map(|item| cursor_of(&item.place, query.sort));
        Ok(Answer {
            next,
            hits: items.iter().filter_map(|item| hit(item, asked.reading)).collect(),
            facets: counts(query, &gathered),
            total: gathered.total,
            position: self.position.unwrap_or_default(),
            low_confidence: typed.is_some() && (gathered.total == 0 || !confident),
            partial: gathered.partial,
            truncated: reading.is_some_and(|reading| reading.truncated),
        })
    }

    /// First what holds all of the text; only where there is none, what holds a part of it.
    fn gather_for(&self, asked: &Asked<'_>) -> Result<(Gathered, bool), Error> {
        let whole = self.gather(asked, Reach::Whole)?;
        let guess = asked.reading.is_some_and(|reading| reading.tokens.len() > 1);
        if whole.matched > 0 || whole.partial || !guess {
            return Ok((whole, false));
        }
        Ok((self.gather(asked, Reach::Parts)?, true))
    }

    fn gather(&self, asked: &Asked<'_>, reach: Reach) -> Result<Gathered, Error> {
        let query = asked.query;
        let planned =
            plan::query(&self.generation.fields, &query.kinds, asked.reading.map(|reading| (reading, reach)));
        let window = if asked.in_window() { REFINED_MAX } else { 0 };
        let after = asked.after.as_ref().filter(|_| !asked.in_window());
        let gather = Gather {
            primary: match query.sort {
                Sort::Relevance if asked.refined => Primary::Strength,
                Sort::Relevance | Sort::Title => Primary::None,
                Sort::Newest => Primary::Updated,
            },
            keep: window + query.limit + 1,
            after: after.map(|place| (-place.primary, place.rank.clone())),
            filters: &query.filters,
            raga_mode: query.raga_mode,
            facets: &query.facets,
            deadline: self.deadline,
        };
        self.searcher.search(&planned, &gather).map_err(engine("search"))
    }

    /// The hits of the page and one more, and the best of all where this page's gathering has met it.
    fn order(&self, asked: &Asked<'_>, gathered: &Gathered) -> Result<(Vec<Item>, Option<Match>), Error> {
        let window = gathered.top.len().min(if asked.in_window() { REFINED_MAX } else { 0 });
        let (refined, rest) = gathered.top.split_at(window);
        let mut items: Vec<Item> =
            refined.iter().map(|placed| self.item(placed, asked, false)).collect::<Result<_, _>>()?;
        items.sort_unstable_by(|a, b| a.place.cmp(&b.place));
        let best = items.first().and_then(|item| item.found);
        items.retain(|item| asked.after.as_ref().is_none_or(|after| item.place > *after));
        let wanted = (asked.query.limit + 1).saturating_sub(items.len());
        for placed in rest.iter().take(wanted) {
            items.push(self.item(placed, asked, asked.refined)?);
        }
        Ok((items, best))
    }

    fn item(&self, placed: &Placed, asked: &Asked<'_>, tail: bool) -> Result<Item, Error> {
        let stored = self.stored(placed)?;
        let found = asked.reading.map(|reading| match rank::judge(reading, &stored.titles) {
            Some(found) => found,
            // The index joined what the titles alone do not show; it keeps its class, at the end of it.
            None => Match { class: class_of(placed.primary.max(1)), score: 0, title: 0 },
        });
        let (primary, score) = match found.filter(|_| asked.refined && !tail) {
            Some(found) => (strength(found.class), found.score),
            None => (placed.primary, 0),
        };
        let place = Place { tail, primary: -primary, score: -i64::from(score), rank: placed.rank.clone() };
        Ok(Item { place, stored, found })
    }

    fn stored(&self, placed: &Placed) -> Result<Stored, Error> {
        let document = self.searcher.doc(placed.address).map_err(engine("read a document"))?;
        let missing =
            || Error::Engine { action: "read a document", source: "its stored part is missing".into() };
        self.generation.fields.stored(&document).ok_or_else(missing)
    }

    fn nothing(&self, query: &Query) -> Answer {
        Answer {
            hits: Vec::new(),
            facets: query
                .facets
                .iter()
                .map(|facet| FacetCounts { facet: *facet, values: Vec::new() })
                .collect(),
            total: 0,
            next: None,
            position: self.position.unwrap_or_default(),
            low_confidence: true,
            partial: false,
            truncated: false,
        }
    }

    fn suggest(&self, suggest: &Suggest) -> Result<Vec<Suggestion>, Error> {
        let Some(reading) = Reading::of(&suggest.text) else { return Ok(Vec::new()) };
        let kinds = if suggest.kinds.is_empty() { EntityKind::ALL.to_vec() } else { suggest.kinds.clone() };
        let query = Query { kinds, limit: suggest.limit, raga_mode: RagaMode::Any, ..Query::default() };
        let asked = Asked { query: &query, reading: Some(&reading), refined: true, after: None };
        let gathered = self.gather(&asked, Reach::Beginnings)?;
        let (mut items, _) = self.order(&asked, &gathered)?;
        items.truncate(suggest.limit);
        Ok(items.iter().filter_map(suggestion).collect())
    }
}

struct Asked<'a> {
    query: &'a Query,
    reading: Option<&'a Reading>,
    /// The order of the best hits is refined by their titles.
    refined: bool,
    after: Option<Place>,
}

impl Asked<'_> {
    /// The page begins among the hits whose order is refined.
    fn in_window(&self) -> bool {
        self.refined && self.after.as_ref().is_none_or(|after| !after.tail)
    }
}

fn hit(item: &Item, reading: Option<&Reading>) -> Option<Hit> {
    let entity = entity_of_rank(&item.place.rank)?;
    let matched = reading.zip(item.found).and_then(|(reading, found)| matched(item, reading, found));
    Some(Hit {
        entity,
        slug: item.stored.slug.clone(),
        score: item.found.map_or(0.0, |found| strength(found.class) as f32 + found.score as f32 / 1_001.0),
        class: item.found.map_or(MatchClass::Listed, |found| found.class),
        matched: matched.into_iter().collect(),
    })
}

fn matched(item: &Item, reading: &Reading, found: Match) -> Option<Matched> {
    let title = item.stored.titles.get(found.title)?;
    let ranges = rank::marks(reading, &title.text, found.class);
    Some(Matched { field: title.kind.field(), text: title.text.clone(), ranges })
}

fn suggestion(item: &Item) -> Option<Suggestion> {
    let entity = entity_of_rank(&item.place.rank)?;
    let title = item.stored.titles.get(item.found?.title)?;
    Some(Suggestion { entity, slug: item.stored.slug.clone(), text: title.text.clone(), kind: entity.kind })
}

fn counts(query: &Query, gathered: &Gathered) -> Vec<FacetCounts> {
    let facets = query.facets.iter().zip(&gathered.counts);
    facets
        .map(|(facet, counts)| {
            let mut values: Vec<(String, u64)> =
                counts.iter().map(|(value, count)| (value.clone(), *count)).collect();
            values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            values.truncate(crate::Facet::VALUES_MAX);
            FacetCounts { facet: *facet, values }
        })
        .collect()
}

fn cursor_of(place: &Place, sort: Sort) -> Cursor {
    use std::fmt::Write as _;
    let rank = place.rank.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    let score = u32::try_from(-place.score).unwrap_or_default();
    Cursor { sort, tail: place.tail, primary: -place.primary, score, rank }
}

/// Cursors come back through clients: anything may stand in them.
fn place_of(cursor: &Cursor, sort: Sort) -> Result<Place, Error> {
    let digits = cursor.rank.as_bytes();
    let bytes = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let rank: Vec<u8> = bytes.collect::<Option<_>>().ok_or(Error::Cursor)?;
    if cursor.sort != sort || rank.len() != RANK_BYTES || digits.len() != 2 * RANK_BYTES {
        return Err(Error::Cursor);
    }
    let primary = cursor.primary.checked_neg().ok_or(Error::Cursor)?;
    Ok(Place { tail: cursor.tail, primary, score: -i64::from(cursor.score), rank })
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
