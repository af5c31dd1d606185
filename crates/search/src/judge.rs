//! How well a text matches a document: tiers of evidence first, a score inside the tier second.
//!
//! Everything here is integers and folded keys, no statistics of an index: the same documents come in the
//! same order in every engine and on every node, however their segments lie.

use crate::document::TitleKind;
use crate::fields::without_final_m;
use crate::plan::{Linked, Plan};
use crate::query::MatchClass;
use crate::reading::Reading;
use crate::similar::{find_alike, likeness};
use lipi::Script;

/// The best score inside a tier.
pub(crate) const SCORE_MAX: u32 = 1_000;
/// From here on a reader would call it the same title, or the same line.
pub(crate) const ALIKE: u32 = 800;
/// Scores of names beside a word that says what they are: nothing else can be meant.
const TYPED: u32 = 800;
/// Scores of several whole words inside a title.
const INSIDE: u32 = 900;
/// Below this share of both sides, a resemblance is a guess.
const CONFIDENT_MIN: u32 = 740;
/// What is less alike than this is not called similar.
const SIMILAR_MIN: u32 = 450;
/// Fewest letters of a line that is called the same.
const LYRIC_LETTERS_MIN: usize = 10;
/// From so many letters on a few of them may be others.
const LYRIC_LETTERS_SAFE: usize = 14;

/// The best evidence that a text means a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) class: MatchClass,
    /// 0 to [`SCORE_MAX`].
    pub(crate) score: u32,
    /// Likeness of what was compared, for [`Evidence::is_confident`].
    pub(crate) alike: u32,
    /// The title that matched.
    pub(crate) title: Option<usize>,
    /// The section of the lyrics that matched, and where in its key the match ends.
    pub(crate) lyric: Option<(usize, usize)>,
    /// Which reading: none for the plain one.
    pub(crate) reading: Option<usize>,
}

impl Evidence {
    const fn of(class: MatchClass, score: u32) -> Self {
        Self { class, score, alike: SCORE_MAX, title: None, lyric: None, reading: None }
    }

    /// What an engine saw and the stored keys do not show.
    pub(crate) const fn unseen() -> Self {
        Self { alike: 0, ..Self::of(MatchClass::SomeTokens, 0) }
    }

    /// Rank of the evidence; larger is better, and decides before the score.
    pub(crate) const fn tier(&self) -> i64 {
        match self.class {
            MatchClass::Named if self.score >= TYPED => 13,
            MatchClass::Exact => 12,
            MatchClass::Coarse => 11,
            MatchClass::Named => 10,
            MatchClass::Prefix => 9,
            MatchClass::Extended if self.score >= 500 => 8,
            MatchClass::AllTokens if self.score >= INSIDE => 8,
            MatchClass::AllTokens => 7,
            MatchClass::About => 6,
            MatchClass::Similar | MatchClass::Lyric if self.score >= ALIKE => 5,
            MatchClass::Similar | MatchClass::Lyric => 4,
            MatchClass::Extended => 3,
            MatchClass::SomeTokens => 2,
            MatchClass::Listed => 0,
        }
    }

    /// True when a reader would call it what was meant, or a part of it.
    pub(crate) const fn is_confident(&self) -> bool {
        self.tier() >= 6 || (self.tier() >= 4 && self.alike >= ALIKE && self.score >= CONFIDENT_MIN)
    }

    const fn order(&self) -> (i64, u32) {
        (self.tier(), self.score)
    }
}

/// The stored keys of a document, read line by line.
pub(crate) struct Keys<'a> {
    titles: Vec<TitleKeys<'a>>,
    values: Vec<(&'a str, &'a str)>,
    prior: u32,
}

struct TitleKeys<'a> {
    kind: TitleKind,
    is_tamil: bool,
    places: &'a str,
    joined: &'a str,
    coarse: &'a str,
    words: &'a str,
}

