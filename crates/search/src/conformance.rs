//! The promises of [`Search`], kept by every backend. Each is a plain function over the façade; one that is
//! not listed is dead code, which does not build.

use crate::{
    Answer, Applied, Change, Config, Cursor, Document, Error, Facet, Filters, LyricSection, MatchClass,
    OpenSearchConfig, Position, Query, RagaMode, Search, Sort, Stats, Suggest, SwaraPattern, SwaraSection,
    Title, TitleKind,
};
use chrono::{DateTime, Duration, Utc};
use domain::metrics::Metrics;
use domain::{EntityKind, EntityRef};
use lipi::Script;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use testkit::opensearch::{OpenSearch, shared};
use uuid::Uuid;

mod understanding;

use understanding::{
    a_family_of_ragas_is_one_filter, a_line_from_the_middle_is_found_and_marked,
    a_pattern_of_swaras_narrows_and_is_marked, a_removed_chip_is_a_word_again, an_answer_explains_itself,
    misspelt_and_joined_words_are_found, names_in_a_text_narrow_it,
    suggested_names_say_how_many_songs_have_them, titles_sort_in_the_alphabet_of_a_script,
};

macro_rules! conformance {
    ($($backend:ident => $bench:expr, $promises:tt;)+) => {
        $(conformance! { @backend $backend, $bench, $promises })+
    };
    (@backend $backend:ident, $bench:expr, [$($promise:ident),+ $(,)?]) => {
        mod $backend {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                if let Some(bench) = $bench.await {
                    super::$promise(&bench).await;
                    bench.clear().await;
                }
            })+
        }
    };
}

/// The promises of every engine, and those that only files need.
macro_rules! promises {
    ($([$($own:ident),* $(,)?] of $backend:ident => $bench:expr;)+) => {
        conformance! { $($backend => $bench, [
            $($own,)*
            applied_is_found,
            newer_version_wins,
            delete_of_absent_is_fine,
            delete_is_remembered,
            all_scripts_and_romanisations_find_the_same,
            a_prefix_finds_even_inside_an_akshara,
            classes_come_in_order,
            words_of_a_title_are_found_and_marked,
            guesses_are_flagged,
            facet_counts_equal_hits,
            facets_take_several_values,
            a_ragamalika_is_under_each_raga,
            paging_is_stable_and_complete,
            a_foreign_cursor_is_refused,
            every_order_is_total,
            kinds_are_apart,
            suggestions_come_from_every_kind,
            limits_are_refused,
            no_text_breaks_it,
            names_in_a_text_narrow_it,
            a_removed_chip_is_a_word_again,
            a_line_from_the_middle_is_found_and_marked,
            misspelt_and_joined_words_are_found,
            a_family_of_ragas_is_one_filter,
            titles_sort_in_the_alphabet_of_a_script,
            an_answer_explains_itself,
            a_pattern_of_swaras_narrows_and_is_marked,
            suggested_names_say_how_many_songs_have_them,
            versions_list_what_is_held,
            position_travels_with_the_index,
            rebuild_equals_the_fed_index,
            rebuild_swap_is_atomic_under_queries,
            a_rebuild_given_up_leaves_no_trace,
            another_engine_answers_the_same,
        ]; )+ }
    };
}

promises! {
    [
        the_last_commit_carries_the_position,
        a_position_ahead_of_the_index_is_not_believed,
        a_second_owner_is_refused,
        a_damaged_index_begins_anew,
    ] of tantivy => super::temporary_folder();
    [] of opensearch => super::indexes_of_its_own();
}

/// A place for one index, gone with the test.
struct Bench {
    config: Config,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Indexes(&'static OpenSearch, String),
}

impl Bench {
    async fn open(&self) -> Search {
        Search::open(&self.config, &Metrics::default()).await.unwrap()
    }

    fn folder(&self) -> &Path {
        match &self.place {
            Place::Folder(folder) => folder,
            Place::Indexes(..) => panic!("an index on servers has no folder"),
        }
    }

    /// Indexes there, the one that is read included.
    async fn indexes(&self) -> usize {
        match &self.place {
            Place::Folder(folder) => {
                std::fs::read_dir(folder).unwrap().filter(|it| it.as_ref().unwrap().path().is_dir()).count()
            }
            Place::Indexes(node, beginning) => {
                let path = format!("/_cat/indices/{beginning}-*?h=index");
                node.request("GET", &path, "").await.unwrap().1.lines().count()
            }
        }
    }

