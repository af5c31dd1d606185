//! Any aggregate as one value: what revisions store, the loader reads and the admin API takes.

use crate::check;
use crate::composition::Composition;
use crate::id::{EntityKind, EntityRef};
use crate::music::{Raga, Tala};
use crate::name::{Name, NameRole};
use crate::reference::{
    Composer, Deity, ExternalId, Group, Place, Rights, Sampradaya, Source, SourceNote, Tag, Temple,
};
use crate::violation::Violation;
use lipi::Script;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of an aggregate. On the wire the kind stands beside the body, never inside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Record {
    Composition(Composition),
    Raga(Raga),
    Tala(Tala),
    Composer(Composer),
    Deity(Deity),
    Temple(Temple),
    Place(Place),
    Group(Group),
    Tag(Tag),
    Sampradaya(Sampradaya),
    Source(Source),
    Rights(Rights),
}

/// What each kind of record answers in its own way, written once as a table.
macro_rules! each {
    ($record:expr, $body:ident => $value:expr, composition $song:ident => $song_value:expr) => {
        match $record {
            Record::Composition($song) => $song_value,
            Record::Raga($body) => $value,
            Record::Tala($body) => $value,
            Record::Composer($body) => $value,
            Record::Deity($body) => $value,
            Record::Temple($body) => $value,
            Record::Place($body) => $value,
            Record::Group($body) => $value,
            Record::Tag($body) => $value,
            Record::Sampradaya($body) => $value,
            Record::Source($body) => $value,
            Record::Rights($body) => $value,
        }
    };
}

impl Record {
    /// The kind of this record.
    pub const fn kind(&self) -> EntityKind {
        match self {
            Self::Composition(_) => EntityKind::Composition,
            Self::Raga(_) => EntityKind::Raga,
            Self::Tala(_) => EntityKind::Tala,
            Self::Composer(_) => EntityKind::Composer,
            Self::Deity(_) => EntityKind::Deity,
            Self::Temple(_) => EntityKind::Temple,
            Self::Place(_) => EntityKind::Place,
            Self::Group(_) => EntityKind::Group,
            Self::Tag(_) => EntityKind::Tag,
            Self::Sampradaya(_) => EntityKind::Sampradaya,
            Self::Source(_) => EntityKind::Source,
            Self::Rights(_) => EntityKind::Rights,
        }
    }

    /// Reads the JSON body of an aggregate of `kind`. Unknown fields are refused.
    pub fn from_json(kind: EntityKind, body: serde_json::Value) -> Result<Self, serde_json::Error> {
        use serde_json::from_value as read;
        Ok(match kind {
            EntityKind::Composition => Self::Composition(read(body)?),
            EntityKind::Raga => Self::Raga(read(body)?),
            EntityKind::Tala => Self::Tala(read(body)?),
            EntityKind::Composer => Self::Composer(read(body)?),
            EntityKind::Deity => Self::Deity(read(body)?),
            EntityKind::Temple => Self::Temple(read(body)?),
            EntityKind::Place => Self::Place(read(body)?),
            EntityKind::Group => Self::Group(read(body)?),
            EntityKind::Tag => Self::Tag(read(body)?),
            EntityKind::Sampradaya => Self::Sampradaya(read(body)?),
            EntityKind::Source => Self::Source(read(body)?),
            EntityKind::Rights => Self::Rights(read(body)?),
        })
    }

    /// Its names (of a song: titles and incipits).
    pub fn names(&self) -> &[Name] {
        each!(self, body => &body.names, composition song => &song.titles)
    }

    /// Where its facts come from.
    pub fn sources(&self) -> &[SourceNote] {
        each!(self, body => &body.sources, composition song => &song.sources)
    }

    /// Its ids in other collections.
    pub fn external_ids(&self) -> &[ExternalId] {
        each!(self, body => &body.external_ids, composition song => &song.external_ids)
    }

    /// The name that lists show where the reader asked for no script.
    pub fn label(&self) -> &str {
        self.shown_name().map_or("", |name| &name.text)
    }

    /// The same with what tells it from its homonyms behind it.
    pub fn shown(&self) -> String {
        self.shown_name().map_or_else(String::new, |name| name.shown().into_owned())
    }

    fn shown_name(&self) -> Option<&Name> {
        let display = |name: &&Name| name.role == NameRole::Display;
        let names = self.names();
        names
            .iter()
            .filter(display)
            .find(|name| name.script == Script::Latin)
            .or_else(|| names.iter().find(display))
            .or_else(|| names.first())
    }

    /// Every rule that this record breaks, with a pointer to the field.
    pub fn check(&self) -> Vec<Violation> {
        check::record(self)
    }

    /// Every aggregate that this record refers to, with the role of the reference (`raga`, `composer`,
    /// `parent` …), in the order of the fields; a raga that recurs is listed as often as it recurs.
    pub fn references(&self) -> Vec<(&'static str, EntityRef)> {
        let mut found = References::default();
        match self {
            Self::Composition(song) => found.composition(song),
            Self::Raga(raga) => found.add("parent", raga.parent),
            Self::Composer(composer) => {
                found.add("place", composer.place);
                found.add("teacher", composer.teacher);
            }
            Self::Deity(deity) => found.add("form_of", deity.form_of),
            Self::Temple(temple) => {
                found.add("place", temple.place);
                found.add("deity", temple.deities.iter().copied());
            }
            Self::Group(group) => {
                found.add("composer", group.composer);
                found.add("member", group.members.iter().map(|member| member.composition));
            }
            Self::Tala(_)
            | Self::Place(_)
            | Self::Tag(_)
            | Self::Sampradaya(_)
            | Self::Source(_)
            | Self::Rights(_) => {}
        }
        found.add("source", self.sources().iter().filter_map(|note| note.source));
        found.0
    }
}

#[derive(Default)]
struct References(Vec<(&'static str, EntityRef)>);

impl References {
    fn add<T: Into<EntityRef>>(&mut self, role: &'static str, ids: impl IntoIterator<Item = T>) {
        self.0.extend(ids.into_iter().map(|id| (role, id.into())));
    }

    fn composition(&mut self, song: &Composition) {
        self.add("composer", song.composer);
        for version in &song.versions {
            self.add("raga", version.ragas.iter().map(|entry| entry.raga));
            self.add("tala", version.tala.as_ref().map(|setting| setting.tala));
            self.add("sampradaya", version.sampradaya);
            let mut sections: Vec<_> = version.sections.iter().collect();
            while let Some(section) = sections.pop() {
                self.add("tala", section.tala.as_ref().map(|setting| setting.tala));
                sections.extend(&section.children);
            }
            for text in &version.texts {
                self.add("source", text.source);
                self.add("rights", text.rights);
            }
            for notation in &version.notations {
                self.add("source", notation.source);
                self.add("rights", notation.rights);
            }
        }
        for meaning in &song.meanings {
            self.add("source", meaning.source);
            self.add("rights", meaning.rights);
        }
        self.add("deity", song.deities.iter().copied());
        self.add("temple", song.temples.iter().copied());
        self.add("tag", song.tags.iter().copied());
        self.add("rights", song.rights);
    }
}
