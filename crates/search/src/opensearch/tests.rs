//! What happens when the servers are gone, slow, full, busy, or say nonsense.

use super::OpenSearchConfig;
use crate::{Change, Config, Document, Error, Position, Query, Search, Title, TitleKind};
use chrono::DateTime;
use domain::metrics::Metrics;
use domain::{EntityKind, EntityRef};
use std::time::{Duration, Instant};
use testkit::opensearch::{OpenSearch, shared};
use testkit::{ChaosProxy, Fault, FaultyHttp, Mood, TlsFront};
use uuid::Uuid;

/// An index behind a way that misbehaves.
struct Bench<P> {
    node: &'static OpenSearch,
    proxy: P,
    search: Search,
    beginning: String,
}

impl Bench<FaultyHttp> {
    async fn lying() -> Option<Self> {
        let node = shared().await?;
        let proxy = FaultyHttp::start(node.address()).await.unwrap();
        let (search, beginning) = open(proxy.address()).await;
        Some(Self { node, proxy, search, beginning })
    }
}

impl Bench<ChaosProxy> {
    async fn shaky() -> Option<Self> {
        let node = shared().await?;
        let proxy = ChaosProxy::start(node.address()).await.unwrap();
        let (search, beginning) = open(proxy.address()).await;
        Some(Self { node, proxy, search, beginning })
    }
}

impl<P> Bench<P> {
    async fn names(&self) -> String {
        self.node.request("GET", &format!("/_cat/indices/{}-*?h=index", self.beginning), "").await.unwrap().1
    }

    async fn set(&self, settings: &str) {
        for name in self.names().await.lines() {
            let (status, said) =
                self.node.request("PUT", &format!("/{name}/_settings"), settings).await.unwrap();
            assert_eq!(status, 200, "{said}");
        }
    }

