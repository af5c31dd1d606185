//! What people find, beside what they find with the means at hand: the trigrams of PostgreSQL, and Tantivy with
//! its own tokenizer. Every engine holds the same works and answers the same judged queries in the same run.

use clap::Args;
use domain::EntityKind;
use domain::metrics::Metrics;
use search::{Change, Config, Document, Position, Query, Search};
use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tantivy::collector::TopDocs;
use tantivy::query::QueryParser;
use tantivy::schema::{STORED, STRING, Schema, TEXT, Value as _};
use tantivy::{Index, TantivyDocument, doc};
use uuid::Uuid;
use worker::evaluate::{self, Facts, Judged};
use worker::load::offline::{self, Offline};

/// Hits that are looked at.
const HITS: usize = 10;

/// What is judged, and where.
#[derive(Args)]
pub struct Options {
    /// Judged queries, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    queries: PathBuf,
    /// Catalogue folders, in the order of loading.
    #[arg(long, value_name = "DIR")]
    catalogue: Vec<PathBuf>,
    /// A command that reads SQL for an empty database, such as `psql -XqAt -h 127.0.0.1 scratch`.
    #[arg(long, value_name = "COMMAND")]
    psql: Option<String>,
}

/// One work as an engine without folding sees it.
struct Plain {
    id: Uuid,
    title: String,
    names: String,
    lyrics: String,
}

/// The hits of every query, and whether the engine was sure of them.
type Found = Vec<(Vec<Uuid>, bool)>;

pub async fn run(options: Options) -> Result<(), String> {
    let text = std::fs::read_to_string(&options.queries).map_err(|error| error.to_string())?;
    let queries = evaluate::queries(&text).map_err(|error| error.to_string())?;
    let offline = offline::documents(&options.catalogue).map_err(|error| error.to_string())?;
    let facts = Facts::of(&offline);
    let plain = plain(&offline);
    let mut engines = vec![("Sangraha", ours(&offline, &queries).await?)];
    engines.push(("Tantivy", by_tantivy(&plain, &queries).map_err(|error| error.to_string())?));
    if let Some(command) = &options.psql {
        engines.push(("pg_trgm", by_trigrams(command, &plain, &queries)?));
    }
    table(&queries, &facts, &engines);
    Ok(())
}

async fn ours(offline: &Offline, queries: &[Judged]) -> Result<Found, String> {
    let folder = std::env::temp_dir().join(format!("sangraha-bench-{}", std::process::id()));
    let found = asked(&folder, offline, queries).await;
    let _ = std::fs::remove_dir_all(&folder);
    found.map_err(|error| error.to_string())
}

async fn asked(folder: &Path, offline: &Offline, queries: &[Judged]) -> Result<Found, search::Error> {
    let config =
        Config::Tantivy { path: folder.to_owned(), writer_memory_bytes: 50_000_000, query_ms_max: 10_000 };
    let search = Search::open(&config, &Metrics::default()).await?;
    let mut rebuild = search.begin_rebuild().await?;
    for batch in offline.changes.chunks(Search::BATCH_CHANGES_MAX) {
        rebuild.apply(batch).await?;
    }
    rebuild.swap(Position::default()).await?;
    let mut found = Vec::with_capacity(queries.len());
    for judged in queries {
        let query = Query { limit: HITS, ..Query::text(judged.query.as_str()) };
        let answer = search.query(&query).await?;
        found.push((answer.hits.iter().map(|hit| hit.entity.id).collect(), !answer.low_confidence));
    }
    Ok(found)
}

/// Titles, names of raga and composer, and words; without the marks that no keyboard has.
fn plain(offline: &Offline) -> Vec<Plain> {
    let documents = offline.changes.iter().filter_map(|change| match change {
        Change::Put(document) => Some(document),
        Change::Delete { .. } => None,
    });
    let documents: Vec<&Document> = documents.collect();
    let latin = |document: &Document| {
        let titles = document.titles.iter().filter(|title| title.script == lipi::Script::Latin);
        bare(&titles.map(|title| title.text.as_str()).collect::<Vec<_>>().join(" "))
    };
    let names: HashMap<Uuid, String> =
        documents.iter().map(|document| (document.entity.id, latin(document))).collect();
    let named = |document: &Document| {
        let ids = document.ragas.iter().chain(&document.composer).chain(&document.talas);
        ids.filter_map(|id| names.get(id).map(String::as_str)).collect::<Vec<_>>().join(" ")
    };
    let songs = documents.iter().filter(|document| document.entity.kind == EntityKind::Composition);
    songs
        .map(|song| Plain {
            id: song.entity.id,
            title: latin(song),
            names: named(song),
            lyrics: bare(
                &song.lyrics.iter().flat_map(|section| section.lines.clone()).collect::<Vec<_>>().join(" "),
            ),
        })
        .collect()
}

/// Lower case, and letters without marks.
fn bare(text: &str) -> String {
    let mark = |letter: char| match letter {
        'ā' => 'a',
        'ī' => 'i',
        'ū' => 'u',
        'ē' => 'e',
        'ō' => 'o',
        'ś' | 'ṣ' => 's',
        'ṇ' | 'ñ' | 'ṅ' | 'ṉ' => 'n',
        'ṭ' => 't',
        'ḍ' => 'd',
        'ḷ' | 'ḻ' => 'l',
        'ṁ' | 'ṃ' => 'm',
        'ṛ' => 'r',
        'ḥ' => 'h',
        other => other,
    };
    text.to_lowercase().chars().filter(|letter| *letter != '\u{325}').map(mark).collect()
}

