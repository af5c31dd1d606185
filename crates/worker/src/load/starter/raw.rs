//! The records of the starter catalogue as their files spell them.

use crate::load::plan::Decision;
use domain::EntityKind;
use domain::composition::{Attribution, Form, FormException, MeaningKind, SectionKind};
use domain::music::scale::Swara;
use domain::music::tala::Jati;
use domain::name::Language;
use domain::reference::{GroupKind, TagCategory, Year};
use domain::verdict::Ruling;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Names of the fields of [`Common`].
pub const COMMON: [&str; 11] = [
    "key",
    "name",
    "title",
    "display",
    "aliases",
    "signatures",
    "disambiguator",
    "note",
    "decided",
    "source",
    "source_key",
];

/// What every record may have.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Common {
    pub key: Option<String>,
    /// In ISO 15919 (of a source or a statement of rights: plain English).
    #[serde(alias = "title")]
    pub name: Option<String>,
    /// The spelling to show, where it is not the plain one of `name`.
    pub display: Option<String>,
    /// Other names by reason (`spelling_variant`, `concert` …).
    #[serde(default)]
    pub aliases: BTreeMap<String, Vec<String>>,
    /// In ISO 15919.
    #[serde(default)]
    pub signatures: Vec<String>,
    /// In ISO 15919: what tells it from another record of the same name.
    pub disambiguator: Option<String>,
    pub note: Option<String>,
    /// Where other collections disagree, and why this record stays as it is.
    #[serde(default)]
    pub decided: Vec<Decision>,
    /// What the facts rest on.
    pub source: Option<String>,
    /// The key of a source.
    pub source_key: Option<String>,
}

/// What the records of a file have in common unless they say otherwise.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub source: Option<String>,
    pub source_key: Option<String>,
    pub composer: Option<String>,
    pub languages: Option<Vec<Language>>,
    pub form: Option<Form>,
    pub rights: Option<String>,
    pub precision_metres: Option<u32>,
    /// Who wrote what works mean.
    pub author: Option<String>,
    /// The language in which it is told.
    pub language: Option<Language>,
}

/// What a work says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meaning {
    /// The key of the work.
    pub of: String,
    pub kind: MeaningKind,
    pub language: Option<Language>,
    /// Paragraphs with an empty line between them; word by word, a line each.
    pub text: String,
    pub author: Option<String>,
    pub source_key: Option<String>,
    pub rights: Option<String>,
}

/// A ruling of `verdicts.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    pub kind: EntityKind,
    pub ruling: Ruling,
    pub members: Vec<NamedMember>,
    pub reason: String,
    pub source: Option<String>,
}

/// A name of a verdict, with the key of its record where there is one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedMember {
    pub name: String,
    pub mela: Option<u8>,
    pub record: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub tier: u8,
    pub url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rights {
    pub licence: String,
    pub holder: Option<String>,
    pub attribution: Option<String>,
    pub url: Option<String>,
    pub public_domain_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub district: Option<String>,
    pub state: Option<String>,
    pub country: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    pub category: TagCategory,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deity {
    pub form_of: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Temple {
    pub place: Option<String>,
    /// Degrees, north positive.
    pub latitude: Option<f64>,
    /// Degrees, east positive.
    pub longitude: Option<f64>,
    pub precision_metres: Option<u32>,
    #[serde(default)]
    pub deities: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composer {
    pub birth: Option<Year>,
    pub death: Option<Year>,
    pub place: Option<String>,
    pub teacher: Option<String>,
}

/// The name of one of the 35 suladi talas.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suladi {
    /// `dhruva`, `matya`, `rupaka`, `jhampa`, `triputa`, `ata` or `eka`.
    pub tala: String,
    pub jati: Jati,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chapu {
    pub groups: Vec<u8>,
}

/// A way of sitting in a tala, with a key of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    pub tala: String,
    pub kalai: Option<u8>,
    pub gati: Option<u8>,
    /// Numerator and denominator, in beats.
    pub eduppu: Option<(i16, u8)>,
}

/// The names of a mela; the rest follows from its number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mela {
    pub number: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raga {
    /// The number of a mela.
    pub parent: Option<u8>,
    pub arohana: Option<String>,
    pub avarohana: Option<String>,
    #[serde(default)]
    pub anya: Vec<Swara>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composition {
    pub composer: Option<String>,
    #[serde(default)]
    pub attribution: Attribution,
    pub languages: Option<Vec<Language>>,
    pub form: Option<Form>,
    #[serde(default)]
    pub ragas: Vec<String>,
    pub tala: Option<String>,
    #[serde(default)]
    pub deities: Vec<String>,
    #[serde(default)]
    pub temples: Vec<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub rights: Option<String>,
    pub year_hint: Option<i16>,
    /// Rules of the form that do not hold for this work.
    #[serde(default)]
    pub exceptions: Vec<FormException>,
    /// What readers of the swaras should know: whose way it is, what is left out.
    pub notation_note: Option<String>,
    #[serde(default)]
    pub section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    pub kind: SectionKind,
    pub number: Option<u16>,
    /// Ragas of this section, forward.
    #[serde(default)]
    pub ragas: Vec<String>,
    /// Ragas of this section on the way back.
    #[serde(default)]
    pub viloma: Vec<String>,
    /// The words, a line of the song on each line.
    #[serde(default)]
    pub text: String,
    /// The swaras, with the words under them.
    pub notation: Option<String>,
    #[serde(default)]
    pub section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub kind: GroupKind,
    pub composer: Option<String>,
    pub members: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Member {
    Key(String),
    Labelled { composition: String, label: String },
}
