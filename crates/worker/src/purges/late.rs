//! How long the newest event waits for index and cache.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The longest that an event may wait before edges are told that nobody knows what is stale.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// An event that was seen in the stream and not applied yet, and since when it waits.
#[derive(Default)]
pub(super) struct Late(Mutex<Option<(u64, Instant)>>);

impl Late {
    /// Whether an event waits for too long, where `applied` is the last position that was applied and `head` the newest.
    pub(super) fn is_late(&self, applied: u64, head: u64, now: Instant) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One beyond the head belongs to a stream that is no more.
        if waiting.is_none_or(|(position, _)| position <= applied || position > head) {
            *waiting = (head > applied).then_some((head, now));
        }
        waiting.is_some_and(|(_, since)| now.duration_since(since) > WAIT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_that_gets_on_is_never_late() {
        let (late, began) = (Late::default(), Instant::now());
        for second in 0..60 {
            assert!(!late.is_late(second * 10, second * 10 + 10, began + Duration::from_secs(second)));
        }
    }

    #[test]
    fn an_event_of_a_stream_that_is_no_more_is_not_waited_for() {
        let (late, began) = (Late::default(), Instant::now());
        assert!(!late.is_late(7, 9, began));
        assert!(!late.is_late(2, 2, began + Duration::from_secs(60)));
        assert!(!late.is_late(2, 3, began + Duration::from_secs(61)));
    }

    #[test]
    fn an_event_that_waits_is_late_until_it_is_applied() {
        let (late, began) = (Late::default(), Instant::now());
        let at = |s| began + Duration::from_secs(s);
        assert!(!late.is_late(7, 7, at(0)));
        assert!(!late.is_late(7, 9, at(60)));
        assert!(!late.is_late(8, 9, at(65)));
        assert!(late.is_late(8, 12, at(66)));
        assert!(!late.is_late(9, 12, at(67)));
        assert!(!late.is_late(12, 12, at(100)));
    }
}
