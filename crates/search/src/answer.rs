//! From a query to an answer, over any engine: phases, order, pages, what is shown and why.

use crate::Error;
use crate::Position;
use crate::engine::{
    Candidate, Clause, Column, Filter, Order, RANK_BYTES, Request, Retrieved, Retriever, entity_of_rank,
};
use crate::fields::{Shown, ShownTitle};
use crate::judge::{Evidence, Keys, judge};
use crate::marks;
use crate::names::{self, Names};
use crate::plan::{self, Plan};
use crate::query::{
    Answer, Cursor, Explanation, Facet, FacetCounts, Filters, Hit, Interpretation, MatchClass, Matched,
    Query, RagaMode, Sort, Suggest, Suggestion,
};
use domain::EntityKind;
use lipi::Script;
use std::collections::BTreeMap;
use std::time::Instant;

/// Hits whose order is refined by their titles; those behind them come as the engine has them.
const REFINED_MAX: usize = 200;
/// The same where titles are compared letter by letter.
const REFINED_LOOSE_MAX: usize = 100;
/// Fewest letters of a beginning that may be misspelt.
const MISSPELT_LETTERS_MIN: usize = 5;

/// One search in one state of an index.
pub(crate) struct Searcher<'a> {
    pub(crate) engine: &'a dyn Retriever,
    pub(crate) names: &'a Names,
    pub(crate) position: Option<Position>,
    pub(crate) deadline: Instant,
    pub(crate) degraded: bool,
}

/// A place in the order of an answer. Smaller comes first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    tail: bool,
    /// Negated.
    primary: i64,
    /// Negated.
    score: i64,
    rank: Vec<u8>,
}

struct Item {
    place: Place,
    candidate: Candidate,
    found: Option<Evidence>,
}

/// A query, read.
struct Asked<'a> {
    query: &'a Query,
    plan: Option<Plan>,
    loose: bool,
    after: Option<Place>,
}

impl Asked<'_> {
    fn is_refined(&self) -> bool {
        self.plan.is_some() && self.query.sort == Sort::Relevance
    }

    /// Hits whose order is refined on this page; none behind them.
    fn window(&self) -> usize {
        match self.is_refined() && self.after.as_ref().is_none_or(|after| !after.tail) {
            false => 0,
            true if self.loose => REFINED_LOOSE_MAX,
            true => REFINED_MAX,
        }
    }

    fn clauses(&self) -> Vec<Clause> {
        let clauses = match &self.plan {
            None => Vec::new(),
            Some(plan) if self.loose => plan.loose(),
            Some(plan) => plan.tight(),
        };
        match &self.query.swaras {
            None => clauses,
            Some(pattern) => plan::sung(pattern, clauses),
        }
    }
}

