//! What hyper's parser lets through and we do not, and which fields may travel.
//!
//! A request has one host, one framing, one length. Everything that two parsers could read differently is refused
//! here, so that an origin never sees it; what goes on is written anew, field by field.

use crate::config::Config;
use crate::front::respond::Refusal;
use crate::policy::tokens;
use crate::see::reason::Reason;
use domain::purge::{READ_LSN_HEADER, SURROGATE_KEY_HEADER};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode, Version};
use std::net::IpAddr;

/// The edge's own id of a request; a client's is never taken over.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How often a request may have passed an edge before it is taken for a loop.
const PASSES_MAX: usize = 3;

/// Checks a request's head and gives the host that it is for.
pub(crate) fn check<'a>(head: &'a Parts, config: &Config) -> Result<&'a str, Refusal> {
    check_sizes(head, config)?;
    check_framing(head, config)?;
    if matches!(head.method, Method::CONNECT | Method::TRACE) {
        return Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            Reason::Method,
            "This method is never served.",
        ));
    }
    if passes(&head.headers) >= PASSES_MAX {
        return Err(Refusal::new(
            StatusCode::LOOP_DETECTED,
            Reason::Loop,
            "The request has been here before.",
        ));
    }
    host(head)
}

fn check_sizes(head: &Parts, config: &Config) -> Result<(), Refusal> {
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let authority = head.uri.authority().map_or(0, |authority| authority.as_str().len());
    if target + authority > config.uri_bytes_max {
        return Err(Refusal::new(StatusCode::URI_TOO_LONG, Reason::UriTooLong, "The target is too long."));
    }
    let bytes: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if head.headers.len() > config.headers_max || bytes > config.header_bytes_max {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Refusal::new(
            status,
            Reason::HeadTooLarge,
            "The request has too many or too long fields.",
        ));
    }
    Ok(())
}

fn check_framing(head: &Parts, config: &Config) -> Result<(), Refusal> {
    let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        let chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        if !chunked || head.version != Version::HTTP_11 {
            return Err(bad(Reason::BadFraming, "`Transfer-Encoding` must be `chunked`, once."));
        }
    }
    let mut lengths = head.headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(length) = lengths.next() else { return Ok(()) };
    let length = length.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match length.and_then(|text| text.parse::<u64>().ok()).filter(|_| lengths.next().is_none()) {
        None => Err(bad(Reason::BadFraming, "`Content-Length` must be one number.")),
        Some(bytes) if bytes > config.body_bytes_max => Err(Refusal::body_too_large()),
        Some(_) => Ok(()),
    }
}

/// The target's own authority where it has one, else the one `Host`.
fn host(head: &Parts) -> Result<&str, Refusal> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let (field, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(bad(Reason::BadHost, "There is more than one `Host`."));
    }
    let field = field.map(|value| value.to_str().ok().filter(|host| is_host(host)));
    if field == Some(None) {
        return Err(bad(Reason::BadHost, "`Host` is not a host name."));
    }
    match (head.uri.authority(), field.flatten()) {
        (Some(authority), field) => {
            let scheme = head.uri.scheme_str().unwrap_or("http");
            let differs =
                head.version == Version::HTTP_2 && field.is_some_and(|host| host != authority.as_str());
            if differs || !is_host(authority.as_str()) || !matches!(scheme, "http" | "https") {
                return Err(bad(Reason::BadHost, "The target's authority cannot be used."));
            }
            // An HTTP/1.1 request needs the field even where the target makes it superfluous.
            if field.is_none() && head.version == Version::HTTP_11 {
                return Err(bad(Reason::BadHost, "`Host` is missing."));
            }
            Ok(authority.as_str())
        }
        (None, Some(host)) => Ok(host),
        (None, None) => Err(bad(Reason::BadHost, "`Host` is missing.")),
    }
}

/// A name or an address, and a port if there is one: no more than every origin can be asked for, in HTTP/2 too.
fn is_host(text: &str) -> bool {
    const HOST_BYTES_MAX: usize = 255;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || b".:".contains(&byte);
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let sound = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').is_some_and(|(address, port)| {
            !address.is_empty()
                && address.bytes().all(is_address)
                && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        }),
        None => {
            let (name, port) = text.split_once(':').unwrap_or((text, ""));
            !name.is_empty() && name.bytes().all(is_name) && is_port(port)
        }
    };
    sound && text.len() <= HOST_BYTES_MAX
}

