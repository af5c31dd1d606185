//! From the admin API's answer to a purge until no edge of either region shows what was purged.

use super::world::{self, OBJECTS, World};
use crate::table::{latency_header, latency_row};
use clap::Args;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    world: world::Options,
    /// Purges, one at a time.
    #[arg(long, default_value_t = 1_000)]
    count: usize,
}

/// The admin API takes fifty orders a second.
const ORDER_INTERVAL: Duration = Duration::from_millis(25);

pub async fn run(options: Options) -> Result<(), String> {
    let world = World::start(&options.world).await?;
    world.warm().await?;
    let [mut near, mut far, mut all] = [Vec::new(), Vec::new(), Vec::new()];
    let mut turn = interval(ORDER_INTERVAL);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in 0..options.count {
        turn.tick().await;
        let object = round % OBJECTS;
        let (version, _) = world.change(object, round % 2 == 0).await?;
        let since = Instant::now();
        let looks = world.edges.iter().map(|edge| world.seen(edge, object, version, since));
        let mut slowest = Duration::ZERO;
        for (edge, seen) in world.edges.iter().zip(together(looks).await) {
            let seen = seen?;
            if edge.region == "a" {
                near.push(seen)
            } else {
                far.push(seen)
            }
            slowest = slowest.max(seen);
        }
        all.push(slowest);
    }
    latency_header();
    latency_row("API's answer to invisible, edges of A", &mut near);
    latency_row("API's answer to invisible, edges of B", &mut far);
    latency_row("API's answer to invisible on all five", &mut all);
    Ok(())
}

/// All at once, in their order.
async fn together<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    futures_util::future::join_all(futures).await
}
