//! Beginning anew, and the proof that nothing was lost.

use crate::support::*;
use domain::EntityRef;
use search::{Facet, Position, Query};
use testkit::fixtures::mela;

/// Everything that a reader of the index could tell one from another by.
async fn seen(world: &World) -> (Vec<(EntityRef, u64)>, Vec<EntityRef>, String) {
    let query = Query { facets: Facet::ALL.to_vec(), limit: 100, ..Query::default() };
    let answer = world.search.query(&query).await.unwrap();
    let hits: Vec<EntityRef> = answer.hits.iter().map(|hit| hit.entity).collect();
    (world.search.versions(None, 1_000).await.unwrap(), hits, format!("{:?}", answer.facets))
}

/// A catalogue with a history.
async fn history(world: &World) -> Vec<EntityRef> {
    let refers = refers(&world.writer, mela(15)).await;
    let mut songs = Vec::new();
    for title in ["vātāpi", "mahāgaṇapatim", "śrī nāthādi", "akhilāṇḍēśvari"] {
        songs.push(import(&world.writer, song(title, refers)).await);
    }
    import(&world.writer, group("Gaṇēśa", &songs[..2])).await;
    retitle(&world.writer, songs[0], "vātāpi gaṇapatiṁ bhajēham").await;
    unpublish(&world.writer, songs[3]).await;
    songs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuilt_index_is_the_one_that_was_fed() {
    let Some((_database, world)) = World::fresh().await else { return };
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    history(&world).await;
    let head = world.settled().await;
    let fed = seen(&world).await;
    let generation = world.search.stats().await.unwrap().generation;
    assert_eq!(orders.rebuild().await.unwrap(), world.search.stats().await.unwrap().documents);
    assert_ne!(world.search.stats().await.unwrap().generation, generation);
    assert_eq!(seen(&world).await, fed);
    assert_eq!(world.position(), Some(Position { epoch: 1, position: head }));
    assert_eq!(world.feed.applied().position, head);
    let drift = orders.compare(false).await.unwrap();
    assert_eq!((drift.total(), drift.database), (0, drift.index));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_an_empty_database_begins_at_0() {
    let Some((_database, world)) = World::fresh().await else { return };
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    assert_eq!(world.settled().await, 0);
    assert_eq!(world.position(), Some(Position { epoch: 1, position: 0 }));
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
    let tag = import(&world.writer, tag("bhakti")).await;
    assert_eq!(world.settled().await, 1);
    assert_eq!(world.search.versions(None, 10).await.unwrap(), [(tag, store::document_version(1, 1))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_index_is_built_again_and_edges_miss_nothing() {
    let Some((database, world)) = World::fresh().await else { return };
    let relay = world.relay();
    let (follower, orders) = world.follower();
    history(&world).await;
    let before = world.settled().await;
    let fed = seen(&world).await;
    drop((follower, orders));
    let missed = import(&world.writer, tag("missed")).await;
    let head = world.relayed().await;
    drop(relay);

    let reborn = World::over(&quick(database.config())).await;
    let (_follower, orders) = reborn.follower();
    assert_eq!(reborn.settled().await, head);
    assert!(reborn.search.versions(None, 1_000).await.unwrap().iter().any(|(entity, _)| *entity == missed));
    let batch = reborn.ask(1, before).await;
    assert!(!batch.purge_all);
    assert_eq!((batch.purges.len() as u64, batch.position), (head - before, head));
    assert_eq!(batch.purges[0].tags, domain::event::surrogate_keys(missed));
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);

    // Without what it missed, the index is the one that is gone.
    let gone = search::Change::Delete { entity: missed, version: store::document_version(1, 2) };
    reborn.search.apply(&[gone]).await.unwrap();
    assert_eq!(seen(&reborn).await, fed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_between_events_tells_the_edges_of_each() {
    let Some((_database, world)) = World::fresh().await else { return };
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    import(&world.writer, tag("first")).await;
    let before = world.settled().await;
    let imported = async {
        for name in ["second", "third", "fourth"] {
            import(&world.writer, tag(name)).await;
        }
    };
    let (built, ()) = tokio::join!(orders.rebuild(), imported);
    built.unwrap();
    let head = world.settled().await;
    let mut after = before;
    while after < head {
        let batch = world.ask(1, after).await;
        assert!(!batch.purge_all && batch.purges.first().is_some_and(|purge| purge.position == after + 1));
        after = batch.position;
    }
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_ahead_of_a_restored_database_is_built_again_and_edges_drop_everything() {
    let Some((_database, world)) = World::fresh().await else { return };
    let _relay = world.relay();
    import(&world.writer, tag("kept")).await;
    let head = world.relayed().await;
    let ghost = some_tag();
    let document = search::Document::new(ghost, 1, "ghost", chrono::DateTime::UNIX_EPOCH);
    world.search.apply(&[search::Change::Put(document)]).await.unwrap();
    world.search.set_position(Position { epoch: 1, position: 1_000 }).await.unwrap();
    let (_follower, orders) = world.follower_as(worker::follower::Config { replay_ms_max: 50, ..FOLLOWER });
    let at =
        until("the position is of this database", async || world.position().filter(|at| at.position == head))
            .await;
    assert_eq!(at.epoch, 1);
    assert!(world.search.versions(None, 10).await.unwrap().iter().all(|(entity, _)| *entity != ghost));
    let batch = world.ask(1, 1_000).await;
    assert!(batch.purge_all && batch.position == head, "{batch:?}");
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trimmed_log_leads_to_a_rebuild_and_edges_behind_drop_everything() {
    let Some((_database, world)) = World::fresh().await else { return };
    let _relay = world.relay();
    let (follower, orders) = world.follower();
    import(&world.writer, tag("before")).await;
    let before = world.settled().await;
    drop(orders);
    follower.ended().await;
    for name in ["a", "b", "c"] {
        import(&world.writer, tag(name)).await;
    }
    let head = world.relayed().await;
    world.stream.trim(head - 1).await.unwrap();
    let (_follower, orders) = world.follower();
    assert_eq!(world.settled().await, head);
    let batch = world.ask(1, before).await;
    assert!(batch.purge_all && batch.position == head, "{batch:?}");
    assert_eq!(world.ask(1, head - 1).await.purges.len(), 1, "what the log still has is told one by one");
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_epoch_leads_to_a_rebuild_and_edges_drop_everything() {
    let Some((database, world)) = World::fresh().await else { return };
    let relay = world.relay();
    let (_follower, orders) = world.follower();
    history(&world).await;
    let head = world.settled().await;
    relay.ended().await;
    // Recorded in the old epoch, carried in the new one.
    import(&world.writer, tag("late")).await;
    database.sql("update cluster_epoch set epoch = 2");
    until("the follower is in the new epoch", async || world.position().filter(|at| at.epoch == 2)).await;
    assert!(world.search.versions(None, 1_000).await.unwrap().iter().all(|(_, version)| version >> 48 == 2));
    let batch = world.ask(1, head).await;
    assert_eq!((batch.epoch, batch.purge_all, batch.position), (2, true, head));

    let generation = world.search.stats().await.unwrap().generation;
    let _relay = world.relay();
    assert_eq!(world.settled().await, head + 1);
    import(&world.writer, tag("new")).await;
    assert_eq!(world.settled().await, head + 2);
    assert_eq!(
        world.search.stats().await.unwrap().generation,
        generation,
        "an event of the old epoch is an event"
    );
    assert_eq!(world.position(), Some(Position { epoch: 2, position: head + 2 }));
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_counted_and_mended() {
    let Some((database, world)) = World::fresh().await else { return };
    let relay = world.relay();
    let (_follower, orders) = world.follower();
    let songs = history(&world).await;
    world.settled().await;
    relay.ended().await;
    // Changes whose events are lost: one new, one changed, one withdrawn.
    let missing = import(&world.writer, tag("missing")).await;
    retitle(&world.writer, songs[1], "śrī mahāgaṇapatiravatu mām").await;
    unpublish(&world.writer, songs[2]).await;
    database.sql("delete from outbox_event o using stream_cursor c where (o.tx, o.seq) > (c.tx, c.seq)");
    let drift = orders.compare(false).await.unwrap();
    assert_eq!((drift.missing, drift.stale, drift.extra, drift.repairs), (1, 1, 1, 0));
    let drift = orders.compare(true).await.unwrap();
    assert_eq!((drift.total(), drift.repairs), (3, 3));
    let drift = orders.compare(true).await.unwrap();
    assert_eq!((drift.total(), drift.repairs), (0, 0));
    assert!(world.search.versions(None, 1_000).await.unwrap().iter().any(|(entity, _)| *entity == missing));
    assert_eq!(world.found(&Query::text("mahaganapatiravatu")).await, [songs[1].id]);
    assert!(!world.found(&Query::text("nathadi")).await.contains(&songs[2].id));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_outranks_the_truth_is_mended_by_a_rebuild() {
    let Some((_database, world)) = World::fresh().await else { return };
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    let tag = import(&world.writer, tag("kept")).await;
    world.settled().await;
    // As a database that went back leaves it: a deletion and a document from a future that is no more.
    let version = store::document_version(1, 7);
    let ghost = search::Document::new(some_tag(), version, "ghost", chrono::DateTime::UNIX_EPOCH);
    let changes = [search::Change::Delete { entity: tag, version }, search::Change::Put(ghost)];
    world.search.apply(&changes).await.unwrap();
    let drift = orders.compare(true).await.unwrap();
    assert_eq!((drift.missing, drift.extra, drift.repairs), (1, 1, 2));
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
    assert_eq!(world.search.versions(None, 10).await.unwrap(), [(tag, store::document_version(1, 1))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_on_its_way_is_no_drift() {
    let Some((_database, world)) = World::fresh().await else { return };
    let (_relay, (_follower, orders)) = (world.relay(), world.follower());
    let tag = import(&world.writer, tag("busy 0")).await;
    world.settled().await;
    let writing = async {
        for round in 1..=40 {
            edit(&world.writer, tag, crate::support::tag(&format!("busy {round}"))).await;
        }
    };
    let comparing = async {
        for _ in 0..5 {
            assert_eq!(orders.compare(true).await.unwrap().repairs, 0);
        }
    };
    tokio::join!(writing, comparing);
    world.settled().await;
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
}
