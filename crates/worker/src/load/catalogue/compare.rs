//! Rows of the tables beside the records of the starter catalogue, fact by fact.

use super::facts::{self, TalaFact};
use super::files::{Files, Krithi, RagaRow};
use super::links::same_opening;
use super::ragas::{self, Found, Ragas, Spelled, scale_of};
use super::{Common, Known};
use crate::load::compare::{Comparison, Judge, Ours};
use crate::load::plan::{Batch, Field, Work, provisional};
use crate::load::starter;
use domain::composition::Composition;
use domain::music::Raga;
use domain::music::raga::RagaKind;
use domain::music::scale::{self, Motion, ScaleToken};
use domain::music::tala::{Jati, Suladi};
use domain::name::NameRole;
use domain::verdict::{self, Claim};
use domain::{EntityKind, EntityRef, Record};
use lipi::{Notation, Scheme, Script};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// The shortest folded title, in bytes, by which works of different composers are taken for one.
const TITLE_BYTES_MIN: usize = 10;

/// Compares all rows with `own`, a starter catalogue that was read without a mistake.
pub fn compare(own: &Batch, files: &Files) -> Comparison {
    let mut known = Known::default();
    known.rule(own.verdicts.iter().cloned());
    let mut records = HashMap::new();
    for entry in &own.entries {
        let Work::Put(record) = &entry.work else { continue };
        known.add(EntityRef { kind: record.kind(), id: entry.provisional }, (**record).clone());
        records.insert(entry.provisional, Ours { id: entry.provisional, key: &entry.external.id, record });
    }
    let mut scratch = Batch { stored: known.ids(), ..Batch::default() };
    let common = Common::new(&known, &mut scratch);
    let ragas = ragas::plan(files, &known, &common, &mut scratch);
    let comparer = Comparer { files, known: &known, records: &records, ragas: &ragas };
    let mut judge = Judge::new(&own.decided);
    comparer.ragas(&mut judge);
    comparer.works(&mut judge);
    judge.finish(&records.iter().map(|(id, ours)| (*id, ours.key.to_owned())).collect())
}

struct Comparer<'a> {
    files: &'a Files,
    known: &'a Known,
    records: &'a HashMap<Uuid, Ours<'a>>,
    ragas: &'a Ragas,
}

/// A row beside our work.
struct Pair<'a> {
    krithi: &'a Krithi,
    ours: Ours<'a>,
    song: &'a Composition,
}

impl<'a> Comparer<'a> {
    fn ragas(&self, judge: &mut Judge<'_>) {
        for (at, row) in self.files.ragas.iter().enumerate().filter(|(_, row)| row.mela.is_none()) {
            let linked = self.records.get(&self.ragas.id(at)).copied();
            let Some(ours) = linked.or_else(|| self.raga_named(row)) else { continue };
            let Record::Raga(raga) = ours.record else { continue };
            if raga.kind == RagaKind::Mela {
                continue;
            }
            judge.raga();
            self.parent(judge, row, ours, raga);
            let lines = [
                (Field::Arohana, &row.arohana, Motion::Arohana, &raga.arohana),
                (Field::Avarohana, &row.avarohana, Motion::Avarohana, &raga.avarohana),
            ];
            for (field, theirs, motion, own) in lines {
                line(judge, row, ours, field, theirs, motion, own);
            }
        }
    }

