//! `/about`, `/data-licence` and `/takedown`: what this is, what may be done with it, and how to have something
//! taken out. These texts are in English, and say so to whoever reads them aloud.

use super::address::Address;
use super::answer::{HTML, constant};
use super::face::{Face, msg};
use super::layout::Page;
use super::shown::Shown;
use crate::state::State;
use axum::extract::State as Shared;
use axum::response::Response;
use maud::{Markup, html};
use web::{IfNoneMatch, Problem, Query};

/// A text about the site.
struct Text {
    title: &'static str,
    path: &'static str,
    body: fn(Face) -> Markup,
}

const ABOUT: Text = Text { title: msg("About"), path: "/about", body: about_text };
const LICENCE: Text = Text { title: msg("Data and rights"), path: "/data-licence", body: licence_text };
const TAKEDOWN: Text = Text { title: msg("Takedown"), path: "/takedown", body: takedown_text };

pub(super) async fn about(
    state: Shared<State>,
    have: IfNoneMatch,
    asked: Query<Shown>,
) -> Result<Response, Problem> {
    ABOUT.answer(&state, &have, &asked.0)
}

pub(super) async fn licence(
    state: Shared<State>,
    have: IfNoneMatch,
    asked: Query<Shown>,
) -> Result<Response, Problem> {
    LICENCE.answer(&state, &have, &asked.0)
}

pub(super) async fn takedown(
    state: Shared<State>,
    have: IfNoneMatch,
    asked: Query<Shown>,
) -> Result<Response, Problem> {
    TAKEDOWN.answer(&state, &have, &asked.0)
}

impl Text {
    fn answer(&self, state: &State, have: &IfNoneMatch, asked: &Shown) -> Result<Response, Problem> {
        let face = asked.face()?;
        let title = face.say(self.title);
        let main = html! { article.prose { h1 { (title) } div lang="en" { ((self.body)(face)) } } };
        let mut page = Page::new(title, Address::new(self.path), face, main);
        page.description = format!("{title} — {}", face.say("a compendium of Carnatic music"));
        Ok(constant(page.html(&state.config.site_url).into(), have, HTML))
    }
}

fn about_text(_: Face) -> Markup {
    html! {
        p.lead { "Sangraha means a collection. It gathers the songs of Carnatic music: their words, ragas, talas, composers, "
            "and the deities and temples that they sing of." }
        h2 { "What you find here" }
        p { "A song stands on one page, by section, with the passages of faster tempo inside the section that they belong to. "
            "A ragamalika shows its ragas in the order in which they are sung. Where a song is handed down in several ways, "
            "each is kept beside the others, and any two can be read side by side." }
        p { "Names and words are shown in six scripts. Change the script at the top of any page and you stay at the same line; "
            "or set two scripts beside each other. The words around the songs are there in six languages." }
        h2 { "How to search" }
        p { "Type what you remember: the first words, a raga, a composer, in any script and in any spelling. "
            "Long and short vowels, " i { "th" } " and " i { "t" } ", " i { "sh" } " and " i { "s" } " need not be told apart." }
        h2 { "How sure we are" }
        p { "Every record says where it comes from and which revision it is. A composer who is disputed or doubtful is marked so. "
            "What a program transliterated says so. What is not known is left out. If you know better, every song has a form "
            "to report an error at the line where it stands." }
        h2 { "What stays with you" }
        p { "There are no accounts, no cookies and no measurements of readers. Songs that you keep stay in your browser." }
        h2 { "For programs" }
        p { "Everything on these pages is served as data by the same reads: see the " a href="/docs" { "API" } "." }
        h2 { "Letters" }
        p { "The type is Noto Serif and Noto Sans of the Noto project, under the SIL Open Font License." }
    }
}

fn licence_text(face: Face) -> Markup {
    html! {
        p.lead { "Facts are free. Words belong to those who made them, until they belong to everybody." }
        h2 { "Words of songs" }
        p { "The words shown here are those of works in the public domain, in a transcription of our own, or shown with the "
            "permission that the page of the song names. Every song states its rights." }
        h2 { "Scales, talas and names" }
        p { "The melakartas are computed from their formula. Other ragas, talas, composers, deities and temples are recorded as facts, "
            "each with a note of its source, in our own wording." }
        h2 { "Maps and drawings" }
        p { "Maps, scales and talas are drawn from our own figures. No map service is asked." }
        h2 { "If something should not be here" }
        p { "See " a href=(Address::new("/takedown").href(face)) { "how a text is taken out" } "." }
        h2 { "How to cite" }
        p { "Name the song, the site, the address of the page and the revision that the page shows; every song offers the sentence." }
    }
}

fn takedown_text(_: Face) -> Markup {
    html! {
        p.lead { "A text that is shown without right is taken out at once, and asked about afterwards." }
        h2 { "How to ask" }
        p { "Open the page of the song, choose " i { "Report an error" } ", and say which words are yours, or whose they are, "
            "and where we can reach you. An editor reads it; nothing of it is shown on the site." }
        h2 { "What happens" }
        ol.steps {
            li { "The text leaves these pages, the search, the data for programs and every copy that we serve, in both regions, within "
                "seconds of the editor's decision." }
            li { "What is exported after that does not have it." }
            li { "The facts of the song – its name, raga, tala and composer – stay, since facts belong to nobody." }
            li { "A record of the withdrawal is kept without the text: who decided it, when, and why." }
            li { "If it turns out that the text may be shown, an editor puts it back." }
        }
        h2 { "Persons" }
        p { "If you are named here and what is said of you is wrong, the same form brings it to an editor." }
    }
}
