//! One spelling for each question: host, path and query in a normal form that is key and forwarded target alike,
//! so that nothing outside the key can reach an origin.

use bytes::Bytes;
use http::uri::PathAndQuery;
use std::hash::BuildHasher;

/// A normalised host and target, with its keyed hash.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// `https` or nothing, host, target.
    text: Bytes,
    host_at: usize,
    target_at: usize,
    pub(crate) hash: u64,
}

impl Key {
    /// `path` is normal already ([`path_normalise`]); `query` is normalised here.
    pub(crate) fn new(
        secure: bool,
        host: &str,
        path: &str,
        query: Option<&str>,
        spelling: Spelling,
        hasher: &impl BuildHasher,
    ) -> Option<Self> {
        // An origin may answer `http` with the way to `https`: the two are not one question.
        let (scheme, port) = if secure { ("https ", ":443") } else { ("", ":80") };
        let length = scheme.len() + host.len() + path.len() + query.map_or(0, |query| query.len() + 1);
        let mut text = String::with_capacity(length);
        text.push_str(scheme);
        text.push_str(host);
        text.make_ascii_lowercase();
        if text.ends_with(port) {
            text.truncate(text.len() - port.len());
        }
        let target_at = text.len();
        text.push_str(path);
        match (query, spelling) {
            (Some(query), Spelling::Canonical) => query_append(query, &mut text)?,
            (Some(query), Spelling::Faithful) if !query.is_empty() => {
                text.push('?');
                escapes_normalise(query, b"", &mut text)?;
            }
            _ => {}
        }
        let hash = hasher.hash_one(text.as_bytes());
        Some(Self { text: text.into(), host_at: scheme.len(), target_at, hash })
    }

    /// The key of a piece of what lies under this one. No address has a space after its host, so no client can ask
    /// for it.
    pub(crate) fn piece(&self, name: &[u8], hasher: &impl BuildHasher) -> Self {
        let text = [self.text.as_ref(), name].concat();
        let hash = hasher.hash_one(text.as_slice());
        Self { text: text.into(), hash, ..*self }
    }

    /// Host and target in one.
    pub(crate) fn text(&self) -> &Bytes {
        &self.text
    }

    /// In lower case, without the default port.
    pub(crate) fn host(&self) -> &str {
        std::str::from_utf8(&self.text[self.host_at..self.target_at]).unwrap_or_default()
    }

    /// The key of a whole address; `None` where it has no one spelling.
    pub(crate) fn of_url(url: &url::Url, spelling: Spelling, hasher: &impl BuildHasher) -> Option<Self> {
        let host = url.host_str()?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let path = path_normalise(url.path(), spelling)?;
        Self::new(url.scheme() == "https", &host, &path, url.query(), spelling, hasher)
    }

    /// Host and path up to the end of each segment, without a slash at the end: what a purge by prefix can name.
    /// The first [`SEGMENTS_MAX`] segments; a longer prefix is cut to them.
    pub(crate) fn prefixes(&self) -> impl Iterator<Item = &str> {
        let place = std::str::from_utf8(&self.text[self.host_at..]).unwrap_or_default();
        let place = place.split('?').next().unwrap_or_default();
        let path_at = self.target_at - self.host_at;
        let ends = place.match_indices('/').map(|(at, _)| at).chain([place.len()]);
        ends.filter(move |end| *end > path_at && !place[..*end].ends_with('/'))
            .map(|end| &place[..end])
            .take(SEGMENTS_MAX)
    }

    /// What the origin is asked for.
    pub(crate) fn target(&self) -> Option<PathAndQuery> {
        PathAndQuery::from_maybe_shared(self.text.slice(self.target_at..)).ok()
    }
}

/// Segments of a path by which it can be purged.
pub(crate) const SEGMENTS_MAX: usize = 16;

/// How far spellings are made one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Parameters sorted, tracking ones dropped, ambiguous paths refused: for origins that agree to it.
    Canonical,
    /// Only what every origin must read alike (RFC 3986, section 6.2.2): for any origin.
    Faithful,
}

/// Decodes unreserved characters, writes the other escapes in upper case, resolves dot segments. `None` where the
/// spelling is ambiguous: an escaped NUL, a raw backslash, an escape that is none; in the canonical spelling also an
/// escaped slash or backslash.
pub(crate) fn path_normalise(path: &str, spelling: Spelling) -> Option<std::borrow::Cow<'_, str>> {
    let plain = path.starts_with('/')
        && path.bytes().all(|byte| is_unreserved(byte) || b"/:@!$&'()*+,;=".contains(&byte))
        && !path.contains("/.");
    if plain {
        return Some(path.into());
    }
    if !path.starts_with('/') {
        return None;
    }
    let mut spelled = String::with_capacity(path.len());
    let refused: &[u8] = if spelling == Spelling::Canonical { b"\0/\\" } else { b"\0" };
    escapes_normalise(path, refused, &mut spelled)?;
    Some(dot_segments_resolve(&spelled).into())
}

/// Tracking parameters: they change no answer.
const CLICK_IDS: [&str; 10] =
    ["dclid", "fbclid", "gbraid", "gclid", "igshid", "mc_cid", "mc_eid", "msclkid", "wbraid", "yclid"];

fn query_append(query: &str, text: &mut String) -> Option<()> {
    if query.is_empty() {
        return Some(());
    }
    if query_is_normal(query) {
        text.push('?');
        text.push_str(query);
        return Some(());
    }
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let mut spelled = String::with_capacity(pair.len());
        escapes_normalise(pair, b"", &mut spelled)?;
        if !is_tracking(name(&spelled)) {
            pairs.push(spelled);
        }
    }
    // Stable: the order of equal names may have a meaning.
    pairs.sort_by(|a, b| name(a).cmp(name(b)));
    for (index, pair) in pairs.iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(pair);
    }
    Some(())
}