impl<'a> Keys<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut keys = Self { titles: Vec::new(), values: Vec::new(), prior: 0 };
        for line in text.lines() {
            match line.split_at_checked(2) {
                Some(("t ", title)) => keys.titles.extend(TitleKeys::parse(title)),
                Some(("v ", value)) => keys.values.extend(value.split_once(' ')),
                Some(("p ", prior)) => keys.prior = prior.parse().unwrap_or(0),
                _ => {}
            }
        }
        keys
    }

    fn meets(&self, linked: &Linked) -> bool {
        linked.wanted.iter().all(|meanings| {
            meanings.iter().any(|(column, wanted)| {
                let name = column.as_str();
                self.values
                    .iter()
                    .any(|(column, value)| *column == name && wanted.iter().any(|it| it == value))
            })
        })
    }

    /// A reading that names a raga prefers songs in it to garlands that pass through it.
    fn is_mainly(&self, linked: &Linked) -> bool {
        let main = self.values.iter().find(|(column, _)| *column == "primary_raga").map(|(_, raga)| *raga);
        main.is_some_and(|main| {
            linked.wanted.iter().flatten().any(|(_, values)| values.iter().any(|value| value == main))
        })
    }
}

impl<'a> TitleKeys<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut parts = line.splitn(6, ' ');
        Some(Self {
            kind: TitleKind::of_field(parts.next()?)?,
            is_tamil: parts.next()? == "1",
            places: parts.next()?,
            joined: parts.next()?,
            coarse: parts.next()?,
            words: parts.next().unwrap_or_default(),
        })
    }

    /// The title to show: in the reader's script where there is one.
    fn shown(&self, script: Script) -> (bool, usize) {
        let mut places = self.places.split(',').filter_map(|place| {
            let (at, its) = place.split_once(':')?;
            Some((its != script.as_str(), at.parse::<usize>().ok()?))
        });
        let first = places.next().unwrap_or((true, 0));
        places.fold(first, std::cmp::Ord::min)
    }
}

/// Judges a document by all readings: the best decides.
pub(crate) fn judge(plan: &Plan, keys: &Keys<'_>, lyrics: &str, loose: bool) -> Evidence {
    let mut best = judge_titles(&plan.whole, keys, loose);
    for (at, linked) in plan.others.iter().enumerate().filter(|(_, linked)| keys.meets(linked)) {
        let found = match &linked.rest {
            None => Some(named(linked, keys)),
            Some(rest) => judge_titles(rest, keys, loose)
                .map(|found| Evidence { score: found.score.saturating_sub(10), ..found }),
        };
        let found = found.map(|found| Evidence { reading: Some(at), ..found });
        best = better(best, found);
    }
    if loose && best.is_none_or(|best| best.tier() < 6 && best.score < 950) {
        best = better(best, judge_lyrics(&plan.whole, lyrics));
    }
    let best = best.unwrap_or(Evidence::unseen());
    Evidence { score: (best.score + keys.prior).min(SCORE_MAX), ..best }
}

fn better(one: Option<Evidence>, other: Option<Evidence>) -> Option<Evidence> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.order() > one.order() { other } else { one }),
        (one, other) => one.or(other),
    }
}

fn named(linked: &Linked, keys: &Keys<'_>) -> Evidence {
    let class = if linked.is_sure { MatchClass::Named } else { MatchClass::About };
    let typed = if linked.is_typed { TYPED } else { 500 };
    Evidence::of(class, if keys.is_mainly(linked) { typed + 100 } else { typed })
}

