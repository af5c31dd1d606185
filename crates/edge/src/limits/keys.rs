//! API keys that the rules know: by their SHA-256, so that no configuration holds a key, and never by how a key begins,
//! because anybody can write a key that begins well.

use super::Question;
use super::rule::Config;
use http::header::{self, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// What requests without a known key count as, among the names of tiers.
pub(super) const NO_TIER: &str = "none";

/// The SHA-256 of an API key, written as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// That of a key as clients send it.
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> =
            text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        (digits.len() == 64).then(|| bytes.try_into().ok().map(Self)).flatten()
    }
}

impl std::fmt::Display for KeyHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Serialize for KeyHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wanted = "the SHA-256 of an API key: 64 hexadecimal digits";
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(wanted))
    }
}

/// API keys with the same limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// What rules and caps call it: 1 to 32 of `a-z`, `0-9` and `-`, and not `none`.
    pub name: String,
    /// The SHA-256 of each of its keys.
    pub keys: Vec<KeyHash>,
}

/// A request's API key, where it is a known one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) hash: KeyHash,
    pub(super) tier: Option<&'a str>,
    pub(super) exempt: bool,
    pub(super) denied: bool,
}

/// All keys that any list names.
pub(super) struct Keys {
    field: HeaderName,
    known: HashMap<KeyHash, Entry>,
}

#[derive(Default)]
struct Entry {
    tier: Option<String>,
    exempt: bool,
    denied: bool,
}

impl Keys {
    pub(super) fn new(config: &Config) -> Self {
        let mut known: HashMap<KeyHash, Entry> = HashMap::new();
        for tier in &config.tiers {
            for key in &tier.keys {
                known.entry(*key).or_default().tier = Some(tier.name.clone());
            }
        }
        config.exempt_keys.iter().for_each(|key| known.entry(*key).or_default().exempt = true);
        config.denied_keys.iter().for_each(|key| known.entry(*key).or_default().denied = true);
        // It was checked; the fallback keeps this total.
        let field = config.api_key_field.parse().unwrap_or(header::AUTHORIZATION);
        Self { field, known }
    }

    /// The key of a request, if it is in a list; where there are no lists nothing is looked at. All lines of the field
    /// reach the origin, and nobody here knows which of several it believes: such a request has no known key, and is
    /// denied where one of them is.
    pub(super) fn of(&self, question: &Question<'_>) -> Option<Known<'_>> {
        if self.known.is_empty() {
            return None;
        }
        let lines = question.head.headers.get_all(&self.field);
        let is_one = lines.iter().nth(1).is_none();
        let mut known = lines.iter().filter_map(|line| self.known(line));
        known.find(|known| is_one || known.denied)
    }

    fn known(&self, line: &HeaderValue) -> Option<Known<'_>> {
        let hash = KeyHash::of(shown(line, &self.field)?);
        let Entry { tier, exempt, denied } = self.known.get(&hash)?;
        Some(Known { hash, tier: tier.as_deref(), exempt: *exempt, denied: *denied })
    }
}

/// What a client shows as its key: of `Authorization` what follows `Bearer`, of another field all of it.
fn shown<'a>(line: &'a HeaderValue, field: &HeaderName) -> Option<&'a [u8]> {
    let value = line.as_bytes();
    if *field != header::AUTHORIZATION {
        return Some(value);
    }
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}
