//! Requests to OpenSearch: bounded in time and size, tried again where the server asks for it.

use super::config::OpenSearchConfig;
use crate::Error;
use bytes::{Bytes, BytesMut};
use rand::RngExt;
use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Method, Response, StatusCode};
use serde_json::Value;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

/// Most bytes of one answer: a full page of candidates with their titles stays far below.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Connections that wait for the next request.
const IDLE_MAX: usize = 32;
/// Failures in a row after which queries are not sent for a while.
const FAILURES_MAX: u32 = 3;
/// The longest pause that the server can ask for.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Why a request has no good answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// No answer: refused, cut, too late, too large, or no JSON.
    #[error("OpenSearch at {host} gives no answer")]
    Silent {
        host: String,
        #[source]
        source: Option<reqwest::Error>,
    },
    /// It failed a moment ago and is left alone.
    #[error("OpenSearch at {host} failed {FAILURES_MAX} times in a row and is left alone for a moment")]
    Resting { host: String },
    /// It has no room for the request now.
    #[error("OpenSearch is busy ({status}): {reason}")]
    Busy { status: StatusCode, reason: String, pause: Option<Duration> },
    /// The index takes no changes: it is read-only, or the disk is full.
    #[error("OpenSearch takes no changes: {reason}")]
    ReadOnly { reason: String },
    /// There is no such index.
    #[error("OpenSearch has no such index: {reason}")]
    Missing { reason: String },
    /// It refuses the request itself.
    #[error("OpenSearch refuses ({status}): {reason}")]
    Refused { status: StatusCode, kind: String, reason: String },
}

/// The way to the servers. Connections are kept and shared.
pub(super) struct Http {
    client: Client,
    base: Url,
    host: String,
    credentials: Option<(String, String)>,
    write_time_max: Duration,
    tries_max: u32,
    retry: Duration,
    rest: Duration,
    health: Mutex<Health>,
}

/// Of queries: writes wait and try, readers have somewhere else to go.
#[derive(Default)]
struct Health {
    failures: u32,
    rests_until: Option<Instant>,
}

/// What a request carries.
#[derive(Clone)]
pub(super) enum Body {
    None,
    Json(Bytes),
    /// One JSON object a line.
    Lines(Bytes),
}

impl Body {
    pub(super) fn json(value: &Value) -> Self {
        Self::Json(value.to_string().into())
    }
}

impl Http {
    pub(super) fn new(config: &OpenSearchConfig) -> Result<Self, Error> {
        config.check()?;
        let mut client = Client::builder()
            .connect_timeout(Duration::from_millis(config.connect_ms_max))
            .pool_max_idle_per_host(IDLE_MAX)
            .http1_only()
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = &config.authorities {
            let refuse = |reason: String| {
                Error::Config(format!("`search.authorities` ({}): {reason}", path.display()))
            };
            let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
            let certificates =
                Certificate::from_pem_bundle(&bytes).map_err(|error| refuse(error.to_string()))?;
            if certificates.is_empty() {
                return Err(refuse("it holds no certificate".to_owned()));
            }
            client = client.tls_certs_merge(certificates);
        }
        let client = client.build().map_err(|error| Error::Config(format!("search: {error}")))?;
        Ok(Self {
            client,
            base: without_credentials(&config.url),
            host: config.url.host_str().unwrap_or_default().to_owned(),
            credentials: credentials(config),
            write_time_max: Duration::from_millis(config.write_ms_max),
            tries_max: config.tries_max,
            retry: Duration::from_millis(config.retry_ms),
            rest: Duration::from_millis(config.rest_ms),
            health: Mutex::new(Health::default()),
        })
    }

    /// Asks for something that a reader waits for, within `time_max` for all tries together.
    pub(super) async fn ask(&self, path: &str, body: Body, time_max: Duration) -> Result<Value, Failure> {
        if self.health().rests_until.is_some_and(|until| Instant::now() < until) {
            return Err(Failure::Resting { host: self.host.clone() });
        }
        let asked = timeout(time_max, self.try_again(&Method::POST, path, &body, time_max)).await;
        let answer = asked.unwrap_or_else(|_| Err(self.silent(None)));
        self.note(&answer);
        answer
    }

    /// Changes something, or reads what a change depends on: nobody waits, so it may take its time.
    pub(super) async fn order(&self, method: Method, path: &str, body: Body) -> Result<Value, Failure> {
        self.try_again(&method, path, &body, self.write_time_max).await
    }

    async fn try_again(
        &self,
        method: &Method,
        path: &str,
        body: &Body,
        time_max: Duration,
    ) -> Result<Value, Failure> {
        let mut tried = 1;
        loop {
            match self.once(method.clone(), path, body.clone(), time_max).await {
                Err(Failure::Busy { pause, .. }) if tried < self.tries_max => {
                    sleep(self.pause(tried, pause)).await;
                    tried += 1;
                }
                answer => return answer,
            }
        }
    }