impl Searcher<'_> {
    pub(crate) async fn answer(&self, query: &Query) -> Result<Answer, Error> {
        let typed = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let after = query.after.as_ref().map(|cursor| place_of(cursor, query.sort)).transpose()?;
        let plan = typed.and_then(|text| Plan::of(text, self.names, &query.unlink));
        if typed.is_some() && plan.is_none() {
            return Ok(self.nothing(query));
        }
        let loose = query.after.as_ref().is_some_and(|cursor| cursor.loose);
        let mut asked = Asked { query, plan, loose, after };
        let retrieved = self.retrieve_for(&mut asked).await?;
        Ok(self.made(&asked, retrieved, typed))
    }

    /// First what holds all of the text; only where nothing good does, what resembles it.
    async fn retrieve_for(&self, asked: &mut Asked<'_>) -> Result<Retrieved, Error> {
        if !asked.loose {
            let tight = self.retrieve(asked).await?;
            if asked.plan.is_none()
                || asked.after.is_some()
                || tight.partial
                || Plan::is_good(tight.strongest)
            {
                return Ok(tight);
            }
        }
        asked.loose = true;
        let text = asked.query.text.as_deref().unwrap_or_default();
        asked.plan = asked.plan.take().map(|plan| plan.with_misspelt(text, self.names, &asked.query.unlink));
        self.retrieve(asked).await
    }

    async fn retrieve(&self, asked: &Asked<'_>) -> Result<Retrieved, Error> {
        let query = asked.query;
        let window = asked.window();
        let after = asked.after.as_ref().filter(|_| window == 0);
        let request = Request {
            kinds: query.kinds.clone(),
            clauses: asked.clauses(),
            filters: filters(&query.filters, query.raga_mode, self.names),
            facets: query.facets.clone(),
            order: match query.sort {
                Sort::Relevance if asked.is_refined() => Order::Strength,
                Sort::Relevance => Order::Title(Script::Latin),
                Sort::Title => Order::Title(query.script.unwrap_or(Script::Latin)),
                Sort::Newest => Order::Newest,
            },
            keep: window + query.limit + 1,
            after: after.map(|place| (-place.primary, place.rank.clone())),
            lyrics: asked.loose,
            deadline: self.deadline,
        };
        self.engine.retrieve(request).await
    }

    fn made(&self, asked: &Asked<'_>, retrieved: Retrieved, typed: Option<&str>) -> Answer {
        let query = asked.query;
        let (mut items, best) = order(asked, retrieved.candidates);
        let more = items.len() > query.limit;
        items.truncate(query.limit);
        let next = items.last().filter(|_| more).map(|item| cursor_of(&item.place, query.sort, asked.loose));
        let confident = best.map_or(!asked.loose, |found| found.is_confident());
        let low_confidence = typed.is_some() && (retrieved.total == 0 || !confident);
        let did_you_mean = items.first().filter(|_| low_confidence && query.after.is_none());
        Answer {
            next,
            did_you_mean: did_you_mean.and_then(resembling),
            hits: items.iter().filter_map(|item| hit(item, asked)).collect(),
            interpretations: interpretations(asked, best, typed),
            facets: retrieved.facets,
            total: retrieved.total,
            position: self.position.unwrap_or_default(),
            low_confidence,
            partial: retrieved.partial,
            degraded: self.degraded,
            truncated: asked.plan.as_ref().is_some_and(|plan| plan.whole.truncated),
            explanation: asked
                .plan
                .as_ref()
                .filter(|_| query.explain)
                .map(|plan| plan.explained(asked.loose)),
        }
    }

    fn nothing(&self, query: &Query) -> Answer {
        let facets = query.facets.iter().map(|facet| FacetCounts { facet: *facet, values: Vec::new() });
        Answer {
            hits: Vec::new(),
            facets: facets.collect(),
            total: 0,
            next: None,
            position: self.position.unwrap_or_default(),
            interpretations: Vec::new(),
            did_you_mean: None,
            low_confidence: true,
            partial: false,
            degraded: self.degraded,
            truncated: false,
            explanation: None,
        }
    }

    /// Names that begin with the text; where there are none, names that begin with something like it.
    pub(crate) async fn suggest(&self, suggest: &Suggest) -> Result<Vec<Suggestion>, Error> {
        let Some(plan) = Plan::beginning(&suggest.text) else { return Ok(Vec::new()) };
        let kinds = if suggest.kinds.is_empty() { EntityKind::ALL.to_vec() } else { suggest.kinds.clone() };
        let query = Query { kinds, limit: suggest.limit, ..Query::default() };
        let mut clauses = plan.beginnings();
        let is_long = plan.whole.joined.len() >= MISSPELT_LETTERS_MIN;
        let mut asked = Asked { query: &query, plan: Some(plan), loose: false, after: None };
        for attempt in 0..2 {
            let found = self.suggested(&asked, clauses).await?;
            if !found.is_empty() || attempt == 1 || !is_long {
                return self.counted(found).await;
            }
            asked.loose = true;
            clauses = asked.plan.iter().flat_map(Plan::resembling).collect();
        }
        Ok(Vec::new())
    }

    /// How many songs have each of the names.
    async fn counted(&self, mut found: Vec<Suggestion>) -> Result<Vec<Suggestion>, Error> {
        let mut wanted: BTreeMap<Facet, Vec<String>> = BTreeMap::new();
        for suggestion in &found {
            if let Some(facet) = names::facet_of(suggestion.kind) {
                wanted.entry(facet).or_default().push(suggestion.entity.id.to_string());
            }
        }
        if wanted.is_empty() {
            return Ok(found);
        }
        let counted = self.engine.retrieve(plan::having(&wanted, self.deadline)).await?;
        for suggestion in found.iter_mut().filter(|_| !counted.partial) {
            let facet = names::facet_of(suggestion.kind);
            let counts = counted.facets.iter().find(|counts| Some(counts.facet) == facet);
            suggestion.songs = counts.map(|counts| {
                let id = suggestion.entity.id.to_string();
                counts.values.iter().find(|(value, _)| *value == id).map_or(0, |(_, count)| *count)
            });
        }
        Ok(found)
    }

    async fn suggested(&self, asked: &Asked<'_>, clauses: Vec<Clause>) -> Result<Vec<Suggestion>, Error> {
        let request = Request {
            kinds: asked.query.kinds.clone(),
            clauses,
            filters: Vec::new(),
            facets: Vec::new(),
            order: Order::Strength,
            keep: asked.window(),
            after: None,
            lyrics: false,
            deadline: self.deadline,
        };
        let retrieved = self.engine.retrieve(request).await?;
        let (mut items, _) = order(asked, retrieved.candidates);
        items.retain(|item| item.found.is_some_and(|found| !asked.loose || found.alike >= 700));
        items.truncate(asked.query.limit);
        Ok(items.iter().filter_map(suggestion).collect())
    }
}

