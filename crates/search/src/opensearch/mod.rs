//! The distributed engine: OpenSearch over HTTP.
//!
//! An index holds the same folded terms and columns as the embedded one, and is asked the same; the server
//! analyses no text and scores nothing of its own. Versions are external and the newer one wins, deletions
//! included: they stay as documents without a kind, because the server forgets its own within a minute. How
//! far the log is done stands in a document of the index, so that a copied index knows where it is.
//!
//! Nothing here needs the server to be there at the start. A search that gets no answer is an error, whose
//! caller has another engine; a change that gets none is tried again by whoever feeds the index.

mod ask;
mod config;
mod http;
mod names;
mod rebuild;
#[cfg(test)]
mod tests;
mod write;

pub use config::{OpenSearchConfig, Password};

use crate::document::Change;
use crate::engine::{Request, Retrieved, Retriever};
use crate::query::{Held, HeldAfter};
use crate::{Applied, Backend, Error, Position, RebuildBackend, Stats};
use ask::Found;
use async_trait::async_trait;
use domain::{EntityKind, EntityRef};
use http::{Body, Failure, Http};
use names::{POSITION_ID, alias, definition, number};
use rebuild::Rebuilding;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex as Turn;
use tokio::time::timeout;
use uuid::Uuid;
use write::Visible;

/// The index of one region. Clones are the same index.
#[derive(Clone)]
pub(crate) struct OpenSearch(Arc<Inner>);

struct Inner {
    http: Http,
    beginning: String,
    alias: String,
    replicas: u8,
    /// What this process gives a question; a caller may be in more of a hurry.
    query_time_max: Duration,
    /// Whose turn it is to write: a batch never falls between two indexes.
    turn: Turn<()>,
    rebuilding: AtomicBool,
    /// Index and position, as they were last seen.
    seen: Mutex<Option<(String, Position)>>,
    documents: AtomicU64,
}

impl OpenSearch {
    /// Asks nothing of the server yet.
    pub(crate) fn open(config: &OpenSearchConfig) -> Result<Self, Error> {
        Ok(Self(Arc::new(Inner {
            http: Http::new(config)?,
            alias: alias(&config.index),
            beginning: config.index.clone(),
            replicas: config.replicas,
            query_time_max: Duration::from_millis(config.query_ms_max),
            turn: Turn::default(),
            rebuilding: AtomicBool::new(false),
            seen: Mutex::default(),
            documents: AtomicU64::new(0),
        })))
    }

    async fn apply_in_turn(&self, changes: Vec<Change>) -> Result<Applied, Error> {
        let inner = &self.0;
        let _turn = inner.turn.lock().await;
        let known = match write::known(&inner.http, &inner.alias, &changes).await {
            Err(Failure::Missing { .. }) => {
                inner.begin_index().await.map_err(engine("begin an index"))?;
                write::known(&inner.http, &inner.alias, &changes).await
            }
            known => known,
        };
        let (items, applied) = write::news(&changes, &mut known.map_err(engine("read versions"))?);
        if items.is_empty() {
            return Ok(applied);
        }
        let outcome = write::bulk(&inner.http, &inner.alias, items, Visible::Now).await?;
        inner.count().await.map_err(engine("count"))?;
        outcome.without(applied)
    }
}

#[async_trait]
impl Retriever for OpenSearch {
    async fn retrieve(&self, request: Request) -> Result<Retrieved, Error> {
        let inner = &self.0;
        let time = request.deadline.saturating_duration_since(Instant::now());
        let lines = Body::Lines(ask::lines(&inner.alias, &request, time).into());
        let Some(answer) = inner.ask_in_time(lines, time).await else {
            return Ok(Retrieved { partial: true, ..Retrieved::default() });
        };
        let answer = answer.map_err(engine("search"))?;
        let mut found = searches(answer).map_err(engine("search"))?.into_iter();
        let candidates = found.next().ok_or_else(|| engine("search")(lost("an answer")))?;
        let strongest = if ask::asks_strongest(&request) { found.next() } else { None };
        let retrieved = candidates.retrieved(&request, strongest.as_ref());
        if let Some(seen) = found.next().and_then(|found| found.position()) {
            inner.see(seen);
        }
        retrieved.ok_or_else(|| engine("search")(lost("the order of a hit")))
    }
}

/// A caller who leaves a question less than this part of its time is in a hurry.
const HURRY: f64 = 0.9;

