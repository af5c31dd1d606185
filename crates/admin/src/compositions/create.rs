//! A new composition.

use crate::change::{self, Author};
use crate::error::Result;
use crate::idempotency::Idempotent;
use crate::state::State;
use crate::wire::Detail;
use auth::permission::CompositionCreate;
use axum::extract;
use axum::response::Response;
use domain::{Composition, Record};
use web::{Authz, Context, Json};

/// Begins a composition as a draft.
#[utoipa::path(
    post,
    path = "/v1/admin/compositions",
    params(("idempotency-key" = Option<String>, Header, description = "The same key is carried out once")),
    request_body = Composition,
    responses((status = 201, description = "The draft", body = Detail<Composition>))
)]
pub async fn handler(
    authz: Authz<CompositionCreate>,
    extract::State(state): extract::State<State>,
    context: Context,
    once: Idempotent,
    Json(song): Json<Composition>,
) -> Result<Response> {
    let author = Author::of(&authz, context);
    change::create(&state, "composition.create", &author, Record::Composition(song), once).await
}
