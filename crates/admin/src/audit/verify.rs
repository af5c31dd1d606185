//! Whether the audit trail is whole.

use crate::error::Result;
use crate::state::State;
use auth::permission::AuditRead;
use axum::extract;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Authz, Json};

/// The outcome.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AuditVerification {
    /// Every entry follows the one before it, to the end of the chain.
    pub intact: bool,
    /// How many were read.
    pub entries: u64,
    /// The first entry that does not follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<i64>,
}

/// Reads the whole chain and checks every hash.
#[utoipa::path(
    get,
    path = "/v1/admin/audit/verify",
    responses((status = 200, description = "What was found", body = AuditVerification))
)]
pub async fn handler(
    _: Authz<AuditRead>,
    extract::State(state): extract::State<State>,
) -> Result<Json<AuditVerification>> {
    let report = state.writer.audit_verify().await?;
    if !report.is_intact() {
        tracing::error!(broken_at = report.broken_at, "The audit trail is broken");
    }
    Ok(Json(AuditVerification {
        intact: report.is_intact(),
        entries: report.entries,
        broken_at: report.broken_at,
    }))
}
