//! What clients are told: `RateLimit-Policy` and `RateLimit`, in the form of draft-ietf-httpapi-ratelimit-headers
//! (text of version 10): policies by name with quota and window, and of the tightest one what remains.

use super::gcra::{Pace, seconds};
use super::rule::Rule;
use super::table::Decision;
use http::header::{HeaderMap, HeaderName, HeaderValue};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Where a client stands.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    policy: HeaderValue,
    state: HeaderValue,
}

impl Standing {
    /// Never on a stored answer: it is of one client and one moment.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(POLICY, self.policy);
        headers.insert(STATE, self.state);
    }
}

/// One member of `RateLimit-Policy`.
pub(super) fn policy(rule: &Rule) -> String {
    format!("\"{}\";q={};w={}", rule.name, rule.quota, rule.window_s)
}

/// Collects the rules that hold for one request.
#[derive(Default)]
pub(super) struct Told {
    policies: String,
    tightest: Option<Tightest>,
}

struct Tightest {
    state: String,
    /// Of its quota, in thousandths.
    share: u64,
}

impl Told {
    pub(super) fn add(
        &mut self,
        name: &str,
        policy: &str,
        quota: u64,
        decision: &Decision,
        pace: Pace,
        now_ns: u64,
    ) {
        let (remaining, reset_ns) = match *decision {
            Decision::Fits { paid_ns } => (pace.remaining(paid_ns, now_ns), paid_ns.saturating_sub(now_ns)),
            Decision::Full { wait_ns } | Decision::Banned { wait_ns } => (0, wait_ns),
        };
        if !self.policies.is_empty() {
            self.policies.push_str(", ");
        }
        self.policies.push_str(policy);
        let share = remaining.saturating_mul(1_000) / quota.max(1);
        if self.tightest.as_ref().is_none_or(|tightest| share < tightest.share) {
            let state = format!("\"{name}\";r={remaining};t={}", seconds(reset_ns));
            self.tightest = Some(Tightest { state, share });
        }
    }

    pub(super) fn standing(self) -> Option<Standing> {
        let policy = HeaderValue::try_from(self.policies).ok()?;
        Some(Standing { policy, state: HeaderValue::try_from(self.tightest?.state).ok()? })
    }
}
