//! What may be kept, for how long, and how it may be used: RFC 9111 with 5861 (stale), 9213 (targeted fields) and
//! the ranges of 9110. Pure: no clock, no sockets, no store.
//!
//! [`store`] decides whether a response may be kept, [`freshness`] for how long, [`vary`] for which requests.
//! [`validate`] asks and answers "is this still current", [`range`] cuts parts, [`slices`] says what of a long body an
//! answer is, [`invalidate`] what a write has made wrong. What the standard leaves open, and where a route is stricter,
//! is one value: [`profile`].

pub(crate) mod control;
pub(crate) mod date;
pub(crate) mod freshness;
pub(crate) mod invalidate;
pub(crate) mod profile;
pub(crate) mod range;
pub(crate) mod slices;
pub(crate) mod store;
pub(crate) mod validate;
pub(crate) mod vary;

pub(crate) use control::Demand;
pub(crate) use freshness::{Freshness, Moment, Use};
pub(crate) use profile::Profile;
pub(crate) use store::{Exchange, admit};
pub(crate) use vary::{Encodings, Variant};

use http::header::{HeaderMap, HeaderName};

/// Members of a list field over all its lines, without empty ones.
pub(crate) fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).flat_map(split_unquoted)
}

pub(crate) fn split_unquoted(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        let skip = std::mem::take(&mut escaped);
        match c {
            _ if skip => {}
            '"' => quoted = !quoted,
            '\\' => escaped = quoted,
            _ => return c == ',' && !quoted,
        }
        false
    })
    .map(str::trim)
    .filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests;
