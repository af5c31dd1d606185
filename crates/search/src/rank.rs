//! How well a text matches a title: classes of evidence first, a score inside the class second.
//!
//! Everything here is integers and folded keys, no statistics of the index: the same documents come in
//! the same order on every node, however their segments lie.

use crate::document::{Title, TitleKind};
use crate::query::{MatchClass, Query};
use lipi::{Script, Token};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The best score inside a class.
pub(crate) const SCORE_MAX: u32 = 1_000;

/// What a user typed, folded.
pub(crate) struct Reading {
    pub(crate) joined: String,
    /// Key of the text as one still being typed; begins the key of whatever it may become.
    pub(crate) prefix: String,
    pub(crate) coarse: String,
    pub(crate) coarse_prefix: String,
    pub(crate) tokens: Vec<Token>,
    /// Joined keys of the first words, fewest first, without the whole.
    pub(crate) heads: Vec<String>,
    pub(crate) script: Script,
    /// More was typed than is read.
    pub(crate) truncated: bool,
}

impl Reading {
    /// Fewest letters of a title that the text may go beyond.
    const HEAD_LETTERS_MIN: usize = 4;

    /// None where the text holds no letter and no digit.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (text, tokens, truncated) = clip(text);
        let joined = lipi::k1_joined(text);
        if joined.is_empty() {
            return None;
        }
        let prefix =
            Some(lipi::k1_prefix(text)).filter(|key| !key.is_empty()).unwrap_or_else(|| joined.clone());
        let ends = tokens.iter().take(tokens.len().saturating_sub(1)).map(|token| token.bytes.end);
        let mut heads: Vec<String> = ends.map(|end| lipi::k1_joined(&text[..end])).collect();
        heads.retain(|head| head.len() >= Self::HEAD_LETTERS_MIN);
        Some(Self {
            coarse: lipi::k2_of_k1(&joined),
            coarse_prefix: lipi::k2_of_k1(&prefix),
            script: lipi::script_of(text),
            joined,
            prefix,
            tokens,
            heads,
            truncated,
        })
    }
}

/// The part of a text that is read: so many characters, then so many words.
fn clip(text: &str) -> (&str, Vec<Token>, bool) {
    let text = text.trim();
    let end = text.char_indices().nth(Query::TEXT_CHARS_MAX).map_or(text.len(), |(at, _)| at);
    let (mut kept, mut truncated) = (&text[..end], end < text.len());
    let mut tokens = lipi::k1_tokens(kept, None);
    if let Some(last) = tokens.get(Query::TOKENS_MAX - 1).filter(|_| tokens.len() > Query::TOKENS_MAX) {
        kept = &kept[..last.bytes.end];
        tokens.truncate(Query::TOKENS_MAX);
        truncated = true;
    }
    (kept, tokens, truncated)
}

/// A title with its keys, as the index stores it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Folded {
    #[serde(rename = "t")]
    pub(crate) text: String,
    #[serde(rename = "s")]
    pub(crate) script: Script,
    #[serde(rename = "k")]
    pub(crate) kind: TitleKind,
    #[serde(rename = "j")]
    pub(crate) joined: String,
    #[serde(rename = "c")]
    pub(crate) coarse: String,
    #[serde(rename = "w")]
    pub(crate) words: Vec<String>,
}

impl Folded {
    pub(crate) fn of(title: &Title) -> Self {
        let joined = lipi::k1_joined(&title.text);
        Self {
            text: title.text.clone(),
            script: title.script,
            kind: title.kind,
            coarse: lipi::k2_of_k1(&joined),
            joined,
            words: lipi::k1_tokens(&title.text, None).into_iter().map(|token| token.k1).collect(),
        }
    }
}

/// A key without the final `m` or `mu` that one spelling of a title has and another has not.
pub(crate) fn without_final_m(key: &str) -> &str {
    let bare = key.strip_suffix("mu").or_else(|| key.strip_suffix('m')).unwrap_or(key);
    if bare.len() >= 4 { bare } else { key }
}

