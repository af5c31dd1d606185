//! Folding of names into keys: the one place where two spellings become equal.
//!
//! `k1` drops aspiration, vowel length, retroflexion, the kind of sibilant, gemination and spacing, and
//! keeps voicing. `k2` also drops voicing and joins diphthongs with their vowels, which is what Tamil
//! spelling leaves of a word. Neither decides identity.
//!
//! Two things go beyond a plain reading of the rules. A word that begins with Śrī keeps its vowel
//! (`srirama` in one word equals `sri rama` in two), where the rule for vocalic r would take it. And a
//! word that would fold to nothing keeps its letters as they are.

use crate::romanize::{convert_with, table_of};
use crate::script::{Scheme, Script};
use crate::token::{Token, k1_tokens, words};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use vidyut_lipi::Scheme as Table;

/// Version of the folding. A change of any key for any text raises it; stored keys and index names carry
/// it, and a new version means to compute them anew.
pub const FOLD_VERSION: u32 = 1;

/// Longest text that is folded, in bytes. The rest of a longer one is not read, so that no input costs
/// more than a bounded time.
pub const TEXT_BYTES_MAX: usize = 100_000;

/// `k1` of all words joined, without a scheme: the key of a user's text.
pub fn k1_joined(text: &str) -> String {
    k1_joined_with(text, None)
}

/// `k1` of all words joined, for a field whose Latin scheme is known.
pub fn k1_joined_with(text: &str, hint: Option<Scheme>) -> String {
    join(&k1_tokens(text, hint), Geminates::Fold)
}

/// `k1` of words that are folded already, joined: the key of a part of a text.
pub fn k1_of_tokens(tokens: &[Token]) -> String {
    join(tokens, Geminates::Fold)
}

/// `k2` of all words joined: the coarse key, the main one for Tamil script. Never an identity.
pub fn k2_joined(text: &str) -> String {
    k2_of_k1(&k1_joined(text))
}

/// `k2` from a `k1` (of one word or joined): voicing dropped, sibilants and palatals joined, `ai` as `e`,
/// `au` as `o`.
pub fn k2_of_k1(k1: &str) -> String {
    let mut out = String::with_capacity(k1.len());
    let mut chars = k1.chars().peekable();
    while let Some(c) = chars.next() {
        let coarse = match (c, chars.peek()) {
            ('a', Some('i')) => {
                chars.next();
                'e'
            }
            ('a', Some('u')) => {
                chars.next();
                'o'
            }
            ('g', _) => 'k',
            ('d', _) => 't',
            ('b', _) => 'p',
            ('j' | 's' | 'z', _) => 'c',
            _ => c,
        };
        if !out.ends_with(coarse) {
            out.push(coarse);
        }
    }
    out
}

/// The key of a raga name: `k1` joined that keeps `nn` apart from `n` (Kanada, Kannada) and drops a final
/// `m` (Mohana, Mohanam). Homonyms remain; they are the alias table's affair.
pub fn raga_key(text: &str) -> String {
    let tokens: Vec<String> = words(clip(text))
        .into_iter()
        .map(|word| (&clip(text)[word.bytes], word.digits))
        .map(|(word, digits)| if digits { digits_key(word) } else { fold(word, None, Geminates::KeepN) })
        .collect();
    let mut key = fold_joints(tokens.concat(), Geminates::KeepN);
    let without = key.trim_end_matches('m').len();
    if without > 0 {
        key.truncate(without);
    }
    key
}

