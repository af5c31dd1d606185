//! Why an address is answered as it is: what is held for it, how old, how fresh, and what would happen now.

use crate::Inner;
use crate::origin::slices;
use crate::policy::Use;
use crate::policy::vary::CODINGS;
use crate::purge::generations::Validity;
use crate::store::encoding::State;
use crate::store::key::Key;
use crate::store::object::Object;
use http::header;
use serde::Serialize;
use url::Url;

/// What the edge knows of one address.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The key under which it is kept; `None` where the address has no one spelling.
    pub key: Option<String>,
    /// Whether its answers could not be shared lately, so that askers go alone.
    pub hit_for_miss: bool,
    /// Everything that is held, the newest first.
    pub variants: Vec<Held>,
}

/// One stored answer.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// Its status.
    pub status: u16,
    /// Its length in bytes.
    pub bytes: u64,
    /// How many slices of its body memory holds, and how many there are; unset where it is kept whole.
    pub slices: Option<(u64, u64)>,
    /// Seconds since it was made.
    pub age_s: u64,
    /// Seconds for which it is fresh, from then.
    pub lifetime_s: u64,
    /// Seconds past that for which it may be served while it is refreshed.
    pub stale_while_revalidate_s: u64,
    /// Seconds past that for which it may stand in for a failing origin.
    pub stale_if_error_s: u64,
    /// What a plain request would get now.
    pub now: String,
    /// Its entity tag.
    pub etag: Option<String>,
    /// Its surrogate keys.
    pub tags: Vec<String>,
    /// The request fields that chose it, with their normalised values.
    pub chosen_by: Vec<(String, Option<String>)>,
    /// The codings that were made of it, with their length.
    pub codings: Vec<(String, usize)>,
}

/// Looks an address up without touching anything.
pub(crate) fn explain(inner: &Inner, url: &Url) -> Explanation {
    let key = Key::of_url(url, inner.spelling(), &inner.hasher);
    let Some(key) = key else { return Explanation { key: None, hit_for_miss: false, variants: Vec::new() } };
    let variants = inner.store.variants(&key).iter().map(|object| held(inner, &key, object)).collect();
    let hit_for_miss = inner.flights.is_hit_for_miss(&key, tokio::time::Instant::now());
    Explanation { key: Some(String::from_utf8_lossy(key.text()).into_owned()), hit_for_miss, variants }
}

fn held(inner: &Inner, key: &Key, object: &Object) -> Held {
    let now_us = inner.now_us();
    let now = match object.judge(now_us, inner.is_blind(), None, &inner.profile) {
        _ if object.standing(&inner.generations) == Validity::Gone => {
            "purged: the next request asks the origin".to_owned()
        }
        _ if object.standing(&inner.generations) == Validity::Soft => {
            "purged softly: the origin is asked whether it is current".to_owned()
        }
        Use::Fresh { ttl_s } => format!("hit: fresh for {ttl_s} s more"),
        Use::WhileRevalidate { ttl_s } => format!("hit: stale for {} s, and refreshed behind it", -ttl_s),
        Use::Revalidate(reason) => format!("the origin is asked whether it is current: {}", reason.as_str()),
    };
    let coding = |(index, name): (usize, &&str)| match object.codings.as_ref()?.state(index) {
        State::Ready(body) => Some(((*name).to_owned(), body.len())),
        State::Useless | State::Missing => None,
    };
    Held {
        status: object.status.as_u16(),
        bytes: object.sliced.unwrap_or(object.body.len() as u64),
        slices: slices::count(inner, key, object),
        age_s: object.age_s(now_us),
        lifetime_s: object.freshness.lifetime_s,
        stale_while_revalidate_s: object.freshness.while_revalidate_s,
        stale_if_error_s: object.freshness.if_error_s,
        now,
        etag: object.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned),
        tags: object.tag_words.split_ascii_whitespace().map(str::to_owned).collect(),
        chosen_by: object.variant.selected().map(|(name, value)| (name.to_string(), value.clone())).collect(),
        codings: CODINGS.iter().enumerate().filter_map(coding).collect(),
    }
}
