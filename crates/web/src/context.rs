//! The context of one request: its name, its time, where it came from.

use crate::problem::Problem;
use crate::serve::Peer;
use axum::extract::{ConnectInfo, FromRequestParts};
use chrono::{DateTime, Utc};
use domain::Clock;
use http::HeaderMap;
use http::request::Parts;
use std::net::IpAddr;
use uuid::{NoContext, Timestamp, Uuid};

/// The header that names a request. The edge sets it, and drops what a client sent.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// The header to which each proxy appends the address that it saw.
const FORWARDED_FOR_HEADER: &str = "x-forwarded-for";

/// The longest request id that is taken from a header.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// What a handler may know of its request beside its parameters.
#[derive(Clone, Debug)]
pub struct Context {
    /// In the log line, the error body, the audit row, and the response header.
    pub request_id: String,
    /// The client, as the edge saw it.
    pub client_ip: Option<IpAddr>,
    /// When the request arrived. One request has one time.
    pub now: DateTime<Utc>,
}

impl Context {
    /// Reads what the edge says, or names the request itself.
    pub(crate) fn of(parts: &Parts, clock: &Clock) -> Self {
        let now = clock.now();
        let request_id = request_id(&parts.headers).unwrap_or_else(|| id_at(now).to_string());
        let peer = parts.extensions.get::<ConnectInfo<Peer>>().map(|info| info.0.0.ip());
        Self { request_id, client_ip: client_ip(&parts.headers).or(peer), now }
    }

    /// A new UUIDv7 of this request's time: ids sort by when they were made.
    pub fn new_id(&self) -> Uuid {
        id_at(self.now)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Context {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::internal(&NoContextLayer))
    }
}

/// A router that was not made by [`crate::Api::into_router`].
#[derive(Debug, thiserror::Error)]
#[error("the router has no context layer")]
struct NoContextLayer;

fn id_at(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(REQUEST_ID_HEADER)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((1..=REQUEST_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

/// Earlier hops are whatever the client wrote; only the last one was written by our own edge.
fn client_ip(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED_FOR_HEADER).iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn context(headers: &[(&'static str, &str)]) -> Context {
        let mut request = Request::new(());
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        Context::of(&request.into_parts().0, &Clock::fixed(DateTime::UNIX_EPOCH))
    }

    #[test]
    fn last_hop_is_believed() {
        let two = context(&[("x-forwarded-for", "1.1.1.1, 2.2.2.2")]);
        assert_eq!(two.client_ip, Some([2, 2, 2, 2].into()));
        let split = context(&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2001:db8::1")]);
        assert_eq!(split.client_ip, "2001:db8::1".parse().ok());
        assert_eq!(context(&[("x-forwarded-for", "nonsense")]).client_ip, None);
    }

    #[test]
    fn odd_request_id_is_replaced() {
        assert_eq!(context(&[("x-request-id", "edge-1_a")]).request_id, "edge-1_a");
        for odd in ["a b", "<script>", ""] {
            let id = context(&[("x-request-id", odd)]).request_id;
            assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 7, "{odd:?}");
        }
        assert_ne!(context(&[("x-request-id", &"a".repeat(65))]).request_id.len(), 65);
    }
}
