//! The rules of a notation: what holds by itself, and what holds beside its tala and ragas.

use super::short::{label, note, text, too_many};
use crate::composition::notation::text::Frame;
use crate::composition::notation::{NotationSection, Note, Row, speed};
use crate::composition::{Composition, Notation, Version};
use crate::id::{EntityRef, RagaId};
use crate::music::Tala;
use crate::music::scale::Swara;
use crate::music::tala::TalaSetting;
use crate::record::Record;
use crate::violation::Violation;
use lipi::Script;
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// How far from the middle octave a note may lie.
const OCTAVES: std::ops::RangeInclusive<i8> = -2..=2;

/// What `notation` of `version` breaks by itself. `places` are the sections of the version in their order.
pub fn check(
    field: &str,
    notation: &Notation,
    version: &Version,
    places: &HashMap<Uuid, usize>,
    found: &mut Vec<Violation>,
) {
    label(&format!("{field}/label"), notation.label.as_deref(), found);
    note(&format!("{field}/note"), notation.note.as_deref(), found);
    if notation.scheme.is_some() && notation.script != Script::Latin {
        let detail = "only syllables in Latin letters have a romanisation";
        found.push(Violation::error(format!("{field}/scheme"), "scheme_unexpected", detail));
    }
    let field = format!("{field}/sections");
    if notation.sections.is_empty() {
        found.push(Violation::error(&field, "empty", "a notation has at least one section"));
    }
    too_many(&field, notation.sections.len(), Composition::SECTIONS_MAX, found);
    let mut last = None;
    for (index, section) in notation.sections.iter().enumerate().take(Composition::SECTIONS_MAX) {
        let field = format!("{field}/{index}");
        let here = places.get(&section.section).copied();
        if here.is_none() {
            let detail = "this version has no such section";
            found.push(Violation::error(format!("{field}/section"), "unknown_section", detail));
        } else if here <= last {
            let detail = "sections of a notation follow the order of the version, each once";
            found.push(Violation::error(format!("{field}/section"), "out_of_order", detail));
        }
        last = last.max(here);
        match version.setting_of(section.section) {
            Some(setting) => SectionCheck { field: &field, section, setting, found }.run(index == 0),
            None => {
                let detail = "swaras are written down in a tala: name that of the version";
                found.push(Violation::error(&field, "tala_missing", detail));
            }
        }
    }
}

/// One section while it is being checked.
struct SectionCheck<'a> {
    field: &'a str,
    section: &'a NotationSection,
    setting: &'a TalaSetting,
    found: &'a mut Vec<Violation>,
}