impl Inner {
    /// The answer, or nothing where it took longer than a hurried caller wanted to wait: that says nothing
    /// about the server, and must not count against it.
    async fn ask_in_time(&self, lines: Body, time: Duration) -> Option<Result<Value, Failure>> {
        if time > self.query_time_max.mul_f64(HURRY) {
            return Some(self.http.ask("_msearch", lines, time).await);
        }
        timeout(time, self.http.ask("_msearch", lines, self.query_time_max)).await.ok()
    }
}

/// Every search of a `_msearch`, or why one of them failed.
fn searches(mut answer: Value) -> Result<Vec<Found>, Failure> {
    let responses = answer["responses"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let mut all = Vec::with_capacity(responses.len());
    for response in responses {
        if !response["error"].is_null() {
            let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok());
            let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default();
            return Err(http::failure(status, None, &response));
        }
        let found: Found = serde_json::from_value(response).map_err(|_| lost("the form of its answers"))?;
        if found.is_torn() {
            return Err(lost("a part of the index"));
        }
        all.push(found);
    }
    Ok(all)
}

#[async_trait]
impl Backend for OpenSearch {
    async fn apply(&self, changes: Vec<Change>) -> Result<Applied, Error> {
        let this = self.clone();
        // The turn is taken inside the task: a caller that goes away leaves no batch half done.
        tokio::spawn(async move { this.apply_in_turn(changes).await })
            .await
            .unwrap_or_else(|error| Err(Error::Engine { action: "apply", source: error.into() }))
    }

    async fn versions(&self, after: HeldAfter, limit: usize) -> Result<Vec<Held>, Error> {
        self.0.versions(&self.0.alias, after, limit).await.map_err(engine("list versions"))
    }

    fn known_position(&self) -> Option<Position> {
        self.0.seen().as_ref().map(|(_, position)| *position)
    }

    async fn position(&self) -> Result<Option<Position>, Error> {
        let inner = &self.0;
        let path = format!("{}/_doc/{POSITION_ID}", inner.alias);
        match inner.http.order(Method::GET, &path, Body::None).await {
            Ok(answer) => {
                let position = position_of(&answer["_source"]);
                let index = answer["_index"].as_str().unwrap_or_default().to_owned();
                *inner.seen() = position.map(|position| (index, position));
                Ok(position)
            }
            Err(Failure::Missing { .. }) => Ok(None),
            Err(failure) => Err(engine("read its position")(failure)),
        }
    }

    async fn set_position(&self, position: Position) -> Result<(), Error> {
        let _turn = self.0.turn.lock().await;
        self.0.write_position(&self.0.alias, position).await.map_err(engine("save its position"))
    }

    async fn begin_rebuild(&self) -> Result<Box<dyn RebuildBackend>, Error> {
        if self.0.rebuilding.swap(true, Ordering::AcqRel) {
            return Err(Error::RebuildRunning);
        }
        let this = self.clone();
        // On a task of its own: where the caller goes away, what was begun is dropped and the next may begin.
        tokio::spawn(async move {
            match this.0.create_index(None).await {
                Ok(name) => Ok(Box::new(Rebuilding::new(this, name)) as Box<dyn RebuildBackend>),
                Err(failure) => {
                    this.0.rebuilding.store(false, Ordering::Release);
                    Err(engine("begin a rebuild")(failure))
                }
            }
        })
        .await
        .unwrap_or_else(|error| Err(Error::Engine { action: "begin a rebuild", source: error.into() }))
    }

    fn documents(&self) -> u64 {
        self.0.documents.load(Ordering::Relaxed)
    }

    async fn stats(&self) -> Result<Stats, Error> {
        let position = self.position().await?;
        let inner = &self.0;
        match inner.measure().await {
            Ok((generation, documents, bytes)) => Ok(Stats { documents, bytes, generation, position }),
            Err(Failure::Missing { .. }) => Ok(Stats {
                documents: 0,
                bytes: 0,
                generation: format!("{}-none", inner.alias),
                position: None,
            }),
            Err(failure) => Err(engine("measure")(failure)),
        }
    }
}

impl Inner {
    fn seen(&self) -> MutexGuard<'_, Option<(String, Position)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a search saw may be a second old; of one index the position only rises.
    fn see(&self, (index, position): (String, Position)) {
        let mut seen = self.seen();
        let is_older = seen.as_ref().is_some_and(|(known, at)| *known == index && *at >= position);
        if !is_older {
            *seen = Some((index, position));
        }
    }

    /// An empty index that is read at once.
    async fn begin_index(&self) -> Result<(), Failure> {
        self.create_index(Some(&self.alias)).await.map(|_| ())
    }

