//! Asks a search everything that nobody means well by, for as long as it is told, while songs change and the
//! index is built anew under it. Any panic, any error but a refusal of the question, any answer that takes too
//! long ends it with the question.
//!
//! `cargo run --release -p search --example hostile -- SECONDS [SEED]`

#![expect(clippy::print_stdout, reason = "the outcome is printed")]

use chrono::DateTime;
use domain::metrics::Metrics;
use domain::{EntityKind, EntityRef};
use search::{
    Change, Config, Cursor, Document, Error, Facet, Filters, Position, Query, RagaMode, Search, Sort,
    Suggest, SwaraPattern, Title, TitleKind,
};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use uuid::Uuid;

const SONGS: u128 = 400;
/// Longest time that one question may take, on a machine that does other things too.
const ANSWER_MAX: Duration = Duration::from_secs(60);
const SWARAS: [&str; 7] = ["s", "r", "g", "m", "p", "d", "n"];
/// What questions are made of.
const PIECES: [&str; 44] = [
    "endaro",
    "mahanubhavulu",
    "రామ",
    "ராமா",
    "कृष्ण",
    "ಕೃಷ್ಣ",
    "കൃഷ്ണ",
    "শ্রী",
    "ગણેશ",
    "sri",
    "raga",
    "in",
    "by",
    "kalyani",
    "*",
    "?",
    "%",
    "_",
    "\"",
    "'",
    ":",
    "\\",
    "/",
    "(",
    "[[",
    "AND",
    "OR NOT",
    "~2",
    "^9",
    "\u{0}",
    "\u{200D}",
    "\u{200C}",
    "\u{301}\u{302}\u{323}",
    "\u{0BCD}",
    "\u{94D}",
    "مرحبا",
    "שלום",
    "\u{202E}",
    "😀🏽",
    "👩‍👩‍👧",
    "漢字",
    "𑌶𑍍𑌰𑍀",
    "²³",
    "\u{FEFF}",
];

/// Numbers that look random and are the same for one seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % end.max(1) as u64) as usize
    }

    fn text(&mut self) -> String {
        match self.below(40) {
            0 => PIECES[self.below(PIECES.len())].repeat(1_000_000 / 8),
            1 => "\u{301}".repeat(self.below(100_000)),
            2 => "ka".repeat(500_000),
            3 => (0..self.below(300)).filter_map(|_| char::from_u32(self.below(0x11_0000) as u32)).collect(),
            _ => {
                let glue = [" ", "", "", "  ", "\n"][self.below(5)];
                let pieces: Vec<&str> =
                    (0..self.below(12)).map(|_| PIECES[self.below(PIECES.len())]).collect();
                pieces.join(glue)
            }
        }
    }

    fn pattern(&mut self) -> SwaraPattern {
        let letters: String = (0..3 + self.below(13)).map(|_| SWARAS[self.below(SWARAS.len())]).collect();
        SwaraPattern::parse(&letters).expect("3 to 16 swaras are a pattern")
    }

    fn query(&mut self, before: Option<&Cursor>) -> Query {
        let mut filters = Filters::default();
        for _ in 0..self.below(3) {
            let facet = Facet::ALL[self.below(Facet::ALL.len())];
            filters.add(facet, self.text().chars().take(60).collect::<String>());
        }
        Query {
            text: (self.below(10) > 0).then(|| self.text()),
            kinds: EntityKind::ALL[..self.below(EntityKind::ALL.len())].to_vec(),
            filters,
            raga_mode: [RagaMode::Any, RagaMode::Primary, RagaMode::Family][self.below(3)],
            facets: Facet::ALL[..self.below(Facet::ALL.len())].to_vec(),
            limit: self.below(Query::LIMIT_MAX + 2),
            after: before.filter(|_| self.below(2) == 0).cloned(),
            sort: [Sort::Relevance, Sort::Title, Sort::Newest][self.below(3)],
            script: lipi::Script::ALL.get(self.below(12)).copied(),
            swaras: (self.below(10) == 0).then(|| self.pattern()),
            unlink: vec![self.text().chars().take(40).collect()],
            explain: self.below(2) == 0,
            ms_max: (self.below(4) == 0).then(|| self.below(3) as u64),
        }
    }

    fn song(&mut self, version: u64) -> Change {
        let entity = EntityRef {
            kind: EntityKind::ALL[self.below(4)],
            id: Uuid::from_u128(1 + self.below(SONGS as usize) as u128),
        };
        if self.below(8) == 0 {
            return Change::Delete { entity, version };
        }
        let mut song = Document::new(entity, version, "song", DateTime::UNIX_EPOCH);
        let title: String = self.text().chars().take(200).collect();
        song.titles.push(Title::new(TitleKind::Display, title));
        song.ragas = vec![Uuid::from_u128(self.below(20) as u128)];
        Change::Put(song)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map_while(|it| it.parse::<u64>().ok());
    let seconds = arguments.next().unwrap_or(10);
    let seed = arguments.next().unwrap_or(1);
    let folder = std::env::temp_dir().join(format!("sangraha-hostile-{}", Uuid::now_v7()));
    let outcome = run(&folder, Duration::from_secs(seconds), seed).await;
    let _ = std::fs::remove_dir_all(&folder);
    match outcome {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("seed {seed}: {reason}");
            ExitCode::FAILURE
        }
    }
}

