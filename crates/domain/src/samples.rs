//! Records for the tests of this crate.

use crate::composition::{
    Attribution, Composition, Direction, Form, LyricSection, LyricText, RagaEntry, Section, SectionKind,
    Version,
};
use crate::id::{ComposerId, RagaId, RightsId, TalaId};
use crate::music::TalaSetting;
use crate::name::{Language, Name};
use crate::reference::SourceNote;
use lipi::Script;
use uuid::Uuid;

/// A made-up id that says which one it is.
pub const fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + number)
}

/// A kriti that breaks no rule: three sections, the last with a madhyama kala, and one text.
pub fn kriti() -> Composition {
    let mut charanam = Section::new(id(13), SectionKind::Charanam);
    charanam.children.push(Section::new(id(14), SectionKind::MadhyamaKala));
    let sections = vec![
        Section::new(id(11), SectionKind::Pallavi),
        Section::new(id(12), SectionKind::Anupallavi),
        charanam,
    ];
    Composition {
        titles: vec![Name::display("vātāpi gaṇapatiṁ")],
        composer: Some(ComposerId(id(1))),
        attribution: Attribution::Certain,
        form: Form::Kriti,
        languages: vec![Language::Sa],
        deities: Vec::new(),
        temples: Vec::new(),
        tags: Vec::new(),
        year_hint: None,
        versions: vec![Version {
            id: id(10),
            label: None,
            sampradaya: None,
            ragas: vec![RagaEntry { raga: RagaId(id(2)), section: None, direction: Direction::Forward }],
            tala: Some(TalaSetting::plain(TalaId(id(3)))),
            texts: vec![text(50, Script::Latin, &sections)],
            notations: Vec::new(),
            sections,
        }],
        rights: Some(RightsId(id(4))),
        sources: vec![SourceNote { source: None, note: "general knowledge".into() }],
        external_ids: Vec::new(),
        title_only: false,
        exceptions: Vec::new(),
        meanings: Vec::new(),
    }
}

/// A primary text with two lines for each of `sections` and their children.
pub fn text(number: u128, script: Script, sections: &[Section]) -> LyricText {
    let all = sections.iter().flat_map(|section| std::iter::once(section).chain(&section.children));
    let lines = |section: &Section| LyricSection {
        section: section.id,
        lines: vec!["first line".into(), "second line".into()],
    };
    LyricText {
        id: id(number),
        languages: vec![Language::Sa],
        script,
        scheme: None,
        rendering: Default::default(),
        is_primary: true,
        label: None,
        source: None,
        rights: None,
        sections: all.map(lines).collect(),
    }
}
