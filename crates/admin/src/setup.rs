//! The first administrator: a setup token, printed by the operator's command, becomes an account with a key.

use crate::api_keys::{IssuedKey, account_name, name_taken};
use crate::error::Result;
use crate::state::State;
use auth::{ApiKey, SetupToken};
use axum::extract;
use axum::response::{IntoResponse, Response};
use chrono::Duration;
use domain::{Actor, Role};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use store::{AuditContext, NewApiKey};
use utoipa::ToSchema;
use web::{Context, Json, Problem};

/// How long the first key is good. Longer ones are made with it.
const KEY_LIFE: Duration = Duration::days(90);

/// The token, and whose it becomes.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Setup)]
pub struct Body {
    /// As the setup command printed it; good once, within 30 minutes.
    token: String,
    /// The name of the new account, as the audit trail will show it.
    name: String,
}

/// Makes the first administrator. The key is shown in this answer only.
#[utoipa::path(
    post,
    path = "/v1/admin/setup",
    request_body = Body,
    responses((status = 201, description = "The account and its key", body = IssuedKey))
)]
pub async fn handler(
    extract::State(state): extract::State<State>,
    context: Context,
    Json(body): Json<Body>,
) -> Result<Response> {
    let token = SetupToken::parse(&body.token);
    let token = token.map_err(|error| Problem::field("/token", "bad_token", format!("{error}.")))?;
    let name = account_name(&body.name)?;
    let (account, key_id) = (context.new_id(), context.new_id());
    let (key, hash) = ApiKey::generate(&mut rand::rng());
    let expires_at = context.now + KEY_LIFE;

    let mut tx = state.writer.begin("access.setup").await?;
    if !tx.setup_token_consume(&token.hash().0).await? {
        return Err(refused().into());
    }
    tx.account_insert(account, name, &[Role::Admin]).await.map_err(name_taken)?;
    let row = NewApiKey { id: key_id, account, label: "setup".to_owned(), hash: hash.0, expires_at };
    tx.api_key_insert(&row).await?;
    let audit = AuditContext {
        actor: Actor { user: Some(account), name: name.to_owned() },
        role: None,
        ip: context.client_ip,
        request_id: context.request_id.clone(),
    };
    let note = json!({"account": account, "key": key_id, "roles": [Role::Admin], "expires_at": expires_at});
    tx.audit_note(&audit, "auth_setup", None, note).await?;
    tx.commit().await?;
    tracing::info!(account = %account, "Made the first administrator");
    let issued = IssuedKey {
        id: key_id,
        account,
        name: name.to_owned(),
        roles: vec![Role::Admin],
        label: row.label,
        expires_at,
        key: Some(key.reveal().to_owned()),
    };
    Ok((StatusCode::CREATED, Json(issued)).into_response())
}

/// One answer for every token that is no good, so that nothing is learnt by trying.
const fn refused() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "setup_token_refused",
        "The setup token is unknown, used or expired",
    )
}
