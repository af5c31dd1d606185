//! What may be kept, for how long, and whether it may be used now. Pure: no clock, no sockets, no store.

use crate::see::reason::Reason;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The bounds that the configuration sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) freshness_s_max: u64,
    pub(crate) negative_s_max: u64,
    pub(crate) stale_if_error_s: u64,
    pub(crate) blind_age_s_max: u64,
}

/// How long a stored response serves, counted in its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// Age at the moment of receipt.
    pub(crate) age_s: u64,
    /// Age at which it turns stale.
    pub(crate) lifetime_s: u64,
    /// For how long after that it may be served while it is refreshed.
    pub(crate) while_revalidate_s: u64,
    /// For how long after that it may stand in for an error.
    pub(crate) if_error_s: u64,
}

/// Whether a stored response may be used at its present age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Fresh {
        ttl_s: i64,
    },
    /// Serve it, and refresh it behind the client's back.
    WhileRevalidate {
        ttl_s: i64,
    },
    Revalidate(Reason),
}

impl Freshness {
    /// That of a response which is served once and not kept.
    pub(crate) const NONE: Self = Self { age_s: 0, lifetime_s: 0, while_revalidate_s: 0, if_error_s: 0 };

    /// `age_s` is the present age, `resident_s` the time in memory.
    pub(crate) fn judge(
        &self,
        age_s: u64,
        resident_s: u64,
        tagged: bool,
        blind: bool,
        limits: &Limits,
    ) -> Use {
        let ttl_s = seconds(self.lifetime_s) - seconds(age_s);
        if blind && tagged && resident_s > limits.blind_age_s_max {
            return Use::Revalidate(Reason::Blind);
        }
        if ttl_s > 0 {
            return Use::Fresh { ttl_s };
        }
        // A blind edge cannot know whether the old answer was purged.
        if !(blind && tagged) && age_s - self.lifetime_s < self.while_revalidate_s {
            return Use::WhileRevalidate { ttl_s };
        }
        Use::Revalidate(Reason::Expired)
    }

    /// Whether a response of this age may stand in for an error.
    pub(crate) fn covers_error(&self, age_s: u64) -> bool {
        age_s.saturating_sub(self.lifetime_s) < self.if_error_s
    }
}

/// Decides whether a complete response may be stored. `date_age_s` is the time since its `Date`, `delay_s` the
/// time that the exchange took.
pub(crate) fn admit(
    status: StatusCode,
    headers: &HeaderMap,
    date_age_s: u64,
    delay_s: u64,
    limits: &Limits,
) -> Result<Freshness, Reason> {
    let control = Control::parse(headers);
    let personal = control.private || headers.contains_key(header::SET_COOKIE);
    if status.is_server_error() && !personal {
        return Err(Reason::Status);
    }
    if control.no_store {
        return Err(Reason::NoStore);
    }
    if control.private {
        return Err(Reason::Private);
    }
    if headers.contains_key(header::SET_COOKIE) {
        return Err(Reason::SetCookie);
    }
    // A part is not the whole, and an error of the origin must not outlive its cause.
    let kept = !status.is_informational() && !status.is_server_error();
    if !kept || status == StatusCode::PARTIAL_CONTENT || status == StatusCode::NOT_MODIFIED {
        return Err(Reason::Status);
    }
    let age_s = date_age_s.max(age_field(headers).saturating_add(delay_s));
    let lifetime_s = lifetime(status, headers, &control, limits).ok_or(Reason::NoFreshness)?;
    let stale = |stated: Option<u64>, default_s: u64| match stated {
        _ if control.must_revalidate || control.no_cache => 0,
        Some(stated_s) => stated_s.min(limits.freshness_s_max),
        None if control.s_maxage.is_some() => 0,
        None => default_s,
    };
    Ok(Freshness {
        age_s,
        lifetime_s,
        while_revalidate_s: stale(control.stale_while_revalidate, 0),
        if_error_s: stale(control.stale_if_error, limits.stale_if_error_s),
    })
}

/// What the request fields that a response may vary by look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// All `Accept` lines joined, blanks around commas removed.
    pub(crate) accept: Option<HeaderValue>,
    /// Bits of [`ENCODINGS`].
    pub(crate) encodings: u8,
}

/// Which of [`Asked`] a stored response depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vary {
    accept: bool,
    accept_encoding: bool,
}

impl Vary {
    /// Reads the `Vary` of a response; anything but `Accept` and `Accept-Encoding` cannot be kept.
    pub(crate) fn parse(headers: &HeaderMap) -> Result<Self, Reason> {
        let mut vary = Self::default();
        let mut unknown = None;
        for token in tokens(headers, header::VARY) {
            if token == "*" {
                return Err(Reason::VaryStar);
            } else if token.eq_ignore_ascii_case("accept") {
                vary.accept = true;
            } else if token.eq_ignore_ascii_case("accept-encoding") {
                vary.accept_encoding = true;
            } else {
                unknown = Some(Reason::VaryOther);
            }
        }
        unknown.map_or(Ok(vary), Err)
    }

