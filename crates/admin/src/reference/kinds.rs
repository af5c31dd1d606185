//! The endpoints of each kind.

use crate::change::{self, Author, entity};
use crate::error::Result;
use crate::idempotency::Idempotent;
use crate::reading::{self, DiffQuery, HistoryQuery, ListQuery};
use crate::state::State;
use crate::wire::{Detail, RevisionDetail, RevisionDiff, RevisionHead, Summary};
use auth::permission::{RefdataRead, RefdataUpdate, RightsUpdate, TagUpdate};
use axum::extract;
use axum::response::Response;
use domain::music::{Raga, Tala};
use domain::reference::{Composer, Deity, Group, Place, Rights, Sampradaya, Source, Tag, Temple};
use domain::{EntityKind, Record};
use uuid::Uuid;
use web::{Authz, Context, IfMatch, Json, Page, Path, Query};

/// `collection: Kind, permission to write, paths`. The paths are written out because documents and tidy
/// read them as text.
macro_rules! kinds {
    ($($collection:ident: $kind:ident, $update:ident,
        $all:literal, $one:literal, $history:literal, $revision:literal, $diff:literal;)*) => {$(
        pub mod $collection {
            use super::*;

            const KIND: EntityKind = EntityKind::$kind;

            pub mod list {
                use super::*;

                /// Lists the records of this kind, the ones changed last first.
                #[utoipa::path(
                    get,
                    path = $all,
                    params(ListQuery),
                    responses((status = 200, description = "A page of records", body = Page<Summary>))
                )]
                pub async fn handler(
                    _: Authz<RefdataRead>,
                    extract::State(state): extract::State<State>,
                    Query(query): Query<ListQuery>,
                ) -> Result<Json<Page<Summary>>> {
                    reading::list(&state, KIND, query).await
                }
            }

            pub mod create {
                use super::*;

                /// Adds a record; it is live at once.
                #[utoipa::path(
                    post,
                    path = $all,
                    params(("idempotency-key" = Option<String>, Header, description = "The same key is carried out once")),
                    request_body = $kind,
                    responses((status = 201, description = "The record", body = Detail<$kind>))
                )]
                pub async fn handler(
                    authz: Authz<$update>,
                    extract::State(state): extract::State<State>,
                    context: Context,
                    once: Idempotent,
                    Json(body): Json<$kind>,
                ) -> Result<Response> {
                    let author = Author::of(&authz, context);
                    change::create(&state, "reference.create", &author, Record::$kind(body), once).await
                }
            }

            pub mod get {
                use super::*;

                /// Shows one record.
                #[utoipa::path(
                    get,
                    path = $one,
                    params(("id" = Uuid, Path, description = "The record")),
                    responses((status = 200, description = "The record; its ETag is its row version", body = Detail<$kind>))
                )]
                pub async fn handler(
                    _: Authz<RefdataRead>,
                    extract::State(state): extract::State<State>,
                    Path(id): Path<Uuid>,
                ) -> Result<Response> {
                    reading::get(&state, entity(KIND, id)).await
                }
            }

            pub mod replace {
                use super::*;

                /// Saves a whole new body; it is live at once.
                #[utoipa::path(
                    put,
                    path = $one,
                    params(
                        ("id" = Uuid, Path, description = "The record"),
                        ("if-match" = String, Header, description = "The ETag that it was read with")
                    ),
                    request_body = $kind,
                    responses((status = 200, description = "The record", body = Detail<$kind>))
                )]
                pub async fn handler(
                    authz: Authz<$update>,
                    extract::State(state): extract::State<State>,
                    context: Context,
                    Path(id): Path<Uuid>,
                    if_match: IfMatch,
                    Json(body): Json<$kind>,
                ) -> Result<Response> {
                    let author = Author::of(&authz, context);
                    let record = Record::$kind(body);
                    change::replace(&state, "reference.update", &author, entity(KIND, id), if_match, record).await
                }
            }

            pub mod history {
                use super::*;

                /// Lists the revisions of a record, newest first.
                #[utoipa::path(
                    get,
                    path = $history,
                    params(("id" = Uuid, Path, description = "The record"), HistoryQuery),
                    responses((status = 200, description = "A page of revisions", body = Page<RevisionHead>))
                )]
                pub async fn handler(
                    _: Authz<RefdataRead>,
                    extract::State(state): extract::State<State>,
                    Path(id): Path<Uuid>,
                    Query(query): Query<HistoryQuery>,
                ) -> Result<Json<Page<RevisionHead>>> {
                    reading::history(&state, entity(KIND, id), query).await
                }
            }

            pub mod revision {
                use super::*;

                /// Shows one revision with its content.
                #[utoipa::path(
                    get,
                    path = $revision,
                    params(
                        ("id" = Uuid, Path, description = "The record"),
                        ("number" = i32, Path, description = "1 for the first revision")
                    ),
                    responses((status = 200, description = "The revision", body = RevisionDetail<$kind>))
                )]
                pub async fn handler(
                    _: Authz<RefdataRead>,
                    extract::State(state): extract::State<State>,
                    Path((id, number)): Path<(Uuid, i32)>,
                ) -> Result<Json<RevisionDetail>> {
                    reading::revision(&state, entity(KIND, id), number).await
                }
            }

            pub mod diff {
                use super::*;

                /// Compares two revisions, the newest with the one before it where none is named.
                #[utoipa::path(
                    get,
                    path = $diff,
                    params(("id" = Uuid, Path, description = "The record"), DiffQuery),
                    responses((status = 200, description = "What changed", body = RevisionDiff))
                )]
                pub async fn handler(
                    _: Authz<RefdataRead>,
                    extract::State(state): extract::State<State>,
                    Path(id): Path<Uuid>,
                    Query(query): Query<DiffQuery>,
                ) -> Result<Json<RevisionDiff>> {
                    reading::diff(&state, entity(KIND, id), query).await
                }
            }
        }
    )*};
}