/// The best evidence that a text means a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) class: MatchClass,
    /// 0 to [`SCORE_MAX`].
    pub(crate) score: u32,
    /// Which title to show.
    pub(crate) title: usize,
}

/// Judges all titles of a document: the best decides, and of those in its class the one in the reader's
/// script is shown. Which one is shown never changes the order.
pub(crate) fn judge(reading: &Reading, titles: &[Folded]) -> Option<Match> {
    let judged: Vec<Option<(MatchClass, u32)>> =
        titles.iter().map(|title| judge_title(reading, title)).collect();
    let (class, score) =
        judged.iter().flatten().copied().min_by_key(|(class, score)| (*class, SCORE_MAX - *score))?;
    let (title, _) = judged
        .iter()
        .enumerate()
        .filter(|(_, judgement)| judgement.is_some_and(|(its, _)| its == class))
        .min_by_key(|(at, judgement)| {
            let its = &titles[*at];
            (its.script != reading.script, SCORE_MAX - judgement.map_or(0, |(_, score)| score), its.kind, *at)
        })?;
    Some(Match { class, score, title })
}

fn judge_title(reading: &Reading, title: &Folded) -> Option<(MatchClass, u32)> {
    let (class, score) = by_key(reading, title)
        .or_else(|| by_tamil_key(reading, title))
        .or_else(|| by_head(reading, title))
        .or_else(|| by_words(reading, title))
        .or_else(|| by_coarse_key(reading, title))
        .or_else(|| by_some_words(reading, title))?;
    let less = match title.kind {
        TitleKind::Display => 0,
        TitleKind::Alias => 5,
        TitleKind::Incipit => 10,
    };
    Some((class, score.saturating_sub(less)))
}

fn by_key(reading: &Reading, title: &Folded) -> Option<(MatchClass, u32)> {
    if title.joined == reading.joined {
        return Some((MatchClass::Exact, SCORE_MAX));
    }
    if !title.joined.is_empty() && without_final_m(&title.joined) == without_final_m(&reading.joined) {
        return Some((MatchClass::Exact, 970));
    }
    begins(&title.joined, &reading.joined, &reading.prefix).map(|score| (MatchClass::Prefix, score))
}

/// Tamil script writes one letter for a voiced sound and its voiceless one: there the coarse key is the key.
fn by_tamil_key(reading: &Reading, title: &Folded) -> Option<(MatchClass, u32)> {
    if reading.script != Script::Tamil && title.script != Script::Tamil {
        return None;
    }
    if title.coarse == reading.coarse {
        return Some((MatchClass::Exact, 950));
    }
    begins(&title.coarse, &reading.coarse, &reading.coarse_prefix)
        .map(|score| (MatchClass::Prefix, score.saturating_sub(20)))
}

/// The share of a title that the text covers from its beginning.
fn begins(title: &str, whole: &str, prefix: &str) -> Option<u32> {
    if title.starts_with(whole) {
        return Some(share(whole.len(), title.len()));
    }
    title.starts_with(prefix).then(|| share(prefix.len(), title.len()).saturating_sub(10))
}

fn by_head(reading: &Reading, title: &Folded) -> Option<(MatchClass, u32)> {
    let is_head = reading.heads.contains(&title.joined);
    is_head.then(|| (MatchClass::Extended, share(title.joined.len(), reading.joined.len())))
}

fn by_words(reading: &Reading, title: &Folded) -> Option<(MatchClass, u32)> {
    let inside = reading.prefix.len() >= 3 && title.joined.contains(&reading.prefix);
    let all = reading.tokens.iter().enumerate().all(|(at, token)| {
        let last = at + 1 == reading.tokens.len();
        title.words.iter().any(|word| *word == token.k1 || (last && word.starts_with(&token.k1)))
    });
    let first =
        title.words.first().zip(reading.tokens.first()).is_some_and(|(word, token)| *word == token.k1);
    (inside || all).then(|| {
        let covered = share(reading.joined.len().min(title.joined.len()), title.joined.len()) * 7 / 10;
        (MatchClass::AllTokens, covered + if inside { 200 } else { 0 } + if first { 100 } else { 0 })
    })
}

