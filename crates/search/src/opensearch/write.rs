//! Documents on their way in: what is there already, then one bulk, judged item by item.

use super::ask::{hex, in_script};
use super::http::{Body, Failure, Http, failure};
use super::names::{RANKED, order_field};
use super::{engine, lost};
use crate::document::Change;
use crate::engine::indexed;
use crate::held::{Known, Verdict, verdict};
use crate::{Applied, Error};
use domain::EntityRef;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use tokio::time::sleep;

/// Bytes of one bulk: the server refuses 100 MB, and works best far below.
const BULK_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One document to write.
pub(super) struct Item {
    entity: EntityRef,
    is_put: bool,
    /// Action and document, a line each.
    lines: String,
}

/// When what was written can be found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Visible {
    /// When the call returns.
    Now,
    /// When somebody asks for it: a rebuild does at its end.
    Later,
}

/// The id of an entity's document; ids sort as [`crate::Search::versions`] lists them.
pub(super) fn id_of(entity: EntityRef) -> String {
    format!("{}:{}", entity.id, entity.kind.as_str())
}

/// Which of `changes` say something new, beside `known` and each other. `known` follows.
pub(super) fn news(changes: &[Change], known: &mut HashMap<EntityRef, Known>) -> (Vec<Item>, Applied) {
    let (mut items, mut applied) = (Vec::new(), Applied::default());
    for change in changes {
        let new = Known::of(change);
        match verdict(known.get(&change.entity()).copied(), new) {
            Verdict::Stale => applied.stale += 1,
            Verdict::Unchanged => applied.unchanged += 1,
            Verdict::Write => {
                items.push(Item::of(change, new));
                known.insert(change.entity(), new);
                *(if new.live { &mut applied.put } else { &mut applied.deleted }) += 1;
            }
        }
    }
    (items, applied)
}

impl Item {
    fn of(change: &Change, new: Known) -> Self {
        let entity = change.entity();
        let action = json!({"index": {
            "_id": id_of(entity), "version": external(new), "version_type": "external_gte",
        }});
        let mut document = match change {
            Change::Put(document) => put(&indexed(document)),
            Change::Delete { .. } => json!({}),
        };
        document["key"] = id_of(entity).into();
        document["live"] = new.live.into();
        // The same bits: JSON numbers of the server are signed.
        document["version"] = new.version.cast_signed().into();
        document["digest"] = new.digest.cast_signed().into();
        Self { entity, is_put: new.live, lines: format!("{action}\n{document}\n") }
    }
}

/// Of one version a deletion comes after a document. A document may be written again in its own version, when
/// what it was made from besides its entity has changed.
const fn external(new: Known) -> u64 {
    (new.version << 1) | (!new.live) as u64
}

fn put(document: &crate::engine::Indexed) -> Value {
    let rank = hex(&document.rank);
    let mut out = json!({
        "kind": document.entity.kind.as_str(), "updated": document.updated,
        "stored_keys": document.stored.keys, "stored_shown": document.stored.shown,
    });
    if !document.stored.lyrics.is_empty() {
        out["stored_lyrics"] = document.stored.lyrics.as_str().into();
    }
    for script in RANKED {
        let own = document.ranks.iter().find(|(its, _)| *its == script).map(|(_, rank)| hex(rank));
        if let Some(field) = order_field(script) {
            out[field] = in_script(own.is_some(), own.as_deref().unwrap_or(&rank)).into();
        }
    }
    let terms = document.terms.iter().map(|(field, term)| (field.as_str(), term));
    let values = document.values.iter().map(|(column, value)| (column.as_str(), value));
    for (name, text) in terms.chain(values) {
        match out[name].as_array_mut() {
            Some(texts) => texts.push(text.as_str().into()),
            None => out[name] = json!([text]),
        }
    }
    out["rank"] = rank.into();
    out
}

/// What the index holds of these entities.
pub(super) async fn known(
    http: &Http,
    index: &str,
    changes: &[Change],
) -> Result<HashMap<EntityRef, Known>, Failure> {
    if changes.is_empty() {
        return Ok(HashMap::new()); // which the server refuses
    }
    let mut entities: Vec<EntityRef> = changes.iter().map(Change::entity).collect();
    entities.sort_unstable();
    entities.dedup();
    let ids: Vec<String> = entities.iter().copied().map(id_of).collect();
    let path = format!("{index}/_mget?_source=version,digest,live");
    let answer = http.order(Method::POST, &path, Body::json(&json!({"ids": ids}))).await?;
    let docs = answer["docs"].as_array().map(Vec::as_slice).unwrap_or_default();
    // A missing index is said of each document and not of the whole.
    if let Some(doc) = docs.iter().find(|doc| !doc["error"].is_null()) {
        let is_missing = doc["error"]["type"] == "index_not_found_exception";
        let status = if is_missing { StatusCode::NOT_FOUND } else { StatusCode::INTERNAL_SERVER_ERROR };
        return Err(failure(status, None, doc));
    }
    let held =
        entities.into_iter().zip(docs).filter_map(|(entity, doc)| Some((entity, known_of(&doc["_source"])?)));
    Ok(held.collect())
}

