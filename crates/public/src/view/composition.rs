//! Songs as readers see them: an item of a list, and the whole in one document.

use crate::view::label::{Label, Labels};
use crate::view::meaning::{Meaning, meanings};
use crate::view::notation::{NotationSummary, summaries};
use crate::view::text::{Text, Wanted, texts};
use chrono::{DateTime, Utc};
use domain::composition::{Attribution, Composition, Direction, Form, Section, Version};
use domain::music::TalaSetting;
use domain::music::tala::Eduppu;
use domain::name::{Language, Name};
use domain::reference::{ExternalId, SourceNote};
use lipi::Script;
use serde::Serialize;
use store::{CompositionRow, Live};
use utoipa::ToSchema;
use uuid::Uuid;

/// A song in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CompositionItem {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub machine_made: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incipit: Option<String>,
    pub form: Form,
    pub languages: Vec<Language>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composer: Option<Label>,
    /// Each raga once, in the order of its first entry.
    pub ragas: Vec<Label>,
    pub is_ragamalika: bool,
    pub talas: Vec<Label>,
    pub deities: Vec<Label>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sampradayas: Vec<Label>,
    /// Scripts that a text is stored in.
    #[schema(value_type = Vec<String>)]
    pub scripts: Vec<Script>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
    pub updated_at: DateTime<Utc>,
}

impl CompositionItem {
    /// The item of `row`, with names in `script`.
    pub fn of(row: &CompositionRow, script: Option<Script>) -> Self {
        let own = Label::of(&row.label, script);
        let labels = |labels: &[store::Label]| labels.iter().map(|label| Label::of(label, script)).collect();
        Self {
            id: row.id,
            slug: own.slug,
            title: own.label,
            machine_made: own.machine_made,
            incipit: row.incipit.clone(),
            form: row.form,
            languages: row.languages.clone(),
            composer: row.composer.as_ref().map(|composer| Label::of(composer, script)),
            ragas: labels(&row.ragas),
            is_ragamalika: row.is_ragamalika,
            talas: labels(&row.talas),
            deities: labels(&row.deities),
            sampradayas: labels(&row.sampradayas),
            scripts: row.scripts.clone(),
            external_ids: row.external_ids.clone(),
            updated_at: row.updated_at,
        }
    }
}

/// A song, whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CompositionDetail {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub machine_made: bool,
    /// Every title and incipit, as stored.
    pub titles: Vec<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composer: Option<Label>,
    pub attribution: Attribution,
    pub form: Form,
    pub languages: Vec<Language>,
    pub is_ragamalika: bool,
    /// Ragas of the shown version in the order in which they are sung.
    pub ragas: Vec<RagaAt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tala: Option<Setting>,
    pub deities: Vec<Label>,
    pub temples: Vec<Label>,
    pub tags: Vec<Label>,
    pub groups: Vec<Membership>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year_hint: Option<i16>,
    /// Section tree of the shown version.
    pub sections: Vec<Section>,
    /// Texts of the shown version.
    pub texts: Vec<Text>,
    /// What is written down in swaras, of any version; the swaras stand under `/notation`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notations: Vec<NotationSummary>,
    /// What the song says, in other words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meanings: Vec<Meaning>,
    /// The other versions (pathantaras).
    pub other_versions: Vec<OtherVersion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<Label>,
    /// What each fact of the record is taken from.
    pub sources: Vec<Sourced>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
    pub revision: RevisionMark,
}

/// One raga entry of a version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RagaAt {
    /// 1 for the first.
    pub ord: usize,
    pub raga: Label,
    /// The section that is sung in it; none for the whole song.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<Uuid>,
    pub direction: Direction,
}

/// How a song sits in a tala.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Setting {
    pub tala: Label,
    pub kalai: u8,
    pub gati: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eduppu: Option<Eduppu>,
}

/// A group that the song belongs to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Membership {
    pub group: Label,
    /// Its place in the group, 1 for the first.
    pub ord: i32,
}

/// A note on where something comes from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Sourced {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Label>,
    pub note: String,
}

/// A version beside the shown one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OtherVersion {
    pub id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampradaya: Option<Label>,
    pub ragas: Vec<RagaAt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tala: Option<Setting>,
    pub sections: Vec<Section>,
    pub texts: Vec<Text>,
}

