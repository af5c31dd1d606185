//! The promises of [`Cache`], kept by every backend. Each is a plain function over the façade; one that is
//! not listed is dead code, which does not build.

use crate::{Cache, Config, Entry, Error, Outcome, Refusal};
use bytes::Bytes;
use chrono::{DateTime, Duration as Span};
use domain::Clock;
use domain::metrics::Metrics;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

macro_rules! conformance {
    (backends { $($backend:ident => $config:expr;)+ } promises $promises:tt) => {
        $(conformance! { @backend $backend, $config, $promises })+
    };
    (@backend $backend:ident, $config:expr, [$($promise:ident),+ $(,)?]) => {
        mod $backend {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise(super::Bench::new($config)).await;
            })+
        }
    };
}

conformance! {
    backends { memory => crate::Config::default(); }
    promises [
        missing_is_none,
        last_newer_write_wins,
        older_never_replaces_newer,
        raise_hides_values_read_before,
        raise_leaves_other_tags_alone,
        a_slow_fill_from_before_a_raise_is_not_kept,
        a_fill_from_before_a_clear_is_not_kept,
        expiry_takes_what_is_old,
        an_expired_value_blocks_none,
        delete_is_idempotent,
        clear_forgets_values_and_floors,
        a_counter_is_exact_under_fifty_tasks,
        what_is_too_large_is_refused_and_still_returned,
        fifty_tasks_load_once,
        a_failed_load_is_kept_by_nobody,
        a_caller_that_goes_away_strands_nobody,
        a_wait_for_another_load_has_a_limit,
        outcomes_are_counted,
        a_cache_that_holds_nothing_is_refused,
    ]
}

struct Bench {
    config: Config,
    clock: Clock,
    metrics: Metrics,
}

impl Bench {
    fn new(config: Config) -> Self {
        Self {
            config,
            clock: Clock::fixed(DateTime::UNIX_EPOCH + Span::days(20_000)),
            metrics: Metrics::default(),
        }
    }

    async fn open(&self) -> Cache {
        Cache::open(&self.config, &self.clock, &self.metrics).await.unwrap()
    }
}

const TTL: Duration = Duration::from_secs(300);

fn entry(body: &'static str, tags: &[&str], lsn: u64) -> Entry {
    Entry {
        body: Bytes::from_static(body.as_bytes()),
        etag: format!("\"{body}\""),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        lsn,
    }
}

fn tags(tags: &[&str]) -> Vec<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

async fn body(cache: &Cache, key: &str) -> Option<Bytes> {
    cache.get(key).await.map(|entry| entry.body.clone())
}

async fn load(cache: &Cache, key: &str, value: Entry) -> Outcome {
    cache.get_or_load(key, TTL, || async { Ok::<_, ()>(value) }).await.unwrap().outcome
}

async fn missing_is_none(bench: Bench) {
    let cache = bench.open().await;
    assert_eq!(cache.get("detail:1").await, None);
    assert_eq!(cache.get(&"k".repeat(10_000)).await, None);
}

async fn last_newer_write_wins(bench: Bench) {
    let cache = bench.open().await;
    for (value, lsn) in [("one", 1), ("two", 2), ("two again", 2)] {
        cache.set("detail:1", entry(value, &[], lsn), TTL).await.unwrap();
        assert_eq!(body(&cache, "detail:1").await.as_deref(), Some(value.as_bytes()));
    }
    let kept = cache.get("detail:1").await.unwrap();
    assert_eq!(*kept, entry("two again", &[], 2), "the value comes back whole");
}

async fn older_never_replaces_newer(bench: Bench) {
    let cache = bench.open().await;
    cache.set("detail:1", entry("new", &[], 9), TTL).await.unwrap();
    assert_eq!(cache.set("detail:1", entry("old", &[], 8), TTL).await, Err(Refusal::Older));
    assert_eq!(body(&cache, "detail:1").await.as_deref(), Some(&b"new"[..]));
}

async fn raise_hides_values_read_before(bench: Bench) {
    let cache = bench.open().await;
    cache.set("detail:1", entry("old", &["composition:1", "raga:1"], 10), TTL).await.unwrap();
    cache.raise(&tags(&["raga:1"]), 10).await;
    assert!(cache.get("detail:1").await.is_some(), "read at the very position of the change");
    cache.raise(&tags(&["raga:1"]), 11).await;
    assert!(cache.get("detail:1").await.is_none());
    assert_eq!(load(&cache, "detail:1", entry("new", &["raga:1"], 11)).await, Outcome::Miss);
    cache.raise(&tags(&["raga:1"]), 5).await;
    assert!(cache.get("detail:1").await.is_some(), "a floor that comes late hides nothing newer");
}

