//! How much one client may ask: before the cache, before any origin.
//!
//! A rule ([`rule`]) names requests, by whom they are counted, and a quota; [`gcra`] says whether one more fits, and
//! [`table`] remembers, within bounded memory. All rules that fit a request hold; the answer tells of the tightest
//! ([`fields`]). A rule may be shared by the edges of a region ([`lease`]). A cap ([`cap`]) bounds how many requests are under
//! way at once. Lists of networks and of API keys ([`keys`]) are exempt or refused outright; keys may have tiers, which
//! rules and caps name.

pub(crate) mod cap;
mod fields;
mod gcra;
mod keys;
pub(crate) mod lease;
mod rule;
mod table;

pub use cap::Cap;
pub(crate) use cap::Held;
pub(crate) use fields::Standing;
pub use keys::{KeyHash, Tier};
pub use lease::{Share, Sharers};
pub use rule::{Config, KeyPart, Rule};

use crate::see::reason::Reason;
use cap::UnderWay;
use gcra::Pace;
use http::{HeaderValue, Method, StatusCode, request::Parts};
use keys::{Keys, Known};
use lease::Slice;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use rule::Matcher;
use std::net::IpAddr;
use std::sync::Arc;
use table::{Decision, Table};

/// The rules with what they count.
pub(crate) struct Limits {
    config: Config,
    rules: Vec<Running>,
    caps: Vec<Capping>,
    keys: Keys,
    table: Arc<Table>,
    under_way: Arc<UnderWay>,
    slice: Arc<Slice>,
    counts: Counts,
}

/// Requests by rule and verdict.
pub(crate) type Counts = Family<Vec<(&'static str, String)>, Counter>;

struct Running {
    rule: Rule,
    pace: Pace,
    matcher: Matcher,
    policy: HeaderValue,
    passed: Counter,
    refused: Counter,
}

struct Capping {
    cap: Cap,
    matcher: Matcher,
    policy: HeaderValue,
    passed: Counter,
    refused: Counter,
}

/// A request as the rules see it; its path is normalised.
pub(crate) struct Question<'a> {
    pub(crate) client: IpAddr,
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) head: &'a Parts,
}

/// What the rules say.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// No rule holds.
    Free,
    /// Within every quota; some rules wait for the answer before they count.
    Within(Admission),
    Refused(Refused),
}

/// A request that may go on.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    pub(crate) standing: Option<Standing>,
    /// Rules that count answers, with the keys of this request.
    waiting: Vec<(usize, u64)>,
    /// By what it is counted as under way, until it is over.
    pub(crate) held: Vec<Held>,
}

/// A request that may not.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    pub(crate) standing: Option<Standing>,
    pub(crate) violated: Vec<String>,
    pub(crate) wait_s: u64,
}

impl Limits {
    pub(crate) fn new(config: Config, slice: Arc<Slice>, counts: Counts) -> Self {
        let table = Arc::new(Table::new(config.entries_max));
        Self::over(config, (table, UnderWay::new()), slice, counts)
    }

    /// Other rules; what was used up under those of the same name stays used up.
    pub(crate) fn renewed(&self, config: Config) -> Self {
        self.table.resize(config.entries_max);
        let remembered = (self.table.clone(), self.under_way.clone());
        Self::over(config, remembered, self.slice.clone(), self.counts.clone())
    }

    fn over(
        config: Config,
        (table, under_way): (Arc<Table>, Arc<UnderWay>),
        slice: Arc<Slice>,
        counts: Counts,
    ) -> Self {
        let count = |name: &str, verdict: &str| {
            counts.get_or_create_owned(&vec![("rule", name.to_owned()), ("verdict", verdict.to_owned())])
        };
        let refusal = |shadow| if shadow { "would-refuse" } else { "refused" };
        let running = |rule: &Rule| Running {
            pace: Pace::new(rule.quota, rule.window_s, rule.burst.unwrap_or(rule.quota)),
            matcher: Matcher::of_rule(rule, &table),
            policy: fields::policy(rule),
            passed: count(&rule.name, "passed"),
            refused: count(&rule.name, refusal(rule.shadow)),
            rule: rule.clone(),
        };
        let capping = |cap: &Cap| Capping {
            matcher: Matcher::of_cap(cap, &table),
            policy: fields::cap_policy(cap),
            passed: count(&cap.name, "passed"),
            refused: count(&cap.name, refusal(cap.shadow)),
            cap: cap.clone(),
        };
        let rules = config.rules.iter().filter(|_| config.enabled).map(running).collect();
        let caps = config.caps.iter().filter(|_| config.enabled).map(capping).collect();
        let keys = Keys::new(&config);
        Self { rules, caps, keys, table, under_way, slice, counts, config }
    }

