//! How well a search finds what people mean: judged queries in, figures by kind out.
//!
//! A query is judged by ids (`accept`) or by facts (`accept_rule`: rows of column and values, AND inside a
//! row, OR between rows). Figures: **MRR@10**, one by the place of the first relevant hit among ten;
//! **recall@1** and **recall@10**, whether there is one; **P@10**, for rules, relevant hits among ten by as
//! many as there could be. A query without an answer is scored apart: it must find nothing, or say that it
//! is not sure.

use crate::load::offline::Offline;
use domain::metrics::Metrics;
use search::{Answer, Change, Facet, Position, Query, Search};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Hits that are looked at.
const HITS: usize = 10;
/// Longest time for one query of an index made for judging, in milliseconds.
const QUERY_MS_MAX: u64 = 60_000;
/// Memory of its writer, in bytes.
const WRITER_MEMORY_BYTES: usize = 15_000_000;

/// One judged query.
#[derive(Clone, Debug, Deserialize)]
pub struct Judged {
    /// Names it in lists of changes.
    pub qid: String,
    /// What is typed.
    pub query: String,
    /// What it is an example of.
    pub kind: String,
    /// Works that are right.
    pub accept: Option<Vec<Accepted>>,
    /// Facts of works that are right.
    pub accept_rule: Option<Vec<BTreeMap<String, Values>>>,
}

/// A work by its id in a collection.
#[derive(Clone, Debug, Deserialize)]
pub struct Accepted {
    /// `t0002`, `tyagaraja/endaro-mahanubhavulu`.
    pub id: String,
}

/// One value, or any of several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// This one.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

impl Values {
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::One(one) => one == value,
            Self::Any(any) => any.iter().any(|one| one == value),
        }
    }
}

/// Why a file of judged queries cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the judged queries: {source}")]
pub struct Unreadable {
    line: usize,
    #[source]
    source: serde_json::Error,
}

/// Reads judged queries, one JSON object a line.
pub fn queries(text: &str) -> Result<Vec<Judged>, Unreadable> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| serde_json::from_str(line).map_err(|source| Unreadable { line: at + 1, source }))
        .collect()
}

/// What is known of the works that may be found.
pub struct Facts {
    by_id: HashMap<String, Uuid>,
    /// Facts of each work, one set a row.
    rows: Vec<(Uuid, BTreeMap<String, Vec<String>>)>,
}

impl Facts {
    /// The facts of documents that were read from folders.
    pub fn of(offline: &Offline) -> Self {
        let mut by_id = HashMap::new();
        for (entity, ids) in &offline.ids {
            for id in ids {
                by_id.insert(id.clone(), *entity);
                if let Some(short) = id.strip_prefix("composition/") {
                    by_id.insert(short.to_owned(), *entity);
                }
            }
        }
        let mut rows: Vec<_> = offline
            .rows
            .iter()
            .map(|(id, row)| {
                let facts = row.iter().map(|(name, value)| ((*name).to_owned(), vec![value.clone()]));
                (*id, facts.collect())
            })
            .collect();
        rows.extend(offline.changes.iter().filter_map(|change| facts_of(change, offline)));
        Self { by_id, rows }
    }

    /// The works that are right for a query.
    pub fn relevant(&self, judged: &Judged) -> HashSet<Uuid> {
        let accepted = judged.accept.iter().flatten();
        let mut relevant: HashSet<Uuid> =
            accepted.filter_map(|work| self.by_id.get(&work.id).copied()).collect();
        for rule in judged.accept_rule.iter().flatten() {
            let meets = |facts: &BTreeMap<String, Vec<String>>| {
                rule.iter().all(|(name, wanted)| {
                    facts.get(name).is_some_and(|values| values.iter().any(|value| wanted.holds(value)))
                })
            };
            relevant.extend(self.rows.iter().filter(|(_, facts)| meets(facts)).map(|(id, _)| *id));
        }
        relevant
    }
}

/// Facts of a work of the starter catalogue, by the keys of what it refers to.
fn facts_of(change: &Change, offline: &Offline) -> Option<(Uuid, BTreeMap<String, Vec<String>>)> {
    let Change::Put(document) = change else { return None };
    let key = |id: &Uuid| {
        let ids = offline.ids.get(id).into_iter().flatten();
        ids.filter_map(|id| Some(id.split_once('/')?.1.to_owned())).collect::<Vec<_>>()
    };
    let keys = |ids: &[Uuid]| ids.iter().flat_map(key).collect::<Vec<_>>();
    let composer: Vec<Uuid> = document.composer.into_iter().collect();
    let facts = [
        ("ragas", keys(&document.ragas)),
        ("composers", keys(&composer)),
        ("talas", keys(&document.talas)),
        ("deities", keys(&document.deities)),
        ("temples", keys(&document.temples)),
        ("groups", keys(&document.groups)),
        ("tags", keys(&document.tags)),
        ("languages", document.languages.clone()),
        ("forms", document.form.iter().cloned().collect()),
        ("melas", document.melas.iter().map(u8::to_string).collect()),
    ];
    Some((document.entity.id, facts.into_iter().map(|(name, values)| (name.to_owned(), values)).collect()))
}

