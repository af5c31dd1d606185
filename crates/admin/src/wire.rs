//! What this API answers with.

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::revision::{ChangeKind, FieldChange};
use domain::{Actor, Aggregate, EntityKind, Record, Revision, State};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use store::{AggregateRow, CommitPoint, RevisionRow};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{ETag, Json};

/// Names the commit, for whoever wants to read it back: an opaque text.
const CONSISTENCY_TOKEN_HEADER: HeaderName = HeaderName::from_static("x-consistency-token");

/// An aggregate as editors see it. Its `ETag` is `row_version`, which every change wants as `If-Match`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Detail<T = Record> {
    pub id: Uuid,
    pub kind: EntityKind,
    pub slug: String,
    pub state: State,
    /// Rises by one with every change.
    pub row_version: i64,
    /// The revision that readers see, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<RevisionHead>,
    /// The revision that is being worked on beside it, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<RevisionHead>,
    /// The draft if there is one, else what is live.
    pub record: T,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A revision without its content.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevisionHead {
    /// 1 for the first one.
    pub number: i32,
    pub change_kind: ChangeKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub author: Actor,
    pub recorded_at: DateTime<Utc>,
    /// SHA-256 of the content, in hexadecimal.
    pub hash: String,
}

/// A revision with its content.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RevisionDetail<T = Record> {
    #[serde(flatten)]
    pub head: RevisionHead,
    pub record: T,
}

/// What changed between two revisions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RevisionDiff {
    /// The number of the older revision; 0 for nothing at all.
    pub from: i32,
    pub to: i32,
    pub changes: Vec<FieldChange>,
}

/// An aggregate in a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    pub id: Uuid,
    pub kind: EntityKind,
    pub slug: String,
    /// The name that lists show.
    pub label: String,
    pub state: State,
    /// Whether readers see a revision of it.
    pub is_live: bool,
    /// Whether a draft waits beside it.
    pub has_draft: bool,
    pub row_version: i64,
    pub updated_at: DateTime<Utc>,
}

impl From<&Aggregate> for Detail {
    fn from(aggregate: &Aggregate) -> Self {
        Self {
            id: aggregate.entity.id,
            kind: aggregate.entity.kind,
            slug: aggregate.slug.clone(),
            state: aggregate.state,
            row_version: aggregate.row_version,
            live: aggregate.live.as_ref().map(RevisionHead::from),
            draft: aggregate.draft.as_ref().map(RevisionHead::from),
            record: aggregate.current().clone(),
            created_at: aggregate.created_at,
            updated_at: aggregate.updated_at,
        }
    }
}

impl From<&Revision> for RevisionHead {
    fn from(revision: &Revision) -> Self {
        Self {
            number: revision.number,
            change_kind: revision.change_kind,
            reason: revision.reason.clone(),
            author: revision.author.clone(),
            recorded_at: revision.recorded_at,
            hash: revision.hash.to_hex(),
        }
    }
}

impl From<RevisionRow> for RevisionHead {
    fn from(row: RevisionRow) -> Self {
        let RevisionRow { number, hash, change_kind, reason, author, recorded_at } = row;
        Self { number, change_kind, reason, author, recorded_at, hash: hash.to_hex() }
    }
}

impl From<AggregateRow> for Summary {
    fn from(row: AggregateRow) -> Self {
        Self {
            id: row.entity.id,
            kind: row.entity.kind,
            slug: row.slug,
            label: row.label,
            state: row.state,
            is_live: row.is_live,
            has_draft: row.has_draft,
            row_version: row.row_version,
            updated_at: row.updated_at,
        }
    }
}

impl<T: Serialize> Detail<T> {
    /// The answer with its tag.
    pub fn answer(self) -> Response {
        let etag = ETag::version(self.row_version).header();
        ([(http::header::ETAG, etag)], Json(self)).into_response()
    }

    /// 201, with where it is to be found.
    pub fn created(self) -> Response {
        let location = format!("/v1/admin/{}/{}", self.kind.plural(), self.id);
        (StatusCode::CREATED, [(http::header::LOCATION, location)], self.answer()).into_response()
    }
}

/// Adds the token of the commit to an answer.
pub fn committed(mut response: Response, point: CommitPoint) -> Response {
    if let Ok(token) = HeaderValue::from_str(&format!("{}-{:x}", point.epoch, point.lsn)) {
        response.headers_mut().insert(CONSISTENCY_TOKEN_HEADER, token);
    }
    response
}
