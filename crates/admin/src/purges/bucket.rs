//! How many purges may be ordered: every one of them makes origins work.

use chrono::{DateTime, Duration, Utc};
use std::sync::{Mutex, PoisonError};

/// Orders of all together in a second, for as long as one likes.
const PER_SECOND: i32 = 50;
/// Orders at once after a rest.
const BURST: i32 = 100;

/// A token bucket, kept as the moment at which it will be full again.
#[derive(Debug, Default)]
pub(crate) struct Bucket(Mutex<DateTime<Utc>>);

impl Bucket {
    /// Takes one token; or says after how many seconds there is one again.
    pub(crate) fn take(&self, now: DateTime<Utc>) -> Result<(), u32> {
        let cost = Duration::seconds(1) / PER_SECOND;
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (*full_at).max(now) + cost;
        let over = next - now - cost * BURST;
        if over > Duration::zero() {
            return Err(u32::try_from(over.num_seconds() + 1).unwrap_or(u32::MAX));
        }
        *full_at = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_fifty_a_second() {
        let (bucket, now) = (Bucket::default(), DateTime::UNIX_EPOCH + Duration::days(1));
        let taken = |now| (0..1_000).take_while(|_| bucket.take(now).is_ok()).count();
        assert_eq!(taken(now), 100);
        assert_eq!(bucket.take(now), Err(1));
        assert_eq!(taken(now + Duration::seconds(1)), 50);
        assert_eq!(taken(now + Duration::days(1)), 100);
    }
}
