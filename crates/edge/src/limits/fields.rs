//! What clients are told: `RateLimit-Policy` and `RateLimit`, in the form of draft-ietf-httpapi-ratelimit-headers
//! (text of version 11, May 2026): policies by name with quota and window, or of caps with the unit
//! `concurrent-requests`, and of the tightest one what remains.

use super::cap::Cap;
use super::gcra::{Pace, seconds};
use super::rule::Rule;
use super::table::Decision;
use crate::see::line::number as digits;
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
    /// The fields that it is written in.
    pub(crate) const NAMES: [HeaderName; 2] = [POLICY, STATE];

    /// Never on a stored answer: it is of one client and one moment.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(POLICY, self.policy);
        headers.insert(STATE, self.state);
    }
}

/// One member of `RateLimit-Policy`.
pub(super) fn policy(rule: &Rule) -> HeaderValue {
    let text = format!("\"{}\";q={};w={}", rule.name, rule.quota, rule.window_s);
    // Names are checked; the fallback keeps this total.
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"rule\""))
}

/// The same for a cap: it has no window.
pub(super) fn cap_policy(cap: &Cap) -> HeaderValue {
    let text = format!("\"{}\";q={};qu=\"concurrent-requests\"", cap.name, cap.under_way_max);
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("\"cap\""))
}

/// Collects the rules that hold for one request.
#[derive(Default)]
pub(super) struct Told {
    policies: Option<HeaderValue>,
    tightest: Option<Tightest>,
}

struct Tightest {
    state: HeaderValue,
    /// Of its quota, in thousandths.
    share: u64,
}

impl Told {
    pub(super) fn add(
        &mut self,
        name: &str,
        policy: &HeaderValue,
        quota: u64,
        decision: &Decision,
        pace: Pace,
        now_ns: u64,
    ) {
        let (remaining, reset_ns) = match *decision {
            Decision::Fits { paid_ns } => (pace.remaining(paid_ns, now_ns), paid_ns.saturating_sub(now_ns)),
            Decision::Full { wait_ns } | Decision::Banned { wait_ns } => (0, wait_ns),
        };
        self.note(policy, quota, remaining, || state(name, remaining, Some(seconds(reset_ns))));
    }

    /// A cap, with how many requests are under way.
    pub(super) fn add_cap(&mut self, name: &str, policy: &HeaderValue, max: u32, under_way: u32) {
        let remaining = u64::from(max.saturating_sub(under_way));
        self.note(policy, u64::from(max), remaining, || state(name, remaining, None));
    }

    fn note(&mut self, policy: &HeaderValue, quota: u64, remaining: u64, state: impl FnOnce() -> Vec<u8>) {
        self.policies = match self.policies.take() {
            // Most requests are under one rule: its text is made already.
            None => Some(policy.clone()),
            Some(others) => {
                HeaderValue::from_bytes(&[others.as_bytes(), b", ", policy.as_bytes()].concat()).ok()
            }
        };
        let share = remaining.saturating_mul(1_000) / quota.max(1);
        if self.tightest.as_ref().is_none_or(|tightest| share < tightest.share)
            && let Ok(state) = HeaderValue::from_bytes(&state())
        {
            self.tightest = Some(Tightest { state, share });
        }
    }

    pub(super) fn standing(self) -> Option<Standing> {
        Some(Standing { policy: self.policies?, state: self.tightest?.state })
    }
}

/// `"name";r=37;t=12`; of a cap, which no time resets, without `t`.
fn state(name: &str, remaining: u64, reset_s: Option<u64>) -> Vec<u8> {
    const AROUND_BYTES: usize = 48;
    let mut text = Vec::with_capacity(name.len() + AROUND_BYTES);
    text.push(b'"');
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b"\";r=");
    digits(remaining, &mut text);
    if let Some(reset_s) = reset_s {
        text.extend_from_slice(b";t=");
        digits(reset_s, &mut text);
    }
    text
}