fn query_is_normal(query: &str) -> bool {
    let mut last = "";
    query.bytes().all(|byte| is_unreserved(byte) || b"/?:@!$&'()*+,;=".contains(&byte))
        && query.split('&').all(|pair| {
            let name = name(pair);
            let normal = !pair.is_empty() && !is_tracking(name) && last <= name;
            last = name;
            normal
        })
}

fn name(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

fn is_tracking(name: &str) -> bool {
    name.starts_with("utm_") || CLICK_IDS.contains(&name)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn escapes_normalise(source: &str, refused: &[u8], target: &mut String) -> Option<()> {
    let bytes = source.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        at += 1;
        if byte == b'%' {
            let (high, low) = (hex(*bytes.get(at)?)?, hex(*bytes.get(at + 1)?)?);
            at += 2;
            let decoded = high << 4 | low;
            if refused.contains(&decoded) {
                return None;
            }
            if is_unreserved(decoded) { target.push(decoded.into()) } else { escape(decoded, target) }
        } else if byte == b'\\' && !refused.is_empty() {
            return None;
        } else if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            target.push(byte.into());
        } else {
            escape(byte, target);
        }
    }
    Some(())
}

fn escape(byte: u8, target: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    target.push('%');
    target.push(DIGITS[usize::from(byte >> 4)].into());
    target.push(DIGITS[usize::from(byte & 15)].into());
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn dot_segments_resolve(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::RandomState;

    fn target(path: &str, query: Option<&str>) -> Option<String> {
        spelled(path, query, Spelling::Canonical)
    }

    fn spelled(path: &str, query: Option<&str>, spelling: Spelling) -> Option<String> {
        let path = path_normalise(path, spelling)?;
        Some(
            Key::new(false, "Example.test:80", &path, query, spelling, &RandomState::new())?
                .target()?
                .to_string(),
        )
    }

    #[test]
    fn one_question_has_one_spelling() {
        let table = [
            ("/v1/ragas", None, "/v1/ragas"),
            ("/v1/%72agas", None, "/v1/ragas"),
            ("/v1/%c3%a9", None, "/v1/%C3%A9"),
            ("/v1/x/../ragas/./y", None, "/v1/ragas/y"),
            ("/v1/%2e%2e/z", None, "/z"),
            ("/../../z/..", None, "/"),
            ("/a/.", None, "/a/"),
            ("/a", Some(""), "/a"),
            ("/a", Some("b=2&a=1"), "/a?a=1&b=2"),
            ("/a", Some("a=2&a=1"), "/a?a=2&a=1"),
            ("/a", Some("&utm_source=x&b=2&&gclid=7"), "/a?b=2"),
            ("/a", Some("utm_source=x"), "/a"),
            ("/a", Some("q=%7Eb%20c"), "/a?q=~b%20c"),
            ("/a", Some("%75tm_source=x"), "/a"),
        ];
        for (path, query, expected) in table {
            assert_eq!(target(path, query).as_deref(), Some(expected), "{path} {query:?}");
        }
    }

    #[test]
    fn ambiguous_spellings_are_refused() {
        for path in ["/a%2Fb", "/a%2fb", "/a%5Cb", "/a\\b", "/a%00", "/a%", "/a%4", "/a%zz", "a", "*"] {
            assert_eq!(target(path, None), None, "{path}");
        }
        assert_eq!(target("/a", Some("q=%")), None);
    }

    #[test]
    fn any_origin_is_asked_what_the_client_asked() {
        let table = [
            ("/a", Some("b=2&a=1&utm_source=x"), Some("/a?b=2&a=1&utm_source=x")),
            ("/a", Some(""), Some("/a")),
            ("/a%2Fb/%7e", Some("q=%7E"), Some("/a%2Fb/~?q=~")),
            ("/x/../a", None, Some("/a")),
            ("/a%00", None, None),
            ("/a\\b", None, None),
        ];
        for (path, query, expected) in table {
            assert_eq!(spelled(path, query, Spelling::Faithful).as_deref(), expected, "{path} {query:?}");
        }
    }

    #[test]
    fn prefixes_are_whole_segments() {
        let hasher = RandomState::new();
        let prefixes = |url: &str| {
            let url = url::Url::parse(url).unwrap();
            let key = Key::of_url(&url, Spelling::Faithful, &hasher).unwrap();
            key.prefixes().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(prefixes("http://h.test/"), [""; 0]);
        assert_eq!(prefixes("https://H.test:443/v1"), ["h.test/v1"]);
        assert_eq!(prefixes("http://h.test/v1/"), ["h.test/v1"]);
        assert_eq!(prefixes("http://h.test:8080/a/b?c=/d/e"), ["h.test:8080/a", "h.test:8080/a/b"]);
        assert_eq!(prefixes("http://h.test/a//b"), ["h.test/a", "h.test/a//b"]);
        assert_eq!(prefixes(&format!("http://h.test{}", "/x".repeat(40))).len(), SEGMENTS_MAX);
    }

    #[test]
    fn hosts_are_lower_case_without_the_default_port() {
        let hasher = RandomState::new();
        let key =
            |host| Key::new(false, host, "/a", None, Spelling::Canonical, &hasher).unwrap().text().clone();
        assert_eq!(key("Example.TEST:80"), key("example.test"));
        assert_ne!(key("example.test:8080"), key("example.test"));
        let secure = Key::new(true, "Example.TEST:443", "/a", None, Spelling::Canonical, &hasher).unwrap();
        assert_ne!(*secure.text(), key("example.test"));
        assert_eq!((secure.host(), secure.target().unwrap().as_str()), ("example.test", "/a"));
    }
}
