//! A new ruling.

use crate::change::Author;
use crate::error::Result;
use crate::idempotency::{Answered, Idempotent};
use crate::identity::verdict_list::VerdictItem;
use crate::state::State;
use crate::wire::committed;
use auth::permission::IdentityMerge;
use axum::extract;
use axum::response::{IntoResponse, Response};
use domain::{EntityRef, Verdict};
use http::StatusCode;
use serde_json::json;
use web::{Authz, Context, FieldError, Json, Problem};

/// Rules whether names that look alike are one entity. A ruling of `distinct` refuses every later merge.
#[utoipa::path(
    post,
    path = "/v1/admin/verdicts",
    params(("idempotency-key" = Option<String>, Header, description = "The same key is carried out once")),
    request_body = Verdict,
    responses((status = 201, description = "The ruling", body = VerdictItem))
)]
pub async fn handler(
    authz: Authz<IdentityMerge>,
    extract::State(state): extract::State<State>,
    context: Context,
    once: Idempotent,
    Json(verdict): Json<Verdict>,
) -> Result<Response> {
    let author = Author::of(&authz, context);
    let broken = verdict.check();
    if !broken.is_empty() {
        return Err(Problem::violations(&broken).into());
    }
    let mut tx = state.writer.begin("identity.verdict").await?;
    let once = match once.begin(&mut tx, "POST /v1/admin/verdicts", &verdict, &author).await? {
        Answered::Before(response) => return Ok(response),
        Answered::NotYet(once) => once,
    };
    for (index, member) in verdict.members.iter().enumerate() {
        let Some(id) = member.entity else { continue };
        if tx.aggregate(EntityRef { kind: verdict.kind, id }).await?.is_none() {
            let detail = format!("There is no {} with this id.", verdict.kind);
            let missing = FieldError::new(format!("/members/{index}/entity"), "reference_missing", detail);
            return Err(Problem::validation(vec![missing]).into());
        }
    }
    let id = author.context.new_id();
    tx.verdict_put(id, &verdict, &author.actor).await?;
    tx.audit_note(&author.audit(), "identity_verdict", None, json!({ "id": id, "verdict": verdict })).await?;
    let item = VerdictItem { id, verdict, author: author.actor.clone(), at: author.context.now };
    once.finish(&mut tx, StatusCode::CREATED, &item).await?;
    let point = tx.commit().await?;
    Ok(committed((StatusCode::CREATED, Json(item)).into_response(), point))
}
