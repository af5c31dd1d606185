//! The end of a key.

use crate::change::Author;
use crate::error::Result;
use crate::state::State;
use auth::permission::AccessManage;
use axum::extract;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;
use web::{Authz, Context, Path, Problem};

/// Revokes a key; it stops working with this answer.
#[utoipa::path(
    delete,
    path = "/v1/admin/api-keys/{id}",
    params(("id" = Uuid, Path, description = "The key")),
    responses((status = 204, description = "The key is revoked"))
)]
pub async fn handler(
    authz: Authz<AccessManage>,
    extract::State(state): extract::State<State>,
    context: Context,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    let author = Author::of(&authz, context);
    let mut tx = state.writer.begin("access.key_revoke").await?;
    if !tx.api_key_revoke(id).await? {
        return Err(Problem::not_found().into());
    }
    tx.audit_note(&author.audit(), "auth_key_revoke", None, json!({"key": id})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
