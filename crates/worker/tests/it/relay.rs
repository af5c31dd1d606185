//! From the outbox to positions.

use crate::support::*;
use domain::metrics::Metrics;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use stream::Entry;
use testkit::database::{node, patient, prepare, region};
use testkit::postgres::Cluster;
use worker::relay::Config;

async fn all_entries(world: &World) -> Vec<Entry> {
    let mut entries = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry: &Entry| entry.position);
        let page = world.stream.read(after, 500, Duration::ZERO).await.unwrap();
        if page.is_empty() {
            return entries;
        }
        entries.extend(page);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_have_no_gap_and_keep_the_order_of_each_aggregate() {
    let Some((_database, world)) = World::fresh().await else { return };
    let _relay = world.relay();
    const WRITERS: usize = 5;
    const EVENTS: i64 = 20;
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let writer = world.writer.clone();
            tokio::spawn(async move {
                let entity = some_tag();
                for version in 1..=EVENTS {
                    event(&writer, entity, version).await;
                }
            })
        })
        .collect();
    for task in writers {
        task.await.unwrap();
    }
    let head = world.relayed().await;
    assert_eq!(head, WRITERS as u64 * EVENTS as u64);
    let entries = all_entries(&world).await;
    assert_eq!(
        entries.iter().map(|entry| entry.position).collect::<Vec<_>>(),
        (1..=head).collect::<Vec<_>>()
    );
    assert_eq!(entries.iter().map(|entry| entry.event.id).collect::<BTreeSet<_>>().len(), entries.len());
    assert!(entries.is_sorted_by_key(|entry| entry.lsn), "positions of the WAL rise with the log");
    let mut versions: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for entry in &entries {
        versions.entry(entry.event.entity).or_default().push(entry.event.version);
    }
    assert!(versions.values().all(|versions| versions.iter().copied().eq(1..=EVENTS)), "{versions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn event_that_cannot_be_read_is_set_aside_and_sent_when_it_can() {
    let Some((database, world)) = World::fresh().await else { return };
    let (before, odd, behind) = (some_tag(), some_tag(), some_tag());
    for tag in [before, odd, behind] {
        event(&world.writer, tag, 1).await;
    }
    let rename = |table, from, to| {
        format!(
            "update {table} set event_kind = '{to}' where aggregate_id = '{}' and event_kind = '{from}'",
            odd.id
        )
    };
    database.sql(&rename("outbox_event", "published", "melted"));
    let _relay = world.relay();
    world.relayed().await;
    let heard = |entries: &[Entry]| entries.iter().filter_map(|entry| entry.event.entity).collect::<Vec<_>>();
    assert_eq!(heard(&all_entries(&world).await), [before, behind]);
    assert_eq!(counted(&world.metrics, "outbox_parked_total"), 1);
    let [parked] = &world.writer.outbox_parked().await.unwrap()[..] else { panic!("one is set aside") };
    assert_eq!(parked.described, format!("melted tag {}", odd.id));

    let refused = world.writer.outbox_replay(parked.event_id).await;
    assert!(matches!(refused, Err(store::Error::Corrupt(_))), "{refused:?}");
    assert_eq!(world.writer.outbox_state().await.unwrap().parked, 1, "what cannot be read stays");

    database.sql(&rename("outbox_dead", "melted", "published"));
    world.writer.outbox_replay(parked.event_id).await.unwrap();
    world.relayed().await;
    assert_eq!(heard(&all_entries(&world).await), [before, behind, odd]);
    assert_eq!(world.writer.outbox_parked().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_relay_leads_and_another_takes_over_when_its_connection_dies() {
    let Some((database, world)) = World::fresh().await else { return };
    let (first, second) = (Metrics::default(), Metrics::default());
    let leads = |metrics: &Metrics| counted(metrics, "relay_leading") == 1;
    let patient = Config { retry_ms: 60_000, ..RELAY };
    let _first = world.relay_as(patient, &first);
    until("the first leads", async || leads(&first).then_some(())).await;
    let _second = world.relay_as(RELAY, &second);
    event(&world.writer, some_tag(), 1).await;
    world.relayed().await;
    assert!(leads(&first) && !leads(&second));

    // The lock is given back when the server sees the end of the connection, which it does here at once.
    let holder = "select pg_terminate_backend(l.pid) from pg_locks l join pg_database d on d.oid = l.database
        where l.locktype = 'advisory' and d.datname = current_database()";
    assert_eq!(database.sql(holder), "t");
    until("the second leads", async || leads(&second).then_some(())).await;
    until("the first knows", async || (!leads(&first)).then_some(())).await;
    let tag = some_tag();
    event(&world.writer, tag, 1).await;
    assert_eq!(world.relayed().await, 2);
    let entries = all_entries(&world).await;
    assert_eq!(entries.iter().map(|entry| entry.position).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(entries[1].event.entity, Some(tag));
    for metrics in [&first, &second] {
        is_counted(metrics, "outbox_relayed_total", 1).await;
    }
}

/// Waits for a count, which rises after the commit that it counts.
async fn is_counted(metrics: &Metrics, name: &str, count: i64) {
    until(name, async || (counted(metrics, name) == count).then_some(())).await;
}

/// Stops or continues the process that receives the WAL, as a network that drops packets would.
fn signal(standby: &Cluster, signal: &str) {
    let pid = standby.sql("postgres", "select pid from pg_stat_wal_receiver");
    let sent = std::process::Command::new("kill").args([signal, pid.as_str()]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_for_the_standby_and_leave_without_it_when_it_takes_too_long() {
    const DATABASE: &str = "sangraha";
    let Some(primary) = Cluster::primary() else { return };
    prepare(&primary, DATABASE).await;
    let mut standby = primary.replica("standby");
    let a = region("a");
    let config = store::Config {
        primary: Some(node(&primary, "sangraha_app", DATABASE, &a)),
        replicas: vec![node(&primary, "sangraha_reader", DATABASE, &a)],
        ..patient()
    };
    let world = World::over(&quick(config)).await;
    let streaming = "select count(*) from pg_stat_replication where state = 'streaming'";
    let is_streaming = async || (primary.sql("postgres", streaming) == "1").then_some(());
    until("the standby streams", is_streaming).await;

    let gate = Duration::from_millis(1_500);
    let config =
        Config { gate_standby: "standby".into(), gate_ms_max: gate.as_millis().try_into().unwrap(), ..RELAY };
    let _relay = world.relay_as(config, &world.metrics);
    // How long an event took, and whether it left ungated.
    let carried = async || {
        let began = Instant::now();
        event(&world.writer, some_tag(), 1).await;
        let head = world.relayed().await;
        let entries = world.stream.read(head - 1, 1, Duration::ZERO).await.unwrap();
        (began.elapsed(), entries[0].ungated)
    };
    assert!(!carried().await.1, "a standby that is there has it");

    signal(&standby, "-STOP");
    let (took, ungated) = carried().await;
    assert!(took >= gate && ungated, "{took:?}");
    is_counted(&world.metrics, "outbox_ungated_total", 1).await;
    let writer = world.writer.clone();
    let waiting = tokio::spawn(async move { event(&writer, some_tag(), 1).await });
    waiting.await.unwrap();
    signal(&standby, "-CONT");
    world.relayed().await;
    assert!(!carried().await.1, "it is waited for again");
    let ungated = counted(&world.metrics, "outbox_ungated_total");

    standby.stop();
    let (took, alone) = carried().await;
    assert!(took >= gate && alone, "{took:?}");
    is_counted(&world.metrics, "outbox_ungated_total", ungated + 1).await;
    // One that is away is waited for once. A busy machine may take as long for one event, hardly for each of three.
    let mut quickest = gate;
    for _ in 0..3 {
        let (took, alone) = carried().await;
        assert!(alone);
        quickest = quickest.min(took);
    }
    assert!(quickest < gate, "{quickest:?}");
    is_counted(&world.metrics, "outbox_ungated_total", ungated + 4).await;

    standby.start();
    until("the standby streams again", is_streaming).await;
    assert!(!carried().await.1, "one that is back is waited for");
    let positions: Vec<u64> = all_entries(&world).await.iter().map(|entry| entry.position).collect();
    assert!(positions.iter().copied().eq(1..=positions.len() as u64), "{positions:?}");
}