/// The hits of the page and one more, and the best of all where this page's gathering has met it.
fn order(asked: &Asked<'_>, candidates: Vec<Candidate>) -> (Vec<Item>, Option<Evidence>) {
    let mut candidates = candidates.into_iter();
    let refined = candidates.by_ref().take(asked.window());
    let mut items: Vec<Item> = refined.map(|candidate| item(candidate, asked, false)).collect();
    items.sort_unstable_by(|a, b| a.place.cmp(&b.place));
    let best = items.first().and_then(|item| item.found);
    items.retain(|item| asked.after.as_ref().is_none_or(|after| item.place > *after));
    let wanted = (asked.query.limit + 1).saturating_sub(items.len());
    items.extend(candidates.take(wanted).map(|candidate| item(candidate, asked, asked.is_refined())));
    (items, best)
}

fn item(candidate: Candidate, asked: &Asked<'_>, tail: bool) -> Item {
    let found = asked.plan.as_ref().map(|plan| {
        let keys = Keys::parse(&candidate.stored.keys);
        let lyrics = if asked.loose { candidate.stored.lyrics.as_str() } else { "" };
        judge(plan, &keys, lyrics, asked.loose)
    });
    let (primary, score) = match found.filter(|_| asked.is_refined() && !tail) {
        Some(found) => (found.tier(), found.score),
        None => (candidate.primary, 0),
    };
    let place = Place { tail, primary: -primary, score: -i64::from(score), rank: candidate.rank.clone() };
    Item { place, candidate, found }
}

fn filters(filters: &Filters, mode: RagaMode, names: &Names) -> Vec<Filter> {
    let filter = |(facet, values): (&Facet, &Vec<String>)| {
        let melas: Vec<String> = values.iter().flat_map(|raga| names.melas(raga)).cloned().collect();
        let (column, values) = match (facet, mode) {
            (Facet::Raga, RagaMode::Primary) => (Column::PrimaryRaga, values.clone()),
            (Facet::Raga, RagaMode::Family) if !melas.is_empty() => (Column::Facet(Facet::Mela), melas),
            _ => (Column::Facet(*facet), values.clone()),
        };
        let mut values = values;
        values.sort_unstable();
        values.dedup();
        Filter { facet: *facet, column, values }
    };
    filters.0.iter().map(filter).collect()
}

fn hit(item: &Item, asked: &Asked<'_>) -> Option<Hit> {
    let entity = entity_of_rank(&item.candidate.rank)?;
    let shown = shown(item);
    let class = item.found.map_or(MatchClass::Listed, |found| found.class);
    let sung = asked.query.swaras.as_ref().and_then(|pattern| marks::in_notation(pattern, &shown.swaras));
    let because = asked.plan.as_ref().zip(item.found).filter(|_| asked.query.explain);
    Some(Hit {
        entity,
        score: item.found.map_or(0.0, |found| found.tier() as f32 + found.score as f32 / 1_001.0),
        class,
        matched: matched(item, asked, &shown).into_iter().chain(sung).collect(),
        because: because.map(|(plan, found)| plan.because(&found, &shown)),
        slug: shown.slug,
    })
}

fn shown(item: &Item) -> Shown {
    serde_json::from_str(&item.candidate.stored.shown).unwrap_or_default()
}

fn matched(item: &Item, asked: &Asked<'_>, shown: &Shown) -> Option<Matched> {
    let (plan, found) = (asked.plan.as_ref()?, item.found?);
    let reading = plan.reading(&found)?;
    if let Some((section, end)) = found.lyric {
        return marks::in_lyrics(reading, shown.lyrics.get(section)?, end);
    }
    let ShownTitle { text, script, kind } = shown.titles.get(found.title?)?.clone();
    let ranges = marks::in_title(reading, &text, found.class);
    Some(Matched { field: kind.field(), text, script, ranges, place: None })
}

/// The title of a hit that resembles the text, to be offered in its place.
fn resembling(item: &Item) -> Option<String> {
    let found = item.found.filter(|found| found.class == MatchClass::Similar && found.score >= 600)?;
    Some(shown(item).titles.get(found.title?)?.text.clone())
}

