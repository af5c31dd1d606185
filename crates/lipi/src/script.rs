//! Scripts by Unicode block, and the Latin spelling schemes.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// A script a name or a lyric can be written in.
///
/// Letters outside the eight Indic blocks count as [`Script::Latin`], which is what folds and sorts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Script {
    /// Devanagari, U+0900.
    Devanagari,
    /// Bengali, U+0980.
    Bengali,
    /// Gujarati, U+0A80.
    Gujarati,
    /// Tamil, U+0B80.
    Tamil,
    /// Telugu, U+0C00.
    Telugu,
    /// Kannada, U+0C80.
    Kannada,
    /// Malayalam, U+0D00.
    Malayalam,
    /// Grantha, U+11300.
    Grantha,
    /// Latin letters and every letter of no other script listed here.
    Latin,
}

impl Script {
    /// Every script.
    pub const ALL: [Self; 9] = [
        Self::Devanagari,
        Self::Bengali,
        Self::Gujarati,
        Self::Tamil,
        Self::Telugu,
        Self::Kannada,
        Self::Malayalam,
        Self::Grantha,
        Self::Latin,
    ];

    /// The scripts a reader can choose for the display, in menu order.
    pub const SITE: [Self; 6] =
        [Self::Latin, Self::Devanagari, Self::Tamil, Self::Telugu, Self::Kannada, Self::Malayalam];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Devanagari => "devanagari",
            Self::Bengali => "bengali",
            Self::Gujarati => "gujarati",
            Self::Tamil => "tamil",
            Self::Telugu => "telugu",
            Self::Kannada => "kannada",
            Self::Malayalam => "malayalam",
            Self::Grantha => "grantha",
            Self::Latin => "latin",
        }
    }

    /// First code point of the script's 128-code block; `None` for Latin. The Indic blocks share one
    /// layout, so that a letter is its script and an offset.
    pub(crate) const fn block(self) -> Option<u32> {
        match self {
            Self::Devanagari => Some(0x0900),
            Self::Bengali => Some(0x0980),
            Self::Gujarati => Some(0x0A80),
            Self::Tamil => Some(0x0B80),
            Self::Telugu => Some(0x0C00),
            Self::Kannada => Some(0x0C80),
            Self::Malayalam => Some(0x0D00),
            Self::Grantha => Some(0x11300),
            Self::Latin => None,
        }
    }

    /// The script and the offset in its block of a character of an Indic block; dandas belong to no
    /// script, since all of them write the one of Devanagari.
    pub(crate) fn indic(c: char) -> Option<(Self, u32)> {
        let script = match c as u32 {
            0x0964 | 0x0965 => return None,
            0x0900..=0x097F => Self::Devanagari,
            0x0980..=0x09FF => Self::Bengali,
            0x0A80..=0x0AFF => Self::Gujarati,
            0x0B80..=0x0BFF => Self::Tamil,
            0x0C00..=0x0C7F => Self::Telugu,
            0x0C80..=0x0CFF => Self::Kannada,
            0x0D00..=0x0D7F => Self::Malayalam,
            0x11300..=0x1137F => Self::Grantha,
            _ => return None,
        };
        script.block().map(|block| (script, c as u32 - block))
    }

    /// The script of one character: `None` for what every script shares (space, punctuation, ASCII
    /// digits, combining marks outside the blocks).
    pub(crate) fn of_char(c: char) -> Option<Self> {
        match Self::indic(c) {
            Some((script, _)) => Some(script),
            None if c.is_alphabetic() => Some(Self::Latin),
            None => None,
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Script {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|script| script.as_str() == text)
            .ok_or_else(|| UnknownName { kind: "script", name: shortened(text) })
    }
}

/// A way of spelling Indian words in Latin letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// ISO 15919 (`kr̥ṣṇa`): keeps e and ē apart; the pivot of every conversion.
    Iso15919,
    /// IAST (`kṛṣṇa`).
    Iast,
    /// ITRANS (`kRRiShNa`).
    Itrans,
    /// Harvard-Kyoto (`kRSNa`): `z` is the palatal sibilant.
    Hk,
    /// Capitals for length and retroflexion, `S` palatal and `sh` retroflex sibilant (`SrI kRshNa`).
    #[serde(alias = "blog-hk")]
    BlogHk,
    /// As [`Scheme::BlogHk`] with the sibilants the other way round: `sh` palatal, `S` retroflex.
    #[serde(alias = "karnatik-hk")]
    KarnatikHk,
    /// Doubled vowels, no sign of retroflexion (`shree raamaa`).
    Karnatik,
    /// Plain English spelling of concert programmes (`Sri Thyagaraja`); read by best effort.
    Concert,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 8] = [
        Self::Iso15919,
        Self::Iast,
        Self::Itrans,
        Self::Hk,
        Self::BlogHk,
        Self::KarnatikHk,
        Self::Karnatik,
        Self::Concert,
    ];

    /// The name on the wire: `iso15919`, `iast`, `itrans`, `hk`, `blog_hk`, `karnatik_hk`, `karnatik`,
    /// `concert`. Parsing also takes a hyphen for the underscore, as source files write `blog-hk`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Iso15919 => "iso15919",
            Self::Iast => "iast",
            Self::Itrans => "itrans",
            Self::Hk => "hk",
            Self::BlogHk => "blog_hk",
            Self::KarnatikHk => "karnatik_hk",
            Self::Karnatik => "karnatik",
            Self::Concert => "concert",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scheme {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let wanted = text.replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|scheme| scheme.as_str() == wanted)
            .ok_or_else(|| UnknownName { kind: "scheme", name: shortened(text) })
    }
}

