//! One pass over what a query matches: filters, exact counts, and the best of the hits.
//!
//! A document that fails one filter alone still counts for that filter's own facet, which is what a choice
//! of several values needs; so filters are judged here, by columns, and not by the query.

use super::schema::{PRIMARY_RAGA, RANK, UPDATED};
use crate::query::{Facet, Filters, RagaMode};
use ::tantivy::collector::{Collector, SegmentCollector};
use ::tantivy::columnar::{BytesColumn, Column, StrColumn, TermOrdHit};
use ::tantivy::{DocAddress, DocId, Score, SegmentReader};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

/// What a hit is ordered by before its rank; larger first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Primary {
    /// Strength of the match.
    Strength,
    /// Time of the revision.
    Updated,
    /// Nothing: by title.
    None,
}

/// What to gather.
pub(super) struct Gather<'a> {
    pub(super) primary: Primary,
    /// Most hits to return.
    pub(super) keep: usize,
    /// Return only hits behind this one.
    pub(super) after: Option<(i64, Vec<u8>)>,
    pub(super) filters: &'a Filters,
    pub(super) raga_mode: RagaMode,
    pub(super) facets: &'a [Facet],
    pub(super) deadline: Instant,
}

/// What was gathered, of one segment or of all.
#[derive(Default)]
pub(super) struct Gathered {
    /// The best hits, in order.
    pub(super) top: Vec<Placed>,
    /// Documents that matched before the filters.
    pub(super) matched: u64,
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
        let after = self.after.as_ref().map(|(primary, rank_after)| -> std::io::Result<(i64, u64)> {
            Ok((-primary, first_behind(&rank, rank_after)?))
        });
        Ok(Segment {
            segment,
            updated: columns.i64(UPDATED).ok().filter(|_| self.primary == Primary::Updated),
            by_strength: self.primary == Primary::Strength,
            keep: self.keep,
            after: after.transpose()?,
            filters: self
                .filters
                .0
                .iter()
                .map(|(facet, values)| self.filter(*facet, values, reader))
                .collect::<Result<_, _>>()?,
            facets: self.facets.iter().map(|facet| Count::new(*facet, reader)).collect::<Result<_, _>>()?,
            deadline: self.deadline,
            rank,
            top: Vec::new(),
            matched: 0,
            total: 0,
            partial: false,
        })
    }

    fn requires_scoring(&self) -> bool {
        self.primary == Primary::Strength
    }

    fn merge_fruits(&self, fruits: Vec<::tantivy::Result<Gathered>>) -> ::tantivy::Result<Gathered> {
        let mut all = Gathered { counts: vec![HashMap::new(); self.facets.len()], ..Gathered::default() };
        for fruit in fruits {
            let fruit = fruit?;
            all.top.extend(fruit.top);
            all.matched += fruit.matched;
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

impl Gather<'_> {
    fn filter(&self, facet: Facet, values: &[String], reader: &SegmentReader) -> ::tantivy::Result<Filter> {
        let by_primary = facet == Facet::Raga && self.raga_mode == RagaMode::Primary;
        let name = if by_primary { PRIMARY_RAGA } else { facet.as_str() };
        let column = reader.fast_fields().str(name)?;
        let mut wanted = Vec::new();
        if let Some(column) = &column {
            for value in values {
                wanted.extend(column.dictionary().term_ord(value)?);
            }
        }
        wanted.sort_unstable();
        Ok(Filter { facet, column, wanted })
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
    fn passes(&self, doc: DocId) -> bool {
        self.column
            .as_ref()
            .is_some_and(|column| column.term_ords(doc).any(|ord| self.wanted.binary_search(&ord).is_ok()))
    }
}

struct Count {
    facet: Facet,
    column: Option<StrColumn>,
    by_ord: BTreeMap<u64, u64>,
}

impl Count {
    fn new(facet: Facet, reader: &SegmentReader) -> ::tantivy::Result<Self> {
        Ok(Self { facet, column: reader.fast_fields().str(facet.as_str())?, by_ord: BTreeMap::new() })
    }

    fn add(&mut self, doc: DocId) {
        if let Some(column) = &self.column {
            for ord in column.term_ords(doc) {
                *self.by_ord.entry(ord).or_default() += 1;
            }
        }
    }

    fn named(self) -> std::io::Result<HashMap<String, u64>> {
        let Some(column) = self.column else { return Ok(HashMap::new()) };
        let ords: Vec<u64> = self.by_ord.keys().copied().collect();
        let mut counts = self.by_ord.values();
        let mut named = HashMap::with_capacity(ords.len());
        column.dictionary().sorted_ords_to_term_cb(&ords, |value| {
            let count = counts.next().copied().unwrap_or_default();
            named.insert(String::from_utf8_lossy(value).into_owned(), count);
        })?;
        Ok(named)
    }
}

pub(super) struct Segment {
    segment: u32,
    rank: BytesColumn,
    updated: Option<Column<i64>>,
    by_strength: bool,
    keep: usize,
    /// Negated primary, and the first ordinal behind it.
    after: Option<(i64, u64)>,
    filters: Vec<Filter>,
    facets: Vec<Count>,
    deadline: Instant,
    /// Negated primary, ordinal of the rank, document.
    top: Vec<(i64, u64, DocId)>,
    matched: u64,
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
        let primary = match &self.updated {
            Some(column) => column.first(doc).unwrap_or_default(),
            None if self.by_strength => score as i64,
            None => 0,
        };
        let at = (-primary, self.rank.ords().first(doc).unwrap_or(u64::MAX));
        if self.after.is_some_and(|(primary, ord)| at.0 < primary || (at.0 == primary && at.1 < ord)) {
            return;
        }
        self.top.push((at.0, at.1, doc));
        if self.top.len() > 2 * self.keep {
            self.top.select_nth_unstable(self.keep);
            self.top.truncate(self.keep);
        }
    }

    fn finish(mut self) -> ::tantivy::Result<Gathered> {
        self.top.sort_unstable();
        self.top.truncate(self.keep);
        let mut top = Vec::with_capacity(self.top.len());
        for (primary, ord, doc) in self.top {
            let mut rank = Vec::new();
            self.rank.ord_to_bytes(ord, &mut rank)?;
            top.push(Placed { primary: -primary, rank, address: DocAddress::new(self.segment, doc) });
        }
        let counts = self.facets.into_iter().map(Count::named).collect::<Result<_, _>>()?;
        Ok(Gathered { top, matched: self.matched, total: self.total, counts, partial: self.partial })
    }
}

impl SegmentCollector for Segment {
    type Fruit = ::tantivy::Result<Gathered>;

    fn collect(&mut self, doc: DocId, score: Score) {
        if self.partial {
            return;
        }
        if self.matched.is_multiple_of(Self::DOCUMENTS_PER_LOOK) && Instant::now() > self.deadline {
            self.partial = true;
            return;
        }
        self.matched += 1;
        if self.count(doc) {
            self.total += 1;
            self.place(doc, score);
        }
    }

    fn harvest(self) -> Self::Fruit {
        self.finish()
    }
}
