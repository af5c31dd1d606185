//! The rules of a song.
//!
//! What makes a song contradictory (two sections with one id, a text for a section that does not exist) is an
//! error. What makes it incomplete (a form rule, a missing raga) may stand in a draft.

use super::short::{label, note, text, too_many, unique};
use super::{meaning, notation};
use crate::composition::form::RULES;
use crate::composition::{Attribution, Composition, LyricText, Notation, Section, SectionKind, Version};
use crate::violation::{Severity, Violation};
use lipi::Script;
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// The most languages, and the most deities, temples or tags, of one song.
const LANGUAGES_MAX: usize = 10;
const LINKS_MAX: usize = 64;
/// The most lines of one section, and the longest line in bytes of UTF-8.
const LINES_MAX: usize = 500;
const LINE_BYTES_MAX: usize = 4_000;
/// The longest reason of an exception, in bytes of UTF-8.
const REASON_BYTES_MAX: usize = 500;
/// The years in which a song may have been made.
const YEARS: std::ops::RangeInclusive<i16> = -500..=2_100;

/// Everything that `song` breaks beside the rules that all records share.
pub fn check(song: &Composition, found: &mut Vec<Violation>) {
    composer(song, found);
    links(song, found);
    if song.year_hint.is_some_and(|year| !YEARS.contains(&year)) {
        let detail = format!("the year is {} to {}", YEARS.start(), YEARS.end());
        found.push(Violation::error("/year_hint", "out_of_range", detail));
    }
    if song.versions.is_empty() {
        found.push(Violation::error("/versions", "version_missing", "a song has at least one version"));
    }
    too_many("/versions", song.versions.len(), Composition::VERSIONS_MAX, found);
    exceptions(song, found);
    let mut ids = HashSet::new();
    for (index, version) in song.versions.iter().enumerate().take(Composition::VERSIONS_MAX) {
        let field = format!("/versions/{index}");
        VersionCheck { song, version, field: &field, ids: &mut ids, found }.run();
    }
    meaning::check(song, &mut ids, found);
}

fn composer(song: &Composition, found: &mut Vec<Violation>) {
    match (song.composer, song.attribution) {
        (None, Attribution::Anonymous) => {}
        (None, _) => {
            let detail = "name the composer, or state that the song is anonymous";
            found.push(Violation::error("/composer", "composer_missing", detail));
        }
        (Some(_), Attribution::Anonymous) => {
            let detail = "a song with a composer is not anonymous";
            found.push(Violation::error("/attribution", "not_anonymous", detail));
        }
        (Some(_), _) => {}
    }
}

/// An exception names a rule that exists, once, and says why.
fn exceptions(song: &Composition, found: &mut Vec<Violation>) {
    too_many("/exceptions", song.exceptions.len(), Composition::EXCEPTIONS_MAX, found);
    let rules: Vec<_> = song.exceptions.iter().map(|exception| &exception.rule).collect();
    unique("/exceptions", &rules, found);
    for (index, exception) in song.exceptions.iter().enumerate().take(Composition::EXCEPTIONS_MAX) {
        if !RULES.contains(&exception.rule.as_str()) {
            let detail = format!("the rules of forms are {}", RULES.join(", "));
            found.push(Violation::error(format!("/exceptions/{index}/rule"), "unknown_rule", detail));
        }
        text(&format!("/exceptions/{index}/reason"), &exception.reason, REASON_BYTES_MAX, found);
    }
}

fn links(song: &Composition, found: &mut Vec<Violation>) {
    too_many("/languages", song.languages.len(), LANGUAGES_MAX, found);
    unique("/languages", &song.languages, found);
    too_many("/deities", song.deities.len(), LINKS_MAX, found);
    unique("/deities", &song.deities, found);
    too_many("/temples", song.temples.len(), LINKS_MAX, found);
    unique("/temples", &song.temples, found);
    too_many("/tags", song.tags.len(), LINKS_MAX, found);
    unique("/tags", &song.tags, found);
}

/// One version while it is being checked.
struct VersionCheck<'a> {
    song: &'a Composition,
    version: &'a Version,
    field: &'a str,
    /// Ids of versions, sections and texts of the whole song.
    ids: &'a mut HashSet<Uuid>,
    found: &'a mut Vec<Violation>,
}

