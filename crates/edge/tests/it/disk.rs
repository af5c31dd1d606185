//! What the edge keeps on disk: it is there after a restart, and what was purged is not.

use crate::support::{Answer, World};
use edge::{Config, Edge, Kind};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sangraha-edge-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn bytes(&self) -> u64 {
        files(&self.0).iter().map(|file| fs::metadata(file).unwrap().len()).sum()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

const DISK_BYTES: u64 = 64 << 20;

fn with_disk(folder: &Folder) -> impl FnOnce(&mut Config) {
    let disk = folder.0.join("cache");
    move |config| {
        config.disk = Some(disk);
        config.disk_bytes_max = DISK_BYTES;
    }
}

/// An hour of freshness for a body that names its path.
fn long(path: &str) -> Answer {
    Answer::ok(format!("body of {path} {}", "x".repeat(2_000))).with("cache-control", "public, max-age=3600")
}

async fn hits(world: &World, count: u32) -> u32 {
    let mut hits = 0;
    for index in 0..count {
        let got = world.get(&format!("/v1/{index}")).await;
        let expected = format!("body of /v1/{index} x");
        assert!(got.body.starts_with(&expected) && got.body.ends_with(&"x".repeat(2_000)), "{got:?}");
        hits += u32::from(got.is_hit());
    }
    hits
}

#[tokio::test(flavor = "multi_thread")]
async fn hit_after_restart() {
    const COUNT: u32 = 1_000;
    let folder = Folder::new();
    let mut world = World::with(with_disk(&folder)).await;
    world.near.answer(|seen| long(&seen.target));
    assert_eq!(hits(&world, COUNT).await, 0);
    for _ in 0..2 {
        world.stop().await;
        world.start().await;
        let hits = hits(&world, COUNT).await;
        assert!(hits * 10 >= COUNT * 9, "{hits} of {COUNT} at once after a restart");
    }
    assert!(folder.bytes() <= DISK_BYTES + (1 << 20), "{} bytes", folder.bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn purged_while_down_stays_purged() {
    let folder = Folder::new();
    let mut world = World::with(with_disk(&folder)).await;
    world.near.answer(|seen| long(&seen.target).with("surrogate-key", seen.target.replace("/v1/", "tag-")));
    hits(&world, 10).await;
    world.purge(&["tag-1"], 0).await;
    world.stop().await;
    world.feed.purge(&["tag-2"], 0);
    world.start().await;
    world.until(|status| status.purge_position == Some(2)).await;
    for index in 0..10 {
        let got = world.get(&format!("/v1/{index}")).await;
        assert_eq!(got.is_hit(), index != 1 && index != 2, "{index}: {got:?}");
    }
    // What came in its place holds.
    world.stop().await;
    world.start().await;
    assert_eq!(hits(&world, 10).await, 10);
    world.purge(&["all"], 0).await;
    world.stop().await;
    world.start().await;
    assert_eq!(hits(&world, 10).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_epoch_of_the_feed_voids_the_disk() {
    let folder = Folder::new();
    let mut world = World::with(with_disk(&folder)).await;
    world.near.answer(|seen| long(&seen.target));
    hits(&world, 3).await;
    world.stop().await;
    world.feed.set_epoch(2);
    world.start().await;
    assert_eq!(hits(&world, 3).await, 0);
    assert_eq!(hits(&world, 3).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_http_purged_stays_purged_too() {
    const TOKEN: &str = "a-token-of-enough-length";
    let folder = Folder::new();
    fs::write(folder.0.join("token"), TOKEN).unwrap();
    let token_file = folder.0.join("token");
    let adapt = with_disk(&folder);
    let mut world = World::with(|config| {
        adapt(config);
        config.profile = Kind::Rfc;
        config.purge_token_file = Some(token_file);
    })
    .await;
    world.near.answer(|seen| long(&seen.target).with("surrogate-key", "t"));
    hits(&world, 4).await;
    let purge = http::Method::from_bytes(b"PURGE").unwrap();
    let bearer = format!("Bearer {TOKEN}");
    world.send(purge.clone(), "/v1/0", &[("authorization", &bearer)], "").await;
    world.send(http::Method::DELETE, "/v1/1", &[], "").await;
    world.stop().await;
    world.start().await;
    for index in 0..4 {
        assert_eq!(world.get(&format!("/v1/{index}")).await.is_hit(), index > 1, "{index}");
    }
    world.send(purge, "/", &[("authorization", &bearer), ("surrogate-key", "t")], "").await;
    world.stop().await;
    world.start().await;
    assert_eq!(hits(&world, 4).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_damaged_record_of_purges_empties_the_disk() {
    let folder = Folder::new();
    let mut world = World::with(with_disk(&folder)).await;
    world.near.answer(|seen| long(&seen.target));
    let record = folder.0.join("cache/purges");
    for damage in [true, false] {
        hits(&world, 3).await;
        world.stop().await;
        if damage {
            let mut bytes = fs::read(&record).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&record, bytes).unwrap();
        } else {
            fs::remove_file(&record).unwrap();
        }
        world.start().await;
        assert_eq!(hits(&world, 3).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_cost_hits_and_never_give_a_wrong_byte() {
    const COUNT: u32 = 200;
    let folder = Folder::new();
    let mut world = World::with(with_disk(&folder)).await;
    world.near.answer(|seen| long(&seen.target));
    hits(&world, COUNT).await;
    world.stop().await;
    let mut broken = 0;
    for file in files(&folder.0.join("cache/objects")) {
        let mut bytes = fs::read(&file).unwrap();
        let body = b"body of /v1/1";
        let places = bytes.windows(body.len()).enumerate().filter(|(_, window)| window == body);
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        broken += u32::try_from(places.len()).unwrap();
        places.iter().for_each(|place| bytes[place + 1_000] ^= 1);
        fs::write(&file, bytes).unwrap();
    }
    world.start().await;
    // The bodies are compared where they are counted.
    let left = hits(&world, COUNT).await;
    assert_eq!((broken, left), (111, COUNT - 111));
    assert_eq!(world.counted("sangraha_edge_disk_total{event=\"unreadable\"}"), 111);
    assert_eq!(hits(&world, COUNT).await, COUNT, "what was lost is there again");
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_come_back_together() {
    let folder = Folder::new();
    let mut world = World::with(with_disk(&folder)).await;
    world.near.answer(|seen| {
        long(seen.field("accept")).with("vary", "accept").with("etag", "\"v\"").with("x-seen", "1")
    });
    let kinds = ["application/json", "text/html"];
    for kind in kinds {
        world.get_with("/v1/a", &[("accept", kind)]).await;
    }
    world.stop().await;
    world.advance(100);
    world.start().await;
    for kind in kinds {
        let got = world.get_with("/v1/a", &[("accept", kind)]).await;
        assert!(got.is_hit() && got.body.starts_with(&format!("body of {kind} ")), "{got:?}");
        assert_eq!((got.field("age"), got.field("x-seen")), ("100", "1"));
    }
    assert_eq!(world.near.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_disk_keep_their_limits() {
    let folder = Folder::new();
    let adapt = with_disk(&folder);
    let mut world = World::with(|config| {
        adapt(config);
        config.disk_bytes_max = 16 << 20;
        config.memory_bytes_max = 4 << 20;
        config.object_bytes_max = 128 << 10;
    })
    .await;
    world.near.answer(|seen| {
        let body = format!("body of {} {}", seen.target, "x".repeat(100_000));
        Answer::ok(body).with("cache-control", "public, max-age=3600")
    });
    // Two times what the disk holds.
    hits(&world, 300).await;
    assert!(world.status().bytes <= 4 << 20, "{}", world.status().bytes);
    world.stop().await;
    assert!(folder.bytes() <= 17 << 20, "{} bytes", folder.bytes());
    world.start().await;
    // The newest first: what is asked for and not there takes the place of older ones.
    let mut left = 0;
    for index in (0..300).rev() {
        left += u32::from(world.get(&format!("/v1/{index}")).await.is_hit());
    }
    assert!((50..160).contains(&left), "{left} of 300 were left");
    assert!(world.status().bytes <= 4 << 20, "{}", world.status().bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_work_is_refused_with_the_reason() {
    let folder = Folder::new();
    let refused = |disk: PathBuf, disk_bytes_max: u64| {
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            disk: Some(disk),
            disk_bytes_max,
            ..Config::default()
        };
        let Err(error) = Edge::bind(config, domain::Clock::system(), &domain::metrics::Metrics::default())
        else {
            panic!("it was taken")
        };
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    };
    fs::write(folder.0.join("file"), "").unwrap();
    assert!(refused(folder.0.join("file"), DISK_BYTES).contains("file"));
    assert!(refused(PathBuf::from("/proc/sangraha"), DISK_BYTES).contains("/proc/sangraha"));
    assert!(refused(folder.0.join("huge"), 1 << 60).contains("has room for"));
    assert!(refused(folder.0.join("small"), 1 << 20).contains("`disk_bytes_max`"));
    let world = World::with(with_disk(&folder)).await;
    assert!(refused(folder.0.join("cache"), DISK_BYTES).contains("another edge"));
    drop(world);
}
