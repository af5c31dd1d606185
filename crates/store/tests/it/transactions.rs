//! Transactions: dropped, cancelled, failed, committed.

use crate::fixtures::*;
use std::pin::pin;
use std::task::Poll;
use store::{Error, ReadPolicy};
use testkit::database::{Database, fresh};

/// Connections of this database that are inside a transaction now.
fn in_transaction(database: &Database) -> String {
    database.sql(
        "select count(*) from pg_stat_activity where datname = current_database()
         and application_name = 'sangraha-write' and state like 'idle in transaction%'",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_begin_leaves_no_transaction_open() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    for round in 0..200_u32 {
        let mut begin = pin!(writer.begin("test.dropped"));
        let mut polls_left = round % 8;
        let outcome = std::future::poll_fn(|context| match begin.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if polls_left == 0 => Poll::Ready(None),
            Poll::Pending => {
                polls_left -= 1;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        });
        drop(outcome.await);
    }
    while in_transaction(&database) != "0" {} // rollbacks run on tasks of their own
    let mut tx = writer.begin("test.after").await.unwrap();
    import_in(&mut tx, tag("after")).await;
    tx.commit().await.unwrap();
    assert_eq!(in_transaction(&database), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_is_rolled_back() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let mut tx = writer.begin("test.dropped").await.unwrap();
    let gone = import_in(&mut tx, raga("Tōḍi")).await;
    drop(tx);
    while in_transaction(&database) != "0" {}
    assert!(writer.aggregate(gone.entity).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_statement_makes_the_commit_fail() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let mut tx = writer.begin("test.failed").await.unwrap();
    let (account, name) = (id(), "meera");
    tx.account_insert(account, name, &[]).await.unwrap();
    let again = tx.account_insert(id(), name, &[]).await;
    assert!(matches!(again, Err(Error::Conflict { constraint }) if constraint == "account_name_key"));
    assert!(matches!(tx.commit().await, Err(Error::TransactionFailed)));
    assert!(writer.accounts().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_point_is_where_the_commit_can_be_seen() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let mut last = 0;
    for name in ["a", "b", "c"] {
        let mut tx = writer.begin("test.commit").await.unwrap();
        let made = import_in(&mut tx, tag(name)).await;
        let point = tx.commit().await.unwrap();
        assert_eq!(point.epoch, 1);
        assert!(point.lsn > last && writer.insert_lsn().await.unwrap() >= point.lsn);
        last = point.lsn;
        let policy = ReadPolicy::AtLeast { lsn: point.lsn, wait_ms: 10_000 };
        let read = opened.store.reader.read(policy).await.unwrap();
        assert!(read.lsn() >= point.lsn);
        assert!(read.detail(made.entity.kind, made.entity.id).await.unwrap().is_some());
    }
}
