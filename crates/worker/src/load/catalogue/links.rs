//! Which rows of the table of works stand for works that are stored already.
//!
//! Titles propose, and never decide alone: the composer must be the same, and row and work must want nobody
//! but each other. The raga comes first, with the same title, a title that begins the other, and one a letter
//! apart; then, for what is left, works of which accounts of the raga differ or are silent and whose title is
//! the composer's only one on both sides.

use super::external;
use super::known::{Known, Song};
use super::ragas::is_own;
use super::songs::Draft;
use domain::EntityKind;
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// The shortest folded title, in bytes, that another title may begin with and still be the same work.
const OPENING_BYTES_MIN: usize = 8;
/// The same where composer and raga agree: then few others are left.
const OPENING_IN_RAGA_BYTES_MIN: usize = 5;
/// The same where the raga does not: then only a long opening says enough.
const OPENING_ALONE_BYTES_MIN: usize = 13;
/// The shortest folded title, in bytes, by which a work is known to its end although its raga is another.
const TITLE_BYTES_MIN: usize = 9;
/// One letter in so many may be another in titles of one composer and raga.
const LETTERS_PER_EDIT: usize = 8;

/// Whether a row may be a work, looked at by themselves.
type MayBe<'m> = &'m dyn Fn(&Linking<'_, '_>, usize, &Song) -> bool;

/// Why a row stands for a stored work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was linked by an earlier load.
    Before,
    /// Composer, raga and opening words.
    Raga,
    /// Composer and raga, and a title that is a letter or two apart.
    Spelling,
    /// Composer and title; the raga is another, or not given.
    Title,
}

/// The stored work of each row that has one, by the id of the row.
pub fn links<'f>(rows: &[Draft<'f>], known: &Known) -> HashMap<&'f str, (Uuid, Why)> {
    let mut links = HashMap::new();
    let mut new = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match known.by_external(EntityKind::Composition, &external(&row.krithi.id)) {
            Some(id) if known.is_linked_song(id) => {
                links.insert(row.krithi.id.as_str(), (id, Why::Before));
            }
            Some(_) => {}
            None => new.push(at),
        }
    }
    let mut linking = Linking::new(rows, known);
    let passes: [(Why, MayBe<'_>); 5] = [
        (Why::Raga, &|it, at, song| it.agrees(at, song) && song.keys.contains(&it.keys[at])),
        (Why::Raga, &|it, at, song| it.agrees(at, song) && it.opens(at, song, OPENING_BYTES_MIN)),
        (Why::Raga, &|it, at, song| it.agrees(at, song) && it.opens(at, song, OPENING_IN_RAGA_BYTES_MIN)),
        (Why::Spelling, &|it, at, song| it.agrees(at, song) && it.is_near(at, song)),
        (Why::Title, &|it, at, song| it.is_known_by_title(at, song)),
    ];
    for (why, may_be) in passes {
        for (at, song) in linking.couples(&new, may_be) {
            linking.done_rows.insert(at);
            linking.done_songs.insert(song);
            links.insert(rows[at].krithi.id.as_str(), (song, why));
        }
    }
    links
}

struct Linking<'a, 'f> {
    rows: &'a [Draft<'f>],
    /// The folded title of each row.
    keys: Vec<String>,
    /// The folded name of each row's raga; none where it names no raga.
    raga_keys: Vec<Option<String>>,
    /// The folded names of ragas that works are in.
    ragas: HashMap<Uuid, HashSet<String>>,
    /// By composer.
    songs: HashMap<Uuid, Vec<&'a Song>>,
    rows_of: HashMap<Uuid, Vec<usize>>,
    done_rows: HashSet<usize>,
    done_songs: HashSet<Uuid>,
}

