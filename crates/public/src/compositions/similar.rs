//! `GET /v1/compositions/{ref}/similar`

use super::list::keys;
use crate::answer::Made;
use crate::error::store_problem;
use crate::page::{Opened, Page};
use crate::parameters;
use crate::state::State;
use crate::view::{CompositionItem, Label};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use http::Uri;
use lipi::Script;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use store::{Read, SimilarRow};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::page::limit;
use web::{IfNoneMatch, Path, Problem, Query};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// 1 to 100; 10 where absent.
    limit: Option<u16>,
    /// The script of names and titles.
    script: Option<String>,
}

/// Songs like another one, the most alike first.
#[derive(Serialize, ToSchema)]
pub(crate) struct SimilarSongs {
    pub items: Vec<Similar>,
}

/// A song, and why it is here.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Similar {
    pub composition: CompositionItem,
    /// The strongest first.
    pub reasons: Vec<Reason>,
}

/// One thing that two songs have in common.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Reason {
    pub code: Likeness,
    /// In words.
    pub text: String,
    /// What both have.
    pub shared: Vec<Label>,
}

/// In what two songs are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "each is written in the document as it is named here")]
pub(crate) enum Likeness {
    SameGroup,
    SameRagaAndTala,
    SameComposerAndRaga,
    SameTemple,
    SameDeity,
    SameRaga,
    SameMelodyFamily,
    SameTheme,
}

impl Likeness {
    /// How much it counts. Sums decide the order, so that two small reasons may outweigh a great one.
    const fn weight(self) -> u32 {
        match self {
            Self::SameGroup => 8,
            Self::SameRagaAndTala => 6,
            Self::SameComposerAndRaga => 5,
            Self::SameTemple => 4,
            Self::SameDeity | Self::SameRaga => 3,
            Self::SameMelodyFamily => 2,
            Self::SameTheme => 1,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::SameGroup => "In the same group",
            Self::SameRagaAndTala => "In the same raga and tala",
            Self::SameComposerAndRaga => "By the same composer in the same raga",
            Self::SameTemple => "Of the same temple",
            Self::SameDeity => "On the same deity",
            Self::SameRaga => "In the same raga",
            Self::SameMelodyFamily => "In a raga of the same mela",
            Self::SameTheme => "On the same theme",
        }
    }
}

/// Songs where the reader does not say how many.
const LIMIT_DEFAULT: u16 = 10;

/// Songs like this one, each with the reasons
#[utoipa::path(get, path = "/v1/compositions/{ref}/similar",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The songs", body = SimilarSongs),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No published song has this reference")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    uri: Uri,
    Path(reference): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let limit = usize::from(limit(asked.limit.or(Some(LIMIT_DEFAULT)))?);
    let page = Page {
        state: &state,
        have: &have,
        kind: EntityKind::Composition,
        class: "similar",
        reference: &reference,
        uri: &uri,
        variant: format!("{limit}&{script:?}"),
        fields: None,
    };
    let (read, entity) = match page.open().await? {
        Opened::Here(read, entity) => (read, entity),
        Opened::Answered(response) => return Ok(response),
    };
    page.question()
        .answer(|| async {
            let items = similar(&read, entity.id, limit, script).await?;
            // Any song that comes or changes may be more alike than these.
            Made::new(&SimilarSongs { items }, &keys().entity(entity), &read)
        })
        .await
}

/// The songs most like the song `id`, at most `limit`.
pub(crate) async fn similar(
    read: &Read,
    id: Uuid,
    limit: usize,
    script: Option<Script>,
) -> Result<Vec<Similar>, Problem> {
    let rows = read.similar(id).await.map_err(store_problem)?;
    let mut shared: Vec<Uuid> =
        rows.iter().flat_map(|row| row.shared.iter().chain(&row.groups)).copied().collect();
    shared.sort_unstable();
    shared.dedup();
    let labels = read.labels(&shared, None).await.map_err(store_problem)?;
    let labels = labels.iter().map(|(id, label)| (*id, Label::of(label, script))).collect();
    let mut found: Vec<(u32, Uuid, Vec<Reason>)> = rows
        .iter()
        .map(|row| {
            let reasons = reasons(row, &labels);
            (reasons.iter().map(|reason| reason.code.weight()).sum(), row.id, reasons)
        })
        .filter(|(weight, ..)| *weight > 0)
        .collect();
    // Stable, so that equals keep the order of their titles.
    found.sort_by_key(|(weight, ..)| std::cmp::Reverse(*weight));
    found.truncate(limit);
    let ids: Vec<Uuid> = found.iter().map(|(_, id, _)| *id).collect();
    let songs = read.composition_rows(&ids).await.map_err(store_problem)?;
    let mut reasons: HashMap<Uuid, Vec<Reason>> =
        found.into_iter().map(|(_, id, reasons)| (id, reasons)).collect();
    let item = |song: store::CompositionRow| {
        let reasons = reasons.remove(&song.id).unwrap_or_default();
        Similar { composition: CompositionItem::of(&song, script), reasons }
    };
    Ok(songs.into_iter().map(item).collect())
}

/// What a candidate has in common with the song, the strongest reason first. A raga that is told with a tala or
/// a composer is not told once more by itself.
fn reasons(row: &SimilarRow, labels: &HashMap<Uuid, Label>) -> Vec<Reason> {
    let of = |ids: &[Uuid], kind: EntityKind| -> Vec<Label> {
        ids.iter().filter_map(|id| labels.get(id)).filter(|label| label.kind == kind).cloned().collect()
    };
    let [ragas, talas, composers, temples, deities, tags] = [
        EntityKind::Raga,
        EntityKind::Tala,
        EntityKind::Composer,
        EntityKind::Temple,
        EntityKind::Deity,
        EntityKind::Tag,
    ]
    .map(|kind| of(&row.shared, kind));
    let both = |one: &[Label], other: &[Label]| match one.is_empty() || other.is_empty() {
        true => Vec::new(),
        false => [one, other].concat(),
    };
    let with_tala = both(&ragas, &talas);
    let with_composer = both(&composers, &ragas);
    let alone = if with_tala.is_empty() && with_composer.is_empty() { ragas.clone() } else { Vec::new() };
    let mut found = vec![
        (Likeness::SameGroup, of(&row.groups, EntityKind::Group)),
        (Likeness::SameRagaAndTala, with_tala),
        (Likeness::SameComposerAndRaga, with_composer),
        (Likeness::SameTemple, temples),
        (Likeness::SameDeity, deities),
        (Likeness::SameRaga, alone),
        (Likeness::SameTheme, tags),
    ];
    found.retain(|(_, shared)| !shared.is_empty());
    if row.in_family && ragas.is_empty() {
        found.push((Likeness::SameMelodyFamily, Vec::new()));
    }
    found.sort_by_key(|(code, _)| std::cmp::Reverse(code.weight()));
    found.into_iter().map(|(code, shared)| Reason { code, text: told(code, &shared), shared }).collect()
}

fn told(code: Likeness, shared: &[Label]) -> String {
    let names: Vec<&str> = shared.iter().map(|label| label.label.as_str()).collect();
    match names[..] {
        [] => code.words().to_owned(),
        _ => format!("{}: {}", code.words(), names.join(", ")),
    }
}
