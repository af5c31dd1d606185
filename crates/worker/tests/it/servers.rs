//! A follower whose index is on servers that go away, are busy, or take no changes: nothing is lost. And
//! searches that go on while an index is built anew.

use crate::support::*;
use search::{Config, OpenSearchConfig, Query};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use testkit::fixtures::mela;
use testkit::opensearch::{OpenSearch, shared};
use testkit::{ChaosProxy, Fault, FaultyHttp, Mood};
use uuid::Uuid;

/// An index on servers, reached by a way that misbehaves.
fn at(address: SocketAddr) -> (Config, String) {
    let beginning = format!("follow-{}", Uuid::now_v7().simple());
    let url = format!("http://{address}").parse().unwrap();
    let config = OpenSearchConfig {
        query_ms_max: 5_000,
        tries_max: 2,
        retry_ms: 1,
        rest_ms: 20,
        ..OpenSearchConfig::new(url, &beginning)
    };
    (Config::OpenSearch(config), beginning)
}

async fn names(node: &OpenSearch, beginning: &str) -> Vec<String> {
    let (_, names) = node.request("GET", &format!("/_cat/indices/{beginning}-*?h=index"), "").await.unwrap();
    names.lines().map(str::to_owned).collect()
}

async fn clear(node: &OpenSearch, beginning: &str) {
    for name in names(node, beginning).await {
        node.request("DELETE", &format!("/{name}"), "").await.unwrap();
    }
}

/// What happened while the servers were away is found, and database and index agree.
async fn caught_up(world: &World, orders: &worker::follower::Orders, text: &str) {
    world.settled().await;
    let found = until("the index answers", async || world.search.query(&Query::text(text)).await.ok()).await;
    assert_eq!(found.total, 1, "{text}");
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_waits_for_servers_that_are_gone_and_catches_up() {
    let Some(node) = shared().await else { return };
    let Some(database) = testkit::database::fresh().await else { return };
    let proxy = ChaosProxy::start(node.address()).await.unwrap();
    let (config, beginning) = at(proxy.address());
    let world = World::with_index(&quick(database.config()), &config).await;
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    let refers = refers(&world.writer, mela(15)).await;
    import(&world.writer, song("vātāpi", refers)).await;
    let before = world.settled().await;
    for mood in [Mood::Cut, Mood::Silent] {
        proxy.set(mood);
        let song = import(&world.writer, song(&format!("akhilāṇḍēśvari {mood:?}"), refers)).await;
        retitle(&world.writer, song, &format!("śrī nāthādi {mood:?}")).await;
        assert!(world.relayed().await > before, "the log goes on without an index");
        until("the index is missed", async || world.search.query(&Query::default()).await.err()).await;
        proxy.set(Mood::Good);
        caught_up(&world, &orders, &format!("sri nathadi {mood:?}")).await;
    }
    clear(node, &beginning).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_busy_servers_loses_nothing() {
    let Some(node) = shared().await else { return };
    let Some(database) = testkit::database::fresh().await else { return };
    let proxy = FaultyHttp::start(node.address()).await.unwrap();
    let (config, beginning) = at(proxy.address());
    let world = World::with_index(&quick(database.config()), &config).await;
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    let refers = refers(&world.writer, mela(15)).await;
    world.settled().await;
    for fault in [Fault::Status(429), Fault::HalfBulk, Fault::Status(503), Fault::Garbage] {
        let (faults, title) = (proxy.faults(), format!("mahāgaṇapatim {}", proxy.faults()));
        proxy.set(fault);
        import(&world.writer, song(&title, refers)).await;
        import(&world.writer, tag(&format!("tag {faults}"))).await;
        until("the server was asked in vain", async || (proxy.faults() > faults).then_some(())).await;
        world.relayed().await;
        proxy.set(Fault::None);
        caught_up(&world, &orders, &title).await;
    }
    clear(node, &beginning).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_waits_until_an_index_takes_changes_again() {
    let Some(node) = shared().await else { return };
    let Some(database) = testkit::database::fresh().await else { return };
    let (config, beginning) = at(node.address());
    let world = World::with_index(&quick(database.config()), &config).await;
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    let refers = refers(&world.writer, mela(15)).await;
    import(&world.writer, song("vātāpi", refers)).await;
    world.settled().await;
    // A full disk sets the first one by itself.
    let songs = [("read_only_allow_delete", "nagumōmu ganalēni"), ("read_only", "sogasugā mr̥daṅga tāḷamu")];
    for (block, title) in songs {
        set(node, &beginning, block, "true").await;
        let before = world.position();
        import(&world.writer, song(title, refers)).await;
        world.relayed().await;
        let answer = world.search.query(&Query::text("vatapi")).await.unwrap();
        assert_eq!((answer.total, world.position()), (1, before), "{block}: readers go on");
        set(node, &beginning, block, "null").await;
        caught_up(&world, &orders, title).await;
    }
    clear(node, &beginning).await;
}

async fn set(node: &OpenSearch, beginning: &str, block: &str, value: &str) {
    let settings = format!("{{\"index.blocks.{block}\": {value}}}");
    for name in names(node, beginning).await {
        let (status, said) = node.request("PUT", &format!("/{name}/_settings"), &settings).await.unwrap();
        assert_eq!(status, 200, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn searches_go_on_while_an_index_is_built_anew_and_none_is_empty() {
    const REBUILDS: usize = 5;
    let Some((_database, world)) = World::fresh().await else { return };
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    let refers = refers(&world.writer, mela(15)).await;
    for number in 0..30 {
        import(&world.writer, song(&format!("vātāpi gaṇapatim {number}"), refers)).await;
    }
    world.settled().await;
    let (ended, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (search, ended, asked) = (world.search.clone(), Arc::clone(&ended), Arc::clone(&asked));
            tokio::spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    let answer = search.query(&Query::text("vatapi ganapatim")).await.unwrap();
                    assert!(answer.partial || answer.total == 30, "{} were found", answer.total);
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let generation = world.search.stats().await.unwrap().generation;
    for _ in 0..REBUILDS {
        let before = asked.load(Ordering::Relaxed);
        assert!(orders.rebuild().await.unwrap() > 30);
        until("readers went on", async || (asked.load(Ordering::Relaxed) > before + 10).then_some(())).await;
    }
    ended.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("no search failed");
    }
    assert_ne!(world.search.stats().await.unwrap().generation, generation);
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
}