fn by_coarse_key(reading: &Reading, title: &Folded) -> Option<(MatchClass, u32)> {
    (title.coarse == reading.coarse).then(|| {
        let longest = title.joined.len().max(reading.joined.len());
        let edits = edits(title.joined.as_bytes(), reading.joined.as_bytes());
        (MatchClass::Coarse, share(longest.saturating_sub(edits), longest))
    })
}

fn by_some_words(reading: &Reading, title: &Folded) -> Option<(MatchClass, u32)> {
    let letters: usize = reading.tokens.iter().map(|token| token.k1.len()).sum();
    let matched: usize = reading
        .tokens
        .iter()
        .filter(|token| title.words.contains(&token.k1))
        .map(|token| token.k1.len())
        .sum();
    (matched > 0).then(|| (MatchClass::SomeTokens, share(matched, letters)))
}

/// True when a reader would call it the same title, or a part of it.
pub(crate) fn is_confident(class: MatchClass, score: u32) -> bool {
    match class {
        MatchClass::Exact | MatchClass::Prefix | MatchClass::AllTokens | MatchClass::Listed => true,
        MatchClass::Extended => score >= 500,
        MatchClass::Coarse | MatchClass::SomeTokens => score >= 800,
    }
}

fn share(part: usize, whole: usize) -> u32 {
    u32::try_from(part.min(whole) * SCORE_MAX as usize / whole.max(1)).unwrap_or(SCORE_MAX)
}

/// Edits (insert, drop, replace, swap of neighbours) that make one key the other.
fn edits(one: &[u8], other: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, b) in other.iter().enumerate() {
            let mut least =
                (above[column + 1] + 1).min(line[column] + 1).min(above[column] + usize::from(a != b));
            if row > 0 && column > 0 && *a == other[column - 1] && one[row - 1] == *b {
                least = least.min(before[column - 1] + 1);
            }
            line.push(least);
        }
        before = std::mem::replace(&mut above, line);
    }
    above[other.len()]
}

/// The words of a title that the text matched, in bytes of the title as it is written.
pub(crate) fn marks(reading: &Reading, title: &str, class: MatchClass) -> Vec<Range<usize>> {
    let words = lipi::k1_tokens(title, None);
    let marked: Vec<Range<usize>> = match class {
        MatchClass::Listed => Vec::new(),
        MatchClass::Exact | MatchClass::Extended | MatchClass::Coarse => all(&words),
        MatchClass::Prefix => covered(&words, 0..reading.prefix.len()),
        MatchClass::AllTokens | MatchClass::SomeTokens => equal_words(reading, &words),
    };
    if marked.is_empty() && class == MatchClass::AllTokens { inner_words(reading, &words) } else { marked }
}

fn all(words: &[Token]) -> Vec<Range<usize>> {
    words.iter().map(|word| word.bytes.clone()).collect()
}

/// The words that a range of the joined key falls on. Joints only ever shorten a key, so a word too few is
/// never marked.
fn covered(words: &[Token], key: Range<usize>) -> Vec<Range<usize>> {
    let mut at = 0;
    let mut marked = Vec::new();
    for word in words {
        let its = at..at + word.k1.len();
        if its.start < key.end && key.start < its.end {
            marked.push(word.bytes.clone());
        }
        at = its.end;
    }
    marked
}

fn equal_words(reading: &Reading, words: &[Token]) -> Vec<Range<usize>> {
    let last = reading.tokens.last().map_or("", |token| token.k1.as_str());
    let is_equal = |word: &&Token| {
        reading.tokens.iter().any(|token| token.k1 == word.k1)
            || (!last.is_empty() && word.k1.starts_with(last))
    };
    words.iter().filter(is_equal).map(|word| word.bytes.clone()).collect()
}

