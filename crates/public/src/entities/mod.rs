//! Reference entities: composers, talas, deities, temples, places, groups, tags, sampradayas. Each kind has a
//! list and a page, and all of them work the same way; what differs is the kind.

mod get;
mod list;
pub mod temples;

pub(crate) use get::{DetailParameters, Entity, SongsOf, entity_page, with_songs};
pub(crate) use list::{Entities, KindFilter, ListParameters, entity_list};

/// The list and the page of one kind, as two endpoints with their documents.
macro_rules! entity_endpoints {
    ($module:ident, $kind:ident, $list:literal, $get:literal, $one:literal) => {
        pub mod $module {
            pub mod list {
                use crate::entities::{Entities, ListParameters, KindFilter, entity_list};
                use crate::state::State;

                #[doc = concat!("All ", stringify!($module), ", in the order of a script")]
                #[utoipa::path(get, path = $list, params(ListParameters),
                    responses((status = 200, description = "A page", body = Entities), (status = 304, description = "Unchanged")))]
                pub(crate) async fn handler(
                    axum::extract::State(state): axum::extract::State<State>,
                    have: web::IfNoneMatch,
                    web::Query(asked): web::Query<ListParameters>,
                ) -> Result<axum::response::Response, web::Problem> {
                    entity_list(&state, &have, domain::EntityKind::$kind, asked, KindFilter::default()).await
                }
            }

            pub mod get {
                use crate::entities::{DetailParameters, Entity, entity_page};
                use crate::state::State;

                #[doc = concat!("One ", $one, " with its names and everything that it refers to")]
                #[utoipa::path(get, path = $get,
                    params(("ref" = String, Path, description = "Slug or id"), DetailParameters),
                    responses(
                        (status = 200, description = "The page", body = Entity),
                        (status = 304, description = "Unchanged"),
                        (status = 308, description = "It has another slug now"),
                        (status = 404, description = "Nothing has this reference")))]
                pub(crate) async fn handler(
                    axum::extract::State(state): axum::extract::State<State>,
                    have: web::IfNoneMatch,
                    uri: http::Uri,
                    web::Path(reference): web::Path<String>,
                    web::Query(asked): web::Query<DetailParameters>,
                ) -> Result<axum::response::Response, web::Problem> {
                    entity_page(&state, &have, domain::EntityKind::$kind, &reference, &uri, &asked).await
                }
            }
        }
    };
}

entity_endpoints!(composers, Composer, "/v1/composers", "/v1/composers/{ref}", "composer");
entity_endpoints!(talas, Tala, "/v1/talas", "/v1/talas/{ref}", "tala");
entity_endpoints!(deities, Deity, "/v1/deities", "/v1/deities/{ref}", "deity");
entity_endpoints!(places, Place, "/v1/places", "/v1/places/{ref}", "place");
entity_endpoints!(groups, Group, "/v1/groups", "/v1/groups/{ref}", "group of songs in order");
entity_endpoints!(tags, Tag, "/v1/tags", "/v1/tags/{ref}", "tag");
entity_endpoints!(sampradayas, Sampradaya, "/v1/sampradayas", "/v1/sampradayas/{ref}", "sampradaya");
