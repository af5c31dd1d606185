//! The rules as an operator writes them, and which requests they mean.

use super::cap::Cap;
use super::keys::{KeyHash, Known, NO_TIER, Tier};
use super::table::Table;
use super::{Question, fits_method};
use crate::Error;
use http::header::{self, HeaderName};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
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
    /// The field in which clients show their API key: of `authorization` what follows `Bearer`. Who shows several shows
    /// none that is known, and is refused where one of them is denied.
    pub api_key_field: String,
    /// API keys that no rule or cap holds for.
    pub exempt_keys: Vec<KeyHash>,
    /// API keys that are refused outright (403).
    pub denied_keys: Vec<KeyHash>,
    /// API keys with limits of their own.
    pub tiers: Vec<Tier>,
    /// Into how many slices shared quotas are cut until the region's node has said how many edges there are.
    pub edges: u32,
    /// How often the node is asked, in milliseconds: for so long a change may be unknown.
    pub lease_ms: u64,
    /// Keys that are remembered, over all rules.
    pub entries_max: usize,
    /// Requests under way; all that fit a request hold.
    pub caps: Vec<Cap>,
    /// Requests in a time; all that fit a request hold.
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
    /// Tiers of API keys, `none` for requests without a known key; none named means all.
    #[serde(default)]
    pub tiers: Vec<String>,
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
    /// The API key, where it is a known one; requests with another, or none, are told apart by address: who invents keys
    /// wins nothing.
    ApiKey,
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

pub(super) fn by_address() -> Vec<KeyPart> {
    vec![KeyPart::Address]
}

const fn one() -> u64 {
    1
}

impl Default for Config {
    /// Nothing is limited: an edge that knows nothing of its origin has no reason to refuse.
    fn default() -> Self {
        const ENTRIES_MAX: usize = 262_144;
        Self {
            enabled: true,
            exempt: Vec::new(),
            denied: Vec::new(),
            api_key_field: header::AUTHORIZATION.as_str().to_owned(),
            exempt_keys: Vec::new(),
            denied_keys: Vec::new(),
            tiers: Vec::new(),
            edges: 4,
            lease_ms: 200,
            entries_max: ENTRIES_MAX,
            caps: Vec::new(),
            rules: Vec::new(),
        }
    }
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), Error> {
        const WINDOW_S_MAX: u64 = 31 * 86_400;
        let all = |holds: &dyn Fn(&Rule) -> bool| self.rules.iter().all(holds);
        let rules = [
            (
                self.rules.iter().all(|rule| is_name(&rule.name)),
                "`limits.rules.name` needs 1 to 32 of a-z, 0-9 and `-`",
            ),
            (
                self.caps.iter().all(|cap| is_name(&cap.name)),
                "`limits.caps.name` needs 1 to 32 of a-z, 0-9 and `-`",
            ),
            (self.names_are_unique(), "two of `limits.rules`, `caps` or `tiers` have one name"),
            (
                self.tiers.iter().all(|tier| is_name(&tier.name) && tier.name != NO_TIER),
                "`limits.tiers.name` needs 1 to 32 of a-z, 0-9 and `-`, and is not `none`",
            ),
            (
                self.tiers_are_known(),
                "`tiers` of `limits.rules` and `caps` are names of `limits.tiers`, or `none`",
            ),
            (self.keys_are_in_one_tier(), "a key is in two of `limits.tiers`"),
            (
                self.api_key_field.parse::<HeaderName>().is_ok(),
                "`limits.api_key_field` is the name of a request field",
            ),
            (
                self.caps.iter().all(|cap| cap.under_way_max > 0),
                "`limits.caps.under_way_max` must be positive",
            ),
            (
                self.caps.iter().all(|cap| begin_with_slash(&cap.paths) && begin_with_slash(&cap.except)),
                "`limits.caps.paths` and `except` begin with a slash",
            ),
            (
                self.caps.iter().all(|cap| are_methods(&cap.methods)),
                "`limits.caps.methods` are written in upper case, as requests have them",
            ),
            (
                self.caps.iter().all(|cap| cap.key.iter().all(KeyPart::is_sound)),
                "`limits.caps.key` names a field or a cookie that no request can have",
            ),
            (
                all(&|rule| are_methods(&rule.methods)),
                "`limits.rules.methods` are written in upper case, as requests have them",
            ),
            (
                all(&|rule| rule.key.iter().all(KeyPart::is_sound)),
                "`limits.rules.key` names a field or a cookie that no request can have",
            ),
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
                all(&|rule| begin_with_slash(&rule.paths) && begin_with_slash(&rule.except)),
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

impl Config {
    fn names_are_unique(&self) -> bool {
        let unique = |names: Vec<&str>| names.iter().collect::<HashSet<_>>().len() == names.len();
        let tiers = self.tiers.iter().map(|tier| tier.name.as_str()).collect();
        let rules = self.rules.iter().map(|rule| rule.name.as_str());
        unique(tiers) && unique(rules.chain(self.caps.iter().map(|cap| cap.name.as_str())).collect())
    }

    fn tiers_are_known(&self) -> bool {
        let known = |name: &String| name == NO_TIER || self.tiers.iter().any(|tier| tier.name == *name);
        let named = self.rules.iter().flat_map(|rule| &rule.tiers);
        named.chain(self.caps.iter().flat_map(|cap| &cap.tiers)).all(known)
    }

    fn keys_are_in_one_tier(&self) -> bool {
        let mut seen = HashSet::new();
        self.tiers.iter().flat_map(|tier| &tier.keys).all(|key| seen.insert(*key))
    }
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=32).contains(&name.len()) && name.chars().all(fits)
}

fn begin_with_slash(paths: &[String]) -> bool {
    paths.iter().all(|path| path.starts_with('/'))
}

/// A method that is spelled otherwise is another one, which nobody sends.
fn are_methods(methods: &[String]) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    methods.iter().all(|method| !method.is_empty() && method.bytes().all(fits))
}

