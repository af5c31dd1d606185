//! How much one client may ask: before the cache, before any origin.
//!
//! A rule ([`rule`]) names requests, by whom they are counted, and a quota; [`gcra`] says whether one more fits, and
//! [`table`] remembers, within bounded memory. All rules that fit a request hold; the answer tells of the tightest
//! ([`fields`]). A rule may be shared by the edges of a region ([`lease`]). Lists of networks are exempt or refused outright.

mod fields;
mod gcra;
pub(crate) mod lease;
mod rule;
mod table;

pub(crate) use fields::Standing;
pub use lease::{Share, Sharers};
pub use rule::{Config, KeyPart, Rule};

use crate::see::reason::Reason;
use gcra::Pace;
use http::{HeaderValue, Method, StatusCode, request::Parts};
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
    table: Arc<Table>,
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
        Self::over(config, table, slice, counts)
    }

    /// Other rules; what was used up under those of the same name stays used up.
    pub(crate) fn renewed(&self, config: Config) -> Self {
        self.table.resize(config.entries_max);
        Self::over(config, self.table.clone(), self.slice.clone(), self.counts.clone())
    }

    fn over(config: Config, table: Arc<Table>, slice: Arc<Slice>, counts: Counts) -> Self {
        let count = |rule: &Rule, verdict: &str| {
            counts.get_or_create_owned(&vec![("rule", rule.name.clone()), ("verdict", verdict.to_owned())])
        };
        let running = |rule: &Rule| Running {
            pace: Pace::new(rule.quota, rule.window_s, rule.burst.unwrap_or(rule.quota)),
            matcher: Matcher::new(rule, &table),
            policy: fields::policy(rule),
            passed: count(rule, "passed"),
            refused: count(rule, if rule.shadow { "would-refuse" } else { "refused" }),
            rule: rule.clone(),
        };
        let rules = config.rules.iter().filter(|_| config.enabled).map(running).collect();
        Self { rules, table, slice, counts, config }
    }

    /// Decides about a request, and counts it where it may go on.
    pub(crate) fn check(&self, question: &Question<'_>, now_us: i64) -> Verdict {
        let client = question.client.to_canonical();
        if self.config.denied.iter().any(|network| network.contains(&client)) {
            return Verdict::Refused(Refused::denied());
        }
        if self.rules.is_empty() || self.config.exempt.iter().any(|network| network.contains(&client)) {
            return Verdict::Free;
        }
        let now_ns = nanoseconds(now_us);
        let mut told = fields::Told::default();
        let mut spent: Vec<(usize, u64)> = Vec::new();
        let mut waiting = Vec::new();
        let mut refused: Option<(Vec<String>, u64, Reason)> = None;
        for (index, running) in self.rules.iter().enumerate() {
            let Some(key) = running.matcher.key(question, &self.table) else { continue };
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
                Decision::Fits { .. } => spent.push((index, key)),
                Decision::Full { wait_ns } => refuse(&mut refused, rule, wait_ns, Reason::Limited),
                Decision::Banned { wait_ns } => refuse(&mut refused, rule, wait_ns, Reason::Banned),
            }
        }
        let standing = told.standing();
        let Some((violated, wait_ns, reason)) = refused else {
            return if standing.is_none() && waiting.is_empty() {
                Verdict::Free
            } else {
                Verdict::Within(Admission { standing, waiting })
            };
        };
        // Whoever is refused by one rule has not used the quota of the others.
        for (index, key) in spent {
            let running = &self.rules[index];
            self.table.refund(key, running.rule.cost, self.pace(running));
        }
        Verdict::Refused(Refused { reason, standing, violated, wait_s: gcra::seconds(wait_ns) })
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
