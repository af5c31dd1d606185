//! Five edges in two regions. Those of the second hear of purges over a long way, which is cut.

use crate::support::{Answer, World};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{ChaosProxy, Mood};
use tokio::sync::Semaphore;

/// Objects, each with a key of its own.
const OBJECTS: usize = 6;
/// One way between the second region and the log.
const WAY: Duration = Duration::from_millis(20);

/// What the origins of all edges say: one truth.
type Versions = Arc<Mutex<BTreeMap<String, u64>>>;

struct Five {
    near: Vec<World>,
    far: Vec<World>,
    relay: ChaosProxy,
    versions: Versions,
}

impl Five {
    async fn start() -> Self {
        let versions = Versions::default();
        let near = vec![edge("edge-a1", None, &versions).await];
        let log = near[0].feed.origin.address;
        let relay = ChaosProxy::start(log).await.unwrap();
        relay.set(Mood::Slow(WAY));
        let mut five = Self { near, far: Vec::new(), relay, versions };
        five.near.push(edge("edge-a2", Some(log), &five.versions).await);
        for name in ["edge-b1", "edge-b2", "edge-b3"] {
            five.far.push(edge(name, Some(five.relay.address()), &five.versions).await);
        }
        five
    }

    fn all(&self) -> impl Iterator<Item = &World> {
        self.near.iter().chain(&self.far)
    }

    /// Changes an object and purges its key; the position.
    fn change(&self, object: usize) -> u64 {
        *self.versions.lock().unwrap().entry(path(object)).or_default() += 1;
        self.near[0].feed.purge(&[&key(&path(object))], 0)
    }

    fn version(&self, object: usize) -> String {
        body(&self.versions, &path(object))
    }

    async fn have(&self, position: u64, edges: &[World]) {
        for edge in edges {
            edge.until(|status| !status.blind && status.purge_position >= Some(position)).await;
        }
    }

    /// How many answers of these edges are not the truth, over all objects.
    async fn stale(&self, edges: &[World]) -> usize {
        let mut stale = 0;
        for edge in edges {
            for object in 0..OBJECTS {
                stale += usize::from(edge.get(&path(object)).await.body != self.version(object));
            }
        }
        stale
    }
}

async fn edge(name: &str, log: Option<std::net::SocketAddr>, versions: &Versions) -> World {
    let world = World::with(|config| {
        config.name = name.to_owned();
        if let Some(log) = log {
            config.purge_feed = format!("http://{log}").parse().unwrap();
        }
    })
    .await;
    let versions = versions.clone();
    world.near.answer(move |seen| {
        let body = body(&versions, &seen.target);
        Answer::ok(body).with("cache-control", "max-age=3600").with("surrogate-key", key(&seen.target))
    });
    world
}

fn path(object: usize) -> String {
    format!("/object/{object}")
}

fn key(path: &str) -> String {
    path.trim_start_matches('/').replace('/', ":")
}

fn body(versions: &Versions, path: &str) -> String {
    format!("version {}", versions.lock().unwrap().get(path).copied().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_is_seen_at_five_edges_of_two_regions() {
    let five = Five::start().await;
    assert_eq!(five.stale(&five.near).await + five.stale(&five.far).await, 0);
    for round in 0..20 {
        let position = five.change(round % OBJECTS);
        five.have(position, &five.near).await;
        five.have(position, &five.far).await;
        for edge in five.all() {
            let got = edge.get(&path(round % OBJECTS)).await;
            assert_eq!(got.body, five.version(round % OBJECTS), "{got:?}");
            assert!(got.cache_status().contains("detail=purged"), "{got:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_partition_nothing_is_shown_that_an_edge_has_acknowledged_as_purged() {
    let five = Five::start().await;
    assert_eq!(five.stale(&five.near).await + five.stale(&five.far).await, 0, "everybody holds everything");
    let before = five.near[0].feed.purge(&["nothing"], 0);
    five.have(before, &five.far).await;

    five.relay.set(Mood::Silent);
    let changed = 3;
    let mut last = 0;
    for round in 0..30 {
        last = five.change(round % changed);
        five.have(last, &five.near).await;
        assert_eq!(five.stale(&five.near).await, 0, "a region that is not cut off notices nothing");
    }
    for edge in &five.far {
        edge.until(|status| status.blind).await;
        assert!(edge.status().purge_position < Some(last));
    }
    // What is young is still trusted; nobody acknowledged anything.
    assert_eq!(five.stale(&five.far).await, changed * five.far.len());
    for edge in &five.far {
        let got = edge.get(&path(0)).await;
        assert!(got.is_hit() && got.cache_status().ends_with("; detail=blind"), "{got:?}");
        edge.advance(31);
    }
    assert_eq!(five.stale(&five.far).await, 0, "what is older than half a minute is asked for again");
    // Fetched while blind, and changed after that.
    for object in 0..OBJECTS {
        last = five.change(object);
    }
    assert_eq!(five.stale(&five.far).await, OBJECTS * five.far.len());

    five.relay.set(Mood::Slow(WAY));
    five.have(last, &five.far).await;
    assert_eq!(five.stale(&five.far).await, 0, "after the acknowledgement");
    for edge in &five.far {
        assert!(edge.get(&path(0)).await.is_hit(), "and it caches as before");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_under_way_during_the_partition_is_not_kept_after_it() {
    let five = Five::start().await;
    let edge = &five.far[0];
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    edge.near.answer(move |seen| Answer::fresh("old").with("surrogate-key", key(&seen.target)).behind(&held));
    five.relay.set(Mood::Silent);
    let asked = edge.near.count();
    let late = path(0);
    let (got, ()) = tokio::join!(edge.get(&late), async {
        crate::support::until(|| edge.near.count() > asked).await;
        let position = five.change(0);
        five.relay.set(Mood::Slow(WAY));
        five.have(position, &five.far).await;
        gate.add_permits(1);
    });
    assert_eq!((got.body.as_str(), got.cache_status().contains("purged-in-fill")), ("old", true), "{got:?}");
    edge.near.answer(|_| Answer::fresh("new"));
    assert_eq!(edge.get(&path(0)).await.body, "new");
}
