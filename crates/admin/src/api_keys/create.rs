//! A new key, for a new account or for one that exists.

use crate::api_keys::{IssuedKey, account_name, name_taken, named};
use crate::change::Author;
use crate::error::Result;
use crate::idempotency::{Answered, Idempotent};
use crate::state::State;
use auth::ApiKey;
use auth::permission::AccessManage;
use axum::extract;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Duration, Utc};
use domain::Role;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::NewApiKey;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authz, Context, Json, Problem};

/// The longest life of a key.
const LIFE_MAX: Duration = Duration::days(366);

/// What the key is to be. Either `account` (another key of it), or `name` and `roles` (a new one).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
pub struct Body {
    /// An account that exists.
    #[serde(default)]
    account: Option<Uuid>,
    /// The name of the account to make.
    #[serde(default)]
    name: Option<String>,
    /// The roles of the account to make.
    #[serde(default)]
    roles: Vec<Role>,
    /// What the key is for.
    label: String,
    /// When it ends; within a year.
    expires_at: DateTime<Utc>,
}

/// Makes a key. The secret is shown in this answer only.
#[utoipa::path(
    post,
    path = "/v1/admin/api-keys",
    params(("idempotency-key" = Option<String>, Header, description = "The same key is carried out once")),
    request_body = Body,
    responses((status = 201, description = "The key with its secret", body = IssuedKey))
)]
pub async fn handler(
    authz: Authz<AccessManage>,
    extract::State(state): extract::State<State>,
    context: Context,
    once: Idempotent,
    Json(body): Json<Body>,
) -> Result<Response> {
    let author = Author::of(&authz, context);
    let holder = holder(&state, &author, &body).await?;
    let label = named("/label", &body.label)?;
    let expires_at = expiry(body.expires_at, author.context.now)?;
    let (key, hash) = ApiKey::generate(&mut rand::rng());

    let mut tx = state.writer.begin("access.key_create").await?;
    let once = match once.begin(&mut tx, "POST /v1/admin/api-keys", &body, &author).await? {
        Answered::Before(response) => return Ok(response),
        Answered::NotYet(once) => once,
    };
    if holder.is_new {
        tx.account_insert(holder.account, &holder.name, &holder.roles).await.map_err(name_taken)?;
    }
    let id = author.context.new_id();
    let row = NewApiKey { id, account: holder.account, label: label.to_owned(), hash: hash.0, expires_at };
    tx.api_key_insert(&row).await?;
    let note = json!({
        "account": holder.account, "name": holder.name, "roles": holder.roles, "key": id,
        "label": label, "expires_at": expires_at,
    });
    tx.audit_note(&author.audit(), "auth_key_create", None, note).await?;
    let Holder { account, name, roles, .. } = holder;
    let issued = IssuedKey { id, account, name, roles, label: row.label, expires_at, key: None };
    // The secret is not kept, not even for a repeated answer.
    once.finish(&mut tx, StatusCode::CREATED, &issued).await?;
    tx.commit().await?;
    let issued = IssuedKey { key: Some(key.reveal().to_owned()), ..issued };
    Ok((StatusCode::CREATED, Json(issued)).into_response())
}

/// Whose key it becomes.
struct Holder {
    account: Uuid,
    name: String,
    roles: Vec<Role>,
    is_new: bool,
}

async fn holder(state: &State, author: &Author, body: &Body) -> Result<Holder> {
    match (body.account, &body.name) {
        (Some(id), None) if body.roles.is_empty() => {
            let found =
                state.writer.accounts().await?.into_iter().find(|account| account.id == id && account.active);
            let missing = || {
                Problem::field("/account", "reference_missing", "There is no active account with this id.")
            };
            let found = found.ok_or_else(missing)?;
            Ok(Holder { account: id, name: found.name, roles: found.roles, is_new: false })
        }
        (None, Some(name)) => {
            let name = account_name(name)?.to_owned();
            let mut roles = body.roles.clone();
            roles.sort_unstable();
            roles.dedup();
            Ok(Holder { account: author.context.new_id(), name, roles, is_new: true })
        }
        _ => {
            let detail = "Give `account`, or `name` with `roles`, and not both.";
            Err(Problem::field("/account", "ambiguous", detail).into())
        }
    }
}

fn expiry(asked: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    if asked > now && asked <= now + LIFE_MAX {
        return Ok(asked);
    }
    Err(Problem::field("/expires_at", "out_of_range", "A key ends in the future, within 366 days.").into())
}
