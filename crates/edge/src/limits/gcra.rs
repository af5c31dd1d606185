//! The generic cell rate algorithm: one number a key, the instant at which its debt would be paid.
//!
//! A quota of `q` in a window `w` pays one request back every `w/q`; `burst` is how many may be owed at once. It
//! admits what a leaky bucket of that size would, without a timer.

/// How fast one key may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Nanoseconds in which one request is paid back.
    each_ns: u64,
    /// Nanoseconds of debt that are allowed.
    tolerance_ns: u64,
}

impl Pace {
    pub(super) fn new(quota: u64, window_s: u64, burst: u64) -> Self {
        let each_ns = window_s.saturating_mul(1_000_000_000) / quota.max(1);
        Self { each_ns: each_ns.max(1), tolerance_ns: each_ns.max(1).saturating_mul(burst.max(1)) }
    }

    /// One of so many equal parts of it; at least one request of this cost fits.
    pub(super) const fn sliced(self, parts: u32, cost: u64) -> Self {
        let each_ns = self.each_ns.saturating_mul(parts as u64);
        let least_ns = each_ns.saturating_mul(cost);
        let tolerance_ns = if self.tolerance_ns > least_ns { self.tolerance_ns } else { least_ns };
        Self { each_ns, tolerance_ns }
    }

    /// The new instant for a key that was at `paid_ns`, or how long it must wait.
    pub(super) fn spend(self, paid_ns: u64, cost: u64, now_ns: u64) -> Result<u64, u64> {
        let due_ns = paid_ns.max(now_ns).saturating_add(self.price(cost));
        // A rule that only looks asks whether one more would fit.
        let asked_ns = if cost == 0 { due_ns.saturating_add(self.each_ns) } else { due_ns };
        match (asked_ns - now_ns).checked_sub(self.tolerance_ns) {
            None | Some(0) => Ok(due_ns),
            Some(wait_ns) => Err(wait_ns),
        }
    }

    pub(super) const fn price(self, cost: u64) -> u64 {
        self.each_ns.saturating_mul(cost)
    }

    /// How many more fit now.
    pub(super) const fn remaining(self, paid_ns: u64, now_ns: u64) -> u64 {
        self.tolerance_ns.saturating_sub(paid_ns.saturating_sub(now_ns)) / self.each_ns
    }
}

/// Whole seconds, rounded up: nobody who waits so long is too early.
pub(super) const fn seconds(ns: u64) -> u64 {
    ns.div_ceil(1_000_000_000)
}
