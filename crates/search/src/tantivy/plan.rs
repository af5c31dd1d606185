//! From a request of the façade to a query of Tantivy. Nothing is decided here.
//!
//! A clause scores its strength times [`Clause::STEP`], and one for each term of an `AtLeast` that is there;
//! the largest counts. Scores are whole numbers that 32 bits hold exactly.

use super::schema::Fields;
use crate::engine::{Clause, Column, Match};
use crate::fields::Field as Keys;
use ::tantivy::Term;
use ::tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, InvertedIndexRangeQuery, Occur, Query,
    TermQuery, TermSetQuery,
};
use ::tantivy::schema::{Field, IndexRecordOption};
use domain::EntityKind;
use std::ops::Bound;

/// From so many terms on one automaton is cheaper than a query for each.
const TERM_SET_MIN: usize = 6;

/// Everything of these kinds that a clause matches; without clauses, everything of these kinds.
pub(super) fn query(fields: &Fields, kinds: &[EntityKind], clauses: &[Clause]) -> Box<dyn Query> {
    let kinds = kinds.iter().map(|kind| Term::from_field_text(fields.kind, kind.as_str()));
    let of_kind: Box<dyn Query> = worth(Box::new(TermSetQuery::new(kinds)), 0.0);
    if clauses.is_empty() {
        return of_kind;
    }
    let matching = clauses.iter().map(|clause| scored(fields, clause)).collect();
    let matching: Box<dyn Query> = Box::new(DisjunctionMaxQuery::new(matching));
    Box::new(BooleanQuery::new(vec![(Occur::Must, of_kind), (Occur::Must, matching)]))
}

fn scored(fields: &Fields, clause: &Clause) -> Box<dyn Query> {
    let strength = Clause::primary(clause.strength, 0) as f32;
    if !counts(&clause.matching) {
        return worth(condition(fields, &clause.matching), strength);
    }
    let base = worth(Box::new(AllQuery), strength);
    Box::new(BooleanQuery::new(vec![(Occur::Must, condition(fields, &clause.matching)), (Occur::Must, base)]))
}

/// Whether how much of it matches adds to the score.
fn counts(matching: &Match) -> bool {
    match matching {
        Match::AtLeast { .. } => true,
        Match::All(all) => all.iter().any(counts),
        _ => false,
    }
}

/// Scores the number of matched terms of an `AtLeast`, and 0 anywhere else.
fn condition(fields: &Fields, matching: &Match) -> Box<dyn Query> {
    match matching {
        Match::Any(field, terms) => any_of(fields.keys(*field), terms),
        Match::Begins(field, prefix) => worth(begins_with(fields.keys(*field), prefix), 0.0),
        Match::Value(Column::Facet(facet), values) => any_of(fields.facet(*facet), values),
        Match::Value(Column::PrimaryRaga, values) => any_of(fields.primary_raga, values),
        Match::All(all) => {
            let parts = all.iter().map(|part| (Occur::Must, condition(fields, part)));
            Box::new(BooleanQuery::new(parts.collect()))
        }
        Match::Either(either) => {
            let parts = either.iter().map(|part| condition(fields, part)).collect();
            worth(Box::new(BooleanQuery::union(parts)), 0.0)
        }
        Match::AtLeast { field, terms, least } => at_least(fields, *field, terms, *least),
    }
}

fn at_least(fields: &Fields, field: Keys, terms: &[String], least: usize) -> Box<dyn Query> {
    let each = terms.iter().map(|term| worth(is(fields.keys(field), term), 1.0)).collect();
    Box::new(BooleanQuery::union_with_minimum_required_clauses(each, least))
}

fn worth(query: Box<dyn Query>, score: f32) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, score))
}

fn any_of(field: Field, terms: &[String]) -> Box<dyn Query> {
    let found: Box<dyn Query> = match terms {
        [one] => is(field, one),
        few if few.len() < TERM_SET_MIN => {
            Box::new(BooleanQuery::union(few.iter().map(|term| is(field, term)).collect()))
        }
        many => Box::new(TermSetQuery::new(many.iter().map(|term| Term::from_field_text(field, term)))),
    };
    worth(found, 0.0)
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