    async fn clear(&self) {
        if let Place::Indexes(node, beginning) = &self.place {
            let names =
                node.request("GET", &format!("/_cat/indices/{beginning}-*?h=index"), "").await.unwrap().1;
            for name in names.lines() {
                node.request("DELETE", &format!("/{name}"), "").await.unwrap();
            }
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Place::Folder(folder) = &self.place {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

async fn temporary_folder() -> Option<Bench> {
    let folder = std::env::temp_dir().join(format!("sangraha-search-{}", Uuid::now_v7()));
    // A busy machine must not cut an answer short here.
    let config =
        Config::Tantivy { path: folder.clone(), writer_memory_bytes: 15_000_000, query_ms_max: 60_000 };
    Some(Bench { config, place: Place::Folder(folder) })
}

async fn indexes_of_its_own() -> Option<Bench> {
    let node = shared().await?;
    let beginning = format!("test-{}", Uuid::now_v7().simple());
    let config = OpenSearchConfig::new(node.url().parse().unwrap(), &beginning);
    let config = OpenSearchConfig { query_ms_max: 60_000, ..config };
    Some(Bench { config: Config::OpenSearch(config), place: Place::Indexes(node, beginning) })
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn entity(kind: EntityKind, number: u128) -> EntityRef {
    EntityRef { kind, id: id(number) }
}

fn song(number: u128, title: &str) -> Document {
    named(EntityKind::Composition, number, &[title])
}

fn named(kind: EntityKind, number: u128, titles: &[&str]) -> Document {
    let at = DateTime::<Utc>::UNIX_EPOCH + Duration::seconds(i64::try_from(number).unwrap());
    let mut document = Document::new(entity(kind, number), 1, format!("{kind}-{number}"), at);
    document.titles = titles
        .iter()
        .enumerate()
        .map(|(at, title)| Title::new(if at == 0 { TitleKind::Display } else { TitleKind::Alias }, *title))
        .collect();
    document.sort_title = lipi::k1_joined(titles[0]).into_bytes();
    document
}

const TITLES: [&str; 10] = [
    "endarO mahAnubhAvulu",
    "vAtApi gaNapatiM bhajE",
    "nagumOmu ganalEni",
    "SrI kamalAmbikE",
    "kRSNA nI bEganE bArO",
    "jagadAnanda kAraka",
    "bhAvayAmi raghurAmaM",
    "Endaro",
    "rAma nannu brOvarA",
    "brOvarA rAma",
];

async fn with_titles(bench: &Bench) -> Search {
    let search = bench.open().await;
    let changes: Vec<Change> =
        TITLES.iter().zip(1..).map(|(title, number)| Change::Put(song(number, title))).collect();
    search.apply(&changes).await.unwrap();
    search
}

async fn found(search: &Search, text: &str) -> Vec<u128> {
    ids(search, &Query::text(text)).await
}

async fn ids(search: &Search, query: &Query) -> Vec<u128> {
    search.query(query).await.unwrap().hits.iter().map(|hit| hit.entity.id.as_u128()).collect()
}

async fn applied_is_found(bench: &Bench) {
    let search = bench.open().await;
    assert_eq!(search.position().await.unwrap(), None, "an index that nothing was fed to says so");
    let applied = search.apply(&[Change::Put(song(1, "Endaro Mahanubhavulu"))]).await.unwrap();
    assert_eq!(applied, Applied { put: 1, ..Applied::default() });
    let answer = search.query(&Query::text("endaro mahanubhavulu")).await.unwrap();
    assert_eq!((answer.total, answer.hits.len()), (1, 1));
    assert_eq!((answer.hits[0].slug.as_str(), answer.hits[0].class), ("composition-1", MatchClass::Exact));
    assert!(!answer.low_confidence && !answer.partial && !answer.truncated);
    assert_eq!(search.stats().await.unwrap().documents, 1);
    assert!(search.stats().await.unwrap().bytes > 0);
}

async fn newer_version_wins(bench: &Bench) {
    let search = bench.open().await;
    let version = |version: u64, title: &str| Change::Put(Document { version, ..song(1, title) });
    search.apply(&[version(3, "third"), version(2, "second")]).await.unwrap();
    assert_eq!(found(&search, "third").await, [1]);
    assert_eq!(search.apply(&[version(1, "first")]).await.unwrap().stale, 1);
    assert_eq!(search.apply(&[version(3, "third")]).await.unwrap().unchanged, 1);
    assert_eq!(
        search.apply(&[version(3, "again")]).await.unwrap().put,
        1,
        "projected anew from other labels"
    );
    assert_eq!(found(&search, "third").await, [0_u128; 0]);
    assert_eq!(found(&search, "again").await, [1]);
    let next_epoch = (1 << 48) | 2;
    assert_eq!(search.apply(&[version(next_epoch, "after a failover")]).await.unwrap().put, 1);
    assert_eq!(found(&search, "after a failover").await, [1]);
    assert_eq!(search.stats().await.unwrap().documents, 1);
}

async fn delete_of_absent_is_fine(bench: &Bench) {
    let search = bench.open().await;
    let delete = Change::Delete { entity: entity(EntityKind::Composition, 9), version: 4 };
    assert_eq!(search.apply(std::slice::from_ref(&delete)).await.unwrap().deleted, 1);
    assert_eq!(search.apply(&[delete]).await.unwrap().unchanged, 1);
    assert_eq!(search.stats().await.unwrap().documents, 0);
    assert_eq!(search.apply(&[]).await.unwrap(), Applied::default());
}

async fn delete_is_remembered(bench: &Bench) {
    let search = bench.open().await;
    let put = |version: u64| Change::Put(Document { version, ..song(1, "withdrawn") });
    search.apply(&[put(5)]).await.unwrap();
    search.apply(&[Change::Delete { entity: entity(EntityKind::Composition, 1), version: 6 }]).await.unwrap();
    assert_eq!(search.apply(&[put(5), put(6)]).await.unwrap().stale, 2);
    drop(search);
    let search = bench.open().await;
    assert_eq!(search.apply(&[put(5)]).await.unwrap().stale, 1, "deletions outlive the process");
    assert_eq!(found(&search, "withdrawn").await, [0_u128; 0]);
    assert_eq!(search.query(&Query::default()).await.unwrap().total, 0);
    assert_eq!(search.apply(&[put(7)]).await.unwrap().put, 1);
    assert_eq!(found(&search, "withdrawn").await, [1]);
}

async fn all_scripts_and_romanisations_find_the_same(bench: &Bench) {
    let search = with_titles(bench).await;
    let spellings: [(&[&str], u128); 4] = [
        (
            &[
                "ఎందరో మహానుభావులు",
                "ಎಂದರೋ ಮಹಾನುಭಾವುಲು",
                "എന്ദരോ മഹാനുഭാവുലു",
                "एन्दरो महानुभावुलु",
                "எந்தரோ மஹானுபாவுலு",
                "endarō mahānubhāvulu",
                "endarO mahAnubhAvulu",
                "Endharo Mahaanubhavulu",
                "endaromahanubhavulu",
            ],
            1,
        ),
        (&["వాతాపి గణపతిం భజే", "வாதாபி கணபதிம் பஜே", "vātāpi gaṇapatiṁ bhajē", "vathapi ganapathim bhaje"], 2),
        (
            &[
                "శ్రీ కమలాంబికే",
                "ಶ್ರೀ ಕಮಲಾಂಬಿಕೇ",
                "ശ്രീ കമലാംബികേ",
                "श्री कमलाम्बिके",
                "shree kamalambike",
                "Sri Kamalambike",
            ],
            4,
        ),
        (&["కృష్ణా నీ బేగనే బారో", "ಕೃಷ್ಣಾ ನೀ ಬೇಗನೇ ಬಾರೋ", "krishna nee begane baro", "kṛṣṇā nī bēganē bārō"], 5),
    ];
    for (texts, wanted) in spellings {
        for text in texts {
            let answer = search.query(&Query::text(*text)).await.unwrap();
            assert_eq!(answer.hits.first().map(|hit| hit.entity.id.as_u128()), Some(wanted), "{text}");
            assert_eq!(answer.hits[0].class, MatchClass::Exact, "{text}");
        }
    }
}

async fn a_prefix_finds_even_inside_an_akshara(bench: &Bench) {
    let search = with_titles(bench).await;
    for text in ["nagumo", "NAGUM", "నగుమ", "നഗുമോ", "नगुम", "ನಗುಮೋ", "நகுமோ", "nagumomu gana", "nagumōm"]
    {
        let answer = search.query(&Query::text(text)).await.unwrap();
        assert_eq!(answer.hits.first().map(|hit| hit.entity.id.as_u128()), Some(3), "{text}");
        assert_eq!(answer.hits[0].class, MatchClass::Prefix, "{text}");
    }
}

async fn classes_come_in_order(bench: &Bench) {
    let search = with_titles(bench).await;
    let answer = search.query(&Query::text("endaro")).await.unwrap();
    let classes: Vec<_> = answer.hits.iter().map(|hit| (hit.entity.id.as_u128(), hit.class)).collect();
    assert_eq!(classes, [(8, MatchClass::Exact), (1, MatchClass::Prefix)]);
    assert!(answer.hits[0].score > answer.hits[1].score);
    let answer = search.query(&Query::text("endaro mahanubhavulu sri raga")).await.unwrap();
    let classes: Vec<_> = answer.hits.iter().map(|hit| (hit.entity.id.as_u128(), hit.class)).collect();
    assert_eq!(classes, [(1, MatchClass::Extended)], "a title that says little of the text is no answer");
}

async fn words_of_a_title_are_found_and_marked(bench: &Bench) {
    let search = with_titles(bench).await;
    let answer = search.query(&Query::text("బ్రోవరా రామ")).await.unwrap();
    let hits: Vec<_> = answer.hits.iter().map(|hit| (hit.entity.id.as_u128(), hit.class)).collect();
    assert_eq!(hits, [(10, MatchClass::Exact), (9, MatchClass::AllTokens)]);
    let matched = &answer.hits[1].matched[0];
    assert_eq!((matched.field, matched.text.as_str()), ("title", TITLES[8]));
    let words: Vec<&str> = matched.ranges.iter().map(|bytes| &matched.text[bytes.clone()]).collect();
    assert_eq!(words, ["rAma", "brOvarA"]);
    assert_eq!(found(&search, "mahanubhavulu").await, [1]);
    assert_eq!(found(&search, "raghuramam").await, [7]);
}

async fn guesses_are_flagged(bench: &Bench) {
    let search = with_titles(bench).await;
    let guess = search.query(&Query::text("endaro unheardofword")).await.unwrap();
    assert!(!guess.hits.is_empty() && guess.low_confidence);
    let nothing = search.query(&Query::text("xylophone")).await.unwrap();
    assert!(nothing.hits.is_empty() && nothing.low_confidence);
    let listing = search.query(&Query::default()).await.unwrap();
    assert!(!listing.low_confidence && listing.hits.iter().all(|hit| hit.class == MatchClass::Listed));
}

/// Forty songs whose facets follow from their numbers.
async fn with_facets(bench: &Bench) -> Search {
    let search = bench.open().await;
    let songs = (1..=40_u128).map(|number| {
        let mut song =
            song(number, &format!("rAma {}", ["nannu", "kathA", "nIpai", "bANa"][number as usize % 4]));
        song.ragas = vec![id(100 + number % 3)];
        song.primary_raga = Some(id(100 + number % 3));
        song.melas = vec![(number % 3) as u8 + 1];
        song.composer = Some(id(200 + number % 4));
        song.talas = vec![id(300 + number % 2)];
        song.form = Some(if number % 5 == 0 { "padam" } else { "kriti" }.to_owned());
        song.languages = vec!["te".to_owned()];
        song.deities = vec![id(400), id(400)];
        song.temples = vec![id(500 + number % 7)];
        song.tags = vec![id(600)];
        song.groups = if number <= 5 { vec![id(700)] } else { Vec::new() };
        Change::Put(song)
    });
    // Several segments, as in life.
    for batch in songs.collect::<Vec<_>>().chunks(13) {
        search.apply(batch).await.unwrap();
    }
    search
}

async fn facet_counts_equal_hits(bench: &Bench) {
    let search = with_facets(bench).await;
    for text in [None, Some("rama".to_owned()), Some("రామ క".to_owned())] {
        let query = Query { text, facets: Facet::ALL.to_vec(), limit: 100, ..Query::default() };
        let answer = search.query(&query).await.unwrap();
        assert!(answer.total > 0 && answer.total == answer.hits.len() as u64);
        for counts in &answer.facets {
            assert!(!counts.values.is_empty(), "{}", counts.facet);
            for (value, count) in &counts.values {
                let filters = Filters::default().with(counts.facet, value);
                let narrowed = search.query(&Query { filters, ..query.clone() }).await.unwrap();
                assert_eq!(narrowed.total, *count, "{} {value}", counts.facet);
                assert_eq!(narrowed.hits.len() as u64, *count);
            }
        }
    }
}

async fn facets_take_several_values(bench: &Bench) {
    let search = with_facets(bench).await;
    let filters = Filters::default()
        .with(Facet::Composer, id(201))
        .with(Facet::Composer, id(202))
        .with(Facet::Tala, id(300));
    let query = Query { filters, facets: vec![Facet::Composer, Facet::Tala], limit: 100, ..Query::default() };
    let answer = search.query(&query).await.unwrap();
    let wanted: Vec<u128> = (1..=40).filter(|n| matches!(n % 4, 1 | 2) && n % 2 == 0).collect();
    assert_eq!(answer.total, wanted.len() as u64);
    let composers: BTreeSet<_> = answer.facets[0].values.iter().cloned().collect();
    // Its own choice does not narrow a facet; the other one does: only even numbers have this tala.
    assert_eq!(composers, BTreeSet::from([(id(200).to_string(), 10), (id(202).to_string(), 10)]));
    let talas: BTreeSet<_> = answer.facets[1].values.iter().cloned().collect();
    assert_eq!(talas, BTreeSet::from([(id(300).to_string(), 10), (id(301).to_string(), 10)]));
    let unknown = Query { filters: Filters::default().with(Facet::Raga, "no such id"), ..Query::default() };
    assert_eq!(search.query(&unknown).await.unwrap().total, 0);
}

async fn a_ragamalika_is_under_each_raga(bench: &Bench) {
    let search = bench.open().await;
    let mut malika = song(1, "bhAvayAmi raghurAmaM");
    malika.ragas = vec![id(101), id(102), id(101)];
    malika.primary_raga = Some(id(101));
    search.apply(&[Change::Put(malika)]).await.unwrap();
    let by = |raga: u128, raga_mode| Query {
        filters: Filters::default().with(Facet::Raga, id(raga)),
        raga_mode,
        facets: vec![Facet::Raga],
        ..Query::default()
    };
    for raga in [101, 102] {
        let answer = search.query(&by(raga, RagaMode::Any)).await.unwrap();
        assert_eq!(answer.total, 1);
        assert_eq!(answer.facets[0].values, [(id(101).to_string(), 1), (id(102).to_string(), 1)]);
    }
    assert_eq!(ids(&search, &by(101, RagaMode::Primary)).await, [1]);
    assert_eq!(ids(&search, &by(102, RagaMode::Primary)).await, [0_u128; 0]);
}

/// All pages of a query, one after the other.
async fn pages(search: &Search, query: &Query) -> Vec<u128> {
    let (mut all, mut query) = (Vec::new(), query.clone());
    loop {
        let answer = search.query(&query).await.unwrap();
        assert!(answer.hits.len() <= query.limit);
        all.extend(answer.hits.iter().map(|hit| hit.entity.id.as_u128()));
        match answer.next {
            Some(next) => query.after = Some(next),
            None => return all,
        }
        assert!(all.len() <= 2_000, "paging ends");
    }
}

async fn paging_is_stable_and_complete(bench: &Bench) {
    let search = bench.open().await;
    let title = |number: u128| ["rAma", "rAma nannu", "nannu rAma", "rAmA rAma"][number as usize % 4];
    let songs: Vec<Change> = (1..=450).map(|number| Change::Put(song(number, title(number)))).collect();
    for batch in songs.chunks(70) {
        search.apply(batch).await.unwrap();
    }
    for text in [Some("rama".to_owned()), None] {
        for sort in [Sort::Relevance, Sort::Title, Sort::Newest] {
            let query = Query { text: text.clone(), sort, limit: 37, ..Query::default() };
            let all = pages(&search, &query).await;
            assert_eq!(all.len(), 450, "{text:?} {sort:?}");
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 450, "{text:?} {sort:?}");
            assert_eq!(all, pages(&search, &Query { limit: 100, ..query }).await, "whatever the page");
        }
    }
    let exact = pages(&search, &Query { limit: 100, ..Query::text("rama") }).await;
    let first: Vec<u128> = (1..=450).filter(|number| number % 4 == 0).collect();
    assert_eq!(exact[..first.len()], first, "equal scores and titles go by id");
}

async fn a_foreign_cursor_is_refused(bench: &Bench) {
    let search = with_titles(bench).await;
    let page = search.query(&Query { limit: 2, ..Query::default() }).await.unwrap();
    let cursor = page.next.unwrap();
    let other = Query { sort: Sort::Newest, after: Some(cursor.clone()), ..Query::default() };
    assert!(matches!(search.query(&other).await, Err(Error::Cursor)));
    let text = serde_json::to_string(&cursor).unwrap();
    assert!(text.len() < 256, "a cursor fits a URL");
    assert_eq!(serde_json::from_str::<Cursor>(&text).unwrap(), cursor);
    for rank in ["", "zz", "é", "00", &"0".repeat(97), &"00".repeat(4_000)] {
        let broken = Cursor { rank: rank.to_owned(), primary: i64::MIN, score: u32::MAX, ..cursor.clone() };
        let query = Query { after: Some(broken), ..Query::default() };
        assert!(matches!(search.query(&query).await, Err(Error::Cursor)), "{rank}");
    }
}

async fn every_order_is_total(bench: &Bench) {
    let search = with_titles(bench).await;
    let by_title = ids(&search, &Query { sort: Sort::Title, ..Query::default() }).await;
    let mut wanted: Vec<(String, u128)> =
        TITLES.iter().zip(1..).map(|(title, number)| (lipi::k1_joined(title), number)).collect();
    wanted.sort();
    assert_eq!(by_title, wanted.into_iter().map(|(_, number)| number).collect::<Vec<_>>());
    let newest = ids(&search, &Query { sort: Sort::Newest, ..Query::default() }).await;
    assert_eq!(newest, (1..=10).rev().collect::<Vec<u128>>());
    let words = Query { sort: Sort::Newest, ..Query::text("rama") };
    assert_eq!(ids(&search, &words).await, [10, 9]);
}

async fn kinds_are_apart(bench: &Bench) {
    let search = bench.open().await;
    let changes = [
        Change::Put(song(1, "Kalyani")),
        Change::Put(named(EntityKind::Raga, 2, &["Kalyāṇi", "కళ్యాణి", "Mechakalyani"])),
        Change::Put(named(EntityKind::Composer, 3, &["Kalyani Varadarajan"])),
    ];
    search.apply(&changes).await.unwrap();
    assert_eq!(found(&search, "kalyani").await, [1]);
    let of = |kinds: &[EntityKind]| Query { kinds: kinds.to_vec(), ..Query::text("kalyani") };
    assert_eq!(ids(&search, &of(&[EntityKind::Raga])).await, [2]);
    assert_eq!(ids(&search, &of(&[EntityKind::Raga, EntityKind::Composer])).await, [2, 3]);
    assert_eq!(ids(&search, &of(&[])).await, [0_u128; 0]);
}

async fn suggestions_come_from_every_kind(bench: &Bench) {
    let search = bench.open().await;
    let mut changes = vec![
        Change::Put(named(EntityKind::Raga, 2, &["Kalyāṇi", "కళ్యాణి"])),
        Change::Put(named(EntityKind::Composer, 3, &["Muttusvami Dikshitar"])),
        Change::Put(named(EntityKind::Tala, 4, &["Adi"])),
        Change::Put(named(EntityKind::Temple, 5, &["Tiruvarur"])),
    ];
    changes.extend((10..60).map(|number| Change::Put(song(number, &format!("kalyANa rAma {number}")))));
    search.apply(&changes).await.unwrap();
    let suggest = |text: &str, kinds: &[EntityKind], limit| Suggest {
        text: text.to_owned(),
        kinds: kinds.to_vec(),
        limit,
    };
    let all = search.suggest(&suggest("kaly", &[], 10)).await.unwrap();
    assert_eq!(all.len(), 10);
    assert_eq!((all[0].entity, all[0].text.as_str()), (entity(EntityKind::Raga, 2), "Kalyāṇi"));
    let telugu = search.suggest(&suggest("కళ్య", &[EntityKind::Raga], 10)).await.unwrap();
    assert_eq!(
        telugu.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(),
        ["కళ్యాణి"],
        "in the reader's script"
    );
    for (text, wanted) in [("diksh", 3), ("ఆద", 4), ("திருவ", 5), ("दीक्ष", 3), ("mutt", 3)]
    {
        let some = search.suggest(&suggest(text, &[], 5)).await.unwrap();
        assert_eq!(some.first().map(|one| one.entity.id), Some(id(wanted)), "{text}");
    }
    assert!(search.suggest(&suggest("", &[], 5)).await.unwrap().is_empty());
    assert!(matches!(search.suggest(&suggest("a", &[], 0)).await, Err(Error::Limit { .. })));
    assert!(matches!(
        search.suggest(&suggest("a", &[], Suggest::LIMIT_MAX + 1)).await,
        Err(Error::Limit { .. })
    ));
}

async fn limits_are_refused(bench: &Bench) {
    let search = bench.open().await;
    let many: Vec<Change> = (0..=Search::BATCH_CHANGES_MAX as u128)
        .map(|number| Change::Delete { entity: entity(EntityKind::Tag, number), version: 1 })
        .collect();
    assert!(matches!(search.apply(&many).await, Err(Error::BatchTooLarge { changes: 1_001 })));
    let long = song(1, &"a".repeat(Document::TITLE_BYTES_MAX + 1));
    let full = Document { tags: vec![id(1); Document::VALUES_MAX + 1], ..song(2, "full") };
    for document in [long, full] {
        let entity = document.entity;
        let refused = search.apply(&[Change::Put(document)]).await;
        assert!(matches!(refused, Err(Error::DocumentTooLarge { entity: it }) if it == entity));
    }
    for limit in [0, Query::LIMIT_MAX + 1] {
        assert!(matches!(search.query(&Query { limit, ..Query::default() }).await, Err(Error::Limit { .. })));
    }
    let mut filters = Filters::default();
    (0..=Query::FILTER_VALUES_MAX).for_each(|number| {
        filters.add(Facet::Mela, number);
    });
    assert!(matches!(
        search.query(&Query { filters, ..Query::default() }).await,
        Err(Error::TooManyFilters { .. })
    ));
    assert_eq!(search.stats().await.unwrap().documents, 0, "nothing of a refused batch is written");
}

async fn no_text_breaks_it(bench: &Bench) {
    let search = with_titles(bench).await;
    let long = ["rama ".repeat(200_000), "క".repeat(1_000_000), "\u{301}".repeat(1_000_000)];
    let odd = [
        "*",
        "%",
        "_",
        "\"",
        ":",
        "\\",
        "(",
        "title:rama AND (",
        "rama*",
        "\u{301}\u{302}",
        "\u{200d}",
        "😀",
        "مرحبا",
        "\0",
        "~2",
        "[a TO z]",
        "ర్",
        "्",
        "௩",
        "1234567890",
    ];
    for text in long.iter().map(String::as_str).chain(odd) {
        search.query(&Query { facets: Facet::ALL.to_vec(), ..Query::text(text) }).await.unwrap();
        search.suggest(&Suggest { text: text.to_owned(), kinds: Vec::new(), limit: 5 }).await.unwrap();
    }
    assert!(search.query(&Query::text(long[0].as_str())).await.unwrap().truncated);
    assert_eq!(
        search.query(&Query::text("  ")).await.unwrap().total,
        TITLES.len() as u64,
        "no words list all"
    );
    let marks = search.query(&Query::text("\u{301}*")).await.unwrap();
    assert!(marks.total == 0 && marks.low_confidence);
    search.apply(&[Change::Put(song(99, "\u{301} * \0"))]).await.unwrap();
    assert_eq!(search.query(&Query::default()).await.unwrap().total, TITLES.len() as u64 + 1);
}

async fn versions_list_what_is_held(bench: &Bench) {
    let search = bench.open().await;
    let held = |number, version| Change::Put(Document { version, ..song(number, "rAma") });
    search.apply(&[held(3, 7), held(1, 5), held(2, 6)]).await.unwrap();
    search.apply(&[Change::Delete { entity: entity(EntityKind::Composition, 2), version: 9 }]).await.unwrap();
    let all = [(entity(EntityKind::Composition, 1), 5), (entity(EntityKind::Composition, 3), 7)];
    assert_eq!(search.versions(None, 10).await.unwrap(), all);
    assert_eq!(search.versions(None, 1).await.unwrap(), all[..1]);
    assert_eq!(search.versions(Some(id(1)), 10).await.unwrap(), all[1..]);
    assert!(search.versions(Some(id(3)), 10).await.unwrap().is_empty());
    drop(search);
    assert_eq!(bench.open().await.versions(None, 10).await.unwrap(), all, "and so after a restart");
}

async fn position_travels_with_the_index(bench: &Bench) {
    let search = with_titles(bench).await;
    assert_eq!(search.position().await.unwrap(), None);
    let position = Position { epoch: 2, position: 40 };
    search.set_position(position).await.unwrap();
    assert_eq!(search.query(&Query::default()).await.unwrap().position, position);
    drop(search);
    let search = bench.open().await;
    assert_eq!(
        (search.position().await.unwrap(), search.stats().await.unwrap().documents),
        (Some(position), TITLES.len() as u64)
    );
}

async fn the_last_commit_carries_the_position(bench: &Bench) {
    let search = with_titles(bench).await;
    let position = Position { epoch: 2, position: 40 };
    search.set_position(position).await.unwrap();
    search.apply(&[Change::Put(song(50, "next"))]).await.unwrap();
    let generation = search.stats().await.unwrap().generation;
    drop(search);
    // What a power cut may leave of the position's own file.
    std::fs::write(bench.folder().join(generation).join("position.json"), "").unwrap();
    assert_eq!(
        bench.open().await.position().await.unwrap(),
        Some(position),
        "the last commit carries it too"
    );
}

async fn a_position_ahead_of_the_index_is_not_believed(bench: &Bench) {
    let search = with_titles(bench).await;
    let position = Position { epoch: 1, position: 7 };
    search.set_position(position).await.unwrap();
    search.apply(&[Change::Put(song(50, "next"))]).await.unwrap();
    let meta = bench.folder().join(search.stats().await.unwrap().generation).join("meta.json");
    let before = std::fs::read(&meta).unwrap();
    search.apply(&[Change::Put(song(51, "after"))]).await.unwrap();
    search.set_position(Position { epoch: 1, position: 8 }).await.unwrap();
    drop(search);
    // A power cut that took the last commit and left the position's own file.
    std::fs::write(&meta, before).unwrap();
    assert_eq!(bench.open().await.position().await.unwrap(), Some(position), "the event is asked for again");
}

async fn a_second_owner_is_refused(bench: &Bench) {
    let search = with_titles(bench).await;
    let second = Search::open(&bench.config, &Metrics::default()).await;
    assert!(matches!(second.err(), Some(Error::Locked { .. })));
    assert_eq!(search.query(&Query::default()).await.unwrap().total, TITLES.len() as u64);
}

async fn a_damaged_index_begins_anew(bench: &Bench) {
    let search = with_titles(bench).await;
    search.set_position(Position { epoch: 1, position: 1 }).await.unwrap();
    let generation = bench.folder().join(search.stats().await.unwrap().generation);
    drop(search);
    for file in std::fs::read_dir(&generation).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "store") {
            let mut bytes = std::fs::read(&file).unwrap();
            bytes[3] ^= 0xFF;
            std::fs::write(&file, bytes).unwrap();
        }
    }
    let search = bench.open().await;
    assert_eq!((search.position().await.unwrap(), search.stats().await.unwrap().documents), (None, 0));
    search.apply(&[Change::Put(song(1, "rAma"))]).await.unwrap();
    drop(search);
    std::fs::write(bench.folder().join("CURRENT"), "compositions-f0-s0-000009").unwrap();
    let search = bench.open().await;
    assert_eq!(
        (search.position().await.unwrap(), search.stats().await.unwrap().documents),
        (None, 0),
        "another folding is another index"
    );
}

async fn rebuild_equals_the_fed_index(bench: &Bench) {
    let search = with_facets(bench).await;
    search.apply(&[Change::Delete { entity: entity(EntityKind::Composition, 4), version: 2 }]).await.unwrap();
    let query = Query { facets: Facet::ALL.to_vec(), limit: 100, ..Query::text("rama") };
    let before = search.query(&query).await.unwrap();
    let other = with_facets(&temporary_folder().await.unwrap()).await;
    let changes: Vec<Change> = before.hits.iter().map(|hit| rebuilt(hit.entity)).collect();
    let mut rebuild = search.begin_rebuild().await.unwrap();
    assert!(matches!(search.begin_rebuild().await.err(), Some(Error::RebuildRunning)));
    for batch in changes.chunks(9) {
        rebuild.apply(batch).await.unwrap();
    }
    let stats = rebuild.swap(Position { epoch: 3, position: 5 }).await.unwrap();
    assert_eq!((stats.documents, stats.position), (39, Some(Position { epoch: 3, position: 5 })));
    let after = search.query(&query).await.unwrap();
    let list = |answer: &crate::Answer| answer.hits.iter().map(|hit| hit.entity).collect::<Vec<_>>();
    assert_eq!(list(&before), list(&after));
    let elsewhere = other.query(&query).await.unwrap();
    let without: Vec<_> = list(&elsewhere).into_iter().filter(|it| it.id != id(4)).collect();
    assert_eq!(without, list(&after), "and the same on another node");
}

fn rebuilt(entity: EntityRef) -> Change {
    let number = entity.id.as_u128();
    Change::Put(song(number, &format!("rAma {}", ["nannu", "kathA", "nIpai", "bANa"][number as usize % 4])))
}

async fn rebuild_swap_is_atomic_under_queries(bench: &Bench) {
    let search = with_titles(bench).await;
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (search, done) = (search.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut totals = BTreeSet::new();
                while !done.load(Ordering::Relaxed) {
                    totals.insert(search.query(&Query::default()).await.unwrap().total);
                }
                totals
            })
        })
        .collect();
    for round in 0..3_u128 {
        let mut rebuild = search.begin_rebuild().await.unwrap();
        for number in 1..=TITLES.len() as u128 + round + 1 {
            rebuild.apply(&[Change::Put(song(number, "rAma nannu"))]).await.unwrap();
        }
        rebuild.swap(Position { epoch: 1, position: 10 }).await.unwrap();
        // The new index takes changes at once.
        let applied = search.apply(&[Change::Put(Document { version: 2, ..song(1, "rAma") })]).await.unwrap();
        assert_eq!(applied.put, 1);
    }
    done.store(true, Ordering::Relaxed);
    let full = TITLES.len() as u64;
    for reader in readers {
        let totals = reader.await.unwrap();
        assert!(totals.iter().all(|total| (full..=full + 3).contains(total)), "{totals:?}");
    }
    let stats = search.stats().await.unwrap();
    assert_eq!(stats.documents, full + 3);
    drop(search);
    // Its size on disk may still change, as segments are merged.
    let again = bench.open().await.stats().await.unwrap();
    let lasting = |stats: &Stats| (stats.documents, stats.generation.clone(), stats.position);
    assert_eq!(lasting(&again), lasting(&stats), "and lasts");
    assert_eq!(bench.indexes().await, 2, "one generation is kept back, no more");
}