/// A name that is no script or no scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} {name:?}")]
pub struct UnknownName {
    /// What was looked for: `script` or `scheme`.
    pub kind: &'static str,
    /// The name as given, cut to 40 characters.
    pub name: String,
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A stretch of text in one script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its script.
    pub script: Script,
    /// Its place in the text, in bytes.
    pub bytes: Range<usize>,
}

/// Cuts a text into runs of one script. The runs touch and cover the text: what no script owns (spaces,
/// punctuation, digits) stays with the run before it, or at the very start with the first run.
pub fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (at, c) in text.char_indices() {
        let Some(script) = Script::of_char(c) else { continue };
        match runs.last_mut() {
            Some(last) if last.script == script => {}
            Some(last) => {
                last.bytes.end = at;
                runs.push(Run { script, bytes: at..text.len() });
            }
            None => runs.push(Run { script, bytes: 0..text.len() }),
        }
    }
    if runs.is_empty() && !text.is_empty() {
        runs.push(Run { script: Script::Latin, bytes: 0..text.len() });
    }
    runs
}

/// The script most letters of the text are in; on a tie the one that comes first in the text, and
/// [`Script::Latin`] for a text without letters.
pub fn script_of(text: &str) -> Script {
    let mut counts: Vec<(Script, usize)> = Vec::new();
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        let Some(script) = Script::of_char(c) else { continue };
        match counts.iter_mut().find(|(seen, _)| *seen == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max();
    counts.iter().find(|(_, count)| Some(*count) == most).map_or(Script::Latin, |(script, _)| *script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_on_the_wire() {
        for script in Script::ALL {
            assert_eq!(script.as_str().parse(), Ok(script));
            assert_eq!(serde_json::to_string(&script).unwrap(), format!("\"{script}\""));
        }
        for scheme in Scheme::ALL {
            assert_eq!(scheme.as_str().parse(), Ok(scheme));
            assert_eq!(serde_json::to_string(&scheme).unwrap(), format!("\"{scheme}\""));
        }
    }

    #[test]
    fn hyphens_of_source_files_parse() {
        assert_eq!("blog-hk".parse(), Ok(Scheme::BlogHk));
        assert_eq!("karnatik-hk".parse(), Ok(Scheme::KarnatikHk));
        assert_eq!(serde_json::from_str::<Scheme>("\"blog-hk\"").unwrap(), Scheme::BlogHk);
    }

    #[test]
    fn unknown_names_are_refused_and_shortened() {
        let error = "x".repeat(1000).parse::<Script>().unwrap_err();
        assert_eq!((error.kind, error.name.len()), ("script", 40));
    }

    #[test]
    fn majority_of_letters_decides() {
        for (text, script) in [
            ("", Script::Latin),
            ("12 3", Script::Latin),
            ("रामा", Script::Devanagari),
            ("রাম", Script::Bengali),
            ("રામ", Script::Gujarati),
            ("ராமா", Script::Tamil),
            ("రామ ne", Script::Telugu),
            ("ರಾಮ", Script::Kannada),
            ("രാമ", Script::Malayalam),
            ("𑌰𑌾𑌮", Script::Grantha),
            ("kr̥ṣṇa", Script::Latin),
            ("రా nannu brova", Script::Latin),
        ] {
            assert_eq!(script_of(text), script, "{text}");
        }
    }

    #[test]
    fn runs_touch_and_cover_the_text() {
        let text = "  రామ, neepai। रा 3";
        let found = runs(text);
        let scripts: Vec<_> = found.iter().map(|run| run.script).collect();
        assert_eq!(scripts, [Script::Telugu, Script::Latin, Script::Devanagari]);
        assert_eq!(found.iter().map(|run| &text[run.bytes.clone()]).collect::<String>(), text);
        assert!(runs("").is_empty());
    }
}
