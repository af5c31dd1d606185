//! The form by which a reader reports an error, at the line where it is.
//!
//! It is sent as a form where there are no scripts, and as JSON to the API where there are; both are writes, which an
//! edge brings to the region that can write.

use super::face::Face;
use super::lyrics::{Place, Sheet};
use super::words;
use crate::view::CompositionDetail;
use maud::{Markup, html};

/// Graphemes of a line that stand in the list of places.
const LINE_GRAPHEMES_MAX: usize = 36;
/// As the API limits them.
const TEXT_CHARS_MAX: u32 = 2_000;
const CONTACT_CHARS_MAX: u32 = 200;

pub(super) fn form(song: &CompositionDetail, sheet: &Sheet<'_>, face: Face) -> Markup {
    let page = format!("compositions/{}", song.slug);
    html! {
        details.report #report {
            summary { (face.say("Report an error")) }
            form action="/reports" method="post" data-report {
                p { label {
                    (face.say("Where is it?"))
                    select name="anchor" {
                        option value=(page) { (face.say("The page as a whole")) }
                        @for place in sheet.places() { (choice(&page, &place, sheet, face)) }
                    }
                } }
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

fn choice(page: &str, place: &Place<'_>, sheet: &Sheet<'_>, face: Face) -> Markup {
    let section = words::section(place.section, face);
    html! {
        option value={ (page) "#" (place.anchor) } lang=[place.line.map(|_| sheet.lang(place.section))] {
            @match place.line {
                Some(line) => { "– " (shortened(line)) }
                None => { (section) }
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
        let cut = shortened(&line);
        assert_eq!(cut, format!("{}…", "ஶ்ரீ".repeat(36)));
        assert_eq!(shortened("short"), "short");
    }
}
