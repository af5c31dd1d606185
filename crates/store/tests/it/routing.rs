//! Which node answers: lag, failure and return, on a cluster of their own.

use crate::fixtures::*;
use domain::metrics::Metrics;
use domain::{Clock, EntityKind};
use std::time::Duration;
use store::{Config, Error, NodeRole, ReadPolicy};
use testkit::database::{Opened, node, open, patient, prepare, region};
use testkit::postgres::Cluster;

const DATABASE: &str = "sangraha";

/// A primary with a replica in each region, and a store of region `a` over all of them.
struct Lab {
    primary: Cluster,
    near: Cluster,
    far: Cluster,
    config: Config,
    metrics: Metrics,
}

impl Lab {
    async fn start() -> Option<Self> {
        let primary = Cluster::primary()?;
        prepare(&primary, DATABASE).await;
        let (near, far) = (primary.replica("near"), primary.replica("far"));
        let (a, b) = (region("a"), region("b"));
        let config = Config {
            primary: Some(node(&primary, "sangraha_app", DATABASE, &a)),
            primary_reader: Some(node(&primary, "sangraha_reader", DATABASE, &a)),
            replicas: vec![
                node(&near, "sangraha_reader", DATABASE, &a),
                node(&far, "sangraha_reader", DATABASE, &b),
            ],
            primary_read_budget: 1,
            connect_ms_max: 2_000,
            acquire_ms_max: 2_000,
            probe_interval_ms: 20,
            ..patient()
        };
        Some(Self { primary, near, far, config, metrics: Metrics::default() })
    }

