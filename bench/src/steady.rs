//! Requests at a steady rate. They start when the clock says so, however long earlier ones take, and their time is
//! counted from then: a server that stalls is seen to stall.

use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Asks `rate` times a second for so long; the time of each answer, or the first failure.
pub async fn ask<F>(
    rate: u32,
    run_for: Duration,
    request: impl Fn(usize) -> F,
) -> Result<Vec<Duration>, String>
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let mut clock = interval(Duration::from_secs(1) / rate.max(1));
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let until = Instant::now() + run_for;
    let mut under_way = JoinSet::new();
    for count in 0.. {
        let due = clock.tick().await;
        if due >= until {
            break;
        }
        let asked = request(count);
        under_way.spawn(async move {
            asked.await?;
            Ok::<_, String>(Instant::now() - due)
        });
    }
    let mut sample = Vec::new();
    while let Some(ended) = under_way.join_next().await {
        sample.push(ended.map_err(|error| error.to_string())??);
    }
    Ok(sample)
}
