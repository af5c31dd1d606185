//! From a reading of the text to a query of the engine.
//!
//! Each clause carries the strength of its class as a constant score and the strongest one that matches
//! counts, so the first order is by class and knows no statistics. A further reading of a text (linked
//! entities, lyrics) is a further clause.

use super::schema::Fields;
use crate::query::MatchClass;
use crate::rank::{Reading, without_final_m};
use ::tantivy::Term;
use ::tantivy::query::{
    BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, InvertedIndexRangeQuery, Occur, Query, TermQuery,
    TermSetQuery,
};
use ::tantivy::schema::{Field, IndexRecordOption};
use domain::EntityKind;
use lipi::Script;
use std::ops::Bound;

/// How far a text may be from what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Names that begin with it, or have a word that does.
    Beginnings,
    /// Titles that hold all of it.
    Whole,
    /// Titles that hold some of it: only where nothing holds all.
    Parts,
}

/// Strength of a class: larger is better, and a whole number that a score holds exactly.
pub(super) const fn strength(class: MatchClass) -> i64 {
    match class {
        MatchClass::Exact => 7,
        MatchClass::Prefix => 6,
        MatchClass::Extended => 5,
        MatchClass::AllTokens => 4,
        MatchClass::Coarse => 3,
        MatchClass::SomeTokens => 2,
        MatchClass::Listed => 0,
    }
}

/// The class of a strength.
pub(super) const fn class_of(strength: i64) -> MatchClass {
    match strength {
        7.. => MatchClass::Exact,
        6 => MatchClass::Prefix,
        5 => MatchClass::Extended,
        4 => MatchClass::AllTokens,
        3 => MatchClass::Coarse,
        1..=2 => MatchClass::SomeTokens,
        _ => MatchClass::Listed,
    }
}

/// Everything of these kinds that the reading finds; without a reading, everything of these kinds.
pub(super) fn query(
    fields: &Fields,
    kinds: &[EntityKind],
    reading: Option<(&Reading, Reach)>,
) -> Box<dyn Query> {
    let kinds = kinds.iter().map(|kind| Term::from_field_text(fields.kind, kind.as_str()));
    let of_kind: Box<dyn Query> = Box::new(ConstScoreQuery::new(Box::new(TermSetQuery::new(kinds)), 0.0));
    let Some((reading, reach)) = reading else { return of_kind };
    let matching: Box<dyn Query> = Box::new(DisjunctionMaxQuery::new(clauses(fields, reading, reach)));
    Box::new(BooleanQuery::new(vec![(Occur::Must, of_kind), (Occur::Must, matching)]))
}

fn clauses(fields: &Fields, reading: &Reading, reach: Reach) -> Vec<Box<dyn Query>> {
    let mut clauses = vec![
        tier(MatchClass::Exact, any_of(fields.joined, [&reading.joined, without_final_m(&reading.joined)])),
        tier(MatchClass::Prefix, begins_with(fields.joined, &reading.prefix)),
        tier(MatchClass::AllTokens, begins_with(fields.suffix, &reading.prefix)),
        tier(MatchClass::Exact, any_of(tamil(fields, reading), [&reading.coarse])),
        tier(MatchClass::Prefix, begins_with(tamil(fields, reading), &reading.coarse_prefix)),
    ];
    if reach == Reach::Beginnings {
        return clauses;
    }
    clauses.push(tier(MatchClass::AllTokens, all_words(fields, reading)));
    clauses.push(tier(MatchClass::Coarse, any_of(fields.coarse, [&reading.coarse])));
    if !reading.heads.is_empty() {
        clauses.push(tier(MatchClass::Extended, any_of(fields.joined, &reading.heads)));
    }
    if reach == Reach::Parts && reading.tokens.len() > 1 {
        clauses.push(tier(MatchClass::SomeTokens, some_words(fields, reading)));
    }
    clauses
}

/// A text in Tamil script is compared with every title on the coarse key, any other with those in Tamil.
fn tamil(fields: &Fields, reading: &Reading) -> Field {
    if reading.script == Script::Tamil { fields.coarse } else { fields.coarse_tamil }
}

fn tier(class: MatchClass, query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, strength(class) as f32))
}

fn any_of(field: Field, keys: impl IntoIterator<Item = impl AsRef<str>>) -> Box<dyn Query> {
    Box::new(TermSetQuery::new(keys.into_iter().map(|key| Term::from_field_text(field, key.as_ref()))))
}

fn is(field: Field, key: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, key), IndexRecordOption::Basic))
}

/// Keys are folded text, and no UTF-8 holds the byte 0xFF: it ends the range of a prefix.
fn begins_with(field: Field, prefix: &str) -> Box<dyn Query> {
    let from = Term::from_field_text(field, prefix);
    let mut to = from.clone();
    to.append_bytes(&[0xFF]);
    Box::new(InvertedIndexRangeQuery::new(Bound::Included(from), Bound::Excluded(to)))
}

/// Every word, the last one perhaps unfinished.
fn all_words(fields: &Fields, reading: &Reading) -> Box<dyn Query> {
    let last = reading.tokens.len() - 1;
    let words = reading.tokens.iter().enumerate().map(|(at, token)| {
        if at == last { begins_with(fields.word, &token.k1) } else { is(fields.word, &token.k1) }
    });
    Box::new(BooleanQuery::intersection(words.collect()))
}

/// At least half of the words.
fn some_words(fields: &Fields, reading: &Reading) -> Box<dyn Query> {
    let words: Vec<_> = reading.tokens.iter().map(|token| is(fields.word, &token.k1)).collect();
    let half = words.len().div_ceil(2);
    Box::new(BooleanQuery::union_with_minimum_required_clauses(words, half))
}
