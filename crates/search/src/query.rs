//! What may be asked, and what is answered.

use crate::Position;
use crate::swaras::SwaraPattern;
use domain::{EntityKind, EntityRef};
use lipi::Script;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use uuid::Uuid;

/// A search. The default asks for the first twenty compositions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Words in any script and spelling; none lists everything. Signs and wildcards are plain text. What
    /// exceeds [`Query::TEXT_CHARS_MAX`] or [`Query::TOKENS_MAX`] is cut, and the answer says so.
    pub text: Option<String>,
    /// Swaras that the notation of a hit must hold one after the other.
    pub swaras: Option<SwaraPattern>,
    /// Kinds of entity wanted.
    pub kinds: Vec<EntityKind>,
    /// Values wanted: any of a facet, in every facet named.
    pub filters: Filters,
    /// Which ragas of a composition a raga filter looks at.
    pub raga_mode: RagaMode,
    /// Facets to count.
    pub facets: Vec<Facet>,
    /// Most hits of one page, 1 to [`Query::LIMIT_MAX`].
    pub limit: usize,
    /// Where the last page ended.
    pub after: Option<Cursor>,
    /// Order of the hits.
    pub sort: Sort,
    /// The script in whose alphabet [`Sort::Title`] sorts; titles that have none in it come last.
    pub script: Option<Script>,
    /// Ids and codes that words of the text shall not be taken for: chips that the reader has removed.
    pub unlink: Vec<String>,
    /// Say of each hit why it stands where it does.
    pub explain: bool,
    /// Longest time for this query, in milliseconds; never longer than the configured one.
    pub ms_max: Option<u64>,
}

impl Query {
    /// Longest text that is read, in characters.
    pub const TEXT_CHARS_MAX: usize = 200;
    /// Most words that are read.
    pub const TOKENS_MAX: usize = 24;
    /// Most hits of a page.
    pub const LIMIT_MAX: usize = 100;
    /// Most values of all filters together.
    pub const FILTER_VALUES_MAX: usize = 256;

    /// A search for words among compositions.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }
}

impl Default for Query {
    fn default() -> Self {
        Self {
            text: None,
            swaras: None,
            kinds: vec![EntityKind::Composition],
            filters: Filters::default(),
            raga_mode: RagaMode::Any,
            facets: Vec::new(),
            limit: 20,
            after: None,
            sort: Sort::Relevance,
            script: None,
            unlink: Vec::new(),
            explain: false,
            ms_max: None,
        }
    }
}

/// Values wanted, by facet: OR inside a facet, AND between facets. A value that no document has finds
/// nothing and is no error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(pub(crate) BTreeMap<Facet, Vec<String>>);

impl Filters {
    /// Wants `value` (an id, a number, a code) in `facet`, or one of the others given for it.
    pub fn add(&mut self, facet: Facet, value: impl fmt::Display) -> &mut Self {
        self.0.entry(facet).or_default().push(value.to_string());
        self
    }

    /// The same for a chain of calls.
    #[must_use]
    pub fn with(mut self, facet: Facet, value: impl fmt::Display) -> Self {
        self.add(facet, value);
        self
    }

    /// True when nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn value_count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

/// What a composition can be counted and filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// Id of a raga; a ragamalika counts once under each of its ragas.
    Raga,
    /// Number of a mela, 1 to 72.
    Mela,
    /// Id of the composer.
    Composer,
    /// Id of a tala.
    Tala,
    /// Language code.
    Language,
    /// Wire name of the form.
    Form,
    /// Id of a deity.
    Deity,
    /// Id of a temple.
    Temple,
    /// Id of a tag.
    Tag,
    /// Id of a group.
    Group,
}

impl Facet {
    /// Every facet.
    pub const ALL: [Self; 10] = [
        Self::Raga,
        Self::Mela,
        Self::Composer,
        Self::Tala,
        Self::Language,
        Self::Form,
        Self::Deity,
        Self::Temple,
        Self::Tag,
        Self::Group,
    ];
    /// Most values that one facet's counts list, the most frequent first.
    pub const VALUES_MAX: usize = 1_000;

