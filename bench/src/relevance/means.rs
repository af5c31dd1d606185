//! The means at hand: Tantivy with its own tokenizer, and the trigrams of PostgreSQL.

use super::{HITS, Rank};
use domain::EntityKind;
use search::{Change, Document};
use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use tantivy::collector::TopDocs;
use tantivy::query::QueryParser;
use tantivy::schema::{STORED, STRING, Schema, TEXT, Value as _};
use tantivy::{Index, TantivyDocument, doc};
use uuid::Uuid;
use worker::evaluate::{Facts, Judged};
use worker::load::offline::Offline;

/// The hits of every query.
pub type Found = Vec<Vec<Uuid>>;

/// One work as an engine without folding sees it.
pub struct Plain {
    id: Uuid,
    title: String,
    names: String,
    lyrics: String,
}

/// Where the first right hit of each query stands. These engines are sure of whatever they find.
pub fn ranks(found: &Found, queries: &[Judged], facts: &Facts) -> Vec<Rank> {
    let rank = |(hits, judged): (&Vec<Uuid>, &Judged)| {
        let relevant = facts.relevant(judged);
        Rank {
            first_right: hits.iter().position(|id| relevant.contains(id)).map(|at| at + 1),
            unflagged: !hits.is_empty(),
        }
    };
    found.iter().zip(queries).map(rank).collect()
}

/// Titles, names of raga and composer, and words; without the marks that no keyboard has.
pub fn plain(offline: &Offline) -> Vec<Plain> {
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

pub fn by_tantivy(works: &[Plain], queries: &[Judged]) -> tantivy::Result<Found> {
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
        found.push(ids);
    }
    Ok(found)
}

/// Trigrams of the title and of everything, with indexes; the words of a line by `word_similarity`.
pub fn by_trigrams(socket: &str, works: &[Plain], queries: &[Judged]) -> Result<Found, String> {
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
    let mut found: Found = vec![Vec::new(); queries.len()];
    for line in answered(socket, sql)?.lines() {
        let parts =
            line.split_once('|').and_then(|(at, id)| Some((at.parse::<usize>().ok()?, id.parse().ok()?)));
        if let Some((hits, id)) = parts.and_then(|(at, id)| Some((found.get_mut(at)?, id))) {
            hits.push(id);
        }
    }
    Ok(found)
}

fn answered(socket: &str, sql: String) -> Result<String, String> {
    let mut child = Command::new("psql")
        .args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-h", socket, "-U", "postgres", "postgres"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("psql: {error}"))?;
    let mut input = child.stdin.take().ok_or("no standard input")?;
    let writing = std::thread::spawn(move || input.write_all(sql.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    writing.join().map_err(|_| "writing panicked".to_owned())?.map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("psql failed with {}", output.status))
    }
}
