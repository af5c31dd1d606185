//! What is fed to the index: one document an entity that readers can see.

use crate::Error;
use chrono::{DateTime, Utc};
use domain::EntityRef;
use domain::music::Swara;
use lipi::Script;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One change of the index. The newer `version` wins, whatever the order of arrival; of one version a
/// deletion wins over a document, and of two documents the later one, since what a document was made from
/// besides its entity (the melas of its ragas, its groups) changes without the entity's version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all changes of a batch are documents")]
pub enum Change {
    /// Readers see this document from now on.
    Put(Document),
    /// Readers see the entity no more. Deleting what is absent is fine.
    Delete {
        /// What disappears.
        entity: EntityRef,
        /// External version of the deletion, as [`Document::version`].
        version: u64,
    },
}

impl Change {
    /// The entity that changes.
    pub const fn entity(&self) -> EntityRef {
        match self {
            Self::Put(document) => document.entity,
            Self::Delete { entity, .. } => *entity,
        }
    }

    /// The external version of the change.
    pub const fn version(&self) -> u64 {
        match self {
            Self::Put(document) => document.version,
            Self::Delete { version, .. } => *version,
        }
    }
}

/// What the index knows of one entity. Ids stand for other entities, never their names: renaming a raga
/// does not touch the documents of its compositions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Document {
    /// What the document is about.
    pub entity: EntityRef,
    /// External version: `(epoch << 48) | aggregate_version`, of the database from which truth was read.
    pub version: u64,
    /// The entity's present slug.
    pub slug: String,
    /// Titles of a composition, names of any other entity. The first one of kind `Display` is the title.
    pub titles: Vec<Title>,
    /// The words of a composition, section by section, in one script of each version. What is indexed is
    /// shown as a fragment: give none that readers may not see.
    pub lyrics: Vec<LyricSection>,
    /// The swaras of a composition as it is sung, section by section of each notation.
    pub swaras: Vec<SwaraSection>,
    /// Every raga of a composition; a ragamalika has several.
    pub ragas: Vec<Uuid>,
    /// The raga of a composition in one raga, or the first of a ragamalika.
    pub primary_raga: Option<Uuid>,
    /// Numbers (1 to 72) of the melas of `ragas`.
    pub melas: Vec<u8>,
    /// The composer.
    pub composer: Option<Uuid>,
    /// Every tala.
    pub talas: Vec<Uuid>,
    /// Wire name of the form: `kriti`.
    pub form: Option<String>,
    /// Language codes: `te`.
    pub languages: Vec<String>,
    /// Every deity addressed.
    pub deities: Vec<Uuid>,
    /// Every temple named.
    pub temples: Vec<Uuid>,
    /// Every tag.
    pub tags: Vec<Uuid>,
    /// Every group the entity belongs to.
    pub groups: Vec<Uuid>,
    /// Collation key of the title: decides ties, and the order by title. The first 32 bytes count.
    pub sort_title: Vec<u8>,
    /// The same by the title in other scripts, for [`crate::Sort::Title`] in a reader's script.
    pub sort_titles: Vec<(Script, Vec<u8>)>,
    /// How often it is sought or used; weighs a little among equals, and never lifts over better evidence.
    pub popularity: u32,
    /// When readers saw the present revision first; orders by [`crate::Sort::Newest`].
    pub updated_at: DateTime<Utc>,
}

impl Document {
    /// Most titles of one document.
    pub const TITLES_MAX: usize = 256;
    /// Longest title, in bytes.
    pub const TITLE_BYTES_MAX: usize = 2_000;
    /// Most sections of lyrics.
    pub const SECTIONS_MAX: usize = 400;
    /// Longest lyrics, all sections together, in bytes.
    pub const LYRIC_BYTES_MAX: usize = 200_000;
    /// Most swaras, all sections together.
    pub const SWARAS_MAX: usize = 50_000;
    /// Most values of one facet.
    pub const VALUES_MAX: usize = 256;
    /// Longest slug, and longest text of a facet's value, in bytes.
    pub const VALUE_BYTES_MAX: usize = 400;

