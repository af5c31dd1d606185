//! Time as an argument.

use chrono::{DateTime, Duration, TimeZone, Utc};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where a component learns what time it is: the machine in production, a hand-set value in tests.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's own clock.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it. Clones move together.
    pub fn fixed(start: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.timestamp_micros()))))
    }

    /// The present moment, to the microsecond (what PostgreSQL keeps).
    pub fn now(&self) -> DateTime<Utc> {
        Utc.timestamp_micros(self.micros()).single().unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The same in microseconds since the Unix epoch.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn micros(&self) -> i64 {
        self.0.as_ref().map_or_else(|| Utc::now().timestamp_micros(), |at| at.load(Ordering::Relaxed))
    }

    /// Moves a fixed clock on; a system clock is not moved.
    pub fn advance(&self, by: Duration) {
        if let Some(at) = &self.0 {
            at.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Clock::fixed" } else { "Clock::system" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_fixed_clock_move_together() {
        let clock = Clock::fixed(DateTime::UNIX_EPOCH);
        let other = clock.clone();
        other.advance(Duration::milliseconds(1_500));
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH + Duration::milliseconds(1_500));
    }

    #[test]
    fn the_system_clock_is_not_moved() {
        let clock = Clock::system();
        let before = clock.now();
        clock.advance(Duration::days(10_000));
        assert!(clock.now() - before < Duration::days(1));
        assert_eq!(before.timestamp_subsec_nanos() % 1_000, 0);
    }
}
