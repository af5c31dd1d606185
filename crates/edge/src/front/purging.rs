//! `PURGE` by HTTP, for those who hold the token: one address with all its variants, surrogate keys, a host, or
//! everything. What it names is gone when the answer is sent, and nothing that was on its way can bring it back.

use crate::body::Body;
use crate::front::exchange::Seat;
use crate::front::respond::{self, Refusal};
use crate::policy::tokens;
use crate::see::reason::{Outcome, Reason};
use crate::store::key::Key;
use domain::purge::SURROGATE_KEY_HEADER;
use http::header::{self, HeaderMap, HeaderName};
use http::{Response, StatusCode};

/// The method.
pub(super) const PURGE: &str = "PURGE";

/// `host` or `all`: more than the address that is named.
const SCOPE: HeaderName = HeaderName::from_static("sangraha-purge");

/// The most surrogate keys of one request.
const TAGS_MAX: usize = 256;

impl Seat {
    pub(super) fn purge(&self, key: &Key) -> Response<Body> {
        if let Err(refusal) = self.may_purge() {
            return self.refuse(&refusal);
        }
        let inner = &self.inner;
        let headers = &self.head.headers;
        let tags: Vec<u64> = tags(headers).map(|tag| inner.generations.tag(tag)).collect();
        if tags.len() > TAGS_MAX {
            return self.refuse(&bad("At most 256 surrogate keys can be purged at once."));
        }
        let scope = headers.get(&SCOPE).map(|value| value.to_str().unwrap_or("?"));
        let what = match scope {
            _ if !tags.is_empty() => {
                inner.generations.void(&tags);
                "tags"
            }
            Some("all") => {
                inner.generations.drop_all(false);
                inner.store.clear();
                "all"
            }
            Some("host") => {
                inner.generations.void(&[inner.host_tag(key.host())]);
                "host"
            }
            Some(_) => return self.refuse(&bad("`Sangraha-Purge` is `host` or `all`.")),
            None => {
                inner.forget(std::slice::from_ref(key));
                "url"
            }
        };
        inner.telemetry.purges.inc();
        self.count(Outcome::Purged, Reason::Plain);
        respond::purged(what, &self.request_id)
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

pub(crate) fn tags(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    tokens(headers, HeaderName::from_static(SURROGATE_KEY_HEADER)).flat_map(str::split_ascii_whitespace)
}

fn bad(detail: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, Reason::PurgeRefused, detail)
}

/// Takes the same time wherever two texts of one length differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}