impl VersionCheck<'_> {
    fn run(mut self) {
        let Self { version, field, .. } = self;
        self.identity(&format!("{field}/id"), version.id);
        label(&format!("{field}/label"), version.label.as_deref(), self.found);
        if let Some(tala) = &version.tala {
            tala.check(&format!("{field}/tala"), self.found);
        }
        let places = self.section_tree();
        self.ragas(&places);
        self.form();
        self.texts(&places);
        self.notations(&places);
    }

    fn error(&mut self, field: impl Into<String>, code: &str, detail: &str) {
        self.found.push(Violation::error(field, code, detail));
    }

    fn draft(&mut self, field: impl Into<String>, code: &str, detail: &str) {
        self.found.push(Violation::draft(field, code, detail));
    }

    /// Versions, sections and texts are pointed at from outside, so no two share an id.
    fn identity(&mut self, field: &str, id: Uuid) {
        if id.is_nil() {
            self.error(field, "id_missing", "give it an id of its own");
        } else if !self.ids.insert(id) {
            self.error(field, "id_repeated", "this id is used already");
        }
    }

    /// Checks every section and answers with the place of each in the order of singing.
    fn section_tree(&mut self) -> HashMap<Uuid, usize> {
        let field = format!("{}/sections", self.field);
        let mut places = HashMap::new();
        self.siblings(&field, &self.version.sections, None, 1, &mut places);
        too_many(&field, places.len(), Composition::SECTIONS_MAX, self.found);
        places
    }

    fn siblings(
        &mut self,
        field: &str,
        sections: &[Section],
        parent: Option<SectionKind>,
        depth: usize,
        places: &mut HashMap<Uuid, usize>,
    ) {
        if depth > Section::DEPTH_MAX {
            self.error(field, "too_deep", "sections are nested four deep at most");
            return;
        }
        // Counted while walking, so that a hostile tree costs no more than an honest one.
        for (index, section) in sections.iter().enumerate() {
            if places.len() > Composition::SECTIONS_MAX {
                return;
            }
            let place = format!("{field}/{index}");
            places.insert(section.id, places.len());
            self.section(&place, section, parent);
            self.siblings(
                &format!("{place}/children"),
                &section.children,
                Some(section.kind),
                depth + 1,
                places,
            );
        }
        if parent.is_none() {
            self.numbers(field, sections);
        }
    }

    fn section(&mut self, field: &str, section: &Section, parent: Option<SectionKind>) {
        self.identity(&format!("{field}/id"), section.id);
        label(&format!("{field}/label"), section.label.as_deref(), self.found);
        note(&format!("{field}/note"), section.note.as_deref(), self.found);
        unique(&format!("{field}/languages"), &section.languages, self.found);
        if let Some(tala) = &section.tala {
            tala.check(&format!("{field}/tala"), self.found);
        }
        let kind = format!("{field}/kind");
        match (section.kind, parent) {
            (SectionKind::MadhyamaKala, None) => {
                let detail = "a madhyama kala passage is a child of the section in which it is sung";
                self.error(kind, "madhyama_kala_alone", detail);
            }
            (SectionKind::MadhyamaKala, Some(parent)) if !parent.takes_madhyama_kala() => {
                let detail = format!("a {} has no madhyama kala passage", parent.as_str());
                self.error(kind, "madhyama_kala_misplaced", &detail);
            }
            (section, Some(_)) if section.takes_madhyama_kala() => {
                self.draft(kind, "section_nested", "this section stands at the top level");
            }
            _ => {}
        }
    }

    /// Charanams and verses of the top level count 1, 2, 3 …; one alone needs no number.
    fn numbers(&mut self, field: &str, sections: &[Section]) {
        for counted in [SectionKind::Charanam, SectionKind::Verse] {
            let of_kind = || sections.iter().enumerate().filter(|(_, section)| section.kind == counted);
            let alone = of_kind().count() == 1;
            for (expected, (index, section)) in (1..).zip(of_kind()) {
                if section.number != Some(expected) && !(alone && section.number.is_none()) {
                    let detail = format!("this is {} {expected}", counted.as_str());
                    self.draft(format!("{field}/{index}/number"), "wrong_number", &detail);
                }
            }
        }
        for (index, section) in sections.iter().enumerate() {
            if section.number == Some(0) {
                self.error(format!("{field}/{index}/number"), "out_of_range", "numbers begin with 1");
            }
        }
    }

    fn ragas(&mut self, places: &HashMap<Uuid, usize>) {
        let field = format!("{}/ragas", self.field);
        let ragas = &self.version.ragas;
        too_many(&field, ragas.len(), Composition::RAGA_ENTRIES_MAX, self.found);
        if ragas.is_empty() && self.song.form.needs_raga() {
            self.draft(&field, "raga_missing", "name the raga, or the ragas in order");
        }
        for (index, entry) in ragas.iter().enumerate().take(Composition::RAGA_ENTRIES_MAX) {
            if entry.section.is_some_and(|section| !places.contains_key(&section)) {
                let place = format!("{field}/{index}/section");
                self.error(place, "unknown_section", "this version has no such section");
            }
        }
    }

    /// The rules of the form. What the song is excepted from remains as a warning that says why.
    fn form(&mut self) {
        let before = self.found.len();
        self.form_rules();
        for breach in &mut self.found[before..] {
            let excepted = self.song.exceptions.iter().find(|exception| exception.rule == breach.code);
            if let Some(exception) = excepted {
                breach.severity = Severity::Warning;
                breach.detail = format!("{}; excepted: {}", breach.detail, exception.reason);
            }
        }
    }

    fn form_rules(&mut self) {
        let form = self.song.form;
        let field = format!("{}/sections", self.field);
        if self.version.sections.is_empty() && self.version.texts.is_empty() && self.song.title_only {
            return;
        }
        if self.version.sections.is_empty() && form.has_rule() {
            self.draft(field, "sections_missing", "say which sections the song has");
        } else {
            form.check(&field, &self.version.sections, self.found);
        }
        if form.needs_tala() && self.version.tala.is_none() {
            self.draft(format!("{}/tala", self.field), "tala_missing", "this form is bound to its tala");
        }
    }

    fn texts(&mut self, places: &HashMap<Uuid, usize>) {
        let field = format!("{}/texts", self.field);
        let texts = &self.version.texts;
        too_many(&field, texts.len(), Composition::TEXTS_MAX, self.found);
        for (index, text) in texts.iter().enumerate().take(Composition::TEXTS_MAX) {
            self.text(&format!("{field}/{index}"), text, places);
        }
        self.primary(&field);
        self.skeleton(&field);
    }

    fn text(&mut self, field: &str, lyrics: &LyricText, places: &HashMap<Uuid, usize>) {
        self.identity(&format!("{field}/id"), lyrics.id);
        label(&format!("{field}/label"), lyrics.label.as_deref(), self.found);
        if lyrics.languages.is_empty() {
            self.error(format!("{field}/languages"), "language_missing", "name the language of the text");
        }
        unique(&format!("{field}/languages"), &lyrics.languages, self.found);
        if lyrics.scheme.is_some() && lyrics.script != Script::Latin {
            let detail = "only a text in Latin letters has a romanisation";
            self.error(format!("{field}/scheme"), "scheme_unexpected", detail);
        }
        if lyrics.sections.is_empty() {
            self.error(format!("{field}/sections"), "empty", "a text has at least one section");
        }
        too_many(&format!("{field}/sections"), lyrics.sections.len(), Composition::SECTIONS_MAX, self.found);
        let mut last = None;
        for (index, part) in lyrics.sections.iter().enumerate().take(Composition::SECTIONS_MAX) {
            let place = format!("{field}/sections/{index}");
            match places.get(&part.section) {
                None => {
                    let detail = "this version has no such section";
                    self.error(format!("{place}/section"), "unknown_section", detail);
                }
                here if here <= last => {
                    let detail = "sections of a text follow the order of the version, each once";
                    self.error(format!("{place}/section"), "out_of_order", detail);
                }
                here => last = here,
            }
            self.lines(&format!("{place}/lines"), &part.lines);
        }
    }

    fn lines(&mut self, field: &str, lines: &[String]) {
        if lines.is_empty() {
            self.error(field, "empty", "a section of a text has at least one line");
        }
        too_many(field, lines.len(), LINES_MAX, self.found);
        for (index, line) in lines.iter().enumerate().take(LINES_MAX) {
            text(&format!("{field}/{index}"), line, LINE_BYTES_MAX, self.found);
        }
    }

    fn notations(&mut self, places: &HashMap<Uuid, usize>) {
        let field = format!("{}/notations", self.field);
        let notations = &self.version.notations;
        too_many(&field, notations.len(), Notation::PER_VERSION_MAX, self.found);
        for (index, written) in notations.iter().enumerate().take(Notation::PER_VERSION_MAX) {
            let field = format!("{field}/{index}");
            self.identity(&format!("{field}/id"), written.id);
            notation::check(&field, written, self.version, places, self.found);
        }
    }

    /// Exactly one text per languages, script and rendering is the primary one.
    fn primary(&mut self, field: &str) {
        let mut groups: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, text) in self.version.texts.iter().enumerate() {
            let languages: BTreeSet<_> = text.languages.iter().collect();
            groups.entry((languages, text.script, text.rendering)).or_default().push(index);
        }
        let mut wrong: Vec<(usize, &str, &str)> = Vec::new();
        for members in groups.into_values() {
            let primary: Vec<_> =
                members.iter().filter(|index| self.version.texts[**index].is_primary).collect();
            match primary[..] {
                [] => {
                    wrong.push((members[0], "primary_missing", "one text of each script is the primary one"))
                }
                [_] => {}
                [_, second, ..] => {
                    wrong.push((*second, "primary_repeated", "another text is the primary one"))
                }
            }
        }
        wrong.sort_unstable();
        for (index, code, detail) in wrong {
            self.error(format!("{field}/{index}/is_primary"), code, detail);
        }
    }

    /// All texts of a version have the same sections; other sections are another version.
    fn skeleton(&mut self, field: &str) {
        let of = |text: &LyricText| text.sections.iter().map(|part| part.section).collect::<BTreeSet<_>>();
        let Some(first) = self.version.texts.first().map(of) else { return };
        for (index, text) in self.version.texts.iter().enumerate().skip(1).take(Composition::TEXTS_MAX) {
            if of(text) != first {
                let detail = "all texts of a version have the same sections; others make another version";
                self.draft(format!("{field}/{index}/sections"), "skeleton_differs", detail);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::composition::{
        Attribution, Composition, Direction, Form, FormException, LyricSection, RagaEntry, Section,
        SectionKind as K,
    };
    use crate::id::RagaId;
    use crate::name::Language;
    use crate::record::Record;
    use crate::samples::{id, kriti, text};
    use crate::violation::Severity;
    use lipi::Script;
    use proptest::prelude::*;

    fn codes(song: &Composition) -> Vec<String> {
        let found = Record::Composition(song.clone()).check();
        found.into_iter().map(|violation| format!("{} {}", violation.field, violation.code)).collect()
    }

    #[track_caller]
    fn broken(change: impl FnOnce(&mut Composition), expected: &[&str]) {
        let mut song = kriti();
        change(&mut song);
        assert_eq!(codes(&song), expected);
    }

    #[test]
    fn a_whole_kriti_is_sound() {
        broken(|_| {}, &[]);
    }

    #[test]
    fn somebody_composed_it_or_nobody_is_known() {
        broken(|song| song.composer = None, &["/composer composer_missing"]);
        broken(|song| song.attribution = Attribution::Anonymous, &["/attribution not_anonymous"]);
        broken(
            |song| {
                song.composer = None;
                song.attribution = Attribution::Anonymous;
            },
            &[],
        );
    }

    #[test]
    fn lists_hold_nothing_twice_and_not_too_much() {
        broken(|song| song.languages = vec![Language::Te, Language::Te], &["/languages/1 repeated"]);
        broken(|song| song.versions.clear(), &["/versions version_missing"]);
        broken(
            |song| {
                let entry = song.versions[0].ragas[0].clone();
                song.versions[0].ragas = vec![entry; Composition::RAGA_ENTRIES_MAX + 1];
            },
            &["/versions/0/ragas too_many"],
        );
        broken(|song| song.year_hint = Some(9_999), &["/year_hint out_of_range"]);
    }

    #[test]
    fn a_song_may_be_excepted_from_a_rule_of_its_form_with_a_reason() {
        let excepted = |rule: &str, reason: &str| FormException { rule: rule.into(), reason: reason.into() };
        let mut song = kriti();
        song.versions[0].sections.truncate(2);
        song.versions[0].texts[0].sections.truncate(2);
        let severity = |song: &Composition| {
            let found = Record::Composition(song.clone()).check();
            found.iter().map(|violation| (violation.code.clone(), violation.severity)).collect::<Vec<_>>()
        };
        assert_eq!(severity(&song), [("charanam_missing".to_owned(), Severity::Draft)]);
        song.exceptions = vec![excepted("charanam_missing", "Left unfinished.")];
        assert_eq!(severity(&song), [("charanam_missing".to_owned(), Severity::Warning)]);
        song.exceptions = vec![excepted("out_of_order", "Another rule.")];
        assert_eq!(severity(&song), [("charanam_missing".to_owned(), Severity::Draft)]);
        broken(
            |song| song.exceptions = vec![excepted("mood", "x"), excepted("out_of_order", "")],
            &["/exceptions/0/rule unknown_rule", "/exceptions/1/reason empty"],
        );
        broken(
            |song| song.exceptions = vec![excepted("out_of_order", "x"), excepted("out_of_order", "y")],
            &["/exceptions/1 repeated"],
        );
    }

    #[test]
    fn ids_are_unique_within_a_song() {
        broken(
            |song| {
                let mut again = song.versions[0].clone();
                again.texts.clear();
                for (index, section) in again.sections.iter_mut().enumerate() {
                    section.id = id(900 + index as u128);
                    section.children.clear();
                }
                song.versions.push(again);
            },
            &["/versions/1/id id_repeated"],
        );
        broken(
            |song| song.versions[0].texts[0].id = uuid::Uuid::nil(),
            &["/versions/0/texts/0/id id_missing"],
        );
    }

    #[test]
    fn raga_entries_and_texts_point_at_sections_that_exist() {
        broken(
            |song| song.versions[0].ragas[0].section = Some(id(999)),
            &["/versions/0/ragas/0/section unknown_section"],
        );
        broken(
            |song| song.versions[0].texts[0].sections[1].section = id(999),
            &["/versions/0/texts/0/sections/1/section unknown_section"],
        );
    }

    #[test]
    fn a_text_follows_the_order_of_the_sections() {
        broken(
            |song| song.versions[0].texts[0].sections.swap(0, 1),
            &["/versions/0/texts/0/sections/1/section out_of_order"],
        );
        broken(
            |song| {
                let again = song.versions[0].texts[0].sections[3].clone();
                song.versions[0].texts[0].sections.push(again);
            },
            &["/versions/0/texts/0/sections/4/section out_of_order"],
        );
    }

    #[test]
    fn texts_share_one_skeleton() {
        broken(
            |song| {
                let mut other = text(60, Script::Telugu, &song.versions[0].sections);
                other.sections.pop();
                song.versions[0].texts.push(other);
            },
            &["/versions/0/texts/1/sections skeleton_differs"],
        );
    }

    #[test]
    fn one_text_of_each_script_is_the_primary_one() {
        broken(
            |song| song.versions[0].texts[0].is_primary = false,
            &["/versions/0/texts/0/is_primary primary_missing"],
        );
        let second = |primary: bool| {
            move |song: &mut Composition| {
                let mut other = text(60, Script::Latin, &song.versions[0].sections);
                other.is_primary = primary;
                song.versions[0].texts.push(other);
            }
        };
        broken(second(true), &["/versions/0/texts/1/is_primary primary_repeated"]);
        broken(second(false), &[]);
    }

    #[test]
    fn lines_are_plain_and_bounded() {
        let line = |line: &str| {
            let line = line.to_owned();
            move |song: &mut Composition| song.versions[0].texts[0].sections[0].lines[0] = line
        };
        let at = "/versions/0/texts/0/sections/0/lines/0";
        broken(line(""), &[&format!("{at} empty")]);
        broken(line("a\tb"), &[&format!("{at} control_character")]);
        broken(line(&"x".repeat(5_000)), &[&format!("{at} too_long")]);
        broken(
            |song| song.versions[0].texts[0].sections[0].lines.clear(),
            &["/versions/0/texts/0/sections/0/lines empty"],
        );
    }

    #[test]
    fn madhyama_kala_belongs_to_a_section() {
        broken(
            |song| {
                song.versions[0].texts.clear();
                song.versions[0].sections.push(Section::new(id(70), K::MadhyamaKala));
            },
            &["/versions/0/sections/3/kind madhyama_kala_alone"],
        );
        broken(
            |song| {
                let mut swaras = Section::new(id(70), K::Chittaswaram);
                swaras.children.push(Section::new(id(71), K::MadhyamaKala));
                song.versions[0].sections.push(swaras);
            },
            &["/versions/0/sections/3/children/0/kind madhyama_kala_misplaced"],
        );
    }

    #[test]
    fn charanams_count_without_gaps() {
        let charanams = |numbers: [Option<u16>; 3]| {
            move |song: &mut Composition| {
                let sections = &mut song.versions[0].sections;
                sections.pop();
                sections.extend(numbers.iter().enumerate().map(|(index, number)| Section {
                    number: *number,
                    ..Section::new(id(80 + index as u128), K::Charanam)
                }));
                song.versions[0].texts.clear();
            }
        };
        broken(charanams([Some(1), Some(2), Some(3)]), &[]);
        broken(
            charanams([Some(1), Some(3), Some(4)]),
            &["/versions/0/sections/3/number wrong_number", "/versions/0/sections/4/number wrong_number"],
        );
        broken(charanams([Some(1), None, Some(3)]), &["/versions/0/sections/3/number wrong_number"]);
    }

    #[test]
    fn trees_are_not_deep() {
        broken(
            |song| {
                let mut nested = Section::new(id(100), K::Other);
                for level in 1..6 {
                    nested = Section { children: vec![nested], ..Section::new(id(100 + level), K::Other) };
                }
                song.versions[0].sections.push(nested);
            },
            &["/versions/0/sections/3/children/0/children/0/children/0/children too_deep"],
        );
    }

    #[test]
    fn a_song_by_title_needs_no_sections() {
        let bare = |song: &mut Composition| {
            song.versions[0].sections.clear();
            song.versions[0].texts.clear();
        };
        broken(bare, &["/versions/0/sections sections_missing"]);
        broken(
            |song| {
                bare(song);
                song.title_only = true;
            },
            &[],
        );
    }

    #[test]
    fn a_swarajati_is_bound_to_its_tala() {
        broken(
            |song| {
                song.form = Form::Swarajati;
                song.versions[0].tala = None;
            },
            &["/versions/0/tala tala_missing"],
        );
    }

    /// Fourteen ragas, 34 entries: each section runs through its ragas and back.
    fn palindrome() -> Composition {
        let mut song = kriti();
        let sections: Vec<_> = song.versions[0].sections.iter().map(|section| section.id).collect();
        let raga = |number: u128| RagaId(id(500 + number));
        let closing = sections.last().copied();
        let mut entries = Vec::new();
        for (section, ragas) in sections.into_iter().zip([1..=6_u128, 7..=10, 11..=14]) {
            for (direction, order) in [
                (Direction::Forward, ragas.clone().collect::<Vec<_>>()),
                (Direction::Viloma, ragas.rev().collect()),
            ] {
                entries.extend(order.into_iter().map(|number| RagaEntry {
                    raga: raga(number),
                    section: Some(section),
                    direction,
                }));
            }
        }
        // The way back through the first six once more, as the song closes where it began.
        entries.extend((1..=6).rev().map(|number| RagaEntry {
            raga: raga(number),
            section: closing,
            direction: Direction::Viloma,
        }));
        song.versions[0].ragas = entries;
        song
    }

    #[test]
    fn a_palindrome_of_fourteen_ragas_keeps_its_thirty_four_entries_in_order() {
        let song = palindrome();
        assert_eq!(song.versions[0].ragas.len(), 34);
        assert_eq!(codes(&song), [""; 0]);
        assert!(song.is_ragamalika());

        let record = Record::Composition(song.clone());
        let json = serde_json::to_string(&record).unwrap();
        let read = Record::from_json(record.kind(), serde_json::from_str(&json).unwrap()).unwrap();
        assert_eq!(read, record);

        let sung: Vec<_> = song.versions[0].ragas.iter().map(|entry| entry.raga.entity()).collect();
        let referred: Vec<_> = record
            .references()
            .into_iter()
            .filter(|(role, _)| *role == "raga")
            .map(|(_, raga)| raga)
            .collect();
        assert_eq!(referred, sung);
        assert_eq!(sung.iter().collect::<std::collections::HashSet<_>>().len(), 14);
    }

    proptest! {
        /// Whatever is done to a song, its rules answer, and with pointers into its own document.
        #[test]
        fn violations_point_into_the_document(
            drop_section in 0..4_usize, swap in 0..4_usize, entries in 0..140_usize, line in any::<String>(),
            kalai: u8, gati: u8, number: Option<u16>,
        ) {
            let mut song = kriti();
            let version = &mut song.versions[0];
            if let Some(section) = version.sections.get_mut(drop_section) {
                section.number = number;
                section.children.clear();
            }
            version.texts[0].sections.swap(swap, 3 - swap);
            version.texts[0].sections[swap] =
                LyricSection { section: id(swap as u128), lines: vec![line] };
            let entry = version.ragas[0].clone();
            version.ragas = vec![entry; entries];
            if let Some(tala) = &mut version.tala {
                (tala.kalai, tala.gati) = (kalai, gati);
            }
            let record = Record::Composition(song);
            let document = serde_json::to_value(&record).unwrap();
            for violation in record.check() {
                let parent = violation.field.rsplit_once('/').unwrap().0;
                prop_assert!(document.pointer(parent).is_some(), "{}", violation.field);
            }
        }
    }
}
