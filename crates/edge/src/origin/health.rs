//! Which origins are worth asking.

use super::upstream::jittered;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Learns from the requests that are sent anyway. After [`Health::FAILURES_MAX`] failures in a row an origin is
/// down; each time its rest ends, one request may try it.
pub(super) struct Health {
    failures: AtomicU32,
    /// Milliseconds since the upstream was made; 0 while up.
    down_until_ms: AtomicU64,
    /// Whether the one request that may try it is under way.
    probing: AtomicBool,
    down_max: Duration,
}

impl Health {
    const FAILURES_MAX: u32 = 2;
    const DOWN_MS_MIN: u64 = 250;

    pub(super) fn new(down_max: Duration) -> Self {
        let (failures, down_until_ms, probing) =
            (AtomicU32::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Self { failures, down_until_ms, probing, down_max }
    }

    pub(super) fn is_up(&self) -> bool {
        self.down_until_ms.load(Ordering::Acquire) == 0
    }

    /// Whether this request may go to the origin; when its rest is over, only the first that asks.
    pub(super) fn take_turn(&self, now_ms: u64) -> bool {
        let until_ms = self.down_until_ms.load(Ordering::Acquire);
        if until_ms == 0 || now_ms < until_ms {
            return until_ms == 0;
        }
        let next_ms = now_ms + Self::DOWN_MS_MIN;
        let first = self
            .down_until_ms
            .compare_exchange(until_ms, next_ms, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
        if first {
            self.probing.store(true, Ordering::Release);
        }
        first
    }

    pub(super) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.probing.store(false, Ordering::Relaxed);
            self.failures.store(0, Ordering::Relaxed);
            self.down_until_ms.store(0, Ordering::Release);
        }
    }

    pub(super) fn failed(&self, now_ms: u64) {
        if !self.probing.swap(false, Ordering::AcqRel) && now_ms < self.down_until_ms.load(Ordering::Acquire)
        {
            // A latecomer from before the rest began: it must not lengthen it.
            return;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let Some(excess) = failures.checked_sub(Self::FAILURES_MAX) else { return };
        let down_max_ms = u64::try_from(self.down_max.as_millis()).unwrap_or(u64::MAX);
        let rest_ms = (Self::DOWN_MS_MIN << excess.min(16)).min(down_max_ms.max(1));
        self.down_until_ms.store(now_ms + jittered(rest_ms), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_that_fails_rests_and_is_tried_by_one() {
        let health = Health::new(Duration::from_secs(10));
        health.failed(1);
        assert!(health.take_turn(1));
        health.failed(1);
        assert!(!health.is_up() && !health.take_turn(100));
        health.failed(100);
        assert!(health.take_turn(400), "a latecomer does not lengthen the rest");
        assert!(!health.take_turn(400));
        health.failed(400);
        assert!(!health.take_turn(700), "the second rest is longer");
        assert!(health.take_turn(1_100));
        health.succeeded();
        assert!(health.is_up() && health.take_turn(1_100) && health.take_turn(1_100));
    }
}
