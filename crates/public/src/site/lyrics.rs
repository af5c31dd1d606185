//! The words of a song by section. Sections and lines have the same anchors in every script, so that changing
//! the script keeps the place.

use super::{language, words};
use crate::view::CompositionDetail;
use crate::view::composition::{OtherVersion, RagaAt};
use crate::view::text::Text;
use domain::composition::{Direction, Section};
use domain::name::Language;
use lipi::Script;
use maud::{Markup, html};
use uuid::Uuid;

/// What is drawn: one version in one script.
pub(super) struct Sheet<'a> {
    sections: &'a [Section],
    text: Option<&'a Text>,
    ragas: &'a [RagaAt],
    is_ragamalika: bool,
    language: Option<Language>,
    script: Script,
    /// Before each anchor; tells the versions of a page apart.
    prefix: String,
}

impl<'a> Sheet<'a> {
    /// The shown version.
    pub fn of(song: &'a CompositionDetail, script: Script) -> Self {
        Self {
            sections: &song.sections,
            text: song.texts.first(),
            ragas: &song.ragas,
            is_ragamalika: song.is_ragamalika,
            language: song.languages.first().copied(),
            script,
            prefix: "s".to_owned(),
        }
    }

    /// Another version, the `number`th.
    pub fn of_version(
        song: &'a CompositionDetail,
        version: &'a OtherVersion,
        number: usize,
        script: Script,
    ) -> Self {
        Self {
            sections: &version.sections,
            text: version.texts.first(),
            ragas: &version.ragas,
            prefix: format!("v{number}s"),
            ..Self::of(song, script)
        }
    }

    fn lines(&self, section: Uuid) -> &'a [String] {
        let sections = self.text.map(|text| text.sections.as_slice()).unwrap_or_default();
        sections.iter().find(|of| of.section == section).map(|of| of.lines.as_slice()).unwrap_or_default()
    }

    fn lang(&self, section: &Section) -> String {
        let language = section.languages.first().copied().or(self.language);
        language::tag(language, self.text.map_or(self.script, |text| text.script))
    }
}

pub(super) fn draw(sheet: &Sheet<'_>) -> Markup {
    html! {
        div.lyrics {
            @if sheet.text.is_none() { p.fine { "The words of this song are not in the catalogue yet." } }
            @for (index, section) in sheet.sections.iter().enumerate() {
                (section_drawn(sheet, section, &format!("{}{}", sheet.prefix, index + 1), 2))
            }
            @if let Some(text) = sheet.text && text.machine_made {
                p.fine { "Transliterated into " (language::english_name(text.script)) " by a program." }
            }
        }
    }
}

/// A section and what is nested in it. `level` is that of its heading.
fn section_drawn(sheet: &Sheet<'_>, section: &Section, anchor: &str, level: u8) -> Markup {
    let lines = sheet.lines(section.id);
    html! {
        section id=(anchor) .section .nested[level > 2] aria-labelledby={ (anchor) "-h" } {
            (heading(&words::section(section), &format!("{anchor}-h"), level))
            @if sheet.is_ragamalika { (ragas_of(sheet, section)) }
            @if let Some(kala) = words::kala(section) { p.kala { (kala) } }
            @if !lines.is_empty() {
                div.lines lang=(sheet.lang(section)) {
                    @for (index, line) in lines.iter().enumerate() {
                        p.line id={ (anchor) "-l" (index + 1) } { (line) }
                    }
                }
            }
            @if let Some(note) = &section.note { p.fine { (note) } }
            @for (index, child) in section.children.iter().enumerate() {
                (section_drawn(sheet, child, &format!("{anchor}-{}", index + 1), level + 1))
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
                    @if entry.direction == Direction::Viloma { " (viloma)" }
                }
            }
        }
    }
}
