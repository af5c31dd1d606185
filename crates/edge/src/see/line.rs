//! One line of the access log.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, Uri, Version};
use http_body::Body as _;
use std::io::Write;
use std::net::IpAddr;

/// What is known of a request before its answer: nothing is copied.
pub(crate) struct Entry {
    client: IpAddr,
    method: Method,
    target: Uri,
    version: Version,
    host: Option<HeaderValue>,
    referer: Option<HeaderValue>,
    agent: Option<HeaderValue>,
    request_id: HeaderValue,
    began_us: i64,
}

/// The time of the last line, spelled: it changes once a second.
#[derive(Default)]
pub(super) struct Stamp {
    second: i64,
    combined: Vec<u8>,
    rfc3339: Vec<u8>,
}

impl Stamp {
    fn at(&mut self, us: i64) -> &Self {
        let second = us.div_euclid(1_000_000);
        if second != self.second || self.combined.is_empty() {
            let time = chrono::DateTime::from_timestamp(second, 0).unwrap_or_default();
            self.second = second;
            self.combined = time.format("%d/%b/%Y:%H:%M:%S +0000").to_string().into_bytes();
            self.rfc3339 = time.format("%Y-%m-%dT%H:%M:%S").to_string().into_bytes();
        }
        self
    }
}

impl Entry {
    pub(crate) fn new(head: &Parts, client: IpAddr, request_id: &HeaderValue, began_us: i64) -> Self {
        let field = |name: HeaderName| head.headers.get(name).cloned();
        Self {
            client,
            method: head.method.clone(),
            target: head.uri.clone(),
            version: head.version,
            host: if head.uri.host().is_some() { None } else { field(header::HOST) },
            referer: field(header::REFERER),
            agent: field(header::USER_AGENT),
            request_id: request_id.clone(),
            began_us,
        }
    }

    fn target(&self) -> &str {
        self.target.path_and_query().map_or("/", |target| target.as_str())
    }

    const fn version(&self) -> &'static str {
        match self.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        }
    }

    pub(super) fn combined(
        &self,
        response: &Response<crate::body::Body>,
        stamp: &mut Stamp,
        text: &mut Vec<u8>,
    ) {
        address(self.client, text);
        text.extend_from_slice(b" - - [");
        text.extend_from_slice(&stamp.at(self.began_us).combined);
        text.extend_from_slice(b"] \"");
        quote(self.method.as_str().as_bytes(), text);
        text.push(b' ');
        quote(self.target().as_bytes(), text);
        text.push(b' ');
        text.extend_from_slice(self.version().as_bytes());
        text.extend_from_slice(b"\" ");
        text.extend_from_slice(response.status().as_str().as_bytes());
        text.push(b' ');
        match response.body().size_hint().exact() {
            Some(bytes) => number(bytes, text),
            None => text.push(b'-'),
        }
        for field in [&self.referer, &self.agent] {
            text.extend_from_slice(b" \"");
            match field.as_ref().map(HeaderValue::as_bytes) {
                None | Some([]) => text.push(b'-'),
                Some(value) => quote(value, text),
            }
            text.push(b'"');
        }
        text.push(b'\n');
    }

    pub(super) fn json(
        &self,
        response: &Response<crate::body::Body>,
        now_us: i64,
        stamp: &mut Stamp,
        text: &mut Vec<u8>,
    ) {
        let lossy = |value: &Option<HeaderValue>| value.as_ref().map_or_else(String::new, words);
        let at = String::from_utf8_lossy(&stamp.at(self.began_us).rfc3339);
        let line = serde_json::json!({
            "at": format!("{at}.{:03}Z", self.began_us.rem_euclid(1_000_000) / 1_000),
            "client": self.client,
            "request": format!("{} {} {}", self.method, self.target(), self.version()),
            "host": self.target.host().map_or_else(|| lossy(&self.host), str::to_owned),
            "status": response.status().as_u16(),
            "bytes": response.body().size_hint().exact(),
            "duration_us": now_us.saturating_sub(self.began_us).max(0),
            "cache": last(response.headers(), "cache-status").map(words),
            "referer": lossy(&self.referer),
            "agent": lossy(&self.agent),
            "request_id": words(&self.request_id),
        });
        // Writing to memory does not fail.
        let _ = writeln!(text, "{line}");
    }
}

fn last<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a HeaderValue> {
    headers.get_all(name).iter().next_back()
}

fn words(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// A client's words must not end the line, nor the quotes around them.
fn quote(words: &[u8], text: &mut Vec<u8>) {
    let plain = |byte: &u8| (b' '..=b'~').contains(byte) && !matches!(byte, b'"' | b'\\');
    if words.iter().all(plain) {
        return text.extend_from_slice(words);
    }
    for c in String::from_utf8_lossy(words).chars() {
        let _ = match c {
            '"' | '\\' => write!(text, "\\{c}"),
            c if c.is_control() => write!(text, "{}", c.escape_default()),
            c => write!(text, "{c}"),
        };
    }
}

fn address(client: IpAddr, text: &mut Vec<u8>) {
    let IpAddr::V4(client) = client else {
        let _ = write!(text, "{client}");
        return;
    };
    for (index, octet) in client.octets().into_iter().enumerate() {
        if index > 0 {
            text.push(b'.');
        }
        number(octet.into(), text);
    }
}

/// Decimal digits without the machinery of formatting.
pub(crate) fn number(mut value: u64, text: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_forge_lines() {
        let quoted = |words: &[u8]| {
            let mut text = Vec::new();
            quote(words, &mut text);
            String::from_utf8(text).unwrap()
        };
        assert_eq!(quoted(b"a\"b\\c\r\nd"), r#"a\"b\\c\r\nd"#);
        assert_eq!(quoted(b"a b~"), "a b~");
        assert_eq!(quoted(b"\xff"), "\u{fffd}");
    }

    #[test]
    fn numbers_are_spelled() {
        for value in [0, 9, 10, 1_234_567, u64::MAX] {
            let mut text = Vec::new();
            number(value, &mut text);
            assert_eq!(text, value.to_string().into_bytes());
        }
    }
}