async fn raise_leaves_other_tags_alone(bench: Bench) {
    let cache = bench.open().await;
    cache.set("detail:1", entry("one", &["composition:1"], 10), TTL).await.unwrap();
    cache.set("detail:2", entry("two", &["composition:2"], 10), TTL).await.unwrap();
    cache.set("static:1", entry("bare", &[], 1), TTL).await.unwrap();
    cache.raise(&tags(&["composition:1", "list:compositions"]), 20).await;
    assert!(cache.get("detail:1").await.is_none());
    assert!(cache.get("detail:2").await.is_some() && cache.get("static:1").await.is_some());
}

async fn a_slow_fill_from_before_a_raise_is_not_kept(bench: Bench) {
    let cache = bench.open().await;
    let (begun, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (cache, begun, goes_on) = (cache.clone(), Arc::clone(&begun), Arc::clone(&goes_on));
        tokio::spawn(async move {
            let read = || async {
                begun.notify_one();
                goes_on.notified().await;
                Ok::<_, ()>(entry("old", &["raga:1"], 10))
            };
            cache.get_or_load("detail:1", TTL, read).await.unwrap()
        })
    };
    begun.notified().await;
    cache.raise(&tags(&["raga:1"]), 11).await;
    goes_on.notify_one();
    let loaded = slow.await.unwrap();
    assert_eq!(loaded.outcome, Outcome::Refused(Refusal::Raised));
    assert_eq!(loaded.entry.body, "old", "who asked before the change may have the answer from before it");
    assert!(cache.get("detail:1").await.is_none());
}

async fn a_fill_from_before_a_clear_is_not_kept(bench: Bench) {
    let cache = bench.open().await;
    let inner = cache.clone();
    let read = || async move {
        inner.clear().await;
        Ok::<_, ()>(entry("of another epoch", &[], 10))
    };
    let loaded = cache.get_or_load("detail:1", TTL, read).await.unwrap();
    assert_eq!(loaded.outcome, Outcome::Refused(Refusal::Cleared));
    assert!(cache.get("detail:1").await.is_none());
}

async fn expiry_takes_what_is_old(bench: Bench) {
    let cache = bench.open().await;
    cache.set("detail:1", entry("one", &[], 1), TTL).await.unwrap();
    bench.clock.advance(Span::seconds(269));
    assert!(cache.get("detail:1").await.is_some(), "a tenth less at most");
    bench.clock.advance(Span::seconds(62));
    assert!(cache.get("detail:1").await.is_none(), "a tenth more at most");
    cache.set("detail:2", entry("two", &[], 1), Duration::MAX).await.unwrap();
    bench.clock.advance(Span::hours(27));
    assert!(cache.get("detail:2").await.is_none(), "nothing lives for ever");
}

async fn an_expired_value_blocks_none(bench: Bench) {
    let cache = bench.open().await;
    cache.set("detail:1", entry("newer, but over", &[], 9), TTL).await.unwrap();
    bench.clock.advance(Span::hours(1));
    assert_eq!(load(&cache, "detail:1", entry("older", &[], 8)).await, Outcome::Miss);
    assert_eq!(load(&cache, "detail:1", entry("unread", &[], 8)).await, Outcome::Hit);
}

async fn delete_is_idempotent(bench: Bench) {
    let cache = bench.open().await;
    cache.set("detail:1", entry("one", &[], 1), TTL).await.unwrap();
    for _ in 0..2 {
        cache.delete("detail:1").await;
        assert!(cache.get("detail:1").await.is_none());
    }
}

async fn clear_forgets_values_and_floors(bench: Bench) {
    let cache = bench.open().await;
    cache.set("detail:1", entry("one", &["raga:1"], 100), TTL).await.unwrap();
    cache.raise(&tags(&["raga:2"]), 200).await;
    cache.clear().await;
    assert!(cache.get("detail:1").await.is_none());
    // Positions of the new epoch may lie below those of the old one.
    assert_eq!(load(&cache, "detail:1", entry("new", &["raga:1", "raga:2"], 50)).await, Outcome::Miss);
    assert_eq!(body(&cache, "detail:1").await.as_deref(), Some(&b"new"[..]));
}

async fn a_counter_is_exact_under_fifty_tasks(bench: Bench) {
    let cache = bench.open().await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let cache = cache.clone();
        tasks.spawn(async move {
            let mut last = 0;
            for _ in 0..20 {
                last = cache.add("token:1", Duration::from_secs(60)).await;
            }
            last
        });
    }
    let sums = tasks.join_all().await;
    assert_eq!(sums.into_iter().max(), Some(1_000));
    assert_eq!(cache.add("token:2", Duration::from_secs(60)).await, 1);
    bench.clock.advance(Span::seconds(60));
    assert_eq!(cache.add("token:1", Duration::from_secs(60)).await, 1, "a new window");
}

