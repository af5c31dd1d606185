//! One text of a version.

use crate::compositions::part::{self, VersionQuery};
use crate::error::Result;
use crate::state::State;
use crate::wire::Detail;
use auth::permission::CompositionUpdate;
use axum::extract;
use axum::response::Response;
use domain::Composition;
use domain::composition::LyricText;
use uuid::Uuid;
use web::{Authz, Context, IfMatch, Json, Path, Problem, Query};

/// Replaces one text of a version, or adds it.
#[utoipa::path(
    put,
    path = "/v1/admin/compositions/{id}/texts/{text_id}",
    params(
        ("id" = Uuid, Path, description = "The composition"),
        ("text_id" = Uuid, Path, description = "The text, as in its body"),
        VersionQuery,
        ("if-match" = String, Header, description = "The ETag that it was read with")
    ),
    request_body = LyricText,
    responses((status = 200, description = "The draft", body = Detail<Composition>))
)]
pub async fn handler(
    authz: Authz<CompositionUpdate>,
    extract::State(state): extract::State<State>,
    context: Context,
    Path((id, text_id)): Path<(Uuid, Uuid)>,
    (if_match, Query(query)): (IfMatch, Query<VersionQuery>),
    Json(text): Json<LyricText>,
) -> Result<Response> {
    if text.id != text_id {
        return Err(
            Problem::field("/id", "differs_from_path", "The id of the text is the one of the path.").into()
        );
    }
    let edit = |song: &mut Composition| {
        let (at, version) = part::chosen(song, query)?;
        let place = version.texts.iter().position(|other| other.id == text_id);
        let index = place.unwrap_or(version.texts.len());
        match place {
            Some(index) => version.texts[index] = text,
            None => version.texts.push(text),
        }
        Ok(format!("/versions/{at}/texts/{index}"))
    };
    part::edit(&state, &authz, context, id, if_match, edit).await
}
