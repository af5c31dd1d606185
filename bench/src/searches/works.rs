//! Songs that nobody wrote: as many as wanted, the same for one seed, as unevenly spread over composers, ragas
//! and words as real ones.

use super::queries::Song;
use super::words::{Chance, Zipf, in_script, word};
use chrono::DateTime;
use domain::{EntityKind, EntityRef};
use lipi::Script;
use search::{Document, LyricSection, Title, TitleKind};
use uuid::Uuid;

/// Words of all titles and lines.
const WORDS: usize = 30_000;
const RAGAS: usize = 960;
const MELAS: usize = 72;
/// Share of works whose lyrics are there, in per cent: what collections of songs have.
const LYRICS_PER_CENT: usize = 57;
const LANGUAGES: [(&str, Script); 5] = [
    ("te", Script::Telugu),
    ("sa", Script::Devanagari),
    ("ta", Script::Tamil),
    ("kn", Script::Kannada),
    ("ml", Script::Malayalam),
];
const FORMS: [&str; 8] = ["kriti", "varnam", "keertana", "padam", "javali", "tillana", "geetam", "swarajati"];
const SECTIONS: [(&str, usize); 3] = [("pallavi", 2), ("anupallavi", 2), ("charanam", 4)];

/// A name that songs refer to.
pub struct Named {
    pub kind: EntityKind,
    pub id: Uuid,
    /// In ISO 15919.
    pub name: String,
}

/// Everything that songs are made from.
pub struct World {
    pub works: usize,
    seed: u64,
    words: Vec<String>,
    by_use: Zipf,
    pub ragas: Vec<Named>,
    pub composers: Vec<Named>,
    pub talas: Vec<Named>,
    deities: Vec<Named>,
    temples: Vec<Named>,
    tags: Vec<Named>,
    groups: Vec<Named>,
    of_ragas: Zipf,
    of_composers: Zipf,
    of_talas: Zipf,
    of_few: Zipf,
    of_temples: Zipf,
    of_languages: Zipf,
    of_forms: Zipf,
    of_works: Zipf,
}

/// One song, before it becomes a document.
pub struct Work {
    pub number: usize,
    /// In ISO 15919.
    pub title: String,
    pub lines: Vec<String>,
    pub raga: usize,
    pub composer: usize,
    pub tala: usize,
    language: usize,
    form: usize,
}

impl World {
    pub fn of(works: usize, seed: u64) -> Self {
        let mut chance = Chance::of(seed, 1);
        let words = (0..WORDS).map(|_| {
            let syllables = 1 + chance.below(4);
            word(&mut chance, syllables)
        });
        let words: Vec<String> = words.collect();
        let composers = (works / 60).clamp(60, 3_000);
        let mut named = |kind, count, words| named(&mut chance, kind, count, words);
        Self {
            ragas: named(EntityKind::Raga, RAGAS, 1),
            composers: named(EntityKind::Composer, composers, 2),
            talas: named(EntityKind::Tala, 35, 1),
            deities: named(EntityKind::Deity, 40, 1),
            temples: named(EntityKind::Temple, 400, 2),
            tags: named(EntityKind::Tag, 60, 1),
            groups: named(EntityKind::Group, 30, 2),
            of_ragas: Zipf::of(RAGAS, 0.9),
            of_composers: Zipf::of(composers, 1.0),
            of_talas: Zipf::of(35, 1.3),
            of_few: Zipf::of(30, 0.8),
            of_temples: Zipf::of(400, 0.9),
            of_languages: Zipf::of(LANGUAGES.len(), 0.8),
            of_forms: Zipf::of(FORMS.len(), 1.6),
            of_works: Zipf::of(works, 0.8),
            by_use: Zipf::of(WORDS, 0.85),
            words,
            works,
            seed,
        }
    }

    /// A song as often as it is sought.
    pub fn sought(&self, chance: &mut Chance) -> Song {
        let Work { title, lines, raga, composer, tala, .. } = self.work(self.of_works.draw(chance));
        let name = |all: &[Named], at: usize| all[at].name.clone();
        Song {
            title,
            lines,
            raga: name(&self.ragas, raga),
            composer: name(&self.composers, composer),
            tala: name(&self.talas, tala),
        }
    }

    pub fn work(&self, number: usize) -> Work {
        let mut chance = Chance::of(self.seed, 1_000 + number as u64);
        let words = [1, 2, 2, 2, 3, 3, 3, 4][chance.below(8)];
        let title = self.line(&mut chance, words);
        let has_lyrics = chance.is(LYRICS_PER_CENT);
        let lines = SECTIONS.iter().map(|(_, lines)| lines).sum::<usize>() * usize::from(has_lyrics);
        let lines = (0..lines).map(|at| match at {
            0 => format!("{title} {}", self.line(&mut chance, 2)),
            _ => self.line(&mut chance, 4),
        });
        let lines = lines.collect();
        Work {
            number,
            title,
            lines,
            raga: self.of_ragas.draw(&mut chance),
            composer: self.of_composers.draw(&mut chance),
            tala: self.of_talas.draw(&mut chance),
            language: self.of_languages.draw(&mut chance),
            form: self.of_forms.draw(&mut chance),
        }
    }

