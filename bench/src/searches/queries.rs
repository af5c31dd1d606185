//! What people type, in the proportions of the judged queries: spellings of four kinds of hands, schemes,
//! scripts, slips, beginnings, names, lines, and what is not there.

use super::words::{Chance, ISO, in_script, mistyped, spelled, word};
use lipi::{Notation, Scheme, Script};

/// What a query is an example of, and how many there are in a hundred and fourteen.
const KINDS: [(Kind, usize); 16] = [
    (Kind::Exact, 3),
    (Kind::Variant, 19),
    (Kind::Popular, 9),
    (Kind::Hard, 11),
    (Kind::InScheme, 12),
    (Kind::InScript, 15),
    (Kind::ScriptHard, 5),
    (Kind::Typo(1), 3),
    (Kind::Typo(2), 3),
    (Kind::Prefix, 5),
    (Kind::SplitMerge, 3),
    (Kind::TitleWord, 3),
    (Kind::Raga, 6),
    (Kind::Composer, 4),
    (Kind::Fields, 6),
    (Kind::Lyric, 4),
];
/// Queries in a hundred that nothing answers.
const NO_MATCH_PER_CENT: usize = 3;
const SCRIPTS: [Script; 5] =
    [Script::Devanagari, Script::Tamil, Script::Telugu, Script::Kannada, Script::Malayalam];
const SCHEMES: [Scheme; 4] = [Scheme::Iast, Scheme::Iso15919, Scheme::Itrans, Scheme::Hk];
const FOREIGN: [&str; 6] =
    ["bohemian rhapsody", "yellow submarine", "stairway heaven", "xqzw", "purple jeep", "wonderwall"];

#[derive(Clone, Copy)]
enum Kind {
    Exact,
    Variant,
    Popular,
    Hard,
    InScheme,
    InScript,
    ScriptHard,
    Typo(usize),
    Prefix,
    SplitMerge,
    TitleWord,
    Raga,
    Composer,
    Fields,
    Lyric,
}

/// A song as somebody has it in mind. Names are in ISO 15919; what is not known is empty.
#[derive(Clone, Default)]
pub struct Song {
    pub title: String,
    pub raga: String,
    pub composer: String,
    pub tala: String,
    pub lines: Vec<String>,
}

/// `count` queries for songs that are `sought`, the same for one seed.
pub fn mix(sought: impl Fn(&mut Chance) -> Song, seed: u64, count: usize) -> Vec<String> {
    let mut chance = Chance::of(seed, 2);
    let all: Vec<Kind> =
        KINDS.iter().flat_map(|(kind, weight)| std::iter::repeat_n(*kind, *weight)).collect();
    (0..count)
        .map(|_| match chance.is(NO_MATCH_PER_CENT) {
            true => chance.pick(&FOREIGN).to_owned(),
            false => query(sought(&mut chance), chance.pick(&all), &mut chance),
        })
        .collect()
}

/// What somebody has typed so far of a song, a raga or a composer.
pub fn beginnings(sought: impl Fn(&mut Chance) -> Song, seed: u64, count: usize) -> Vec<String> {
    let mut chance = Chance::of(seed, 3);
    (0..count)
        .map(|_| {
            let song = sought(&mut chance);
            let name = match chance.below(4) {
                0 => song.raga,
                1 => song.composer,
                _ => song.title,
            };
            let typed = spelled(&name, &mut chance, 5);
            let letters = 1 + chance.below(10);
            typed.chars().take(letters).collect()
        })
        .collect()
}

fn query(song: Song, kind: Kind, chance: &mut Chance) -> String {
    let title = song.title.as_str();
    match kind {
        Kind::Exact => title.to_owned(),
        Kind::Variant => spelled(title, chance, 5),
        Kind::Popular => spelled(title, chance, 15),
        Kind::Hard => {
            let wild = spelled(title, chance, 60);
            let wild = mistyped(&wild, chance);
            format!("{wild} {}", if chance.is(40) { word(chance, 2) } else { String::new() })
        }
        Kind::InScheme => lipi::transliterate(title, ISO, Notation::Latin(chance.pick(&SCHEMES))),
        Kind::InScript => in_script(title, chance.pick(&SCRIPTS)),
        Kind::ScriptHard => {
            let spelled = mistyped(title, chance);
            in_script(&spelled, chance.pick(&SCRIPTS))
        }
        Kind::Typo(slips) => (0..slips).fold(spelled(title, chance, 5), |text, _| mistyped(&text, chance)),
        Kind::Prefix => {
            let typed = spelled(title, chance, 5);
            let letters = typed.chars().count();
            typed.chars().take((letters * 2 / 3).max(4)).collect()
        }
        Kind::SplitMerge => spelled(title, chance, 5).replace(' ', ""),
        Kind::TitleWord => {
            let typed = spelled(title, chance, 5);
            typed.split_once(' ').map_or(typed.clone(), |(_, rest)| rest.to_owned())
        }
        Kind::Raga | Kind::Composer | Kind::Fields => names(&song, kind, chance),
        Kind::Lyric => match song.lines.len() {
            0 => spelled(title, chance, 5),
            lines => spelled(&song.lines[chance.below(lines)], chance, 10),
        },
    }
}

fn names(song: &Song, kind: Kind, chance: &mut Chance) -> String {
    let raga = spelled(&song.raga, chance, 5);
    let composer = spelled(&song.composer, chance, 5);
    let tala = spelled(&song.tala, chance, 5);
    match kind {
        Kind::Raga => format!("{raga} raga"),
        Kind::Composer => composer,
        _ if chance.is(50) => format!("{composer} {raga}"),
        _ => format!("{raga} {tala}"),
    }
}