/// For a text that is cut into words otherwise than the title.
fn inner_words(reading: &Reading, words: &[Token]) -> Vec<Range<usize>> {
    let key: String = words.iter().map(|word| word.k1.as_str()).collect();
    match key.find(&reading.prefix) {
        Some(at) => covered(words, at..at + reading.prefix.len()),
        None => all(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str, titles: &[&str]) -> Option<(MatchClass, u32, usize)> {
        let titles: Vec<Folded> =
            titles.iter().map(|title| Folded::of(&Title::new(TitleKind::Display, *title))).collect();
        judge(&Reading::of(text).unwrap(), &titles).map(|found| (found.class, found.score, found.title))
    }

    fn class(text: &str, title: &str) -> Option<MatchClass> {
        judged(text, &[title]).map(|(class, _, _)| class)
    }

    #[test]
    fn classes_follow_the_evidence() {
        assert_eq!(class("endarO mahAnubhAvulu", "Endaro Mahanubhavulu"), Some(MatchClass::Exact));
        assert_eq!(class("endaro", "Endaro Mahanubhavulu"), Some(MatchClass::Prefix));
        assert_eq!(class("endaro mahanubhavulu sri", "Endaro Mahanubhavulu"), Some(MatchClass::Extended));
        assert_eq!(class("mahanubhavulu", "Endaro Mahanubhavulu"), Some(MatchClass::AllTokens));
        assert_eq!(class("mahanubhavulu endaro", "Endaro Mahanubhavulu"), Some(MatchClass::AllTokens));
        assert_eq!(class("endaro nobody", "Endaro Mahanubhavulu"), Some(MatchClass::SomeTokens));
        assert_eq!(class("vatapi", "Endaro Mahanubhavulu"), None);
    }

    #[test]
    fn a_final_m_is_no_difference() {
        assert_eq!(class("ekadantam", "Ekadanta"), Some(MatchClass::Exact));
        assert_eq!(class("Ekadantamu", "ekadantam"), Some(MatchClass::Exact));
    }

    #[test]
    fn tamil_titles_are_found_on_the_coarse_key() {
        assert_eq!(class("வாதாபி கணபதிம்", "vAtApi gaNapatim"), Some(MatchClass::Exact));
        assert_eq!(class("vatapi ganapatim", "வாதாபி கணபதிம்"), Some(MatchClass::Exact));
        assert_eq!(class("வாதாபி", "vAtApi gaNapatim"), Some(MatchClass::Prefix));
    }

    #[test]
    fn the_title_in_the_readers_script_is_shown_and_changes_no_score() {
        let titles = ["Endaro Mahanubhavulu", "ఎందరో మహానుభావులు"];
        let telugu = judged("ఎందరో", &titles).unwrap();
        let latin = judged("endaro", &titles).unwrap();
        assert_eq!((telugu.2, latin.2), (1, 0));
        assert_eq!(telugu.0, latin.0);
    }

    #[test]
    fn marks_are_words_of_the_original() {
        let title = "ఎందరో మహానుభావులు అందరికి";
        let shown = |text: &str| -> Vec<&str> {
            let reading = Reading::of(text).unwrap();
            let class = judge(&reading, &[Folded::of(&Title::new(TitleKind::Display, title))]).unwrap().class;
            marks(&reading, title, class).into_iter().map(|bytes| &title[bytes]).collect()
        };
        assert_eq!(shown("endaro"), ["ఎందరో"]);
        assert_eq!(shown("endaro mahanu"), ["ఎందరో", "మహానుభావులు"]);
        assert_eq!(shown("andariki"), ["అందరికి"]);
        assert_eq!(shown("endaro mahanubhavulu andariki"), ["ఎందరో", "మహానుభావులు", "అందరికి"]);
    }

    #[test]
    fn a_text_is_read_to_its_limits() {
        let reading = Reading::of(&"rama ".repeat(1_000)).unwrap();
        assert!(reading.truncated && reading.tokens.len() == Query::TOKENS_MAX);
        assert!(Reading::of(&"క".repeat(100_000)).unwrap().truncated);
        assert!(Reading::of("  \u{301}\u{302} *%_\"").is_none());
    }

    #[test]
    fn edits_count_a_swap_as_one() {
        assert_eq!(edits(b"rama", b"rama"), 0);
        assert_eq!(edits(b"rama", b"arma"), 1);
        assert_eq!(edits(b"", b"rama"), 4);
        assert_eq!(edits(b"kanada", b"kannada"), 1);
    }
}