    fn line(&self, chance: &mut Chance, words: usize) -> String {
        let words: Vec<&str> = (0..words).map(|_| self.words[self.by_use.draw(chance)].as_str()).collect();
        words.join(" ")
    }

    /// The document of a song.
    pub fn document(&self, work: &Work) -> Document {
        let mut chance = Chance::of(self.seed, 7_000_000_000 + work.number as u64);
        let entity =
            EntityRef { kind: EntityKind::Composition, id: id(EntityKind::Composition, work.number) };
        let (language, script) = LANGUAGES[work.language];
        let updated = DateTime::from_timestamp(1_700_000_000 + work.number as i64, 0).unwrap_or_default();
        let mut song = Document::new(entity, 1, format!("song-{}", work.number), updated);
        song.titles = vec![
            Title::new(TitleKind::Display, work.title.as_str()),
            Title::new(TitleKind::Alias, in_script(&work.title, script)),
        ];
        if script != Script::Devanagari {
            song.titles.push(Title::new(TitleKind::Alias, in_script(&work.title, Script::Devanagari)));
        }
        if let Some(first) = work.lines.first() {
            song.titles.push(Title::new(TitleKind::Incipit, first.as_str()));
        }
        song.lyrics = lyrics(work);
        song.sort_title = lipi::collation_key(&work.title, Script::Latin);
        song.ragas = vec![self.ragas[work.raga].id];
        if chance.is(2) {
            song.ragas.extend((0..3).map(|at| self.ragas[(work.raga + 7 * at + 1) % RAGAS].id));
        }
        song.primary_raga = Some(self.ragas[work.raga].id);
        song.melas = vec![(work.raga % MELAS) as u8 + 1];
        song.composer = Some(self.composers[work.composer].id);
        song.talas = vec![self.talas[work.tala].id];
        song.languages = vec![language.to_owned()];
        song.form = Some(FORMS[work.form].to_owned());
        song.deities = vec![self.deities[self.of_few.draw(&mut chance)].id];
        song.temples.extend(chance.is(25).then(|| self.temples[self.of_temples.draw(&mut chance)].id));
        song.tags = (0..chance.below(3)).map(|_| self.tags[self.of_few.draw(&mut chance)].id).collect();
        song.groups.extend(chance.is(8).then(|| self.groups[self.of_few.draw(&mut chance)].id));
        song.popularity = (self.works / (work.number + 1)) as u32;
        song
    }

    /// The documents of all names.
    pub fn names(&self) -> Vec<Document> {
        let all = [&self.ragas, &self.composers, &self.talas, &self.deities, &self.temples];
        let all = all.into_iter().chain([&self.tags, &self.groups]).flatten().enumerate();
        all.map(|(at, named)| self.name(at, named)).collect()
    }

    fn name(&self, at: usize, named: &Named) -> Document {
        let entity = EntityRef { kind: named.kind, id: named.id };
        let mut document = Document::new(entity, 1, format!("name-{at}"), DateTime::UNIX_EPOCH);
        document.titles.push(Title::new(TitleKind::Display, named.name.as_str()));
        for script in [Script::Devanagari, Script::Telugu, Script::Tamil] {
            document.titles.push(Title::new(TitleKind::Alias, in_script(&named.name, script)));
        }
        document.sort_title = lipi::collation_key(&named.name, Script::Latin);
        document
    }
}

fn named(chance: &mut Chance, kind: EntityKind, count: usize, words: usize) -> Vec<Named> {
    let name = |chance: &mut Chance| {
        let words: Vec<String> = (0..words)
            .map(|_| {
                let syllables = 2 + chance.below(3);
                word(chance, syllables)
            })
            .collect();
        words.join(" ")
    };
    (0..count).map(|at| Named { kind, id: id(kind, at), name: name(chance) }).collect()
}

/// Ids are in no order, as of works that came from many hands.
fn id(kind: EntityKind, number: usize) -> Uuid {
    let shelf = EntityKind::ALL.iter().position(|known| *known == kind).unwrap_or_default() as u64;
    let mut chance = Chance::of(shelf + 1, number as u64);
    Uuid::from_u64_pair(chance.next(), chance.next())
}

fn lyrics(work: &Work) -> Vec<LyricSection> {
    let mut lines = work.lines.iter().cloned();
    let section = |(at, (label, count)): (usize, &(&str, usize))| LyricSection {
        section: Uuid::from_u64_pair(work.number as u64, at as u64),
        label: (*label).to_owned(),
        script: Script::Latin,
        lines: lines.by_ref().take(*count).collect(),
    };
    let sections = SECTIONS.iter().enumerate().map(section);
    sections.filter(|section| !section.lines.is_empty()).collect()
}
