//! Whatever somebody types or stores: reading it ends, within bounds, and without a panic.
#![no_main]

use chrono::DateTime;
use domain::{EntityKind, EntityRef};
use lipi::{Notation, Scheme, Script};
use uuid::Uuid;
use search::{Document, SwaraPattern, Title, TitleKind};

/// More than the longest query that is taken.
const TEXT_BYTES_MAX: usize = 2_000;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let text = lipi::truncate_graphemes(text, TEXT_BYTES_MAX);
    let folded = lipi::k1_joined(text);
    assert_eq!(lipi::k1_joined(&folded).is_empty(), folded.is_empty());
    lipi::k2_joined(text);
    lipi::raga_key(text);
    lipi::k1_prefix(text);
    lipi::k1_tokens(text, Some(Scheme::Iast));
    let script = lipi::script_of(text);
    lipi::collation_key(text, script);
    lipi::initial(text, script);
    let latin = lipi::to_iso15919(text, script);
    lipi::transliterate(&latin, Notation::Script(Script::Latin), Notation::Script(Script::Telugu));
    assert!(lipi::runs(text).len() <= text.len().max(1));
    let _ = SwaraPattern::parse(text);
    let mut document = Document::new(entity(), 1, "slug", DateTime::UNIX_EPOCH);
    document.titles.push(Title::new(TitleKind::Display, text));
    search::engine::indexed(&document);
});

fn entity() -> EntityRef {
    EntityRef { kind: EntityKind::Composition, id: Uuid::nil() }
}
