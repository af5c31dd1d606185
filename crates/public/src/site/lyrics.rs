//! The words of a song by section. Sections and lines have the same anchors in every script, so that changing
//! the script keeps the place.

use super::face::Face;
use super::{language, words};
use crate::view::CompositionDetail;
use crate::view::composition::{OtherVersion, RagaAt};
use crate::view::text::Text;
use domain::composition::{Direction, Section};
use domain::name::Language;
use maud::{Markup, html};
use uuid::Uuid;

/// What is drawn: one version in one script.
#[derive(Clone)]
pub(super) struct Sheet<'a> {
    sections: &'a [Section],
    text: Option<&'a Text>,
    ragas: &'a [RagaAt],
    is_ragamalika: bool,
    language: Option<Language>,
    face: Face,
    /// Before each anchor; tells the versions of a page apart.
    prefix: String,
}

impl<'a> Sheet<'a> {
    /// The shown version.
    pub fn of(song: &'a CompositionDetail, face: Face) -> Self {
        Self {
            sections: &song.sections,
            text: song.texts.first(),
            ragas: &song.ragas,
            is_ragamalika: song.is_ragamalika,
            language: song.languages.first().copied(),
            face,
            prefix: "s".to_owned(),
        }
    }

    /// Another version, the `number`th.
    pub fn of_version(
        song: &'a CompositionDetail,
        version: &'a OtherVersion,
        number: usize,
        face: Face,
    ) -> Self {
        Self {
            sections: &version.sections,
            text: version.texts.first(),
            ragas: &version.ragas,
            prefix: format!("v{number}s"),
            ..Self::of(song, face)
        }
    }

    /// Every section, each before what is nested in it.
    pub fn all_sections(&self) -> Vec<&'a Section> {
        let mut all = Vec::new();
        let mut waiting: Vec<&Section> = self.sections.iter().rev().collect();
        while let Some(section) = waiting.pop() {
            all.push(section);
            waiting.extend(section.children.iter().rev());
        }
        all
    }

    /// The lines of a section; none where it has no words.
    pub fn lines(&self, section: Uuid) -> &'a [String] {
        let sections = self.text.map(|text| text.sections.as_slice()).unwrap_or_default();
        sections.iter().find(|of| of.section == section).map(|of| of.lines.as_slice()).unwrap_or_default()
    }

    fn lang(&self, section: &Section) -> String {
        let language = section.languages.first().copied().or(self.language);
        language::tag(language, self.text.map_or(self.face.script, |text| text.script))
    }
}

/// The words; with `beside`, the same lines in another script in a second column.
pub(super) fn draw(sheet: &Sheet<'_>, beside: Option<&Sheet<'_>>) -> Markup {
    html! {
        div.lyrics {
            @if sheet.text.is_none() {
                p.fine { (sheet.face.say("The words of this song are not in the catalogue yet.")) }
            }
            @for (index, section) in sheet.sections.iter().enumerate() {
                (section_drawn(sheet, beside, section, &format!("{}{}", sheet.prefix, index + 1), 2))
            }
            @if let Some(text) = sheet.text && text.machine_made {
                p.fine.made { (sheet.face.say("These letters were made from another script by a program.")) }
            }
        }
    }
}

/// A section and what is nested in it. `level` is that of its heading.
fn section_drawn(
    sheet: &Sheet<'_>,
    beside: Option<&Sheet<'_>>,
    section: &Section,
    anchor: &str,
    level: u8,
) -> Markup {
    html! {
        section id=(anchor) .section .nested[level > 2] data-section=(section.id) aria-labelledby={ (anchor) "-h" } {
            (heading(&words::section(section, sheet.face), &format!("{anchor}-h"), level))
            @if sheet.is_ragamalika { (ragas_of(sheet, section)) }
            @if let Some(kala) = words::kala(section) { p.kala { (sheet.face.say(kala)) } }
            (lines_drawn(sheet, beside, section, anchor))
            @if let Some(note) = &section.note { p.fine { (note) } }
            @for (index, child) in section.children.iter().enumerate() {
                (section_drawn(sheet, beside, child, &format!("{anchor}-{}", index + 1), level + 1))
            }
        }
    }
}

fn lines_drawn(sheet: &Sheet<'_>, beside: Option<&Sheet<'_>>, section: &Section, anchor: &str) -> Markup {
    let lines = sheet.lines(section.id);
    let second = beside.map(|beside| (beside.lang(section), beside.lines(section.id)));
    html! {
        @if !lines.is_empty() {
            div.lines.pair[second.is_some()] lang=(sheet.lang(section)) {
                @for (index, line) in lines.iter().enumerate() {
                    p.line id={ (anchor) "-l" (index + 1) } { (line) }
                    @if let Some((lang, lines)) = &second {
                        p.line.second lang=(lang) { (lines.get(index).map_or("", String::as_str)) }
                    }
                }
            }
        }
    }
}

fn heading(text: &str, id: &str, level: u8) -> Markup {
    match level {
        0..=2 => html! { h2 id=(id) { (text) } },
        3 => html! { h3 id=(id) { (text) } },
        _ => html! { h4 id=(id) { (text) } },
    }
}

/// In a ragamalika: the ragas of this section, in order.
fn ragas_of(sheet: &Sheet<'_>, section: &Section) -> Markup {
    let entries: Vec<&RagaAt> =
        sheet.ragas.iter().filter(|entry| entry.section == Some(section.id)).collect();
    html! {
        @if !entries.is_empty() {
            p.section-ragas {
                @for (index, entry) in entries.iter().enumerate() {
                    @if index > 0 { ", " }
                    (language::name(&entry.raga.label))
                    @if entry.direction == Direction::Viloma { " (" (sheet.face.say("viloma")) ")" }
                }
            }
        }
    }
}
