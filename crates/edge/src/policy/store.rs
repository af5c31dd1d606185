//! Whether a complete response may be kept, and what of it (RFC 9111, sections 3 and 3.5).

use super::control::{Control, Demand};
use super::freshness::{Freshness, lifetime};
use super::profile::Profile;
use crate::see::reason::Reason;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName};

/// One request for a representation (GET) and its complete answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange<'a> {
    /// The client's fields.
    pub(crate) asked: &'a HeaderMap,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    /// Seconds since the Unix epoch.
    pub(crate) sent_s: u64,
    pub(crate) received_s: u64,
}

/// What may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    pub(crate) freshness: Freshness,
    /// Fields that may not be kept with the rest.
    pub(crate) withheld: Vec<HeaderName>,
}

/// Decides whether an answer to GET may be stored.
pub(crate) fn admit(exchange: &Exchange<'_>, profile: &Profile) -> Result<Admission, Reason> {
    let Exchange { status, headers, .. } = *exchange;
    let control = Control::of(headers, profile.targets);
    let cookie = headers.contains_key(header::SET_COOKIE) && !profile.cookies_kept;
    let personal = control.private.is_whole() || cookie;
    // First, because an error that everyone would get may be given to everyone who waits for it.
    if status.is_server_error() && !profile.errors_kept && !personal {
        return Err(Reason::Status);
    }
    if control.no_store && !(control.must_understand && is_understood(status)) {
        return Err(Reason::NoStore);
    }
    if control.must_understand && !is_understood(status) {
        return Err(Reason::Status);
    }
    if control.private.is_whole() {
        return Err(Reason::Private);
    }
    if cookie {
        return Err(Reason::SetCookie);
    }
    if profile.clients_decide && Demand::of(exchange.asked).no_store {
        return Err(Reason::Demanded);
    }
    if exchange.asked.contains_key(header::AUTHORIZATION) && !may_share_authorized(&control) {
        return Err(Reason::Credentials);
    }
    // A part is not the whole, an interim answer no answer, and a 304 an update of something else.
    let partial = matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED);
    if partial || status.is_informational() || status.is_server_error() && !profile.errors_kept {
        return Err(Reason::Status);
    }
    let lifetime_s = settled(exchange, &control, profile).ok_or(Reason::NoFreshness)?;
    Ok(Admission {
        freshness: Freshness::new(exchange, &control, lifetime_s, profile),
        withheld: control.withheld().cloned().collect(),
    })
}

/// Whether an answer to a request with credentials is meant for others too (RFC 9111, section 3.5).
fn may_share_authorized(control: &Control) -> bool {
    control.public || control.must_revalidate || control.s_maxage.is_some()
}

/// Statuses whose caching rules we know: all that RFC 9110 defines, 429 and 451.
fn is_understood(status: StatusCode) -> bool {
    matches!(status.as_u16(),
        200..=205 | 300..=303 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 429 | 451 | 500..=505)
}

fn settled(exchange: &Exchange<'_>, control: &Control, profile: &Profile) -> Option<u64> {
    let headers = exchange.headers;
    let validator = headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED);
    if control.no_cache.is_whole() {
        return validator.then_some(0);
    }
    lifetime(exchange, control, profile).or(validator.then_some(0))
}
