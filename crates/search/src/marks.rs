//! Which words of what is shown a text matched, as ranges of bytes of the original.

use crate::document::{LyricSection, SwaraSection};
use crate::fields::push_coarse;
use crate::query::{LyricPlace, MatchClass, Matched};
use crate::reading::Reading;
use crate::swaras::SwaraPattern;
use lipi::{Script, Token};
use std::ops::Range;

/// The words of a title that the text matched.
pub(crate) fn in_title(reading: &Reading, title: &str, class: MatchClass) -> Vec<Range<usize>> {
    let words = lipi::k1_tokens(title, None);
    let marked: Vec<Range<usize>> = match class {
        MatchClass::Listed | MatchClass::Named | MatchClass::About | MatchClass::Lyric => Vec::new(),
        MatchClass::Exact | MatchClass::Extended | MatchClass::Coarse => all(&words),
        MatchClass::Prefix => covered(&words, 0..reading.prefix.len()),
        MatchClass::AllTokens | MatchClass::SomeTokens => equal_words(reading, &words),
        MatchClass::Similar => similar_words(reading, &words),
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

/// Words that something very like them was typed for, or that stand inside what was typed.
fn similar_words(reading: &Reading, words: &[Token]) -> Vec<Range<usize>> {
    let is_like = |word: &&Token| {
        let coarse = lipi::k2_of_k1(&word.k1);
        let near = crate::similar::find_alike(coarse.as_bytes(), reading.coarse.as_bytes());
        near.is_some_and(|(_, cost)| usize::try_from(cost).is_ok_and(|cost| 3 * cost <= coarse.len()))
    };
    words.iter().filter(is_like).map(|word| word.bytes.clone()).collect()
}

/// The line of a section in which a match ends, with the words that it covers there.
pub(crate) fn in_lyrics(reading: &Reading, section: &LyricSection, end: usize) -> Option<Matched> {
    let mut key = String::new();
    let mut words: Vec<(usize, Range<usize>, Range<usize>)> = Vec::new();
    for (line, text) in section.lines.iter().enumerate() {
        for word in lipi::k1_tokens(text, None) {
            let from = key.len();
            push_coarse(&mut key, &word.k1);
            words.push((line, word.bytes, from..key.len()));
        }
    }
    let from = end.saturating_sub(reading.sung.len().min(64));
    let mut marked = words.into_iter().filter(|(_, _, its)| {
        let both = its.end.min(end).saturating_sub(its.start.max(from));
        2 * both > its.len()
    });
    let first = marked.next()?;
    let line = first.0;
    let same_line = marked.take_while(|(its, _, _)| *its == line);
    let ranges = std::iter::once(first.1.clone()).chain(same_line.map(|(_, bytes, _)| bytes)).collect();
    Some(Matched {
        field: "lyric",
        text: section.lines.get(line)?.clone(),
        script: section.script,
        ranges,
        place: Some(LyricPlace { section: section.section, label: section.label.clone(), line: line + 1 }),
    })
}

/// The first place in a notation where a pattern is sung.
pub(crate) fn in_notation(pattern: &SwaraPattern, sections: &[SwaraSection]) -> Option<Matched> {
    let (section, line, text, ranges) = pattern.place(sections)?;
    let place = LyricPlace { section: section.section, label: section.label.clone(), line };
    Some(Matched { field: "notation", text, script: Script::Latin, ranges, place: Some(place) })
}