    /// The wire name: `raga`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raga => "raga",
            Self::Mela => "mela",
            Self::Composer => "composer",
            Self::Tala => "tala",
            Self::Language => "language",
            Self::Form => "form",
            Self::Deity => "deity",
            Self::Temple => "temple",
            Self::Tag => "tag",
            Self::Group => "group",
        }
    }
}

impl fmt::Display for Facet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A name that no [`Facet`] has.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a facet")]
pub struct UnknownFacet(pub String);

impl FromStr for Facet {
    type Err = UnknownFacet;

    fn from_str(text: &str) -> Result<Self, UnknownFacet> {
        Self::ALL
            .into_iter()
            .find(|facet| facet.as_str() == text)
            .ok_or_else(|| UnknownFacet(text.to_owned()))
    }
}

/// Which ragas of a composition a raga filter looks at. Counts always show all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RagaMode {
    /// Any raga of a ragamalika.
    #[default]
    Any,
    /// The main raga alone.
    Primary,
    /// Any raga of the same mela: the mela itself and its janyas.
    Family,
}

/// Order of the hits; ties go by title, then by id, the same on every node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Best match first.
    #[default]
    Relevance,
    /// By title, in the order of the alphabet of [`Query::script`].
    Title,
    /// Newest revision first.
    Newest,
}

/// Where a page ended. Opaque to callers: it may be stored and handed back, and fits only the same query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The order that the page had.
    #[serde(rename = "o")]
    pub(crate) sort: Sort,
    /// True where the words were taken loosely, because nothing held all of them.
    #[serde(rename = "l", default)]
    pub(crate) loose: bool,
    /// True behind the hits whose order was refined.
    #[serde(rename = "t")]
    pub(crate) tail: bool,
    /// Class of match, time, or zero: the first part of the order, larger first.
    #[serde(rename = "p")]
    pub(crate) primary: i64,
    /// Score inside the class, larger first.
    #[serde(rename = "s")]
    pub(crate) score: u32,
    /// Title and id, in hexadecimal digits.
    #[serde(rename = "r")]
    pub(crate) rank: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// One page of hits, in order.
    pub hits: Vec<Hit>,
    /// Counts of the facets asked for, in the order asked. A facet's own filter does not narrow its counts.
    pub facets: Vec<FacetCounts>,
    /// Number of hits on all pages.
    pub total: u64,
    /// Where the next page begins; none on the last.
    pub next: Option<Cursor>,
    /// How far the index had followed the log of events; zero where it has not begun.
    pub position: Position,
    /// What words of the text were taken for; a reader may remove each by [`Query::unlink`].
    pub interpretations: Vec<Interpretation>,
    /// A title that resembles the text, where nothing found resembles it well. Never searched silently.
    pub did_you_mean: Option<String>,
    /// True when another, poorer engine answered because the index could not.
    pub degraded: bool,
    /// How the text was read; only with [`Query::explain`].
    pub explanation: Option<Explanation>,
    /// True when nothing found resembles the text well: show the hits as guesses.
    pub low_confidence: bool,
    /// True when the time for a query ran out: hits, counts and total are those of a part of the index.
    pub partial: bool,
    /// True when the text was longer than what is read.
    pub truncated: bool,
}

/// One entity found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// What was found.
    pub entity: EntityRef,
    /// Its slug.
    pub slug: String,
    /// Larger is better; comparable inside one answer only.
    pub score: f32,
    /// How the text matched.
    pub class: MatchClass,
    /// Where the text matched; empty in a listing.
    pub matched: Vec<Matched>,
    /// Why it stands where it does, in words; only with [`Query::explain`].
    pub because: Option<String>,
}

