//! Counters of fixed windows, for limits by rate.

use std::collections::HashMap;
use std::time::Duration;

/// Counts by name and window, bounded: when there are too many, ended windows go first, then the oldest
/// counters, which then count from one again.
#[derive(Default)]
pub(crate) struct Counters(HashMap<String, Window>);

struct Window {
    number: u64,
    ends_micros: u64,
    count: u64,
}

impl Counters {
    /// Most counters alive.
    pub(crate) const COUNTERS_MAX: usize = 65_536;

    /// Adds one in the window of `now_micros` (since 1970), and returns the sum.
    pub(crate) fn add(&mut self, counter: &str, window: Duration, now_micros: u64) -> u64 {
        let length = u64::try_from(window.as_micros()).unwrap_or(u64::MAX).max(1);
        let number = now_micros / length;
        let fresh = Window { number, ends_micros: number.saturating_add(1).saturating_mul(length), count: 0 };
        if self.0.len() >= Self::COUNTERS_MAX && !self.0.contains_key(counter) {
            self.make_room(now_micros);
        }
        let slot = self.0.entry(counter.to_owned()).or_insert(Window { count: 0, ..fresh });
        if slot.number != number {
            *slot = fresh;
        }
        slot.count += 1;
        slot.count
    }

    fn make_room(&mut self, now_micros: u64) {
        self.0.retain(|_, window| window.ends_micros > now_micros);
        if self.0.len() < Self::COUNTERS_MAX {
            return;
        }
        let mut ends: Vec<u64> = self.0.values().map(|window| window.ends_micros).collect();
        let (_, median, _) = ends.select_nth_unstable(Self::COUNTERS_MAX / 2);
        let (median, mut spare) = (*median, Self::COUNTERS_MAX / 2);
        // Windows of one length end together, so the median alone would drop them all.
        self.0.retain(|_, window| {
            let goes = window.ends_micros <= median && spare > 0;
            spare -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_new_window_counts_from_one() {
        let mut counters = Counters::default();
        assert_eq!(counters.add("a", SECOND, 0), 1);
        assert_eq!(counters.add("a", SECOND, 999_999), 2);
        assert_eq!(counters.add("a", SECOND, 1_000_000), 1);
    }

    #[test]
    fn counters_are_bounded_whatever_is_counted() {
        let mut counters = Counters::default();
        for name in 0..Counters::COUNTERS_MAX + 100 {
            counters.add(&name.to_string(), SECOND, 5);
        }
        assert!(counters.0.len() <= Counters::COUNTERS_MAX);
        assert!(counters.0.len() >= Counters::COUNTERS_MAX / 2);
        counters.add("later", SECOND, 3_000_000);
        assert_eq!(counters.add("zero", Duration::ZERO, 7), 1);
    }
}