fn passes(headers: &HeaderMap) -> usize {
    tokens(headers, header::VIA)
        .filter(|member| member.split_ascii_whitespace().nth(1) == Some(crate::PSEUDONYM))
        .count()
}

fn bad(reason: Reason, detail: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, reason, detail)
}

/// Whether the request brings a body.
pub(crate) fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length.as_bytes().iter().any(|b| *b != b'0'))
}

const HOP_BY_HOP: [HeaderName; 8] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Removes what belongs to one connection: the known fields and those that `Connection` names.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> =
            tokens(headers, header::CONNECTION).filter_map(|name| name.parse().ok()).collect();
        named.iter().for_each(|name| drop(headers.remove(name)));
        headers.remove(header::CONNECTION);
    }
    HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(name)));
}

/// Fields of a client that say where a request came from or what it was rewritten to: nobody here trusts them.
const UNTRUSTED: [&str; 12] = [
    "forwarded",
    "x-real-ip",
    "client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "x-request-id",
    SURROGATE_KEY_HEADER,
];

/// The fields of a request that is passed on whole: all but those of this connection, those that a client has no
/// business to send, and those that the edge sets itself.
pub(crate) fn forwarded_whole(client: &HeaderMap, trail: &Trail) -> HeaderMap {
    let named: Vec<HeaderName> =
        tokens(client, header::CONNECTION).filter_map(|name| name.parse().ok()).collect();
    let mut headers = HeaderMap::with_capacity(client.len() + TRAIL_FIELDS);
    for (name, value) in client {
        let ours = UNTRUSTED.contains(&name.as_str())
            || name.as_str().starts_with("x-forwarded-")
            || name.as_str().starts_with("x-sangraha-");
        // `Expect` is answered by hyper already.
        let stays = ours || *name == header::EXPECT || *name == header::CONNECTION;
        if !stays && !HOP_BY_HOP.contains(name) && !named.contains(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    trail.mark(&mut headers);
    headers
}

/// The fields of a request on a cacheable route: an allow-list, so that nothing outside the key can change the
/// answer.
pub(crate) fn forwarded_listed(client: &HeaderMap, listed: &[HeaderName], trail: &Trail) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(listed.len() + 8);
    for name in listed.iter().chain([&header::VIA]) {
        for value in client.get_all(name) {
            headers.append(name.clone(), value.clone());
        }
    }
    trail.mark(&mut headers);
    headers
}

/// How many fields [`Trail::mark`] adds.
const TRAIL_FIELDS: usize = 6;

/// What the edge tells an origin about a request.
#[derive(Clone)]
pub(crate) struct Trail {
    pub(crate) request_id: HeaderValue,
    pub(crate) host: HeaderValue,
    pub(crate) client: IpAddr,
    pub(crate) secure: bool,
}

impl Trail {
    fn mark(&self, headers: &mut HeaderMap) {
        headers.insert(header::HOST, self.host.clone());
        join_cookies(headers);
        headers.append(header::VIA, via());
        headers.insert(REQUEST_ID, self.request_id.clone());
        if let Ok(client) = HeaderValue::try_from(self.client.to_canonical().to_string()) {
            headers.insert(HeaderName::from_static("x-forwarded-for"), client);
        }
        headers.insert(HeaderName::from_static("x-forwarded-host"), self.host.clone());
        headers.insert(
            HeaderName::from_static("x-forwarded-proto"),
            HeaderValue::from_static(if self.secure { "https" } else { "http" }),
        );
    }
}

/// HTTP/2 may send a cookie in crumbs; HTTP/1 knows one field (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(header::COOKIE, whole);
    }
}

/// This hop's member of `Via`.
pub(crate) const fn via() -> HeaderValue {
    HeaderValue::from_static("1.1 sangraha-edge")
}

/// The field by which an origin speaks to this edge alone; caches in front of it have their own.
const OWN_TARGET: &str = "sangraha-cdn-cache-control";