/// `k1` joined of a text that is still being typed: a prefix of the key of every text it can become.
///
/// In an Indic script the last akshara is unfinished: its inherent vowel or virama goes, and a nasal or
/// glide that folds by what follows it goes too. In Latin the vowel of a possible vocalic r goes (`kri`
/// becomes `kr`, which begins both `krsna` and `kriti`), and so does a glide after its vowel (`priy`). A
/// nasal, ja, ya or va that only later gets a virama reads as complete until then.
pub fn k1_prefix(text: &str) -> String {
    let text = clip(text).trim_end();
    let mut tokens = k1_tokens(text, None);
    let Some(last) = tokens.last_mut().filter(|token| token.bytes.end == text.len()) else {
        return join(&tokens, Geminates::Fold);
    };
    let word = &text[last.bytes.clone()];
    if word.chars().any(|c| !c.is_numeric()) {
        last.k1 = fold_open(open_akshara(word).as_deref().unwrap_or(word));
    }
    join(&tokens, Geminates::Fold)
}

/// The beginning of a text that is read at all.
pub(crate) fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// `k1` of one word.
pub(crate) fn fold_word(word: &str, hint: Option<Scheme>) -> String {
    fold(word, hint, Geminates::Fold)
}

/// Key of a row of digits: ASCII digits whatever script they are written in.
pub(crate) fn digits_key(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len());
    for c in digits.chars() {
        match native_digit(c) {
            Some(digit) => out.push(digit),
            None => out.extend(c.nfkd().filter(|c| c.is_alphanumeric())),
        }
    }
    out
}

pub(crate) fn native_digit(c: char) -> Option<char> {
    let (_, offset) = Script::indic(c)?;
    let value = offset.checked_sub(0x66).filter(|value| *value < 10)?;
    char::from_digit(value, 10)
}

/// What happens to doubled letters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Geminates {
    /// Every doubled letter becomes one.
    Fold,
    /// As `Fold`, but `nn` stays.
    KeepN,
}

fn fold(word: &str, hint: Option<Scheme>, geminates: Geminates) -> String {
    let key = fold_letters(&latin_letters(word, hint), geminates);
    if key.is_empty() { letters_as_they_are(word) } else { key }
}

fn fold_letters(letters: &[char], geminates: Geminates) -> String {
    let letters = digraphs(letters);
    let letters = long_vowels(&letters);
    let letters = initial_glides(diphthongs(&letters));
    let letters = nasals(&glides(&letters));
    undouble(&vocalic_r(&letters), geminates).into_iter().collect()
}

fn join(tokens: &[Token], geminates: Geminates) -> String {
    fold_joints(tokens.iter().map(|token| token.k1.as_str()).collect(), geminates)
}

/// The rules that look across a border of words, once more over the joined key.
fn fold_joints(joined: String, geminates: Geminates) -> String {
    let letters: Vec<char> = joined.chars().collect();
    undouble(&nasals(&glides(&letters)), geminates).into_iter().collect()
}

/// For a word of letters that the folding drops one and all (a lone avagraha).
fn letters_as_they_are(word: &str) -> String {
    word.chars().filter(|c| c.is_alphabetic() && !is_combining_mark(*c)).collect()
}

// From the word to plain lower-case letters.

/// The word in lower-case letters without marks: Indic stretches by way of ISO 15919, Latin directly.
fn latin_letters(word: &str, hint: Option<Scheme>) -> Vec<char> {
    let mut out = Vec::with_capacity(word.len());
    let mut stretch = String::new();
    let mut script = Script::Latin;
    for c in word.chars() {
        let own = Script::of_char(c).unwrap_or(script);
        if own != script {
            push_stretch(&mut out, &stretch, script, hint);
            stretch.clear();
            script = own;
        }
        stretch.push(c);
    }
    push_stretch(&mut out, &stretch, script, hint);
    out
}

fn push_stretch(out: &mut Vec<char>, stretch: &str, script: Script, hint: Option<Scheme>) {
    match table_of(script) {
        Some(table) => {
            let iso = convert_with(&plain_indic(stretch), table, Table::Iso15919);
            let iso = iso.replace("r\u{306}", "ṟ");
            let iso = if script == Script::Malayalam { iso.replace("ṟṟ", "ṯṯ") } else { iso };
            push_latin(out, &iso, Some(Scheme::Iso15919));
        }
        None if hint == Some(Scheme::Itrans) => {
            push_latin(out, &stretch.replace(".a", "").replace(".h", ""), hint);
        }
        None => push_latin(out, stretch, hint),
    }
}

