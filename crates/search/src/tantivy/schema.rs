//! Fields of the index, and how a document becomes one of Tantivy's.
//!
//! Keys are folded here and indexed as whole terms: no tokenizer of the engine ever sees a text, so the
//! folding cannot differ between what is stored and what is asked. Facets and filters live in columns
//! alone. Lyrics would be one more field of this kind, with positions.

use crate::document::Document;
use crate::query::Facet;
use crate::rank::{Folded, without_final_m};
use ::tantivy::TantivyDocument;
use ::tantivy::Term;
use ::tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions,
};
use domain::{EntityKind, EntityRef};
use lipi::Script;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Version of the fields; part of the name of an index.
pub(super) const SCHEMA_VERSION: u32 = 1;
/// Bytes of the sort key that decide the order.
const SORT_BYTES: usize = 32;
/// Bytes of a rank: sort key, kind, id.
pub(super) const RANK_BYTES: usize = SORT_BYTES + KEY_BYTES;
const KEY_BYTES: usize = 17;
/// Most words of one title from which a text may start.
const SUFFIXES_MAX: usize = 24;

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

/// Columns.
pub(super) const RANK: &str = "rank";
pub(super) const VERSION: &str = "version";
pub(super) const DIGEST: &str = "digest";
pub(super) const LIVE: &str = "live";
pub(super) const UPDATED: &str = "updated";
pub(super) const PRIMARY_RAGA: &str = "primary_raga";