async fn what_is_too_large_is_refused_and_still_returned(bench: Bench) {
    let cache = bench.open().await;
    let large = Entry { body: Bytes::from(vec![b'x'; Cache::VALUE_BYTES_MAX + 1]), ..entry("", &[], 1) };
    let largest = Entry { body: Bytes::from(vec![b'x'; Cache::VALUE_BYTES_MAX]), ..entry("", &[], 1) };
    assert_eq!(load(&cache, "detail:1", large.clone()).await, Outcome::Refused(Refusal::ValueTooLarge));
    assert_eq!(cache.set("detail:1", large, TTL).await, Err(Refusal::ValueTooLarge));
    assert_eq!(cache.set("detail:1", largest, TTL).await, Ok(()));
    let key = "k".repeat(Cache::KEY_BYTES_MAX + 1);
    assert_eq!(load(&cache, &key, entry("one", &[], 1)).await, Outcome::Refused(Refusal::KeyTooLong));
    let many = Entry { tags: vec!["raga:1".to_owned(); Cache::TAGS_MAX + 1], ..entry("one", &[], 1) };
    assert_eq!(cache.set("detail:2", many, TTL).await, Err(Refusal::TagsTooLarge));
    assert_eq!(cache.set("detail:2", entry("one", &[&key], 1), TTL).await, Err(Refusal::TagsTooLarge));
}

async fn fifty_tasks_load_once(bench: Bench) {
    let cache = bench.open().await;
    let (loads, everyone) = (Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Barrier::new(50)));
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let (cache, loads, everyone) = (cache.clone(), Arc::clone(&loads), Arc::clone(&everyone));
        tasks.spawn(async move {
            everyone.wait().await;
            let read = || async {
                loads.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok::<_, ()>(entry("one", &["composition:1"], 1))
            };
            cache.get_or_load("detail:1", TTL, read).await.unwrap()
        });
    }
    let loaded = tasks.join_all().await;
    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert!(loaded.iter().all(|loaded| loaded.entry.body == "one"));
    assert_eq!(loaded.iter().filter(|loaded| loaded.outcome == Outcome::Miss).count(), 1);
}

async fn a_failed_load_is_kept_by_nobody(bench: Bench) {
    let cache = bench.open().await;
    let failed = cache.get_or_load("detail:1", TTL, || async { Err::<Entry, _>("no replica") }).await;
    assert_eq!(failed.err(), Some("no replica"));
    assert_eq!(load(&cache, "detail:1", entry("one", &[], 1)).await, Outcome::Miss);
}

async fn a_caller_that_goes_away_strands_nobody(bench: Bench) {
    let cache = bench.open().await;
    let (begun, has_begun) = oneshot::channel();
    let gone = {
        let cache = cache.clone();
        tokio::spawn(async move {
            let read = || async {
                let _ = begun.send(());
                std::future::pending::<Result<Entry, ()>>().await
            };
            cache.get_or_load("detail:1", TTL, read).await.map(|loaded| loaded.outcome)
        })
    };
    has_begun.await.unwrap();
    let waits = {
        let cache = cache.clone();
        tokio::spawn(async move { load(&cache, "detail:1", entry("one", &[], 1)).await })
    };
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    assert_eq!(waits.await.unwrap(), Outcome::Miss);
}

async fn a_wait_for_another_load_has_a_limit(bench: Bench) {
    let cache = bench.open().await;
    // Each load waits for all of them, so one that waited without end for the first would never begin.
    let all = Arc::new(tokio::sync::Barrier::new(5));
    let mut tasks = JoinSet::new();
    for _ in 0..5 {
        let (cache, all) = (cache.clone(), Arc::clone(&all));
        let read = || async move {
            all.wait().await;
            Ok::<_, ()>(entry("one", &[], 1))
        };
        tasks.spawn(async move { cache.get_or_load("detail:1", TTL, read).await.unwrap().outcome });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes, [Outcome::Miss; 5]);
}

async fn outcomes_are_counted(bench: Bench) {
    let cache = bench.open().await;
    load(&cache, "detail:1", entry("one", &[], 1)).await;
    load(&cache, "detail:1", entry("one", &[], 1)).await;
    for class in 0..100 {
        cache.get(&format!("class{class}:1")).await;
    }
    let text = bench.metrics.encode();
    for line in [
        r#"sangraha_cache_requests_total{class="detail",outcome="miss"} 1"#,
        r#"sangraha_cache_requests_total{class="detail",outcome="hit"} 1"#,
        r#"sangraha_cache_requests_total{class="other",outcome="absent"} 69"#,
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

async fn a_cache_that_holds_nothing_is_refused(bench: Bench) {
    let small = Config::Memory { bytes_max: 1_000 };
    assert!(matches!(Cache::open(&small, &bench.clock, &bench.metrics).await.err(), Some(Error::TooSmall)));
}
