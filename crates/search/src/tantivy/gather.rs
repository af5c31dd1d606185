//! One pass over what a request matches: filters, exact counts, and the best of the hits.
//!
//! A document that fails one filter alone still counts for that filter's own facet, which is what a choice
//! of several values needs; so filters are judged here, by columns, and not by what is matched.

use super::matching::Matcher;
use super::rows::{Rows, Values, View, column_number, kind_number};
use super::schema::{Fields, UPDATED, rank_column};
use super::sets::Scratch;
use crate::engine::{Clause, Column, Order, Request};
use crate::query::{Facet, FacetCounts};
use ::tantivy::columnar::{BytesColumn, Column as Numbers, TermOrdHit};
use ::tantivy::fastfield::AliveBitSet;
use ::tantivy::index::SegmentReader;
use ::tantivy::{DocAddress, DocId};
use std::time::Instant;

/// Documents between two looks at the clock.
const DOCUMENTS_PER_LOOK: u32 = 1_024;
/// Kinds by number, with room for none.
const KINDS: usize = u8::MAX as usize + 1;

/// What was gathered of all segments.
#[derive(Default)]
pub(super) struct Gathered {
    /// The best hits, in order.
    pub(super) top: Vec<Placed>,
    /// Largest strength of a match before the filters.
    pub(super) strongest: u16,
    /// Documents that passed them.
    pub(super) total: u64,
    /// Counts of each facet, as asked.
    pub(super) facets: Vec<FacetCounts>,
    /// The time ran out.
    pub(super) partial: bool,
}

/// A hit in the first order.
pub(super) struct Placed {
    pub(super) primary: i64,
    pub(super) rank: Vec<u8>,
    pub(super) address: DocAddress,
}

/// Gathers what a request asks for.
pub(super) fn gather(
    view: &View,
    fields: &Fields,
    request: &Request,
    scratch: &mut Scratch,
) -> ::tantivy::Result<Gathered> {
    let asked = Asked::of(request, &view.values);
    scratch.counts.clear();
    scratch.counts.resize(view.values.texts.len(), 0);
    let mut all = Gathered::default();
    for ((number, segment), rows) in (0_u32..).zip(view.searcher.segment_readers()).zip(&view.rows) {
        let pass = Pass::of(&asked, segment, rows)?;
        let found = pass.run(request, fields, scratch)?;
        all.strongest = all.strongest.max(found.strongest);
        all.total += found.total;
        all.partial |= found.partial;
        all.top.extend(found.placed(number)?);
    }
    all.top.sort_unstable_by(|a, b| b.primary.cmp(&a.primary).then_with(|| a.rank.cmp(&b.rank)));
    all.top.truncate(request.keep);
    all.facets = counted(&request.facets, &view.values, &scratch.counts);
    Ok(all)
}

/// The counts of the facets that are asked for, largest first, then by value.
fn counted(facets: &[Facet], values: &Values, counts: &[u32]) -> Vec<FacetCounts> {
    let mut by_column: Vec<Vec<(u32, u32, u32)>> = vec![Vec::new(); KINDS];
    for ((number, count), column) in (0_u32..).zip(counts).zip(&values.columns) {
        if *count > 0 {
            let place = values.places.get(number as usize).copied().unwrap_or_default();
            by_column[usize::from(*column)].push((u32::MAX - count, place, number));
        }
    }
    let of_facet = |facet: &Facet| {
        let found = &mut by_column[usize::from(column_number(Column::Facet(*facet)))];
        found.sort_unstable();
        let told = found.iter().take(Facet::VALUES_MAX);
        let told = told.map(|(less, _, number)| {
            (values.texts[*number as usize].to_string(), u64::from(u32::MAX - less))
        });
        FacetCounts { facet: *facet, values: told.collect() }
    };
    facets.iter().map(of_facet).collect()
}

/// A request in numbers.
struct Asked<'a> {
    request: &'a Request,
    kinds: [bool; KINDS],
    filters: Vec<Filter>,
    values: &'a Values,
}