async fn a_rebuild_given_up_leaves_no_trace(bench: &Bench) {
    let search = with_titles(bench).await;
    let mut rebuild = search.begin_rebuild().await.unwrap();
    rebuild.apply(&[Change::Put(song(77, "half"))]).await.unwrap();
    drop(rebuild);
    assert_eq!(search.stats().await.unwrap().documents, TITLES.len() as u64);
    let gone = async {
        while bench.indexes().await != 1 || search.begin_rebuild().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gone)
        .await
        .expect("it goes, and the next may begin");
    // Nobody waits for the beginning of this one any more.
    let mut begun = Box::pin(search.begin_rebuild());
    std::future::poll_fn(|context| Poll::Ready(begun.as_mut().poll(context).is_ready())).await;
    drop(begun);
    let next = async {
        while let Err(error) = search.begin_rebuild().await {
            assert!(matches!(error, Error::RebuildRunning));
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), next)
        .await
        .expect("the next may begin all the same");
}

/// A small catalogue in which every way of matching, filtering and sorting has something to find.
fn catalogue() -> Vec<Change> {
    let ragas = [("kalyANi", 65), ("SaNkarAbharaNaM", 29), ("mOhanaM", 28), ("hindOLaM", 20)];
    let mut all: Vec<Document> = (0_u128..)
        .zip(ragas)
        .map(|(at, (name, mela))| {
            let mut raga = named(EntityKind::Raga, 100 + at, &[name]);
            raga.melas = vec![mela];
            raga
        })
        .collect();
    all.extend(
        (0_u128..)
            .zip(["tyAgarAja", "muttusvAmi dIkSitar"])
            .map(|(at, name)| named(EntityKind::Composer, 200 + at, &[name])),
    );
    all.extend((1..=60_u128).map(|number| {
        let title = TITLES[number as usize % TITLES.len()];
        let mut song = song(number, &format!("{title}{}", if number > 30 { " caraNaM" } else { "" }));
        let (raga, composer) = (number % 4, number % 2);
        song.ragas = vec![id(100 + raga), id(100 + (raga + number % 3) % 4)];
        song.primary_raga = Some(id(100 + raga));
        song.melas = vec![ragas[raga as usize].1];
        song.composer = Some(id(200 + composer));
        song.form = Some("kriti".to_owned());
        song.popularity = number as u32 % 7;
        if number % 3 == 0 {
            song.sort_titles = vec![(lipi::Script::Telugu, lipi::k1_joined(title).into_bytes())];
        }
        song.lyrics = vec![LyricSection {
            section: id(900 + number),
            label: "caraNaM".to_owned(),
            script: lipi::Script::Latin,
            lines: vec![format!(
                "sItA lakSmaNa sahita paramAnanda vAruNi {}",
                TITLES[(number as usize + 3) % 10]
            )],
        }];
        song
    }));
    all.into_iter().map(Change::Put).collect()
}

