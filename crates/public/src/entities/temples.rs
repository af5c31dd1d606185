//! Temples: as every kind, and by their place on the map.

pub mod list {
    //! `GET /v1/temples`

    use crate::entities::{Entities, KindFilter, ListParameters, entity_list};
    use crate::parameters::{self, Count};
    use crate::state::State;
    use axum::extract::State as Shared;
    use axum::response::Response;
    use domain::EntityKind;
    use serde::Deserialize;
    use utoipa::IntoParams;
    use web::{IfNoneMatch, Problem, Query};

    #[derive(Debug, Deserialize, IntoParams)]
    #[serde(deny_unknown_fields)]
    #[into_params(parameter_in = Query)]
    pub(crate) struct Parameters {
        /// Only temples in this box: `west,south,east,north` in degrees. West of more than east crosses 180°.
        #[param(example = "78.9,10.6,79.9,11.4")]
        bbox: Option<String>,
        /// Only names that an index files under this letter of the script.
        letter: Option<String>,
        /// The script of names, and of their order.
        script: Option<String>,
        /// `exact` also counts all that fit; `estimate` may do so too; `none` (default).
        #[param(inline)]
        count: Option<Count>,
        /// The members of each item that are wanted: `label,location`. `id` and `slug` always come.
        fields: Option<String>,
        /// 1 to 100.
        limit: Option<u16>,
        cursor: Option<String>,
    }

    /// All temples, in the order of a script
    #[utoipa::path(get, path = "/v1/temples", params(Parameters),
        responses((status = 200, description = "A page", body = Entities), (status = 304, description = "Unchanged")))]
    pub(crate) async fn handler(
        Shared(state): Shared<State>,
        have: IfNoneMatch,
        Query(asked): Query<Parameters>,
    ) -> Result<Response, Problem> {
        let of_kind = KindFilter { bbox: parameters::bbox(asked.bbox.as_deref())?, ..KindFilter::default() };
        let Parameters { letter, script, count, fields, limit, cursor, .. } = asked;
        let list = ListParameters { letter, script, count, fields, limit, cursor };
        entity_list(&state, &have, EntityKind::Temple, list, of_kind).await
    }
}

pub mod get {
    //! `GET /v1/temples/{ref}`

    use crate::entities::{DetailParameters, Entity, entity_page};
    use crate::state::State;

    /// One temple with its names and everything that it refers to
    #[utoipa::path(get, path = "/v1/temples/{ref}",
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
        entity_page(&state, &have, domain::EntityKind::Temple, &reference, &uri, &asked).await
    }
}
