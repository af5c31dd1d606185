//! From a request of the façade to a search of OpenSearch, and back. Nothing is decided here.
//!
//! A clause scores its strength times [`Clause::STEP`], and one for each term of an `AtLeast` that is there;
//! the largest counts. Scores are whole numbers that 32 bits hold exactly.

use super::names::{POSITION_ID, order_field};
use crate::Position;
use crate::engine::{Candidate, Clause, Column, Filter, Match, Order, Request, Retrieved, Stored};
use crate::query::{Facet, FacetCounts};
use lipi::Script;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// The body of a `_msearch`: the candidates, where needed the strongest match before filters, and how far the
/// index is, all of one moment.
pub(super) fn lines(alias: &str, request: &Request, time: Duration) -> String {
    let searches = [
        Some(candidates(request, time)),
        asks_strongest(request).then(|| strongest(request, time)),
        Some(
            json!({"size": 1, "query": {"ids": {"values": [POSITION_ID]}}, "_source": ["epoch", "position"]}),
        ),
    ];
    let head = json!({"index": alias});
    searches.into_iter().flatten().fold(String::new(), |mut lines, search| {
        let _ = writeln!(lines, "{head}\n{search}");
        lines
    })
}

/// Where a filter or another order may hide the best match.
pub(super) fn asks_strongest(request: &Request) -> bool {
    let shown = request.filters.is_empty() && request.order == Order::Strength && request.after.is_none();
    !request.clauses.is_empty() && !shown
}

fn candidates(request: &Request, time: Duration) -> Value {
    let mut source = vec!["stored_keys", "stored_shown"];
    if request.lyrics {
        source.push("stored_lyrics");
    }
    let filters: Vec<Value> = request.filters.iter().map(filter).collect();
    let counts: serde_json::Map<String, Value> =
        request.facets.iter().map(|facet| (facet.to_string(), count(*facet, &request.filters))).collect();
    let mut search = json!({
        "size": request.keep,
        "query": query(request),
        "post_filter": {"bool": {"filter": filters}},
        "aggs": counts,
        "sort": sort(request.order),
        "_source": source,
        "track_total_hits": true,
        "timeout": format!("{}ms", (time.as_millis() * 9 / 10).max(1)),
    });
    if let Some((primary, rank)) = &request.after {
        search["search_after"] = after(request.order, *primary, &hex(rank));
    }
    search
}

fn strongest(request: &Request, time: Duration) -> Value {
    json!({
        "size": 1, "query": query(request), "_source": false, "track_total_hits": false,
        "timeout": format!("{}ms", (time.as_millis() * 9 / 10).max(1)),
    })
}

fn query(request: &Request) -> Value {
    let kinds: Vec<&str> = request.kinds.iter().map(|kind| kind.as_str()).collect();
    let of_kind = json!({"terms": {"kind": kinds}});
    if request.clauses.is_empty() {
        return json!({"bool": {"filter": [of_kind]}});
    }
    let clauses: Vec<Value> = request.clauses.iter().map(scored).collect();
    json!({"bool": {"filter": [of_kind], "must": [{"dis_max": {"queries": clauses, "tie_breaker": 0.0}}]}})
}

fn scored(clause: &Clause) -> Value {
    let strength = Clause::primary(clause.strength, 0);
    let (mut filters, mut counted) = (Vec::new(), Vec::new());
    match &clause.matching {
        Match::All(all) => all.iter().for_each(|part| sort_out(part, &mut filters, &mut counted)),
        one => sort_out(one, &mut filters, &mut counted),
    }
    if counted.is_empty() {
        return worth(json!({"bool": {"filter": filters}}), strength);
    }
    counted.push(worth(json!({"match_all": {}}), strength));
    json!({"bool": {"filter": filters, "must": counted}})
}

/// Parts that only decide go among the filters, and those that count among what scores.
fn sort_out(part: &Match, filters: &mut Vec<Value>, counted: &mut Vec<Value>) {
    match part {
        Match::AtLeast { field, terms, least } => {
            let each = terms.iter().map(|term| worth(json!({"term": {field.as_str(): term}}), 1));
            counted
                .push(json!({"bool": {"should": each.collect::<Vec<_>>(), "minimum_should_match": least}}));
        }
        other => filters.push(condition(other)),
    }
}

fn condition(matching: &Match) -> Value {
    let each = |parts: &[Match]| parts.iter().map(condition).collect::<Vec<_>>();
    match matching {
        Match::Any(field, terms) => json!({"terms": {field.as_str(): terms}}),
        Match::Begins(field, prefix) => json!({"prefix": {field.as_str(): {"value": prefix}}}),
        Match::Value(column, values) => json!({"terms": {column.as_str(): values}}),
        Match::All(all) => json!({"bool": {"filter": each(all)}}),
        Match::Either(either) => json!({"bool": {"should": each(either), "minimum_should_match": 1}}),
        Match::AtLeast { field, terms, least } => {
            let each: Vec<Value> = terms.iter().map(|term| json!({"term": {field.as_str(): term}})).collect();
            json!({"bool": {"should": each, "minimum_should_match": least}})
        }
    }
}

fn worth(query: Value, score: i64) -> Value {
    json!({"constant_score": {"filter": query, "boost": score}})
}

fn filter(filter: &Filter) -> Value {
    json!({"terms": {filter.column.as_str(): filter.values}})
}