/// What became of one query.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The query.
    pub judged: Judged,
    /// Place of the first relevant hit, from 1; none among the first ten.
    pub rank: Option<usize>,
    /// Relevant hits among ten by as many as there could be; for rules.
    pub precision: Option<f64>,
    /// Hits without a warning, of a query that has no answer.
    pub unflagged: bool,
    /// What stood first, in words.
    pub first: String,
    /// How long it took.
    pub took: Duration,
}

/// The figures of a run.
pub struct Evaluation {
    /// Every query.
    pub outcomes: Vec<Outcome>,
}

/// Figures of a set of queries.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Number of queries.
    pub queries: usize,
    /// Mean of one by rank.
    pub mrr: f64,
    /// Share with a relevant hit in the first place.
    pub recall_1: f64,
    /// Share with a relevant hit among ten.
    pub recall_10: f64,
    /// Mean precision of queries judged by rules; none without such queries.
    pub precision: Option<f64>,
}

/// Asks every query of an index that holds these documents alone, made for it in `scratch` and thrown away.
/// The time for a query is long, so that a busy machine cuts no answer short.
pub async fn over(
    documents: &Offline,
    queries: Vec<Judged>,
    scratch: &Path,
) -> Result<Evaluation, search::Error> {
    let folder = scratch.join(format!("sangraha-judged-{}", Uuid::now_v7()));
    let evaluated = in_folder(&folder, documents, queries).await;
    let _ = std::fs::remove_dir_all(&folder);
    evaluated
}

async fn in_folder(
    folder: &Path,
    documents: &Offline,
    queries: Vec<Judged>,
) -> Result<Evaluation, search::Error> {
    let config = search::Config::Tantivy {
        path: folder.to_owned(),
        writer_memory_bytes: WRITER_MEMORY_BYTES,
        query_ms_max: QUERY_MS_MAX,
    };
    in_index(&config, documents, queries).await
}

/// Asks every query of the index of `config`, which holds these documents alone from then on.
pub async fn in_index(
    config: &search::Config,
    documents: &Offline,
    queries: Vec<Judged>,
) -> Result<Evaluation, search::Error> {
    let search = Search::open(config, &Metrics::default()).await?;
    let mut rebuild = search.begin_rebuild().await?;
    for batch in documents.changes.chunks(Search::BATCH_CHANGES_MAX) {
        rebuild.apply(batch).await?;
    }
    rebuild.swap(Position::default()).await?;
    run(async |query| search.query(query).await, &Facts::of(documents), queries).await
}

/// Asks every query of `ask`, with all facets counted.
pub async fn run(
    ask: impl AsyncFn(&Query) -> Result<Answer, search::Error>,
    facts: &Facts,
    queries: Vec<Judged>,
) -> Result<Evaluation, search::Error> {
    let mut outcomes = Vec::with_capacity(queries.len());
    for judged in queries {
        let asked = Query {
            limit: HITS,
            facets: Facet::ALL.to_vec(),
            explain: true,
            ..Query::text(judged.query.as_str())
        };
        let begun = Instant::now();
        let answer = ask(&asked).await?;
        let took = begun.elapsed();
        let relevant = facts.relevant(&judged);
        let is_relevant = |hit: &search::Hit| relevant.contains(&hit.entity.id);
        let found = answer.hits.iter().filter(|hit| is_relevant(hit)).count();
        let possible = relevant.len().min(HITS);
        outcomes.push(Outcome {
            rank: answer.hits.iter().position(is_relevant).map(|at| at + 1),
            precision: judged.accept_rule.as_ref().map(|_| found as f64 / possible.max(1) as f64),
            unflagged: !answer.hits.is_empty() && !answer.low_confidence,
            first: answer
                .hits
                .first()
                .map(|hit| format!("{}: {}", hit.slug, hit.because.clone().unwrap_or_default()))
                .unwrap_or_default(),
            took,
            judged,
        });
    }
    Ok(Evaluation { outcomes })
}

impl Outcome {
    fn has_answer(&self) -> bool {
        self.judged.accept_rule.is_some() || self.judged.accept.as_ref().is_some_and(|ids| !ids.is_empty())
    }

    fn reciprocal(&self) -> f64 {
        self.rank.map_or(0.0, |rank| 1.0 / rank as f64)
    }
}

impl Evaluation {
    /// Figures by kind, of queries that have an answer.
    pub fn kinds(&self) -> BTreeMap<String, Figures> {
        let mut kinds: BTreeMap<String, Vec<&Outcome>> = BTreeMap::new();
        for outcome in self.outcomes.iter().filter(|outcome| outcome.has_answer()) {
            kinds.entry(outcome.judged.kind.clone()).or_default().push(outcome);
        }
        kinds.into_iter().map(|(kind, outcomes)| (kind, figures(&outcomes))).collect()
    }

