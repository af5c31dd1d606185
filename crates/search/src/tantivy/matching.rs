//! What the clauses of a request match in one segment. Nothing is decided here.
//!
//! Clauses are looked at from the strongest to the weakest, so that a document is met once, with its primary
//! (see [`crate::engine`]). A condition becomes a [`Set`] of documents straight from the lists of the index:
//! there are no scores, and no order by documents, that a general query would have to keep.

use super::rows::Rows;
use super::schema::Fields;
use super::sets::{Scratch, Set};
use crate::engine::{Clause, Column, Match};
use ::tantivy::index::{InvertedIndexReader, SegmentReader};
use ::tantivy::postings::{BlockSegmentPostings, TermInfo};
use ::tantivy::schema::{Field, IndexRecordOption};
use ::tantivy::{DocId, DocSet as _, TERMINATED};
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Terms between two looks at the clock.
const TERMS_PER_LOOK: usize = 1_024;

/// One segment that is asked.
pub(super) struct Matcher<'a> {
    pub(super) fields: &'a Fields,
    pub(super) segment: &'a SegmentReader,
    pub(super) rows: &'a Rows,
    pub(super) scratch: &'a mut Scratch,
    pub(super) deadline: Instant,
    /// The time ran out; what was found by then is told.
    pub(super) late: bool,
}

impl Matcher<'_> {
    /// Tells every document that a clause matches, once, with its primary; the strongest first. Ends when it
    /// is told to, by `false`.
    pub(super) fn each(
        &mut self,
        clauses: &[Clause],
        mut tell: impl FnMut(DocId, i64, &mut Scratch) -> bool,
    ) -> ::tantivy::Result<()> {
        let documents = self.segment.max_doc();
        self.scratch.reserve(documents);
        let mut strengths: Vec<u16> = clauses.iter().map(|clause| clause.strength).collect();
        strengths.sort_unstable_by(|a, b| b.cmp(a));
        strengths.dedup();
        let mut seen = self.scratch.set(documents);
        for strength in strengths {
            let of_strength = clauses.iter().filter(|clause| clause.strength == strength);
            let (found, counted) = self.of_strength(of_strength, &seen)?;
            seen.unite(&found);
            let mut goes_on = true;
            for doc in found.iter() {
                let most = if counted { std::mem::take(&mut self.scratch.most[doc as usize]) } else { 0 };
                goes_on = goes_on && tell(doc, Clause::primary(strength, usize::from(most)), self.scratch);
            }
            self.scratch.give_back(found);
            self.late |= !goes_on;
            if self.late {
                break;
            }
        }
        self.scratch.give_back(seen);
        Ok(())
    }

    /// What clauses of one strength match beside what stronger ones did, and whether terms were counted.
    fn of_strength<'c>(
        &mut self,
        clauses: impl Iterator<Item = &'c Clause>,
        seen: &Set,
    ) -> ::tantivy::Result<(Set, bool)> {
        let mut all = self.scratch.set(self.segment.max_doc());
        let mut counted = false;
        for clause in clauses {
            let mut found = self.scratch.set(self.segment.max_doc());
            if !self.is_late() {
                self.add(&clause.matching, &mut found)?;
            }
            found.remove(seen);
            if counts(&clause.matching) {
                counted = true;
                for doc in found.iter() {
                    let most = &mut self.scratch.most[doc as usize];
                    *most = (*most).max(self.scratch.terms[doc as usize]);
                }
                self.scratch.terms[..self.segment.max_doc() as usize].fill(0);
            }
            all.unite(&found);
            self.scratch.give_back(found);
        }
        Ok((all, counted))
    }

    /// Adds what meets a condition.
    fn add(&mut self, matching: &Match, into: &mut Set) -> ::tantivy::Result<()> {
        match matching {
            Match::Any(field, terms) => self.any(self.fields.keys(*field), terms, into),
            Match::Begins(field, prefix) => self.begins(self.fields.keys(*field), prefix, into),
            Match::Value(Column::Facet(facet), values) => self.any(self.fields.facet(*facet), values, into),
            Match::Value(Column::PrimaryRaga, values) => self.any(self.fields.primary_raga, values, into),
            Match::All(all) => self.all(all, into),
            Match::Either(either) => either.iter().try_for_each(|part| self.add(part, into)),
            Match::AtLeast { field, terms, least } => {
                self.at_least(self.fields.keys(*field), terms, *least, into)
            }
        }
    }

    fn all(&mut self, parts: &[Match], into: &mut Set) -> ::tantivy::Result<()> {
        let documents = self.segment.max_doc();
        let mut both: Option<Set> = None;
        for part in parts {
            if both.as_ref().is_some_and(Set::is_empty) {
                break;
            }
            let mut found = self.scratch.set(documents);
            self.add(part, &mut found)?;
            both = Some(match both {
                None => found,
                Some(mut both) => {
                    both.intersect(&found);
                    self.scratch.give_back(found);
                    both
                }
            });
        }
        if let Some(both) = both {
            into.unite(&both);
            self.scratch.give_back(both);
        }
        Ok(())
    }

    fn any(&self, field: Field, terms: &[String], into: &mut Set) -> ::tantivy::Result<()> {
        let mut lists = Lists::of(self.segment, field)?;
        for term in terms {
            lists.term(term, |docs| docs.iter().for_each(|doc| into.insert(*doc)))?;
        }
        Ok(())
    }

    /// What begins with a letter or two is asked for with every first letter that somebody types.
    fn begins(&mut self, field: Field, prefix: &str, into: &mut Set) -> ::tantivy::Result<()> {
        if !self.rows.remembers(prefix) {
            return self.all_that_begins(field, prefix, into);
        }
        if let Some(known) = self.rows.beginning(field, prefix) {
            known.iter().for_each(|doc| into.insert(*doc));
            return Ok(());
        }
        let mut found = self.scratch.set(self.segment.max_doc());
        self.all_that_begins(field, prefix, &mut found)?;
        into.unite(&found);
        if !self.late {
            self.rows.remember(field, prefix, found.iter().collect());
        }
        self.scratch.give_back(found);
        Ok(())
    }

    /// Keys are folded text, and no UTF-8 holds the byte 0xFF: it ends the range of a prefix.
    fn all_that_begins(&mut self, field: Field, prefix: &str, into: &mut Set) -> ::tantivy::Result<()> {
        let mut lists = Lists::of(self.segment, field)?;
        let index = Arc::clone(&lists.index);
        let behind = [prefix.as_bytes(), &[0xFF]].concat();
        let mut terms = index.terms().range().ge(prefix).lt(&behind).into_stream()?;
        let mut looked = 0;
        while terms.advance() {
            lists.list(terms.value(), |docs| docs.iter().for_each(|doc| into.insert(*doc)))?;
            looked += 1;
            if looked % TERMS_PER_LOOK == 0 && self.is_late() {
                break;
            }
        }
        Ok(())
    }

    /// Counts the terms of every document; what has enough of them keeps its count.
    fn at_least(
        &mut self,
        field: Field,
        terms: &[String],
        least: usize,
        into: &mut Set,
    ) -> ::tantivy::Result<()> {
        let mut lists = Lists::of(self.segment, field)?;
        for term in terms {
            let counts = &mut self.scratch.terms;
            lists.term(term, |docs| {
                for doc in docs {
                    if let Some(count) = counts.get_mut(*doc as usize) {
                        *count += 1;
                    }
                }
            })?;
            if self.is_late() {
                break;
            }
        }
        let least = u16::try_from(least).unwrap_or(u16::MAX).max(1);
        let counts = &self.scratch.terms[..self.segment.max_doc() as usize];
        let enough = (0_u32..).zip(counts).filter(|(_, count)| **count >= least);
        enough.for_each(|(doc, _)| into.insert(doc));
        Ok(())
    }

    fn is_late(&mut self) -> bool {
        self.late |= Instant::now() > self.deadline;
        self.late
    }
}

