//! The log is cut off from the second region while purges go on, and comes back: what is shown meanwhile, and that
//! nothing old is shown once an edge has said that it has caught up.

use super::fleet::Edge;
use super::world::{self, OBJECTS, World};
use clap::Args;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval, sleep};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    world: world::Options,
    /// Seconds of the cut.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Changes while it is cut.
const CHANGE_INTERVAL: Duration = Duration::from_millis(200);
/// Between two reads of one edge, by the one reader that it has.
const READ_INTERVAL: Duration = Duration::from_millis(2);
/// After the healing, before the last look.
const AFTER: Duration = Duration::from_secs(5);
const CATCH_UP_MAX: Duration = Duration::from_secs(60);

/// A purge whose order was answered.
struct Ordered {
    object: usize,
    version: u64,
    position: u64,
    at: Instant,
}

/// What the readers of one edge saw.
#[derive(Default)]
struct Seen {
    reads: AtomicU64,
    /// Answers older than a purge that the edge had acknowledged before it was asked.
    stale: AtomicU64,
    /// Answers older than a purge that was answered, but not acknowledged here.
    behind: AtomicU64,
    /// How long after the answer to its purge an old version was shown, in milliseconds.
    behind_ms_max: AtomicU64,
}

struct Run {
    world: World,
    ordered: Mutex<Vec<Ordered>>,
    over: AtomicBool,
}

pub async fn run(options: Options) -> Result<(), String> {
    let world = World::start(&options.world).await?;
    world.warm().await?;
    let run = Run { world, ordered: Mutex::default(), over: AtomicBool::new(false) };
    let seen: Vec<Seen> = run.world.edges.iter().map(|_| Seen::default()).collect();
    let readers = run.world.edges.iter().zip(&seen).map(|(edge, seen)| run.watch(edge, seen));
    let readers = futures_util::future::try_join_all(readers);
    let (told, _) = tokio::try_join!(run.script(Duration::from_secs(options.seconds)), readers)?;
    println!("{told}");
    println!(
        "{:<10} {:>8} {:>24} {:>24} {:>14}",
        "edge", "reads", "old, not acknowledged", "the oldest, s", "stale"
    );
    for (edge, seen) in run.world.edges.iter().zip(&seen) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        println!(
            "{:<10} {:>8} {:>24} {:>24.1} {:>14}",
            edge.name,
            count(&seen.reads),
            count(&seen.behind),
            count(&seen.behind_ms_max) as f64 / 1_000.0,
            count(&seen.stale)
        );
    }
    let stale: u64 = seen.iter().map(|seen| seen.stale.load(Ordering::Relaxed)).sum();
    println!("stale answers after an acknowledgement: {stale}");
    if stale == 0 { Ok(()) } else { Err("an edge showed what it had acknowledged as purged".to_owned()) }
}

impl Run {
    /// Cuts, heals, and waits until everybody has caught up.
    async fn script(&self, cut_for: Duration) -> Result<String, String> {
        self.world.cut();
        let cut = Instant::now();
        let mut blind_after = Vec::new();
        let mut turn = interval(CHANGE_INTERVAL);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let far: Vec<&Edge> = self.world.edges.iter().filter(|edge| edge.region == "b").collect();
        for round in 0.. {
            turn.tick().await;
            if cut.elapsed() >= cut_for {
                break;
            }
            self.change(round * 7 % OBJECTS, round % 2 == 0).await?;
            if blind_after.len() < far.len() && all_blind(&far).await? {
                blind_after.resize(far.len(), cut.elapsed());
            }
        }
        let (last, count) = {
            let ordered = self.ordered.lock().map_err(|_| "a reader failed")?;
            (ordered.last().map_or(0, |ordered| ordered.position), ordered.len())
        };
        self.world.heal();
        let healed = Instant::now();
        for edge in &self.world.edges {
            let caught_up = |status: &serde_json::Value| {
                status["purge_position"].as_u64() >= Some(last) && status["blind"] == false
            };
            edge.until("caught up", CATCH_UP_MAX, caught_up).await?;
        }
        let caught_up = healed.elapsed();
        sleep(AFTER).await;
        self.over.store(true, Ordering::Relaxed);
        self.last_look().await?;
        let blind = blind_after
            .first()
            .map_or("never".to_owned(), |after| format!("after {:.1} s", after.as_secs_f64()));
        Ok(format!(
            "cut for {} s, {count} purges meanwhile; the edges of B were blind {blind}; after the healing all had \
             caught up in {:.2} s",
            cut_for.as_secs(),
            caught_up.as_secs_f64()
        ))
    }

    async fn change(&self, object: usize, soft: bool) -> Result<(), String> {
        let (version, position) = self.world.change(object, soft).await?;
        let ordered = Ordered { object, version, position, at: Instant::now() };
        self.ordered.lock().map_err(|_| "a reader failed")?.push(ordered);
        Ok(())
    }

    /// Every object at every edge is the present one.
    async fn last_look(&self) -> Result<(), String> {
        for edge in &self.world.edges {
            for object in 0..OBJECTS {
                let (shown, now) = (
                    self.world.read(edge, object).await?,
                    self.world.versions[object].load(Ordering::SeqCst),
                );
                if shown != now {
                    return Err(format!("{} shows version {shown} of object {object}, not {now}", edge.name));
                }
            }
        }
        Ok(())
    }

    /// Reads one edge until all is over, and compares what it shows with what it had acknowledged before.
    async fn watch(&self, edge: &Edge, seen: &Seen) -> Result<(), String> {
        let mut object = 0;
        while !self.over.load(Ordering::Relaxed) {
            object = (object + 1) % OBJECTS;
            let acknowledged = edge.position().await?;
            let asked = Instant::now();
            let version = self.world.read(edge, object).await?;
            self.judge(seen, object, version, acknowledged, asked)?;
            sleep(READ_INTERVAL).await;
        }
        Ok(())
    }
}

impl Run {
    /// Notes what an answer was, beside the purges that had been answered when it was asked for.
    fn judge(
        &self,
        seen: &Seen,
        object: usize,
        version: u64,
        acknowledged: u64,
        asked: Instant,
    ) -> Result<(), String> {
        let ordered = self.ordered.lock().map_err(|_| "a reader failed")?;
        let newer = ordered.iter().filter(|it| it.object == object && it.version > version && it.at <= asked);
        let (done, open): (Vec<&Ordered>, Vec<&Ordered>) = newer.partition(|it| it.position <= acknowledged);
        seen.reads.fetch_add(1, Ordering::Relaxed);
        seen.stale.fetch_add(u64::from(!done.is_empty()), Ordering::Relaxed);
        if let Some(first) = open.first() {
            let late_ms = asked.duration_since(first.at).as_millis();
            seen.behind.fetch_add(1, Ordering::Relaxed);
            seen.behind_ms_max.fetch_max(u64::try_from(late_ms).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        Ok(())
    }
}

async fn all_blind(edges: &[&Edge]) -> Result<bool, String> {
    for edge in edges {
        if edge.status().await?["blind"] != true {
            return Ok(false);
        }
    }
    Ok(true)
}