/// Words of the text that were taken for an entity, a language or a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interpretation {
    /// What they narrow.
    pub facet: Facet,
    /// Ids or codes; several where a name is shared.
    pub values: Vec<String>,
    /// The words as they were typed.
    pub text: String,
    /// Where they stand in the text, in bytes.
    pub range: Range<usize>,
    /// The name that they are a spelling of.
    pub alias: String,
}

/// How a text was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The key of the whole text.
    pub key: String,
    /// Its coarse key.
    pub coarse_key: String,
    /// Each reading that was tried, in words.
    pub readings: Vec<String>,
    /// True when nothing held all of the words, so that similar titles and lyrics were looked through.
    pub loose: bool,
}

/// How a text matched, best evidence first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchClass {
    /// The whole title, whatever script and spelling.
    Exact,
    /// The whole title but for voicing and the like: equal on the coarse key.
    Coarse,
    /// Nothing was typed but names of a raga, a composer and the like, and the hit has them all.
    Named,
    /// The title begins with the text.
    Prefix,
    /// The text begins with the title.
    Extended,
    /// Every word of the text, or the text from a later word on, is in the title.
    AllTokens,
    /// Nothing was typed but the name of a deity, a temple, a tag or a group, and the hit is about it.
    About,
    /// The title resembles the text.
    Similar,
    /// A line of the lyrics holds the text, or something very like it.
    Lyric,
    /// Some words of the text.
    SomeTokens,
    /// No text was given.
    Listed,
}

impl MatchClass {
    /// The wire name: `all_tokens`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Coarse => "coarse",
            Self::Named => "named",
            Self::Prefix => "prefix",
            Self::Extended => "extended",
            Self::AllTokens => "all_tokens",
            Self::About => "about",
            Self::Similar => "similar",
            Self::Lyric => "lyric",
            Self::SomeTokens => "some_tokens",
            Self::Listed => "listed",
        }
    }
}

/// Where a text matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// `title`, `alias`, `incipit`, `signature`, `counterpart`, `lyric` or `notation`.
    pub field: &'static str,
    /// The title, or the line of the lyrics, as it is written; of a notation the swaras of the avartanams.
    pub text: String,
    /// The script of `text`.
    pub script: Script,
    /// The words that matched, as ranges of bytes in `text`, in order.
    pub ranges: Vec<Range<usize>>,
    /// Where in the lyrics or the notation; none for a title.
    pub place: Option<LyricPlace>,
}

/// A line of the lyrics, or an avartanam of a notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LyricPlace {
    /// The section's id.
    pub section: Uuid,
    /// What a reader calls it: `charanam 2`.
    pub label: String,
    /// Number of the line, or of the avartanam, in its section, from 1.
    pub line: usize,
}

/// How many hits have each value of a facet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetCounts {
    /// The facet counted.
    pub facet: Facet,
    /// Value (an id, a number, a code) and count, largest count first, then by value.
    pub values: Vec<(String, u64)>,
}

/// What begins with these letters? Works on an unfinished akshara.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggest {
    /// What was typed so far, in any script.
    pub text: String,
    /// Kinds wanted; none means all.
    pub kinds: Vec<EntityKind>,
    /// Most suggestions, 1 to [`Suggest::LIMIT_MAX`].
    pub limit: usize,
}

impl Suggest {
    /// Most suggestions.
    pub const LIMIT_MAX: usize = 50;
}

/// One entity whose name begins, or has a word that begins, with what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The entity.
    pub entity: EntityRef,
    /// Its slug.
    pub slug: String,
    /// The name that matched, in the script of the typed letters where there is one.
    pub text: String,
    /// Kind of `entity`, to group by.
    pub kind: EntityKind,
    /// Number of songs that have it; none of a song, or where that cannot be told in time.
    pub songs: Option<u64>,
}

/// An entity the index holds, and the version of what it holds.
pub type Held = (EntityRef, u64);

/// Where a listing of [`Held`] goes on.
pub type HeldAfter = Option<Uuid>;
