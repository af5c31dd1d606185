//! Any text at all, of any length: every public function answers, and in a time that grows with the text.

use crate::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Characters of a long text.
const LONG: usize = 1_000_000;
/// Far more than a linear function needs for it in an unoptimised build on a busy machine, and far less than
/// a quadratic one.
const TIME_MAX: Duration = Duration::from_secs(60);

/// What nobody would type, and what somebody will.
const NASTY: [&str; 20] = [
    "\u{301}",
    "\u{304}\u{323}\u{325}",
    "\u{94D}",
    "\u{C4D}\u{200D}",
    "\u{200C}\u{200D}",
    "\u{5D0}\u{5B7}",
    "\u{202E}\u{644}\u{627}",
    "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}",
    "\u{2764}\u{FE0F}",
    "\u{1F1EE}\u{1F1F3}",
    "a",
    "క్",
    "கி",
    "r\u{325}",
    "ai\u{308}",
    "K",
    "0",
    "*%_\"\\:",
    "\u{FFFF}\u{10FFFF}",
    "ﷺ",
];

fn every_function(text: &str) {
    let script = script_of(text);
    let _ = (k1_joined(text), k2_joined(text), k1_prefix(text), raga_key(text), runs(text).len());
    let _ = (k1_joined_with(text, Some(Scheme::BlogHk)), to_iso15919(text, script));
    for to in Script::ALL {
        let _ = (collation_key(text, to), initial(text, to));
    }
    let _ = (graphemes(text).count(), truncate_graphemes(text, 10));
}

#[test]
fn a_million_characters_of_anything_are_answered_in_time() {
    for nasty in NASTY {
        let text = nasty.repeat(LONG / nasty.chars().count());
        let begun = Instant::now();
        every_function(&text);
        let shown = transliterate(&text, Notation::Latin(Scheme::Iso15919), Notation::Script(Script::Tamil));
        assert!(shown.len() <= 40 * text.len());
        assert!(begun.elapsed() < TIME_MAX, "{nasty:?} took {:?}", begun.elapsed());
    }
}

fn nasty_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(NASTY.to_vec()), 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_breaks_a_function(text in prop_oneof![any::<String>(), nasty_text(), "[\u{900}-\u{d7f}\u{11300}-\u{1137f} ]{0,40}"]) {
        every_function(&text);
        let key = k1_joined(&text);
        prop_assert_eq!(&key, &k1_joined(&text));
        prop_assert!(key.len() <= 8 * text.len() + 8);
        for token in k1_tokens(&text, None) {
            prop_assert!(!token.k1.is_empty() && text.get(token.bytes.clone()).is_some());
        }
    }
}
