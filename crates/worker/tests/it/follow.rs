//! From positions to index, cache and edges.

use crate::support::*;
use cache::Entry;
use domain::event::{surrogate_key, surrogate_keys};
use domain::{EntityKind, EntityRef};
use search::{Facet, Filters, Query};
use std::time::Duration;
use testkit::fixtures::mela;

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_reaches_index_cache_and_edge_before_the_position() {
    let Some((_database, world)) = World::fresh().await else { return };
    let refers = refers(&world.writer, mela(15)).await;
    let (_relay, (_follower, _orders)) = (world.relay(), world.follower_as(WAITS_FOR_EDGES));
    let before = world.settled().await;
    assert_eq!(world.feed.applied().position, before);

    let asked = {
        let feed = world.feed.clone();
        tokio::spawn(async move { feed.next("edge", 1, before, Duration::from_secs(30)).await })
    };
    until("the edge asks", async || world.feed.edges().contains_key("edge").then_some(())).await;
    let kept =
        Entry { body: "old".into(), etag: "old".into(), tags: vec!["list:compositions".to_owned()], lsn: 1 };
    world.cache.set("list:all", kept, Duration::from_secs(60)).await.unwrap();
    let song = import(&world.writer, song("vātāpi gaṇapatiṁ", refers)).await;

    let batch = asked.await.unwrap().unwrap();
    let [purge] = &batch.purges[..] else { panic!("one purge, not {batch:?}") };
    assert_eq!((batch.epoch, batch.purge_all, batch.position), (1, false, before + 1));
    assert_eq!(purge.tags, surrogate_keys(song));
    // The edge has heard of it: what lies behind the edge is fresh already.
    assert_eq!(world.found(&Query::text("vatapi")).await, [song.id]);
    assert!(world.cache.get("list:all").await.is_none());
    let read = world.opened.store.reader.read(store::ReadPolicy::Any).await.unwrap();
    assert!(read.detail(song.kind, song.id).await.unwrap().is_some());
    // And it has not said that it applied it.
    assert_eq!(world.position().map(|at| at.position), Some(before));
    let next = {
        let feed = world.feed.clone();
        tokio::spawn(async move { feed.next("edge", 1, before + 1, Duration::from_secs(30)).await })
    };
    assert_eq!(world.settled().await, before + 1);
    next.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_says_nothing_holds_up_nobody_for_long() {
    let Some((_database, world)) = World::fresh().await else { return };
    let _relay = world.relay();
    let (_follower, _orders) = world.follower_as(worker::follower::Config { edges_ms_max: 20, ..FOLLOWER });
    world.settled().await;
    drop(world.feed.next("edge", 1, 0, Duration::ZERO).await.unwrap());
    import(&world.writer, tag("bhakti")).await;
    world.settled().await;
    assert_eq!(world.ask(1, 0).await.position, 1, "it catches up by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_cannot_know_what_changed_does_not_say_that_nothing_did() {
    let Some((database, world)) = World::fresh().await else { return };
    world.writer.heartbeat_write().await.unwrap();
    let (_relay, (_follower, _orders)) = (world.relay(), world.follower());
    import(&world.writer, tag("bhakti")).await;
    let head = world.settled().await;
    let ask = || world.feed.next("edge", 1, head, Duration::ZERO);
    let is_current = async |expected: bool| {
        until("a probe sees the heartbeat", async || {
            (world.stream.head().await.unwrap().is_current == expected).then_some(())
        })
        .await;
    };
    assert!(ask().await.unwrap().purges.is_empty());

    database.sql("update heartbeat set at = at - interval '2 hours'");
    is_current(false).await;
    assert!(matches!(ask().await, Err(worker::Error::FeedLate)));
    // What it does know, it tells all the same.
    assert_eq!(world.ask(1, 0).await.position, head);
    assert!(world.ask(7, head).await.purge_all);

    world.writer.heartbeat_write().await.unwrap();
    is_current(true).await;
    assert!(ask().await.unwrap().purges.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_song_is_found_no_more() {
    let Some((_database, world)) = World::fresh().await else { return };
    let refers = refers(&world.writer, mela(15)).await;
    let song = import(&world.writer, song("vātāpi", refers)).await;
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    world.settled().await;
    assert_eq!(world.found(&Query::text("vatapi")).await, [song.id]);
    unpublish(&world.writer, song).await;
    world.settled().await;
    assert!(world.found(&Query::text("vatapi")).await.is_empty());
    change(&world.writer, song, |it| it.submit(&testkit::fixtures::stamp()).unwrap()).await;
    publish(&world.writer, song).await;
    world.settled().await;
    assert_eq!(world.found(&Query::text("vatapi")).await, [song.id]);
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
}

fn ragas(text: &str) -> Query {
    Query { kinds: vec![EntityKind::Raga], ..Query::text(text) }
}

fn with(facet: Facet, value: impl std::fmt::Display) -> Query {
    Query { filters: Filters::default().with(facet, value), ..Query::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_raga_is_found_by_its_new_name() {
    let Some((_database, world)) = World::fresh().await else { return };
    let parent = import(&world.writer, mela(22)).await;
    let raga = import(&world.writer, janya("Ābhēri", parent.id)).await;
    let (_relay, (_follower, _orders)) = (world.relay(), world.follower());
    world.settled().await;
    assert_eq!(world.found(&ragas("abheri")).await, [raga.id]);
    edit(&world.writer, raga, janya("Karnāṭaka Dēvagāndhāri", parent.id)).await;
    let head = world.settled().await;
    assert!(world.found(&ragas("abheri")).await.is_empty());
    assert_eq!(world.found(&ragas("devagandhari")).await, [raga.id]);
    let batch = world.ask(1, head - 1).await;
    assert_eq!(batch.purges[0].tags, [surrogate_key(raga), "list:ragas".to_owned()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn songs_move_with_the_mela_of_their_raga_and_of_its_parent() {
    let Some((_database, world)) = World::fresh().await else { return };
    let first = import(&world.writer, mela(15)).await;
    let second = import(&world.writer, mela(28)).await;
    let refers = refers(&world.writer, janya("Malahari", first.id)).await;
    let raga = EntityRef { kind: EntityKind::Raga, id: refers.raga };
    let song = import(&world.writer, song("śrī gaṇanātha", refers)).await;
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    world.settled().await;
    assert_eq!(world.found(&with(Facet::Mela, 15)).await, [song.id]);

    edit(&world.writer, raga, janya("Malahari", second.id)).await;
    world.settled().await;
    assert_eq!(world.found(&with(Facet::Mela, 28)).await, [song.id]);
    assert!(world.found(&with(Facet::Mela, 15)).await.is_empty());

    edit(&world.writer, second, mela(29)).await;
    world.settled().await;
    assert_eq!(world.found(&with(Facet::Mela, 29)).await, [song.id]);
    assert!(world.found(&with(Facet::Mela, 28)).await.is_empty());
    let in_mela = Query { kinds: vec![EntityKind::Raga], ..with(Facet::Mela, 29) };
    let mut ragas = vec![raga.id, second.id];
    ragas.sort_unstable();
    assert_eq!(world.found(&in_mela).await, ragas);
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn songs_that_join_or_leave_a_group_are_found_so() {
    let Some((_database, world)) = World::fresh().await else { return };
    let refers = refers(&world.writer, mela(15)).await;
    let mut songs = Vec::new();
    for title in ["jagadānanda kāraka", "duḍuku gala", "sādhincenē"] {
        songs.push(import(&world.writer, song(title, refers)).await);
    }
    let ratnas = import(&world.writer, group("Pañcaratna", &songs[..2])).await;
    let (_relay, (_follower, _orders)) = (world.relay(), world.follower());
    world.settled().await;
    let members = with(Facet::Group, ratnas.id);
    assert_eq!(world.found(&members).await, [songs[0].id, songs[1].id]);
    edit(&world.writer, ratnas, group("Pañcaratna", &songs[1..])).await;
    world.settled().await;
    assert_eq!(world.found(&members).await, [songs[1].id, songs[2].id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_holds_up_nothing_behind_it() {
    let Some((database, world)) = World::fresh().await else { return };
    let broken = import(&world.writer, tag("broken")).await;
    let behind = import(&world.writer, tag("behind")).await;
    database.sql(&format!(
        "set session_replication_role = replica;
         update revision set body = '{{}}' where aggregate_id = '{}'",
        broken.id
    ));
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    world.settled().await;
    assert_eq!(
        world.search.versions(None, 10).await.unwrap().iter().map(|(it, _)| *it).collect::<Vec<_>>(),
        [behind]
    );
    let drift = orders.compare(true).await.unwrap();
    assert_eq!((drift.database, drift.index, drift.missing, drift.repairs), (2, 1, 1, 1));
    assert_eq!(orders.rebuild().await.unwrap(), 1);
}
