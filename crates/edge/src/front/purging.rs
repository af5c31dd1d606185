//! `PURGE` by HTTP, for those who hold the token: one address with all its variants, surrogate keys, a prefix, a
//! host, or everything. When the answer is sent, what it names is gone, or with `Sangraha-Soft-Purge: 1` is confirmed
//! before its next use, and nothing that was on its way can bring it back.

use crate::body::Body;
use crate::front::exchange::Seat;
use crate::front::respond::{self, Refusal};
use crate::purge::generations::Depth;
use crate::purge::target;
use crate::see::reason::{Outcome, Reason};
use crate::store::key::Key;
use domain::purge::{SURROGATE_KEY_HEADER, is_tag};
use http::header::{self, HeaderMap, HeaderName};
use http::{Response, StatusCode};

/// The method.
pub(super) const PURGE: &str = "PURGE";

/// `prefix`, `host` or `all`: more than the address that is named.
const SCOPE: HeaderName = HeaderName::from_static("sangraha-purge");

/// `1`: soft, `0`: hard.
const SOFT: HeaderName = HeaderName::from_static("sangraha-soft-purge");

/// The most surrogate keys of one request.
const TAGS_MAX: usize = 256;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Order<'a> {
    Tags(Vec<&'a str>),
    Url,
    Prefix,
    Host,
    All,
}

impl Seat {
    pub(super) fn purge(&self, key: &Key) -> Response<Body> {
        let headers = &self.head.headers;
        let read = || Ok((self.may_purge()?, order(headers)?, depth(headers)?));
        let (order, depth) = match read() {
            Ok(((), order, depth)) => (order, depth),
            Err(refusal) => return self.refuse(&refusal),
        };
        let what = self.carry_out(&order, depth, key);
        self.inner.telemetry.purges.inc();
        self.count(Outcome::Purged, Reason::Plain);
        respond::purged(what, depth == Depth::Soft, &self.request_id)
    }

    fn carry_out(&self, order: &Order<'_>, depth: Depth, key: &Key) -> &'static str {
        let (inner, generations) = (&self.inner, &self.inner.generations);
        match (order, depth) {
            (Order::Tags(tags), _) => {
                let tags: Vec<u64> = tags.iter().map(|tag| generations.tag(tag)).collect();
                generations.mark(&tags, depth);
                "tags"
            }
            (Order::Url, Depth::Soft) => {
                generations.mark(&[target::url(generations, key)], depth);
                "url"
            }
            (Order::Url, Depth::Hard) => {
                inner.forget(std::slice::from_ref(key));
                "url"
            }
            (Order::Prefix, _) => {
                generations.mark(&[target::prefix(generations, key)], depth);
                "prefix"
            }
            (Order::Host, _) => {
                generations.mark(&[target::host(generations, key)], depth);
                "host"
            }
            (Order::All, Depth::Soft) => {
                generations.soften_all();
                "all"
            }
            (Order::All, Depth::Hard) => {
                generations.drop_all(false);
                inner.store.clear();
                "all"
            }
        }
    }

    fn may_purge(&self) -> Result<(), Refusal> {
        let Some(token) = &self.inner.purge_token else {
            let detail = "This edge has no token for purging, so nobody may.";
            return Err(Refusal::new(StatusCode::FORBIDDEN, Reason::PurgeRefused, detail));
        };
        let shown = self.head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
        if same(shown.as_bytes(), token.as_bytes()) {
            return Ok(());
        }
        let detail = "Purging needs `Authorization: Bearer` with the edge's token.";
        Err(Refusal::new(StatusCode::UNAUTHORIZED, Reason::PurgeRefused, detail))
    }
}

/// A key that cannot be read must not turn a purge by keys into one of the address.
fn order(headers: &HeaderMap) -> Result<Order<'_>, Refusal> {
    if headers.contains_key(SURROGATE_KEY_HEADER) {
        return Ok(Order::Tags(tags(headers)?));
    }
    match headers.get(&SCOPE).map(|value| value.to_str().unwrap_or("?")) {
        None => Ok(Order::Url),
        Some("prefix") => Ok(Order::Prefix),
        Some("host") => Ok(Order::Host),
        Some("all") => Ok(Order::All),
        Some(_) => Err(bad("`Sangraha-Purge` is `prefix`, `host` or `all`.")),
    }
}

pub(crate) fn tags(headers: &HeaderMap) -> Result<Vec<&str>, Refusal> {
    const FORM: &str = "A surrogate key is 1 to 128 visible ASCII characters without a comma.";
    let mut tags = Vec::new();
    for line in headers.get_all(SURROGATE_KEY_HEADER) {
        let line = line.to_str().map_err(|_| bad(FORM))?;
        tags.extend(line.split([' ', '\t', ',']).filter(|tag| !tag.is_empty()));
    }
    match () {
        () if tags.is_empty() => Err(bad("`Surrogate-Key` names no key.")),
        () if tags.len() > TAGS_MAX => Err(bad("At most 256 surrogate keys can be purged at once.")),
        () if !tags.iter().all(|tag| is_tag(tag)) => Err(bad(FORM)),
        () => Ok(tags),
    }
}

fn depth(headers: &HeaderMap) -> Result<Depth, Refusal> {
    match headers.get(&SOFT).map(|value| value.as_bytes()) {
        None | Some(b"0") => Ok(Depth::Hard),
        Some(b"1") => Ok(Depth::Soft),
        Some(_) => Err(bad("`Sangraha-Soft-Purge` is `1` or `0`.")),
    }
}

fn bad(detail: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, Reason::PurgeRefused, detail)
}

/// Takes the same time wherever two texts of one length differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn fields(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &[u8])| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
        };
        lines.iter().map(line).collect()
    }

    fn line<'a>(name: &'static str, value: &'a [u8]) -> (&'static str, &'a [u8]) {
        (name, value)
    }

    #[test]
    fn what_is_purged_is_read_from_the_fields() {
        let long = "x".repeat(128);
        let many = "t ".repeat(256);
        for (lines, expected) in [
            (vec![], Order::Url),
            (vec![line("sangraha-purge", b"prefix")], Order::Prefix),
            (vec![line("sangraha-purge", b"host")], Order::Host),
            (vec![line("sangraha-purge", b"all")], Order::All),
            (
                vec![line("surrogate-key", b"a b"), line("sangraha-purge", b"all")],
                Order::Tags(vec!["a", "b"]),
            ),
            (vec![line("surrogate-key", b"a,b")], Order::Tags(vec!["a", "b"])),
            (vec![line("surrogate-key", long.as_bytes())], Order::Tags(vec![&long])),
            (vec![line("surrogate-key", many.as_bytes())], Order::Tags(vec!["t"; 256])),
        ] {
            assert_eq!(order(&fields(&lines)).unwrap(), expected);
        }
    }

    #[test]
    fn what_cannot_be_read_purges_nothing() {
        let (long, many) = ("x".repeat(129), "t ".repeat(257));
        for lines in [
            vec![line("sangraha-purge", b"everything")],
            vec![line("sangraha-purge", b"\xff")],
            vec![line("surrogate-key", b"")],
            vec![line("surrogate-key", b" , ")],
            vec![line("surrogate-key", b"a \xff")],
            vec![line("surrogate-key", long.as_bytes())],
            vec![line("surrogate-key", many.as_bytes())],
        ] {
            assert!(order(&fields(&lines)).is_err(), "{lines:?}");
        }
        assert!(depth(&fields(&[line("sangraha-soft-purge", b"yes")])).is_err());
        assert_eq!(depth(&fields(&[line("sangraha-soft-purge", b"1")])).unwrap(), Depth::Soft);
    }
}
