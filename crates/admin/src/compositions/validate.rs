//! What still keeps a composition from being published.

use crate::change::entity;
use crate::error::Result;
use crate::state::State;
use auth::permission::CompositionRead;
use axum::extract;
use domain::{Actor, Aggregate, EntityKind, Policy, Refusal, Severity, Stamp, State as Workflow, Violation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authz, Context, Json, Path, Problem};

/// The outcome of a check.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Validation {
    /// Whether nothing but the workflow stands between this and its readers.
    pub publishable: bool,
    /// Every broken rule, errors first.
    pub issues: Vec<Issue>,
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issue {
    /// Stable name of the rule.
    pub rule: String,
    pub severity: Severity,
    /// JSON pointer into the record.
    pub path: String,
    /// A sentence for the editor.
    pub detail: String,
}

/// Checks the draft, or what is live, without changing anything.
#[utoipa::path(
    post,
    path = "/v1/admin/compositions/{id}/validate",
    params(("id" = Uuid, Path, description = "The composition")),
    responses((status = 200, description = "What was found", body = Validation))
)]
pub async fn handler(
    _: Authz<CompositionRead>,
    extract::State(state): extract::State<State>,
    context: Context,
    Path(id): Path<Uuid>,
) -> Result<Json<Validation>> {
    let aggregate =
        state.writer.aggregate(entity(EntityKind::Composition, id)).await?.ok_or_else(Problem::not_found)?;
    let mut violations = aggregate.current().check();
    for violation in publication(aggregate, &context) {
        if !violations.contains(&violation) {
            violations.push(violation);
        }
    }
    violations.sort_by_key(|violation| std::cmp::Reverse(violation.severity));
    let publishable = violations.iter().all(|violation| violation.severity == Severity::Warning);
    Ok(Json(Validation { publishable, issues: violations.into_iter().map(Issue::from).collect() }))
}

/// What the publication itself would refuse, tried on a copy that is thrown away.
fn publication(aggregate: Aggregate, context: &Context) -> Vec<Violation> {
    let draft = Some(aggregate.current_revision().clone());
    let mut copy = Aggregate { state: Workflow::InReview, draft, ..aggregate };
    let stamp = Stamp { actor: Actor::system("validate"), now: context.now, event_id: Uuid::nil() };
    match copy.publish(&Policy { four_eyes: false }, &stamp) {
        Err(Refusal::Invalid(violations)) => violations,
        _ => Vec::new(),
    }
}

impl From<Violation> for Issue {
    fn from(violation: Violation) -> Self {
        let Violation { field, code, detail, severity } = violation;
        Self { rule: code, severity, path: field, detail }
    }
}