fn suggestion(item: &Item) -> Option<Suggestion> {
    let entity = entity_of_rank(&item.candidate.rank)?;
    let shown = shown(item);
    let text = shown.titles.get(item.found?.title?)?.text.clone();
    Some(Suggestion { entity, slug: shown.slug, text, kind: entity.kind, songs: None })
}

fn interpretations(asked: &Asked<'_>, best: Option<Evidence>, typed: Option<&str>) -> Vec<Interpretation> {
    let linked = asked.plan.as_ref().zip(best).and_then(|(plan, best)| plan.others.get(best.reading?));
    let (Some(linked), Some(plan), Some(text)) = (linked, &asked.plan, typed) else { return Vec::new() };
    linked.spans.iter().flat_map(|span| span.interpretations(text, &plan.whole.tokens)).collect()
}

impl Plan {
    /// The words that the evidence rests on.
    fn reading(&self, found: &Evidence) -> Option<&crate::reading::Reading> {
        match found.reading {
            None => Some(&self.whole),
            Some(at) => self.others.get(at)?.rest.as_ref(),
        }
    }

    fn explained(&self, loose: bool) -> Explanation {
        let mut readings = vec![format!("all of it as a title or a line: {}", self.whole.joined)];
        readings.extend(self.others.iter().map(|linked| {
            let names: Vec<String> = linked
                .spans
                .iter()
                .flat_map(|span| &span.meanings)
                .map(|it| format!("{} {}", it.facet, it.alias))
                .collect();
            let rest = linked
                .rest
                .as_ref()
                .map_or("nothing left".to_owned(), |rest| format!("and a title: {}", rest.joined));
            format!("{}; {rest}", names.join(", "))
        }));
        Explanation { key: self.whole.joined.clone(), coarse_key: self.whole.coarse.clone(), readings, loose }
    }

    fn because(&self, found: &Evidence, shown: &Shown) -> String {
        let title = found.title.and_then(|at| shown.titles.get(at)).map_or("", |title| title.text.as_str());
        let what = match found.class {
            MatchClass::Exact => format!("the title “{title}” is what was typed"),
            MatchClass::Coarse => format!("“{title}” sounds like what was typed"),
            MatchClass::Named => "it has every name that was typed".to_owned(),
            MatchClass::Prefix => format!("“{title}” begins with what was typed"),
            MatchClass::Extended => format!("what was typed begins with “{title}”"),
            MatchClass::AllTokens => format!("“{title}” has all words that were typed"),
            MatchClass::About => "it is about what was typed".to_owned(),
            MatchClass::Similar => format!("“{title}” resembles what was typed"),
            MatchClass::Lyric => {
                let section = found.lyric.and_then(|(at, _)| shown.lyrics.get(at));
                format!(
                    "a line of the {} resembles what was typed",
                    section.map_or("text", |it| it.label.as_str())
                )
            }
            MatchClass::SomeTokens => format!("“{title}” has some of the words"),
            MatchClass::Listed => "everything is listed".to_owned(),
        };
        let names = found.reading.and_then(|at| self.others.get(at)).map(|linked| {
            let names: Vec<String> = linked
                .spans
                .iter()
                .flat_map(|span| &span.meanings)
                .map(|meaning| format!("{} “{}”", meaning.facet, meaning.alias))
                .collect();
            format!(", with {}", names.join(" and "))
        });
        format!("{what}{} (tier {}, score {} of 1000)", names.unwrap_or_default(), found.tier(), found.score)
    }
}

fn cursor_of(place: &Place, sort: Sort, loose: bool) -> Cursor {
    use std::fmt::Write as _;
    let rank = place.rank.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    let score = u32::try_from(-place.score).unwrap_or_default();
    Cursor { sort, loose, tail: place.tail, primary: -place.primary, score, rank }
}

/// Cursors come back through clients: anything may stand in them.
fn place_of(cursor: &Cursor, sort: Sort) -> Result<Place, Error> {
    let digits = cursor.rank.as_bytes();
    let bytes = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let rank: Vec<u8> = bytes.collect::<Option<_>>().ok_or(Error::Cursor)?;
    if cursor.sort != sort || rank.len() != RANK_BYTES || digits.len() != 2 * RANK_BYTES {
        return Err(Error::Cursor);
    }
    let primary = cursor.primary.checked_neg().ok_or(Error::Cursor)?;
    Ok(Place { tail: cursor.tail, primary, score: -i64::from(cursor.score), rank })
}