    /// Our raga of this name where each side knows it once and no ruling parts them.
    fn raga_named(&self, row: &RagaRow) -> Option<Ours<'a>> {
        let name = Spelled::of(&row.name).display;
        let key = lipi::raga_key(&name);
        let rows =
            self.files.ragas.iter().filter(|other| lipi::raga_key(&Spelled::of(&other.name).display) == key);
        if rows.count() != 1 {
            return None;
        }
        let named = |ours: &&Ours<'a>| {
            let of = |name: &domain::Name| ragas::is_own(name) && name.key(EntityKind::Raga) == key;
            matches!(ours.record, Record::Raga(_)) && ours.record.names().iter().any(of)
        };
        let mut found = self.records.values().filter(named);
        let only = found.next().filter(|_| found.next().is_none())?;
        let claim = Claim { kind: EntityKind::Raga, name: &name, mela: self.parent_number(row) };
        verdict::forbids(self.known.verdicts(), claim, only.id).is_none().then_some(*only)
    }

    fn parent_number(&self, row: &RagaRow) -> Option<u8> {
        self.files.ragas.iter().find(|mela| mela.mela.is_some() && mela.normalized == row.parent)?.mela
    }

    fn parent(&self, judge: &mut Judge<'_>, row: &RagaRow, ours: Ours<'_>, raga: &Raga) {
        let (Some(own), Some(theirs)) = (self.known.mela_of(raga), self.parent_number(row)) else { return };
        if own == theirs {
            judge.agree(Field::Parent);
        } else {
            judge.disagree(ours, Field::Parent, own.to_string(), &theirs.to_string(), &row.name);
        }
    }

    fn works(&self, judge: &mut Judge<'_>) {
        for pair in self.pairs() {
            judge.work();
            self.composer(judge, &pair);
            self.raga(judge, &pair);
            self.tala(judge, &pair);
        }
    }

    /// Rows and works that are one: the only work of the composer that opens so, or, where the composer has
    /// none, the only work of anybody with that whole title.
    fn pairs(&self) -> Vec<Pair<'a>> {
        let works: Vec<(Ours<'a>, &Composition, BTreeSet<String>)> = self.own_works();
        let composers = self.composers();
        let mut titles: HashMap<String, usize> = HashMap::new();
        let keys: Vec<String> = self.files.krithis.iter().map(title_key).collect();
        for key in &keys {
            *titles.entry(key.clone()).or_default() += 1;
        }
        let mut wanted: HashMap<Uuid, Vec<(usize, usize)>> = HashMap::new();
        for (at, (krithi, key)) in self.files.krithis.iter().zip(&keys).enumerate() {
            let composer = composers.get(&lipi::k1_joined(&krithi.composer)).copied();
            let opens = |index: &usize| {
                let (_, song, own) = &works[*index];
                song.composer.map(|id| id.0) == composer && own.iter().any(|own| same_opening(own, key))
            };
            let mut found: Vec<usize> = (0..works.len()).filter(opens).collect();
            if found.len() > 1 {
                found.retain(|index| self.same_raga(krithi, works[*index].1) == Some(true));
            } else if found.is_empty() && key.len() >= TITLE_BYTES_MIN && titles[key] == 1 {
                found = (0..works.len()).filter(|index| works[*index].2.contains(key)).collect();
            }
            if let [index] = found[..] {
                wanted.entry(works[index].0.id).or_default().push((at, index));
            }
        }
        let mut pairs = Vec::new();
        for mut rows in wanted.into_values() {
            if rows.len() > 1 {
                rows.retain(|(at, index)| {
                    self.same_raga(&self.files.krithis[*at], works[*index].1) == Some(true)
                });
            }
            if let [(at, index)] = rows[..] {
                let (ours, song, _) = &works[index];
                pairs.push(Pair { krithi: &self.files.krithis[at], ours: *ours, song });
            }
        }
        pairs
    }

    fn own_works(&self) -> Vec<(Ours<'a>, &'a Composition, BTreeSet<String>)> {
        let mut works: Vec<_> = self
            .records
            .values()
            .filter_map(|ours| match ours.record {
                Record::Composition(song) => {
                    let latin = song.titles.iter().filter(|name| name.script == Script::Latin);
                    Some((*ours, song, latin.map(|name| lipi::k1_joined(&name.text)).collect()))
                }
                _ => None,
            })
            .collect();
        works.sort_by_key(|(ours, _, _): &(Ours<'_>, _, _)| ours.key);
        works
    }

    /// Our composers by folded name, of names that one alone has.
    fn composers(&self) -> HashMap<String, Uuid> {
        let mut found: HashMap<String, HashSet<Uuid>> = HashMap::new();
        for ours in self.records.values().filter(|ours| matches!(ours.record, Record::Composer(_))) {
            for name in ours.record.names().iter().filter(|name| name.role != NameRole::Signature) {
                found.entry(lipi::k1_joined(&name.text)).or_default().insert(ours.id);
            }
        }
        let alone = |(key, ids): (String, HashSet<Uuid>)| {
            (ids.len() == 1).then(|| ids.into_iter().next().map(|id| (key, id))).flatten()
        };
        found.into_iter().filter_map(alone).collect()
    }

    fn composer(&self, judge: &mut Judge<'_>, pair: &Pair<'_>) {
        let Some(own) = pair.song.composer else { return };
        let theirs = self.composers().get(&lipi::k1_joined(&pair.krithi.composer)).copied();
        if theirs == Some(own.0) {
            judge.agree(Field::Composer);
        } else {
            let ours = self.label(own.0);
            judge.disagree(pair.ours, Field::Composer, ours, &pair.krithi.composer, &row(pair.krithi));
        }
    }

    fn raga(&self, judge: &mut Judge<'_>, pair: &Pair<'_>) {
        match self.same_raga(pair.krithi, pair.song) {
            None => {}
            Some(true) => judge.agree(Field::Raga),
            Some(false) => {
                let entries = pair.song.versions.first().map_or(&[][..], |version| &version.ragas);
                let ours: Vec<String> = entries.iter().map(|entry| self.label(entry.raga.0)).collect();
                judge.disagree(pair.ours, Field::Raga, ours.join(", "), &pair.krithi.raga, &row(pair.krithi));
            }
        }
    }

    /// None where a side is silent.
    fn same_raga(&self, krithi: &Krithi, song: &Composition) -> Option<bool> {
        let entries = &song.versions.first()?.ragas;
        if krithi.raga.is_empty() || entries.is_empty() {
            return None;
        }
        if krithi.raga_group == "ragamalika" {
            return Some(song.is_ragamalika());
        }
        match self.ragas.find(&krithi.raga_group, &krithi.raga, &self.files.groups) {
            Found::Raga(id) | Found::Preferred(id) => Some(
                entries
                    .iter()
                    .any(|entry| entry.raga.0 == id || self.has_spelling(entry.raga.0, &krithi.raga)),
            ),
            Found::Ambiguous | Found::Unknown => {
                Some(entries.iter().any(|entry| self.has_spelling(entry.raga.0, &krithi.raga)))
            }
        }
    }

    /// Whether our raga is called so, and no other of ours is.
    fn has_spelling(&self, raga: Uuid, spelling: &str) -> bool {
        let iso =
            lipi::transliterate(spelling, Notation::Latin(Scheme::BlogHk), Notation::Latin(Scheme::Iso15919));
        let keys = [lipi::raga_key(spelling), lipi::raga_key(&iso)];
        let called =
            |record: &Record| record.names().iter().any(|name| keys.contains(&name.key(EntityKind::Raga)));
        self.records.get(&raga).is_some_and(|ours| called(ours.record))
    }

    fn tala(&self, judge: &mut Judge<'_>, pair: &Pair<'_>) {
        let own = pair.song.versions.first().and_then(|version| version.tala.as_ref());
        let (Some(own), Some(fact)) = (own, facts::tala(&pair.krithi.tala)) else { return };
        let identity = match fact {
            TalaFact::Suladi(suladi, jati) => starter::arithmetic::suladi_tala(suladi, jati).0,
            TalaFact::Chapu(jati) => starter::arithmetic::chapu(jati).0,
            TalaFact::Desadi | TalaFact::Madhyadi => {
                starter::arithmetic::suladi_tala(Suladi::Triputa, Jati::Chatusra).0
            }
        };
        let begins_late = fact == TalaFact::Desadi || (fact == TalaFact::Madhyadi && own.eduppu.is_some());
        if own.tala.0 == provisional(&identity) && own.eduppu.is_some() == begins_late {
            judge.agree(Field::Tala);
        } else {
            let late = own.eduppu.map_or_else(String::new, |eduppu| {
                format!(" from {}/{}", eduppu.numerator, eduppu.denominator)
            });
            let ours = format!("{}{late}", self.label(own.tala.0));
            judge.disagree(pair.ours, Field::Tala, ours, &pair.krithi.tala, &row(pair.krithi));
        }
    }

    fn label(&self, id: Uuid) -> String {
        self.records.get(&id).map_or_else(|| id.to_string(), |ours| ours.record.shown())
    }
}

fn line(
    judge: &mut Judge<'_>,
    row: &RagaRow,
    ours: Ours<'_>,
    field: Field,
    theirs: &str,
    motion: Motion,
    own: &[ScaleToken],
) {
    let Some(read) = scale_of(theirs, motion).line else { return };
    if own.is_empty() {
        return;
    }
    if swaras(&read) == swaras(own) {
        judge.agree(field);
    } else {
        judge.disagree(ours, field, scale::display(own), theirs, &row.name);
    }
}

/// Octave marks are ours alone: the tables write none.
fn swaras(line: &[ScaleToken]) -> Vec<scale::Swara> {
    line.iter().map(|token| token.swara).collect()
}

fn title_key(krithi: &Krithi) -> String {
    let iso = Notation::Latin(Scheme::Iso15919);
    lipi::k1_joined(&lipi::transliterate(&krithi.title, Notation::Latin(krithi.scheme), iso))
}

fn row(krithi: &Krithi) -> String {
    format!("{} {}", krithi.id, krithi.title)
}
