//! The façade's fields and columns as Tantivy's, and a document as one of Tantivy's.
//!
//! Keys are indexed as whole terms: no tokenizer of the engine ever sees a text. Columns serve filters and
//! counts, and are terms as well, for readings that name an entity.

use crate::engine::{Column, Indexed, Stored};
use crate::fields::{Field as Keys, key, rank};
pub(super) use crate::fields::{SCHEMA_VERSION, entity_of_rank};
use crate::query::Facet;
use ::tantivy::TantivyDocument;
use ::tantivy::Term;
use ::tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value,
};
use domain::EntityRef;
use lipi::Script;

/// Columns.
pub(super) const RANK: &str = "rank";
pub(super) const VERSION: &str = "version";
pub(super) const DIGEST: &str = "digest";
pub(super) const LIVE: &str = "live";
pub(super) const UPDATED: &str = "updated";

/// Scripts other than Latin in whose alphabet titles are sorted.
pub(super) const RANKED: [Script; 5] =
    [Script::Devanagari, Script::Tamil, Script::Telugu, Script::Kannada, Script::Malayalam];

/// The name of the column of ranks in a script; none where titles are not sorted in it.
pub(super) fn rank_column(script: Script) -> Option<String> {
    RANKED.contains(&script).then(|| format!("{RANK}_{script}"))
}

/// The fields by name.
#[derive(Clone)]
pub(super) struct Fields {
    pub(super) schema: Schema,
    /// Kind and id: what a change replaces.
    key: Field,
    /// Kind of a document that can be found; a tombstone has none, so that no query meets it.
    pub(super) kind: Field,
    keys: [Field; Keys::ALL.len()],
    facets: [Field; Facet::ALL.len()],
    pub(super) primary_raga: Field,
    rank: Field,
    ranks: [Field; RANKED.len()],
    version: Field,
    digest: Field,
    live: Field,
    updated: Field,
    stored_keys: Field,
    stored_lyrics: Field,
    stored_shown: Field,
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut builder = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic);
        let term = TextOptions::default().set_indexing_options(indexing);
        let column = term.clone().set_fast("raw");
        let bytes = BytesOptions::default();
        let rank = bytes.clone().set_fast();
        Self {
            key: builder.add_bytes_field("key", bytes.set_indexed()),
            kind: builder.add_text_field("kind", term.clone()),
            keys: Keys::ALL.map(|field| builder.add_text_field(field.as_str(), term.clone())),
            facets: Facet::ALL.map(|facet| builder.add_text_field(facet.as_str(), column.clone())),
            primary_raga: builder.add_text_field(Column::PrimaryRaga.as_str(), column),
            rank: builder.add_bytes_field(RANK, rank.clone()),
            ranks: RANKED.map(|script| builder.add_bytes_field(&format!("{RANK}_{script}"), rank.clone())),
            version: builder.add_u64_field(VERSION, FAST),
            digest: builder.add_u64_field(DIGEST, FAST),
            live: builder.add_u64_field(LIVE, FAST),
            updated: builder.add_i64_field(UPDATED, FAST),
            stored_keys: builder.add_text_field("stored_keys", STORED),
            stored_lyrics: builder.add_text_field("stored_lyrics", STORED),
            stored_shown: builder.add_text_field("stored_shown", STORED),
            schema: builder.build(),
        }
    }

    pub(super) fn keys(&self, field: Keys) -> Field {
        let at = Keys::ALL.iter().position(|known| *known == field).unwrap_or_default();
        self.keys[at]
    }

    pub(super) fn facet(&self, facet: Facet) -> Field {
        let at = Facet::ALL.iter().position(|known| *known == facet).unwrap_or_default();
        self.facets[at]
    }

    pub(super) fn key_term(&self, entity: EntityRef) -> Term {
        Term::from_field_bytes(self.key, &key(entity))
    }

    pub(super) fn tombstone(&self, entity: EntityRef, version: u64) -> TantivyDocument {
        self.core(entity, version, 0, &rank(&[], entity))
    }

    pub(super) fn document(&self, document: &Indexed, digest: u64) -> TantivyDocument {
        let mut out = self.core(document.entity, document.version, digest, &document.rank);
        out.add_u64(self.live, 1);
        out.add_text(self.kind, document.entity.kind.as_str());
        out.add_i64(self.updated, document.updated);
        for (script, rank) in &document.ranks {
            if let Some(at) = RANKED.iter().position(|known| known == script) {
                out.add_bytes(self.ranks[at], rank);
            }
        }
        document.terms.iter().for_each(|(field, term)| out.add_text(self.keys(*field), term));
        for (column, value) in &document.values {
            let field = match column {
                Column::Facet(facet) => self.facet(*facet),
                Column::PrimaryRaga => self.primary_raga,
            };
            out.add_text(field, value);
        }
        out.add_text(self.stored_keys, &document.stored.keys);
        if !document.stored.lyrics.is_empty() {
            out.add_text(self.stored_lyrics, &document.stored.lyrics);
        }
        out.add_text(self.stored_shown, &document.stored.shown);
        out
    }

    fn core(&self, entity: EntityRef, version: u64, digest: u64, rank: &[u8]) -> TantivyDocument {
        let mut out = TantivyDocument::new();
        out.add_bytes(self.key, &key(entity));
        out.add_bytes(self.rank, rank);
        out.add_u64(self.version, version);
        out.add_u64(self.digest, digest);
        out
    }

    /// What was stored with a found document.
    pub(super) fn stored(&self, document: &TantivyDocument) -> Option<Stored> {
        let text = |field| Some(document.get_first(field)?.as_str()?.to_owned());
        Some(Stored {
            keys: text(self.stored_keys)?,
            lyrics: text(self.stored_lyrics).unwrap_or_default(),
            shown: text(self.stored_shown)?,
        })
    }
}
