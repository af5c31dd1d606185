//! The ragas of a version, in order.

use crate::compositions::part::{self, VersionQuery};
use crate::error::Result;
use crate::state::State;
use crate::wire::Detail;
use auth::permission::CompositionUpdate;
use axum::extract;
use axum::response::Response;
use domain::Composition;
use domain::composition::RagaEntry;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authz, Context, IfMatch, Json, Path, Query};

/// All ragas of the version, in the order in which they are sung.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RagaList)]
pub struct Body {
    ragas: Vec<RagaEntry>,
}

/// Replaces the ordered ragas of a version; the same raga may recur.
#[utoipa::path(
    put,
    path = "/v1/admin/compositions/{id}/ragas",
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
    part::version(&state, &authz, context, id, if_match, query, |version| version.ragas = body.ragas).await
}
