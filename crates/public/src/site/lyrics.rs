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

/// A place that a reader can point at.
pub(super) struct Place<'a> {
    pub anchor: String,
    pub section: &'a Section,
    /// None for the section as a whole.
    pub line: Option<&'a str>,
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

    /// Sections and lines from the top, with their anchors.
    pub fn places(&self) -> Vec<Place<'a>> {
        let mut places = Vec::new();
        for (index, section) in self.sections.iter().enumerate() {
            self.places_of(section, format!("{}{}", self.prefix, index + 1), &mut places);
        }
        places
    }

    fn places_of(&self, section: &'a Section, anchor: String, places: &mut Vec<Place<'a>>) {
        places.push(Place { anchor: anchor.clone(), section, line: None });
        for (index, line) in self.lines(section.id).iter().enumerate() {
            places.push(Place { anchor: line_anchor(&anchor, index), section, line: Some(line) });
        }
        for (index, child) in section.children.iter().enumerate() {
            self.places_of(child, format!("{anchor}-{}", index + 1), places);
        }
    }

    fn lines(&self, section: Uuid) -> &'a [String] {
        let sections = self.text.map(|text| text.sections.as_slice()).unwrap_or_default();
        sections.iter().find(|of| of.section == section).map(|of| of.lines.as_slice()).unwrap_or_default()
    }

    /// The tag of a line or name of `section`.
    pub fn lang(&self, section: &Section) -> String {
        let language = section.languages.first().copied().or(self.language);
        language::tag(language, self.text.map_or(self.face.script, |text| text.script))
    }
}

fn line_anchor(section: &str, index: usize) -> String {
    format!("{section}-l{}", index + 1)
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
        section id=(anchor) .section .nested[level > 2] aria-labelledby={ (anchor) "-h" } {
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
                    p.line id=(line_anchor(anchor, index)) { (line) }
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
