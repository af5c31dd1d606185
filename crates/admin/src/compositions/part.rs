//! Edits of a part of a composition: the part is put into the whole, and the whole is saved.

use crate::change::{Author, change, entity};
use crate::error::{Error, Result};
use crate::state::State;
use auth::permission::CompositionUpdate;
use axum::response::Response;
use domain::composition::Version;
use domain::revision::ChangeKind;
use domain::{Aggregate, Composition, EntityKind, Record, Refusal, Stamp, Violation};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;
use web::{Authz, Context, IfMatch, Problem};

/// Which version (pathantara) is meant.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionQuery {
    /// The version; the first one where it is left out.
    pub version: Option<Uuid>,
}

/// Edits one version.
pub async fn version(
    state: &State,
    authz: &Authz<CompositionUpdate>,
    context: Context,
    id: Uuid,
    if_match: IfMatch,
    query: VersionQuery,
    edit_version: impl FnOnce(&mut Version) + Send,
) -> Result<Response> {
    let edit_song = |song: &mut Composition| {
        let (at, version) = chosen(song, query)?;
        edit_version(version);
        Ok(format!("/versions/{at}"))
    };
    edit(state, authz, context, id, if_match, edit_song).await
}

/// Edits the composition. `edit_song` says where in the whole the body of the request was put, so that
/// pointers can be told as the client knows them.
pub async fn edit(
    state: &State,
    authz: &Authz<CompositionUpdate>,
    context: Context,
    id: Uuid,
    if_match: IfMatch,
    edit_song: impl FnOnce(&mut Composition) -> Result<String> + Send,
) -> Result<Response> {
    let author = Author::of(authz, context);
    let mut place = String::new();
    let put_at = &mut place;
    let decide = |aggregate: &mut Aggregate, stamp: &Stamp| {
        let mut record = aggregate.current().clone();
        let Record::Composition(song) = &mut record else { return Err(Problem::not_found().into()) };
        *put_at = edit_song(song)?;
        Ok(aggregate.edit(record, ChangeKind::CuratorEdit, None, stamp)?)
    };
    let entity = entity(EntityKind::Composition, id);
    let changed = change(state, "composition.update", &author, entity, if_match, decide).await;
    changed.map_err(|error| match error {
        Error::Refused(refusal) => relative(refusal, &place),
        other => other,
    })
}

/// The version that is meant, with its place.
pub fn chosen(song: &mut Composition, query: VersionQuery) -> Result<(usize, &mut Version)> {
    let wanted = |(_, version): &(usize, &mut Version)| query.version.is_none_or(|id| version.id == id);
    let missing = || Problem::field("/version", "reference_missing", "The composition has no such version.");
    Ok(song.versions.iter_mut().enumerate().find(wanted).ok_or_else(missing)?)
}

/// Takes the way to the part off the pointers; what lies outside the part keeps its whole pointer.
fn relative(refusal: Refusal, place: &str) -> Error {
    let Refusal::Invalid(violations) = refusal else { return refusal.into() };
    let shorten = |violation: Violation| {
        let field =
            violation.field.strip_prefix(place).map_or_else(|| violation.field.clone(), str::to_owned);
        Violation { field, ..violation }
    };
    Refusal::Invalid(violations.into_iter().map(shorten).collect()).into()
}
