//! What readers sought and nothing good was found for: which names and spellings are missing.

use crate::error::Result;
use crate::state::State;
use auth::permission::SearchRead;
use axum::extract;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use web::page::limit;
use web::{Authz, Json, Query};

/// Texts that found nothing good, the most frequent first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MissList {
    /// Different texts that are remembered, whatever was asked for.
    pub texts: usize,
    pub items: Vec<Miss>,
}

/// One text. Who typed it is not known anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Miss {
    /// The folded text.
    pub key: String,
    /// The script that it was typed in.
    pub script: String,
    /// How often, since the process began.
    pub count: u64,
}

/// Which texts are shown.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Only texts of this script, such as `tamil`.
    script: Option<String>,
    /// Only texts that were sought at least so often.
    min_count: Option<u64>,
    /// 1 to 100.
    limit: Option<u16>,
}

/// Where the list comes from: this API knows no index, whoever starts it may.
#[derive(Clone)]
pub struct Misses(Arc<dyn Fn() -> Vec<Miss> + Send + Sync>);

impl Misses {
    /// A source that is asked anew for each request.
    pub fn new(source: impl Fn() -> Vec<Miss> + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }
}

impl Default for Misses {
    fn default() -> Self {
        Self::new(Vec::new)
    }
}

impl fmt::Debug for Misses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Misses")
    }
}

/// Lists what searches found nothing good for: in this process, since it began.
#[utoipa::path(
    get,
    path = "/v1/admin/search/misses",
    params(Parameters),
    responses((status = 200, description = "The most frequent texts", body = MissList))
)]
pub async fn handler(
    _: Authz<SearchRead>,
    extract::State(state): extract::State<State>,
    Query(query): Query<Parameters>,
) -> Result<Json<MissList>> {
    let limit = usize::from(limit(query.limit)?);
    let mut items = state.misses.0();
    let texts = items.len();
    let is_wanted = |miss: &Miss| {
        query.script.as_ref().is_none_or(|script| *script == miss.script)
            && query.min_count.is_none_or(|count| miss.count >= count)
    };
    items.retain(is_wanted);
    items.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    items.truncate(limit);
    Ok(Json(MissList { texts, items }))
}