/// The fields by name.
#[derive(Clone)]
pub(super) struct Fields {
    pub(super) schema: Schema,
    /// Kind and id: what a change replaces.
    pub(super) key: Field,
    /// Kind of a document that can be found; a tombstone has none, so that no query meets it.
    pub(super) kind: Field,
    /// `k1` of each title, joined, with and without a final `m`.
    pub(super) joined: Field,
    /// `k1` of each title from its second word on, from its third, and so on.
    pub(super) suffix: Field,
    /// `k1` of each word.
    pub(super) word: Field,
    /// `k2` of each title, joined.
    pub(super) coarse: Field,
    /// The same of titles in Tamil script, where it is the main key.
    pub(super) coarse_tamil: Field,
    rank: Field,
    version: Field,
    digest: Field,
    live: Field,
    updated: Field,
    primary_raga: Field,
    facets: [Field; Facet::ALL.len()],
    stored: Field,
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut builder = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic);
        let term = TextOptions::default().set_indexing_options(indexing);
        let column = TextOptions::default().set_fast("raw");
        let bytes = BytesOptions::default();
        Self {
            key: builder.add_bytes_field("key", bytes.clone().set_indexed()),
            kind: builder.add_text_field("kind", term.clone()),
            joined: builder.add_text_field("title_j", term.clone()),
            suffix: builder.add_text_field("title_suf", term.clone()),
            word: builder.add_text_field("title_k1", term.clone()),
            coarse: builder.add_text_field("title_j2", term.clone()),
            coarse_tamil: builder.add_text_field("title_j2_tamil", term),
            rank: builder.add_bytes_field(RANK, bytes.set_fast()),
            version: builder.add_u64_field(VERSION, FAST),
            digest: builder.add_u64_field(DIGEST, FAST),
            live: builder.add_u64_field(LIVE, FAST),
            updated: builder.add_i64_field(UPDATED, FAST),
            primary_raga: builder.add_text_field(PRIMARY_RAGA, column.clone()),
            facets: Facet::ALL.map(|facet| builder.add_text_field(facet.as_str(), column.clone())),
            stored: builder.add_bytes_field("stored", STORED),
            schema: builder.build(),
        }
    }

    pub(super) fn key_term(&self, entity: EntityRef) -> Term {
        Term::from_field_bytes(self.key, &key(entity))
    }

    pub(super) fn tombstone(&self, entity: EntityRef, version: u64) -> TantivyDocument {
        self.core(entity, version, 0, &[])
    }

    pub(super) fn document(&self, document: &Document, digest: u64) -> TantivyDocument {
        let mut out = self.core(document.entity, document.version, digest, &document.sort_title);
        out.add_u64(self.live, 1);
        out.add_text(self.kind, document.entity.kind.as_str());
        out.add_i64(self.updated, document.updated_at.timestamp_micros());
        let titles: Vec<Folded> = document.titles.iter().map(Folded::of).collect();
        self.add_titles(&mut out, &titles);
        self.add_facets(&mut out, document);
        let stored = Stored { slug: document.slug.clone(), titles };
        out.add_bytes(self.stored, &serde_json::to_vec(&stored).unwrap_or_default());
        out
    }

    fn core(&self, entity: EntityRef, version: u64, digest: u64, sort_title: &[u8]) -> TantivyDocument {
        let mut out = TantivyDocument::new();
        out.add_bytes(self.key, &key(entity));
        out.add_bytes(self.rank, &rank(sort_title, entity));
        out.add_u64(self.version, version);
        out.add_u64(self.digest, digest);
        out
    }

    fn add_titles(&self, out: &mut TantivyDocument, titles: &[Folded]) {
        let mut terms: BTreeSet<(Field, String)> = BTreeSet::new();
        for title in titles.iter().filter(|title| !title.joined.is_empty()) {
            terms.insert((self.joined, title.joined.clone()));
            terms.insert((self.joined, without_final_m(&title.joined).to_owned()));
            terms.insert((self.coarse, title.coarse.clone()));
            if title.script == Script::Tamil {
                terms.insert((self.coarse_tamil, title.coarse.clone()));
            }
            terms.extend(title.words.iter().map(|word| (self.word, word.clone())));
            let starts = lipi::k1_tokens(&title.text, None).into_iter().skip(1).take(SUFFIXES_MAX);
            terms.extend(starts.map(|word| (self.suffix, lipi::k1_joined(&title.text[word.bytes.start..]))));
        }
        terms.iter().for_each(|(field, term)| out.add_text(*field, term));
    }

    fn add_facets(&self, out: &mut TantivyDocument, document: &Document) {
        for (facet, field) in Facet::ALL.into_iter().zip(self.facets) {
            let values: BTreeSet<String> = facet_values(facet, document).into_iter().collect();
            values.iter().for_each(|value| out.add_text(field, value));
        }
        if let Some(raga) = document.primary_raga {
            out.add_text(self.primary_raga, raga.to_string());
        }
    }

    /// What a found document shows.
    pub(super) fn stored(&self, document: &TantivyDocument) -> Option<Stored> {
        use ::tantivy::schema::Value;
        serde_json::from_slice(document.get_first(self.stored)?.as_bytes()?).ok()
    }
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

/// What a hit needs beside its keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(rename = "u")]
    pub(super) slug: String,
    #[serde(rename = "t")]
    pub(super) titles: Vec<Folded>,
}

fn key(entity: EntityRef) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[0] = KINDS.iter().position(|kind| *kind == entity.kind).map_or(u8::MAX, |at| at as u8);
    key[1..].copy_from_slice(entity.id.as_bytes());
    key
}

/// Title, then id, in one value whose order is the order of ties: the same in every segment and node.
fn rank(sort_title: &[u8], entity: EntityRef) -> [u8; RANK_BYTES] {
    let mut rank = [0; RANK_BYTES];
    let kept = sort_title.len().min(SORT_BYTES);
    rank[..kept].copy_from_slice(&sort_title[..kept]);
    rank[SORT_BYTES..].copy_from_slice(&key(entity));
    rank
}

/// The entity that a rank ends with.
pub(super) fn entity_of_rank(rank: &[u8]) -> Option<EntityRef> {
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
            assert_eq!(
                entity_of_rank(&rank(b"a title that is much longer than the sort key", entity)),
                Some(entity)
            );
        }
        assert_eq!(entity_of_rank(&[0; 3]), None);
    }
}
