//! Cuts at the borders of aksharas.

use unicode_segmentation::{GraphemeIndices, UnicodeSegmentation};

/// The parts of a text a reader takes as one sign: extended grapheme clusters, joined further where a
/// virama binds a consonant to the next one, since not every Indic script does so by the rules alone.
pub fn graphemes(text: &str) -> impl Iterator<Item = &str> {
    Clusters { text, rest: text.grapheme_indices(true), start: 0 }.filter(|part| !part.is_empty())
}

/// The longest beginning of at most `max` graphemes. Never cuts inside an akshara.
pub fn truncate_graphemes(text: &str, max: usize) -> &str {
    let end = graphemes(text).take(max).map(str::len).sum();
    &text[..end]
}

struct Clusters<'a> {
    text: &'a str,
    rest: GraphemeIndices<'a>,
    start: usize,
}

impl<'a> Iterator for Clusters<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.start >= self.text.len() {
            return None;
        }
        let from = self.start;
        for (at, part) in self.rest.by_ref() {
            let end = at + part.len();
            if !is_bound(&self.text[from..end], &self.text[end..]) {
                self.start = end;
                return Some(&self.text[from..end]);
            }
        }
        self.start = self.text.len();
        Some(&self.text[from..])
    }
}

/// Whether a virama at the end of `left` binds it to the consonant that begins `right`.
fn is_bound(left: &str, right: &str) -> bool {
    let last = left.chars().rev().find(|c| !matches!(c, '\u{200C}' | '\u{200D}'));
    let (Some(last), Some(next)) = (last, right.chars().next()) else { return false };
    match (crate::Script::indic(last), crate::Script::indic(next)) {
        (Some((a, VIRAMA)), Some((b, letter))) => a == b && CONSONANTS.contains(&letter),
        _ => false,
    }
}

/// Offset of the virama in every Indic block.
pub(crate) const VIRAMA: u32 = 0x4D;
/// Offsets of the consonants in every Indic block.
pub(crate) const CONSONANTS: std::ops::RangeInclusive<u32> = 0x15..=0x39;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn conjuncts_stay_whole_in_every_script() {
        for text in ["कृष्ण", "কৃষ্ণ", "કૃષ્ણ", "క్షేత్రజ్ఞ", "ಕೃಷ್ಣ", "കൃഷ്ണ", "ஶ்ரீ", "𑌕𑍃𑌷𑍍𑌣", "കൃഷ്\u{200D}ണ"]
        {
            for max in 0..6 {
                let cut = truncate_graphemes(text, max);
                let last = cut.chars().next_back().and_then(crate::Script::indic);
                let whole = cut.len() == text.len();
                assert!(whole || last.is_none_or(|(_, letter)| letter != VIRAMA), "{text} at {max}: {cut}");
            }
        }
        assert_eq!(graphemes("ಕೃಷ್ಣ").collect::<Vec<_>>(), ["ಕೃ", "ಷ್ಣ"]);
        assert_eq!(truncate_graphemes("ஶ்ரீராமா", 1), "ஶ்ரீ");
    }

    #[test]
    fn final_viramas_and_other_text_cut_as_usual() {
        assert_eq!(graphemes("வாக் a").collect::<Vec<_>>(), ["வா", "க்", " ", "a"]);
        assert_eq!(truncate_graphemes("e\u{301}te\u{301}", 1), "e\u{301}");
        assert_eq!(truncate_graphemes("👨‍👩‍👧x", 1), "👨‍👩‍👧");
    }

    proptest! {
        #[test]
        fn parts_cover_the_text(text in "\\PC{0,60}", max in 0usize..70) {
            prop_assert_eq!(graphemes(&text).collect::<String>(), text.clone());
            let cut = truncate_graphemes(&text, max);
            prop_assert!(text.starts_with(cut));
            prop_assert!(graphemes(cut).count() <= max);
        }
    }
}
