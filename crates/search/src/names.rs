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
use crate::similar::whole_likeness;
use crate::words::{WORDS, link_key};
use domain::EntityKind;
use fst::Map;
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
/// The facet that names of a kind narrow.
pub(crate) fn facet_of(kind: EntityKind) -> Option<Facet> {
    KINDS.into_iter().find(|(known, _)| *known == kind).map(|(_, facet)| facet)
}

/// Endings that a composer's name takes out of respect or in another language, folded; the longest first.
const RESPECT: [&str; 15] =
    ["ikalu", "igalu", "igal", "ikal", "udu", "ulu", "galu", "gal", "kal", "lu", "ru", "ar", "n", "r", "a"];
/// The key of the commonest word of respect.
const SRI: &str = "sri";
/// Fewest letters of a composer's name without its ending.
const RESPECT_LETTERS_MIN: usize = 5;
/// Most words of one name.
const NAME_WORDS_MAX: usize = 4;
/// Most linked names of one text.
const SPANS_MAX: usize = 6;
/// Fewest letters of a name that may be misspelt by one.
const MISSPELT_LETTERS_MIN: usize = 6;
/// Most names that a misspelt one may stand for.
const MISSPELT_MAX: usize = 8;
/// Letters of the longest name that may be misspelt.
const NEAR_LETTERS_MAX: usize = 40;
/// Words of the longest text in which names may be misspelt.
const NEAR_WORDS_MAX: usize = 10;
/// Likeness, of 1,000, from which a misspelt name is recognised.
const NEAR_MIN: u32 = 880;

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
    /// The name of a counterpart: meant where nothing has the name itself.
    borrowed: bool,
}