    /// Decides about a request, and counts it where it may go on.
    pub(crate) fn check(&self, question: &Question<'_>, now_us: i64) -> Verdict {
        let client = question.client.to_canonical();
        let known = self.keys.of(question);
        let known = known.as_ref();
        if known.is_some_and(|known| known.denied)
            || self.config.denied.iter().any(|network| network.contains(&client))
        {
            return Verdict::Refused(Refused::denied());
        }
        if self.rules.is_empty() && self.caps.is_empty()
            || known.is_some_and(|known| known.exempt)
            || self.config.exempt.iter().any(|network| network.contains(&client))
        {
            return Verdict::Free;
        }
        let now_ns = nanoseconds(now_us);
        let mut told = fields::Told::default();
        let held = match self.enter(question, known, &mut told) {
            Ok(held) => held,
            Err(violated) => {
                let (standing, reason) = (told.standing(), Reason::Crowded);
                return Verdict::Refused(Refused { reason, standing, violated, wait_s: CROWDED_WAIT_S });
            }
        };
        let mut spent: Vec<(usize, u64)> = Vec::new();
        let mut waiting = Vec::new();
        let mut refused: Option<(Vec<String>, u64, Reason)> = None;
        for (index, running) in self.rules.iter().enumerate() {
            let Some(key) = running.matcher.key(question, known, &self.table) else { continue };
            let rule = &running.rule;
            let late = !rule.statuses.is_empty() || rule.misses;
            let cost = if late { 0 } else { rule.cost };
            let pace = self.pace(running);
            let decision = self.table.spend(key, cost, rule, pace, now_ns);
            if late {
                waiting.push((index, key));
            }
            if rule.shadow {
                running.count(&decision);
                continue;
            }
            running.count(&decision);
            told.add(&rule.name, &running.policy, rule.quota, &decision, pace, now_ns);
            match decision {
                // Of a rule that counts answers nothing was spent yet.
                Decision::Fits { .. } if late => {}
                Decision::Fits { .. } => spent.push((index, key)),
                Decision::Full { wait_ns } => refuse(&mut refused, rule, wait_ns, Reason::Limited),
                Decision::Banned { wait_ns } => refuse(&mut refused, rule, wait_ns, Reason::Banned),
            }
        }
        let standing = told.standing();
        let Some((violated, wait_ns, reason)) = refused else {
            return if standing.is_none() && waiting.is_empty() && held.is_empty() {
                Verdict::Free
            } else {
                Verdict::Within(Admission { standing, waiting, held })
            };
        };
        // Whoever is refused by one rule has not used the quota of the others.
        for (index, key) in spent {
            let running = &self.rules[index];
            self.table.refund(key, running.rule.cost, self.pace(running));
        }
        Verdict::Refused(Refused { reason, standing, violated, wait_s: gcra::seconds(wait_ns) })
    }

    /// Counts a request as under way by every cap that means it, or says which are full.
    fn enter(
        &self,
        question: &Question<'_>,
        known: Option<&Known<'_>>,
        told: &mut fields::Told,
    ) -> Result<Vec<Held>, Vec<String>> {
        let (mut held, mut full) = (Vec::new(), Vec::new());
        for Capping { cap, matcher, policy, passed, refused } in &self.caps {
            let Some(key) = matcher.key(question, known, &self.table) else { continue };
            let max = if cap.shadow { u32::MAX } else { cap.under_way_max };
            let (count, fits) = match self.under_way.enter(key, max) {
                Ok((one, count)) => {
                    held.push(one);
                    (count, count <= cap.under_way_max)
                }
                Err(count) => {
                    full.push(cap.name.clone());
                    (count, false)
                }
            };
            if fits {
                passed.inc()
            } else {
                refused.inc()
            };
            if !cap.shadow {
                told.add_cap(&cap.name, policy, cap.under_way_max, count);
            }
        }
        if full.is_empty() { Ok(held) } else { Err(full) }
    }

    /// Of a shared rule this edge's slice.
    fn pace(&self, running: &Running) -> Pace {
        match running.rule.shared {
            true => running.pace.sliced(self.slice.parts(self.config.edges), running.rule.cost),
            false => running.pace,
        }
    }

    /// Counts an answer for the rules that wait for it.
    pub(crate) fn answered(&self, admission: &Admission, status: StatusCode, hit: bool, now_us: i64) {
        for (index, key) in &admission.waiting {
            let running = &self.rules[*index];
            let rule = &running.rule;
            let counts = rule.statuses.contains(&status.as_u16()) || rule.misses && !hit;
            if counts {
                self.table.charge(*key, rule.cost, self.pace(running), nanoseconds(now_us));
            }
        }
    }
}

/// Nobody knows when a request that is under way ends; a client that asks once a second harms nobody.
const CROWDED_WAIT_S: u64 = 1;

fn refuse(refused: &mut Option<(Vec<String>, u64, Reason)>, rule: &Rule, wait_ns: u64, reason: Reason) {
    let (violated, longest_ns, worst) = refused.get_or_insert_with(|| (Vec::new(), 0, reason));
    violated.push(rule.name.clone());
    *longest_ns = (*longest_ns).max(wait_ns);
    if reason == Reason::Banned {
        *worst = reason;
    }
}

fn nanoseconds(now_us: i64) -> u64 {
    u64::try_from(now_us).unwrap_or(0).saturating_mul(1_000)
}

impl Running {
    fn count(&self, decision: &Decision) {
        match decision {
            Decision::Fits { .. } => self.passed.inc(),
            Decision::Full { .. } | Decision::Banned { .. } => self.refused.inc(),
        };
    }
}

impl Refused {
    const fn denied() -> Self {
        Self { reason: Reason::Denied, standing: None, violated: Vec::new(), wait_s: 0 }
    }
}

/// Whether a rule for these methods holds for this one; no method means every one.
fn fits_method(methods: &[String], method: &Method) -> bool {
    methods.is_empty() || methods.iter().any(|known| known == method.as_str())
}

#[cfg(test)]
mod tests;