/// Indic text without nukta, avagraha, joiners and figures, in NFC.
fn plain_indic(stretch: &str) -> String {
    const NUKTA: u32 = 0x3C;
    const AVAGRAHA: u32 = 0x3D;
    let dropped = |c: &char| {
        c.is_numeric()
            || matches!(c, '\u{200C}' | '\u{200D}')
            || Script::indic(*c).is_some_and(|(_, offset)| matches!(offset, NUKTA | AVAGRAHA))
    };
    stretch.nfd().filter(|c| !dropped(c)).nfc().collect()
}

fn push_latin(out: &mut Vec<char>, text: &str, hint: Option<Scheme>) {
    const DOT_BELOW: char = '\u{323}';
    const RING_BELOW: char = '\u{325}';
    let has_vocalic_capital = matches!(hint, Some(Scheme::Hk | Scheme::BlogHk | Scheme::KarnatikHk));
    let mut chars = text.nfkd().peekable();
    let mut before = '\0';
    while let Some(c) = chars.next() {
        let mut vocalic = has_vocalic_capital && c == 'R';
        while let Some(mark) = chars.next_if(|next| is_combining_mark(*next)) {
            vocalic |= matches!(c, 'r' | 'R') && matches!(mark, DOT_BELOW | RING_BELOW);
        }
        match c {
            _ if vocalic => out.extend(['r', 'i']),
            'z' if hint == Some(Scheme::Hk) && chars.peek() != Some(&'h') => out.push('s'),
            'G' if hint == Some(Scheme::Hk) => out.push('n'),
            'J' if hint == Some(Scheme::Hk) || before == 'j' => out.push('n'),
            _ if is_combining_mark(c) || !c.is_alphabetic() => {}
            _ => out.extend(c.to_lowercase().filter(|c| !is_combining_mark(*c))),
        }
        before = c;
    }
}

// The rules, in their order. Each takes letters and gives letters.

/// What groups of consonants become; of two that fit, the longer comes first.
const DIGRAPHS: [(&str, &str); 33] = [
    ("kshh", "ks"),
    ("kchh", "ks"),
    ("cchh", "c"),
    ("tchh", "c"),
    ("ksh", "ks"),
    ("kch", "ks"),
    ("cch", "c"),
    ("tch", "c"),
    ("chh", "c"),
    ("shh", "s"),
    ("gny", "gn"),
    ("jny", "gn"),
    ("dny", "gn"),
    ("ch", "c"),
    ("sh", "s"),
    ("zh", "l"),
    ("jn", "gn"),
    ("gn", "gn"),
    ("gy", "gn"),
    ("kh", "k"),
    ("gh", "g"),
    ("jh", "j"),
    ("th", "t"),
    ("dh", "d"),
    ("ph", "p"),
    ("bh", "b"),
    ("ow", "ow"),
    ("x", "ks"),
    ("f", "p"),
    ("w", "v"),
    ("q", "k"),
    ("z", "j"),
    ("ou", "au"),
];

fn digraphs(letters: &[char]) -> Vec<char> {
    let mut out = Vec::with_capacity(letters.len());
    let mut at = 0;
    while at < letters.len() {
        let rest = &letters[at..];
        match DIGRAPHS.iter().find(|(from, _)| begins_with(rest, from)) {
            // `ow` is the diphthong before a consonant or at the end, and o + v before a vowel.
            Some(("ow", _)) => {
                let before_vowel = rest.get(2).is_some_and(|c| is_vowel(*c));
                out.extend(if before_vowel { ['o', 'v'] } else { ['a', 'u'] });
                at += 2;
            }
            Some((from, to)) => {
                out.extend(to.chars());
                at += from.len();
            }
            None => {
                out.push(letters[at]);
                at += 1;
            }
        }
    }
    out
}

