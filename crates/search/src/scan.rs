//! The poorest engine: looks at every document it is given. For a handful that another store proposes, where
//! the index cannot be asked; it obeys the same page as the others.

use crate::document::Document;
use crate::engine::{Candidate, Clause, Column, Filter, Indexed, Match, Order, Request, Retrieved};
use crate::fields::Field;
use crate::query::{Facet, FacetCounts};
use lipi::Script;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Answers `request` from `documents` alone. `is_cut` says that there are more than were given.
pub fn scan(documents: &[Document], request: &Request, is_cut: bool) -> Retrieved {
    let mut found = Retrieved { partial: is_cut, ..Retrieved::default() };
    let mut counts: Vec<HashMap<String, u64>> = vec![HashMap::new(); request.facets.len()];
    for document in documents.iter().filter(|document| request.kinds.contains(&document.entity.kind)) {
        let one = Scanned::of(document);
        let Some(strength) = one.primary(&request.clauses) else { continue };
        found.strongest = found.strongest.max(Clause::strength_of(strength));
        let mut failed =
            request.filters.iter().filter(|filter| !one.passes(filter)).map(|filter| filter.facet);
        let (first, second) = (failed.next(), failed.next());
        if second.is_some() {
            continue;
        }
        for (facet, counts) in request.facets.iter().zip(&mut counts) {
            if first.is_none_or(|failed| failed == *facet) {
                one.values_of(*facet).for_each(|value| *counts.entry(value.to_owned()).or_default() += 1);
            }
        }
        if first.is_none() {
            found.total += 1;
            found.candidates.push(one.candidate(request, strength));
        }
    }
    let order = |one: &Candidate| (-one.primary, one.rank.clone());
    found.candidates.sort_by_cached_key(order);
    if let Some((primary, rank)) = &request.after {
        found.candidates.retain(|one| order(one) > (-primary, rank.clone()));
    }
    found.candidates.truncate(request.keep);
    found.facets = request.facets.iter().zip(counts).map(|(facet, counts)| counted(*facet, counts)).collect();
    found
}

fn counted(facet: Facet, counts: HashMap<String, u64>) -> FacetCounts {
    let mut values: Vec<(String, u64)> = counts.into_iter().collect();
    values.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values.truncate(Facet::VALUES_MAX);
    FacetCounts { facet, values }
}

struct Scanned {
    indexed: Indexed,
    terms: HashSet<(Field, String)>,
}

impl Scanned {
    fn of(document: &Document) -> Self {
        let mut indexed = Indexed::of(document);
        Self { terms: indexed.terms.drain(..).collect(), indexed }
    }

    /// None where no clause matches; 0 without clauses.
    fn primary(&self, clauses: &[Clause]) -> Option<i64> {
        if clauses.is_empty() {
            return Some(0);
        }
        let matched = clauses.iter().filter_map(|clause| {
            self.matched(&clause.matching).map(|terms| Clause::primary(clause.strength, terms))
        });
        matched.max()
    }

    /// How many terms of an `AtLeast` inside are there; none where the condition does not hold.
    fn matched(&self, matching: &Match) -> Option<usize> {
        let holds = |holds: bool| holds.then_some(0);
        match matching {
            Match::Any(field, terms) => holds(terms.iter().any(|term| self.has(*field, term))),
            Match::Begins(field, prefix) => {
                holds(self.terms.iter().any(|(its, term)| its == field && term.starts_with(prefix.as_str())))
            }
            Match::AtLeast { field, terms, least } => {
                let there = terms.iter().filter(|term| self.has(*field, term)).count();
                (there >= *least).then_some(there)
            }
            Match::Value(column, values) => holds(self.has_value(*column, values)),
            Match::All(all) => all.iter().map(|part| self.matched(part)).sum(),
            Match::Either(either) => holds(either.iter().any(|part| self.matched(part).is_some())),
        }
    }

    fn has(&self, field: Field, term: &str) -> bool {
        self.terms.contains(&(field, term.to_owned()))
    }

    fn has_value(&self, column: Column, values: &[String]) -> bool {
        self.indexed.values.iter().any(|(its, value)| *its == column && values.contains(value))
    }

    fn passes(&self, filter: &Filter) -> bool {
        self.has_value(filter.column, &filter.values)
    }

    fn values_of(&self, facet: Facet) -> impl Iterator<Item = &str> {
        let of_facet = move |(column, _): &&(Column, String)| *column == Column::Facet(facet);
        self.indexed.values.iter().filter(of_facet).map(|(_, value)| value.as_str())
    }

    fn candidate(self, request: &Request, strength: i64) -> Candidate {
        let Indexed { rank, ranks, updated, mut stored, .. } = self.indexed;
        let (primary, rank) = match request.order {
            Order::Strength => (strength, rank),
            Order::Newest => (updated, rank),
            Order::Title(Script::Latin) => (0, rank),
            Order::Title(script) => match ranks.into_iter().find(|(its, _)| *its == script) {
                Some((_, rank)) => (0, rank),
                None => (-1, rank),
            },
        };
        if !request.lyrics {
            stored.lyrics.clear();
        }
        Candidate { primary, rank, stored: Arc::new(stored) }
    }
}
