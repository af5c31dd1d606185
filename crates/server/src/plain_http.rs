//! A small HTTP/1.1 client for our own processes on this machine: one request, one connection, one answer.
//!
//! It speaks to private ports and, in tests, to edges. It knows neither TLS nor redirects nor reuse; what it
//! reads is bounded, and so is how long it waits.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer larger than this is refused.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body, without transfer coding.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request to one of our processes.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// Whom to ask.
    pub address: SocketAddr,
    /// Path and query.
    pub target: &'a str,
    /// Headers beside `host`, `connection` and `content-length`.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
    /// From the first byte out to the last byte in.
    pub timeout: Duration,
}

/// `GET` without headers.
pub async fn get(address: SocketAddr, target: &str, timeout: Duration) -> Result<Answer> {
    send(Request { method: "GET", address, target, headers: &[], body: &[], timeout }).await
}

/// Sends a request and reads the whole answer.
pub async fn send(request: Request<'_>) -> Result<Answer> {
    let exchange = exchange(&request);
    tokio::time::timeout(request.timeout, exchange).await.map_err(|_| {
        Error::new(ErrorKind::TimedOut, format!("no answer within {} ms", request.timeout.as_millis()))
    })?
}

async fn exchange(request: &Request<'_>) -> Result<Answer> {
    let mut socket = TcpStream::connect(request.address).await?;
    socket.set_nodelay(true)?;
    let mut text = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
        request.method, request.target, request.address
    );
    for (name, value) in request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !request.body.is_empty() || request.method != "GET" {
        text.push_str(&format!("content-length: {}\r\n", request.body.len()));
    }
    text.push_str("\r\n");
    socket.write_all(&[text.as_bytes(), request.body].concat()).await?;
    let mut bytes = Vec::new();
    socket.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).await?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let broken =
        |what: &str| Error::new(ErrorKind::InvalidData, format!("the answer is cut short or broken: {what}"));
    let end =
        bytes.windows(4).position(|four| four == b"\r\n\r\n").ok_or_else(|| broken("no end of headers"))?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(|| broken("status"))?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: bytes[end + 4..].to_vec() };
    if answer.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        answer.body = unchunk(&answer.body).ok_or_else(|| broken("chunks"))?;
    } else if let Some(length) =
        answer.header("content-length").and_then(|length| length.parse::<usize>().ok())
        && answer.body.len() < length
    {
        return Err(broken("body"));
    }
    Ok(answer)
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = rest.get(end + 2..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let answer = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"a\"\r\n\r\n{}").unwrap();
        assert_eq!(
            (answer.status, answer.header("etag"), answer.text().as_str()),
            (200, Some("\"a\""), "{}")
        );
    }

    #[test]
    fn chunks_are_joined() {
        let answer = parse(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        );
        assert_eq!(answer.unwrap().text(), "abcde");
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc").is_err());
        assert!(parse(b"HTT").is_err());
    }
}