fn begins_with(letters: &[char], text: &str) -> bool {
    letters.len() >= text.len() && text.chars().zip(letters).all(|(a, b)| a == *b)
}

fn long_vowels(letters: &[char]) -> Vec<char> {
    pairs(letters, |pair| match pair {
        ['a', 'a'] => Some('a'),
        ['e', 'e'] | ['i', 'i'] => Some('i'),
        ['o', 'o'] | ['u', 'u'] => Some('u'),
        ['a', 'e'] => Some('e'),
        ['o', 'a'] => Some('o'),
        _ => None,
    })
}

/// Replaces pairs of letters by one, left to right.
fn pairs(letters: &[char], one: impl Fn([char; 2]) -> Option<char>) -> Vec<char> {
    let mut out = Vec::with_capacity(letters.len());
    let mut at = 0;
    while at < letters.len() {
        let folded = letters.get(at + 1).and_then(|next| one([letters[at], *next]));
        out.push(folded.unwrap_or(letters[at]));
        at += if folded.is_some() { 2 } else { 1 };
    }
    out
}

fn diphthongs(letters: &[char]) -> Vec<char> {
    let mut out: Vec<char> = Vec::with_capacity(letters.len());
    for (at, c) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let closes = letters.get(at + 1).is_some_and(|next| is_consonant(*next));
        match (before, c) {
            (Some('a'), 'v') if closes => out.push('u'),
            (Some('a'), 'y') if closes => out.push('i'),
            (Some('e'), 'i') => {
                out.pop();
                out.extend(['a', 'i']);
            }
            _ => out.push(*c),
        }
    }
    out
}

fn initial_glides(mut letters: Vec<char>) -> Vec<char> {
    if matches!(letters.as_slice(), ['y', 'e', ..] | ['v', 'o', ..]) {
        letters.remove(0);
    }
    letters
}

/// A glide between its own vowel and another one is not heard: `priya`, `pria`.
fn glides(letters: &[char]) -> Vec<char> {
    let mut out: Vec<char> = Vec::with_capacity(letters.len());
    let mut at = 0;
    while at < letters.len() {
        let c = letters[at];
        let glide = matches!((out.last(), c), (Some('i'), 'y') | (Some('u'), 'v'));
        let run = if glide { letters[at..].iter().take_while(|next| **next == c).count() } else { 0 };
        if glide && letters.get(at + run).is_some_and(|next| is_vowel(*next)) {
            at += run;
        } else {
            out.extend(std::iter::repeat_n(c, run.max(1)));
            at += run.max(1);
        }
    }
    out
}

fn nasals(letters: &[char]) -> Vec<char> {
    let mut out = letters.to_vec();
    for at in (0..out.len().saturating_sub(1)).rev() {
        match (out[at], out[at + 1]) {
            ('m' | 'n', 'p' | 'b' | 'm') => out[at] = 'm',
            ('m' | 'n', next) if is_consonant(next) => out[at] = 'n',
            _ => {}
        }
    }
    out
}

fn vocalic_r(letters: &[char]) -> Vec<char> {
    let mut out = Vec::with_capacity(letters.len());
    let mut dropped = false;
    for (at, c) in letters.iter().enumerate() {
        dropped = !dropped && is_vocalic_r_vowel(letters, at);
        if !dropped {
            out.push(*c);
        }
    }
    out
}

/// Whether the letter is an i or u after r that may only spell a vocalic r: between consonants, or in the
/// first syllable of the word.
fn is_vocalic_r_vowel(letters: &[char], at: usize) -> bool {
    let r = at.checked_sub(1).is_some_and(|r| letters[r] == 'r');
    let before = at.checked_sub(2).map(|before| letters[before]);
    r && matches!(letters[at], 'i' | 'u')
        && before.is_none_or(is_consonant)
        && letters.get(at + 1).is_some_and(|next| is_consonant(*next))
        && !(at == 2 && begins_with_sri(letters))
}

