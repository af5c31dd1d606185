//! One pass over what a query matches: filters, exact counts, and the best of the hits.
//!
//! A document that fails one filter alone still counts for that filter's own facet, which is what a choice
//! of several values needs; so filters are judged here, by columns, and not by the query.

use super::schema::{RANK, UPDATED, rank_column};
use crate::engine::{self, Clause, Order};
use crate::query::Facet;
use ::tantivy::collector::{Collector, SegmentCollector};
use ::tantivy::columnar::{BytesColumn, Column, StrColumn, TermOrdHit};
use ::tantivy::{DocAddress, DocId, Score, SegmentReader};
use std::collections::HashMap;
use std::time::Instant;

/// What to gather.
pub(super) struct Gather<'a> {
    pub(super) order: Order,
    /// Most hits to return.
    pub(super) keep: usize,
    /// Return only hits behind this one.
    pub(super) after: Option<(i64, Vec<u8>)>,
    pub(super) filters: &'a [engine::Filter],
    pub(super) facets: &'a [Facet],
    /// Matches have scores, whose largest is told.
    pub(super) scored: bool,
    pub(super) deadline: Instant,
}

/// What was gathered, of one segment or of all.
#[derive(Default)]
pub(super) struct Gathered {
    /// The best hits, in order.
    pub(super) top: Vec<Placed>,
    /// Largest strength of a match before the filters.
    pub(super) strongest: u16,
    /// Documents that passed them.
    pub(super) total: u64,
    /// Counts of each facet, as asked.
    pub(super) counts: Vec<HashMap<String, u64>>,
    /// The time ran out.
    pub(super) partial: bool,
}

/// A hit in the first order.
pub(super) struct Placed {
    pub(super) primary: i64,
    pub(super) rank: Vec<u8>,
    pub(super) address: DocAddress,
}

impl Collector for Gather<'_> {
    type Fruit = Gathered;
    type Child = Segment;

    fn for_segment(&self, segment: u32, reader: &SegmentReader) -> ::tantivy::Result<Segment> {
        let columns = reader.fast_fields();
        let rank = columns.bytes(RANK)?.unwrap_or_else(|| BytesColumn::empty(reader.max_doc()));
        let in_script = match self.order {
            Order::Title(script) => {
                rank_column(script).map(|name| columns.bytes(&name)).transpose()?.flatten()
            }
            Order::Strength | Order::Newest => None,
        };
        let by_script = matches!(self.order, Order::Title(script) if rank_column(script).is_some());
        let after = self.after.as_ref().map(|(primary, rank_after)| -> std::io::Result<(i64, u64)> {
            let column = in_script.as_ref().filter(|_| *primary == 0).unwrap_or(&rank);
            Ok((-primary, first_behind(column, rank_after)?))
        });
        Ok(Segment {
            segment,
            updated: columns.i64(UPDATED).ok().filter(|_| self.order == Order::Newest),
            by_strength: self.order == Order::Strength,
            by_script,
            keep: self.keep,
            after: after.transpose()?,
            filters: self
                .filters
                .iter()
                .map(|filter| Filter::new(filter, reader))
                .collect::<Result<_, _>>()?,
            facets: self.facets.iter().map(|facet| Count::new(*facet, reader)).collect::<Result<_, _>>()?,
            deadline: self.deadline,
            rank,
            in_script,
            top: Vec::new(),
            best: 0.0,
            looked: 0,
            total: 0,
            partial: false,
        })
    }

    fn requires_scoring(&self) -> bool {
        self.scored
    }

    fn merge_fruits(&self, fruits: Vec<::tantivy::Result<Gathered>>) -> ::tantivy::Result<Gathered> {
        let mut all = Gathered { counts: vec![HashMap::new(); self.facets.len()], ..Gathered::default() };
        for fruit in fruits {
            let fruit = fruit?;
            all.top.extend(fruit.top);
            all.strongest = all.strongest.max(fruit.strongest);
            all.total += fruit.total;
            all.partial |= fruit.partial;
            for (sums, counts) in all.counts.iter_mut().zip(fruit.counts) {
                counts.into_iter().for_each(|(value, count)| *sums.entry(value).or_default() += count);
            }
        }
        all.top.sort_unstable_by(|a, b| b.primary.cmp(&a.primary).then_with(|| a.rank.cmp(&b.rank)));
        all.top.truncate(self.keep);
        Ok(all)
    }
}

/// The first ordinal behind a rank, which this segment need not hold.
fn first_behind(column: &BytesColumn, rank: &[u8]) -> std::io::Result<u64> {
    // The smallest value above any other is the same with a zero byte more.
    let behind = [rank, &[0]].concat();
    Ok(match column.dictionary().term_ord_or_next(behind)? {
        TermOrdHit::Exact(ord) | TermOrdHit::Next(ord) => ord,
    })
}

struct Filter {
    facet: Facet,
    column: Option<StrColumn>,
    wanted: Vec<u64>,
}

impl Filter {
    fn new(filter: &engine::Filter, reader: &SegmentReader) -> ::tantivy::Result<Self> {
        let column = reader.fast_fields().str(filter.column.as_str())?;
        let mut wanted = Vec::new();
        if let Some(column) = &column {
            for value in &filter.values {
                wanted.extend(column.dictionary().term_ord(value)?);
            }
        }
        wanted.sort_unstable();
        Ok(Self { facet: filter.facet, column, wanted })
    }