/// Which requests a rule or a cap means, and by whom it counts them.
pub(super) struct Matcher {
    paths: Vec<String>,
    except: Vec<String>,
    methods: Vec<String>,
    tiers: Vec<String>,
    parts: Vec<KeyPart>,
    /// Keeps the keys of this rule apart from those of others, and the same when rules are changed around it.
    seed: u64,
}

impl Matcher {
    pub(super) fn of_rule(rule: &Rule, table: &Table) -> Self {
        let Rule { paths, except, methods, tiers, key, name, .. } = rule.clone();
        Self { paths, except, methods, tiers, parts: key, seed: table.hash(&name) }
    }

    pub(super) fn of_cap(cap: &Cap, table: &Table) -> Self {
        let Cap { paths, except, methods, tiers, key, name, .. } = cap.clone();
        Self { paths, except, methods, tiers, parts: key, seed: table.hash(&name) }
    }

    /// The key under which this request is counted; `None` where the rule does not mean it.
    pub(super) fn key(
        &self,
        question: &Question<'_>,
        known: Option<&Known<'_>>,
        table: &Table,
    ) -> Option<u64> {
        let begins = |prefixes: &[String]| prefixes.iter().any(|prefix| begins_with(question.path, prefix));
        let tier = known.and_then(|known| known.tier).unwrap_or(NO_TIER);
        let meant = (self.paths.is_empty() || begins(&self.paths))
            && !begins(&self.except)
            && fits_method(&self.methods, &question.head.method)
            && (self.tiers.is_empty() || self.tiers.iter().any(|name| name == tier));
        let part = |part: &KeyPart| part.of(question, known, table);
        meant.then(|| self.parts.iter().map(part).fold(self.seed, |key, part| table.hash((key, part))))
    }
}

impl KeyPart {
    /// Names of fields and of cookies are tokens (RFC 9110, section 5.6.2; RFC 6265, section 4.1.1).
    fn is_sound(&self) -> bool {
        match self {
            Self::Field(name) | Self::Cookie(name) => name.parse::<HeaderName>().is_ok(),
            _ => true,
        }
    }

    fn of(&self, question: &Question<'_>, known: Option<&Known<'_>>, table: &Table) -> u64 {
        let headers = &question.head.headers;
        match self {
            Self::Address => table.hash(network(question.client)),
            Self::Credential => match headers.get(header::AUTHORIZATION) {
                Some(credential) => table.hash(credential.as_bytes()),
                None => table.hash(network(question.client)),
            },
            Self::ApiKey => match known {
                Some(known) => table.hash(known.hash),
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
