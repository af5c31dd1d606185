//! The notations of a version.

use crate::compositions::part::{self, VersionQuery};
use crate::error::Result;
use crate::state::State;
use crate::wire::Detail;
use auth::permission::CompositionUpdate;
use axum::extract;
use axum::response::Response;
use domain::Composition;
use domain::composition::Notation;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authz, Context, IfMatch, Json, Path, Query};

/// All notations of the version.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotationList)]
pub struct Body {
    notations: Vec<Notation>,
}

/// Replaces the notations of a version; every avartanam fills its tala and every swara is of its raga.
#[utoipa::path(
    put,
    path = "/v1/admin/compositions/{id}/notation",
    params(
        ("id" = Uuid, Path, description = "The composition"),
        VersionQuery,
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
    (if_match, Query(query)): (IfMatch, Query<VersionQuery>),
    Json(body): Json<Body>,
) -> Result<Response> {
    part::version(&state, &authz, context, id, if_match, query, |version| version.notations = body.notations)
        .await
}