kinds! {
    ragas: Raga, RefdataUpdate,
        "/v1/admin/ragas", "/v1/admin/ragas/{id}", "/v1/admin/ragas/{id}/history", "/v1/admin/ragas/{id}/history/{number}", "/v1/admin/ragas/{id}/history/diff";
    talas: Tala, RefdataUpdate,
        "/v1/admin/talas", "/v1/admin/talas/{id}", "/v1/admin/talas/{id}/history", "/v1/admin/talas/{id}/history/{number}", "/v1/admin/talas/{id}/history/diff";
    composers: Composer, RefdataUpdate,
        "/v1/admin/composers", "/v1/admin/composers/{id}", "/v1/admin/composers/{id}/history", "/v1/admin/composers/{id}/history/{number}", "/v1/admin/composers/{id}/history/diff";
    deities: Deity, RefdataUpdate,
        "/v1/admin/deities", "/v1/admin/deities/{id}", "/v1/admin/deities/{id}/history", "/v1/admin/deities/{id}/history/{number}", "/v1/admin/deities/{id}/history/diff";
    temples: Temple, RefdataUpdate,
        "/v1/admin/temples", "/v1/admin/temples/{id}", "/v1/admin/temples/{id}/history", "/v1/admin/temples/{id}/history/{number}", "/v1/admin/temples/{id}/history/diff";
    places: Place, RefdataUpdate,
        "/v1/admin/places", "/v1/admin/places/{id}", "/v1/admin/places/{id}/history", "/v1/admin/places/{id}/history/{number}", "/v1/admin/places/{id}/history/diff";
    groups: Group, RefdataUpdate,
        "/v1/admin/groups", "/v1/admin/groups/{id}", "/v1/admin/groups/{id}/history", "/v1/admin/groups/{id}/history/{number}", "/v1/admin/groups/{id}/history/diff";
    tags: Tag, TagUpdate,
        "/v1/admin/tags", "/v1/admin/tags/{id}", "/v1/admin/tags/{id}/history", "/v1/admin/tags/{id}/history/{number}", "/v1/admin/tags/{id}/history/diff";
    sampradayas: Sampradaya, RefdataUpdate,
        "/v1/admin/sampradayas", "/v1/admin/sampradayas/{id}", "/v1/admin/sampradayas/{id}/history", "/v1/admin/sampradayas/{id}/history/{number}", "/v1/admin/sampradayas/{id}/history/diff";
    sources: Source, RefdataUpdate,
        "/v1/admin/sources", "/v1/admin/sources/{id}", "/v1/admin/sources/{id}/history", "/v1/admin/sources/{id}/history/{number}", "/v1/admin/sources/{id}/history/diff";
    rights: Rights, RightsUpdate,
        "/v1/admin/rights", "/v1/admin/rights/{id}", "/v1/admin/rights/{id}/history", "/v1/admin/rights/{id}/history/{number}", "/v1/admin/rights/{id}/history/diff";
}
