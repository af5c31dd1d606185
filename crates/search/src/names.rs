//! Entity linking: which words of a text are names of ragas, composers and the rest.
//!
//! The table is built from the indexed documents of these kinds, so that a name which an editor adds links
//! from the moment it is indexed. A name proposes and never decides: of homonyms all are kept, and a reading
//! as plain words always stands beside.

use crate::document::TitleKind;
use crate::engine::Candidate;
use crate::fields::Shown;
use crate::fields::entity_of_rank;
use crate::query::{Facet, Interpretation};
use crate::words::{WORDS, link_key};
use domain::EntityKind;
use fst::automaton::Levenshtein;
use fst::{IntoStreamer, Map, Streamer};
use lipi::{Script, Token};
use std::collections::{BTreeMap, HashMap};

/// The kinds whose names link, with the facet that they narrow.
pub(crate) const KINDS: [(EntityKind, Facet); 7] = [
    (EntityKind::Raga, Facet::Raga),
    (EntityKind::Composer, Facet::Composer),
    (EntityKind::Tala, Facet::Tala),
    (EntityKind::Deity, Facet::Deity),
    (EntityKind::Temple, Facet::Temple),
    (EntityKind::Tag, Facet::Tag),
    (EntityKind::Group, Facet::Group),
];
/// Most words of one name.
const NAME_WORDS_MAX: usize = 4;
/// Most linked names of one text.
const SPANS_MAX: usize = 6;
/// Fewest letters of a name that may be misspelt by one.
const MISSPELT_LETTERS_MIN: usize = 6;
/// Most names that a misspelt one may stand for.
const MISSPELT_MAX: usize = 8;

/// One name of one entity.
#[derive(Clone, Debug)]
struct Name {
    facet: Facet,
    value: String,
    text: String,
    /// A signature, or the like: links only with something stronger beside it.
    weak: bool,
    /// For a raga: the key that keeps Kanada and Kannada apart.
    raga_key: String,
}

/// Names by their keys.
pub(crate) struct Names {
    names: Vec<Name>,
    /// Sets of names that share a key.
    sets: Vec<Vec<u32>>,
    by_key: Map<Vec<u8>>,
    /// The same by the coarse key, for Tamil script.
    by_coarse: Map<Vec<u8>>,
    melas: HashMap<String, Vec<String>>,
}

/// Words that name something.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// Words of the text.
    pub(crate) words: std::ops::Range<usize>,
    /// Words around it that only say what it is.
    pub(crate) around: Vec<usize>,
    pub(crate) grade: Grade,
    /// Something says that a name is meant: a word beside it, or a composer's name of several words.
    pub(crate) is_typed: bool,
    /// What it may be, by facet; every facet's values are alternatives.
    pub(crate) meanings: Vec<Meaning>,
}

#[derive(Clone, Debug)]
pub(crate) struct Meaning {
    pub(crate) facet: Facet,
    pub(crate) values: Vec<String>,
    pub(crate) alias: String,
}

/// How sure it is that a name is meant as a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grade {
    /// A deity, a temple: as likely a word of the title.
    Weak,
    /// An everyday word: a name at the end of a text, or alone.
    Ambiguous,
    /// A tala, a language, a form.
    Medium,
    /// A raga, a composer, or anything beside a word that types it.
    Strong,
}

impl Names {
    /// A table without entities: languages and forms alone.
    pub(crate) fn empty() -> Self {
        Self::of(&[])
    }

    /// The names of indexed documents.
    pub(crate) fn of(documents: &[Candidate]) -> Self {
        let mut names = Vec::new();
        let mut melas = HashMap::new();
        for document in documents {
            add_document(document, &mut names, &mut melas);
        }
        for (_, facet, value, word) in &WORDS.values {
            let name = Name {
                facet: *facet,
                value: value.clone(),
                text: word.clone(),
                weak: false,
                raga_key: String::new(),
            };
            names.push(name);
        }
        let (mut keys, mut coarse) = (BTreeMap::new(), BTreeMap::new());
        for (at, name) in (0_u32..).zip(&names) {
            let key = link_key(&lipi::k1_joined(&name.text));
            if key.is_empty() {
                continue;
            }
            coarse.entry(coarse_key(&key)).or_insert_with(Vec::new).push(at);
            keys.entry(key).or_insert_with(Vec::new).push(at);
        }
        let mut sets = Vec::new();
        Self { by_key: map(keys, &mut sets), by_coarse: map(coarse, &mut sets), names, sets, melas }
    }

    /// The melas of a raga.
    pub(crate) fn melas(&self, raga: &str) -> &[String] {
        self.melas.get(raga).map_or(&[], Vec::as_slice)
    }

