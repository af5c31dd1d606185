//! Takes a composition away from readers.

use crate::change::{Author, Reason};
use crate::compositions::verb;
use crate::error::Result;
use crate::state::State;
use crate::wire::Detail;
use auth::permission::CompositionPublish;
use axum::extract;
use axum::response::Response;
use domain::{Composition, Verb};
use uuid::Uuid;
use web::extract::JsonOrEmpty;
use web::{Authz, Context, IfMatch, Path};

/// Takes the composition away from readers, with a reason.
#[utoipa::path(
    post,
    path = "/v1/admin/compositions/{id}/unpublish",
    params(
        ("id" = Uuid, Path, description = "The composition"),
        ("if-match" = String, Header, description = "The ETag that it was read with")
    ),
    request_body = Option<Reason>,
    responses((status = 200, description = "The composition afterwards", body = Detail<Composition>))
)]
pub async fn handler(
    authz: Authz<CompositionPublish>,
    extract::State(state): extract::State<State>,
    context: Context,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    JsonOrEmpty(why): JsonOrEmpty<Reason>,
) -> Result<Response> {
    verb::apply(
        &state,
        "composition.unpublish",
        &Author::of(&authz, context),
        Verb::Unpublish,
        id,
        if_match,
        why,
    )
    .await
}