    pub(crate) fn same(self, one: &Asked, other: &Asked) -> bool {
        (!self.accept || one.accept == other.accept)
            && (!self.accept_encoding || one.encodings == other.encodings)
    }
}

impl Asked {
    pub(crate) fn parse(headers: &HeaderMap) -> Self {
        Self { accept: accept_normalise(headers), encodings: encodings(headers) }
    }

    /// The one spelling of `Accept-Encoding` that is forwarded for this set.
    pub(crate) fn accept_encoding(&self) -> Option<HeaderValue> {
        const SPELLED: [&str; 8] =
            ["", "br", "zstd", "br, zstd", "gzip", "br, gzip", "zstd, gzip", "br, zstd, gzip"];
        let text = SPELLED[usize::from(self.encodings & 7)];
        (!text.is_empty()).then(|| HeaderValue::from_static(text))
    }
}

/// Encodings that variants are told apart by, in our order.
const ENCODINGS: [&str; 3] = ["br", "zstd", "gzip"];

fn encodings(headers: &HeaderMap) -> u8 {
    let mut bits = 0;
    for token in tokens(headers, header::ACCEPT_ENCODING) {
        let (coding, weight) = token.split_once(';').unwrap_or((token, ""));
        let refused = matches!(weight.replace(' ', "").as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        if let Some(index) = ENCODINGS.iter().position(|known| coding.trim().eq_ignore_ascii_case(known))
            && !refused
        {
            bits |= 1 << index;
        }
    }
    bits
}

fn accept_normalise(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut lines = headers.get_all(header::ACCEPT).iter();
    let first = lines.next()?;
    let plain = lines.next().is_none() && !first.as_bytes().contains(&b',');
    if plain {
        return Some(first.clone());
    }
    let joined = tokens(headers, header::ACCEPT).collect::<Vec<_>>().join(",");
    HeaderValue::try_from(joined).ok()
}

/// Whether the client's copy is current: `If-None-Match` decides where it is present, else `If-Modified-Since`.
pub(crate) fn not_modified(asked: &HeaderMap, stored: &HeaderMap) -> bool {
    if asked.contains_key(header::IF_NONE_MATCH) {
        let Some(etag) = stored.get(header::ETAG).and_then(|etag| etag.to_str().ok()) else {
            return tokens(asked, header::IF_NONE_MATCH).any(|token| token == "*");
        };
        return tokens(asked, header::IF_NONE_MATCH)
            .any(|token| token == "*" || opaque(token) == opaque(etag));
    }
    let Some(since) = asked.get(header::IF_MODIFIED_SINCE) else { return false };
    let Some(modified) = stored.get(header::LAST_MODIFIED) else { return false };
    since == modified
        || matches!((date(since), date(modified)), (Some(since), Some(modified)) if modified <= since)
}

/// Seconds since the Unix epoch of a date field.
pub(crate) fn date(value: &HeaderValue) -> Option<u64> {
    let time = httpdate::parse_http_date(value.to_str().ok()?).ok()?;
    Some(time.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs())
}

fn opaque(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag)
}

fn lifetime(status: StatusCode, headers: &HeaderMap, control: &Control, limits: &Limits) -> Option<u64> {
    let validator = headers.contains_key(header::ETAG) || headers.contains_key(header::LAST_MODIFIED);
    if control.no_cache {
        return validator.then_some(0);
    }
    let negative =
        matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE).then_some(limits.negative_s_max);
    let stated = control.s_maxage.or(control.max_age).map(|stated_s| stated_s.min(limits.freshness_s_max));
    stated.or(negative).or(validator.then_some(0))
}

/// The first member of the first line counts; what is no number counts as none, what is too large as old.
fn age_field(headers: &HeaderMap) -> u64 {
    let Some(text) = headers.get(header::AGE).and_then(|value| value.to_str().ok()) else { return 0 };
    number(text.split(',').next().unwrap_or("").trim()).unwrap_or(0)
}

/// The directives of `Cache-Control` that a shared cache obeys.
#[derive(Debug, Default)]
struct Control {
    no_store: bool,
    no_cache: bool,
    private: bool,
    must_revalidate: bool,
    s_maxage: Option<u64>,
    max_age: Option<u64>,
    stale_while_revalidate: Option<u64>,
    stale_if_error: Option<u64>,
}

impl Control {
    fn parse(headers: &HeaderMap) -> Self {
        let mut control = Self::default();
        for value in headers.get_all(header::CACHE_CONTROL) {
            let Ok(text) = value.to_str() else { continue };
            for directive in split_unquoted(text) {
                let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
                control.take(name.trim(), argument.trim());
            }
        }
        control
    }