    /// The pause before the next try: what the server asks for, else twice the one before, and neither to the
    /// millisecond, so that those who were refused together do not come again together.
    pub(super) fn pause(&self, tried: u32, asked: Option<Duration>) -> Duration {
        let pause = asked.unwrap_or_else(|| self.retry * 2_u32.saturating_pow(tried - 1)).min(PAUSE_MAX);
        pause.mul_f64(rand::rng().random_range(0.5..1.5))
    }

    pub(super) const fn tries_max(&self) -> u32 {
        self.tries_max
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        body: Body,
        time_max: Duration,
    ) -> Result<Value, Failure> {
        let url = self.base.join(path).map_err(|_| self.silent(None))?;
        let mut request = self.client.request(method, url).timeout(time_max);
        if let Some((user, password)) = &self.credentials {
            request = request.basic_auth(user, Some(password));
        }
        let request = match body {
            Body::None => request,
            Body::Json(bytes) => request.header(CONTENT_TYPE, JSON).body(bytes),
            Body::Lines(bytes) => request.header(CONTENT_TYPE, LINES).body(bytes),
        };
        let response = request.send().await.map_err(|error| self.silent(Some(error)))?;
        let (status, pause) = (response.status(), pause_of(&response));
        let value = serde_json::from_slice(&self.whole(response).await?);
        match status.is_success() {
            true => value.map_err(|_| self.silent(None)),
            false => Err(failure(status, pause, &value.unwrap_or_default())),
        }
    }

    async fn whole(&self, mut response: Response) -> Result<BytesMut, Failure> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.silent(Some(error)))? {
            if whole.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.silent(None));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    }

    fn silent(&self, source: Option<reqwest::Error>) -> Failure {
        // The URL of the request says nothing that the host does not.
        Failure::Silent { host: self.host.clone(), source: source.map(reqwest::Error::without_url) }
    }

    fn note(&self, answer: &Result<Value, Failure>) {
        let mut health = self.health();
        match answer {
            Err(Failure::Silent { .. } | Failure::Busy { .. }) => {
                health.failures += 1;
                if health.failures >= FAILURES_MAX {
                    health.rests_until = Some(Instant::now() + self.rest);
                }
            }
            _ => *health = Health::default(),
        }
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

fn credentials(config: &OpenSearchConfig) -> Option<(String, String)> {
    let stated =
        config.user.clone().zip(config.password.as_ref().map(|password| password.reveal().to_owned()));
    let in_url = || Some((config.url.username().to_owned(), config.url.password()?.to_owned()));
    stated.or_else(in_url)
}

/// The URL as a folder, so that paths can be joined to it.
fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // Neither fails for a URL that has a host.
    let _ = (url.set_username(""), url.set_password(None));
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

fn pause_of(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What a status and the error in its body mean.
pub(super) fn failure(status: StatusCode, pause: Option<Duration>, body: &Value) -> Failure {
    let error = &body["error"];
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    let (kind, reason) = (text("type"), text("reason"));
    match (status, kind.as_str()) {
        // First, because a disk that is full says so with the status of a full queue.
        (_, "cluster_block_exception") => Failure::ReadOnly { reason },
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY, _) => {
            Failure::Busy { status, reason, pause }
        }
        (StatusCode::NOT_FOUND, _) => Failure::Missing { reason },
        _ => Failure::Refused { status, kind, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_full_disk_is_told_from_a_full_queue() {
        let blocked = json!({"error": {"type": "cluster_block_exception", "reason": "disk usage exceeded flood-stage watermark"}});
        let full = failure(StatusCode::TOO_MANY_REQUESTS, None, &blocked);
        assert!(matches!(full, Failure::ReadOnly { reason } if reason.contains("flood-stage")));
        let queue = json!({"error": {"type": "rejected_execution_exception"}});
        assert!(matches!(failure(StatusCode::TOO_MANY_REQUESTS, None, &queue), Failure::Busy { .. }));
        assert!(matches!(failure(StatusCode::NOT_FOUND, None, &Value::Null), Failure::Missing { .. }));
        assert!(matches!(failure(StatusCode::BAD_REQUEST, None, &Value::Null), Failure::Refused { .. }));
    }

    #[test]
    fn credentials_leave_the_url() {
        let url = Url::parse("https://reader:hunter2@search.example:9200/below").unwrap();
        let config = OpenSearchConfig::new(url, "a");
        assert_eq!(credentials(&config), Some(("reader".into(), "hunter2".into())));
        assert_eq!(without_credentials(&config.url).as_str(), "https://search.example:9200/below/");
    }
}
