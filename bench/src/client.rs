//! A small HTTP client: keep-alive connections, JSON in and out.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client as Pool, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Clones share their connections.
#[derive(Clone)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    key: Option<String>,
}

/// Status, fields, entity tag and body of an answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub etag: Option<String>,
    pub body: Bytes,
}

impl Client {
    /// A client that sends `key` as its bearer token, if there is one.
    pub fn new(key: Option<String>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { pool: Pool::builder(TokioExecutor::new()).build(connector), key }
    }

    pub async fn get(&self, url: &str) -> Result<Answer, String> {
        self.send(Method::GET, url, None, None).await
    }

    pub async fn send(
        &self,
        method: Method,
        url: &str,
        if_match: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(url);
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let bytes = body.map_or_else(Bytes::new, |json| Bytes::from(json.to_string()));
        let request = request.body(Full::new(bytes)).map_err(|error| error.to_string())?;
        self.ask(request, url).await
    }

    /// Posts a text of another form than JSON.
    pub async fn send_text(&self, url: &str, form: &str, text: String) -> Result<Answer, String> {
        let request = Request::builder().method(Method::POST).uri(url).header("content-type", form);
        let request = request.body(Full::new(Bytes::from(text))).map_err(|error| error.to_string())?;
        self.ask(request, url).await
    }

    async fn ask(&self, request: Request<Full<Bytes>>, url: &str) -> Result<Answer, String> {
        let answer = self.pool.request(request).await.map_err(|error| format!("{url}: {error}"))?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| format!("{url}: {error}"))?.to_bytes();
        let etag = head.headers.get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        Ok(Answer { status: head.status, headers: head.headers, etag, body })
    }
}

impl Answer {
    /// The body as JSON, or what was answered instead of a success.
    pub fn json(&self) -> Result<Value, String> {
        if !self.status.is_success() {
            return Err(format!("{}: {}", self.status, String::from_utf8_lossy(&self.body)));
        }
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }
}
