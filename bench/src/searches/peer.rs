//! OpenSearch with the same works and queries, set up as one does for any catalogue: texts with the standard
//! analyser, names beside them, keywords for facets, and one query over all texts that forgives slips.

use super::works::{Work, World};
use super::{Asked, rows, throughput};
use crate::client::Client;
use http::Method;
use search::{Document, Facet};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const INDEX: &str = "bench-works";
/// Works of one bulk.
const BULK_WORKS: usize = 1_000;
/// Searches at a time, so that the server has work while an answer travels.
const TASKS: usize = 4;
const HITS: usize = 20;

/// Prints the figures and gives back searches a second.
pub async fn measure(world: &World, asked: &Asked, address: SocketAddr) -> Result<f64, String> {
    let peer = Peer { client: Client::new(None), base: format!("http://{address}") };
    let version = peer.client.get(&peer.base).await?.json()?["version"]["number"].to_string();
    peer.build(world, &version).await?;
    for text in &asked.warm_up {
        peer.answer(text).await?;
    }
    let mut samples = Vec::new();
    for _ in 0..asked.runs {
        let mut sample = Vec::with_capacity(asked.mix.len());
        // As many as a run of throughput has time for: over a million works one answer takes a second.
        let until = Instant::now() + asked.run_for;
        for text in asked.mix.iter().take_while(|_| Instant::now() < until) {
            let begun = Instant::now();
            peer.answer(text).await?;
            sample.push(begun.elapsed());
        }
        samples.push(sample);
    }
    rows("OpenSearch over HTTP, all facets", &mut samples);
    let asker = peer.clone();
    let rate = throughput(asked, TASKS, move |text| {
        let asker = asker.clone();
        async move { asker.answer(&text).await }
    })
    .await?;
    println!("OpenSearch's throughput on two cores: {rate:.0} searches/s");
    peer.client.send(Method::DELETE, &format!("{}/{INDEX}", peer.base), None, None).await?;
    Ok(rate)
}

#[derive(Clone)]
struct Peer {
    client: Client,
    base: String,
}

impl Peer {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        self.client.send(method, &format!("{}{path}", self.base), None, body).await?.json()
    }

    async fn build(&self, world: &World, version: &str) -> Result<(), String> {
        let _ = self.client.send(Method::DELETE, &format!("{}/{INDEX}", self.base), None, None).await?;
        self.send(Method::PUT, &format!("/{INDEX}"), Some(&mapping())).await?;
        let mut took = Duration::ZERO;
        for from in (0..world.works).step_by(BULK_WORKS) {
            let mut lines = String::new();
            for number in from..(from + BULK_WORKS).min(world.works) {
                let work = world.work(number);
                let source = source(world, &work, &world.document(&work));
                lines.push_str(&format!("{{\"index\":{{\"_id\":\"{number}\"}}}}\n{source}\n"));
            }
            let begun = Instant::now();
            let url = format!("{}/{INDEX}/_bulk", self.base);
            let answer = self.client.send_text(&url, "application/x-ndjson", lines).await?.json()?;
            if answer["errors"] != json!(false) {
                return Err("OpenSearch refused works of a bulk".to_owned());
            }
            took += begun.elapsed();
        }
        let begun = Instant::now();
        self.send(Method::POST, &format!("/{INDEX}/_refresh"), None).await?;
        took += begun.elapsed();
        let stats = self.send(Method::GET, &format!("/{INDEX}/_stats/store"), None).await?;
        let bytes = stats["_all"]["total"]["store"]["size_in_bytes"].as_f64().unwrap_or_default();
        println!("OpenSearch {version}: built in {:.1} s, {:.1} MB on disk", took.as_secs_f64(), bytes / 1e6);
        Ok(())
    }

    async fn answer(&self, text: &str) -> Result<(), String> {
        let body = search_body(text);
        let answer = self.send(Method::POST, &format!("/{INDEX}/_search"), Some(&body)).await?;
        if answer["timed_out"] == json!(false) { Ok(()) } else { Err(format!("{text}: no answer in time")) }
    }
}

const TEXTS: [&str; 7] =
    ["title^3", "titles^2", "incipit", "lyrics", "raga_name", "composer_name", "tala_name"];

fn mapping() -> Value {
    let mut properties = serde_json::Map::new();
    for text in TEXTS {
        let name = text.split('^').next().unwrap_or(text);
        properties.insert(name.to_owned(), json!({"type": "text"}));
    }
    for facet in Facet::ALL {
        properties.insert(facet.as_str().to_owned(), json!({"type": "keyword"}));
    }
    properties.insert("slug".to_owned(), json!({"type": "keyword"}));
    properties.insert("popularity".to_owned(), json!({"type": "integer"}));
    json!({
        "settings": {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1"},
        "mappings": {"dynamic": "strict", "properties": properties},
    })
}

fn source(world: &World, work: &Work, document: &Document) -> Value {
    let others: Vec<&str> = document.titles.iter().skip(1).map(|title| title.text.as_str()).collect();
    json!({
        "slug": document.slug,
        "title": work.title,
        "titles": others,
        "incipit": work.lines.first(),
        "lyrics": work.lines,
        "raga_name": world.ragas[work.raga].name,
        "composer_name": world.composers[work.composer].name,
        "tala_name": world.talas[work.tala].name,
        "raga": document.ragas,
        "mela": document.melas.iter().map(u8::to_string).collect::<Vec<_>>(),
        "composer": document.composer,
        "tala": document.talas,
        "language": document.languages,
        "form": document.form,
        "deity": document.deities,
        "temple": document.temples,
        "tag": document.tags,
        "group": document.groups,
        "popularity": document.popularity,
    })
}

fn search_body(text: &str) -> Value {
    let facets: serde_json::Map<String, Value> = Facet::ALL
        .iter()
        .map(|facet| {
            let terms = json!({"terms": {"field": facet.as_str(), "size": Facet::VALUES_MAX}});
            (facet.as_str().to_owned(), terms)
        })
        .collect();
    json!({
        "size": HITS,
        "track_total_hits": true,
        "_source": ["slug", "title"],
        "query": {"multi_match": {"query": text, "fields": TEXTS, "fuzziness": "AUTO"}},
        "aggs": facets,
    })
}
