//! `GET /v1/compositions/{ref}/provenance`

use crate::answer::{Made, typed};
use crate::error::store_problem;
use crate::page::{Opened, Page, keys, live};
use crate::parameters;
use crate::state::State;
use crate::view::citation::Citation;
use crate::view::composition::RevisionMark;
use crate::view::{CompositionDetail, Label, Labels};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::composition::{LyricText, Meaning, MeaningKind, SectionKind, Version};
use domain::name::Language;
use domain::{Composition, EntityKind, Record};
use http::header::{ACCEPT, VARY};
use http::{HeaderMap, HeaderValue, Uri};
use lipi::Script;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use store::Live;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{IfNoneMatch, Path, Problem, Query};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// `json` (default), or the citation alone: `bibtex` or `csl`. Wins over `Accept`.
    #[param(inline)]
    format: Option<Format>,
    /// The script of names.
    script: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Json,
    Bibtex,
    Csl,
}

impl Format {
    const fn media(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Bibtex => "application/x-bibtex",
            Self::Csl => "application/vnd.citationstyles.csl+json",
        }
    }

    /// The first format that the reader names by its media type.
    fn accepted(headers: &HeaderMap) -> Option<Self> {
        let accept = headers.get(ACCEPT)?.to_str().ok()?;
        let media = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
        let named = |media: &str| {
            let formats = [Self::Json, Self::Bibtex, Self::Csl];
            formats.into_iter().find(|format| format.media().eq_ignore_ascii_case(media))
        };
        media.filter_map(named).next()
    }
}

/// Where a song and its words come from.
#[derive(Serialize, ToSchema)]
pub(crate) struct Provenance {
    composition: Label,
    revision: RevisionMark,
    /// What the facts are taken from.
    facts: Vec<Cited>,
    /// What the words of each section are taken from, in the order of singing.
    sections: Vec<SectionOrigin>,
    /// What its meanings are taken from, and who may do what with them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    meanings: Vec<MeaningOrigin>,
    /// Rights in the song itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<Licence>,
    citation: Citation,
}

/// A source with what was taken from it.
#[derive(Serialize, ToSchema)]
struct Cited {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Origin>,
    note: String,
}

/// A source.
#[derive(Clone, Serialize, ToSchema)]
struct Origin {
    #[serde(flatten)]
    label: Label,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// 1 scholarly edition, 2 institution, 3 practitioner, 4 community archive, 5 web log.
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<u8>,
}

/// What may be done with a text, and why.
#[derive(Clone, Serialize, ToSchema)]
struct Licence {
    #[serde(flatten)]
    label: Label,
    /// An SPDX licence id, or `public-domain`, or `unstated`.
    #[serde(skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_domain_reason: Option<String>,
}

/// The words of one section.
#[derive(Serialize, ToSchema)]
struct SectionOrigin {
    version: Uuid,
    section: Uuid,
    kind: SectionKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u16>,
    texts: Vec<TextOrigin>,
}

/// One stored text of a section.
#[derive(Serialize, ToSchema)]
struct TextOrigin {
    text: Uuid,
    #[schema(value_type = String)]
    script: Script,
    lines: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Origin>,
    /// Rights in this text where they are not the song's.
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<Licence>,
}

/// Where one meaning comes from.
#[derive(Serialize, ToSchema)]
struct MeaningOrigin {
    meaning: Uuid,
    kind: MeaningKind,
    language: Language,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<Licence>,
}

/// Where a song and the words of each section come from, and how to cite it
#[utoipa::path(get, path = "/v1/compositions/{ref}/provenance",
    params(("ref" = String, Path, description = "Slug or id"), Parameters),
    responses(
        (status = 200, description = "The provenance; or the citation in the format that is asked for", content(
            (Provenance = "application/json"),
            (String = "application/x-bibtex"),
            (Vec<crate::view::citation::CslItem> = "application/vnd.citationstyles.csl+json"))),
        (status = 304, description = "Unchanged"),
        (status = 308, description = "It has another slug now"),
        (status = 404, description = "No published song has this reference")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    headers: HeaderMap,
    uri: Uri,
    Path(reference): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let format = asked.format.or_else(|| Format::accepted(&headers)).unwrap_or_default();
    let page = Page {
        state: &state,
        have: &have,
        kind: EntityKind::Composition,
        class: "provenance",
        reference: &reference,
        uri: &uri,
        variant: format!("{format:?}&{script:?}"),
        fields: None,
    };
    let answer = match page.open().await? {
        Opened::Answered(response) => response,
        Opened::Here(read, entity) => {
            let question = page.question();
            question
                .answer(|| async {
                    let live = live(&read, entity.kind, entity.id).await?;
                    let records = read.records(&sourced(&live.record)).await.map_err(store_problem)?;
                    let Record::Composition(song) = &live.record else { return Err(Problem::not_found()) };
                    let names = Names { records: &records, labels: Labels { known: &live.labels, script } };
                    let body = Provenance::of(&live, song, &names, &state.config.site_url);
                    match format {
                        Format::Json => Made::new(&body, &keys(&live), &read),
                        Format::Bibtex => Ok(Made::text(body.citation.bibtex, &keys(&live), &read)),
                        Format::Csl => Made::new(&body.citation.csl, &keys(&live), &read),
                    }
                })
                .await?
        }
    };
    let mut answer = typed(answer, format.media());
    answer.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(answer)
}

