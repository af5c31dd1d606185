//! Words that say what kind of thing is asked for: a reviewed list in the catalogue's folder, folded once.

use crate::fields::without_final_m;
use crate::query::Facet;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// The list as it is reviewed.
const SOURCE: &str = include_str!("../../../catalogue/words.toml");

/// The words of the list, folded.
pub(crate) static WORDS: LazyLock<Words> = LazyLock::new(|| Words::parse(SOURCE).unwrap_or_default());

/// Folded words by what they do.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// `raga`, `tala`: what stands beside them is of this facet.
    typing: HashMap<String, Facet>,
    /// `by`, `in`: they say of what kind the next name is.
    leading: HashMap<String, Vec<Facet>>,
    /// `song`, `lyrics`: they say nothing.
    noise: HashSet<String>,
    /// `saint`, `swami` beside the name of a composer.
    honorific: HashSet<String>,
    /// Names of ragas that are also everyday words.
    ambiguous: HashSet<String>,
    /// Languages and forms: key, facet, value, the word as written.
    pub(crate) values: Vec<(String, Facet, String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    role: Role,
    #[serde(default)]
    facets: Vec<Facet>,
    value: Option<String>,
    words: Vec<String>,
    /// What the entry rests on; every entry has one.
    source: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Role {
    Typing,
    Leading,
    Noise,
    Honorific,
    AmbiguousRaga,
    Value,
}

impl Words {
    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let listed: Listed = toml::from_str(text)?;
        let mut words = Self::default();
        for entry in listed.entry.iter().filter(|entry| !entry.source.is_empty()) {
            entry.words.iter().for_each(|word| words.add(entry, word));
        }
        Ok(words)
    }

    fn add(&mut self, entry: &Entry, word: &str) {
        let key = link_key(&lipi::k1_joined(word));
        match (entry.role, entry.facets.first()) {
            (Role::Typing, Some(facet)) => {
                self.typing.insert(key, *facet);
            }
            (Role::Leading, _) => {
                self.leading.insert(key, entry.facets.clone());
            }
            (Role::Noise, _) => {
                self.noise.insert(key);
            }
            (Role::Honorific, _) => {
                self.honorific.insert(key);
            }
            (Role::AmbiguousRaga, _) => {
                self.ambiguous.insert(key);
            }
            (Role::Value, Some(facet)) => {
                let value = entry.value.clone().unwrap_or_default();
                self.values.push((key, *facet, value, word.to_owned()));
            }
            (Role::Typing | Role::Value, None) => {}
        }
    }

    pub(crate) fn typing(&self, key: &str) -> Option<Facet> {
        self.typing.get(key).copied()
    }

    pub(crate) fn leading(&self, key: &str) -> Option<&[Facet]> {
        self.leading.get(key).map(Vec::as_slice)
    }

    pub(crate) fn is_noise(&self, key: &str) -> bool {
        self.noise.contains(key)
    }

    pub(crate) fn is_honorific(&self, key: &str) -> bool {
        self.honorific.contains(key)
    }

    pub(crate) fn is_ambiguous(&self, key: &str) -> bool {
        self.ambiguous.contains(key)
    }
}

/// The key by which names are linked: `k1` without a final `m`, and with one way of writing a glide after a
/// consonant (`Tyagaraja`, `Thiagaraja`). It proposes; ids are what is searched for.
pub(crate) fn link_key(k1: &str) -> String {
    let bare = without_final_m(k1).as_bytes();
    let is_vowel = |at: usize| bare.get(at).is_some_and(|letter| b"aeiou".contains(letter));
    let mut key = Vec::with_capacity(bare.len());
    for (at, letter) in bare.iter().enumerate() {
        let glide = *letter == b'i' && at > 0 && !is_vowel(at - 1) && is_vowel(at + 1);
        key.push(if glide { b'y' } else { *letter });
    }
    String::from_utf8(key).unwrap_or_else(|_| k1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::composition::Form;
    use domain::name::Language;

    #[test]
    fn the_list_is_read_whole_and_every_value_exists() {
        let words = Words::parse(SOURCE).unwrap();
        assert!(words.values.len() > 100 && words.typing.len() > 10 && words.honorific.len() > 5);
        for (_, facet, value, word) in &words.values {
            let known = match facet {
                Facet::Language => Language::from_code(value).is_some(),
                Facet::Form => Form::from_wire(value).is_some(),
                _ => false,
            };
            assert!(known, "{word}: {facet} {value}");
        }
    }

    #[test]
    fn every_script_types_alike() {
        for word in ["raga", "ragam", "రాగం", "ರಾಗ", "രാഗം", "राग", "ராகம்"]
        {
            let key = link_key(&lipi::k1_joined(word));
            let tamil = lipi::script_of(word) == lipi::Script::Tamil;
            assert!(tamil || WORDS.typing(&key) == Some(Facet::Raga), "{word}");
            assert!(!tamil || WORDS.typing(&key) == Some(Facet::Raga), "{word} {key}");
        }
    }

    #[test]
    fn glides_after_consonants_are_one() {
        let key = |text: &str| link_key(&lipi::k1_joined(text));
        assert_eq!(key("Thiagaraja"), key("Tyagaraja"));
        assert_eq!(key("தியாகராஜ").len(), key("tyakarAja").len());
        assert_ne!(key("Bhairavi"), key("Bhairavam"));
    }
}
