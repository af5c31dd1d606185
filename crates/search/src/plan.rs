//! From a text to what an engine is asked: all readings of it at once.
//!
//! A text is read as a title, as names with the rest a title, and as names alone. Each reading gives clauses;
//! the strongest clause that a document meets places it among the candidates, and `judge` decides among
//! those. The **tight** plan holds what contains all of the text. The **loose** one adds what resembles it
//! (titles by pieces, lines of lyrics), and is asked only where the tight one found nothing good.

use crate::engine::{Clause, Column, Match, Order, Request};
use crate::fields::{Field, LYRIC_GRAM, grams, without_final_m};
use crate::names::{Grade, Names, Span};
use crate::query::Facet;
use crate::reading::{Reading, at_least};
use crate::swaras::SwaraPattern;
use crate::words::{WORDS, link_key};
use domain::EntityKind;
use lipi::Script;
use std::collections::BTreeMap;
use std::time::Instant;

/// Most readings of one text beside the plain one.
const READINGS_MAX: usize = 12;
/// Fewest letters of a coarse key that count as the beginning of a title.
const COARSE_PREFIX_MIN: usize = 6;
/// Fewest letters of a text that is looked for in lyrics.
const LYRIC_LETTERS_MIN: usize = 7;
/// Most letters of a text that are looked for in lyrics.
const LYRIC_LETTERS_MAX: usize = 60;

/// Strengths: the coarse order of candidates, and whether a loose plan is needed.
const TYPED: u16 = 95;
const EXACT: u16 = 90;
const COARSE: u16 = 85;
const NAMED: u16 = 80;
const PREFIX: u16 = 70;
const EXTENDED: u16 = 60;
const ALL_TOKENS: u16 = 50;
const ABOUT: u16 = 40;
const HEAD: u16 = 34;
const SIMILAR_NAMED: u16 = 32;
const SIMILAR: u16 = 30;
const SOME: u16 = 10;

/// A text with all its readings.
pub(crate) struct Plan {
    pub(crate) whole: Reading,
    pub(crate) others: Vec<Linked>,
}

/// A reading in which some words are names.
pub(crate) struct Linked {
    pub(crate) spans: Vec<Span>,
    /// Every span must hold: one of its meanings.
    pub(crate) wanted: Vec<Vec<(Column, Vec<String>)>>,
    /// What is left for a title.
    pub(crate) rest: Option<Reading>,
    /// Among the spans is one that is surely meant as a name.
    pub(crate) is_sure: bool,
    /// Nothing is left, and words say what kind the names are of: `kalyani raga`, `saint tyagaraja`.
    pub(crate) is_typed: bool,
}

impl Plan {
    /// None where the text holds no letter and no digit.
    pub(crate) fn of(text: &str, names: &Names, unlink: &[String]) -> Option<Self> {
        let whole = Reading::of(text)?;
        let spans = names.spans(text.trim(), &whole.tokens, unlink);
        let mut others = Vec::new();
        for chosen in subsets(&spans) {
            if others.len() == READINGS_MAX {
                break;
            }
            others.extend(linked(text.trim(), &whole, chosen, &spans));
        }
        Some(Self { whole, others })
    }

    /// The text as the beginning of a name, without other readings.
    pub(crate) fn beginning(text: &str) -> Option<Self> {
        Some(Self { whole: Reading::of(text)?, others: Vec::new() })
    }

    /// Adds readings in which names are misspelt: of all words, or of a name of several.
    pub(crate) fn with_misspelt(mut self, text: &str, names: &Names, unlink: &[String]) -> Self {
        let text = text.trim();
        let exact = names.spans(text, &self.whole.tokens, unlink);
        let spans = names.near_spans(text, &self.whole.tokens, &exact, unlink);
        for chosen in subsets(&spans).into_iter().filter(|chosen| chosen.iter().any(|span| span.is_near)) {
            if self.others.len() >= 2 * READINGS_MAX {
                break;
            }
            let may_leave = chosen.iter().all(|span| !span.is_near || span.words.len() > 1);
            let linked = linked(text, &self.whole, chosen, &spans);
            self.others.extend(
                linked.filter(|linked| linked.rest.is_none() || may_leave).map(|linked| Linked {
                    is_sure: false,
                    is_typed: false,
                    ..linked
                }),
            );
        }
        self
    }

    /// What holds all of the text.
    pub(crate) fn tight(&self) -> Vec<Clause> {
        let mut clauses = title(&self.whole, &[]);
        for other in &self.others {
            match &other.rest {
                None => clauses.push(Clause {
                    strength: match (other.is_typed, other.is_sure) {
                        (true, true) => TYPED,
                        (false, true) => NAMED,
                        (_, false) => ABOUT,
                    },
                    matching: Match::All(other.conditions()),
                }),
                Some(rest) => clauses.extend(title(rest, &other.conditions())),
            }
        }
        clauses
    }

