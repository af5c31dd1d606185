//! What every engine writes of a document: folded terms by field, values by column, and three stored texts.
//!
//! Keys are folded here and nowhere else, so the folding cannot differ between engines, nor between what is
//! stored and what is asked.

use crate::document::{Document, LyricSection, SwaraSection, TitleKind};
use crate::engine::Column;
use crate::query::Facet;
use crate::swaras;
use domain::{EntityKind, EntityRef};
use lipi::Script;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use uuid::Uuid;

/// Version of fields, columns and stored texts; part of the name of every index.
pub const SCHEMA_VERSION: u32 = 3;
/// Bytes of a sort key that decide the order.
const SORT_BYTES: usize = 32;
const KEY_BYTES: usize = 17;
/// Bytes of a rank: sort key, kind, id.
pub const RANK_BYTES: usize = SORT_BYTES + KEY_BYTES;
/// Most words of one title from which a text may start.
const SUFFIXES_MAX: usize = 24;
/// Letters of a piece of a title.
pub(crate) const TITLE_GRAM: usize = 3;
/// Letters of a piece of a lyric line: longer, for there are many more of them.
pub(crate) const LYRIC_GRAM: usize = 4;

/// The byte that stands for each kind in keys. A kind keeps its place for the life of a schema.
const KINDS: [EntityKind; 12] = [
    EntityKind::Composition,
    EntityKind::Raga,
    EntityKind::Tala,
    EntityKind::Composer,
    EntityKind::Deity,
    EntityKind::Temple,
    EntityKind::Place,
    EntityKind::Group,
    EntityKind::Tag,
    EntityKind::Sampradaya,
    EntityKind::Source,
    EntityKind::Rights,
];

/// Fields of folded keys. Each term is a whole key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// `k1` of each title, joined, with and without a final `m`.
    Joined,
    /// `k1` of each title from its second word on, from its third, and so on.
    Suffix,
    /// `k1` of each word of a title.
    Word,
    /// `k2` of each title, joined.
    Coarse,
    /// The same of titles in Tamil script, where it is the main key.
    CoarseTamil,
    /// Pieces of three letters of [`Field::Coarse`], the first one marked.
    TitleGram,
    /// Pieces of four letters of the `k2` of each section of the lyrics, never across sections.
    LyricGram,
    /// Runs of swaras, with and without their numbers; see `swaras`.
    Swaras,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 8] = [
        Self::Joined,
        Self::Suffix,
        Self::Word,
        Self::Coarse,
        Self::CoarseTamil,
        Self::TitleGram,
        Self::LyricGram,
        Self::Swaras,
    ];

    /// The name of the field in every engine.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Joined => "title_j",
            Self::Suffix => "title_suf",
            Self::Word => "title_k1",
            Self::Coarse => "title_j2",
            Self::CoarseTamil => "title_j2_tamil",
            Self::TitleGram => "title_tri",
            Self::LyricGram => "lyric_gram",
            Self::Swaras => "swara_tok",
        }
    }
}

/// A document as an engine writes it.
#[derive(Clone, Debug)]
pub struct Indexed {
    /// What it is about; replaces whatever there was of the same entity.
    pub entity: EntityRef,
    /// The newer one wins.
    pub version: u64,
    /// Title, kind and id in one value whose order is the order of ties.
    pub rank: Vec<u8>,
    /// The same by the title in another script, where the document has one.
    pub ranks: Vec<(Script, Vec<u8>)>,
    /// Microseconds since 1970: orders by newest.
    pub updated: i64,
    /// Distinct terms.
    pub terms: Vec<(Field, String)>,
    /// Distinct values.
    pub values: Vec<(Column, String)>,
    /// Given back with a candidate, as it is.
    pub stored: Stored,
}

/// Texts that come back with a candidate. Their form is the façade's affair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Folded titles and values, for judging: a line each, quick to read.
    pub keys: String,
    /// Folded lyrics, a line for each section.
    pub lyrics: String,
    /// What a hit shows, in JSON.
    pub shown: String,
}

/// What a hit shows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Shown {
    #[serde(rename = "u")]
    pub(crate) slug: String,
    #[serde(rename = "t")]
    pub(crate) titles: Vec<ShownTitle>,
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lyrics: Vec<LyricSection>,
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) swaras: Vec<SwaraSection>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ShownTitle {
    #[serde(rename = "t")]
    pub(crate) text: String,
    #[serde(rename = "s")]
    pub(crate) script: Script,
    #[serde(rename = "k")]
    pub(crate) kind: TitleKind,
}