impl SectionCheck<'_> {
    fn run(mut self, is_first: bool) {
        let NotationSection { angas, rows, .. } = self.section;
        let field = format!("{}/angas", self.field);
        if angas.is_empty() || angas.contains(&0) {
            self.error(&field, "out_of_range", "give the beats of each anga, at least one");
        }
        too_many(&field, angas.len(), Notation::ANGAS_MAX, self.found);
        let field = format!("{}/rows", self.field);
        if rows.is_empty() {
            self.error(&field, "empty", "a section of a notation has at least one avartanam");
        }
        too_many(&field, rows.len(), Notation::ROWS_MAX, self.found);
        let mut sounds = false;
        for (index, row) in rows.iter().enumerate().take(Notation::ROWS_MAX) {
            self.row(&format!("{field}/{index}"), row, sounds);
            sounds = row.notes.last().is_some_and(|last| !last.is_rest());
        }
        if is_first {
            self.eduppu(&format!("{field}/0"));
        }
    }

    fn error(&mut self, field: &str, code: &str, detail: &str) {
        self.found.push(Violation::error(field, code, detail));
    }

    /// `goes_on` tells whether something sounds at the end of the row before.
    fn row(&mut self, field: &str, row: &Row, goes_on: bool) {
        if speed(row.units_per_beat, self.setting.gati).is_none() {
            let gati = self.setting.gati;
            let detail = format!("in gati {gati} no speed has {} units a beat", row.units_per_beat);
            self.error(&format!("{field}/units_per_beat"), "out_of_range", &detail);
        }
        let expected = self.counts() * u32::from(row.units_per_beat);
        if row.length() != expected {
            let detail = format!("an avartanam has {expected} units, not {}", row.length());
            self.error(field, "avartanam_not_full", &detail);
        }
        let field = format!("{field}/notes");
        too_many(&field, row.notes.len(), Notation::NOTES_MAX, self.found);
        let mut goes_on = Some(goes_on);
        for (index, note) in row.notes.iter().enumerate().take(Notation::NOTES_MAX) {
            self.note(&format!("{field}/{index}"), note, goes_on.take().unwrap_or(false));
        }
    }

    /// Counts of one avartanam: beats times kalai.
    fn counts(&self) -> u32 {
        let beats: u32 = self.section.angas.iter().map(|beats| u32::from(*beats)).sum();
        beats * u32::from(self.setting.kalai)
    }

    fn note(&mut self, field: &str, note: &Note, may_hold: bool) {
        if note.length == 0 {
            self.error(&format!("{field}/length"), "out_of_range", "a note has at least one unit");
        }
        if !OCTAVES.contains(&note.octave) || (note.octave != 0 && note.swara.is_none()) {
            let detail = "the octave of a swara is -2 to 2";
            self.error(&format!("{field}/octave"), "out_of_range", detail);
        }
        if note.held && (note.swara.is_some() || !may_hold) {
            let detail = "only the beginning of an avartanam prolongs what sounded before it";
            self.error(&format!("{field}/held"), "nothing_to_hold", detail);
        }
        let Some(syllable) = &note.syllable else { return };
        let field = format!("{field}/syllable");
        text(&field, syllable, Notation::SYLLABLE_BYTES_MAX, self.found);
        if note.swara.is_none() {
            self.error(&field, "no_swara", "a syllable is sung on a swara");
        }
    }

    /// The song begins where its eduppu says.
    fn eduppu(&mut self, field: &str) {
        let (Some(eduppu), Some(row)) = (self.setting.eduppu, self.section.rows.first()) else { return };
        let per_beat = u32::from(row.units_per_beat) * u32::from(self.setting.kalai);
        let beats = self.section.angas.iter().map(|beats| u32::from(*beats)).sum();
        if !row.lead().is_some_and(|lead| eduppu.is_at(lead, per_beat, beats)) {
            let place = format!("{}/{}", eduppu.numerator, eduppu.denominator.max(1));
            let detail = format!("the song begins {place} beats from samam: write what is silent as rests");
            self.found.push(Violation::draft(field, "eduppu_not_kept", detail));
        }
    }
}