    fn passes(&self, doc: DocId) -> bool {
        self.column
            .as_ref()
            .is_some_and(|column| column.term_ords(doc).any(|ord| self.wanted.binary_search(&ord).is_ok()))
    }
}

struct Count {
    facet: Facet,
    column: Option<StrColumn>,
    /// By ordinal.
    by_ord: Vec<u32>,
}

impl Count {
    fn new(facet: Facet, reader: &SegmentReader) -> ::tantivy::Result<Self> {
        let column = reader.fast_fields().str(facet.as_str())?;
        let by_ord = vec![0; column.as_ref().map_or(0, |column| column.num_terms())];
        Ok(Self { facet, column, by_ord })
    }

    fn add(&mut self, doc: DocId) {
        if let Some(column) = &self.column {
            for ord in column.term_ords(doc) {
                if let Some(count) = usize::try_from(ord).ok().and_then(|ord| self.by_ord.get_mut(ord)) {
                    *count += 1;
                }
            }
        }
    }

    fn named(self) -> std::io::Result<HashMap<String, u64>> {
        let Some(column) = self.column else { return Ok(HashMap::new()) };
        let counted = self.by_ord.iter().zip(0_u64..).filter(|(count, _)| **count > 0);
        let (counts, ords): (Vec<u64>, Vec<u64>) =
            counted.map(|(count, ord)| (u64::from(*count), ord)).unzip();
        let mut counts = counts.into_iter();
        let mut named = HashMap::with_capacity(ords.len());
        column.dictionary().sorted_ords_to_term_cb(&ords, |value| {
            let count = counts.next().unwrap_or_default();
            named.insert(String::from_utf8_lossy(value).into_owned(), count);
        })?;
        Ok(named)
    }
}

pub(super) struct Segment {
    segment: u32,
    rank: BytesColumn,
    in_script: Option<BytesColumn>,
    updated: Option<Column<i64>>,
    by_strength: bool,
    by_script: bool,
    keep: usize,
    /// Negated primary, and the first ordinal behind it.
    after: Option<(i64, u64)>,
    filters: Vec<Filter>,
    facets: Vec<Count>,
    deadline: Instant,
    /// Negated primary, ordinal of the rank, document.
    top: Vec<(i64, u64, DocId)>,
    /// Largest score so far.
    best: Score,
    looked: u64,
    total: u64,
    partial: bool,
}

impl Segment {
    /// Documents between two looks at the clock.
    const DOCUMENTS_PER_LOOK: u64 = 1_024;

    /// Counts a document that passed all filters but perhaps one, and says whether it is a hit.
    fn count(&mut self, doc: DocId) -> bool {
        let mut failed = self.filters.iter().filter(|filter| !filter.passes(doc)).map(|filter| filter.facet);
        let (first, second) = (failed.next(), failed.next());
        if second.is_some() {
            return false;
        }
        let counted = self.facets.iter_mut().filter(|count| first.is_none_or(|facet| facet == count.facet));
        counted.for_each(|count| count.add(doc));
        first.is_none()
    }

    fn place(&mut self, doc: DocId, score: Score) {
        let at = self.order(doc, score);
        if self.after.is_some_and(|(primary, ord)| at.0 < primary || (at.0 == primary && at.1 < ord)) {
            return;
        }
        self.top.push((at.0, at.1, doc));
        if self.top.len() > 2 * self.keep {
            self.top.select_nth_unstable(self.keep);
            self.top.truncate(self.keep);
        }
    }

    /// Negated primary, and the ordinal of the rank.
    fn order(&self, doc: DocId, score: Score) -> (i64, u64) {
        if self.by_script {
            let ord = self.in_script.as_ref().and_then(|column| column.ords().first(doc));
            return ord.map_or_else(|| (1, self.rank_of(doc)), |ord| (0, ord));
        }
        let primary = match &self.updated {
            Some(column) => column.first(doc).unwrap_or_default(),
            None if self.by_strength => score as i64,
            None => 0,
        };
        (-primary, self.rank_of(doc))
    }

    fn rank_of(&self, doc: DocId) -> u64 {
        self.rank.ords().first(doc).unwrap_or(u64::MAX)
    }

    fn finish(mut self) -> ::tantivy::Result<Gathered> {
        self.top.sort_unstable();
        self.top.truncate(self.keep);
        let mut top = Vec::with_capacity(self.top.len());
        for (primary, ord, doc) in self.top {
            let mut rank = Vec::new();
            let column = self.in_script.as_ref().filter(|_| primary == 0).unwrap_or(&self.rank);
            column.ord_to_bytes(ord, &mut rank)?;
            top.push(Placed { primary: -primary, rank, address: DocAddress::new(self.segment, doc) });
        }
        let counts = self.facets.into_iter().map(Count::named).collect::<Result<_, _>>()?;
        let strongest = Clause::strength_of(self.best as i64);
        Ok(Gathered { top, strongest, total: self.total, counts, partial: self.partial })
    }
}

impl SegmentCollector for Segment {
    type Fruit = ::tantivy::Result<Gathered>;

    fn collect(&mut self, doc: DocId, score: Score) {
        if self.partial {
            return;
        }
        if self.looked.is_multiple_of(Self::DOCUMENTS_PER_LOOK) && Instant::now() > self.deadline {
            self.partial = true;
            return;
        }
        self.looked += 1;
        self.best = self.best.max(score);
        if self.count(doc) {
            self.total += 1;
            self.place(doc, score);
        }
    }

    fn harvest(self) -> Self::Fruit {
        self.finish()
    }
}