fn known_of(source: &Value) -> Option<Known> {
    Some(Known {
        version: source["version"].as_i64()?.cast_unsigned(),
        digest: source["digest"].as_i64()?.cast_unsigned(),
        live: source["live"].as_bool()?,
    })
}

/// Writes all items; those that find no room are tried again by themselves.
pub(super) async fn bulk(
    http: &Http,
    index: &str,
    items: Vec<Item>,
    visible: Visible,
) -> Result<Outcome, Error> {
    let mut waiting = VecDeque::from(items);
    let mut outcome = Outcome::default();
    let mut tried = 0;
    while !waiting.is_empty() {
        let crowded = one_bulk(http, index, take(&mut waiting), visible, &mut outcome).await?;
        let Some((_, busy)) = crowded.first() else {
            tried = 0;
            continue;
        };
        tried += 1;
        if tried >= http.tries_max() {
            return Err(Error::Engine { action: "write", source: busy.to_string().into() });
        }
        sleep(http.pause(tried, None)).await;
        // In front again: of two changes of one document the later one comes later.
        crowded.into_iter().rev().for_each(|(item, _)| waiting.push_front(item));
    }
    Ok(outcome)
}

/// What became of items that were not written.
#[derive(Default)]
pub(super) struct Outcome {
    /// Lost against something newer, which only another writer can bring.
    overtaken_puts: usize,
    overtaken_deletions: usize,
    /// The server cannot hold these, and said why.
    pub(super) refused: Vec<(EntityRef, String)>,
}

impl Outcome {
    /// What was applied of what was tried. All else is written when one document was refused.
    pub(super) fn without(mut self, tried: Applied) -> Result<Applied, Error> {
        if let Some((entity, reason)) = self.refused.pop() {
            return Err(Error::DocumentRefused { entity, reason });
        }
        Ok(Applied {
            put: tried.put - self.overtaken_puts,
            deleted: tried.deleted - self.overtaken_deletions,
            stale: tried.stale + self.overtaken_puts + self.overtaken_deletions,
            ..tried
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<HashMap<String, Value>>,
}

fn take(waiting: &mut VecDeque<Item>) -> Vec<Item> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(item) = waiting.front() {
        if !batch.is_empty() && bytes + item.lines.len() > BULK_BYTES_MAX {
            break;
        }
        bytes += item.lines.len();
        batch.extend(waiting.pop_front());
    }
    batch
}

/// Sends one bulk, and answers the items that found no room, with the words of the server.
async fn one_bulk(
    http: &Http,
    index: &str,
    batch: Vec<Item>,
    visible: Visible,
    outcome: &mut Outcome,
) -> Result<Vec<(Item, Failure)>, Error> {
    let lines: String = batch.iter().map(|item| item.lines.as_str()).collect();
    let refresh = visible == Visible::Now;
    let path = format!("{index}/_bulk?refresh={refresh}&filter_path=items.*.status,items.*.error");
    let answer = http.order(Method::POST, &path, Body::Lines(lines.into())).await.map_err(engine("write"))?;
    let answers = serde_json::from_value::<Answer>(answer).map(|answer| answer.items).unwrap_or_default();
    if answers.len() != batch.len() {
        return Err(engine("write")(lost("the outcome of each item")));
    }
    let mut crowded = Vec::new();
    for (item, answer) in batch.into_iter().zip(answers) {
        match outcome_of(&answer.into_values().next().unwrap_or_default()) {
            Ok(()) => {}
            Err(Failure::Refused { status: StatusCode::CONFLICT, .. }) if item.is_put => {
                outcome.overtaken_puts += 1
            }
            Err(Failure::Refused { status: StatusCode::CONFLICT, .. }) => outcome.overtaken_deletions += 1,
            Err(busy @ Failure::Busy { .. }) => crowded.push((item, busy)),
            Err(Failure::Refused { status: StatusCode::BAD_REQUEST, kind, reason }) => {
                outcome.refused.push((item.entity, format!("{kind}: {reason}")));
            }
            Err(other) => return Err(engine("write")(other)),
        }
    }
    Ok(crowded)
}

fn outcome_of(answer: &Value) -> Result<(), Failure> {
    let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default();
    if status.is_success() && answer["error"].is_null() { Ok(()) } else { Err(failure(status, None, answer)) }
}
