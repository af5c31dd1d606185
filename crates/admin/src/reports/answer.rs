//! `POST /v1/admin/reports/{id}/answer`

use super::Report;
use crate::change::Author;
use crate::error::Result;
use crate::state::State;
use auth::permission::ReportAnswer as MayAnswer;
use axum::extract;
use domain::report::ReportState;
use serde::Deserialize;
use serde_json::json;
use store::{ReportAnswer, ReportRow};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authz, Context, Json, Path, Problem};

/// What became of a report.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Answer)]
pub struct Body {
    /// `corrected` or `declined`.
    state: ReportState,
    /// A word to the reader, or to the next editor: at most 2,000 characters.
    #[serde(default)]
    answer: Option<String>,
    /// The revision that mends what was reported.
    #[serde(default)]
    revision: Option<i32>,
}

/// Closes a report, with the revision that mends what was reported
#[utoipa::path(
    post,
    path = "/v1/admin/reports/{id}/answer",
    params(("id" = Uuid, Path, description = "The report")),
    request_body = Body,
    responses(
        (status = 200, description = "The report with its answer", body = Report),
        (status = 404, description = "There is no such report"),
        (status = 409, description = "It has an answer already"))
)]
pub async fn handler(
    authz: Authz<MayAnswer>,
    extract::State(state): extract::State<State>,
    context: Context,
    Path(id): Path<Uuid>,
    Json(body): Json<Body>,
) -> Result<Json<Report>> {
    check(&body)?;
    let author = Author::of(&authz, context);
    let mut tx = state.writer.begin("report.answer").await?;
    let row = tx.report_for_update(id).await?.ok_or_else(Problem::not_found)?;
    if row.state != ReportState::Open {
        return Err(Problem::conflict("answered_already", "The report has an answer").into());
    }
    let entity = row.report.entity;
    let newest = state.writer.aggregate(entity).await?.map_or(0, |aggregate| aggregate.revisions);
    if body.revision.is_some_and(|number| !(1..=newest).contains(&number)) {
        let detail = format!("Revisions are numbered 1 to {newest}.");
        return Err(Problem::field("/revision", "out_of_range", detail).into());
    }
    let (by, at) = (author.actor.clone(), author.context.now);
    let answer = ReportAnswer { text: body.answer, mended_by: body.revision, by, at };
    tx.report_answer(id, body.state, &answer).await?;
    let note = json!({"report": id, "state": body.state, "revision": body.revision});
    tx.audit_note(&author.audit(), "report_answer", Some(entity), note).await?;
    tx.commit().await?;
    tracing::info!(report = %id, entity = %entity, "Answered a report");
    Ok(Json(Report::of(ReportRow { state: body.state, answer: Some(answer), ..row }, true)))
}

fn check(body: &Body) -> std::result::Result<(), Problem> {
    if body.state == ReportState::Open {
        return Err(Problem::field("/state", "unknown_value", "`corrected` or `declined`."));
    }
    let words = body.answer.as_deref().map(|answer| domain::report::check_words(answer, None));
    let mut found = words.unwrap_or_default();
    found.iter_mut().for_each(|violation| violation.field = "/answer".to_owned());
    if found.is_empty() { Ok(()) } else { Err(Problem::violations(&found)) }
}
