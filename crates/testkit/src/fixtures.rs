//! Small records that break no rule, and a clock that stands still.

use chrono::{DateTime, TimeZone, Utc};
use domain::aggregate::Stamp;
use domain::composition::{
    Attribution, Composition, Direction, Form, LyricSection, LyricText, RagaEntry, Section, SectionKind,
    Version,
};
use domain::id::{ComposerId, RagaId, RightsId, TalaId};
use domain::music::tala::{Jati, Suladi};
use domain::music::{Raga, TalaSetting};
use domain::name::{Language, Name};
use domain::reference::{Composer, Rights, SourceNote};
use domain::{Actor, Clock, Record};
use lipi::Script;
use uuid::Uuid;

/// Noon of a day long enough ago that nothing made in a test expires by the machine's own clock.
pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 14, 12, 0, 0).single().unwrap_or(DateTime::UNIX_EPOCH)
}

/// A clock that stands at [`noon`] until it is moved.
pub fn clock() -> Clock {
    Clock::fixed(noon())
}

/// A made-up id of version 7 that says which one it is.
pub const fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + number)
}

/// A new id that sorts by time.
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// Who changes things in tests, at noon, with a new event.
pub fn stamp() -> Stamp {
    Stamp { actor: actor("asha", 1), now: noon(), event_id: new_id() }
}

/// A person, told from others by `number`.
pub fn actor(name: &str, number: u128) -> Actor {
    Actor { user: Some(id(number)), name: name.to_owned() }
}

/// Mela `number`, 1 to 72.
///
/// # Panics
/// Outside of them.
pub fn mela(number: u8) -> Record {
    Record::Raga(Raga::mela(number).expect("there are 72 melas"))
}

/// Adi tala: chatusra triputa.
pub fn adi() -> Record {
    Record::Tala(Suladi::Triputa.tala(Jati::Chatusra))
}

/// A composer with nothing but a name.
pub fn composer(name: &str) -> Record {
    Record::Composer(Composer {
        names: vec![Name::display(name)],
        birth: None,
        death: None,
        place: None,
        teacher: None,
        note: None,
        sources: vec![knowledge()],
        external_ids: Vec::new(),
    })
}

/// In the public domain, for a stated reason.
pub fn rights() -> Record {
    Record::Rights(Rights {
        names: vec![Name::display("Public domain")],
        licence: "public-domain".to_owned(),
        holder: None,
        attribution: None,
        url: None,
        public_domain_reason: Some("the composer died more than a hundred years ago".to_owned()),
        note: None,
        sources: Vec::new(),
        external_ids: Vec::new(),
    })
}

/// What a song refers to.
#[derive(Clone, Copy, Debug)]
pub struct Refers {
    /// Its raga.
    pub raga: Uuid,
    /// Its tala.
    pub tala: Uuid,
    /// Its composer.
    pub composer: Uuid,
    /// Its rights.
    pub rights: Uuid,
}

/// A kriti of pallavi, anupallavi and charanam with one text, which may be published.
pub fn kriti(title: &str, refers: Refers) -> Record {
    let kinds = [SectionKind::Pallavi, SectionKind::Anupallavi, SectionKind::Charanam];
    let sections: Vec<Section> = kinds.into_iter().map(|kind| Section::new(new_id(), kind)).collect();
    Record::Composition(Composition {
        titles: vec![Name::display(title)],
        composer: Some(ComposerId(refers.composer)),
        attribution: Attribution::Certain,
        form: Form::Kriti,
        languages: vec![Language::Sa],
        deities: Vec::new(),
        temples: Vec::new(),
        tags: Vec::new(),
        year_hint: None,
        versions: vec![Version {
            id: new_id(),
            label: None,
            sampradaya: None,
            ragas: vec![RagaEntry {
                raga: RagaId(refers.raga),
                section: None,
                direction: Direction::Forward,
            }],
            tala: Some(TalaSetting::plain(TalaId(refers.tala))),
            texts: vec![text(title, &sections)],
            notations: Vec::new(),
            sections,
        }],
        rights: Some(RightsId(refers.rights)),
        sources: vec![knowledge()],
        external_ids: Vec::new(),
        title_only: false,
        exceptions: Vec::new(),
        meanings: Vec::new(),
    })
}

fn text(first_line: &str, sections: &[Section]) -> LyricText {
    let lines = |section: &Section| LyricSection { section: section.id, lines: vec![first_line.to_owned()] };
    LyricText {
        id: new_id(),
        languages: vec![Language::Sa],
        script: Script::Latin,
        scheme: None,
        rendering: Default::default(),
        is_primary: true,
        label: None,
        source: None,
        rights: None,
        sections: sections.iter().map(lines).collect(),
    }
}

fn knowledge() -> SourceNote {
    SourceNote { source: None, note: "general knowledge".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Severity;

    #[test]
    fn every_fixture_may_be_published() {
        let refers = Refers { raga: id(1), tala: id(2), composer: id(3), rights: id(4) };
        for record in [mela(65), adi(), composer("Tyāgarāja"), rights(), kriti("vātāpi gaṇapatiṁ", refers)]
        {
            let errors: Vec<_> =
                record.check().into_iter().filter(|found| found.severity == Severity::Error).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", record.label());
        }
    }
}
