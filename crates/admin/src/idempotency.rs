//! `Idempotency-Key`: a request that is sent twice is carried out once.

use crate::change::Author;
use crate::error::{Error, Result};
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{Idempotency, Tx};
use web::{ETag, Json, Problem};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

/// Set on an answer that was given before.
const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key that the client chose for this request, if it did.
#[derive(Clone, Debug, Default)]
pub struct Idempotent(Option<String>);

/// Whether the request was carried out already.
pub enum Answered {
    /// It was; this is the answer of then.
    Before(Response),
    /// It was not; say the answer when it is known.
    NotYet(Pending),
}

/// A request whose answer is to be remembered, in the transaction of its effect.
pub struct Pending(Option<(String, String)>);

impl Idempotent {
    /// The longest key, in characters.
    pub const KEY_CHARS_MAX: usize = 128;

    /// Looks the request up, and takes its key.
    pub async fn begin(
        self,
        tx: &mut Tx,
        route: &str,
        body: &impl Serialize,
        author: &Author,
    ) -> Result<Answered> {
        let Some(key) = self.0 else { return Ok(Answered::NotYet(Pending(None))) };
        let json = serde_json::to_vec(body).map_err(|error| Problem::internal(&error))?;
        let actor = author.actor.user.map_or_else(|| author.actor.name.clone(), |user| user.to_string());
        match tx.idempotency_begin(&key, route, &Sha256::digest(json).into(), &actor).await? {
            Idempotency::New => Ok(Answered::NotYet(Pending(Some((key, actor))))),
            Idempotency::Replay { status, body } => Ok(Answered::Before(replay(status, &body)?)),
            Idempotency::Mismatch => {
                let detail = "This Idempotency-Key was used for another request.";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch", "The key is used")
                    .with_detail(detail)
                    .into())
            }
            Idempotency::Running => {
                Err(Problem::conflict("idempotency_running", "The same request is being carried out")
                    .with_retry_after(1)
                    .into())
            }
        }
    }
}

impl Pending {
    /// Remembers the answer.
    pub async fn finish(self, tx: &mut Tx, status: StatusCode, answer: &impl Serialize) -> Result<()> {
        let Some((key, actor)) = self.0 else { return Ok(()) };
        let json = serde_json::to_vec(answer).map_err(|error| Problem::internal(&error))?;
        Ok(tx.idempotency_finish(&key, &actor, status.as_u16(), &json).await?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> std::result::Result<Self, Problem> {
        let Some(value) = parts.headers.get(HEADER) else { return Ok(Self(None)) };
        let key = value.to_str().ok().filter(|key| (1..=Self::KEY_CHARS_MAX).contains(&key.len()));
        let refused = || Problem::bad_request("Idempotency-Key is 1 to 128 visible ASCII characters.");
        key.map(|key| Self(Some(key.to_owned()))).ok_or_else(refused)
    }
}

/// The answer of then, with the headers that follow from its body.
fn replay(status: u16, body: &[u8]) -> Result<Response> {
    let body: Value = serde_json::from_slice(body).map_err(|error| Error::from(Problem::internal(&error)))?;
    let etag = body["row_version"].as_i64().map(|version| ETag::version(version).header());
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    if let Some(etag) = etag {
        response.headers_mut().insert(http::header::ETAG, etag);
    }
    Ok(response)
}
