//! The border between the façade and an engine: what is written, what is retrieved, and nothing else.
//!
//! Everything that decides what a text *means* and which hit is *better* lies on the façade's side, once:
//! analysis (`reading`), entity linking (`names`), planning (`plan`), evidence and order (`judge`),
//! fragments (`lyrics`), pages and phases (`answer`). An engine stores [`Indexed`] documents and answers
//! [`Request`]s; it folds nothing, knows no script and no statistics. Two engines that obey this page give
//! the same hits in the same order with the same counts:
//!
//! - every term is a whole folded key, compared byte by byte; no analyser of the engine sees a text;
//! - a document matches when any [`Clause`] matches. Its **primary** is the largest over the clauses that
//!   match of [`Clause::primary`]; without clauses every document matches with primary 0;
//! - order is primary (larger first), then the rank column (bytes, smaller first). Ranks are unique;
//! - filters narrow hits and the counts of every *other* facet, never their own;
//! - `strongest` and `partial` are told before filters, so that a filter never changes how a text is read.

use crate::Error;
use crate::document::Document;
pub use crate::fields::{Field, Indexed, RANK_BYTES, SCHEMA_VERSION, Stored, entity_of_rank};
use crate::query::{Facet, FacetCounts};
pub use crate::scan::scan;
use async_trait::async_trait;
use domain::EntityKind;
use lipi::Script;
use std::sync::Arc;
use std::time::Instant;

/// Answers requests about what was indexed. A backend is one; a fallback that cannot be written to is too.
#[async_trait]
pub trait Retriever: Send + Sync {
    /// The best candidates, the exact total and the counts.
    async fn retrieve(&self, request: Request) -> Result<Retrieved, Error>;
}

/// What an engine is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Kinds wanted; a document of another kind never matches, nor counts.
    pub kinds: Vec<EntityKind>,
    /// Alternatives; none at all matches everything.
    pub clauses: Vec<Clause>,
    /// Every one must hold.
    pub filters: Vec<Filter>,
    /// Facets to count, exactly.
    pub facets: Vec<Facet>,
    /// Order of the candidates.
    pub order: Order,
    /// Most candidates to give back.
    pub keep: usize,
    /// Give back only candidates behind this primary and rank.
    pub after: Option<(i64, Vec<u8>)>,
    /// Give back [`Stored::lyrics`] too; it is large, and left empty otherwise.
    pub lyrics: bool,
    /// What is gathered by then is the answer.
    pub deadline: Instant,
}

/// The order of candidates. Ties always go by rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By primary, then rank.
    Strength,
    /// By the rank in this script: primary is 0 where the document has one and −1 where it has none and
    /// the Latin rank stands in. For Latin the primary is 0.
    Title(Script),
    /// By [`Indexed::updated`], the newest first; it is the primary.
    Newest,
}

/// One way in which a document may match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// How much such a match is worth; larger is better, at most [`Clause::STRENGTH_MAX`].
    pub strength: u16,
    /// What must hold.
    pub matching: Match,
}

impl Clause {
    /// Largest strength.
    pub const STRENGTH_MAX: u16 = 1_000;
    /// Factor between strength and matched terms in a primary.
    pub const STEP: i64 = 1_024;

    /// The primary that a match by this clause gives: strength first, then how many terms of the
    /// [`Match::AtLeast`] inside matched (0 where there is none).
    pub const fn primary(strength: u16, matched_terms: usize) -> i64 {
        let matched = if matched_terms < 1_023 { matched_terms as i64 } else { 1_023 };
        strength as i64 * Self::STEP + matched
    }

    /// The strength inside a primary.
    pub const fn strength_of(primary: i64) -> u16 {
        (primary / Self::STEP) as u16
    }
}

/// A condition on a document. Nested at most three deep; [`Match::AtLeast`] appears once in a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// The field holds at least one of these terms.
    Any(Field, Vec<String>),
    /// The field holds a term that begins so.
    Begins(Field, String),
    /// The field holds at least `least` of these distinct terms; how many it holds adds to the primary.
    AtLeast {
        /// Where.
        field: Field,
        /// Distinct terms.
        terms: Vec<String>,
        /// Fewest that must be there, 1 or more.
        least: usize,
    },
    /// The column holds one of these values.
    Value(Column, Vec<String>),
    /// Every condition holds.
    All(Vec<Match>),
    /// One of the conditions holds.
    Either(Vec<Match>),
}

/// A column of values for filters and facets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// The values of a facet.
    Facet(Facet),
    /// The main raga alone.
    PrimaryRaga,
}

impl Column {
    /// The name of the column in every engine: `raga`, `primary_raga`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Facet(facet) => facet.as_str(),
            Self::PrimaryRaga => "primary_raga",
        }
    }
}

/// Values wanted in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The facet whose own counts this filter does not narrow.
    pub facet: Facet,
    /// The column that is looked at.
    pub column: Column,
    /// One of these; sorted and distinct.
    pub values: Vec<String>,
}

/// What an engine found.
#[derive(Clone, Debug, Default)]
pub struct Retrieved {
    /// The best candidates, in order.
    pub candidates: Vec<Candidate>,
    /// Documents that match and pass every filter.
    pub total: u64,
    /// Largest strength of a match before filters, in any order; 0 without clauses and where nothing matched.
    pub strongest: u16,
    /// Counts in the order asked, each sorted by count (larger first) and value, at most
    /// [`Facet::VALUES_MAX`] values.
    pub facets: Vec<FacetCounts>,
    /// The time ran out.
    pub partial: bool,
}

/// One document found.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The first part of the order.
    pub primary: i64,
    /// The second; its last bytes name the entity, see [`entity_of_rank`].
    pub rank: Vec<u8>,
    /// What was stored with the document; its lyrics are looked at where the request is for them.
    pub stored: Arc<Stored>,
}

/// What an engine writes for a document; see [`Indexed`].
pub fn indexed(document: &Document) -> Indexed {
    Indexed::of(document)
}
