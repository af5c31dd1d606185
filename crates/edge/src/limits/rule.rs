//! The rules as an operator writes them, and which requests they mean.

use super::table::Table;
use super::{Question, fits_method};
use crate::Error;
use http::header;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// How much clients may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// False counts nothing; `denied` holds all the same.
    pub enabled: bool,
    /// Networks that no rule holds for.
    pub exempt: Vec<IpNet>,
    /// Networks that are refused outright (403).
    pub denied: Vec<IpNet>,
    /// Into how many slices shared quotas are cut until the region's node has said how many edges there are.
    pub edges: u32,
    /// How often the node is asked, in milliseconds: for so long a change may be unknown.
    pub lease_ms: u64,
    /// Keys that are remembered, over all rules.
    pub entries_max: usize,
    /// All that fit a request hold.
    pub rules: Vec<Rule>,
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in fields, metrics and logs: 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Beginnings of paths, by whole segments; none means every path.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Beginnings of paths that it does not mean.
    #[serde(default)]
    pub except: Vec<String>,
    /// Methods; none means every one.
    #[serde(default)]
    pub methods: Vec<String>,
    /// By what requests are told apart: all parts together.
    #[serde(default = "by_address")]
    pub key: Vec<KeyPart>,
    /// Requests in a window.
    pub quota: u64,
    /// Seconds.
    pub window_s: u64,
    /// How many of them may come at once; unset: all.
    #[serde(default)]
    pub burst: Option<u64>,
    /// What one request counts.
    #[serde(default = "one")]
    pub cost: u64,
    /// Counts only answers with these statuses: 401, 403 and 404 for those who try doors.
    #[serde(default)]
    pub statuses: Vec<u16>,
    /// Counts only what had to ask an origin.
    #[serde(default)]
    pub misses: bool,
    /// The edges of a region share the quota; else each has the whole. It should be ten times their number or more.
    #[serde(default)]
    pub shared: bool,
    /// Counts and says so in metrics, and refuses nobody.
    #[serde(default)]
    pub shadow: bool,
    /// Refusals within a window after which a client is refused for `ban_s`; 0: never.
    #[serde(default)]
    pub ban_after: u32,
    /// Seconds.
    #[serde(default)]
    pub ban_s: u64,
}

/// What tells clients, or requests, apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPart {
    /// The client's address; of IPv6 the /64, which is what one household has.
    Address,
    /// Whatever stands in `Authorization`; requests without it are told apart by address.
    Credential,
    /// The host that is asked.
    Host,
    /// The method.
    Method,
    /// The whole path.
    Path,
    /// A request field.
    Field(String),
    /// A cookie.
    Cookie(String),
}

fn by_address() -> Vec<KeyPart> {
    vec![KeyPart::Address]
}

const fn one() -> u64 {
    1
}

impl Default for Config {
    /// Nothing is limited: an edge that knows nothing of its origin has no reason to refuse.
    fn default() -> Self {
        const ENTRIES_MAX: usize = 262_144;
        let none = || Vec::new();
        Self {
            enabled: true,
            exempt: Vec::new(),
            denied: Vec::new(),
            edges: 4,
            lease_ms: 200,
            entries_max: ENTRIES_MAX,
            rules: none(),
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), Error> {
        const WINDOW_S_MAX: u64 = 31 * 86_400;
        let named = |rule: &Rule| {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            (1..=32).contains(&rule.name.len()) && rule.name.chars().all(fits)
        };
        let unique = |rule: &Rule| self.rules.iter().filter(|other| other.name == rule.name).count() == 1;
        let all = |holds: &dyn Fn(&Rule) -> bool| self.rules.iter().all(holds);
        let rules = [
            (all(&named), "`limits.rules.name` needs 1 to 32 of a-z, 0-9 and `-`"),
            (all(&unique), "two of `limits.rules` have one name"),
            (
                all(&|rule| rule.quota > 0 && (1..=WINDOW_S_MAX).contains(&rule.window_s)),
                "`limits.rules` need a positive `quota` and a `window_s` of 1 second to 31 days",
            ),
            (
                all(&|rule| rule.burst.unwrap_or(rule.quota) >= rule.cost && rule.cost > 0),
                "`limits.rules.cost` must be positive and no larger than `burst` (or `quota`)",
            ),
            (all(&|rule| !rule.key.is_empty()), "`limits.rules.key` needs at least one part"),
            (
                all(&|rule| (rule.ban_after == 0) == (rule.ban_s == 0)),
                "`limits.rules`: `ban_after` and `ban_s` belong together",
            ),
            (
                all(&|rule| rule.paths.iter().chain(&rule.except).all(|path| path.starts_with('/'))),
                "`limits.rules.paths` and `except` begin with a slash",
            ),
            (self.entries_max > 0, "`limits.entries_max` must be positive"),
            ((1..=1_000).contains(&self.edges), "`limits.edges` is 1 to 1000"),
            ((50..=10_000).contains(&self.lease_ms), "`limits.lease_ms` is 50 to 10000"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, sentence)) => Err(Error::Config(sentence)),
            None => Ok(()),
        }
    }
}

/// A rule that is asked for every request.
pub(super) struct Matcher {
    rule: Rule,
    /// Keeps the keys of this rule apart from those of others, and the same when rules are changed around it.
    seed: u64,
}

impl Matcher {
    pub(super) fn new(rule: &Rule, table: &Table) -> Self {
        Self { rule: rule.clone(), seed: table.hash(&rule.name) }
    }

    /// The key under which this request is counted; `None` where the rule does not mean it.
    pub(super) fn key(&self, question: &Question<'_>, table: &Table) -> Option<u64> {
        let rule = &self.rule;
        let begins = |prefixes: &[String]| prefixes.iter().any(|prefix| begins_with(question.path, prefix));
        let meant = (rule.paths.is_empty() || begins(&rule.paths))
            && !begins(&rule.except)
            && fits_method(&rule.methods, &question.head.method);
        let part = |part: &KeyPart| part.of(question, table);
        meant.then(|| rule.key.iter().map(part).fold(self.seed, |key, part| table.hash((key, part))))
    }
}

impl KeyPart {
    fn of(&self, question: &Question<'_>, table: &Table) -> u64 {
        let headers = &question.head.headers;
        match self {
            Self::Address => table.hash(network(question.client)),
            Self::Credential => match headers.get(header::AUTHORIZATION) {
                Some(credential) => table.hash(credential.as_bytes()),
                None => table.hash(network(question.client)),
            },
            Self::Host => table.hash(question.host.to_ascii_lowercase()),
            Self::Method => table.hash(question.head.method.as_str()),
            Self::Path => table.hash(question.path),
            Self::Field(name) => table.hash(headers.get(name).map(http::HeaderValue::as_bytes)),
            Self::Cookie(name) => table.hash(cookie(question, name)),
        }
    }
}

/// An IPv4 address, or the /64 of an IPv6 one: whoever has one address of it has them all.
fn network(client: IpAddr) -> u128 {
    match client.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64 | 1 << 63,
    }
}

fn cookie<'a>(question: &Question<'a>, name: &str) -> Option<&'a str> {
    let lines = question.head.headers.get_all(header::COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

fn begins_with(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
}
