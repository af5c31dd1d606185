//! `/about` and `/data-licence`: what this is, and what may be done with it.

use super::address::Address;
use super::answer::{HTML, constant};
use super::layout::Page;
use super::shown::Shown;
use crate::state::State;
use axum::extract::State as Shared;
use axum::response::Response;
use maud::{Markup, html};
use web::{IfNoneMatch, Problem, Query};

pub(super) async fn about(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Shown>,
) -> Result<Response, Problem> {
    answer(&state, &have, &asked, "About", "/about", about_text())
}

pub(super) async fn licence(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Shown>,
) -> Result<Response, Problem> {
    answer(&state, &have, &asked, "Data and rights", "/data-licence", licence_text())
}

fn answer(
    state: &State,
    have: &IfNoneMatch,
    asked: &Shown,
    title: &str,
    path: &str,
    text: Markup,
) -> Result<Response, Problem> {
    let main = html! { article.prose { h1 { (title) } (text) } };
    let mut page = Page::new(title, Address::new(path), asked.script()?, main);
    page.description = format!("{title}: a compendium of the songs of Carnatic music.");
    Ok(constant(page.html(&state.config.site_url).into(), have, HTML))
}

fn about_text() -> Markup {
    html! {
        p.lead { "Sangraha means a collection. It gathers the songs of Carnatic music: their words, ragas, talas, composers, "
            "and the deities and temples that they sing of." }
        h2 { "What you find here" }
        p { "A song stands on one page, by section, with the passages of faster tempo inside the section that they belong to. "
            "A ragamalika shows its ragas in the order in which they are sung. Where a song is handed down in several ways, "
            "each is kept beside the others." }
        p { "Names and words are shown in six scripts. Change the script at the top of any page and you stay at the same place." }
        h2 { "How to search" }
        p { "Type what you remember: the first words, a raga, a composer, in any script and in any spelling. "
            "Long and short vowels, " i { "th" } " and " i { "t" } ", " i { "sh" } " and " i { "s" } " need not be told apart." }
        h2 { "How sure we are" }
        p { "Every record says where it comes from and which revision it is. A composer who is disputed or doubtful is marked so. "
            "What a program transliterated says so. What is not known is left out." }
        h2 { "For programs" }
        p { "Everything on these pages is served as data by the same reads: see the " a href="/docs" { "API" } "." }
    }
}

fn licence_text() -> Markup {
    html! {
        p.lead { "Facts are free. Words belong to those who made them, until they belong to everybody." }
        h2 { "Words of songs" }
        p { "The words shown here are those of works in the public domain, in a transcription of our own, or shown with the "
            "permission that the page of the song names. Every song states its rights." }
        h2 { "Scales, talas and names" }
        p { "The melakartas are computed from their formula. Other ragas, talas, composers, deities and temples are recorded as facts, "
            "each with a note of its source, in our own wording." }
        h2 { "If something should not be here" }
        p { "A text that is shown without right is withdrawn at once: from these pages, from the search, from every copy that we serve, "
            "and from what is exported after that. A record of the withdrawal is kept without the text." }
        h2 { "How to cite" }
        p { "Name the song, the site, the address of the page and the revision that the page shows." }
    }
}