    /// Asks until there is an answer: after failures in a row the engine is left alone for a moment.
    async fn recovered(&self, text: &str) -> u64 {
        let answer = async {
            loop {
                match self.search.query(&Query::text(text)).await {
                    Ok(answer) => return answer.total,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), answer).await.expect("it answers again")
    }

    async fn clear(self) {
        for name in self.names().await.lines() {
            self.node.request("DELETE", &format!("/{name}"), "").await.unwrap();
        }
    }
}

async fn open(address: std::net::SocketAddr) -> (Search, String) {
    let beginning = format!("fault-{}", Uuid::now_v7().simple());
    let url = format!("http://{address}").parse().unwrap();
    let config = OpenSearchConfig {
        query_ms_max: 2_000,
        write_ms_max: 5_000,
        tries_max: 6,
        retry_ms: 1,
        rest_ms: 50,
        ..OpenSearchConfig::new(url, &beginning)
    };
    (Search::open(&Config::OpenSearch(config), &Metrics::default()).await.unwrap(), beginning)
}

fn song(number: u128, title: &str) -> Change {
    let entity = EntityRef { kind: EntityKind::Composition, id: Uuid::from_u128(number) };
    let mut song = Document::new(entity, 1, format!("song-{number}"), DateTime::UNIX_EPOCH);
    song.titles = vec![Title::new(TitleKind::Display, title)];
    Change::Put(song)
}

fn why(error: &Error) -> String {
    std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[tokio::test]
async fn servers_that_are_gone_are_an_error_at_once_and_an_index_again_when_they_are_back() {
    let Some(bench) = Bench::shaky().await else { return };
    bench.search.apply(&[song(1, "rAma nannu")]).await.unwrap();
    bench.proxy.set(Mood::Cut);
    let began = Instant::now();
    for _ in 0..4 {
        let error = bench.search.query(&Query::text("rama")).await.unwrap_err();
        assert!(matches!(error, Error::Engine { .. }), "{}", why(&error));
    }
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(bench.search.apply(&[song(2, "rAma katha")]).await.is_err(), "whoever feeds it hears of it");
    assert!(bench.search.position().await.is_err(), "and does not take it for an empty index");
    bench.proxy.set(Mood::Good);
    assert_eq!(bench.recovered("rama").await, 1);
    assert_eq!(bench.search.apply(&[song(2, "rAma katha")]).await.unwrap().put, 1, "nothing is lost");
    assert_eq!(bench.recovered("rama").await, 2);
    bench.clear().await;
}

#[tokio::test]
async fn servers_that_are_silent_are_given_up_in_time() {
    let Some(bench) = Bench::shaky().await else { return };
    bench.search.apply(&[song(1, "rAma nannu")]).await.unwrap();
    bench.proxy.set(Mood::Silent);
    let began = Instant::now();
    for _ in 0..3 {
        assert!(bench.search.query(&Query::text("rama")).await.is_err());
    }
    let one_by_one = began.elapsed();
    let error = bench.search.query(&Query::text("rama")).await.unwrap_err();
    assert!(one_by_one < Duration::from_secs(15), "{one_by_one:?}");
    assert!(why(&error).contains("left alone") || began.elapsed() > one_by_one, "{}", why(&error));
    bench.proxy.set(Mood::Good);
    assert_eq!(bench.recovered("rama").await, 1);
    bench.clear().await;
}

#[tokio::test]
async fn an_index_that_takes_no_changes_still_answers_and_catches_up() {
    let Some(bench) = Bench::shaky().await else { return };
    bench.search.apply(&[song(1, "rAma nannu")]).await.unwrap();
    for (block, status) in [("read_only_allow_delete", "a full disk"), ("read_only", "a read-only index")] {
        bench.set(&format!("{{\"index.blocks.{block}\": true}}")).await;
        let error = bench.search.apply(&[song(2, "rAma katha")]).await.unwrap_err();
        assert!(why(&error).contains("takes no changes"), "{status}: {}", why(&error));
        assert_eq!(bench.recovered("rama").await, 1, "{status}");
        bench.set(&format!("{{\"index.blocks.{block}\": null}}")).await;
    }
    assert_eq!(bench.search.apply(&[song(2, "rAma katha")]).await.unwrap().put, 1);
    assert_eq!(bench.recovered("rama").await, 2);
    bench.clear().await;
}

#[tokio::test]
async fn a_busy_server_is_asked_again_a_few_times() {
    let Some(bench) = Bench::lying().await else { return };
    bench.search.apply(&[song(1, "rAma nannu")]).await.unwrap();
    bench.proxy.set(Fault::Status(429));
    assert!(why(&bench.search.apply(&[song(2, "rAma katha")]).await.unwrap_err()).contains("busy"));
    assert_eq!(bench.proxy.faults(), 6, "the tries that the configuration allows");
    assert!(bench.search.query(&Query::text("rama")).await.is_err());
    bench.proxy.set(Fault::None);
    assert_eq!(bench.search.apply(&[song(2, "rAma katha")]).await.unwrap().put, 1);
    assert_eq!(bench.recovered("rama").await, 2);
    bench.clear().await;
}

#[tokio::test]
async fn half_a_bulk_is_sent_again_item_by_item() {
    let Some(bench) = Bench::lying().await else { return };
    bench.search.apply(&[song(1, "rAma nannu")]).await.unwrap();
    bench.proxy.set(Fault::HalfBulk);
    let many: Vec<Change> = (2..=17).map(|number| song(number, "rAma katha")).collect();
    let applied = bench.search.apply(&many).await.unwrap();
    assert_eq!((applied.put, applied.stale), (16, 0));
    assert_eq!(bench.proxy.faults(), 5, "16, 8, 4, 2, 1");
    let mut rebuild = bench.search.begin_rebuild().await.unwrap();
    rebuild.apply(&many).await.unwrap();
    bench.proxy.set(Fault::None);
    let stats = rebuild.swap(Position { epoch: 1, position: 1 }).await.unwrap();
    assert_eq!((stats.documents, bench.recovered("rama").await), (16, 16), "and a rebuild verifies that");
    bench.clear().await;
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    let Some(bench) = Bench::lying().await else { return };
    bench.search.apply(&[song(1, "rAma nannu")]).await.unwrap();
    for fault in [Fault::Garbage, Fault::Status(500), Fault::Status(401)] {
        bench.proxy.set(fault);
        assert!(bench.search.query(&Query::text("rama")).await.is_err(), "{fault:?}");
        assert!(bench.search.apply(&[song(1, "rAma")]).await.is_err(), "{fault:?}");
        bench.proxy.set(Fault::None);
        assert_eq!(bench.recovered("rama nannu").await, 1, "{fault:?}");
    }
    bench.clear().await;
}

#[tokio::test]
async fn an_index_that_was_deleted_asks_to_be_rebuilt() {
    let Some(bench) = Bench::lying().await else { return };
    bench.search.apply(&[song(1, "rAma nannu")]).await.unwrap();
    bench.search.set_position(Position { epoch: 1, position: 5 }).await.unwrap();
    for name in bench.names().await.lines() {
        bench.node.request("DELETE", &format!("/{name}"), "").await.unwrap();
    }
    assert!(bench.search.query(&Query::text("rama")).await.is_err(), "it is not empty, it is gone");
    assert_eq!(bench.search.position().await.unwrap(), None);
    let mut rebuild = bench.search.begin_rebuild().await.unwrap();
    rebuild.apply(&[song(1, "rAma nannu")]).await.unwrap();
    rebuild.swap(Position { epoch: 1, position: 6 }).await.unwrap();
    assert_eq!(bench.recovered("rama").await, 1);
    bench.clear().await;
}

#[tokio::test]
async fn the_way_is_encrypted_and_asks_who_comes() {
    let Some(node) = shared().await else { return };
    // `reader:hunter2`, as RFC 7617 writes it.
    let front = TlsFront::start(node.address(), "Basic cmVhZGVyOmh1bnRlcjI=").await.unwrap();
    let file = std::env::temp_dir().join(format!("authority-{}.pem", Uuid::now_v7()));
    std::fs::write(&file, front.authority()).unwrap();
    let beginning = format!("tls-{}", Uuid::now_v7().simple());
    let open = |trusted: bool, password: &str| {
        let config = OpenSearchConfig {
            user: Some("reader".into()),
            password: Some(password.to_owned().into()),
            authorities: trusted.then(|| file.clone()),
            query_ms_max: 5_000,
            ..OpenSearchConfig::new(front.url().parse().unwrap(), &beginning)
        };
        async move { Search::open(&Config::OpenSearch(config), &Metrics::default()).await.unwrap() }
    };
    let search = open(true, "hunter2").await;
    assert_eq!(search.apply(&[song(1, "rAma nannu")]).await.unwrap().put, 1);
    assert_eq!(search.query(&Query::text("rama")).await.unwrap().total, 1);

    let error = open(true, "hunter3").await.query(&Query::text("rama")).await.unwrap_err();
    assert!(why(&error).contains("401") && !why(&error).contains("hunter3"), "{}", why(&error));
    let error = open(false, "hunter2").await.query(&Query::text("rama")).await.unwrap_err();
    assert!(why(&error).contains("certificate"), "a stranger's certificate is not trusted: {}", why(&error));

    std::fs::remove_file(&file).unwrap();
    let (_, names) = node.request("GET", &format!("/_cat/indices/{beginning}-*?h=index"), "").await.unwrap();
    for name in names.lines() {
        node.request("DELETE", &format!("/{name}"), "").await.unwrap();
    }
}
