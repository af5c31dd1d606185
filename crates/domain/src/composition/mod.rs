//! The song: its versions, ragas in order, talas, section tree and texts.

pub mod diff;
pub mod form;
pub mod meaning;
pub mod notation;
pub mod section;
pub mod text;

use crate::id::{ComposerId, DeityId, RagaId, RightsId, SampradayaId, TagId, TempleId};
use crate::music::tala::TalaSetting;
use crate::name::{Language, Name};
use crate::reference::{ExternalId, SourceNote};
pub use form::Form;
pub use meaning::{Meaning, MeaningKind};
pub use notation::Notation;
pub use section::{Section, SectionKind};
use serde::{Deserialize, Serialize};
pub use text::{LyricSection, LyricText};
use utoipa::ToSchema;
use uuid::Uuid;

/// A song, whole: the aggregate that a revision stores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Composition {
    /// Titles, other titles and incipits, in any script. The first display name in Latin script is the
    /// title that lists show where the reader asked for no script.
    pub titles: Vec<Name>,
    /// None only where `attribution` is anonymous.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composer: Option<ComposerId>,
    #[serde(default)]
    pub attribution: Attribution,
    pub form: Form,
    /// Languages of the text; several for manipravala. Never inferred from the script.
    #[serde(default)]
    pub languages: Vec<Language>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deities: Vec<DeityId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temples: Vec<TempleId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagId>,
    /// A year of the common era near which the song was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year_hint: Option<i16>,
    /// Pathantaras; the first one is shown. At least one.
    pub versions: Vec<Version>,
    /// What the song says, in other words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meanings: Vec<Meaning>,
    /// Rights in the song itself. Mandatory at submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<RightsId>,
    /// Where the facts come from. At least one at publication.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceNote>,
    /// Ids of the same song in other collections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
    /// True where an editor states that no text is to be expected, so that a song may be published by title.
    #[serde(default, skip_serializing_if = "crate::name::is_false")]
    pub title_only: bool,
    /// Rules of the form that this song breaks by its nature, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<FormException>,
}

/// A rule of the form that does not hold for a song, as an editor knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FormException {
    /// The code of the rule: `charanam_missing`.
    pub rule: String,
    pub reason: String,
}

/// How sure we are of the composer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attribution {
    #[default]
    Certain,
    Disputed,
    Doubtful,
    Anonymous,
}

/// A pathantara: one way in which the song is handed down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Version {
    pub id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampradaya: Option<SampradayaId>,
    /// Ragas in the order in which they are sung; the same raga may recur (ragamalika).
    #[serde(default)]
    pub ragas: Vec<RagaEntry>,
    /// The tala of the whole; sections may override it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tala: Option<TalaSetting>,
    /// The section tree; order in the list is the order of singing.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// Texts, all over the same section tree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<LyricText>,
    /// Notations, all over the same section tree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notations: Vec<Notation>,
}

/// One raga at one place of a version. The place in the list is the order; entries are never made distinct.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RagaEntry {
    pub raga: RagaId,
    /// The section of the version that is sung in it; none for the whole song.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<Uuid>,
    #[serde(default)]
    pub direction: Direction,
}

/// Whether a passage of a ragamalika runs through its ragas forward or back (viloma).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    #[default]
    Forward,
    Viloma,
}

impl Version {
    /// The way from the top of the tree to `section`, both included; empty where there is no such section.
    fn path(&self, section: Uuid) -> Vec<&Section> {
        fn search<'a>(sections: &'a [Section], wanted: Uuid, path: &mut Vec<&'a Section>) -> bool {
            sections.iter().any(|section| {
                path.push(section);
                let found = section.id == wanted || search(&section.children, wanted, path);
                if !found {
                    path.pop();
                }
                found
            })
        }
        let mut path = Vec::new();
        search(&self.sections, section, &mut path);
        path
    }

    /// The tala in which `section` is sung: its own, else that of the section around it, else the version's.
    pub fn setting_of(&self, section: Uuid) -> Option<&TalaSetting> {
        let own = self.path(section).into_iter().rev().find_map(|section| section.tala.as_ref());
        own.or(self.tala.as_ref())
    }

    /// The ragas in which `section` is sung; those of the whole version where it has none of its own.
    pub fn ragas_of(&self, section: Uuid) -> Vec<RagaId> {
        let path: Vec<Uuid> = self.path(section).iter().map(|section| section.id).collect();
        let own = self.ragas.iter().filter(|entry| entry.section.is_some_and(|id| path.contains(&id)));
        let own: Vec<RagaId> = own.map(|entry| entry.raga).collect();
        if own.is_empty() { self.ragas.iter().map(|entry| entry.raga).collect() } else { own }
    }
}

impl Composition {
    /// The most titles, versions and entries that one song may hold.
    pub const TITLES_MAX: usize = 64;
    pub const VERSIONS_MAX: usize = 16;
    pub const RAGA_ENTRIES_MAX: usize = 128;
    pub const SECTIONS_MAX: usize = 200;
    pub const TEXTS_MAX: usize = 32;
    pub const MEANINGS_MAX: usize = 16;
    pub const EXCEPTIONS_MAX: usize = 16;

    /// More than one distinct raga among the ordered entries of the shown version.
    pub fn is_ragamalika(&self) -> bool {
        let Some(version) = self.versions.first() else { return false };
        version.ragas.first().is_some_and(|first| version.ragas.iter().any(|entry| entry.raga != first.raga))
    }
}