    async fn open(&self) -> Opened {
        open(&self.config, Clock::system(), self.metrics.clone()).await
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let holds = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_replica_is_waited_for_and_then_passed_over() {
    let Some(lab) = Lab::start().await else { return };
    let opened = lab.open().await;
    let (reader, writer) = (opened.store.reader.clone(), writer(&opened.store));
    assert_eq!(any(&opened.store).await.node(), "near");
    assert_eq!(any(&opened.store).await.role(), NodeRole::Replica);

    lab.near.sql(DATABASE, "select pg_wal_replay_pause()");
    let mut tx = writer.begin("test").await.unwrap();
    let made = import_in(&mut tx, tag("fresh")).await;
    let point = tx.commit().await.unwrap();
    let seen = |read: store::Read| async move {
        read.detail(EntityKind::Tag, made.entity.id).await.unwrap().is_some()
    };
    let stale = any(&opened.store).await;
    assert_eq!((stale.node().as_str(), stale.lsn() < point.lsn), ("near", true));
    assert!(!seen(stale).await);
    assert!(!reader.await_replayed(point.lsn, Duration::from_millis(5)).await.unwrap());

    let policy = ReadPolicy::AtLeast { lsn: point.lsn, wait_ms: 10 };
    lab.far.sql(DATABASE, "select pg_wal_replay_pause()");
    let beyond = writer.insert_lsn().await.unwrap();
    assert!(beyond >= point.lsn);
    let elsewhere = reader.read(policy).await.unwrap();
    assert_ne!(elsewhere.node(), "near");
    assert!(seen(elsewhere).await);

    lab.near.sql(DATABASE, "select pg_wal_replay_resume()");
    assert!(reader.await_replayed(point.lsn, Duration::from_secs(30)).await.unwrap());
    let near = reader.read(policy).await.unwrap();
    assert_eq!((near.node().as_str(), near.lsn() >= point.lsn), ("near", true));
    assert!(seen(near).await);
    let text = lab.metrics.encode();
    assert!(text.contains("reason=\"nearer_behind\""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_move_on_when_nodes_die_and_return_with_them() {
    let Some(mut lab) = Lab::start().await else { return };
    let opened = lab.open().await;
    let (reader, writer) = (opened.store.reader.clone(), writer(&opened.store));
    let made = import(&writer, tag("kept")).await;
    let point = writer.insert_lsn().await.unwrap();
    for node in [&lab.near, &lab.far] {
        let replayed = "select pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint";
        until("replay", || node.sql(DATABASE, replayed).parse::<u64>().unwrap() >= point).await;
    }
    let answers = async || {
        let read = reader.read(ReadPolicy::Any).await.unwrap();
        assert!(read.detail(EntityKind::Tag, made.entity.id).await.unwrap().is_some());
        read.node()
    };
    assert_eq!(answers().await, "near");

    // A read that has chosen the node before it dies is answered by another one.
    let chosen = reader.read(ReadPolicy::Any).await.unwrap();
    assert_eq!(chosen.node(), "near");
    lab.near.stop();
    assert!(chosen.detail(EntityKind::Tag, made.entity.id).await.unwrap().is_some());
    assert_eq!(chosen.node(), "far");
    for _ in 0..20 {
        assert_eq!(answers().await, "far");
    }

    lab.far.stop();
    let is_down = |index: usize| !reader.nodes()[index].up;
    until("the prober sees it", || is_down(0) && is_down(1)).await;
    let held = reader.read(ReadPolicy::Any).await.unwrap();
    assert_eq!((held.node().as_str(), held.role()), ("primary", NodeRole::Primary));
    // The budget of the primary is one read; the next one is sent to a node that cannot answer.
    let beyond = reader.read(ReadPolicy::Any).await.unwrap();
    assert_ne!(beyond.node(), "primary");
    drop(held);
    assert!(beyond.detail(EntityKind::Tag, made.entity.id).await.unwrap().is_some(), "the retry finds it");

    lab.near.start();
    until("the replica is trusted again", || reader.nodes()[0].breaker == "closed" && reader.nodes()[0].up)
        .await;
    assert_eq!(answers().await, "near");
    let text = lab.metrics.encode();
    for reason in ["nearest", "nearer_down", "retry", "budget_spent"] {
        assert!(text.contains(&format!("reason=\"{reason}\"")), "{reason} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_primary_reads_go_on_and_writes_say_so() {
    let Some(mut lab) = Lab::start().await else { return };
    let opened = lab.open().await;
    let (reader, writer) = (opened.store.reader.clone(), writer(&opened.store));
    let kept = import(&writer, tag("kept")).await;
    let point = writer.insert_lsn().await.unwrap();
    assert!(reader.await_replayed(point, Duration::from_secs(30)).await.unwrap());

    let mut open_transaction = writer.begin("test").await.unwrap();
    lab.primary.stop();
    let failed = open_transaction.account_insert(id(), "late", &[]).await;
    assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
    assert!(matches!(writer.begin("test").await, Err(Error::Unavailable(_))));
    until("the circuit is open", || !writer.is_available()).await;
    assert!(matches!(writer.aggregate(kept.entity).await, Err(Error::Unavailable(_))));
    let read = any(&opened.store).await;
    assert_eq!(read.node(), "near");
    assert!(read.detail(EntityKind::Tag, kept.entity.id).await.unwrap().is_some());

    lab.primary.start();
    until("writes return", || writer.is_available()).await;
    import(&writer, tag("again")).await;
    until("the standby streams", || lab.primary.sql(DATABASE, STREAMING) == "2").await;
    let flushed = writer.flushed_lsn("near").await.unwrap();
    assert!(flushed.is_some());
    assert_eq!(writer.flushed_lsn("nobody").await.unwrap(), None);
}

const STREAMING: &str = "select count(*) from pg_stat_replication where state = 'streaming'";

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_replica_begins_a_new_epoch_and_fences_the_old_one() {
    let Some(mut lab) = Lab::start().await else { return };
    let opened = lab.open().await;
    import(&writer(&opened.store), tag("before")).await;
    let point = writer(&opened.store).insert_lsn().await.unwrap();
    assert!(opened.store.reader.await_replayed(point, Duration::from_secs(30)).await.unwrap());
    lab.primary.stop();
    lab.near.promote();

    let a = region("a");
    let config = Config {
        primary: Some(node(&lab.near, "sangraha_app", DATABASE, &a)),
        replicas: vec![node(&lab.near, "sangraha_reader", DATABASE, &a)],
        ..patient()
    };
    let promoted = open(&config, Clock::system(), Metrics::default()).await;
    let writer = writer(&promoted.store);
    let mut early = writer.begin("test").await.unwrap();
    let noted = early.audit_note(&context(), "note", None, serde_json::json!({})).await;
    assert!(matches!(noted, Err(Error::Fenced)), "{noted:?}");
    drop(early);
    let epoch = writer.epoch_begin().await.unwrap();
    assert_eq!((epoch.epoch, epoch.timeline), (2, 2));
    import(&writer, tag("after")).await;
    assert!(writer.audit_verify().await.unwrap().is_intact());
    let truth = any(&promoted.store).await.versions(EntityKind::Tag, None, 10).await.unwrap();
    assert!(truth.iter().all(|(_, version)| version >> 48 == 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_in_the_place_of_the_primary_takes_no_writes() {
    let Some(lab) = Lab::start().await else { return };
    let a = region("a");
    let config = Config {
        primary: Some(node(&lab.near, "sangraha_app", DATABASE, &a)),
        replicas: vec![node(&lab.near, "sangraha_reader", DATABASE, &a)],
        ..patient()
    };
    let opened = open(&config, Clock::system(), Metrics::default()).await;
    let begun = writer(&opened.store).begin("test").await;
    assert!(matches!(begun.map(drop), Err(Error::Unavailable(_))));
}
