//! The swaras of a song: a row for each avartanam, a cell for each unit, the words beneath.

use super::face::Face;
use super::{language, words};
use crate::view::Labels;
use crate::view::notation::{AngaOfRow, Avartanam, Notated, NotatedSection, NoteShown, versions};
use crate::view::text::Wanted;
use domain::composition::{Composition, Section};
use domain::name::Language;
use maud::{Markup, html};
use store::Live;
use uuid::Uuid;

/// The notations of `song` in the script of `face`; nothing where it has none.
pub(super) fn block(live: &Live, song: &Composition, face: Face) -> Markup {
    let labels = Labels { known: &live.labels, script: Some(face.script) };
    let wanted = Wanted { script: face.script, scheme: None };
    let sections: Vec<&Section> = song.versions.iter().flat_map(|version| &version.sections).collect();
    let language = song.languages.first().copied();
    html! {
        @for version in versions(song, None, Some(wanted), labels) {
            @for notation in &version.notations { (drawn(notation, &sections, language, face)) }
        }
    }
}

fn drawn(notation: &Notated, sections: &[&Section], language: Option<Language>, face: Face) -> Markup {
    let anchor = format!("swaras-{}", notation.id.simple());
    let lang = language::tag(language, notation.script);
    html! {
        section.notation aria-labelledby=(anchor) {
            h2 id=(anchor) { (notation.label.as_deref().unwrap_or(face.say("Swaras"))) }
            @for section in &notation.sections { (section_drawn(section, &named(section.section, sections, face), &anchor, &lang, face)) }
            p.fine { (face.say("Dots above and below a letter are octaves; a comma prolongs, a dash is silence.")) }
            @if let Some(note) = &notation.note { p.fine { (note) } }
            @if notation.machine_made {
                p.fine.made { (face.say("These letters were made from another script by a program.")) }
            }
        }
    }
}

fn section_drawn(section: &NotatedSection, name: &str, anchor: &str, lang: &str, face: Face) -> Markup {
    let id = format!("{anchor}-{}", section.section.simple());
    html! {
        h3 id=(id) { (name) @if let Some(speed) = speed(section, face) { " " span.speed { (speed) } } }
        // A row may be wider than a small screen: the block scrolls, by keyboard too.
        div.swara-rows role="group" tabindex="0" aria-labelledby=(id) lang=(lang) {
            ol { @for row in &section.rows { (row_drawn(row)) } }
        }
    }
}

fn named(id: Uuid, tree: &[&Section], face: Face) -> String {
    let found = tree.iter().find_map(|section| within(section, id));
    found.map_or_else(String::new, |section| words::section(section, face))
}

fn within(section: &Section, id: Uuid) -> Option<&Section> {
    if section.id == id {
        return Some(section);
    }
    section.children.iter().find_map(|child| within(child, id))
}

/// The speed, where it is one for the whole section and not the first.
fn speed(section: &NotatedSection, face: Face) -> Option<String> {
    let first = section.rows.first()?.speed?;
    let all = section.rows.iter().all(|row| row.speed == Some(first));
    (all && first > 1).then(|| face.fill("Speed {n}", first))
}

fn row_drawn(row: &Avartanam) -> Markup {
    let has_words = row.angas.iter().flat_map(|anga| &anga.notes).any(|note| note.syllable.is_some());
    html! {
        li.avartanam-row .worded[has_words] value=(row.avartanam) {
            @for anga in &row.angas { (anga_drawn(anga, row.units_per_beat)) }
        }
    }
}

fn anga_drawn(anga: &AngaOfRow, units_per_beat: u8) -> Markup {
    let mut at = 0_u32;
    html! {
        span.anga {
            @for (index, note) in anga.notes.iter().enumerate() {
                @let has_room = has_room(note, anga.notes.get(index + 1));
                @for unit in 0..note.length {
                    @let is_beat = units_per_beat > 1 && at.is_multiple_of(u32::from(units_per_beat));
                    span.u .beat[is_beat] .room[has_room && unit == 0] { (unit_drawn(note, unit)) }
                    ({ at += 1; "" })
                }
            }
        }
        " "
    }
}

/// Whether the syllable of a note may run on under the next unit, so that all cells can be equally wide.
fn has_room(note: &NoteShown, next: Option<&NoteShown>) -> bool {
    let is_free = note.length > 1 || next.is_some_and(|next| next.syllable.is_none());
    note.syllable.is_some() && is_free
}

/// The first unit of a note has its letter and syllable; the others show that it goes on.
fn unit_drawn(note: &NoteShown, unit: u16) -> Markup {
    let letter = note.letter.as_deref().filter(|_| unit == 0);
    html! {
        @match letter {
            Some(letter) => b { (letter) (octave(note.octave)) },
            None if note.swara.is_some() || note.held => b { "," },
            None => b { "–" },
        }
        @if let Some(syllable) = note.syllable.as_deref().filter(|_| unit == 0) { i { (syllable) } }
    }
}

/// Dots that styles put above or below the letter.
fn octave(octave: i8) -> Markup {
    let dots = "•".repeat(usize::from(octave.unsigned_abs()));
    html! {
        @if octave > 0 { sup { (dots) } } @else if octave < 0 { sub { (dots) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::music::Swara;

    fn note(octave: i8, length: u16) -> NoteShown {
        NoteShown {
            swara: Some(Swara::R1),
            letter: Some("R".to_owned()),
            octave,
            length,
            held: false,
            syllable: Some("śrī".to_owned()),
        }
    }

    #[test]
    fn a_long_note_is_a_letter_and_commas_over_its_syllable() {
        let anga = AngaOfRow { beats: 2, notes: vec![note(1, 2)] };
        let drawn = anga_drawn(&anga, 1).into_string();
        assert_eq!(
            drawn,
            "<span class=\"anga\"><span class=\"u room\"><b>R<sup>•</sup></b><i>śrī</i></span>\
            <span class=\"u\"><b>,</b></span></span> "
        );
    }

    #[test]
    fn a_syllable_runs_on_where_nothing_stands_in_its_way() {
        let silent = NoteShown { syllable: None, ..note(0, 1) };
        assert!(has_room(&note(0, 2), None) && has_room(&note(0, 1), Some(&silent)));
        assert!(!has_room(&note(0, 1), Some(&note(0, 1))) && !has_room(&note(0, 1), None));
        assert!(!has_room(&silent, Some(&silent)));
    }

    #[test]
    fn octaves_are_dots_above_and_below() {
        assert_eq!(octave(0).into_string(), "");
        assert_eq!(octave(-2).into_string(), "<sub>••</sub>");
    }

    #[test]
    fn silence_is_a_dash() {
        let rest = NoteShown { swara: None, letter: None, syllable: None, ..note(0, 1) };
        assert_eq!(unit_drawn(&rest, 0).into_string(), "<b>–</b>");
    }
}
