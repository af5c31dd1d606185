//! When a certificate is asked for: a pure calendar.

use serde::{Deserialize, Serialize};

/// The longest pause after failures: a certificate that ends in a month survives many of them.
const PAUSE_S_MAX: i64 = 6 * 3_600;

/// What was tried. Times are in seconds since the Unix epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempts {
    last_s: Option<i64>,
    pub(super) failures: u32,
    pub(super) last_error: Option<String>,
}

impl Attempts {
    pub(super) fn begun(&mut self, now_s: i64) {
        self.last_s = Some(now_s);
    }

    pub(super) fn succeeded(&mut self) {
        (self.failures, self.last_error) = (0, None);
    }

    pub(super) fn failed(&mut self, why: String) {
        self.failures = self.failures.saturating_add(1);
        self.last_error = Some(why);
    }

    /// When the next one is due for a certificate that holds from and until these times, or for none. `dice`, between
    /// 0 and 1, keeps edges that started together from asking together.
    pub(super) fn next_s(&self, held: Option<(i64, i64)>, per_hour: u32, dice: f64, now_s: i64) -> i64 {
        let due = held.map_or(i64::MIN, |(from_s, until_s)| {
            let life = until_s.saturating_sub(from_s);
            from_s.saturating_add(life / 3 * 2).saturating_add(share(life / 30, dice))
        });
        // A clock that was set back must not hold it up.
        let last = self.last_s.map(|last| last.min(now_s));
        let earliest =
            last.map_or(now_s.min(due.max(0)), |last| last.saturating_add(self.pause_s(per_hour, dice)));
        due.max(earliest)
    }

    /// What lies between two attempts: an even share of the hour, doubled with each failure in a row.
    fn pause_s(&self, per_hour: u32, dice: f64) -> i64 {
        let even = 3_600_i64.div_euclid(i64::from(per_hour.max(1))).max(1);
        let doubled = even.saturating_mul(1_i64 << self.failures.saturating_sub(1).min(20));
        let pause = doubled.min(PAUSE_S_MAX).max(even);
        let late = if self.failures == 0 { 0 } else { share(pause / 4, dice) };
        pause + late
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a share of a duration, at random"
)]
fn share(of: i64, dice: f64) -> i64 {
    (of as f64 * dice) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    const DAY: i64 = 86_400;

    fn after(failures: u32) -> Attempts {
        let mut attempts = Attempts::default();
        attempts.begun(1_000);
        (0..failures).for_each(|_| attempts.failed("no".to_owned()));
        attempts
    }

    #[test]
    fn without_a_certificate_it_is_due_at_once() {
        assert!(Attempts::default().next_s(None, 5, 0.5, 1_000) <= 1_000);
    }

    #[test]
    fn it_is_renewed_after_two_thirds_of_its_life_and_a_little() {
        let held = Some((1_000, 1_000 + 90 * DAY));
        assert_eq!(after(0).next_s(held, 5, 0.0, 2_000), 1_000 + 60 * DAY);
        assert_eq!(after(0).next_s(held, 5, 1.0, 2_000), 1_000 + 63 * DAY);
        assert_eq!(Attempts::default().next_s(held, 5, 0.0, 2_000), 1_000 + 60 * DAY);
    }

    #[test]
    fn failures_double_the_pause_up_to_six_hours() {
        let pauses = [(1, 720), (2, 1_440), (3, 2_880), (6, 21_600), (40, 21_600)];
        for (failures, pause) in pauses {
            assert_eq!(after(failures).next_s(None, 5, 0.0, 1_000), 1_000 + pause, "{failures}");
            assert_eq!(after(failures).next_s(None, 5, 1.0, 1_000), 1_000 + pause + pause / 4, "{failures}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_hold_it_up() {
        assert_eq!(after(1).next_s(None, 5, 0.0, 10), 10 + 720);
    }

    #[test]
    fn success_forgets_failures() {
        let mut attempts = after(9);
        attempts.succeeded();
        assert_eq!((attempts.next_s(None, 5, 1.0, 1_000), attempts.last_error), (1_720, None));
    }

    proptest! {
        #[test]
        fn two_attempts_are_never_nearer_than_their_share_of_the_hour(
            failures in 0_u32..100, per_hour in 1_u32..3_600, dice in 0.0..1.0, from in any::<i64>(), until in any::<i64>(),
        ) {
            let next = after(failures).next_s(Some((from, until)), per_hour, dice, 1_000);
            assert!(next >= 1_000 + 3_600 / i64::from(per_hour));
        }
    }
}