impl Indexed {
    /// Folds a document.
    pub fn of(document: &Document) -> Self {
        let titles = folded_titles(document);
        let values = values(document);
        let lyrics: Vec<String> = document.lyrics.iter().map(|section| lyric_key(&section.lines)).collect();
        let mut terms = Vec::new();
        titles.iter().for_each(|title| add_title(&mut terms, title));
        lyrics.iter().for_each(|key| add_grams(&mut terms, Field::LyricGram, key, LYRIC_GRAM));
        let sung = document.swaras.iter().flat_map(|section| swaras::terms(&section.rows));
        terms.extend(sung.map(|run| (Field::Swaras, run)));
        Self {
            entity: document.entity,
            version: document.version,
            rank: rank(&document.sort_title, document.entity),
            ranks: document
                .sort_titles
                .iter()
                .map(|(script, key)| (*script, rank(key, document.entity)))
                .collect(),
            updated: document.updated_at.timestamp_micros(),
            terms: distinct(terms),
            stored: Stored {
                keys: keys(&titles, &values, document),
                lyrics: lyrics.join("\n"),
                shown: shown(document),
            },
            values,
        }
    }
}

/// One distinct key of the titles.
struct Folded {
    joined: String,
    coarse: String,
    words: Vec<String>,
    /// Joined keys from the second word on, from the third, and so on; of every title with this key.
    suffixes: Vec<String>,
    kind: TitleKind,
    is_tamil: bool,
    /// Places in the list of titles, with the script of each.
    at: Vec<(usize, Script)>,
}

fn folded_titles(document: &Document) -> Vec<Folded> {
    let mut all: Vec<Folded> = Vec::new();
    for (at, title) in document.titles.iter().enumerate() {
        let words = lipi::k1_tokens(&title.text, None);
        let joined = lipi::k1_of_tokens(&words);
        let is_tamil = title.script == Script::Tamil;
        if joined.is_empty() {
            continue;
        }
        let suffixes = (1..words.len().min(SUFFIXES_MAX + 1)).map(|from| lipi::k1_of_tokens(&words[from..]));
        match all.iter_mut().find(|known| known.joined == joined && known.is_tamil == is_tamil) {
            Some(known) => {
                known.kind = known.kind.min(title.kind);
                known.at.push((at, title.script));
                known.suffixes.extend(suffixes);
            }
            None => all.push(Folded {
                coarse: lipi::k2_of_k1(&joined),
                suffixes: suffixes.collect(),
                words: words.into_iter().map(|word| word.k1).collect(),
                kind: title.kind,
                is_tamil,
                at: vec![(at, title.script)],
                joined,
            }),
        }
    }
    all
}

fn add_title(terms: &mut Vec<(Field, String)>, title: &Folded) {
    terms.push((Field::Joined, title.joined.clone()));
    terms.push((Field::Joined, without_final_m(&title.joined).to_owned()));
    terms.push((Field::Coarse, title.coarse.clone()));
    if title.is_tamil {
        terms.push((Field::CoarseTamil, title.coarse.clone()));
    }
    terms.extend(title.words.iter().map(|word| (Field::Word, word.clone())));
    terms.extend(title.suffixes.iter().map(|suffix| (Field::Suffix, suffix.clone())));
    add_grams(terms, Field::TitleGram, &format!("^{}", title.coarse), TITLE_GRAM);
}

fn add_grams(terms: &mut Vec<(Field, String)>, field: Field, key: &str, letters: usize) {
    terms.extend(windows(key, letters).map(|gram| (field, gram.to_owned())));
}

fn distinct<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort_unstable();
    all.dedup();
    all
}

/// Pieces of a coarse title; the beginning counts as a letter, so that it weighs a little more.
pub(crate) fn title_grams(coarse: &str) -> Vec<String> {
    grams(&format!("^{coarse}"), TITLE_GRAM)
}

/// Distinct pieces of `letters` letters, in order.
pub(crate) fn grams(key: &str, letters: usize) -> Vec<String> {
    let mut seen = BTreeSet::new();
    windows(key, letters).filter(|gram| seen.insert(*gram)).map(str::to_owned).collect()
}

/// Every piece of `letters` letters.
fn windows(key: &str, letters: usize) -> impl Iterator<Item = &str> {
    let ends = key.char_indices().map(|(at, _)| at).chain([key.len()]).skip(letters);
    key.char_indices().zip(ends).map(|((from, _), to)| &key[from..to])
}

/// `k2` of the lines of a section, without a border between lines: a fragment may run on.
pub(crate) fn lyric_key(lines: &[String]) -> String {
    let mut key = String::new();
    for line in lines {
        for word in lipi::k1_tokens(line, None) {
            push_coarse(&mut key, &word.k1);
        }
    }
    key
}

/// Adds the coarse key of a word; letters that meet at a joint and are equal become one.
pub(crate) fn push_coarse(key: &mut String, k1: &str) {
    for letter in lipi::k2_of_k1(k1).chars() {
        if !key.ends_with(letter) {
            key.push(letter);
        }
    }
}