    /// What resembles the text, beside what holds all of it.
    pub(crate) fn loose(&self) -> Vec<Clause> {
        let mut clauses = self.tight();
        clauses.extend(heads(&self.whole));
        clauses.extend(similar(&self.whole, &[], SIMILAR));
        for other in &self.others {
            let rest = other.rest.as_ref();
            clauses
                .extend(rest.into_iter().flat_map(|rest| similar(rest, &other.conditions(), SIMILAR_NAMED)));
        }
        clauses.extend(lyric(&self.whole));
        if self.whole.tokens.len() > 1 {
            let words = distinct(self.whole.tokens.iter().map(|token| token.k1.clone()));
            let least = words.len().div_ceil(2);
            let matching = Match::AtLeast { field: Field::Word, terms: words, least };
            clauses.push(Clause { strength: SOME, matching });
        }
        clauses
    }

    /// Names that begin with the text, or have a word that does.
    pub(crate) fn beginnings(&self) -> Vec<Clause> {
        let whole = &self.whole;
        let mut clauses = vec![
            clause(EXACT, any(Field::Joined, [whole.joined.as_str(), without_final_m(&whole.joined)])),
            clause(PREFIX, Match::Begins(Field::Joined, whole.prefix.clone())),
            clause(ALL_TOKENS, Match::Begins(Field::Suffix, whole.prefix.clone())),
        ];
        clauses.extend(tamil(whole).into_iter().map(|(strength, matching)| clause(strength, matching)));
        clauses
    }

    /// Names that resemble the text, or begin with something like it.
    pub(crate) fn resembling(&self) -> Vec<Clause> {
        similar(&self.whole, &[], SIMILAR)
    }

    /// Whether the tight plan's best match leaves nothing to look for.
    pub(crate) const fn is_good(strongest: u16) -> bool {
        strongest >= ABOUT
    }
}

impl Linked {
    fn conditions(&self) -> Vec<Match> {
        self.wanted
            .iter()
            .map(|meanings| {
                let mut values: Vec<Match> =
                    meanings.iter().map(|(column, values)| Match::Value(*column, values.clone())).collect();
                if values.len() == 1 { values.remove(0) } else { Match::Either(values) }
            })
            .collect()
    }
}

/// The same clauses for documents alone that hold a pattern of swaras; without clauses, all of those.
pub(crate) fn sung(pattern: &SwaraPattern, clauses: Vec<Clause>) -> Vec<Clause> {
    let conditions: Vec<Match> =
        pattern.terms().iter().map(|term| any(Field::Swaras, [term.as_str()])).collect();
    if clauses.is_empty() {
        return vec![clause(SOME, Match::All(conditions))];
    }
    let under = |one: Clause| clause(one.strength, under(&conditions, one.matching));
    clauses.into_iter().map(under).collect()
}

/// Counts of these values over the songs that have any of them.
pub(crate) fn having(wanted: &BTreeMap<Facet, Vec<String>>, deadline: Instant) -> Request {
    let has = |(facet, values): (&Facet, &Vec<String>)| {
        clause(ABOUT, Match::Value(Column::Facet(*facet), values.clone()))
    };
    Request {
        kinds: vec![EntityKind::Composition],
        clauses: wanted.iter().map(has).collect(),
        filters: Vec::new(),
        facets: wanted.keys().copied().collect(),
        order: Order::Strength,
        keep: 1,
        after: None,
        lyrics: false,
        deadline,
    }
}

/// Choices of spans, those with the most names first.
fn subsets(spans: &[Span]) -> Vec<Vec<Span>> {
    let mut all: Vec<Vec<Span>> = (1..1_usize << spans.len())
        .map(|bits| {
            let chosen = spans.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0);
            chosen.map(|(_, span)| span.clone()).collect()
        })
        .collect();
    all.sort_by_key(|chosen| std::cmp::Reverse(chosen.len()));
    all
}

/// The reading in which these spans are names, where a reader may mean it.
fn linked(text: &str, whole: &Reading, spans: Vec<Span>, all: &[Span]) -> Option<Linked> {
    let mut taken = vec![false; whole.tokens.len()];
    for span in &spans {
        span.words.clone().chain(span.around.iter().copied()).for_each(|at| taken[at] = true);
    }
    let is_noise = |at: usize| WORDS.is_noise(&link_key(&whole.tokens[at].k1));
    let left: Vec<usize> = (0..taken.len()).filter(|at| !taken[*at] && !is_noise(*at)).collect();
    let rest = if left.is_empty() {
        None
    } else {
        let words: Vec<&str> = left.iter().map(|at| &text[whole.tokens[*at].bytes.clone()]).collect();
        Some(Reading::of(&words.join(" "))?)
    };
    let may_be = |span: &Span| match span.grade {
        Grade::Strong | Grade::Medium => true,
        Grade::Ambiguous => rest.is_none() || span.words.start > 0,
        Grade::Weak => rest.is_none(),
    };
    // A name that is passed over must be a word of respect beside another, or there must be a rest.
    let is_passed_over = |span: &Span| span.words.clone().any(|at| !taken[at]);
    if !spans.iter().all(may_be) || (rest.is_none() && spans.len() < 2 && all.iter().any(is_passed_over)) {
        return None;
    }
    let short =
        |span: &Span| whole.tokens[span.words.clone()].iter().map(|token| token.k1.len()).sum::<usize>() <= 3;
    let sure = spans.iter().any(|span| {
        span.grade == Grade::Strong || (span.grade == Grade::Ambiguous && (spans.len() > 1 || !short(span)))
    });
    let is_sure = sure || spans.iter().filter(|span| span.grade >= Grade::Medium).count() > 1;
    let is_typed = rest.is_none() && spans.iter().any(|span| span.is_typed);
    Some(Linked { wanted: spans.iter().map(wanted).collect(), spans, rest, is_sure, is_typed })
}

