//! `GET /v1/export/{dataset}`

use super::list::sum;
use super::{Dataset, Export, ExportError, Format, shown};
use crate::answer::{Served, hash128, read};
use crate::error::export_problem;
use crate::state::State;
use axum::body::Body;
use axum::extract::State as Shared;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{ETag, Fresh, IfNoneMatch, Path, Problem, Query, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// `jsonl` (default), `csv`; of compositions also `tei` and `jsonld`.
    #[param(inline)]
    format: Option<Format>,
    /// Only this version of the file; 410 where it is another one now.
    version: Option<String>,
}

/// The version of the file.
const X_DATASET_VERSION: HeaderName = HeaderName::from_static("x-dataset-version");
/// SHA-256 of the file (RFC 9530).
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// A dataset as a file: streamed, with its version and checksum
///
/// The file is one state of the catalogue; where that changes meanwhile, the connection breaks off before the end.
#[utoipa::path(get, path = "/v1/export/{dataset}",
    params(("dataset" = String, Path, description = "`everything`, `compositions`, `ragas`, …: see `/v1/export`"), Parameters),
    responses(
        (status = 200, description = "The file", content(
            (String = "application/jsonl"), (String = "text/csv"),
            (String = "application/tei+xml"), (String = "application/ld+json"))),
        (status = 304, description = "Unchanged"),
        (status = 404, description = "There is no such dataset"),
        (status = 410, description = "The version that is asked for is not the present one")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(dataset): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let dataset = Dataset::all().find(|known| known.name() == dataset).ok_or_else(Problem::not_found)?;
    let format = asked.format.unwrap_or_default();
    if !dataset.formats().contains(&format) {
        let formats: Vec<&str> = dataset.formats().iter().map(|format| format.as_str()).collect();
        let detail = format!("`{}` can be had as {}.", dataset.name(), formats.join(", "));
        return Err(Problem::field("/format", "not_offered", detail));
    }
    let served = Served::of(&read(&state).await?);
    let site = &state.config.site_url;
    let export = Export::begin(&state.reader, dataset, format, site).await.map_err(export_problem)?;
    let version = export.state().version.clone();
    if asked.version.is_some_and(|wanted| wanted != version) {
        let detail = format!("The present version is {version}.");
        return Err(Problem::new(StatusCode::GONE, "gone", "This version is not kept").with_detail(detail));
    }
    let etag = ETag::of_hash(hash128(&[version.as_bytes(), format.as_str().as_bytes(), site.as_bytes()]));
    let known = have.matches(&etag);
    let kinds = shown(dataset, format).into_iter();
    let keys = kinds.fold(SurrogateKeys::default(), SurrogateKeys::list).keys();
    let fresh = Fresh { etag: Some(etag), keys, lsn: Some(export.lsn()) };
    if known {
        return Ok(served.stamp(fresh.not_modified()));
    }
    let sum = sum(&state, dataset, format, &version, export.state().records).await?;
    let mut response = fresh.stamp(streamed(export));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media()));
    let name = format!("sangraha-{}-{}.{}", dataset.name(), &version[..12], format.extension());
    put(headers, CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    put(headers, X_DATASET_VERSION, &version);
    if let Some((hash, _)) = sum {
        put(headers, REPR_DIGEST, &format!("sha-256=:{}:", STANDARD.encode(hash)));
    }
    Ok(served.stamp(response))
}

fn put(headers: &mut http::HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn streamed(export: Export) -> Response {
    let parts = stream::try_unfold(export, |mut export| async move {
        let part = export.next().await.inspect_err(|error: &ExportError| {
            tracing::warn!(error = %error, "An export broke off");
        })?;
        Ok::<_, ExportError>(part.map(|part| (part, export)))
    });
    Response::new(Body::from_stream(parts))
}
