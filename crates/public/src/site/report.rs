//! The form by which a reader reports an error, at the line where it is.
//!
//! It is sent as a form where there are no scripts, and as JSON where there are. Either is a write, which every edge
//! brings to the region that can write; this box only draws the form.

use super::face::Face;
use super::lyrics::Sheet;
use super::words;
use crate::view::CompositionDetail;
use domain::composition::Section;
use maud::{Markup, html};

/// Graphemes of the first line of a section that stand in the list of places.
const LINE_GRAPHEMES_MAX: usize = 28;
/// Lines of a section, at most.
const LINES_MAX: u32 = 999;
/// As the API limits them.
const TEXT_CHARS_MAX: u32 = 2_000;
const CONTACT_CHARS_MAX: u32 = 200;

pub(super) fn form(song: &CompositionDetail, sheet: &Sheet<'_>, face: Face) -> Markup {
    html! {
        details.report #report {
            summary { (face.say("Report an error")) }
            form action="/v1/reports" method="post" data-report {
                input type="hidden" name="ref" value=(song.slug);
                (place(sheet, face))
                p { label {
                    (face.say("What should it be?"))
                    textarea name="text" rows="4" maxlength=(TEXT_CHARS_MAX) required {}
                } }
                p { label {
                    (face.say("Where can we reach you? (may stay empty)"))
                    input type="text" name="contact" maxlength=(CONTACT_CHARS_MAX) autocomplete="email";
                } }
                p.fine { (face.say("An editor reads it. What you write is not shown on the site.")) }
                button type="submit" { (face.say("Send")) }
                p.outcome role="status" data-sent=(face.say("Thank you. An editor will look at it."))
                    data-failed=(face.say("It could not be sent just now. Please try again later.")) {}
            }
        }
    }
}

/// A section, and the number of a line in it.
fn place(sheet: &Sheet<'_>, face: Face) -> Markup {
    html! {
        p.where {
            label {
                (face.say("Where is it?"))
                select name="section" {
                    option value="" { (face.say("The page as a whole")) }
                    @for section in sheet.all_sections() { (choice(section, sheet, face)) }
                }
            }
            label {
                (face.say("Line (may stay empty)"))
                input type="number" name="line" min="1" max=(LINES_MAX) inputmode="numeric";
            }
        }
    }
}

fn choice(section: &Section, sheet: &Sheet<'_>, face: Face) -> Markup {
    let name = words::section(section, face);
    html! {
        option value=(section.id) {
            @match sheet.lines(section.id).first() {
                Some(line) => { (name) " – " (shortened(line)) }
                None => { (name) }
            }
        }
    }
}

/// The beginning of a line, never cut inside an akshara.
fn shortened(line: &str) -> String {
    match lipi::truncate_graphemes(line, LINE_GRAPHEMES_MAX) {
        whole if whole.len() == line.len() => whole.to_owned(),
        cut => format!("{}…", cut.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_between_aksharas() {
        let line = "ஶ்ரீ".repeat(40);
        assert_eq!(shortened(&line), format!("{}…", "ஶ்ரீ".repeat(LINE_GRAPHEMES_MAX)));
        assert_eq!(shortened("short"), "short");
    }
}