    /// A document with nothing but its identity; `sort_title` orders by slug until it is set.
    pub fn new(entity: EntityRef, version: u64, slug: impl Into<String>, updated_at: DateTime<Utc>) -> Self {
        let slug = slug.into();
        Self {
            entity,
            version,
            sort_title: slug.clone().into_bytes(),
            slug,
            titles: Vec::new(),
            lyrics: Vec::new(),
            swaras: Vec::new(),
            sort_titles: Vec::new(),
            popularity: 0,
            ragas: Vec::new(),
            primary_raga: None,
            melas: Vec::new(),
            composer: None,
            talas: Vec::new(),
            form: None,
            languages: Vec::new(),
            deities: Vec::new(),
            temples: Vec::new(),
            tags: Vec::new(),
            groups: Vec::new(),
            updated_at,
        }
    }

    /// Refuses a document beyond the limits above.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let lists = [&self.ragas, &self.talas, &self.deities, &self.temples, &self.tags, &self.groups];
        let fine = self.titles.len() <= Self::TITLES_MAX
            && self.titles.iter().all(|title| title.text.len() <= Self::TITLE_BYTES_MAX)
            && lists.iter().all(|list| list.len() <= Self::VALUES_MAX)
            && self.melas.len() <= Self::VALUES_MAX
            && self.languages.len() <= Self::VALUES_MAX
            && self.languages.iter().chain(&self.form).all(|value| value.len() <= Self::VALUE_BYTES_MAX)
            && self.slug.len() <= Self::VALUE_BYTES_MAX
            && self.lyrics.len() <= Self::SECTIONS_MAX
            && self.lyric_bytes() <= Self::LYRIC_BYTES_MAX
            && self.swaras.len() <= Self::SECTIONS_MAX
            && self.swaras.iter().flat_map(|section| &section.rows).map(Vec::len).sum::<usize>()
                <= Self::SWARAS_MAX;
        if fine { Ok(()) } else { Err(Error::DocumentTooLarge { entity: self.entity }) }
    }

    fn lyric_bytes(&self) -> usize {
        self.lyrics.iter().flat_map(|section| &section.lines).map(String::len).sum()
    }
}

/// The lines of one section of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LyricSection {
    /// The section's id in the composition.
    #[serde(rename = "i")]
    pub section: Uuid,
    /// What a reader calls it: `pallavi`, `charanam 2`.
    #[serde(rename = "n")]
    pub label: String,
    /// The script of the lines.
    #[serde(rename = "s")]
    pub script: Script,
    /// The lines, in order.
    #[serde(rename = "l")]
    pub lines: Vec<String>,
}

/// The swaras of one section of a notation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SwaraSection {
    /// The section's id in the composition.
    #[serde(rename = "i")]
    pub section: Uuid,
    /// What a reader calls it: `pallavi`, `charanam 2`.
    #[serde(rename = "n")]
    pub label: String,
    /// The swaras of each avartanam as often as they are struck.
    #[serde(rename = "r")]
    pub rows: Vec<Vec<Swara>>,
}

/// One title or name, in one script.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Title {
    /// As it is written.
    pub text: String,
    /// The script of `text`.
    pub script: Script,
    /// What the title is for.
    pub kind: TitleKind,
}

impl Title {
    /// A title whose script is read from its letters.
    pub fn new(kind: TitleKind, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { script: lipi::script_of(&text), text, kind }
    }
}

/// What a title is for. Of two that match alike, the earlier one here is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TitleKind {
    /// The title that is shown.
    Display,
    /// Another title or name.
    Alias,
    /// The opening words.
    Incipit,
    /// The words with which a composer signs. They link a text to the composer, weakly.
    Signature,
    /// What a raga's counterpart in the north is called: meant where no raga has the name itself.
    Counterpart,
}

impl TitleKind {
    pub(crate) fn of_field(field: &str) -> Option<Self> {
        [Self::Display, Self::Alias, Self::Incipit, Self::Signature, Self::Counterpart]
            .into_iter()
            .find(|kind| kind.field() == field)
    }

    /// The name of the field on the wire: `title`, `alias`, `incipit`, `signature`, `counterpart`.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Display => "title",
            Self::Alias => "alias",
            Self::Incipit => "incipit",
            Self::Signature => "signature",
            Self::Counterpart => "counterpart",
        }
    }
}
