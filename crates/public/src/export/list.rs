//! `GET /v1/export`

use super::{Dataset, ExportError, Format, checksum, hex, shown, state};
use crate::answer::{Made, Question, read};
use crate::error::{export_problem, store_problem};
use crate::state::{Keep, State};
use axum::extract::State as Shared;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::EntityKind;
use serde::{Deserialize, Serialize};
use store::Read;
use utoipa::{IntoParams, ToSchema};
use web::{IfNoneMatch, Problem, Query, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {}

/// What can be had as files.
#[derive(Serialize, ToSchema)]
pub(crate) struct Datasets {
    items: Vec<Listed>,
}

/// One dataset.
#[derive(Serialize, ToSchema)]
#[schema(as = Dataset)]
struct Listed {
    name: &'static str,
    records: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<DateTime<Utc>>,
    files: Vec<File>,
}

/// A dataset in one format.
#[derive(Serialize, ToSchema)]
struct File {
    format: Format,
    /// Changes exactly when the file does.
    version: String,
    url: String,
    /// SHA-256 of the file, hexadecimal; left out where the dataset is too large to be read for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Bytes of the file, where the checksum is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

/// Datasets with more records are listed without checksums: they would be read whole for them.
pub(super) const SUMMED_RECORDS_MAX: u64 = 20_000;

/// How often a checksum is begun again because the catalogue changed.
const ATTEMPTS_MAX: u32 = 3;

/// The datasets that can be downloaded, with version and checksum of each file
#[utoipa::path(get, path = "/v1/export", params(Parameters),
    responses((status = 200, description = "The datasets", body = Datasets), (status = 304, description = "Unchanged")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(Parameters {}): Query<Parameters>,
) -> Result<Response, Problem> {
    let question =
        Question { state: &state, have: &have, keep: Keep::List, class: "datasets", about: String::new() };
    question
        .answer(|| async {
            let read = read(&state).await?;
            let mut items = Vec::new();
            for dataset in Dataset::all() {
                items.push(listed(&state, &read, dataset).await?);
            }
            let keys = EntityKind::ALL.into_iter().fold(SurrogateKeys::default(), SurrogateKeys::list);
            Made::new(&Datasets { items }, &keys, &read)
        })
        .await
}

async fn listed(app: &State, read: &Read, dataset: Dataset) -> Result<Listed, Problem> {
    let own = read.dataset(&dataset.kinds()).await.map_err(store_problem)?;
    let mut files = Vec::new();
    for format in dataset.formats().iter().copied() {
        let state = state(read, dataset, &shown(dataset, format)).await.map_err(export_problem)?;
        let sum = sum(app, dataset, format, &state.version, own.records).await?;
        files.push(File {
            format,
            version: state.version,
            url: format!("{}/v1/export/{}?format={}", app.config.site_url, dataset.name(), format.as_str()),
            sha256: sum.as_ref().map(|(hash, _)| hex(hash)),
            bytes: sum.map(|(_, bytes)| bytes),
        });
    }
    Ok(Listed { name: dataset.name(), records: own.records, changed_at: own.changed_at, files })
}

/// The checksum of a file and its length; none of a large one. Kept by the version, which decides it.
pub(super) async fn sum(
    app: &State,
    dataset: Dataset,
    format: Format,
    version: &str,
    records: u64,
) -> Result<Option<([u8; 32], u64)>, Problem> {
    if records > SUMMED_RECORDS_MAX {
        return Ok(None);
    }
    let key = format!("checksum:{}&{}&{version}", dataset.name(), format.as_str());
    if let Some(entry) = app.cache.get(&key).await.filter(|_| app.config.cached) {
        return Ok(serde_json::from_slice(&entry.body).ok());
    }
    let mut attempts_left = ATTEMPTS_MAX;
    loop {
        attempts_left -= 1;
        match checksum(&app.reader, dataset, format, &app.config.site_url).await {
            Ok(sum) => return kept(app, &key, sum).await.map(Some),
            Err(ExportError::Changed) if attempts_left > 0 => {}
            Err(error) => return Err(export_problem(error)),
        }
    }
}

async fn kept(app: &State, key: &str, sum: ([u8; 32], u64)) -> Result<([u8; 32], u64), Problem> {
    if app.config.cached {
        let body = serde_json::to_vec(&sum).map_err(|error| Problem::internal(&error))?;
        let entry = cache::Entry { body: body.into(), etag: String::new(), tags: Vec::new(), lsn: 0 };
        let load = move || async move { Ok::<_, Problem>(entry) };
        app.cache.get_or_load(key, app.keep_for(Keep::Reference), load).await?;
    }
    Ok(sum)
}