/// A facet's own filter does not narrow its counts.
fn count(facet: Facet, filters: &[Filter]) -> Value {
    let others: Vec<Value> = filters.iter().filter(|it| it.facet != facet).map(filter).collect();
    let order = json!([{"_count": "desc"}, {"_key": "asc"}]);
    let field = Column::Facet(facet).as_str();
    let values = json!({"terms": {"field": field, "size": Facet::VALUES_MAX, "order": order}});
    json!({"filter": {"bool": {"filter": others}}, "aggs": {"values": values}})
}

fn sort(order: Order) -> Value {
    match order {
        Order::Strength => json!([{"_score": "desc"}, {"rank": "asc"}]),
        Order::Title(script) => match order_field(script) {
            Some(field) => json!([{field: "asc"}]),
            None => json!([{"rank": "asc"}]),
        },
        Order::Newest => json!([{"updated": "desc"}, {"rank": "asc"}]),
    }
}

fn after(order: Order, primary: i64, rank: &str) -> Value {
    match order {
        Order::Strength | Order::Newest => json!([primary, rank]),
        Order::Title(script) if order_field(script).is_some() => json!([in_script(primary == 0, rank)]),
        Order::Title(Script::Latin) | Order::Title(_) => json!([rank]),
    }
}

/// The value of an [`order_field`].
pub(super) fn in_script(has_one: bool, rank: &str) -> String {
    format!("{}{rank}", if has_one { '0' } else { '1' })
}

/// Bytes as digits, in the order of the bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// What one search of a `_msearch` answers.
#[derive(Deserialize)]
pub(super) struct Found {
    #[serde(default)]
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Hits,
    #[serde(default)]
    aggregations: HashMap<String, Counted>,
}

#[derive(Deserialize)]
struct Shards {
    failed: u32,
}

#[derive(Deserialize)]
struct Hits {
    #[serde(default)]
    total: Option<Total>,
    #[serde(default)]
    max_score: Option<f64>,
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_source", default)]
    source: Source,
    #[serde(default)]
    sort: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Source {
    stored_keys: String,
    stored_lyrics: String,
    stored_shown: String,
    epoch: u64,
    position: u64,
}

#[derive(Deserialize)]
struct Counted {
    values: Buckets,
}

#[derive(Deserialize)]
struct Buckets {
    buckets: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Bucket {
    key: String,
    doc_count: u64,
}

impl Found {
    /// Some shard did not answer: counts and order would be wrong.
    pub(super) const fn is_torn(&self) -> bool {
        self.shards.failed > 0
    }

    /// How far the index is, and which one it was.
    pub(super) fn position(&self) -> Option<(String, Position)> {
        let hit = self.hits.hits.first()?;
        Some((hit.index.clone(), Position { epoch: hit.source.epoch, position: hit.source.position }))
    }

    fn strongest(&self) -> u16 {
        Clause::strength_of(self.hits.max_score.unwrap_or_default() as i64)
    }

    /// None where a hit lacks what it was sorted by.
    pub(super) fn retrieved(mut self, request: &Request, strongest: Option<&Self>) -> Option<Retrieved> {
        let hits = std::mem::take(&mut self.hits.hits);
        let candidates: Vec<Candidate> =
            hits.into_iter().map(|hit| hit.candidate(request.order)).collect::<Option<_>>()?;
        let first = candidates.first().map_or(0, |first| Clause::strength_of(first.primary));
        let by_strength = if request.clauses.is_empty() { 0 } else { first };
        Some(Retrieved {
            strongest: strongest.map_or(by_strength, Self::strongest),
            candidates,
            total: self.hits.total.map_or(0, |total| total.value),
            facets: request.facets.iter().map(|facet| counts(*facet, &mut self.aggregations)).collect(),
            partial: self.timed_out || strongest.is_some_and(|it| it.timed_out),
        })
    }
}

impl Hit {
    fn candidate(self, order: Order) -> Option<Candidate> {
        let text = |at: usize| self.sort.get(at)?.as_str();
        let (primary, rank) = match order {
            Order::Strength => (self.sort.first()?.as_f64()? as i64, text(1)?),
            Order::Newest => (self.sort.first()?.as_i64()?, text(1)?),
            Order::Title(script) if order_field(script).is_some() => {
                let (has_one, rank) = text(0)?.split_at_checked(1)?;
                (if has_one == "0" { 0 } else { -1 }, rank)
            }
            Order::Title(_) => (0, text(0)?),
        };
        let rank = unhex(rank)?;
        let Source { stored_keys: keys, stored_lyrics: lyrics, stored_shown: shown, .. } = self.source;
        Some(Candidate { primary, rank, stored: Arc::new(Stored { keys, lyrics, shown }) })
    }
}

fn counts(facet: Facet, counted: &mut HashMap<String, Counted>) -> FacetCounts {
    let buckets = counted.remove(facet.as_str()).map(|counted| counted.values.buckets).unwrap_or_default();
    FacetCounts { facet, values: buckets.into_iter().map(|bucket| (bucket.key, bucket.doc_count)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_keep_the_order_of_bytes() {
        let bytes = [vec![0], vec![0, 255], vec![9], vec![16], vec![255]];
        let digits: Vec<String> = bytes.iter().map(|bytes| hex(bytes)).collect();
        assert!(digits.is_sorted());
        assert_eq!(digits.iter().map(|digits| unhex(digits).unwrap()).collect::<Vec<_>>(), bytes);
        assert_eq!(unhex("zz"), None);
    }
}
