//! The face of a page: the language of the site's own words, and the script in which names and songs are shown.
//!
//! The language is chosen in the address (`?lang=ta`), never guessed. It brings its own script, unless the address
//! names another (`?lang=ta&script=latin`). English brings Latin letters.

use super::language;
use lipi::{Notation, Scheme, Script};
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

/// A language of the site's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    English,
    Tamil,
    Telugu,
    Kannada,
    Malayalam,
    Hindi,
}

/// How a page is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Face {
    pub tongue: Tongue,
    pub script: Script,
}

impl Face {
    /// The face of an address that says nothing.
    pub const PLAIN: Self = Self::of(Tongue::English);

    /// `tongue` in its own script.
    pub const fn of(tongue: Tongue) -> Self {
        Self { tongue, script: tongue.script() }
    }

    /// The same words around names in `script`.
    pub const fn with_script(self, script: Script) -> Self {
        Self { script, ..self }
    }

    /// What the address says of this face: nothing where the language brings the script.
    pub fn query(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let tongue = (self.tongue != Tongue::English).then_some(("lang", self.tongue.code()));
        let script = (self.script != self.tongue.script()).then_some(("script", self.script.as_str()));
        tongue.into_iter().chain(script)
    }

    /// A word or sentence of the site in the language of this face. It is written in English where it is used;
    /// the message files hold the others.
    pub fn say(self, english: &'static str) -> &'static str {
        let messages = match self.tongue {
            Tongue::English => return english,
            other => &MESSAGES[other as usize - 1],
        };
        messages.get(english).map_or(english, String::as_str)
    }

    /// The same with `{n}` replaced.
    pub fn fill(self, english: &'static str, n: impl fmt::Display) -> String {
        self.say(english).replace("{n}", &n.to_string())
    }

    /// `1 song`, `2 songs`: each form has its own message.
    pub fn counted(self, count: u64, one: &'static str, many: &'static str) -> String {
        self.fill(if count == 1 { one } else { many }, count)
    }
}

/// Part of the question that a cache is asked.
impl fmt::Display for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.tongue.code(), self.script)
    }
}

impl Tongue {
    /// In the order of the menu.
    pub const ALL: [Self; 6] =
        [Self::English, Self::Tamil, Self::Telugu, Self::Kannada, Self::Malayalam, Self::Hindi];

    /// ISO 639-1: in addresses and as the language of the document.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Tamil => "ta",
            Self::Telugu => "te",
            Self::Kannada => "kn",
            Self::Malayalam => "ml",
            Self::Hindi => "hi",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tongue| tongue.code() == code)
    }

    /// Its name in itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Hindi => "हिन्दी",
            other => language::own_name(other.script()),
        }
    }

    /// The script that it is written in.
    pub const fn script(self) -> Script {
        match self {
            Self::English => Script::Latin,
            Self::Tamil => Script::Tamil,
            Self::Telugu => Script::Telugu,
            Self::Kannada => Script::Kannada,
            Self::Malayalam => Script::Malayalam,
            Self::Hindi => Script::Devanagari,
        }
    }
}

/// Marks a message that is said elsewhere, in the language of the page.
pub(super) const fn msg(english: &'static str) -> &'static str {
    english
}

/// A message file: sentences, and words of the field for which the language has a spelling of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    messages: HashMap<String, String>,
    #[serde(default)]
    terms: HashMap<String, String>,
}

/// Words of the field in ISO 15919, by their English spelling; a language without a word of its own writes them in
/// its script.
const TERMS: &str = include_str!("messages/terms.toml");

static MESSAGES: LazyLock<[HashMap<String, String>; 5]> = LazyLock::new(|| {
    [
        messages(Tongue::Tamil, include_str!("messages/ta.toml")),
        messages(Tongue::Telugu, include_str!("messages/te.toml")),
        messages(Tongue::Kannada, include_str!("messages/kn.toml")),
        messages(Tongue::Malayalam, include_str!("messages/ml.toml")),
        messages(Tongue::Hindi, include_str!("messages/hi.toml")),
    ]
});

fn messages(tongue: Tongue, text: &str) -> HashMap<String, String> {
    let file: File = toml::from_str(text).expect("a test reads every message file");
    let terms: HashMap<String, String> = toml::from_str(TERMS).expect("a test reads the terms");
    let to = Notation::Script(tongue.script());
    let written = |iso: &str| lipi::transliterate(iso, Notation::Latin(Scheme::Iso15919), to);
    let mut all: HashMap<String, String> =
        terms.into_iter().map(|(english, iso)| (english, written(&iso))).collect();
    all.extend(file.terms);
    all.extend(file.messages);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Every sentence that a page says: what stands in `say("…")` and its relatives, and in the tables of words.
    fn said() -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/site");
        let mut said = BTreeSet::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let text = text.split("#[cfg(test)]").next().unwrap();
            if path.ends_with("words.rs") {
                said.extend(literals(text.split("=> \"").skip(1)));
                said.extend(literals(text.split("=> Some(\"").skip(1)));
            }
            let calls = text.split(".say(").chain(text.split(".fill(")).chain(text.split("msg(")).skip(1);
            said.extend(literals(calls.filter_map(|rest| rest.trim_start().strip_prefix('"'))));
            for call in text.split(".counted(").skip(1) {
                let arguments = call.split('"').skip(1).step_by(2).take(2);
                said.extend(arguments.map(str::to_owned));
            }
        }
        said
    }

    fn literals<'a>(starts: impl Iterator<Item = &'a str>) -> Vec<String> {
        starts.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    }

    #[test]
    fn every_sentence_is_in_every_language() {
        let said = said();
        assert!(said.len() > 100, "{said:?}");
        let mut missing = Vec::new();
        for (tongue, messages) in Tongue::ALL.into_iter().skip(1).zip(MESSAGES.iter()) {
            let lacks = said.iter().filter(|english| !messages.contains_key(*english));
            missing.extend(lacks.map(|english| format!("{}: {english}", tongue.code())));
        }
        assert!(missing.is_empty(), "not translated:\n{}", missing.join("\n"));
    }

    #[test]
    fn no_message_file_holds_what_no_page_says() {
        let said = said();
        for text in [
            include_str!("messages/ta.toml"),
            include_str!("messages/te.toml"),
            include_str!("messages/kn.toml"),
            include_str!("messages/ml.toml"),
            include_str!("messages/hi.toml"),
        ] {
            let file: File = toml::from_str(text).unwrap();
            for english in file.messages.keys().chain(file.terms.keys()) {
                assert!(said.contains(english), "nobody says `{english}`");
            }
        }
    }

    #[test]
    fn places_for_numbers_are_kept_in_translation() {
        for messages in MESSAGES.iter() {
            for (english, text) in messages {
                assert_eq!(english.matches("{n}").count(), text.matches("{n}").count(), "{english}: {text}");
            }
        }
    }

    #[test]
    fn an_address_says_only_what_differs() {
        let query = |face: Face| face.query().collect::<Vec<_>>();
        assert_eq!(query(Face::PLAIN), []);
        assert_eq!(query(Face::of(Tongue::Tamil)), [("lang", "ta")]);
        assert_eq!(query(Face::PLAIN.with_script(Script::Tamil)), [("script", "tamil")]);
        let both = Face::of(Tongue::Tamil).with_script(Script::Latin);
        assert_eq!(query(both), [("lang", "ta"), ("script", "latin")]);
    }
}