/// The sources and rights that a record names.
fn sourced(record: &Record) -> Vec<Uuid> {
    let wanted = |kind| matches!(kind, EntityKind::Source | EntityKind::Rights);
    let references = record.references().into_iter().map(|(_, target)| target);
    references.filter(|target| wanted(target.kind)).map(|target| target.id).collect()
}

/// What sources and rights are called, and what they say.
struct Names<'a> {
    records: &'a HashMap<Uuid, Record>,
    labels: Labels<'a>,
}

impl Names<'_> {
    fn origin(&self, id: Uuid) -> Option<Origin> {
        let label = self.labels.get(id)?;
        let (url, tier) = match self.records.get(&id) {
            Some(Record::Source(source)) => (source.url.clone(), Some(source.tier)),
            _ => (None, None),
        };
        Some(Origin { label, url, tier })
    }

    fn licence(&self, id: Uuid) -> Option<Licence> {
        // A licence has an English name, which no script makes readable.
        let label = Labels { script: None, ..self.labels }.get(id)?;
        let rights = match self.records.get(&id) {
            Some(Record::Rights(rights)) => Some(rights.clone()),
            _ => None,
        };
        let Some(rights) = rights else {
            return Some(Licence {
                label,
                licence: None,
                attribution: None,
                url: None,
                public_domain_reason: None,
            });
        };
        Some(Licence {
            label,
            licence: Some(rights.licence),
            attribution: rights.attribution,
            url: rights.url,
            public_domain_reason: rights.public_domain_reason,
        })
    }

    fn sections(&self, version: &Version) -> Vec<SectionOrigin> {
        let of = |section: &domain::composition::Section| SectionOrigin {
            version: version.id,
            section: section.id,
            kind: section.kind,
            number: section.number,
            texts: version.texts.iter().filter_map(|text| self.text(text, section.id)).collect(),
        };
        version.all_sections().into_iter().map(of).collect()
    }

    fn text(&self, text: &LyricText, section: Uuid) -> Option<TextOrigin> {
        let part = text.sections.iter().find(|part| part.section == section)?;
        Some(TextOrigin {
            text: text.id,
            script: text.script,
            lines: part.lines.len(),
            source: text.source.and_then(|source| self.origin(source.0)),
            rights: text.rights.and_then(|rights| self.licence(rights.0)),
        })
    }
}

impl Names<'_> {
    fn meaning(&self, meaning: &Meaning) -> MeaningOrigin {
        MeaningOrigin {
            meaning: meaning.id,
            kind: meaning.kind,
            language: meaning.language,
            author: meaning.author.clone(),
            source: meaning.source.and_then(|source| self.origin(source.0)),
            rights: meaning.rights.and_then(|rights| self.licence(rights.0)),
        }
    }
}

impl Provenance {
    fn of(live: &Live, song: &Composition, names: &Names<'_>, site: &str) -> Self {
        let cited = |note: &domain::reference::SourceNote| Cited {
            source: note.source.and_then(|source| names.origin(source.0)),
            note: note.note.clone(),
        };
        let detail = CompositionDetail::of(live, song, None);
        Self {
            composition: Label::of(&live.label, names.labels.script),
            revision: RevisionMark::of(live),
            facts: song.sources.iter().map(cited).collect(),
            sections: song.versions.iter().flat_map(|version| names.sections(version)).collect(),
            meanings: song.meanings.iter().map(|meaning| names.meaning(meaning)).collect(),
            rights: song.rights.and_then(|rights| names.licence(rights.0)),
            citation: Citation::of(&detail, site),
        }
    }
}