/// Values wanted.
struct Filter {
    /// Its own column of counts.
    own: u8,
    wanted: Wanted,
}

/// One number is compared, several are looked up.
enum Wanted {
    One(u32),
    Any(Vec<u32>),
}

impl<'a> Asked<'a> {
    fn of(request: &'a Request, values: &'a Values) -> Self {
        let mut kinds = [false; KINDS];
        request.kinds.iter().for_each(|kind| kinds[usize::from(kind_number(*kind))] = true);
        let filters = request.filters.iter().map(|filter| {
            let mut wanted: Vec<u32> =
                filter.values.iter().filter_map(|value| values.number(filter.column, value)).collect();
            wanted.sort_unstable();
            let wanted = if let [one] = wanted[..] { Wanted::One(one) } else { Wanted::Any(wanted) };
            Filter { own: column_number(Column::Facet(filter.facet)), wanted }
        });
        Self { request, kinds, filters: filters.collect(), values }
    }
}

impl Filter {
    fn passes(&self, values: &[u32]) -> bool {
        match &self.wanted {
            Wanted::One(one) => values.contains(one),
            Wanted::Any(any) => values.iter().any(|value| any.binary_search(value).is_ok()),
        }
    }
}

/// One segment, gone through.
struct Pass<'a> {
    asked: &'a Asked<'a>,
    rows: &'a Rows,
    segment: &'a SegmentReader,
    alive: Option<&'a AliveBitSet>,
    updated: Option<Numbers<i64>>,
    by_script: bool,
    in_script: Option<BytesColumn>,
    /// Negated primary, and the first place behind it.
    after: Option<(i64, u64)>,
    /// Negated primary, place of the rank, document.
    top: Vec<(i64, u64, DocId)>,
    /// What does not come before it has no place at the top.
    last: Option<(i64, u64)>,
    strongest: u16,
    looked: u32,
    total: u64,
    partial: bool,
}

impl<'a> Pass<'a> {
    fn of(asked: &'a Asked<'a>, segment: &'a SegmentReader, rows: &'a Rows) -> ::tantivy::Result<Self> {
        let order = asked.request.order;
        let in_script = match order {
            Order::Title(script) => rank_column(script),
            Order::Strength | Order::Newest => None,
        };
        let by_script = in_script.is_some();
        let columns = segment.fast_fields();
        let in_script = in_script.map(|name| columns.bytes(&name)).transpose()?.flatten();
        let mut pass = Self {
            asked,
            rows,
            segment,
            alive: segment.alive_bitset(),
            updated: if order == Order::Newest { columns.i64(UPDATED).ok() } else { None },
            by_script,
            in_script,
            after: None,
            top: Vec::new(),
            last: None,
            strongest: 0,
            looked: 0,
            total: 0,
            partial: false,
        };
        pass.after = match &asked.request.after {
            Some((primary, rank)) => Some((-primary, pass.first_behind(*primary, rank)?)),
            None => None,
        };
        Ok(pass)
    }

    /// The first place behind a rank, which this segment need not hold.
    fn first_behind(&self, primary: i64, rank: &[u8]) -> std::io::Result<u64> {
        let Some(column) = self.in_script.as_ref().filter(|_| primary == 0) else {
            return Ok(u64::from(self.rows.first_behind(rank)));
        };
        // The smallest value above any other is the same with a zero byte more.
        let behind = [rank, &[0]].concat();
        Ok(match column.dictionary().term_ord_or_next(behind)? {
            TermOrdHit::Exact(ord) | TermOrdHit::Next(ord) => ord,
        })
    }

    fn run(mut self, request: &Request, fields: &Fields, scratch: &mut Scratch) -> ::tantivy::Result<Self> {
        if request.clauses.is_empty() {
            for doc in 0..self.segment.max_doc() {
                if !self.take(doc, 0, scratch) {
                    break;
                }
            }
            return Ok(self);
        }
        let (segment, rows) = (self.segment, self.rows);
        let mut matcher = Matcher { fields, segment, rows, scratch, deadline: request.deadline, late: false };
        matcher.each(&request.clauses, |doc, primary, scratch| self.take(doc, primary, scratch))?;
        self.partial |= matcher.late;
        Ok(self)
    }

