//! What a song says, in other words.

use crate::compositions::part;
use crate::error::Result;
use crate::state::State;
use crate::wire::Detail;
use auth::permission::CompositionUpdate;
use axum::extract;
use axum::response::Response;
use domain::Composition;
use domain::composition::Meaning;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authz, Context, IfMatch, Json, Path};

/// All meanings of the song.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MeaningList)]
pub struct Body {
    meanings: Vec<Meaning>,
}

/// Replaces what the song is said to mean; each meaning has rights of its own.
#[utoipa::path(
    put,
    path = "/v1/admin/compositions/{id}/meanings",
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
    let edit_song = |song: &mut Composition| {
        song.meanings = body.meanings;
        Ok(String::new())
    };
    part::edit(&state, &authz, context, id, if_match, edit_song).await
}
