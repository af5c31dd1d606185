//! Reference entities: people, deities, places, groups, tags, sources and rights.

use crate::id::{ComposerId, CompositionId, DeityId, PlaceId, SourceId};
use crate::name::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a fact comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceNote {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    /// One sentence: what was taken, or `general knowledge` with what it rests on.
    pub note: String,
}

/// The id of the same thing in another collection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalId {
    /// Name of the collection: `starter`, `catalogue`, `wikidata`.
    pub scheme: String,
    pub id: String,
}

/// Fields that every reference entity carries beside its own.
macro_rules! reference {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            pub names: Vec<Name>,
            $($(#[$field_doc])* pub $field: $type,)*
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub note: Option<String>,
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub sources: Vec<SourceNote>,
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub external_ids: Vec<ExternalId>,
        }
    };
}

reference! {
    /// A composer (vaggeyakara). Signatures are names with the role `signature`.
    Composer {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        birth: Option<Year>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        death: Option<Year>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<PlaceId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        teacher: Option<ComposerId>,
    }
}

reference! {
    /// A deity, or a form of one.
    Deity {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        form_of: Option<DeityId>,
    }
}

reference! {
    /// A temple.
    Temple {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<PlaceId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        location: Option<Location>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        deities: Vec<DeityId>,
    }
}

reference! {
    /// A place.
    Place {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        district: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<String>,
        /// ISO 3166-1 alpha-2, upper case.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        country: Option<String>,
    }
}

reference! {
    /// A set of songs that belong together, in order.
    Group {
        kind: GroupKind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        composer: Option<ComposerId>,
        members: Vec<GroupMember>,
    }
}

reference! {
    /// A tag.
    Tag {
        category: TagCategory,
    }
}

reference! {
    /// A school or lineage of performance.
    Sampradaya {
        kind: SampradayaKind,
    }
}

reference! {
    /// A source of facts or texts.
    Source {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// 1 scholarly edition, 2 institution, 3 practitioner, 4 community archive, 5 web log.
        tier: u8,
    }
}

reference! {
    /// What may be done with a text, and why.
    Rights {
        /// An SPDX licence id, or `public-domain`, or `unstated`.
        licence: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attribution: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        public_domain_reason: Option<String>,
    }
}

/// A year with its precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Year {
    pub year: i16,
    #[serde(default)]
    pub precision: Precision,
}

/// How exactly a year is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    #[default]
    Exact,
    Circa,
    Century,
}

/// A point on the earth, WGS 84, in millionths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    pub latitude_microdegrees: i32,
    pub longitude_microdegrees: i32,
    /// Radius in which the place certainly lies.
    pub precision_metres: u32,
}

/// What holds a group together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    Pancharatna,
    Navavarana,
    Navagraha,
    KshetraSet,
    VibhaktiSet,
    Utsava,
    Divyanama,
    Other,
}

/// A song of a group; its place in the list is its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupMember {
    pub composition: CompositionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What a tag speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TagCategory {
    Bhava,
    Festival,
    Philosophy,
    Kshetra,
    StotraStyle,
    NayikaBhava,
    Theme,
    Other,
}

/// The kind of a sampradaya.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SampradayaKind {
    Pathantara,
    Bani,
    School,
}