    /// Takes a document that matches; false when the time has run out.
    fn take(&mut self, doc: DocId, primary: i64, scratch: &mut Scratch) -> bool {
        let kind = self.rows.kinds.get(doc as usize).copied().unwrap_or(u8::MAX);
        if !self.asked.kinds[usize::from(kind)] || self.alive.is_some_and(|alive| alive.is_deleted(doc)) {
            return true;
        }
        self.looked += 1;
        if self.looked.is_multiple_of(DOCUMENTS_PER_LOOK) && Instant::now() > self.asked.request.deadline {
            self.partial = true;
            return false;
        }
        self.strongest = self.strongest.max(Clause::strength_of(primary));
        if self.count(doc, &mut scratch.counts) {
            self.total += 1;
            self.place(doc, primary);
        }
        true
    }

    /// Counts a document that passed all filters but perhaps one, and says whether it is a hit.
    fn count(&self, doc: DocId, counts: &mut [u32]) -> bool {
        let values = self.rows.values(doc);
        let mut failed = self.asked.filters.iter().filter(|filter| !filter.passes(values));
        let (first, second) = (failed.next(), failed.next());
        if second.is_some() {
            return false;
        }
        if !self.asked.request.facets.is_empty() {
            let own = first.map(|filter| filter.own);
            let columns = &self.asked.values.columns;
            let counted =
                values.iter().filter(|value| own.is_none_or(|own| columns[**value as usize] == own));
            counted.for_each(|value| counts[*value as usize] += 1);
        }
        first.is_none()
    }

    fn place(&mut self, doc: DocId, primary: i64) {
        // Most matches are weaker than what is there already; their ranks need not be looked at.
        if self.asked.request.order == Order::Strength && self.last.is_some_and(|last| -primary > last.0) {
            return;
        }
        let at = self.order(doc, primary);
        if self.last.is_some_and(|last| at >= last) || self.after.is_some_and(|after| at < after) {
            return;
        }
        self.top.push((at.0, at.1, doc));
        let keep = self.asked.request.keep;
        if self.top.len() > 2 * keep {
            let (_, last, _) = self.top.select_nth_unstable(keep);
            self.last = Some((last.0, last.1));
            self.top.truncate(keep);
        }
    }

    /// Negated primary, and the place of the rank.
    fn order(&self, doc: DocId, primary: i64) -> (i64, u64) {
        if self.by_script {
            let ord = self.in_script.as_ref().and_then(|column| column.ords().first(doc));
            return ord.map_or_else(|| (1, self.rank_of(doc)), |ord| (0, ord));
        }
        let primary = match (&self.updated, self.asked.request.order) {
            (Some(column), _) => column.first(doc).unwrap_or_default(),
            (None, Order::Strength) => primary,
            (None, _) => 0,
        };
        (-primary, self.rank_of(doc))
    }

    fn rank_of(&self, doc: DocId) -> u64 {
        self.rows.ranks.get(doc as usize).copied().map_or(u64::MAX, u64::from)
    }

    /// The best hits, in order, with their ranks.
    fn placed(mut self, segment: u32) -> std::io::Result<Vec<Placed>> {
        self.top.sort_unstable();
        self.top.truncate(self.asked.request.keep);
        let mut placed = Vec::with_capacity(self.top.len());
        for (primary, place, doc) in self.top {
            let rank = match self.in_script.as_ref().filter(|_| primary == 0) {
                Some(column) => {
                    let mut rank = Vec::new();
                    column.ord_to_bytes(place, &mut rank)?;
                    rank
                }
                None => self.rows.rank(u32::try_from(place).unwrap_or(u32::MAX)).to_vec(),
            };
            placed.push(Placed { primary: -primary, rank, address: DocAddress::new(segment, doc) });
        }
        Ok(placed)
    }
}
