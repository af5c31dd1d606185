//! Searches from the database, where the index is gone, slow, empty or stale.
//!
//! The same folded keys stand beside every name, so whole titles, beginnings and every script are found as
//! ever, by the same reading and in the same order. What is missing are lyrics, swaras, misspelt words, and hits and
//! counts beyond the first [`FOUND_MAX`]: such an answer says that it is degraded, and partial.

use crate::state::State;
use async_trait::async_trait;
use domain::EntityKind;
use domain::name::NameRole;
use search::engine::{Clause, Field, Match, Request, Retrieved, Retriever, scan};
use search::{Answer, Document, Error, Query, Suggest, Suggestion, Title, TitleKind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::{Found, Lookup, Read};
use tracing::{info, warn};
use uuid::Uuid;

/// Most entities that one search looks at.
const FOUND_MAX: usize = 1_000;
/// Most entities of a listing of names, which is how they are learned where the index is away.
const NAMED_MAX: usize = 20_000;
/// Between two looks at how far the index is.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Fewest letters that are looked for in the middle of names.
const PART_LETTERS_MIN: usize = 4;

/// Asks the index, and where it cannot answer well, the database.
pub(crate) async fn query(state: &State, read: &Read, query: &Query) -> Result<Answer, Error> {
    let fallback = Fallback::new(read);
    if !state.freshness.is_stale(state, read).await {
        match state.search.query(query).await {
            Err(error) if is_absent(&error) => state.freshness.note(&error),
            answer => {
                state.freshness.well();
                return answer;
            }
        }
    }
    state.search.query_elsewhere(&fallback, query).await
}

/// The same for suggestions.
pub(crate) async fn suggest(state: &State, read: &Read, suggest: &Suggest) -> Result<Vec<Suggestion>, Error> {
    match state.search.suggest(suggest).await {
        Err(error) if is_absent(&error) => {
            state.freshness.note(&error);
            state.search.suggest_elsewhere(&Fallback::new(read), suggest).await
        }
        found => found,
    }
}

/// The index could not be asked; anything else is the question's fault.
const fn is_absent(error: &Error) -> bool {
    matches!(error, Error::Engine { .. } | Error::Directory { .. })
}

/// Whether the index follows the event stream.
#[derive(Debug)]
pub struct Freshness {
    stale_after: Duration,
    began: Instant,
    /// Milliseconds since `began` of the last look.
    looked_ms: AtomicU64,
    behind_since: Mutex<Option<Instant>>,
    is_failing: AtomicBool,
}

impl Freshness {
    /// An index that is behind for `stale_after` counts as stale.
    pub fn new(stale_after: Duration) -> Self {
        Self {
            stale_after,
            began: Instant::now(),
            looked_ms: AtomicU64::new(0),
            behind_since: Mutex::default(),
            is_failing: AtomicBool::new(false),
        }
    }

    /// Behind the stream for too long, or never filled.
    async fn is_stale(&self, state: &State, read: &Read) -> bool {
        let now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.looked_ms.load(Ordering::Relaxed);
        let is_time = now_ms.saturating_sub(last) >= LOOK_INTERVAL.as_millis() as u64;
        let is_mine = is_time
            && self.looked_ms.compare_exchange(last, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_mine && let Ok(head) = read.stream_head().await {
            let at = state.search.known_position();
            self.heard(at.is_some_and(|at| at.epoch > head.epoch || at.position >= head.position));
        }
        let since = *self.behind_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() > self.stale_after)
    }

    fn heard(&self, is_at_head: bool) {
        let mut since = self.behind_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if is_at_head { None } else { since.or_else(|| Some(Instant::now())) };
    }

    /// Logs the first of a row of failures.
    fn note(&self, error: &Error) {
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            warn!(
                error = error as &dyn std::error::Error,
                "The index gives no answer: searches go to the database"
            );
        }
    }

    fn well(&self) {
        if self.is_failing.swap(false, Ordering::Relaxed) {
            info!("The index answers again");
        }
    }
}

/// The database as an engine of searches.
#[derive(Debug)]
pub struct Fallback<'a> {
    read: &'a Read,
}

impl<'a> Fallback<'a> {
    /// An engine that answers from what `read` sees.
    pub const fn new(read: &'a Read) -> Self {
        Self { read }
    }
}

