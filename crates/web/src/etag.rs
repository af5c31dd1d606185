//! Entity tags: strong ones out, lists of them in.

use crate::problem::Problem;
use axum::extract::FromRequestParts;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use std::fmt;
use std::fmt::Write as _;

/// A strong entity tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(String);

impl ETag {
    /// The tag of a content that `hash` stands for. 128 bits, so that different contents never share one.
    pub fn of_hash(hash: [u8; 16]) -> Self {
        let mut text = String::with_capacity(34);
        text.push('"');
        for byte in hash {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('"');
        Self(text)
    }

    /// The tag of a row version, which [`IfMatch`] takes back.
    pub fn version(version: i64) -> Self {
        Self(format!("\"{version}\""))
    }

    /// A tag that [`ETag::as_str`] gave, kept meanwhile in a cache.
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The tag as it is sent, with its quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of an `ETag` header.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("\"\""))
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What the client already has. Without the header it matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IfNoneMatch {
    any: bool,
    tags: Vec<String>,
}

impl IfNoneMatch {
    /// The most tags that are compared; a client has a handful.
    const TAGS_MAX: usize = 64;

    /// Reads `If-None-Match`; what is malformed matches nothing.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut wanted = Self::default();
        for value in headers.get_all(IF_NONE_MATCH) {
            let text = value.to_str().unwrap_or_default().trim();
            wanted.any |= text == "*";
            wanted.tags.extend(opaque_tags(text).map(str::to_owned));
        }
        wanted.tags.truncate(Self::TAGS_MAX);
        wanted
    }

    /// True where the client named nothing.
    pub const fn is_empty(&self) -> bool {
        !self.any && self.tags.is_empty()
    }

    /// Whether the client has the content of `etag` (weak comparison, as RFC 9110 asks).
    pub fn matches(&self, etag: &ETag) -> bool {
        self.any || self.tags.iter().any(|tag| tag == etag.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

/// The row version on which a write is based. Missing: 428. Writes never overwrite blindly, so `*`, lists
/// and weak tags are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub i64);

impl IfMatch {
    /// Refuses a write that is not based on version `current`: 412.
    pub fn check(self, current: i64) -> Result<(), Problem> {
        if self.0 == current { Ok(()) } else { Err(Problem::precondition_failed(current)) }
    }

    fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let value = headers.get(IF_MATCH).ok_or_else(Problem::precondition_required)?;
        let digits = value.to_str().ok().and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"'));
        let version = digits.and_then(|digits| digits.parse().ok());
        version
            .map(Self)
            .ok_or_else(|| Problem::bad_request("If-Match holds one strong ETag, such as \"7\"."))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

/// The quoted tags of a list, without `W/`. A tag may hold commas, so the quotes lead, not the commas.
fn opaque_tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let start = rest.find('"')?;
        let length = rest[start + 1..].find('"')? + 2;
        let tag = &rest[start..start + length];
        rest = &rest[start + length..];
        Some(tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(value: &str) -> IfNoneMatch {
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, value.parse().unwrap());
        IfNoneMatch::of(&headers)
    }

    #[test]
    fn lists_weak_tags_and_star_match() {
        let etag = ETag::of_hash([0xab; 16]);
        let text = etag.as_str();
        for value in [text.to_owned(), format!("W/{text}"), format!("\"x,y\", {text}"), "*".to_owned()] {
            assert!(wanted(&value).matches(&etag), "{value}");
        }
        for value in ["\"abab\"", "abab", "\"", ""] {
            assert!(!wanted(value).matches(&etag), "{value}");
        }
        assert!(!IfNoneMatch::default().matches(&etag));
    }

    #[test]
    fn write_needs_one_strong_version() {
        let check = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(IF_MATCH, value.parse().unwrap());
            }
            IfMatch::of(&headers).map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(check(Some("\"7\"")), Ok(IfMatch(7)));
        assert_eq!(check(None), Err(428));
        for bad in ["7", "*", "W/\"7\"", "\"7\", \"8\"", "\"\"", "\"99999999999999999999\""] {
            assert_eq!(check(Some(bad)), Err(400), "{bad}");
        }
        assert_eq!(IfMatch(7).check(8).unwrap_err().status().as_u16(), 412);
    }
}
