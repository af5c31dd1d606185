//! What survives when parts are killed under load: reads go on, acknowledged writes stay, all catches up.

use crate::platform::{Edge, Platform, body};
use serde_json::json;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::fixtures::{self, Refers};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Reads that must have been answered while a victim was down, for the count to mean something.
const READS_MIN: u64 = 200;
/// On an idle machine no read fails at all; on a busy one a few wait in vain for a connection elsewhere: one in so many,
/// and so many for each reader, however few reads there were.
const FAILED_ONE_IN: u64 = 100;
const FAILED_EACH: u64 = 2;
/// Saves that may be refused while the platform finds its feet again.
const SAVES_REFUSED_MAX: usize = 5;
/// Readers of each edge.
const READERS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_and_no_acknowledged_write_is_lost_whatever_is_killed() {
    let platform = Arc::new(Platform::start("chaos").await);
    let refers = reference_data(&platform).await;
    let acknowledged: Arc<Mutex<Vec<Uuid>>> = Arc::default();
    acknowledged.lock().await.push(published(&platform, refers).await);
    platform.settled().await;

    let mut checked = 0;
    println!("{:<12} {:>7} {:>9} {:>9} {:>7}", "killed", "reads", "failed a", "failed b", "writes");
    for victim in ["node-a", "node-b", "edge-b", "replica-a", "replica-b", "primary"] {
        let load = Load::start(&platform, refers, &acknowledged).await;
        load.until_reads(READS_MIN).await;
        let restarts = platform.state().processes[victim].restarts;
        kill(&platform, victim);
        let back = format!("{victim} was started again");
        platform.until(&back, async |platform| platform.state().processes[victim].restarts > restarts).await;
        load.until_reads(READS_MIN).await;
        let counts = load.stop().await;
        platform.settled().await;
        println!(
            "{victim:<12} {:>7} {:>9} {:>9} {:>7}",
            counts.reads, counts.failed_a, counts.failed_b, counts.writes
        );
        // Who speaks to a killed edge hears nothing until it is back; everybody else is answered.
        let failed = counts.failed_a + if victim == "edge-b" { 0 } else { counts.failed_b };
        let spared = counts.reads / FAILED_ONE_IN + FAILED_EACH * 2 * READERS as u64;
        assert!(failed <= spared, "{victim}: {failed} of {} reads failed", counts.reads);
        checked = every_acknowledged_song_is_read(&platform, &acknowledged, checked, victim).await;
    }

    for step in ["read", "search", "cache", "edges", "position"] {
        follower_dies_after(&platform, step, refers, &acknowledged).await;
        checked = every_acknowledged_song_is_read(&platform, &acknowledged, checked, step).await;
    }
    every_acknowledged_song_is_read(&platform, &acknowledged, 0, "everything").await;
    nothing_is_left_to_repair(&platform).await;
    stopped(platform);
}

async fn reference_data(platform: &Platform) -> Refers {
    Refers {
        raga: platform.add("ragas", &fixtures::mela(65)).await,
        tala: platform.add("talas", &fixtures::adi()).await,
        composer: platform.add("composers", &fixtures::composer("Chaosdāsa")).await,
        rights: platform.add("rights", &fixtures::rights()).await,
    }
}

/// Publishes one song; its id, once every step was acknowledged.
async fn publish(platform: &Platform, refers: Refers, number: u64) -> Option<Uuid> {
    let record = fixtures::kriti(&format!("Sāgaraśayana {number}"), refers);
    let created = platform.edit("POST", "/v1/admin/compositions", None, &body(&record)).await.ok()?;
    let id: Uuid = created.json()["id"].as_str()?.parse().ok()?;
    let mut etag = created.header("etag")?.to_owned();
    for verb in ["submit", "publish"] {
        let target = format!("/v1/admin/compositions/{id}/{verb}");
        let moved = platform.edit("POST", &target, Some(&etag), &json!({})).await.ok()?;
        if moved.status != 200 {
            return None;
        }
        etag = moved.header("etag")?.to_owned();
    }
    Some(id)
}

/// The same on a healthy platform, where it succeeds soon.
async fn published(platform: &Platform, refers: Refers) -> Uuid {
    for _ in 0..SAVES_REFUSED_MAX {
        if let Some(id) = publish(platform, refers, 0).await {
            return id;
        }
    }
    panic!("a healthy platform publishes");
}

/// What a load has counted.
struct Counts {
    reads: u64,
    failed_a: u64,
    failed_b: u64,
    writes: u64,
}

/// Readers of both edges and one writer, until they are stopped.
struct Load {
    stop: CancellationToken,
    counted: Arc<Counted>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Counted {
    reads: AtomicU64,
    failed: [AtomicU64; 2],
    writes: AtomicU64,
}

impl Load {
    async fn start(platform: &Arc<Platform>, refers: Refers, acknowledged: &Arc<Mutex<Vec<Uuid>>>) -> Self {
        let song = acknowledged.lock().await[0];
        let (stop, counted) = (CancellationToken::new(), Arc::new(Counted::default()));
        let mut tasks = Vec::new();
        for (at, edge) in [Edge::A, Edge::B].into_iter().enumerate() {
            for _ in 0..READERS {
                tasks.push(tokio::spawn(reader(
                    platform.clone(),
                    edge,
                    at,
                    song,
                    counted.clone(),
                    stop.clone(),
                )));
            }
        }
        tasks.push(tokio::spawn(writer(
            platform.clone(),
            refers,
            acknowledged.clone(),
            counted.clone(),
            stop.clone(),
        )));
        Self { stop, counted, tasks }
    }