/// Makes an origin's fields fit for a client. `chunked` framing was undone, so a length beside it is a lie.
pub(crate) fn clean_response(headers: &mut HeaderMap) {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        headers.remove(header::CONTENT_LENGTH);
    }
    strip_hop_by_hop(headers);
    headers.remove(SURROGATE_KEY_HEADER);
    headers.remove(READ_LSN_HEADER);
    headers.remove(OWN_TARGET);
    headers.remove(REQUEST_ID);
    headers.append(header::VIA, via());
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn head(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> Parts {
        build(Request::builder()).body(()).unwrap().into_parts().0
    }

    fn refusal(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> Option<u16> {
        check(&head(build), &Config::default()).err().map(|refusal| refusal.status().as_u16())
    }

    #[test]
    fn a_request_has_exactly_one_usable_host() {
        assert_eq!(refusal(|r| r.uri("/a").header("host", "h")), None);
        assert_eq!(refusal(|r| r.uri("/a").header("host", "[::1]:80")), None);
        assert_eq!(refusal(|r| r.uri("/a")), Some(400));
        assert_eq!(refusal(|r| r.uri("/a").header("host", "h").header("host", "h")), Some(400));
        for host in ["h:", "h:8080", "1.2.3.4:5", "[::1]", "a_b.test"] {
            assert_eq!(refusal(|r| r.uri("/a").header("host", host)), None, "{host}");
        }
        let broken = ["a:1:2", "::1", "a:b", "[", "]", "[]", "[::1", "::1]", "a[::1]", "[::1]a", "[a:[b]]"];
        for host in ["", "a b", "user@h", "h/x", "h,i", ":80"].into_iter().chain(broken) {
            assert_eq!(refusal(|r| r.uri("/a").header("host", host)), Some(400), "{host}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_host_is_an_authority(text in "[a-z0-9.:\\[\\]_-]{0,8}") {
            let parsed = http::uri::Authority::try_from(text.as_str());
            proptest::prop_assert!(!is_host(&text) || parsed.is_ok());
        }
    }

    #[test]
    fn the_targets_authority_wins_over_the_field() {
        let parts = head(|r| r.uri("http://one/a").header("host", "two"));
        assert_eq!(check(&parts, &Config::default()).unwrap(), "one");
        assert_eq!(refusal(|r| r.uri("http://one/a")), Some(400));
        assert_eq!(refusal(|r| r.uri("ftp://one/a").header("host", "one")), Some(400));
        let http2 = |r: http::request::Builder| r.version(Version::HTTP_2).uri("http://one/a");
        assert_eq!(refusal(http2), None);
        assert_eq!(refusal(|r| http2(r).header("host", "two")), Some(400));
    }

    #[test]
    fn only_plain_chunked_is_a_transfer_encoding() {
        let with = |values: &[&str]| {
            refusal(|r| {
                let start = r.uri("/a").header("host", "h");
                values.iter().fold(start, |r, value| r.header("transfer-encoding", *value))
            })
        };
        assert_eq!(with(&["chunked"]), None);
        assert_eq!(with(&["identity, chunked"]), Some(400));
        assert_eq!(with(&["chunked", "chunked"]), Some(400));
        assert_eq!(with(&["gzip"]), Some(400));
    }

    #[test]
    fn a_request_that_was_here_three_times_is_a_loop() {
        let with = |via: &str| refusal(|r| r.uri("/a").header("host", "h").header("via", via));
        assert_eq!(with("1.1 sangraha-edge, 1.1 sangraha-edge"), None);
        assert_eq!(with("1.1 sangraha-edge, 1.1 x, 1.1 sangraha-edge, 1.0 sangraha-edge (b)"), Some(508));
    }

    #[test]
    fn fields_of_the_connection_and_untrusted_ones_do_not_travel() {
        let parts = head(|r| {
            [
                "connection: x-drop, close",
                "x-drop: 1",
                "keep-alive: 5",
                "te: trailers",
                "x-forwarded-for: 6.6.6.6",
            ]
            .into_iter()
            .chain([
                "forwarded: for=6",
                "x-request-id: mine",
                "x-sangraha-a: 1",
                "cookie: kept",
                "via: 1.1 x",
            ])
            .filter_map(|line| line.split_once(": "))
            .fold(r.uri("/a"), |r, (name, value)| r.header(name, value))
        });
        let trail = Trail {
            request_id: HeaderValue::from_static("ours"),
            host: HeaderValue::from_static("h"),
            client: IpAddr::from([1, 2, 3, 4]),
            secure: false,
        };
        let sent = forwarded_whole(&parts.headers, &trail);
        let mut lines: Vec<String> =
            sent.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                "cookie: kept",
                "host: h",
                "via: 1.1 sangraha-edge",
                "via: 1.1 x",
                "x-forwarded-for: 1.2.3.4",
                "x-forwarded-host: h",
                "x-forwarded-proto: http",
                "x-request-id: ours",
            ]
        );
    }
}
