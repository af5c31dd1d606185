//! The section tree of a version.

use crate::compositions::part::{self, VersionQuery};
use crate::error::Result;
use crate::state::State;
use crate::wire::Detail;
use auth::permission::CompositionUpdate;
use axum::extract;
use axum::response::Response;
use domain::Composition;
use domain::composition::Section;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authz, Context, IfMatch, Json, Path, Query};

/// All sections of the version, in the order of singing.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SectionTree)]
pub struct Body {
    sections: Vec<Section>,
}

/// Replaces the section tree of a version. Texts and ragas that name a section which is gone are refused.
#[utoipa::path(
    put,
    path = "/v1/admin/compositions/{id}/sections",
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
    part::version(&state, &authz, context, id, if_match, query, |version| version.sections = body.sections)
        .await
}