/// Which revision a document shows.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RevisionMark {
    pub number: i32,
    /// SHA-256 of its content, hexadecimal.
    pub hash: String,
    pub recorded_at: DateTime<Utc>,
}

/// The first version is the shown one; what an editor stored without any has nothing to show there.
fn shown(song: &Composition) -> Option<&Version> {
    song.versions.first()
}

impl CompositionDetail {
    /// The document of `song`, which came as `live`.
    pub fn of(live: &Live, song: &Composition, wanted: Option<Wanted>) -> Self {
        let labels = Labels { known: &live.labels, script: wanted.map(|wanted| wanted.script) };
        let own = Label::of(&live.label, labels.script);
        let version = shown(song);
        Self {
            id: live.entity.id,
            slug: own.slug,
            title: own.label,
            machine_made: own.machine_made,
            titles: song.titles.clone(),
            composer: song.composer.and_then(|composer| labels.get(composer.0)),
            attribution: song.attribution,
            form: song.form,
            languages: song.languages.clone(),
            is_ragamalika: song.is_ragamalika(),
            ragas: version.map_or_else(Vec::new, |version| ragas(version, labels)),
            tala: version.and_then(|version| version.tala.as_ref()).and_then(|tala| setting(tala, labels)),
            deities: labels.all(song.deities.iter().map(|deity| deity.0)),
            temples: labels.all(song.temples.iter().map(|temple| temple.0)),
            tags: labels.all(song.tags.iter().map(|tag| tag.0)),
            groups: live.groups.iter().map(|row| membership(row, labels)).collect(),
            year_hint: song.year_hint,
            sections: version.map_or_else(Vec::new, |version| version.sections.clone()),
            texts: version.map_or_else(Vec::new, |version| texts(version, wanted, labels)),
            notations: summaries(song),
            meanings: meanings(song, labels),
            other_versions: song
                .versions
                .iter()
                .skip(1)
                .map(|version| other(version, labels, wanted))
                .collect(),
            // A licence has an English name, which no script makes readable.
            rights: song.rights.and_then(|rights| Labels { script: None, ..labels }.get(rights.0)),
            sources: song.sources.iter().map(|note| sourced(note, labels)).collect(),
            external_ids: song.external_ids.clone(),
            revision: RevisionMark::of(live),
        }
    }
}

impl RevisionMark {
    /// The revision that readers see of `live`.
    pub fn of(live: &Live) -> Self {
        Self { number: live.revision, hash: live.hash.to_hex(), recorded_at: live.recorded_at }
    }
}

fn other(version: &Version, labels: Labels<'_>, wanted: Option<Wanted>) -> OtherVersion {
    OtherVersion {
        id: version.id,
        label: version.label.clone(),
        sampradaya: version.sampradaya.and_then(|sampradaya| labels.get(sampradaya.0)),
        ragas: ragas(version, labels),
        tala: version.tala.as_ref().and_then(|tala| setting(tala, labels)),
        sections: version.sections.clone(),
        texts: texts(version, wanted, labels),
    }
}

fn ragas(version: &Version, labels: Labels<'_>) -> Vec<RagaAt> {
    let entries = version.ragas.iter().zip(1..);
    entries
        .filter_map(|(entry, ord)| {
            Some(RagaAt {
                ord,
                raga: labels.get(entry.raga.0)?,
                section: entry.section,
                direction: entry.direction,
            })
        })
        .collect()
}

/// How a song sits in its tala; none where that is not live.
pub fn setting(tala: &TalaSetting, labels: Labels<'_>) -> Option<Setting> {
    Some(Setting { tala: labels.get(tala.tala.0)?, kalai: tala.kalai, gati: tala.gati, eduppu: tala.eduppu })
}

fn sourced(note: &SourceNote, labels: Labels<'_>) -> Sourced {
    Sourced { source: note.source.and_then(|source| labels.get(source.0)), note: note.note.clone() }
}

fn membership(row: &store::GroupRow, labels: Labels<'_>) -> Membership {
    Membership { group: Label::of(&row.group, labels.script), ord: row.ord + 1 }
}
