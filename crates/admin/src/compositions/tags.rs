//! The tags of a composition.

use crate::compositions::part;
use crate::error::Result;
use crate::state::State;
use crate::wire::Detail;
use auth::permission::CompositionUpdate;
use axum::extract;
use axum::response::Response;
use domain::Composition;
use domain::id::TagId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authz, Context, IfMatch, Json, Path};

/// All tags of the composition.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TagList)]
pub struct Body {
    tags: Vec<TagId>,
}

/// Replaces the tags of a composition.
#[utoipa::path(
    put,
    path = "/v1/admin/compositions/{id}/tags",
    params(
        ("id" = Uuid, Path, description = "The composition"),
        ("if-match" = String, Header, description = "The ETag that it was read with")
    ),
    request_body = Body,
    responses((status = 200, description = "The draft", body = Detail<Composition>))
)]
pub async fn handler(
    authz: Authz<CompositionUpdate>,
    extract::State(state): extract::State<State>,
    context: Context,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    Json(body): Json<Body>,
) -> Result<Response> {
    let edit = |song: &mut Composition| {
        song.tags = body.tags;
        Ok(String::new())
    };
    part::edit(&state, &authz, context, id, if_match, edit).await
}