fn wanted(span: &Span) -> Vec<(Column, Vec<String>)> {
    let column = |facet: Facet| Column::Facet(facet);
    span.meanings.iter().map(|meaning| (column(meaning.facet), meaning.values.clone())).collect()
}

/// A reading as a title, under conditions.
fn title(reading: &Reading, conditions: &[Match]) -> Vec<Clause> {
    let mut found = vec![
        (EXACT, any(Field::Joined, [reading.joined.as_str(), without_final_m(&reading.joined)])),
        (COARSE, any(Field::Coarse, [reading.coarse.as_str()])),
        (PREFIX, Match::Begins(Field::Joined, reading.prefix.clone())),
        (ALL_TOKENS, Match::Begins(Field::Suffix, reading.prefix.clone())),
        (ALL_TOKENS, all_words(reading)),
    ];
    found.extend(tamil(reading));
    if reading.coarse_prefix.len() >= COARSE_PREFIX_MIN {
        found.push((PREFIX - 1, Match::Begins(Field::Coarse, reading.coarse_prefix.clone())));
    }
    let long: Vec<String> = reading.heads.iter().filter(|head| reading.is_long_head(head)).cloned().collect();
    if !long.is_empty() {
        found.push((EXTENDED, Match::Any(Field::Joined, long)));
    }
    found.into_iter().map(|(strength, matching)| clause(strength, under(conditions, matching))).collect()
}

/// Tamil script writes one letter for a voiced sound and its voiceless one: there the coarse key is the key.
/// A text in Tamil is compared with every title on it, any other with those in Tamil.
fn tamil(reading: &Reading) -> Vec<(u16, Match)> {
    let field = if reading.script == Script::Tamil { Field::Coarse } else { Field::CoarseTamil };
    vec![
        (EXACT, any(field, [reading.coarse.as_str()])),
        (PREFIX, Match::Begins(field, reading.coarse_prefix.clone())),
    ]
}

/// Every word, the last one perhaps unfinished.
fn all_words(reading: &Reading) -> Match {
    let last = reading.tokens.len() - 1;
    let word = |(at, token): (usize, &lipi::Token)| match at == last {
        true => Match::Begins(Field::Word, token.k1.clone()),
        false => any(Field::Word, [token.k1.as_str()]),
    };
    Match::All(reading.tokens.iter().enumerate().map(word).collect())
}

/// Titles with which the text begins, wherever words are cut.
fn heads(reading: &Reading) -> Vec<Clause> {
    let ends = reading.coarse.char_indices().map(|(at, _)| at).filter(|at| *at >= COARSE_PREFIX_MIN);
    let coarse: Vec<String> = ends.map(|at| reading.coarse[..at].to_owned()).collect();
    let mut clauses = Vec::new();
    if !coarse.is_empty() {
        clauses.push(clause(HEAD, Match::Any(Field::Coarse, coarse)));
    }
    if !reading.heads.is_empty() {
        clauses.push(clause(SOME, Match::Any(Field::Joined, reading.heads.clone())));
    }
    clauses
}

fn similar(reading: &Reading, conditions: &[Match], strength: u16) -> Vec<Clause> {
    let pool = |(terms, least), strength| {
        let matching = Match::AtLeast { field: Field::TitleGram, terms, least };
        clause(strength, under(conditions, matching))
    };
    let heads = reading.head_grams().into_iter().map(|head| pool(head, strength + 1));
    heads.chain([pool(reading.grams(), strength)]).collect()
}

fn lyric(reading: &Reading) -> Option<Clause> {
    if reading.sung.chars().count() < LYRIC_LETTERS_MIN {
        return None;
    }
    let end = reading.sung.char_indices().nth(LYRIC_LETTERS_MAX).map_or(reading.sung.len(), |(at, _)| at);
    let terms = grams(&reading.sung[..end], LYRIC_GRAM);
    let least = at_least(terms.len(), 50);
    Some(clause(SIMILAR, Match::AtLeast { field: Field::LyricGram, terms, least }))
}

fn under(conditions: &[Match], matching: Match) -> Match {
    if conditions.is_empty() {
        return matching;
    }
    let inner = match matching {
        Match::All(inner) => inner,
        one => vec![one],
    };
    Match::All(conditions.iter().cloned().chain(inner).collect())
}

const fn clause(strength: u16, matching: Match) -> Clause {
    Clause { strength, matching }
}

fn any<'a>(field: Field, keys: impl IntoIterator<Item = &'a str>) -> Match {
    Match::Any(field, distinct(keys.into_iter().map(str::to_owned)))
}

fn distinct(keys: impl Iterator<Item = String>) -> Vec<String> {
    let mut keys: Vec<String> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
