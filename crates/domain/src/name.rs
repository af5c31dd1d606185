//! Names, languages and scripts: what everything in the catalogue is called, and by whom.

use crate::id::EntityKind;
use lipi::Script;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A language of a text (ISO 639-1). A song in several languages lists several; there is no "mixed".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    Sa,
    Ta,
    Te,
    Kn,
    Ml,
    Hi,
    Mr,
    Bn,
    Gu,
    En,
}

impl Language {
    /// Every language, in the order of the enumeration on the wire.
    pub const ALL: [Self; 10] =
        [Self::Sa, Self::Ta, Self::Te, Self::Kn, Self::Ml, Self::Hi, Self::Mr, Self::Bn, Self::Gu, Self::En];

    /// The ISO 639-1 code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sa => "sa",
            Self::Ta => "ta",
            Self::Te => "te",
            Self::Kn => "kn",
            Self::Ml => "ml",
            Self::Hi => "hi",
            Self::Mr => "mr",
            Self::Bn => "bn",
            Self::Gu => "gu",
            Self::En => "en",
        }
    }

    /// The language with this ISO 639-1 code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == code)
    }
}

/// What a name is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameRole {
    /// The name that is shown.
    #[default]
    Display,
    /// Another name that finds the entity.
    Alias,
    /// The opening words of a song.
    Incipit,
    /// The words with which a composer signs (ankita, mudra).
    Signature,
}

/// Why an alias exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AliasScheme {
    Concert,
    FullMelaName,
    AsampurnaMela,
    SpellingVariant,
    SourceSpelling,
    OlderName,
    HindustaniCounterpart,
    Abbreviation,
}

/// One name of an entity, in one script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, from = "WrittenName")]
pub struct Name {
    /// The name as it is written, at most [`Name::TEXT_BYTES_MAX`] bytes.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The script of `text`; recognised from it where it is left out.
    #[schema(value_type = String, required = false, example = "latin")]
    pub script: Script,
    #[serde(default)]
    pub role: NameRole,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias_scheme: Option<AliasScheme>,
    /// True for a name that a program derived from another one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub machine_made: bool,
    /// Set on both of two entities that share a name on purpose.
    #[serde(default, skip_serializing_if = "is_false")]
    pub homonym_ok: bool,
    /// What tells the entity from another of the same name, in the script of `text` (a mela, a raga, a
    /// place). Shown behind the name wherever the name is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disambiguator: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Name {
    /// The longest name, in bytes of UTF-8.
    pub const TEXT_BYTES_MAX: usize = 400;

    /// A display name; its script is read from its letters.
    pub fn display(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            script: lipi::script_of(&text),
            text,
            language: None,
            role: NameRole::Display,
            alias_scheme: None,
            machine_made: false,
            homonym_ok: false,
            disambiguator: None,
            note: None,
        }
    }

    /// The name as lists and titles show it: with what tells it from its homonyms behind it.
    pub fn shown(&self) -> std::borrow::Cow<'_, str> {
        match &self.disambiguator {
            Some(mark) => format!("{} ({mark})", self.text).into(),
            None => self.text.as_str().into(),
        }
    }

    /// Another name of the same entity.
    pub fn alias(text: impl Into<String>, scheme: AliasScheme) -> Self {
        Self { role: NameRole::Alias, alias_scheme: Some(scheme), ..Self::display(text) }
    }

    /// The key under which this name of an entity of `kind` is looked up. Ragas keep doubled nasals apart
    /// (Kanada is not Kannada); everything else folds fully.
    pub fn key(&self, kind: EntityKind) -> String {
        match kind {
            EntityKind::Raga => lipi::raga_key(&self.text),
            _ => lipi::k1_joined(&self.text),
        }
    }
}

/// A name as it comes in: the script may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenName {
    text: String,
    #[serde(default)]
    language: Option<Language>,
    #[serde(default)]
    script: Option<Script>,
    #[serde(default)]
    role: NameRole,
    #[serde(default)]
    alias_scheme: Option<AliasScheme>,
    #[serde(default)]
    machine_made: bool,
    #[serde(default)]
    homonym_ok: bool,
    #[serde(default)]
    disambiguator: Option<String>,
    #[serde(default)]
    note: Option<String>,
}

impl From<WrittenName> for Name {
    fn from(written: WrittenName) -> Self {
        Self {
            script: written.script.unwrap_or_else(|| lipi::script_of(&written.text)),
            text: written.text,
            language: written.language,
            role: written.role,
            alias_scheme: written.alias_scheme,
            machine_made: written.machine_made,
            homonym_ok: written.homonym_ok,
            disambiguator: written.disambiguator,
            note: written.note,
        }
    }
}

/// For `skip_serializing_if`: a false flag is left out of the stored document.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(crate) const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_recognised_where_it_is_left_out() {
        let name: Name = serde_json::from_str(r#"{"text": "कनकाङ्गि"}"#).unwrap();
        assert_eq!(name.script, Script::Devanagari);
        let name: Name = serde_json::from_str(r#"{"text": "kanakāṅgi"}"#).unwrap();
        assert_eq!(name, Name::display("kanakāṅgi"));
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(serde_json::from_str::<Name>(r#"{"text": "a", "colour": "red"}"#).is_err());
    }

    #[test]
    fn kanada_is_not_kannada() {
        let key = |text: &str| Name::display(text).key(EntityKind::Raga);
        assert_ne!(key("Kanada"), key("Kannada"));
    }
}