    /// A new index, behind `alias` or behind none. Answers its name.
    async fn create_index(&self, alias: Option<&str>) -> Result<String, Failure> {
        let last = self.indexes().await?.into_iter().map(|(number, _)| number).max();
        let name = format!("{}-{:06}", self.alias, last.unwrap_or_default() + 1);
        let mut body = definition(self.replicas);
        if let Some(alias) = alias {
            body["aliases"] = json!({alias: {}});
        }
        self.http.order(Method::PUT, &name, Body::json(&body)).await?;
        Ok(name)
    }

    /// Number and name of every index of this region, of whatever folding and fields.
    async fn indexes(&self) -> Result<Vec<(u64, String)>, Failure> {
        let path = format!("{}-f*/_alias?expand_wildcards=all", self.beginning);
        let found = match self.http.order(Method::GET, &path, Body::None).await {
            Err(Failure::Missing { .. }) => return Ok(Vec::new()),
            found => found?,
        };
        let names = found.as_object().into_iter().flat_map(|indexes| indexes.keys());
        Ok(names.filter_map(|name| Some((number(&self.beginning, name)?, name.clone()))).collect())
    }

    /// The index that is read; none where there is none.
    async fn current(&self) -> Result<Option<String>, Failure> {
        match self.http.order(Method::GET, &format!("_alias/{}", self.alias), Body::None).await {
            Err(Failure::Missing { .. }) => Ok(None),
            found => Ok(found?.as_object().and_then(|indexes| indexes.keys().next().cloned())),
        }
    }

    async fn count(&self) -> Result<u64, Failure> {
        let count = self.count_in(&self.alias).await?;
        self.documents.store(count, Ordering::Relaxed);
        Ok(count)
    }

    async fn count_in(&self, index: &str) -> Result<u64, Failure> {
        let live = json!({"query": {"term": {"live": true}}});
        let answer = self.http.order(Method::POST, &format!("{index}/_count"), Body::json(&live)).await?;
        answer["count"].as_u64().ok_or_else(|| lost("a count"))
    }

    async fn measure(&self) -> Result<(String, u64, u64), Failure> {
        let name = self.current().await?.ok_or_else(|| Failure::Missing { reason: self.alias.clone() })?;
        let stats = self.http.order(Method::GET, &format!("{name}/_stats/store"), Body::None).await?;
        let bytes = stats["_all"]["total"]["store"]["size_in_bytes"].as_u64().unwrap_or_default();
        Ok((name, self.count().await?, bytes))
    }

    async fn versions(&self, index: &str, after: HeldAfter, limit: usize) -> Result<Vec<Held>, Failure> {
        let mut search = json!({
            "size": limit, "query": {"term": {"live": true}}, "sort": [{"key": "asc"}],
            "_source": ["version"], "track_total_hits": false,
        });
        if let Some(after) = after {
            // Behind every kind of this id.
            search["search_after"] = json!([format!("{after}~")]);
        }
        let answer =
            match self.http.order(Method::POST, &format!("{index}/_search"), Body::json(&search)).await {
                Err(Failure::Missing { .. }) => return Ok(Vec::new()),
                answer => answer?,
            };
        let hits = answer["hits"]["hits"].as_array().map(Vec::as_slice).unwrap_or_default();
        hits.iter().map(held).collect::<Option<_>>().ok_or_else(|| lost("the version of a document"))
    }

    async fn write_position(&self, index: &str, position: Position) -> Result<(), Failure> {
        let body = json!({"epoch": position.epoch, "position": position.position});
        let path = format!("{index}/_doc/{POSITION_ID}");
        let answer = self.http.order(Method::PUT, &path, Body::json(&body)).await?;
        let index = answer["_index"].as_str().unwrap_or_default().to_owned();
        *self.seen() = Some((index, position));
        Ok(())
    }
}

fn held(hit: &Value) -> Option<Held> {
    let (id, kind) = hit["sort"][0].as_str()?.split_once(':')?;
    let entity = EntityRef { kind: EntityKind::from_str(kind).ok()?, id: Uuid::parse_str(id).ok()? };
    Some((entity, hit["_source"]["version"].as_i64()?.cast_unsigned()))
}

fn position_of(source: &Value) -> Option<Position> {
    Some(Position { epoch: source["epoch"].as_u64()?, position: source["position"].as_u64()? })
}

fn engine(action: &'static str) -> impl FnOnce(Failure) -> Error {
    move |failure| Error::Engine { action, source: failure.into() }
}

/// An answer of a healthy server lacks `what` only where another program answers.
fn lost(what: &'static str) -> Failure {
    Failure::Refused { status: StatusCode::OK, kind: "answer".to_owned(), reason: format!("it lacks {what}") }
}