impl<'a, 'f> Linking<'a, 'f> {
    fn new(rows: &'a [Draft<'f>], known: &'a Known) -> Self {
        let mut songs: HashMap<Uuid, Vec<&Song>> = HashMap::new();
        for song in known.songs() {
            songs.entry(song.composer.unwrap_or_default()).or_default().push(song);
        }
        let mut rows_of: HashMap<Uuid, Vec<usize>> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            rows_of.entry(row.composer).or_default().push(at);
        }
        let keys = rows.iter().map(|row| lipi::k1_joined(&row.iso)).collect();
        let raga_key = |name: &str| (!name.is_empty()).then(|| lipi::raga_key(name));
        let raga_keys = rows.iter().map(|row| raga_key(&row.krithi.raga)).collect();
        let in_ragas: HashSet<Uuid> =
            known.songs().iter().flat_map(|song| song.ragas.iter().copied()).collect();
        let ragas = in_ragas.into_iter().map(|raga| (raga, own_keys(known, raga))).collect();
        let (done_rows, done_songs) = (HashSet::new(), HashSet::new());
        Self { rows, keys, raga_keys, ragas, songs, rows_of, done_rows, done_songs }
    }

    /// Rows and works of one composer that may be one and find nobody else.
    fn couples(&self, new: &[usize], may_be: MayBe<'_>) -> Vec<(usize, Uuid)> {
        let mut wanted: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
        let mut offers: HashMap<usize, usize> = HashMap::new();
        for at in new.iter().copied().filter(|at| !self.done_rows.contains(at)) {
            let songs = self.songs_of(at).filter(|song| !song.taken && !self.done_songs.contains(&song.id));
            for song in songs.filter(|song| may_be(self, at, song)) {
                wanted.entry(song.id).or_default().push(at);
                *offers.entry(at).or_default() += 1;
            }
        }
        let alone = |(song, rows): (Uuid, Vec<usize>)| match rows[..] {
            [at] if offers.get(&at) == Some(&1) => Some((at, song)),
            _ => None,
        };
        wanted.into_iter().filter_map(alone).collect()
    }

    fn songs_of(&self, at: usize) -> impl Iterator<Item = &'a Song> {
        self.songs.get(&self.rows[at].composer).into_iter().flatten().copied()
    }

    /// The row's raga is the work's only one, by its record or by its name.
    fn agrees(&self, at: usize, song: &Song) -> bool {
        let [raga] = song.ragas[..] else { return false };
        let by_name = || {
            let key = self.raga_keys[at].as_ref()?;
            Some(self.ragas.get(&raga)?.contains(key))
        };
        self.rows[at].raga == Some(raga) || by_name() == Some(true)
    }

    fn opens(&self, at: usize, song: &Song, bytes_min: usize) -> bool {
        song.keys.iter().any(|own| opens_alike(own, &self.keys[at], bytes_min))
    }

    /// A letter or two apart.
    fn is_near(&self, at: usize, song: &Song) -> bool {
        let key = &self.keys[at];
        song.keys.iter().any(|own| {
            let edits_max = (own.len().min(key.len()) + LETTERS_PER_EDIT / 2 - 1) / LETTERS_PER_EDIT;
            edits(own.as_bytes(), key.as_bytes()) <= edits_max
        })
    }

    /// Of all songs of the composer on both sides these two alone open alike, and nothing speaks against it
    /// but an account of the raga beside a title that says enough.
    fn is_known_by_title(&self, at: usize, song: &Song) -> bool {
        let row = &self.rows[at];
        let rows = self.rows_of.get(&row.composer).into_iter().flatten();
        let alike = rows.filter(|other| self.opens(**other, song, OPENING_BYTES_MIN)).count();
        if alike != 1 || !self.opens(at, song, OPENING_BYTES_MIN) {
            return false;
        }
        if self.songs_of(at).filter(|other| self.opens(at, other, OPENING_BYTES_MIN)).count() != 1 {
            return false;
        }
        let key = &self.keys[at];
        let is_silent = song.ragas.is_empty() || row.raga.is_none();
        is_silent
            || row.raga.is_some_and(|raga| song.ragas.contains(&raga))
            || (key.len() >= TITLE_BYTES_MIN && song.keys.contains(key))
            || self.opens(at, song, OPENING_ALONE_BYTES_MIN)
    }
}

/// The folded names that are a raga's own.
fn own_keys(known: &Known, raga: Uuid) -> HashSet<String> {
    let names = known.record(raga).map(|record| record.names()).unwrap_or_default();
    names.iter().filter(|name| is_own(name)).map(|name| name.key(EntityKind::Raga)).collect()
}

/// Whether one folded title is the other, or its beginning.
pub fn same_opening(one: &str, other: &str) -> bool {
    opens_alike(one, other, OPENING_BYTES_MIN)
}

fn opens_alike(one: &str, other: &str, bytes_min: usize) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    one == other || (short.len() >= bytes_min && long.starts_with(short))
}

/// Letters to add, drop or exchange until one is the other.
fn edits(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut before = std::mem::replace(&mut row[0], at + 1);
        for (column, against) in other.iter().enumerate() {
            let exchanged = before + usize::from(letter != against);
            before = row[column + 1];
            row[column + 1] = exchanged.min(before + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits(b"jesinadela", b"cesinadela"), 1);
        assert_eq!(edits(b"maryadagadaya", b"mariyadakadaya"), 2);
        assert_eq!((edits(b"", b"abc"), edits(b"abc", b"abc")), (3, 0));
    }

    #[test]
    fn a_short_opening_says_enough_only_where_little_is_left() {
        assert!(opens_alike("adamodi", "adamodigalada", OPENING_IN_RAGA_BYTES_MIN));
        assert!(!same_opening("adamodi", "adamodigalada"));
        assert!(same_opening("adamodi", "adamodi"));
    }
}