async fn run(folder: &std::path::Path, time: Duration, seed: u64) -> Result<String, String> {
    let search =
        Search::open(&Config::tantivy(folder), &Metrics::default()).await.map_err(|it| it.to_string())?;
    let until = Instant::now() + time;
    let changing = tokio::spawn(change(search.clone(), seed, until));
    let readers: Vec<_> = (0..2).map(|at| tokio::spawn(ask(search.clone(), seed + 1 + at, until))).collect();
    let (mut asked, mut refused, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    for reader in readers {
        let found = reader.await.map_err(|error| format!("a panic: {error}"))??;
        asked += found.0;
        refused += found.1;
        slowest = slowest.max(found.2);
    }
    let rebuilds = changing.await.map_err(|error| format!("a panic: {error}"))??;
    Ok(format!(
        "{asked} questions in {} s, {refused} of them refused, {rebuilds} rebuilds, the slowest {slowest:.1?}: no finding",
        time.as_secs()
    ))
}

async fn ask(search: Search, seed: u64, until: Instant) -> Result<(u64, u64, Duration), String> {
    let mut chance = Chance(seed);
    let (mut asked, mut refused, mut slowest, mut cursor) = (0, 0, Duration::ZERO, None);
    while Instant::now() < until {
        let query = chance.query(cursor.as_ref());
        let begun = Instant::now();
        match search.query(&query).await {
            Ok(answer) => cursor = answer.next.or(cursor),
            Err(Error::Limit { .. } | Error::TooManyFilters { .. } | Error::Cursor) => refused += 1,
            Err(error) => return Err(format!("{error}: {}", shown(&query))),
        }
        let suggest = Suggest { text: chance.text(), kinds: Vec::new(), limit: 1 + chance.below(50) };
        if let Err(error) = search.suggest(&suggest).await {
            return Err(format!("{error}: {:?}", suggest.text.chars().take(200).collect::<String>()));
        }
        asked += 2;
        slowest = slowest.max(begun.elapsed());
        if begun.elapsed() > ANSWER_MAX {
            return Err(format!("{:?} for {}", begun.elapsed(), shown(&query)));
        }
    }
    Ok((asked, refused, slowest))
}

fn shown(query: &Query) -> String {
    let text = query.text.as_deref().map(|text| text.chars().take(300).collect());
    format!("{:?}", Query { text, ..query.clone() })
}

async fn change(search: Search, seed: u64, until: Instant) -> Result<u64, String> {
    let mut chance = Chance(seed ^ 0xFFFF);
    let (mut version, mut rebuilds) = (0, 0);
    while Instant::now() < until {
        version += 1;
        let changes: Vec<Change> = (0..20).map(|_| chance.song(version)).collect();
        search.apply(&changes).await.map_err(|error| error.to_string())?;
        if version % 10 == 0 {
            let mut rebuild = search.begin_rebuild().await.map_err(|error| error.to_string())?;
            rebuild.apply(&changes).await.map_err(|error| error.to_string())?;
            rebuild
                .swap(Position { epoch: 1, position: version })
                .await
                .map_err(|error| error.to_string())?;
            rebuilds += 1;
        }
    }
    Ok(rebuilds)
}
