//! What a user typed, folded: the one place where a query's text is analysed.

use crate::fields::{push_coarse, title_grams};
use crate::query::Query;
use lipi::{Script, Token};

/// A text, or a part of it, folded.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) joined: String,
    /// Key of the text as one still being typed; begins the key of whatever it may become.
    pub(crate) prefix: String,
    pub(crate) coarse: String,
    pub(crate) coarse_prefix: String,
    /// Coarse key as lyrics have it, without the rules of joints.
    pub(crate) sung: String,
    pub(crate) tokens: Vec<Token>,
    /// Joined keys of the first words, fewest first, without the whole.
    pub(crate) heads: Vec<String>,
    pub(crate) script: Script,
    /// More was typed than is read.
    pub(crate) truncated: bool,
}

impl Reading {
    /// Fewest letters of a title that the text may go beyond.
    pub(crate) const HEAD_LETTERS_MIN: usize = 4;

    /// None where the text holds no letter and no digit.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (text, tokens, truncated) = clip(text);
        let joined = lipi::k1_of_tokens(&tokens);
        if joined.is_empty() {
            return None;
        }
        let prefix =
            Some(lipi::k1_prefix(text)).filter(|key| !key.is_empty()).unwrap_or_else(|| joined.clone());
        let mut heads: Vec<String> =
            (1..tokens.len()).map(|words| lipi::k1_of_tokens(&tokens[..words])).collect();
        heads.retain(|head| head.len() >= Self::HEAD_LETTERS_MIN);
        let mut sung = String::with_capacity(joined.len());
        tokens.iter().for_each(|token| push_coarse(&mut sung, &token.k1));
        Some(Self {
            coarse: lipi::k2_of_k1(&joined),
            coarse_prefix: lipi::k2_of_k1(&prefix),
            script: lipi::script_of(text),
            sung,
            joined,
            prefix,
            tokens,
            heads,
            truncated,
        })
    }

    /// Whether a title that the text goes beyond says enough: half of the text, or ten letters.
    pub(crate) fn is_long_head(&self, title: &str) -> bool {
        title.len() >= 10 || (title.len() >= 6 && 2 * title.len() >= self.joined.len())
    }

    /// Pieces of the text, and how many of them a title must have that may be meant by the whole of it.
    pub(crate) fn grams(&self) -> (Vec<String>, usize) {
        let grams = title_grams(&self.coarse);
        // Two mistakes take six pieces of a short title away.
        let least = at_least(grams.len(), if grams.len() <= SHORT_GRAMS { 34 } else { 45 });
        (grams, least)
    }

    /// The same for titles that are shorter than the text: pieces of beginnings of it alone.
    pub(crate) fn head_grams(&self) -> Vec<(Vec<String>, usize)> {
        let letters = self.coarse.chars().count();
        let heads = HEAD_LETTERS.iter().filter(|head| letters >= **head + HEAD_LEFT_MIN);
        heads
            .filter_map(|head| {
                let (end, _) = self.coarse.char_indices().nth(*head)?;
                let grams = title_grams(&self.coarse[..end]);
                let least = at_least(grams.len(), 65);
                Some((grams, least))
            })
            .collect()
    }
}

/// Pieces of a short title.
const SHORT_GRAMS: usize = 12;
/// Letters of the beginnings of a text that may be a whole title.
const HEAD_LETTERS: [usize; 2] = [8, 12];
/// Letters that such a text goes on by.
const HEAD_LEFT_MIN: usize = 4;

/// A share of `count` in per cent, at least one.
pub(crate) fn at_least(count: usize, per_cent: usize) -> usize {
    (count * per_cent).div_ceil(100).max(1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_to_its_limits() {
        let reading = Reading::of(&"rama ".repeat(1_000)).unwrap();
        assert!(reading.truncated && reading.tokens.len() == Query::TOKENS_MAX);
        assert!(Reading::of(&"క".repeat(100_000)).unwrap().truncated);
        assert!(Reading::of("  \u{301}\u{302} *%_\"").is_none());
    }

    #[test]
    fn pieces_ask_for_a_share_of_themselves() {
        let (grams, least) = Reading::of("entaro").unwrap().grams();
        assert_eq!((grams.len(), least), (5, 2), "a third of a short title");
        let (grams, least) = Reading::of("endaro mahanubhavulu").unwrap().grams();
        assert!(grams.len() > SHORT_GRAMS && least == at_least(grams.len(), 45), "{}", grams.len());
        assert!(Reading::of("endaro").unwrap().head_grams().is_empty());
        assert_eq!(Reading::of("endaro mahanubhavulu").unwrap().head_grams().len(), 2);
    }
}