    /// Figures over all queries that have an answer.
    pub fn micro(&self) -> Figures {
        figures(&self.outcomes.iter().filter(|outcome| outcome.has_answer()).collect::<Vec<_>>())
    }

    /// Mean of MRR@10 over kinds.
    pub fn macro_mrr(&self) -> f64 {
        let kinds = self.kinds();
        kinds.values().map(|figures| figures.mrr).sum::<f64>() / kinds.len().max(1) as f64
    }

    /// Share of queries without an answer that found something and did not warn.
    pub fn no_match(&self) -> f64 {
        let without: Vec<_> = self.outcomes.iter().filter(|outcome| !outcome.has_answer()).collect();
        without.iter().filter(|outcome| outcome.unflagged).count() as f64 / without.len().max(1) as f64
    }

    /// Place of the first relevant hit of each query, 0 for none: what a later run is compared with.
    pub fn ranks(&self) -> BTreeMap<String, usize> {
        let rank = |outcome: &Outcome| (outcome.judged.qid.clone(), outcome.rank.unwrap_or(0));
        self.outcomes.iter().filter(|outcome| outcome.has_answer()).map(rank).collect()
    }

    /// What differs from the places of an accepted run, in words.
    pub fn changes(&self, accepted: &BTreeMap<String, usize>) -> Vec<String> {
        let place = |rank: usize| if rank == 0 { "lost".to_owned() } else { format!("place {rank}") };
        let now = self.ranks();
        let change = |outcome: &Outcome| {
            let (before, now) = (*accepted.get(&outcome.judged.qid)?, *now.get(&outcome.judged.qid)?);
            (before != now).then(|| {
                format!(
                    "{} {}: {} -> {}",
                    outcome.judged.qid,
                    outcome.judged.query,
                    place(before),
                    place(now)
                )
            })
        };
        self.outcomes.iter().filter_map(change).collect()
    }

    /// The figures as a table, then what was not found first.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{:<22} {:>4} {:>7} {:>9} {:>10} {:>6}\n",
            "kind", "n", "MRR@10", "recall@1", "recall@10", "P@10"
        );
        for (kind, figures) in self.kinds() {
            line(&mut out, &kind, figures);
        }
        line(&mut out, "micro", self.micro());
        let _ = writeln!(out, "{:<22} {:>4} {:>7.3}", "macro", "", self.macro_mrr());
        let _ = writeln!(out, "{:<22} {:>4} {:>7.3}  (unflagged hits)", "no_match", "", self.no_match());
        let mut took: Vec<Duration> = self.outcomes.iter().map(|outcome| outcome.took).collect();
        took.sort_unstable();
        let at =
            |share: f64| took.get(((took.len() as f64 - 1.0) * share) as usize).copied().unwrap_or_default();
        let _ = writeln!(out, "latency p50 {:.1?}, p95 {:.1?}, p99 {:.1?}", at(0.5), at(0.95), at(0.99));
        out
    }

    /// Queries whose first hit is not a right one, with what stood first and why.
    pub fn misses(&self) -> Vec<String> {
        let missed = |outcome: &&Outcome| {
            if outcome.has_answer() {
                outcome.rank != Some(1) || outcome.precision.is_some_and(|precision| precision < 1.0)
            } else {
                outcome.unflagged
            }
        };
        let words = |outcome: &Outcome| {
            let rank = outcome.rank.map_or("none".to_owned(), |rank| rank.to_string());
            let precision = outcome.precision.map_or(String::new(), |it| format!(" P@10 {it:.2}"));
            let Judged { qid, kind, query, .. } = &outcome.judged;
            format!("{kind} {qid} “{query}”: rank {rank}{precision}; first {}", outcome.first)
        };
        self.outcomes.iter().filter(missed).map(words).collect()
    }
}

fn line(out: &mut String, name: &str, figures: Figures) {
    let precision = figures.precision.map_or("–".to_owned(), |precision| format!("{precision:.2}"));
    let _ = writeln!(
        out,
        "{name:<22} {:>4} {:>7.3} {:>9.3} {:>10.3} {precision:>6}",
        figures.queries, figures.mrr, figures.recall_1, figures.recall_10
    );
}

fn figures(outcomes: &[&Outcome]) -> Figures {
    let count = outcomes.len().max(1) as f64;
    let share = |holds: &dyn Fn(&Outcome) -> bool| {
        outcomes.iter().filter(|outcome| holds(outcome)).count() as f64 / count
    };
    let precisions: Vec<f64> = outcomes.iter().filter_map(|outcome| outcome.precision).collect();
    Figures {
        queries: outcomes.len(),
        mrr: outcomes.iter().map(|outcome| outcome.reciprocal()).sum::<f64>() / count,
        recall_1: share(&|outcome| outcome.rank == Some(1)),
        recall_10: share(&|outcome| outcome.rank.is_some()),
        precision: (!precisions.is_empty()).then(|| precisions.iter().sum::<f64>() / precisions.len() as f64),
    }
}