    fn take(&mut self, name: &str, argument: &str) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match () {
            () if is("no-store") => self.no_store = true,
            // With field names they restrict those fields alone; refusing the whole is the safe reading.
            () if is("no-cache") => self.no_cache = true,
            () if is("private") => self.private = true,
            () if is("must-revalidate") || is("proxy-revalidate") => self.must_revalidate = true,
            () if is("s-maxage") => delta(&mut self.s_maxage, argument),
            () if is("max-age") => delta(&mut self.max_age, argument),
            () if is("stale-while-revalidate") => delta(&mut self.stale_while_revalidate, argument),
            () if is("stale-if-error") => delta(&mut self.stale_if_error, argument),
            () => {}
        }
    }
}

/// What is no number, and what is stated twice differently, counts as zero.
fn delta(slot: &mut Option<u64>, argument: &str) {
    let stated = number(argument.trim_matches('"')).unwrap_or(0);
    *slot = Some(if slot.is_some_and(|earlier| earlier != stated) { 0 } else { stated });
}

/// Digits only; more than 2³¹−1 is taken as that.
fn number(text: &str) -> Option<u64> {
    const CLAMP: u64 = (1 << 31) - 1;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(CLAMP).min(CLAMP))
}

/// Members of a list field over all its lines, without empty ones.
pub(crate) fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok()).flat_map(split_unquoted)
}

