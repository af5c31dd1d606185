//! The access log: one line a request, written by a thread of its own.
//!
//! Requests never wait for a disk: when lines come faster than they can be written, they are dropped and counted.

use crate::Error;
use crate::see::telemetry::Telemetry;
use http::header::{self, HeaderMap, HeaderName};
use http::request::Parts;
use http::{Response, Version};
use http_body::Body as _;
use prometheus_client::metrics::counter::Counter;
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

/// Where lines go, and how they look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessLog {
    /// The file; lines are added to it.
    pub path: PathBuf,
    /// The form of a line.
    pub format: AccessFormat,
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessFormat {
    /// One JSON object.
    Json,
    /// What nginx and Apache httpd call combined.
    Combined,
}

/// The way to the writer.
pub(crate) struct Access {
    format: AccessFormat,
    lines: SyncSender<String>,
    dropped: Counter,
}

/// What is known of a request before its answer.
pub(crate) struct Entry {
    client: IpAddr,
    line: String,
    host: String,
    referer: String,
    agent: String,
    request_id: String,
    began: Instant,
    at_us: i64,
}

impl Access {
    /// Opens the file and starts the writer, which ends with the last sender.
    pub(crate) fn open(log: &AccessLog, telemetry: &Telemetry) -> Result<Self, Error> {
        const LINES_MAX: usize = 8_192;
        let unusable = |source| Error::File { path: log.path.clone(), source };
        let file = OpenOptions::new().create(true).append(true).open(&log.path).map_err(unusable)?;
        let (lines, receiver) = sync_channel(LINES_MAX);
        std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write(&receiver, BufWriter::new(file)))
            .map_err(unusable)?;
        Ok(Self { format: log.format, lines, dropped: telemetry.access_dropped.clone() })
    }

    pub(crate) fn entry(&self, head: &Parts, client: IpAddr, request_id: &str, at_us: i64) -> Entry {
        let text = |name: HeaderName| field(&head.headers, &name);
        let version = match head.version {
            Version::HTTP_10 => "HTTP/1.0",
            Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        };
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        Entry {
            client,
            line: format!("{} {target} {version}", head.method),
            host: head.uri.host().map_or_else(|| text(header::HOST), str::to_owned),
            referer: text(header::REFERER),
            agent: text(header::USER_AGENT),
            request_id: request_id.to_owned(),
            began: Instant::now(),
            at_us,
        }
    }

    /// Adds a line for an answer whose head is ready.
    pub(crate) fn write(&self, entry: &Entry, response: &Response<crate::body::Body>) {
        let line = match self.format {
            AccessFormat::Json => json(entry, response),
            AccessFormat::Combined => combined(entry, response),
        };
        if self.lines.try_send(line).is_err() {
            self.dropped.inc();
        }
    }
}

fn field(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).map_or_else(String::new, |value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn json(entry: &Entry, response: &Response<crate::body::Body>) -> String {
    let cache = response.headers().get_all("cache-status").iter().next_back();
    let line = serde_json::json!({
        "at": timestamp(entry.at_us),
        "client": entry.client,
        "request": entry.line,
        "host": entry.host,
        "status": response.status().as_u16(),
        "bytes": response.body().size_hint().exact(),
        "duration_us": u64::try_from(entry.began.elapsed().as_micros()).unwrap_or(u64::MAX),
        "cache": cache.map(|value| String::from_utf8_lossy(value.as_bytes())),
        "referer": entry.referer,
        "agent": entry.agent,
        "request_id": entry.request_id,
    });
    format!("{line}\n")
}

fn combined(entry: &Entry, response: &Response<crate::body::Body>) -> String {
    let at = chrono::DateTime::from_timestamp_micros(entry.at_us).unwrap_or_default();
    let bytes = response.body().size_hint().exact().map_or("-".to_owned(), |bytes| bytes.to_string());
    let (line, referer, agent) = (quoted(&entry.line), quoted(&entry.referer), quoted(&entry.agent));
    let status = response.status().as_u16();
    let at = at.format("%d/%b/%Y:%H:%M:%S +0000");
    format!("{} - - [{at}] {line} {status} {bytes} {referer} {agent}\n", entry.client)
}

fn timestamp(us: i64) -> String {
    chrono::DateTime::from_timestamp_micros(us)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// A client's words must not end the line, nor the quotes around them.
fn quoted(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 2);
    safe.push('"');
    for c in if text.is_empty() { "-" } else { text }.chars() {
        match c {
            '"' | '\\' => safe.extend(['\\', c]),
            c if c.is_control() => safe.extend(c.escape_default()),
            c => safe.push(c),
        }
    }
    safe.push('"');
    safe
}

/// Lines are flushed whenever no more are waiting.
fn write(lines: &Receiver<String>, mut file: impl Write) {
    while let Ok(first) = lines.recv() {
        let mut result = file.write_all(first.as_bytes());
        while let Ok(line) = lines.try_recv() {
            result = result.and_then(|()| file.write_all(line.as_bytes()));
        }
        if let Err(error) = result.and_then(|()| file.flush()) {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(error, "The access log cannot be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_client_cannot_forge_lines() {
        assert_eq!(quoted("a\"b\\c\r\nd"), r#""a\"b\\c\r\nd""#);
        assert_eq!(quoted(""), "\"-\"");
    }
}
