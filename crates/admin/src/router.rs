//! The whole admin API on one page.

use crate::state::State;
use crate::{api_keys, audit, checks, compositions, identity, purges, reference, reports, search, setup};
use web::{Api, CachePolicy, endpoint, guarded, with_secret};

/// Every endpoint; the permission of each is in the type of its handler.
pub fn api() -> Api<State> {
    let api = Api::new("Sangraha admin API", DESCRIPTION);

    // The first administrator.
    let api = api.with(with_secret!(setup));

    // Compositions: lists and history for everybody here, drafts for editors.
    let api = api
        .with(guarded!(compositions::list))
        .with(guarded!(compositions::create))
        .with(guarded!(compositions::get))
        .with(guarded!(compositions::replace))
        .with(guarded!(compositions::ragas))
        .with(guarded!(compositions::sections))
        .with(guarded!(compositions::texts))
        .with(guarded!(compositions::text))
        .with(guarded!(compositions::notation))
        .with(guarded!(compositions::meanings))
        .with(guarded!(compositions::tags))
        .with(guarded!(compositions::validate))
        .with(guarded!(compositions::history))
        .with(guarded!(compositions::diff))
        .with(guarded!(compositions::revision));

    // The workflow: one route a verb, each with its own permission.
    let api = api
        .with(guarded!(compositions::submit))
        .with(guarded!(compositions::send_back))
        .with(guarded!(compositions::publish))
        .with(guarded!(compositions::unpublish))
        .with(guarded!(compositions::archive))
        .with(guarded!(compositions::restore));

    // Reference data: the same seven endpoints for each kind.
    let api = reference_data!(api: ragas talas composers deities temples places groups tags sampradayas sources rights);

    // Which entities are one, which are two, and what deserves a look.
    let api = api
        .with(guarded!(identity::verdict_list))
        .with(guarded!(identity::verdict_create))
        .with(guarded!(identity::merge))
        .with(guarded!(checks::list));

    // What readers report: taken from anybody, as `public` cannot write.
    let api = api
        .with(endpoint!(reports::create, CachePolicy::NoStore))
        .with(endpoint!(reports::form, CachePolicy::NoStore))
        .with(guarded!(reports::list))
        .with(guarded!(reports::answer));

    // What readers sought in vain.
    let api = api.with(guarded!(search::misses));

    // What caches forget by order.
    let api = api.with(guarded!(purges::create)).with(guarded!(purges::get));

    // Who did what, and who may do what.
    api.with(guarded!(audit::list))
        .with(guarded!(audit::verify))
        .with(guarded!(api_keys::list))
        .with(guarded!(api_keys::create))
        .with(guarded!(api_keys::revoke))
}

const DESCRIPTION: &str = "Changes to the catalogue. Every request needs an API key with the permission in \
    `x-permission`; every change of something that exists needs its ETag as If-Match.";

macro_rules! reference_data {
    ($api:ident: $($kind:ident)*) => {{
        $(let $api = $api
            .with(guarded!(reference::$kind::list))
            .with(guarded!(reference::$kind::create))
            .with(guarded!(reference::$kind::get))
            .with(guarded!(reference::$kind::replace))
            .with(guarded!(reference::$kind::history))
            .with(guarded!(reference::$kind::diff))
            .with(guarded!(reference::$kind::revision));)*
        $api
    }};
}
use reference_data;

/// The OpenAPI 3.1 document of this API.
pub fn openapi() -> serde_json::Value {
    api().openapi_json().expect("the schemas are plain data")
}