fn split_unquoted(text: &str) -> impl Iterator<Item = &str> {
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

fn seconds(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { freshness_s_max: 86_400, negative_s_max: 10, stale_if_error_s: 3_600, blind_age_s_max: 30 };

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn lifetime_of(status: u16, fields: &[(&'static str, &str)]) -> Result<u64, Reason> {
        let status = StatusCode::from_u16(status).unwrap();
        admit(status, &headers(fields), 0, 0, &LIMITS).map(|freshness| freshness.lifetime_s)
    }

    fn controlled(text: &str) -> Result<u64, Reason> {
        lifetime_of(200, &[("cache-control", text)])
    }

    #[test]
    fn cache_control_is_read_as_the_standard_says() {
        let table = [
            ("max-age=60", Ok(60)),
            ("MAX-AGE=60", Ok(60)),
            ("max-age=60, s-maxage=90", Ok(90)),
            ("max-age=060", Ok(60)),
            ("max-age=\"60\"", Ok(60)),
            ("max-age=-1", Ok(0)),
            ("max-age=1.5", Ok(0)),
            ("max-age=99999999999999999999", Ok(86_400)),
            ("max-age=60, max-age=90", Ok(0)),
            ("max-age=60, max-age=60", Ok(60)),
            ("extension=\"a, max-age=9\", max-age=60", Ok(60)),
            ("max-age=60, no-store", Err(Reason::NoStore)),
            ("private, max-age=60", Err(Reason::Private)),
            ("no-cache", Err(Reason::NoFreshness)),
            ("public", Err(Reason::NoFreshness)),
        ];
        for (text, expected) in table {
            assert_eq!(controlled(text), expected, "{text}");
        }
    }

    #[test]
    fn a_validator_allows_storing_without_freshness() {
        assert_eq!(lifetime_of(200, &[("etag", "\"a\"")]), Ok(0));
        assert_eq!(lifetime_of(200, &[("etag", "\"a\""), ("cache-control", "no-cache")]), Ok(0));
    }

    #[test]
    fn negative_answers_live_shortly_unless_they_say() {
        assert_eq!(lifetime_of(404, &[]), Ok(10));
        assert_eq!(lifetime_of(410, &[]), Ok(10));
        assert_eq!(lifetime_of(404, &[("cache-control", "max-age=60")]), Ok(60));
        assert_eq!(lifetime_of(404, &[("cache-control", "no-store")]), Err(Reason::NoStore));
        assert_eq!(lifetime_of(400, &[]), Err(Reason::NoFreshness));
    }

    #[test]
    fn errors_parts_and_cookies_are_not_stored() {
        let fresh = ("cache-control", "max-age=60");
        for status in [206, 304, 500, 503] {
            assert_eq!(lifetime_of(status, &[fresh]), Err(Reason::Status), "{status}");
        }
        assert_eq!(lifetime_of(503, &[("cache-control", "no-store")]), Err(Reason::Status));
        assert_eq!(lifetime_of(503, &[("cache-control", "private")]), Err(Reason::Private));
        assert_eq!(lifetime_of(200, &[fresh, ("set-cookie", "a=b")]), Err(Reason::SetCookie));
    }

    #[test]
    fn age_starts_at_the_larger_of_date_and_age() {
        let age = |text: &str, date_age_s, delay_s| {
            let fields = headers(&[("cache-control", "max-age=60"), ("age", text)]);
            admit(StatusCode::OK, &fields, date_age_s, delay_s, &LIMITS).unwrap().age_s
        };
        assert_eq!(age("7", 3, 1), 8);
        assert_eq!(age("7", 30, 1), 30);
        assert_eq!(age("7200, 0", 0, 0), 7200);
        assert_eq!(age("0, 7200", 0, 0), 0);
        assert_eq!(age("-3", 0, 0), 0);
        assert_eq!(age("1.5", 0, 0), 0);
        assert_eq!(age("99999999999999999999", 0, 0), (1 << 31) - 1);
    }

    fn freshness(text: &str) -> Freshness {
        admit(StatusCode::OK, &headers(&[("cache-control", text)]), 0, 0, &LIMITS).unwrap()
    }

    #[test]
    fn stale_answers_are_allowed_by_the_directives_alone() {
        let both = freshness("max-age=10, stale-while-revalidate=5, stale-if-error=50");
        assert_eq!(both.judge(9, 9, true, false, &LIMITS), Use::Fresh { ttl_s: 1 });
        assert_eq!(both.judge(10, 10, true, false, &LIMITS), Use::WhileRevalidate { ttl_s: 0 });
        assert_eq!(both.judge(14, 14, true, false, &LIMITS), Use::WhileRevalidate { ttl_s: -4 });
        assert_eq!(both.judge(15, 15, true, false, &LIMITS), Use::Revalidate(Reason::Expired));
        assert!(both.covers_error(59) && !both.covers_error(60));
        assert!(freshness("max-age=10").covers_error(3_609) && !freshness("max-age=10").covers_error(3_610));
        assert!(!freshness("max-age=10, must-revalidate, stale-if-error=50").covers_error(10));
        assert!(!freshness("s-maxage=10").covers_error(10));
        assert!(freshness("s-maxage=10, stale-if-error=50").covers_error(59));
    }

    #[test]
    fn a_blind_edge_trusts_tagged_objects_for_a_short_time() {
        let long = freshness("max-age=1000, stale-while-revalidate=1000");
        assert_eq!(long.judge(30, 30, true, true, &LIMITS), Use::Fresh { ttl_s: 970 });
        assert_eq!(long.judge(31, 31, true, true, &LIMITS), Use::Revalidate(Reason::Blind));
        assert_eq!(long.judge(31, 31, false, true, &LIMITS), Use::Fresh { ttl_s: 969 });
        assert_eq!(long.judge(1_001, 3, true, true, &LIMITS), Use::Revalidate(Reason::Expired));
    }

    #[test]
    fn only_known_fields_may_be_varied_by() {
        let vary = |text: &str| Vary::parse(&headers(&[("vary", text)]));
        assert!(vary("Accept, accept-encoding").is_ok());
        assert_eq!(vary("Accept, *"), Err(Reason::VaryStar));
        assert_eq!(vary("Cookie, *"), Err(Reason::VaryStar));
        assert_eq!(vary("Accept, Cookie"), Err(Reason::VaryOther));
    }

    #[test]
    fn variants_are_told_apart_by_normalised_fields() {
        let asked = |text: &str| Asked::parse(&headers(&[("accept-encoding", text)]));
        assert_eq!(asked("gzip, br"), asked("BR;q=0.5 ,gzip"));
        assert_ne!(asked("gzip"), asked("gzip;q=0"));
        assert_eq!(asked("gzip, br").accept_encoding().unwrap(), "br, gzip");
        assert_eq!(asked("identity").accept_encoding(), None);
        let accept = |text: &str| Asked::parse(&headers(&[("accept", text)]));
        assert_eq!(accept("a/b ,c/d"), accept("a/b, c/d"));
    }

    #[test]
    fn conditionals_compare_weakly_and_prefer_the_etag() {
        let stored = headers(&[("etag", "\"a\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        let current = |fields: &[(&'static str, &str)]| not_modified(&headers(fields), &stored);
        assert!(current(&[("if-none-match", "\"a\"")]));
        assert!(current(&[("if-none-match", "W/\"a\"")]));
        assert!(current(&[("if-none-match", "\"b\", \"a\"")]));
        assert!(current(&[("if-none-match", "*")]));
        assert!(!current(&[("if-none-match", "\"b\"")]));
        assert!(!current(&[
            ("if-none-match", "\"b\""),
            ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")
        ]));
        assert!(current(&[("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")]));
        assert!(current(&[("if-modified-since", "Sunday, 06-Nov-94 08:49:38 GMT")]));
        assert!(!current(&[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")]));
        assert!(!current(&[("if-modified-since", "yesterday")]));
        assert!(!current(&[]));
    }
}
