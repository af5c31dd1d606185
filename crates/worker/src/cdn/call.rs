//! One call to a provider.

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, Response, StatusCode};
use std::time::Duration;

/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What is sent. It may be sent twice: every call says what is to be gone, not what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    /// Whether the answer is JSON that has to say `"success": true`.
    pub(super) says_success: bool,
}

/// Why a call was not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("the provider cannot be reached")]
    Silent(#[source] reqwest::Error),
    #[error("the provider answered with status {status}: {words}")]
    Status { status: StatusCode, words: String, retry_after: Option<Duration> },
}

impl Call {
    pub(super) fn new(method: Method, url: String) -> Self {
        Self { method, url, headers: Vec::new(), body: String::new(), says_success: false }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = body.to_string();
        self.with("content-type", "application/json")
    }

    pub(super) async fn make(self, client: &Client) -> Result<(), Refused> {
        let mut request = client.request(self.method, self.url).body(self.body);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        // The token is in a field, not in the address; that it may be named is no reason to name it.
        let answer = request.send().await.map_err(|error| Refused::Silent(error.without_url()))?;
        let (status, retry_after) = (answer.status(), retry_after(&answer));
        let text = bounded(answer).await;
        let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let accepted = !self.says_success || json.is_some_and(|json| json["success"] == true);
        match status.is_success() && accepted {
            true => Ok(()),
            false => {
                let words = text.chars().take(200).collect();
                Err(Refused::Status { status, words, retry_after })
            }
        }
    }
}

impl Refused {
    /// What the provider asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Silent(_) => None,
        }
    }
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The beginning of an answer; what breaks off is taken as it is.
async fn bounded(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