/// Everything of an answer by which a reader could tell two engines apart.
fn seen(answer: &Answer) -> String {
    let Answer { hits, facets, total, low_confidence, partial, interpretations, did_you_mean, next, .. } =
        answer;
    format!(
        "{total} {low_confidence} {partial} {interpretations:?} {did_you_mean:?} {hits:#?} {facets:?} {next:?}"
    )
}

async fn another_engine_answers_the_same(bench: &Bench) {
    let folder = temporary_folder().await.unwrap();
    let (search, other) = (bench.open().await, folder.open().await);
    for search in [&search, &other] {
        search.apply(&catalogue()).await.unwrap();
    }
    let texts = [
        "",
        "endaro",
        "ఎందరో మహానుభావులు",
        "வாதாபி",
        "brovara rama",
        "endro mahanbavulu",
        "xylophone",
        "kalyani tyagaraja",
        "rama kalyani",
        "tyagarajar",
        "sita lakshmana sahita",
        "paramananda varuni endaro",
        "nagumomuganaleni",
        "* % \" \\",
        "mahanubhavulu",
        "raga mohanam",
    ];
    let filters = [
        Filters::default(),
        Filters::default().with(Facet::Raga, id(101)),
        Filters::default()
            .with(Facet::Raga, id(100))
            .with(Facet::Raga, id(102))
            .with(Facet::Composer, id(200)),
        Filters::default().with(Facet::Mela, 99),
    ];
    let mut compared = 0;
    for text in texts {
        for filters in &filters {
            for (sort, script) in [
                (Sort::Relevance, None),
                (Sort::Title, None),
                (Sort::Title, Some(lipi::Script::Telugu)),
                (Sort::Newest, None),
            ] {
                let mut query = Query {
                    filters: filters.clone(),
                    sort,
                    script,
                    facets: Facet::ALL.to_vec(),
                    limit: 25,
                    ..Query::text(text)
                };
                loop {
                    let (one, two) =
                        (search.query(&query).await.unwrap(), other.query(&query).await.unwrap());
                    assert_eq!(seen(&one), seen(&two), "{text:?} {filters:?} {sort:?} {script:?}");
                    compared += 1;
                    query.after = one.next;
                    if query.after.is_none() {
                        break;
                    }
                }
            }
        }
        let suggest = Suggest { text: text.to_owned(), kinds: Vec::new(), limit: 8 };
        assert_eq!(
            search.suggest(&suggest).await.unwrap(),
            other.suggest(&suggest).await.unwrap(),
            "{text:?}"
        );
    }
    println!("{compared} answers compared");
}