/// Śrī before another word written without a space, told from words with śr̥ and sr̥ (śr̥ṅgāra, sr̥ṣṭi) by
/// what follows.
fn begins_with_sri(letters: &[char]) -> bool {
    match letters {
        ['s', 'r', 'i', 'j' | 't', ..] => false,
        ['s', 'r', 'i', 'n' | 's', next, ..] => !is_consonant(*next),
        ['s', 'r', 'i', ..] => true,
        _ => false,
    }
}

fn undouble(letters: &[char], geminates: Geminates) -> Vec<char> {
    let mut out: Vec<char> = Vec::with_capacity(letters.len());
    for c in letters {
        let keeps = *c == 'n' && geminates == Geminates::KeepN && !out.ends_with(&['n', 'n']);
        if out.last() != Some(c) || keeps {
            out.push(*c);
        }
    }
    out
}

const fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')
}

const fn is_consonant(c: char) -> bool {
    c.is_ascii_lowercase() && !is_vowel(c)
}

// Unfinished words.

/// The word up to its last akshara, with that akshara's inherent vowel taken off; `None` when the word
/// ends in no Indic consonant, virama or nasal sign.
fn open_akshara(word: &str) -> Option<String> {
    const CANDRABINDU: u32 = 0x01;
    const ANUSVARA: u32 = 0x02;
    const VIRAMA: u32 = crate::grapheme::VIRAMA;
    let word: String = word.nfc().filter(|c| !matches!(c, '\u{200C}' | '\u{200D}')).collect();
    let last = word.chars().next_back()?;
    let (script, offset) = Script::indic(last)?;
    let before = &word[..word.len() - last.len_utf8()];
    let virama = char::from_u32(script.block()? + VIRAMA)?;
    match offset {
        CANDRABINDU | ANUSVARA => Some(before.to_owned()),
        VIRAMA => {
            let letter = before.chars().next_back().and_then(Script::indic);
            let open_ended = letter.is_some_and(|(_, letter)| FOLDS_BY_NEXT.contains(&letter));
            Some(if open_ended { without_last(before) } else { word })
        }
        letter if crate::grapheme::CONSONANTS.contains(&letter) => Some(format!("{word}{virama}")),
        _ => None,
    }
}

/// Offsets of the consonants whose folding depends on the next one: the nasals, ja, ya and va.
const FOLDS_BY_NEXT: [u32; 9] = [0x19, 0x1C, 0x1E, 0x23, 0x28, 0x29, 0x2E, 0x2F, 0x35];

/// The text without a final consonant; a virama that bound it stays and keeps the vowel away.
fn without_last(text: &str) -> String {
    let mut shorter = text.to_owned();
    shorter.pop();
    shorter
}

/// `k1` of a word that may go on.
fn fold_open(word: &str) -> String {
    let mut letters = latin_letters(word, None);
    while ends_in_glide(&letters) {
        letters.pop();
    }
    let mut key = fold_letters(&letters, Geminates::Fold);
    cut_vocalic_r(&mut key);
    key
}

/// Whether the last letter is a glide that goes unheard if a vowel follows.
fn ends_in_glide(letters: &[char]) -> bool {
    matches!(letters, [.., 'i', 'y'] | [.., 'e', 'e', 'y'] | [.., 'u', 'v' | 'w'] | [.., 'o', 'o', 'v' | 'w'])
}

fn cut_vocalic_r(key: &mut String) {
    let mut back = key.chars().rev();
    let vowel = back.next().is_some_and(|c| matches!(c, 'i' | 'u'));
    let r = back.next() == Some('r');
    if vowel && r && back.next().is_none_or(is_consonant) {
        key.pop();
    }
}

#[cfg(test)]
mod tests;
