//! Identity: one UUIDv7 type an entity kind, so that a raga's id never lands in a tala's place.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;
use uuid::Uuid;

/// The kinds of aggregate that the catalogue holds, each with revisions, names and events of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    Composition,
    Raga,
    Tala,
    Composer,
    Deity,
    Temple,
    Place,
    Group,
    Tag,
    Sampradaya,
    Source,
    Rights,
}

impl EntityKind {
    /// Every kind, in the order in which a loader must create them (what is referred to comes first).
    pub const ALL: [Self; 12] = [
        Self::Source,
        Self::Rights,
        Self::Place,
        Self::Tag,
        Self::Sampradaya,
        Self::Deity,
        Self::Temple,
        Self::Composer,
        Self::Tala,
        Self::Raga,
        Self::Composition,
        Self::Group,
    ];

    /// The wire name, singular: `composition`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Composition => "composition",
            Self::Raga => "raga",
            Self::Tala => "tala",
            Self::Composer => "composer",
            Self::Deity => "deity",
            Self::Temple => "temple",
            Self::Place => "place",
            Self::Group => "group",
            Self::Tag => "tag",
            Self::Sampradaya => "sampradaya",
            Self::Source => "source",
            Self::Rights => "rights",
        }
    }

    /// The name of its collection in URLs: `compositions`.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Composition => "compositions",
            Self::Raga => "ragas",
            Self::Tala => "talas",
            Self::Composer => "composers",
            Self::Deity => "deities",
            Self::Temple => "temples",
            Self::Place => "places",
            Self::Group => "groups",
            Self::Tag => "tags",
            Self::Sampradaya => "sampradayas",
            Self::Source => "sources",
            Self::Rights => "rights",
        }
    }
}

impl fmt::Display for EntityKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A wire name that no [`EntityKind`] has.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a kind of entity")]
pub struct UnknownKind(pub String);

impl FromStr for EntityKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// Any aggregate of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct EntityRef {
    pub kind: EntityKind,
    pub id: Uuid,
}

impl fmt::Display for EntityRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.kind, self.id)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The same identity with its kind written out.
            pub const fn entity(self) -> EntityRef {
                EntityRef { kind: EntityKind::$kind, id: self.0 }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl From<$name> for EntityRef {
            fn from(id: $name) -> Self {
                id.entity()
            }
        }
    )*};
}

ids! {
    /// A song.
    CompositionId => Composition;
    /// A raga, mela or janya.
    RagaId => Raga;
    /// A tala.
    TalaId => Tala;
    /// A composer.
    ComposerId => Composer;
    /// A deity, or a form of one.
    DeityId => Deity;
    /// A temple.
    TempleId => Temple;
    /// A place (city, district, state, country).
    PlaceId => Place;
    /// A set of songs, such as a pancharatna.
    GroupId => Group;
    /// A tag.
    TagId => Tag;
    /// A school or lineage of performance.
    SampradayaId => Sampradaya;
    /// A source of facts or texts.
    SourceId => Source;
    /// A statement of rights.
    RightsId => Rights;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_back_and_unknown_ones_refused() {
        for kind in EntityKind::ALL {
            assert_eq!(kind.as_str().parse::<EntityKind>().unwrap(), kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("compositions".parse::<EntityKind>().is_err());
    }
}
