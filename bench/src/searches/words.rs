//! Chance that repeats itself, and words made of it by the syllables of South Indian songs.

use lipi::{Notation, Scheme, Script};

/// Numbers that look random and are the same for one seed (SplitMix64).
#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    pub const fn of(seed: u64, stream: u64) -> Self {
        Self(seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// True in `per_cent` of a hundred cases.
    pub fn is(&mut self, per_cent: usize) -> bool {
        self.below(100) < per_cent
    }

    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Ranks by Zipf's law: the first is drawn most often.
pub struct Zipf(Vec<f64>);

impl Zipf {
    pub fn of(count: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let weights = (1..=count.max(1)).map(|rank| {
            sum += (rank as f64).powf(-exponent);
            sum
        });
        Self(weights.collect())
    }

    pub fn draw(&self, chance: &mut Chance) -> usize {
        let at = chance.share() * self.0.last().copied().unwrap_or(1.0);
        self.0.partition_point(|sum| *sum < at).min(self.0.len() - 1)
    }
}

const ONSETS: [&str; 40] = [
    "k", "k", "g", "c", "j", "t", "t", "d", "d", "n", "n", "n", "p", "p", "b", "m", "m", "y", "r", "r", "l",
    "v", "v", "s", "s", "ś", "h", "ṇ", "ḷ", "ṭ", "ḍ", "bh", "dh", "kh", "gh", "th", "ph", "kṣ", "ñj", "ṣ",
];
const STARTS: [&str; 12] = ["", "", "", "śr", "pr", "br", "tr", "kr̥", "gr", "sv", "jñ", "dv"];
const JOINTS: [&str; 16] =
    ["nn", "ll", "tt", "kk", "cc", "mm", "nd", "mb", "ṅg", "ṇḍ", "ndr", "rv", "ty", "st", "dd", "ṣṭ"];
const VOWELS: [&str; 20] =
    ["a", "a", "a", "a", "a", "a", "ā", "ā", "ā", "i", "i", "i", "ī", "u", "u", "ū", "ē", "ō", "e", "ai"];
const ENDS: [&str; 16] = ["", "", "", "", "", "", "ṁ", "mu", "nu", "rā", "du", "ni", "ku", "lu", "mā", "yē"];

/// A word in ISO 15919 of `syllables` syllables and an ending.
pub fn word(chance: &mut Chance, syllables: usize) -> String {
    let mut word = String::new();
    for at in 0..syllables.max(1) {
        let onset = match at {
            0 if chance.is(25) => chance.pick(&STARTS),
            at if at > 0 && chance.is(18) => chance.pick(&JOINTS),
            _ => chance.pick(&ONSETS),
        };
        word.push_str(onset);
        if !onset.ends_with('\u{325}') {
            word.push_str(chance.pick(&VOWELS));
        }
    }
    word.push_str(chance.pick(&ENDS));
    word
}

pub const ISO: Notation = Notation::Latin(Scheme::Iso15919);

/// The same in a script.
pub fn in_script(iso: &str, script: Script) -> String {
    lipi::transliterate(iso, ISO, Notation::Script(script))
}

/// As somebody writes it who never learned a scheme; every habit is drawn once a text. `wildness` is the share
/// of unusual habits.
pub fn spelled(iso: &str, chance: &mut Chance, wildness: usize) -> String {
    let long = [chance.is(50), chance.is(50), chance.is(50)];
    let (th, sh, w) = (chance.is(18 + wildness), chance.is(40), chance.is(wildness));
    let (single, ri) = (chance.is(wildness), chance.below(3));
    let mut out = String::new();
    for letter in iso.chars() {
        let piece = match letter {
            'ā' if long[0] => "aa",
            'ā' => "a",
            'ī' if long[1] => "ee",
            'ī' => "i",
            'ū' if long[2] => "oo",
            'ū' => "u",
            'ē' => "e",
            'ō' => "o",
            't' if th => "th",
            'ś' | 'ṣ' if sh => "sh",
            'ś' | 'ṣ' => "s",
            'c' => "ch",
            'v' if w => "w",
            'ṁ' => "m",
            'ṇ' | 'ñ' | 'ṅ' => "n",
            'ṭ' => "t",
            'ḍ' => "d",
            'ḷ' => "l",
            '\u{325}' => ["i", "u", ""][ri],
            other => {
                if !(single && out.ends_with(other)) {
                    out.push(other);
                }
                continue;
            }
        };
        out.push_str(piece);
    }
    out
}

/// With one letter lost, doubled, changed or exchanged with the next one.
pub fn mistyped(text: &str, chance: &mut Chance) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 4 {
        return text.to_owned();
    }
    let at = 1 + chance.below(letters.len() - 2);
    match chance.below(4) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        2 => letters[at] = chance.pick(&['a', 'e', 'k', 'l', 'm', 'n', 'r', 's']),
        _ => letters.swap(at, at + 1),
    }
    letters.into_iter().collect()
}
