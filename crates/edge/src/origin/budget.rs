//! How many requests may be sent a second time: an origin that fails must not get twice the load.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Retries are at most a fifth of the requests, and three a second where that is more.
pub(super) struct RetryBudget {
    /// In fifths of a retry.
    left: AtomicI64,
    /// Until when the flat part is paid out, in milliseconds of the caller's clock.
    paid_ms: AtomicU64,
}

impl RetryBudget {
    const COST: i64 = 5;
    /// What an idle time saves up: ten seconds of the flat part.
    const RESERVE: i64 = 30 * Self::COST;
    const EVERY_MS: u64 = 1_000 / 3;

    pub(super) const fn new() -> Self {
        Self { left: AtomicI64::new(Self::RESERVE), paid_ms: AtomicU64::new(0) }
    }

    /// One request more.
    pub(super) fn earn(&self) {
        if self.left.load(Ordering::Relaxed) < Self::RESERVE {
            self.left.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether one more retry is paid for.
    pub(super) fn spend(&self, now_ms: u64) -> bool {
        self.pay_out(now_ms);
        let paid = |left: i64| (left >= Self::COST).then_some(left - Self::COST);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid).is_ok()
    }

    fn pay_out(&self, now_ms: u64) {
        let since_ms = self.paid_ms.load(Ordering::Relaxed);
        let retries = now_ms.saturating_sub(since_ms) / Self::EVERY_MS;
        let until_ms = since_ms + retries * Self::EVERY_MS;
        let first =
            self.paid_ms.compare_exchange(since_ms, until_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if retries > 0 && first {
            let more = i64::try_from(retries).unwrap_or(Self::RESERVE).saturating_mul(Self::COST);
            let filled = |left: i64| Some(left.saturating_add(more).min(Self::RESERVE));
            // It always has a new value, so it does not fail.
            let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, filled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spendable(budget: &RetryBudget, now_ms: u64) -> usize {
        (0..1_000).filter(|_| budget.spend(now_ms)).count()
    }

    #[test]
    fn a_fifth_of_the_requests_may_be_tried_again() {
        let budget = RetryBudget::new();
        assert_eq!(spendable(&budget, 0), 30);
        (0..50).for_each(|_| budget.earn());
        assert_eq!(spendable(&budget, 0), 10);
        (0..10_000).for_each(|_| budget.earn());
        assert_eq!(spendable(&budget, 0), 30);
    }

    #[test]
    fn three_a_second_are_always_allowed() {
        let budget = RetryBudget::new();
        assert_eq!(spendable(&budget, 0), 30);
        assert_eq!(spendable(&budget, 300), 0);
        assert_eq!(spendable(&budget, 1_000), 3);
        assert_eq!(spendable(&budget, 2_000), 3);
        assert_eq!(spendable(&budget, 1_000_000), 30);
    }
}