/// Names by their keys.
pub(crate) struct Names {
    names: Vec<Name>,
    /// Sets of names that share a key.
    sets: Vec<Vec<u32>>,
    by_key: Map<Vec<u8>>,
    /// The same by the coarse key, for Tamil script.
    by_coarse: Map<Vec<u8>>,
    /// Keys of ragas and composers with the letters in them, to look through for misspelt ones.
    strong: Vec<(String, u32, u64)>,
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
    /// Something like the name stands there.
    pub(crate) is_near: bool,
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
                borrowed: false,
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
        let has_strong =
            |at: &u32| names.get(*at as usize).is_some_and(|name: &Name| is_strong(name) && !name.borrowed);
        // Sets are numbered in the order of keys.
        let strong = (0_u64..)
            .zip(&keys)
            .filter(|(_, (key, set))| key.len() >= MISSPELT_LETTERS_MIN && set.iter().any(has_strong))
            .map(|(set, (key, _))| (key.clone(), letters(key), set))
            .collect();
        let mut sets = Vec::new();
        let by_key = map(keys, &mut sets);
        Self { by_key, by_coarse: map(coarse, &mut sets), strong, names, sets, melas }
    }

    /// Whether there are names beside those of languages and forms.
    pub(crate) fn has_entities(&self) -> bool {
        self.names.len() > WORDS.values.len()
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

    /// The same where words may be misspelt: names that nearly stand there, beside those of `exact` that they
    /// do not cover. Empty where there are none.
    pub(crate) fn near_spans(
        &self,
        text: &str,
        tokens: &[Token],
        exact: &[Span],
        unlink: &[String],
    ) -> Vec<Span> {
        if tokens.len() > NEAR_WORDS_MAX {
            return Vec::new();
        }
        let script = lipi::script_of(text);
        let mut near: Vec<Span> = Vec::new();
        for length in (1..=NAME_WORDS_MAX.min(tokens.len())).rev() {
            for from in 0..=tokens.len() - length {
                let words = from..from + length;
                // A name of several words may hold what is a name by itself; never a part of one.
                let is_free = |span: &Span| {
                    !overlap(&span.words, &words)
                        || (length > 1 && span.words.start >= from && span.words.end <= words.end)
                };
                if near.iter().any(|span| overlap(&span.words, &words)) || !exact.iter().all(is_free) {
                    continue;
                }
                near.extend(self.near_span(&Asked { text, tokens, words, script, unlink }));
            }
        }
        if near.is_empty() {
            return near;
        }
        let kept = exact.iter().filter(|span| !near.iter().any(|near| overlap(&near.words, &span.words)));
        let mut all: Vec<Span> = kept.cloned().chain(near.iter().cloned()).collect();
        all.sort_by_key(|span| span.words.start);
        all.truncate(SPANS_MAX);
        all
    }

    fn near_span(&self, asked: &Asked<'_>) -> Option<Span> {
        let key = link_key(&lipi::k1_of_tokens(&asked.tokens[asked.words.clone()]));
        let mut found = self.near(&key);
        found.retain(|name| !asked.unlink.contains(&name.value));
        let around = asked.around();
        let typed = around.iter().find_map(|(_, facets)| facets.as_deref());
        if let Some(facets) = typed {
            found.retain(|name| facets.contains(&name.facet));
        }
        let first = found.first()?;
        let mut around: Vec<usize> = around.into_iter().map(|(at, _)| at).collect();
        if first.facet == Facet::Composer {
            around.extend(asked.honorifics());
        }
        let meanings = meanings(found.into_iter());
        let words = asked.words.clone();
        Some(Span { words, around, grade: Grade::Strong, is_typed: false, is_near: true, meanings })
    }

    /// The names that a key most resembles, where it resembles any enough.
    fn near(&self, key: &str) -> Vec<&Name> {
        if key.len() < MISSPELT_LETTERS_MIN || key.len() > NEAR_LETTERS_MAX {
            return Vec::new();
        }
        let letters = letters(key);
        let mut best = (NEAR_MIN, Vec::new());
        for (own, own_letters, set) in &self.strong {
            let is_far = own.len().abs_diff(key.len()) > 2 || (letters ^ own_letters).count_ones() > 3;
            let alike = if is_far { 0 } else { whole_likeness(key, own) };
            if alike > best.0 || (alike == best.0 && best.1.len() < MISSPELT_MAX) {
                if alike > best.0 {
                    best = (alike, Vec::new());
                }
                best.1.push(*set);
            }
        }
        best.1.into_iter().flat_map(|set| self.set(set)).filter(|name| is_strong(name)).collect()
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
        // Sri stands before titles as often as before people.
        let says = |at: &usize| asked.key(*at).is_some_and(|key| key != SRI);
        let is_typed = around.iter().any(says) || (is_composer && asked.words.len() > 1);
        let meanings = meanings(found.into_iter());
        Some(Span { words: asked.words.clone(), around, grade, is_typed, is_near: false, meanings })
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
        if found.iter().any(|name| name.facet == Facet::Raga && !name.borrowed) {
            found.retain(|name| !name.borrowed);
        }
        found
    }

    /// A composer's name with an ending of respect, or with the ending of another language: Tyagarajar,
    /// Annamacharyulu, Jayadevudu, Sastrigal, Surdasa.
    fn with_respect(&self, key: &str, script: Script) -> Vec<&Name> {
        for ending in RESPECT {
            let Some(bare) = key.strip_suffix(ending).filter(|bare| bare.len() >= RESPECT_LETTERS_MIN) else {
                continue;
            };
            for own in [bare.to_owned(), format!("{bare}a"), format!("{bare}i")] {
                let set = match script {
                    Script::Tamil => self.by_coarse.get(coarse_key(&own)),
                    _ => self.by_key.get(&own),
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
            borrowed: title.kind == TitleKind::Counterpart,
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

fn overlap(one: &std::ops::Range<usize>, other: &std::ops::Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// Which of the 26 letters a key has.
fn letters(key: &str) -> u32 {
    key.bytes().filter(u8::is_ascii_lowercase).fold(0, |set, letter| set | 1 << (letter - b'a'))
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