/// Whether how much of it matches adds to the primary.
fn counts(matching: &Match) -> bool {
    match matching {
        Match::AtLeast { .. } => true,
        Match::All(all) => all.iter().any(counts),
        _ => false,
    }
}

/// The lists of documents of the terms of one field.
struct Lists {
    index: Arc<InvertedIndexReader>,
    /// Used again for every list.
    list: BlockSegmentPostings,
}

impl Lists {
    fn of(segment: &SegmentReader, field: Field) -> ::tantivy::Result<Self> {
        Ok(Self { index: segment.inverted_index(field)?, list: BlockSegmentPostings::empty() })
    }

    /// Tells the documents of a term, in blocks.
    fn term(&mut self, term: &str, tell: impl FnMut(&[DocId])) -> io::Result<()> {
        match self.index.terms().get(term)? {
            Some(info) => self.list(&info, tell),
            None => Ok(()),
        }
    }

    fn list(&mut self, info: &TermInfo, mut tell: impl FnMut(&[DocId])) -> io::Result<()> {
        self.index.reset_block_postings_from_terminfo(info, &mut self.list)?;
        while !self.list.docs().is_empty() {
            tell(self.list.docs());
            self.list.advance();
        }
        Ok(())
    }
}

/// Tells every document of a term.
pub(super) fn each_of_term(
    segment: &SegmentReader,
    field: Field,
    term: &str,
    mut tell: impl FnMut(DocId),
) -> ::tantivy::Result<()> {
    let term = ::tantivy::Term::from_field_text(field, term);
    let index = segment.inverted_index(field)?;
    let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else { return Ok(()) };
    while postings.doc() != TERMINATED {
        tell(postings.doc());
        postings.advance();
    }
    Ok(())
}