impl Composition {
    /// The talas and ragas that its notations are bound to, for [`Composition::check_notations`].
    pub fn notation_references(&self) -> Vec<EntityRef> {
        let mut found: Vec<EntityRef> = Vec::new();
        for version in self.versions.iter().filter(|version| !version.notations.is_empty()) {
            found.extend(version.ragas.iter().map(|entry| EntityRef::from(entry.raga)));
            for section in version.notations.iter().flat_map(|notation| &notation.sections) {
                let setting = version.setting_of(section.section);
                found.extend(setting.map(|setting| EntityRef::from(setting.tala)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What its notations break beside the records that they refer to: an avartanam has the angas of its tala,
    /// a swara belongs to the raga or is among its anya swaras. What is not `known` is not judged.
    pub fn check_notations(&self, known: &HashMap<EntityRef, Record>) -> Vec<Violation> {
        let mut found = Vec::new();
        for (at, version) in self.versions.iter().enumerate() {
            for (index, notation) in version.notations.iter().enumerate() {
                for (place, section) in notation.sections.iter().enumerate() {
                    let field = format!("/versions/{at}/notations/{index}/sections/{place}");
                    beside(&field, version, section, known, &mut found);
                }
            }
        }
        found
    }
}

fn beside(
    field: &str,
    version: &Version,
    section: &NotationSection,
    known: &HashMap<EntityRef, Record>,
    found: &mut Vec<Violation>,
) {
    let tala = version.setting_of(section.section).and_then(|setting| known.get(&setting.tala.into()));
    if let Some(Record::Tala(tala)) = tala
        && tala.anga_beats() != section.angas
    {
        found.push(Violation::error(format!("{field}/angas"), "angas_differ", angas_of(tala)));
    }
    let Some(swaras) = swaras(&version.ragas_of(section.section), known) else { return };
    let mut told = HashSet::new();
    for (row, notes) in section.rows.iter().map(|row| &row.notes).enumerate() {
        for (at, note) in notes.iter().enumerate() {
            let Some(swara) = note.swara.filter(|swara| !swaras.contains(swara)) else { continue };
            if told.insert(swara) {
                let field = format!("{field}/rows/{row}/notes/{at}/swara");
                let detail = format!("{swara} is neither in the scale of the raga nor an anya swara of it");
                found.push(Violation::error(field, "foreign_swara", detail));
            }
        }
    }
}

fn angas_of(tala: &Tala) -> String {
    let beats: Vec<String> = tala.anga_beats().iter().map(u8::to_string).collect();
    format!("an avartanam of this tala is {}", beats.join(" + "))
}

/// Every swara of the ragas; none where one of them is not known or has no scale.
fn swaras(ragas: &[RagaId], known: &HashMap<EntityRef, Record>) -> Option<BTreeSet<Swara>> {
    let mut all = BTreeSet::new();
    for raga in ragas {
        match known.get(&EntityRef::from(*raga)) {
            Some(Record::Raga(raga)) if !raga.arohana.is_empty() => all.extend(Frame::swaras_of(raga)),
            _ => return None,
        }
    }
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use crate::composition::notation::text::{Frame, parse};
    use crate::composition::{Composition, Notation, notation::NotationSection};
    use crate::id::{EntityRef, RagaId, TalaId};
    use crate::music::scale::Swara;
    use crate::music::tala::{Eduppu, Jati, Suladi};
    use crate::music::{Raga, TalaSetting};
    use crate::record::Record;
    use crate::samples::{id, kriti};
    use lipi::{Scheme, Script};
    use std::collections::HashMap;

    const RUPAKA: &str = "s r | g m p , ||\n> va ra | da . m .\n, , | d p m g ||";

    /// A kriti in chatusra rupaka and mela 15, its pallavi written down.
    fn song() -> Composition {
        let mut song = kriti();
        let version = &mut song.versions[0];
        let frame = Frame {
            angas: vec![2, 4],
            kalai: 1,
            gati: 4,
            swaras: Frame::swaras_of(&Raga::mela(15).unwrap()),
        };
        let section = NotationSection {
            section: version.sections[0].id,
            angas: vec![2, 4],
            rows: parse(RUPAKA, &frame).unwrap(),
        };
        version.notations.push(Notation {
            id: id(70),
            label: None,
            script: Script::Latin,
            scheme: Some(Scheme::Iso15919),
            source: None,
            rights: None,
            note: None,
            sections: vec![section],
        });
        song
    }

    fn codes(song: &Composition) -> Vec<String> {
        let found = Record::Composition(song.clone()).check();
        found.into_iter().map(|violation| format!("{} {}", violation.field, violation.code)).collect()
    }

    #[track_caller]
    fn broken(change: impl FnOnce(&mut Notation), expected: &[&str]) {
        let mut song = song();
        change(&mut song.versions[0].notations[0]);
        let expected: Vec<_> = expected.iter().map(|end| format!("/versions/0/notations/0{end}")).collect();
        assert_eq!(codes(&song), expected);
    }

    fn known(tala: Suladi, mela: u8) -> HashMap<EntityRef, Record> {
        let tala = Record::Tala(tala.tala(Jati::Chatusra));
        let raga = Record::Raga(Raga::mela(mela).unwrap());
        HashMap::from([(TalaId(id(3)).into(), tala), (RagaId(id(2)).into(), raga)])
    }

    #[test]
    fn a_notation_that_fills_its_tala_is_sound() {
        broken(|_| {}, &[]);
    }

    #[test]
    fn every_avartanam_is_full() {
        broken(|it| it.sections[0].rows[1].notes[0].length = 1, &["/sections/0/rows/1 avartanam_not_full"]);
        broken(
            |it| it.sections[0].rows[0].units_per_beat = 3,
            &["/sections/0/rows/0/units_per_beat out_of_range", "/sections/0/rows/0 avartanam_not_full"],
        );
        broken(
            |it| it.sections[0].angas.clear(),
            &[
                "/sections/0/angas out_of_range",
                "/sections/0/rows/0 avartanam_not_full",
                "/sections/0/rows/1 avartanam_not_full",
            ],
        );
        broken(|it| it.sections[0].rows.clear(), &["/sections/0/rows empty"]);
        broken(|it| it.sections.clear(), &["/sections empty"]);
    }

    #[test]
    fn every_note_makes_sense() {
        let note = |end: &str| format!("/sections/0/rows/0/notes/0/{end}");
        broken(|it| it.sections[0].rows[0].notes[0].octave = 3, &[&note("octave out_of_range")]);
        broken(|it| it.sections[0].rows[0].notes[0].held = true, &[&note("held nothing_to_hold")]);
        broken(|it| it.sections[0].rows[0].notes[0].syllable = Some(" ".into()), &[&note("syllable empty")]);
        broken(|it| it.sections[0].rows[0].notes[0].swara = None, &[&note("syllable no_swara")]);
    }

    #[test]
    fn sections_are_those_of_the_version_in_order() {
        broken(|it| it.sections[0].section = id(99), &["/sections/0/section unknown_section"]);
        broken(|it| it.sections.push(it.sections[0].clone()), &["/sections/1/section out_of_order"]);
        broken(|it| it.script = Script::Tamil, &["/scheme scheme_unexpected"]);
        broken(|it| it.id = id(50), &["/id id_repeated"]);
    }

    #[test]
    fn a_notation_needs_a_tala() {
        let mut song = song();
        song.versions[0].tala = None;
        assert_eq!(codes(&song), ["/versions/0/notations/0/sections/0 tala_missing"]);
    }

    #[test]
    fn the_song_begins_at_its_eduppu() {
        let mut song = song();
        let setting = TalaSetting::plain(TalaId(id(3)));
        let eduppu = Some(Eduppu { numerator: 1, denominator: 1 });
        song.versions[0].tala = Some(TalaSetting { eduppu, ..setting });
        assert_eq!(codes(&song), ["/versions/0/notations/0/sections/0/rows/0 eduppu_not_kept"]);
        let first = &mut song.versions[0].notations[0].sections[0].rows[0].notes[0];
        (first.swara, first.syllable) = (None, None);
        assert_eq!(codes(&song), [""; 0]);
    }

    #[test]
    fn angas_and_swaras_are_those_of_tala_and_raga() {
        let song = song();
        assert_eq!(song.notation_references().len(), 2);
        assert_eq!(song.check_notations(&known(Suladi::Rupaka, 15)), []);
        assert_eq!(song.check_notations(&HashMap::new()), []);
        let told: Vec<_> = song
            .check_notations(&known(Suladi::Triputa, 29))
            .into_iter()
            .map(|violation| format!("{} {}", violation.field, violation.code))
            .collect();
        let field = "/versions/0/notations/0/sections/0";
        assert_eq!(
            told,
            [
                format!("{field}/angas angas_differ"),
                format!("{field}/rows/0/notes/1/swara foreign_swara"),
                format!("{field}/rows/1/notes/1/swara foreign_swara"),
            ]
        );
    }

    #[test]
    fn an_anya_swara_belongs_to_the_raga() {
        let song = song();
        let mut known = known(Suladi::Rupaka, 29);
        if let Some(Record::Raga(raga)) = known.get_mut(&EntityRef::from(RagaId(id(2)))) {
            raga.anya_swaras = vec![Swara::R1, Swara::D1];
        }
        assert_eq!(song.check_notations(&known), []);
    }
}