    /// The names in a text, longest first, none overlapping, in their order.
    pub(crate) fn spans(&self, text: &str, tokens: &[Token], unlink: &[String]) -> Vec<Span> {
        let script = lipi::script_of(text);
        let mut spans: Vec<Span> = Vec::new();
        let mut taken = vec![false; tokens.len()];
        for length in (1..=NAME_WORDS_MAX.min(tokens.len())).rev() {
            for from in 0..=tokens.len() - length {
                if spans.len() == SPANS_MAX || taken[from..from + length].iter().any(|taken| *taken) {
                    continue;
                }
                let asked = Asked { text, tokens, words: from..from + length, script, unlink };
                if let Some(span) = self.span(&asked) {
                    taken[from..from + length].iter_mut().for_each(|taken| *taken = true);
                    spans.push(span);
                }
            }
        }
        spans.sort_by_key(|span| span.words.start);
        spans
    }

    /// The names that the whole of a misspelt text may stand for, one letter off.
    pub(crate) fn misspelt(&self, tokens: &[Token]) -> Vec<Span> {
        let key = link_key(&lipi::k1_of_tokens(tokens));
        let Ok(near) = Levenshtein::new(&key, 1) else { return Vec::new() };
        if key.len() < MISSPELT_LETTERS_MIN {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut stream = self.by_key.search(near).into_stream();
        while let Some((_, set)) = stream.next() {
            found.extend(self.set(set).filter(|name| is_strong(name)));
            if found.len() > MISSPELT_MAX {
                break;
            }
        }
        let meanings = meanings(found.into_iter());
        let words = 0..tokens.len();
        let span = Span { words, around: Vec::new(), grade: Grade::Strong, is_typed: false, meanings };
        if span.meanings.is_empty() { Vec::new() } else { vec![span] }
    }

    fn span(&self, asked: &Asked<'_>) -> Option<Span> {
        let k1 = lipi::k1_of_tokens(&asked.tokens[asked.words.clone()]);
        let key = link_key(&k1);
        let mut found = self.found(&key, asked);
        let around = asked.around();
        let typed = around.iter().find_map(|(_, facets)| facets.as_deref());
        if let Some(facets) = typed
            && found.iter().any(|name| facets.contains(&name.facet))
        {
            found.retain(|name| facets.contains(&name.facet));
        }
        let typed = typed.is_some_and(|facets| found.iter().any(|name| facets.contains(&name.facet)));
        if !typed && found.iter().any(|name| is_strong(name)) {
            found.retain(|name| !is_subject(name.facet));
        }
        let grade = grade(&found, &key, typed)?;
        let mut around: Vec<usize> =
            if typed { around.iter().map(|(at, _)| *at).collect() } else { Vec::new() };
        let is_composer = found.iter().any(|name| name.facet == Facet::Composer && !name.weak);
        if is_composer {
            around.extend(asked.honorifics());
        }
        let is_typed = !around.is_empty() || (is_composer && asked.words.len() > 1);
        let meanings = meanings(found.into_iter());
        Some(Span { words: asked.words.clone(), around, grade, is_typed, meanings })
    }

    fn found<'a>(&'a self, key: &str, asked: &Asked<'_>) -> Vec<&'a Name> {
        let mut found: Vec<&Name> = self.by_key.get(key).into_iter().flat_map(|set| self.set(set)).collect();
        if found.is_empty() && asked.script == Script::Tamil {
            let coarse = coarse_key(key);
            found = self.by_coarse.get(&coarse).into_iter().flat_map(|set| self.set(set)).collect();
        }
        if found.is_empty() {
            found = self.with_respect(key, asked.script);
        }
        if found.iter().filter(|name| name.facet == Facet::Raga).count() > 1 {
            let raga_key = lipi::raga_key(asked.source());
            if found.iter().any(|name| name.raga_key == raga_key) {
                found.retain(|name| name.raga_key.is_empty() || name.raga_key == raga_key);
            }
        }
        found.retain(|name| !asked.unlink.contains(&name.value));
        found
    }

    /// A composer's name with an ending of respect: Tyagarajar, Annamacharyulu.
    fn with_respect(&self, key: &str, script: Script) -> Vec<&Name> {
        let bare = ["lu", "ru", "ar", "r", "l"].into_iter().filter_map(|ending| key.strip_suffix(ending));
        for bare in bare.filter(|bare| bare.len() >= MISSPELT_LETTERS_MIN) {
            let set = match script {
                Script::Tamil => self.by_coarse.get(coarse_key(bare)),
                _ => self.by_key.get(bare),
            };
            let found: Vec<&Name> = set
                .into_iter()
                .flat_map(|set| self.set(set))
                .filter(|name| name.facet == Facet::Composer && !name.weak)
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn set(&self, set: u64) -> impl Iterator<Item = &Name> {
        let at = usize::try_from(set).ok().and_then(|set| self.sets.get(set));
        at.into_iter().flatten().filter_map(|at| self.names.get(*at as usize))
    }
}

/// A stretch of words that is looked up.
struct Asked<'a> {
    text: &'a str,
    tokens: &'a [Token],
    words: std::ops::Range<usize>,
    script: Script,
    unlink: &'a [String],
}

impl Asked<'_> {
    fn source(&self) -> &str {
        &self.text[self.tokens[self.words.start].bytes.start..self.tokens[self.words.end - 1].bytes.end]
    }

    fn key(&self, at: usize) -> Option<String> {
        Some(link_key(&self.tokens.get(at)?.k1))
    }

    /// Words beside it that say of what kind it is.
    fn around(&self) -> Vec<(usize, Option<Vec<Facet>>)> {
        let mut found = Vec::new();
        let behind = self.words.end;
        if let Some(facet) = self.key(behind).and_then(|key| WORDS.typing(&key)) {
            found.push((behind, Some(vec![facet])));
        }
        let Some(before) = self.words.start.checked_sub(1) else { return found };
        if let Some(key) = self.key(before) {
            if let Some(facet) = WORDS.typing(&key) {
                found.push((before, Some(vec![facet])));
            } else if let Some(facets) = WORDS.leading(&key) {
                found.push((before, Some(facets.to_vec())));
            }
        }
        found
    }

    /// Titles of respect beside a composer's name.
    fn honorifics(&self) -> Vec<usize> {
        let is = |at: &usize| self.key(*at).is_some_and(|key| WORDS.is_honorific(&key));
        let behind = (self.words.end..self.tokens.len()).take_while(is);
        let before = (0..self.words.start).rev().take_while(is);
        behind.chain(before).collect()
    }
}

fn add_document(document: &Candidate, names: &mut Vec<Name>, melas: &mut HashMap<String, Vec<String>>) {
    let Some(entity) = entity_of_rank(&document.rank) else { return };
    let Some((_, facet)) = KINDS.into_iter().find(|(kind, _)| *kind == entity.kind) else { return };
    let Ok(shown) = serde_json::from_str::<Shown>(&document.stored.shown) else { return };
    let value = entity.id.to_string();
    let is_raga = facet == Facet::Raga;
    for title in shown.titles {
        names.push(Name {
            facet,
            value: value.clone(),
            weak: title.kind == TitleKind::Signature,
            raga_key: if is_raga { lipi::raga_key(&title.text) } else { String::new() },
            text: title.text,
        });
    }
    if is_raga {
        let own = document.stored.keys.lines().filter_map(|line| line.strip_prefix("v mela "));
        melas.insert(value, own.map(str::to_owned).collect());
    }
}

fn map(keys: BTreeMap<String, Vec<u32>>, sets: &mut Vec<Vec<u32>>) -> Map<Vec<u8>> {
    let first = sets.len() as u64;
    let numbered: Vec<(String, u64)> = keys
        .into_iter()
        .zip(first..)
        .map(|((key, set), at)| {
            sets.push(set);
            (key, at)
        })
        .collect();
    // Keys of an ordered map are in order and distinct, which is all that can go wrong.
    Map::from_iter(numbered).unwrap_or_default()
}

/// The key of a name for Tamil script, which often writes ha as ka.
fn coarse_key(key: &str) -> String {
    lipi::k2_of_k1(&key.replace('h', "k"))
}

const fn is_strong(name: &Name) -> bool {
    matches!(name.facet, Facet::Raga | Facet::Composer) && !name.weak
}

/// What songs are about: a raga or a composer of the same name is meant rather.
const fn is_subject(facet: Facet) -> bool {
    matches!(facet, Facet::Deity | Facet::Temple | Facet::Tag | Facet::Group)
}

/// None where there is no name.
fn grade(found: &[&Name], key: &str, typed: bool) -> Option<Grade> {
    if found.is_empty() {
        return None;
    }
    let medium = |name: &&Name| matches!(name.facet, Facet::Tala | Facet::Language | Facet::Form);
    Some(if typed {
        Grade::Strong
    } else if found.iter().any(|name| is_strong(name)) {
        if key.len() <= 3 || WORDS.is_ambiguous(key) { Grade::Ambiguous } else { Grade::Strong }
    } else if found.iter().any(medium) {
        Grade::Medium
    } else {
        Grade::Weak
    })
}

/// Names by facet, each value once.
fn meanings<'a>(found: impl Iterator<Item = &'a Name>) -> Vec<Meaning> {
    let mut all: Vec<Meaning> = Vec::new();
    for name in found {
        match all.iter_mut().find(|meaning| meaning.facet == name.facet) {
            Some(meaning) if meaning.values.contains(&name.value) => {}
            Some(meaning) => meaning.values.push(name.value.clone()),
            None => all.push(Meaning {
                facet: name.facet,
                values: vec![name.value.clone()],
                alias: name.text.clone(),
            }),
        }
    }
    all.iter_mut().for_each(|meaning| meaning.values.sort_unstable());
    all.sort_by_key(|meaning| meaning.facet);
    all
}

impl Span {
    /// As a reader sees it: one chip for each facet.
    pub(crate) fn interpretations(&self, text: &str, tokens: &[Token]) -> Vec<Interpretation> {
        let range = tokens[self.words.start].bytes.start..tokens[self.words.end - 1].bytes.end;
        self.meanings
            .iter()
            .map(|meaning| Interpretation {
                facet: meaning.facet,
                values: meaning.values.clone(),
                text: text.get(range.clone()).unwrap_or_default().to_owned(),
                range: range.clone(),
                alias: meaning.alias.clone(),
            })
            .collect()
    }
}
