//! The whole body of a composition.

use crate::change::{self, Author, entity};
use crate::error::Result;
use crate::state::State;
use crate::wire::Detail;
use auth::permission::CompositionUpdate;
use axum::extract;
use axum::response::Response;
use domain::{Composition, EntityKind, Record};
use uuid::Uuid;
use web::{Authz, Context, IfMatch, Json, Path};

/// Saves a whole new body as the draft. What readers see stays until the draft is published.
#[utoipa::path(
    put,
    path = "/v1/admin/compositions/{id}",
    params(
        ("id" = Uuid, Path, description = "The composition"),
        ("if-match" = String, Header, description = "The ETag that it was read with")
    ),
    request_body = Composition,
    responses((status = 200, description = "The draft", body = Detail<Composition>))
)]
pub async fn handler(
    authz: Authz<CompositionUpdate>,
    extract::State(state): extract::State<State>,
    context: Context,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    Json(song): Json<Composition>,
) -> Result<Response> {
    let author = Author::of(&authz, context);
    let composition = entity(EntityKind::Composition, id);
    change::replace(&state, "composition.update", &author, composition, if_match, Record::Composition(song))
        .await
}