/// Of the titles with the best evidence the one in the reader's script is shown. Which one is shown never
/// changes the order.
fn judge_titles(reading: &Reading, keys: &Keys<'_>, loose: bool) -> Option<Evidence> {
    let judged: Vec<(Evidence, &TitleKeys<'_>)> = keys
        .titles
        .iter()
        .filter_map(|title| judge_title(reading, title, loose).map(|found| (found, title)))
        .collect();
    let best = judged.iter().map(|(found, _)| *found).max_by_key(Evidence::order)?;
    let shown = judged
        .iter()
        .filter(|(found, _)| found.tier() == best.tier())
        .map(|(found, title)| (title.shown(reading.script), SCORE_MAX - found.score, title.kind))
        .min_by_key(|((foreign, at), less, kind)| (*foreign, *less, *kind, *at))?;
    Some(Evidence { title: Some(shown.0.1), ..best })
}

fn judge_title(reading: &Reading, title: &TitleKeys<'_>, loose: bool) -> Option<Evidence> {
    let found = by_key(reading, title)
        .or_else(|| by_coarse_key(reading, title))
        .or_else(|| by_beginning(reading, title))
        .or_else(|| by_head(reading, title));
    let words = || by_words(reading, title);
    let found = match found {
        Some(found) if found.tier() >= 8 => Some(found),
        found => better(found, words()),
    };
    let found = if loose && found.is_none_or(|found| found.tier() < 7) {
        better(better(found, by_likeness(reading, title)), by_some_words(reading, title))
    } else {
        found
    }?;
    let less = match title.kind {
        TitleKind::Display => 0,
        TitleKind::Alias => 5,
        TitleKind::Incipit | TitleKind::Signature | TitleKind::Counterpart => 10,
    };
    Some(Evidence { score: found.score.saturating_sub(less), ..found })
}

fn by_key(reading: &Reading, title: &TitleKeys<'_>) -> Option<Evidence> {
    let exact = |score| Some(Evidence::of(MatchClass::Exact, score));
    if title.joined == reading.joined {
        return exact(SCORE_MAX);
    }
    if without_final_m(title.joined) == without_final_m(&reading.joined) {
        return exact(970);
    }
    let in_tamil = reading.script == Script::Tamil || title.is_tamil;
    if in_tamil && title.coarse == reading.coarse { exact(950) } else { None }
}

fn by_coarse_key(reading: &Reading, title: &TitleKeys<'_>) -> Option<Evidence> {
    (title.coarse == reading.coarse)
        .then(|| Evidence::of(MatchClass::Coarse, likeness(&reading.joined, title.joined).score))
}

fn by_beginning(reading: &Reading, title: &TitleKeys<'_>) -> Option<Evidence> {
    let in_tamil = reading.script == Script::Tamil || title.is_tamil;
    let score = begins(title.joined, &reading.joined, &reading.prefix).or_else(|| {
        let less = if in_tamil { 20 } else { 80 };
        let is_long = in_tamil || reading.coarse_prefix.len() >= 6;
        begins(title.coarse, &reading.coarse, &reading.coarse_prefix)
            .filter(|_| is_long)
            .map(|score| score.saturating_sub(less))
    })?;
    Some(Evidence::of(MatchClass::Prefix, score))
}

/// The share of a title that the text covers from its beginning.
fn begins(title: &str, whole: &str, prefix: &str) -> Option<u32> {
    if title.starts_with(whole) {
        return Some(share(whole.len(), title.len()));
    }
    title.starts_with(prefix).then(|| share(prefix.len(), title.len()).saturating_sub(10))
}

/// The text begins with the title and goes on.
fn by_head(reading: &Reading, title: &TitleKeys<'_>) -> Option<Evidence> {
    let covered = share(title.joined.len(), reading.joined.len());
    let bare = without_final_m(title.joined);
    if reading.heads.iter().any(|head| head == title.joined || head == bare) {
        let long = reading.is_long_head(title.joined);
        let score = if long { 500 + covered / 2 } else { covered.min(490) };
        return Some(Evidence { alike: covered, ..Evidence::of(MatchClass::Extended, score) });
    }
    // Words are cut otherwise: the title must say enough by itself.
    let inside = title.coarse.len() >= 8 && reading.coarse.starts_with(title.coarse);
    inside.then(|| {
        let long = reading.is_long_head(title.coarse);
        let score = if long { 500 + covered / 3 } else { covered.min(480) };
        Evidence { alike: covered, ..Evidence::of(MatchClass::Extended, score) }
    })
}

fn by_words(reading: &Reading, title: &TitleKeys<'_>) -> Option<Evidence> {
    let inside = reading.prefix.len() >= 3 && title.joined.contains(&reading.prefix);
    let last = reading.tokens.len().checked_sub(1)?;
    let all = reading.tokens.iter().enumerate().all(|(at, token)| {
        title.words.split(' ').any(|word| word == token.k1 || (at == last && word.starts_with(&token.k1)))
    });
    let first = title.words.split(' ').next() == reading.tokens.first().map(|token| token.k1.as_str());
    (inside || all).then(|| {
        let covered = share(reading.joined.len(), title.joined.len()) * 7 / 10;
        let whole_words =
            all && reading.tokens.iter().all(|token| title.words.split(' ').any(|it| it == token.k1));
        let score = covered
            + if inside { 150 } else { 0 }
            + if first { 70 } else { 0 }
            + if whole_words { 80 } else { 0 };
        // Several whole words, one after the other: nothing that was typed is left over.
        let says_all = inside && whole_words && reading.tokens.len() > 1;
        let score = if says_all { INSIDE + covered / 10 } else { score.min(INSIDE - 1) };
        Evidence::of(MatchClass::AllTokens, score)
    })
}

fn by_likeness(reading: &Reading, title: &TitleKeys<'_>) -> Option<Evidence> {
    // A Tamil spelling tells no voiced sound from its voiceless one: compare what it does tell.
    let found = if reading.script == Script::Tamil || title.is_tamil {
        likeness(&reading.coarse, title.coarse)
    } else {
        likeness(&reading.joined, title.joined)
    };
    (found.score >= SIMILAR_MIN)
        .then_some(Evidence { alike: found.of_parts, ..Evidence::of(MatchClass::Similar, found.score) })
}

fn by_some_words(reading: &Reading, title: &TitleKeys<'_>) -> Option<Evidence> {
    let length = |tokens: &mut dyn Iterator<Item = &lipi::Token>| tokens.map(|token| token.k1.len()).sum();
    let letters: usize = length(&mut reading.tokens.iter());
    let matched: usize = length(
        &mut reading.tokens.iter().filter(|token| title.words.split(' ').any(|word| word == token.k1)),
    );
    let alike = share(matched, letters);
    (matched > 0).then_some(Evidence { alike, ..Evidence::of(MatchClass::SomeTokens, alike) })
}

/// A line of the lyrics that holds the text, or something very like it.
fn judge_lyrics(reading: &Reading, lyrics: &str) -> Option<Evidence> {
    let pattern = reading.sung.as_bytes();
    if lyrics.is_empty() || pattern.len() < 7 {
        return None;
    }
    let letters = u32::try_from(pattern.len().min(64)).unwrap_or(64);
    let (section, end, cost) = lyrics
        .lines()
        .enumerate()
        .filter_map(|(at, key)| find_alike(pattern, key.as_bytes()).map(|(end, cost)| (at, end, cost)))
        .min_by_key(|(_, _, cost)| *cost)?;
    let alike = SCORE_MAX.saturating_sub(cost * SCORE_MAX / letters);
    // A short text is in many lines by chance, and something like a short one in many more.
    let short = pattern.len() < LYRIC_LETTERS_MIN || reading.tokens.len() < 2;
    let score = match pattern.len() {
        _ if short => alike * 8 / 10,
        ..LYRIC_LETTERS_SAFE => alike.saturating_sub(20 + (SCORE_MAX - alike) / 2),
        _ => alike.saturating_sub(20),
    };
    (score >= SIMILAR_MIN).then_some(Evidence {
        alike,
        lyric: Some((section, end)),
        ..Evidence::of(MatchClass::Lyric, score)
    })
}

fn share(part: usize, whole: usize) -> u32 {
    u32::try_from(part.min(whole) * SCORE_MAX as usize / whole.max(1)).unwrap_or(SCORE_MAX)
}