fn by_tantivy(works: &[Plain], queries: &[Judged]) -> tantivy::Result<Found> {
    let mut schema = Schema::builder();
    let id = schema.add_text_field("id", STRING | STORED);
    let (title, names, lyrics) = (
        schema.add_text_field("title", TEXT),
        schema.add_text_field("names", TEXT),
        schema.add_text_field("lyrics", TEXT),
    );
    let index = Index::create_in_ram(schema.build());
    let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, 50_000_000)?;
    for work in works {
        writer.add_document(doc!(
            id => work.id.to_string(), title => work.title.as_str(),
            names => work.names.as_str(), lyrics => work.lyrics.as_str()
        ))?;
    }
    writer.commit()?;
    let searcher = index.reader()?.searcher();
    let mut parser = QueryParser::for_index(&index, vec![title, names, lyrics]);
    parser.set_field_boost(title, 3.0);
    let mut found = Vec::with_capacity(queries.len());
    for judged in queries {
        let (query, _) = parser.parse_query_lenient(&bare(&judged.query));
        let mut ids = Vec::new();
        for (_, address) in searcher.search(&query, &TopDocs::with_limit(HITS).order_by_score())? {
            let document: TantivyDocument = searcher.doc(address)?;
            let text = document.get_first(id).and_then(|value| value.as_str()?.parse::<Uuid>().ok());
            ids.extend(text);
        }
        found.push((ids, true));
    }
    Ok(found)
}

/// Trigrams of the title and of everything, with indexes; the words of a line by `word_similarity`.
fn by_trigrams(command: &str, works: &[Plain], queries: &[Judged]) -> Result<Found, String> {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''").replace(['\\', '\n', '\0'], " "));
    let mut sql = String::from(
        "create extension if not exists pg_trgm; create temp table work (id uuid, title text, rest text);\n",
    );
    for work in works {
        let (title, rest) =
            (quoted(&work.title), quoted(&format!("{} {} {}", work.title, work.names, work.lyrics)));
        sql.push_str(&format!("insert into work values ('{}', {title}, {rest});\n", work.id));
    }
    sql.push_str("create index on work using gin (title gin_trgm_ops);\n");
    sql.push_str("create index on work using gin (rest gin_trgm_ops);\nanalyze work;\n");
    for (at, judged) in queries.iter().enumerate() {
        let query = quoted(&bare(&judged.query));
        sql.push_str(&format!(
            "select {at}, id from work where title % {query} or {query} <% rest \
             order by greatest(similarity(title, {query}), word_similarity({query}, rest)) desc, title, id limit {HITS};\n"
        ));
    }
    let mut found: Found = queries.iter().map(|_| (Vec::new(), true)).collect();
    for line in answered(command, sql)?.lines() {
        let parts =
            line.split_once('|').and_then(|(at, id)| Some((at.parse::<usize>().ok()?, id.parse().ok()?)));
        if let Some((hits, id)) = parts.and_then(|(at, id)| Some((found.get_mut(at)?, id))) {
            hits.0.push(id);
        }
    }
    Ok(found)
}

fn answered(command: &str, sql: String) -> Result<String, String> {
    let mut words = command.split_whitespace();
    let program = words.next().ok_or("`--psql` is empty")?;
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let mut input = child.stdin.take().ok_or("no standard input")?;
    let writing = std::thread::spawn(move || input.write_all(sql.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    writing.join().map_err(|_| "writing panicked".to_owned())?.map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{program} failed with {}", output.status))
    }
}

/// MRR@10 and recall@10 of each engine, by kind.
fn table(queries: &[Judged], facts: &Facts, engines: &[(&str, Found)]) {
    let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let has_answer = |at: &usize| !facts.relevant(&queries[*at]).is_empty();
    for at in (0..queries.len()).filter(has_answer) {
        kinds.entry(&queries[at].kind).or_default().push(at);
    }
    let all: Vec<usize> = (0..queries.len()).filter(has_answer).collect();
    let figures = |found: &Found, these: &[usize]| {
        let ranks = these.iter().map(|at| {
            let relevant = facts.relevant(&queries[*at]);
            found[*at].0.iter().position(|id| relevant.contains(id))
        });
        let ranks: Vec<Option<usize>> = ranks.collect();
        let count = ranks.len().max(1) as f64;
        let reciprocal = ranks.iter().flatten().fold(0.0, |sum, rank| sum + 1.0 / (rank + 1) as f64);
        format!("{:.2} / {:.2}", reciprocal / count, ranks.iter().flatten().count() as f64 / count)
    };
    let row = |name: &str, count: usize, cells: Vec<String>| {
        println!("| {name} | {count} | {} |", cells.join(" | "))
    };
    row("MRR@10 / recall@10", all.len(), engines.iter().map(|(name, _)| (*name).to_owned()).collect());
    println!("|---|--:|{}", "--:|".repeat(engines.len()));
    for (kind, these) in &kinds {
        row(kind, these.len(), engines.iter().map(|(_, found)| figures(found, these)).collect());
    }
    row("all", all.len(), engines.iter().map(|(_, found)| figures(found, &all)).collect());
    let without: Vec<usize> = (0..queries.len()).filter(|at| !has_answer(at)).collect();
    let unflagged = |found: &Found| {
        let told = without.iter().filter(|at| !found[**at].0.is_empty() && found[**at].1).count();
        format!("{:.2}", told as f64 / without.len().max(1) as f64)
    };
    row(
        "no answer, and hits without a warning",
        without.len(),
        engines.iter().map(|(_, found)| unflagged(found)).collect(),
    );
}
