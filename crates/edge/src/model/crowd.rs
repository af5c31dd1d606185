//! One key on a crowd of objects: what a purge of it costs, and what the next look-up.

use crate::Inner;
use crate::Shared;
use crate::config::Config;
use crate::origin::fill::{Ask, Filled, Received};
use crate::origin::plan::Times;
use crate::purge::feed;
use crate::store::key::{Key, Spelling};
use domain::Clock;
use domain::metrics::Metrics;
use domain::purge::{Purge, PurgeBatch, SURROGATE_KEY_HEADER};
use http::header::{self, HeaderMap};
use http::{Response, StatusCode};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What was measured over a crowd.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Objects that were in memory, all with the key.
    pub objects: u64,
    /// What they took, as the store accounts for it.
    pub bytes: u64,
    /// Each look-up before the purges, all of them hits.
    pub hits: Vec<Duration>,
    /// Each purge of the key, from the answer of the feed to the acknowledgement.
    pub purges: Vec<Duration>,
    /// Each look-up right after one of them, all of them misses.
    pub misses: Vec<Duration>,
}

const KEY: &str = "crowd";
/// Far above what a million small objects take.
const MEMORY_BYTES: usize = 3 << 30;

/// Fills memory with `objects` small answers that carry one key, and purges it `rounds` times, looking up another
/// object after each.
pub fn run(objects: u64, rounds: u64) -> Figures {
    let inner = edge();
    feed::apply(&inner, &batch(1, Vec::new()));
    (0..objects).for_each(|object| fill(&inner, object));
    let status = inner.status();
    let spread = |round: u64| key(&inner, round * (objects / rounds.max(1)).max(1) % objects.max(1));
    let look = |key: &Key| {
        let (began, now_us) = (Instant::now(), inner.now_us());
        let found = inner.look_up(key, &HeaderMap::new(), None, now_us).is_ok();
        (found, began.elapsed())
    };
    let mut figures = Figures {
        objects: status.objects,
        bytes: status.bytes,
        hits: Vec::new(),
        purges: Vec::new(),
        misses: Vec::new(),
    };
    for round in 0..rounds {
        let (found, took) = look(&spread(round));
        assert!(found, "it was kept");
        figures.hits.push(took);
    }
    for round in 0..rounds {
        let (key, began) = (spread(round), Instant::now());
        let purge = Purge { position: round + 2, tags: vec![KEY.to_owned()], floor_lsn: round, soft: false };
        feed::apply(&inner, &batch(round + 2, vec![purge]));
        figures.purges.push(began.elapsed());
        let (found, took) = look(&key);
        assert!(!found, "it was purged");
        figures.misses.push(took);
    }
    figures
}

fn edge() -> Inner {
    let config = Config { memory_bytes_max: MEMORY_BYTES, ..Config::default() };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let shared = Shared::new(&config, Clock::system(), &Metrics::default(), listen);
    Inner::new(config, Arc::new(shared)).expect("the default configuration works")
}

fn key(inner: &Inner, object: u64) -> Key {
    let path = format!("/v1/objects/{object}");
    Key::new(false, "crowd.test", &path, None, Spelling::Canonical, &inner.hasher)
        .expect("the paths have one spelling")
}

/// As an answer of an origin is taken in.
fn fill(inner: &Inner, object: u64) {
    let (generation, now_us, key) = (inner.generations.now(), inner.now_us(), key(inner, object));
    let head = Response::builder()
        .status(StatusCode::OK)
        .header(header::CACHE_CONTROL, "public, max-age=3600")
        .header(SURROGATE_KEY_HEADER, KEY)
        .body(())
        .expect("the fields are plain")
        .into_parts()
        .0;
    let target = key.target().expect("the paths can be asked for");
    let ask = Ask { key, target, asked: HeaderMap::new(), headers: HeaderMap::new() };
    let times = Times { generation, sent_us: now_us, received_us: now_us };
    let received = Received { head, body: "small".into(), times };
    let kept = matches!(received.land(inner, &ask, None), Filled::Object(_, account) if account.stored);
    assert!(kept, "there is room");
}

fn batch(position: u64, purges: Vec<Purge>) -> PurgeBatch {
    PurgeBatch { epoch: 1, purge_all: false, purges, position, floor_lsn: 0 }
}
