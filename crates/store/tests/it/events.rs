//! Outbox, log, epoch and fence.

use crate::fixtures::*;
use domain::EntityRef;
use std::collections::HashSet;
use std::time::Duration;
use store::{Error, OutboxCursor, OutboxRow, StreamRow, Writer};
use testkit::database::fresh;
use uuid::Uuid;

fn stream_row(row: &OutboxRow, lsn: u64) -> StreamRow {
    StreamRow { position: 0, epoch: row.epoch, event: row.event.clone(), lsn, ungated: false, purge: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_transaction_holds_back_what_came_after_it() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let mut slow = writer.begin("test.slow").await.unwrap();
    let early = import_in(&mut slow, tag("early")).await; // the audit chain makes the others wait for it
    let quick = outbox_only(&writer).await;
    let batch = writer.outbox_batch(OutboxCursor::default(), 10).await.unwrap();
    assert!(batch.rows.is_empty(), "the later event may not overtake the earlier row");
    let pending = writer.outbox_state().await.unwrap().pending;
    assert_eq!(pending, 1);
    let before = writer.insert_lsn().await.unwrap();
    slow.commit().await.unwrap();
    let batch = outbox(&writer, OutboxCursor::default(), 2).await;
    let entities: Vec<_> = batch.rows.iter().map(|row| row.event.entity).collect();
    assert_eq!(entities, [Some(early.entity), Some(quick)]);
    assert!(batch.lsn > before, "it includes the commit");
    let rest = outbox(&writer, batch.rows[0].cursor, 1).await;
    assert_eq!(rest.rows[0].event.entity, Some(quick));
}

/// An event without its change, so that no audit lock is needed.
async fn outbox_only(writer: &Writer) -> EntityRef {
    let entity = EntityRef { kind: domain::EntityKind::Tag, id: id() };
    let mut tx = writer.begin("test.event").await.unwrap();
    tx.record_event(&event_of(entity, 1)).await.unwrap();
    tx.commit().await.unwrap();
    entity
}

fn event_of(entity: EntityRef, version: i64) -> domain::Event {
    let at = domain::Clock::system().now();
    domain::Event {
        id: Uuid::now_v7(),
        kind: domain::EventKind::Published,
        entity: Some(entity),
        version,
        at,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_lose_nothing_and_keep_the_order_of_a_key() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    const WRITERS: usize = 6;
    const EVENTS: i64 = 25;
    let tasks: Vec<_> = (0..WRITERS)
        .map(|_| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let entity = EntityRef { kind: domain::EntityKind::Tag, id: id() };
                for version in 1..=EVENTS {
                    let mut tx = writer.begin("test.event").await.unwrap();
                    tx.record_event(&event_of(entity, version)).await.unwrap();
                    tokio::task::yield_now().await; // the row is there, its commit is not
                    tx.commit().await.unwrap();
                }
                entity
            })
        })
        .collect();
    let expected = WRITERS * usize::try_from(EVENTS).unwrap();
    let mut cursor = OutboxCursor::default();
    let mut seen: Vec<OutboxRow> = Vec::new();
    while seen.len() < expected {
        let batch = writer.outbox_batch(cursor, 7).await.unwrap();
        cursor = batch.rows.last().map_or(cursor, |row| row.cursor);
        seen.extend(batch.rows);
    }
    let ids: HashSet<Uuid> = seen.iter().map(|row| row.event.id).collect();
    assert_eq!(ids.len(), expected);
    for task in tasks {
        let entity = task.await.unwrap();
        let versions: Vec<i64> =
            seen.iter().filter(|row| row.event.entity == Some(entity)).map(|row| row.event.version).collect();
        assert_eq!(versions, (1..=EVENTS).collect::<Vec<_>>());
    }
    assert!(writer.outbox_batch(cursor, 7).await.unwrap().rows.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cursor_moves_with_the_log_and_old_events_are_deleted() {
    let Some(database) = fresh().await else { return };
    let clock = domain::Clock::fixed(domain::Clock::system().now());
    let opened =
        testkit::database::open(&database.config(), clock.clone(), domain::metrics::Metrics::default()).await;
    let writer = writer(&opened.store);
    for _ in 0..3 {
        outbox_only(&writer).await;
    }
    let batch = outbox(&writer, OutboxCursor::default(), 2).await;
    let rows: Vec<StreamRow> = batch.rows.iter().map(|row| stream_row(row, batch.lsn)).collect();
    let last = batch.rows[1].cursor;
    assert_eq!(writer.stream_append(&rows, Some(last)).await.unwrap(), 2);
    assert_eq!(writer.outbox_cursor().await.unwrap(), last);
    assert_eq!(writer.outbox_state().await.unwrap().pending, 1);
    // Once more, as after a crash between the append and its answer.
    assert_eq!(writer.stream_append(&rows, Some(last)).await.unwrap(), 2);
    // An older cursor does not take it back.
    assert_eq!(writer.stream_append(&[], Some(OutboxCursor::default())).await.unwrap(), 2);
    assert_eq!(writer.outbox_cursor().await.unwrap(), last);

    assert_eq!(writer.outbox_delete_relayed(chrono::Duration::zero()).await.unwrap(), 0);
    clock.advance(chrono::Duration::hours(25));
    assert_eq!(writer.outbox_delete_relayed(chrono::Duration::zero()).await.unwrap(), 2);
    assert_eq!(writer.outbox_state().await.unwrap().pending, 1);
    assert_eq!(any(&opened.store).await.stream_read(0, 10).await.unwrap()[0].lsn, batch.lsn);
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_wake_the_relay() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let mut wakeups = writer.wakeups().await.unwrap();
    outbox_only(&writer).await;
    let begun = std::time::Instant::now();
    wakeups.next(Duration::from_secs(30)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "nobody was woken");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_leads() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let mut leader = writer.lead("relay").await.unwrap().expect("nobody leads yet");
    leader.check().await.unwrap();
    assert!(writer.lead("relay").await.unwrap().is_none());
    assert!(writer.lead("another task").await.unwrap().is_some());
    leader.resign().await;
    // The server frees the lock when it sees the end of the connection.
    while writer.lead("relay").await.unwrap().is_none() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_an_epoch_that_is_over_is_refused() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let mut stale = writer.begin("test.stale").await.unwrap();
    let mut audited = writer.begin("test.stale").await.unwrap();
    database.sql("update cluster_epoch set epoch = 2");
    let entity = EntityRef { kind: domain::EntityKind::Tag, id: id() };
    assert!(matches!(stale.record_event(&event_of(entity, 1)).await, Err(Error::Fenced)));
    assert!(matches!(stale.commit().await, Err(Error::TransactionFailed)));
    let noted = audited.audit_note(&context(), "note", None, serde_json::json!({})).await;
    assert!(matches!(noted, Err(Error::Fenced)));
    drop(audited);

    outbox_only(&writer).await; // a transaction that begins now knows the new epoch
    database.sql("update cluster_epoch set epoch = 1");
    let mut isolated = writer.begin("test.isolated").await.unwrap();
    let refused = isolated.record_event(&event_of(entity, 1)).await;
    assert!(matches!(refused, Err(Error::Fenced)), "who has seen epoch 2 does not write to epoch 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_between_promotion_and_the_new_epoch_is_refused() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    database.sql("update cluster_epoch set timeline = 0"); // as if this server had been promoted since
    let mut tx = writer.begin("test.early").await.unwrap();
    let entity = EntityRef { kind: domain::EntityKind::Tag, id: id() };
    assert!(matches!(tx.record_event(&event_of(entity, 1)).await, Err(Error::Fenced)));
    drop(tx);
    assert!(matches!(writer.stream_append(&[], None).await, Err(Error::Fenced)));

    let epoch = writer.epoch_begin().await.unwrap();
    assert_eq!((epoch.epoch, epoch.timeline), (2, 1));
    assert_eq!(database.sql("select epoch, timeline from cluster_epoch_history"), "1|0");
    assert_eq!(writer.epoch_begin().await.unwrap(), epoch);
    outbox_only(&writer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heartbeat_is_seen_by_readers() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let before = any(&opened.store).await.heartbeat().await.unwrap();
    writer(&opened.store).heartbeat_write().await.unwrap();
    let after = any(&opened.store).await.heartbeat().await.unwrap();
    assert!(after.at > before.at);
    let epoch = opened.store.reader.epoch().await.unwrap();
    assert_eq!(epoch, writer(&opened.store).epoch_row().await.unwrap());
    assert_eq!((epoch.epoch, epoch.stream_head), (1, 0));
}