/// A key without the final `m` or `mu` that one spelling of a title has and another has not.
pub(crate) fn without_final_m(key: &str) -> &str {
    let bare = key.strip_suffix("mu").or_else(|| key.strip_suffix('m')).unwrap_or(key);
    if bare.len() >= 4 { bare } else { key }
}

fn values(document: &Document) -> Vec<(Column, String)> {
    let mut all = BTreeSet::new();
    for facet in Facet::ALL {
        all.extend(facet_values(facet, document).into_iter().map(|value| (Column::Facet(facet), value)));
    }
    all.extend(document.primary_raga.map(|raga| (Column::PrimaryRaga, raga.to_string())));
    all.into_iter().collect()
}

fn facet_values(facet: Facet, document: &Document) -> Vec<String> {
    let ids = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect();
    match facet {
        Facet::Raga => ids(&document.ragas),
        Facet::Mela => document.melas.iter().map(u8::to_string).collect(),
        Facet::Composer => document.composer.iter().map(Uuid::to_string).collect(),
        Facet::Tala => ids(&document.talas),
        Facet::Language => document.languages.clone(),
        Facet::Form => document.form.iter().cloned().collect(),
        Facet::Deity => ids(&document.deities),
        Facet::Temple => ids(&document.temples),
        Facet::Tag => ids(&document.tags),
        Facet::Group => ids(&document.groups),
    }
}

/// `t KIND TAMIL PLACES JOINED COARSE WORDS…`, a line each; then `v COLUMN VALUE`, then `p PRIOR`.
fn keys(titles: &[Folded], values: &[(Column, String)], document: &Document) -> String {
    let mut out = String::new();
    for title in titles {
        let places: Vec<String> =
            title.at.iter().map(|(at, script)| format!("{at}:{}", script.as_str())).collect();
        let _ = writeln!(
            out,
            "t {} {} {} {} {} {}",
            title.kind.field(),
            u8::from(title.is_tamil),
            places.join(","),
            title.joined,
            title.coarse,
            title.words.join(" ")
        );
    }
    for (column, value) in values {
        let _ = writeln!(out, "v {} {value}", column.as_str());
    }
    let _ = writeln!(out, "p {}", prior(document));
    out
}

/// A small advantage inside a class for what is sought often; at most 15 of a score of 1,000.
fn prior(document: &Document) -> u32 {
    (u32::BITS - document.popularity.leading_zeros()).min(15)
}

fn shown(document: &Document) -> String {
    let shown = Shown {
        slug: document.slug.clone(),
        titles: document
            .titles
            .iter()
            .map(|title| ShownTitle { text: title.text.clone(), script: title.script, kind: title.kind })
            .collect(),
        lyrics: document.lyrics.clone(),
        swaras: document.swaras.clone(),
    };
    serde_json::to_string(&shown).unwrap_or_default()
}

/// The key of an entity: kind, then id.
pub(crate) fn key(entity: EntityRef) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[0] = KINDS.iter().position(|kind| *kind == entity.kind).map_or(u8::MAX, |at| at as u8);
    key[1..].copy_from_slice(entity.id.as_bytes());
    key
}

/// Title, then kind and id, in one value whose order is the order of ties: the same in every engine.
pub(crate) fn rank(sort_title: &[u8], entity: EntityRef) -> Vec<u8> {
    let mut rank = vec![0; RANK_BYTES];
    let kept = sort_title.len().min(SORT_BYTES);
    rank[..kept].copy_from_slice(&sort_title[..kept]);
    rank[SORT_BYTES..].copy_from_slice(&key(entity));
    rank
}

/// The entity that a rank ends with.
pub fn entity_of_rank(rank: &[u8]) -> Option<EntityRef> {
    let key = rank.get(SORT_BYTES..RANK_BYTES)?;
    let kind = *KINDS.get(usize::from(key[0]))?;
    Some(EntityRef { kind, id: Uuid::from_slice(&key[1..]).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_key_and_comes_back_from_a_rank() {
        for kind in EntityKind::ALL {
            let entity = EntityRef { kind, id: Uuid::now_v7() };
            let rank = rank(b"a title that is much longer than the sort key", entity);
            assert_eq!(entity_of_rank(&rank), Some(entity));
        }
        assert_eq!(entity_of_rank(&[0; 3]), None);
    }

    #[test]
    fn grams_are_distinct_and_never_cut_a_letter() {
        assert_eq!(title_grams("rama"), ["^ra", "ram", "ama"]);
        assert_eq!(grams("aaaa", 3), ["aaa"]);
        assert_eq!(grams("ab", 3), [""; 0]);
        assert_eq!(grams("aéb", 3), ["aéb"]);
    }
}