    /// Waits for so many more reads.
    async fn until_reads(&self, more: u64) {
        let target = self.counted.reads.load(Ordering::Relaxed) + more;
        while self.counted.reads.load(Ordering::Relaxed) < target {
            tokio::task::yield_now().await;
            tokio::time::interval(std::time::Duration::from_millis(10)).tick().await;
        }
    }

    async fn stop(self) -> Counts {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            reads: value(&self.counted.reads),
            failed_a: value(&self.counted.failed[0]),
            failed_b: value(&self.counted.failed[1]),
            writes: value(&self.counted.writes),
        }
    }
}

/// Something from memory, something computed, something that is never kept.
async fn reader(
    platform: Arc<Platform>,
    edge: Edge,
    at: usize,
    song: Uuid,
    counted: Arc<Counted>,
    stop: CancellationToken,
) {
    let targets = [
        format!("/v1/compositions/{song}"),
        "/v1/search?q=sagara".to_owned(),
        "/v1/compositions/random".to_owned(),
    ];
    for target in targets.iter().cycle() {
        if stop.is_cancelled() {
            return;
        }
        let answer = platform.try_read(edge, target).await;
        // The random song is named by a redirect.
        let good = answer.as_ref().is_ok_and(|answer| matches!(answer.status, 200 | 302 | 303 | 307));
        counted.reads.fetch_add(1, Ordering::Relaxed);
        if !good {
            println!(
                "  {edge:?} {target}: {}",
                answer.map_or_else(|error| error.to_string(), |answer| answer.text())
            );
            counted.failed[at].fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn writer(
    platform: Arc<Platform>,
    refers: Refers,
    acknowledged: Arc<Mutex<Vec<Uuid>>>,
    counted: Arc<Counted>,
    stop: CancellationToken,
) {
    let mut number = 1;
    while !stop.is_cancelled() {
        if let Some(id) = publish(&platform, refers, number).await {
            acknowledged.lock().await.push(id);
            counted.writes.fetch_add(1, Ordering::Relaxed);
        }
        number += 1;
    }
}

/// `kill -9`: of a cluster its postmaster, not the guard.
fn kill(platform: &Platform, victim: &str) {
    let state = platform.state();
    let pid = match state.clusters.get(victim) {
        Some(folder) => {
            let lock = std::fs::read_to_string(folder.join("postmaster.pid")).unwrap();
            lock.lines().next().unwrap().trim().to_owned()
        }
        None => state.processes[victim].pid.unwrap().to_string(),
    };
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
}

/// Reads what was acknowledged since the first `checked`; how many there are now.
async fn every_acknowledged_song_is_read(
    platform: &Platform,
    acknowledged: &Mutex<Vec<Uuid>>,
    checked: usize,
    after: &str,
) -> usize {
    let songs = acknowledged.lock().await.clone();
    for id in &songs[checked..] {
        for edge in [Edge::A, Edge::B] {
            let what = format!("after {after}: {edge:?} has {id}");
            let target = format!("/v1/compositions/{id}");
            platform.until(&what, async |platform| platform.read(edge, &target).await.status == 200).await;
        }
    }
    songs.len()
}

/// The node of region b ends itself in the middle of a batch, and again at every start, until the drill is
/// over.
async fn follower_dies_after(
    platform: &Platform,
    step: &str,
    refers: Refers,
    acknowledged: &Mutex<Vec<Uuid>>,
) {
    let file = platform.data.join("config/node-b.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{good}\n[follower]\ncrash_after = \"{step}\"\n")).unwrap();
    let restarts = || platform.state().processes["node-b"].restarts;
    let before = restarts();
    kill(platform, "node-b");
    platform.until("node-b is in the drill", async |_| restarts() > before).await;
    platform.settled().await;

    let before = restarts();
    let id = published(platform, refers).await;
    acknowledged.lock().await.push(id);
    platform.until("the follower died", async |_| restarts() > before).await;
    let why = platform.state().processes["node-b"].last_end.clone();
    assert_eq!(why.as_deref(), Some("signal 6"), "{step}");
    std::fs::write(&file, good).unwrap();
    kill_if_running(platform, "node-b");
    platform.settled().await;
}

/// It may be between two lives; the next one reads the good file in any case.
fn kill_if_running(platform: &Platform, victim: &str) {
    if let Some(pid) = platform.state().processes[victim].pid {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}

async fn nothing_is_left_to_repair(platform: &Platform) {
    platform.settled().await;
    for arguments in [["index", "verify"], ["audit", "verify"]] {
        let output = platform.command(&arguments);
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        print!("{said}");
        assert!(output.status.success(), "{said}");
    }
}

/// The last owner stops the platform here and not on a worker of the runtime.
fn stopped(platform: Arc<Platform>) {
    drop(Arc::into_inner(platform).expect("nobody else holds the platform"));
}