#[async_trait]
impl Retriever for Fallback<'_> {
    async fn retrieve(&self, request: Request) -> Result<Retrieved, Error> {
        let failed = |error: store::Error| Error::Engine { action: "look names up", source: error.into() };
        let (lookup, parts) = lookup_of(&request);
        let is_of_names = lookup.is_empty() && !request.kinds.contains(&EntityKind::Composition);
        let most = if is_of_names { NAMED_MAX } else { FOUND_MAX };
        let mut found = self.read.lookup(&lookup, most).await.map_err(failed)?;
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            if found.is_empty() {
                let inside = Lookup { kinds: lookup.kinds.clone(), k1_part: part, ..Lookup::default() };
                found = self.read.lookup(&inside, FOUND_MAX).await.map_err(failed)?;
            }
        }
        let is_cut = found.len() == most;
        let documents: Vec<Document> = found.into_iter().map(document).collect();
        // What is sung is in the index alone.
        let is_unknown = is_sung(&request);
        Ok(scan(&documents, &request, is_cut || is_unknown))
    }
}

/// Whether swaras are asked for.
fn is_sung(request: &Request) -> bool {
    let asks = |matching: &Match| matches!(matching, Match::Any(Field::Swaras, _));
    request.clauses.iter().any(|clause| match &clause.matching {
        Match::All(all) => all.iter().any(asks),
        one => asks(one),
    })
}

/// What of a request the database can look up, and what to look for inside names: the longest word, then all
/// words as one.
fn lookup_of(request: &Request) -> (Lookup, [String; 2]) {
    let mut lookup = Lookup { kinds: request.kinds.clone(), ..Lookup::default() };
    let mut parts = [String::new(), String::new()];
    request.clauses.iter().for_each(|Clause { matching, .. }| add(matching, &mut lookup, &mut parts));
    if request.clauses.is_empty() {
        let values = request.filters.iter().find_map(|filter| ids(&filter.values));
        lookup.referred = values.unwrap_or_default();
    }
    (lookup, parts)
}

fn add(matching: &Match, lookup: &mut Lookup, parts: &mut [String; 2]) {
    match matching {
        Match::Any(Field::Joined, terms) => lookup.k1.extend(terms.iter().cloned()),
        Match::Any(Field::Coarse | Field::CoarseTamil, terms) => lookup.k2.extend(terms.iter().cloned()),
        Match::Begins(Field::Joined, prefix) => lookup.k1_prefixes.push(prefix.clone()),
        Match::Begins(Field::Coarse | Field::CoarseTamil, prefix) => lookup.k2_prefixes.push(prefix.clone()),
        Match::Begins(Field::Word, word) => longer(&mut parts[0], word),
        Match::Any(Field::Word, words) => words.iter().for_each(|word| longer(&mut parts[0], word)),
        Match::Begins(Field::Suffix, words) => longer(&mut parts[1], words),
        Match::Value(_, values) => lookup.referred.extend(ids(values).unwrap_or_default()),
        Match::All(all) => all.iter().for_each(|one| add(one, lookup, parts)),
        Match::Either(either) => either.iter().for_each(|one| add(one, lookup, parts)),
        Match::Any(..) | Match::Begins(..) | Match::AtLeast { .. } => {}
    }
}

fn longer(part: &mut String, word: &str) {
    if word.len() >= PART_LETTERS_MIN && word.len() > part.len() {
        part.replace_range(.., word);
    }
}

/// None where the values are no ids: mela numbers, languages, forms.
fn ids(values: &[String]) -> Option<Vec<Uuid>> {
    values.iter().map(|value| value.parse().ok()).collect()
}

fn document(found: Found) -> Document {
    let label = found.names.iter().find(|name| name.role == NameRole::Display).or(found.names.first());
    let sort_title = label.map_or_else(Vec::new, |name| lipi::collation_key(&name.text, lipi::Script::Latin));
    let mut document = Document::new(found.entity, 0, found.slug, found.updated_at);
    document.sort_title = sort_title;
    document.titles = found
        .names
        .into_iter()
        .map(|name| Title { text: name.text, script: name.script, kind: kind(name.role) })
        .collect();
    document.ragas = found.ragas;
    document.primary_raga = found.primary_raga;
    document.melas = found.melas;
    document.composer = found.composer;
    document.talas = found.talas;
    document.form = found.form;
    document.languages = found.languages;
    document.deities = found.deities;
    document.temples = found.temples;
    document.tags = found.tags;
    document.groups = found.groups;
    document
}

const fn kind(role: NameRole) -> TitleKind {
    match role {
        NameRole::Display => TitleKind::Display,
        NameRole::Alias => TitleKind::Alias,
        NameRole::Incipit => TitleKind::Incipit,
        NameRole::Signature => TitleKind::Signature,
    }
}
