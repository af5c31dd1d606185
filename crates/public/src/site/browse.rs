//! `/browse/{type}`: A to Z in the letters and the order of each script.

use super::address::Address;
use super::answer::{HTML, dressed};
use super::face::Face;
use super::language;
use super::layout::Page;
use super::shown::face;
use super::spoken::Spoken;
use super::{songs, words};
use crate::answer::{Question, read};
use crate::browse::{Index, Parameters};
use crate::paging::Paging;
use crate::state::{Keep, State};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use maud::{Markup, html};
use web::page::LIMIT_MAX;
use web::{IfNoneMatch, Path, Problem, SurrogateKeys};

pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(kind): Path<String>,
    Spoken { tongue, asked }: Spoken<Parameters>,
) -> Result<Response, Problem> {
    let kind = EntityKind::ALL
        .into_iter()
        .find(|known| known.plural() == kind)
        .filter(|kind| songs::has_pages(*kind));
    let kind = kind.ok_or_else(Problem::not_found)?;
    let face = face(asked.script.as_deref(), Some(tongue.code()))?;
    let list = (kind, face.to_string(), &asked.letter);
    let paging = Paging::<store::Cursor>::of(&list, Some(LIMIT_MAX), asked.cursor.as_deref())?;
    let about = paging.about.clone();
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "page:browse", about };
    let answer = question
        .answer(|| async {
            let read = read(&state).await?;
            let letter = asked.letter.as_deref();
            let index = Index::of(&read, kind, face.script, letter, &paging).await?;
            let page = page(&index, kind, letter, face);
            Ok(page.made(&state, &SurrogateKeys::default().list(kind), &read))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

fn page(index: &Index, kind: EntityKind, letter: Option<&str>, face: Face) -> Page {
    let address = Address::new(format!("/browse/{}", kind.plural())).with_some("letter", letter);
    let title = format!("{}, {}", face.say(words::kinds(kind)), face.say("A to Z"));
    let main = html! {
        h1 { (title) }
        (letters(kind, index.letters.iter().map(|letter| letter.letter.as_str()), letter, face))
        @if letter.is_none() { (counts(index, kind, face)) }
        ul.names {
            @for item in &index.items {
                li {
                    a href=(Address::entity(kind, &item.slug).href(face))
                        lang=(language::of_names(lipi::script_of(&item.label))) { (item.label) }
                }
            }
        }
        (songs::next(&address, index.next_cursor.as_deref(), face))
    };
    let title = match letter {
        Some(letter) => format!("{}: {letter}", face.say(words::kinds(kind))),
        None => title,
    };
    let mut page = Page::new(title, address, face, main);
    page.description =
        format!("{} — {}", face.say(words::kinds(kind)), face.say("by first letter, in six scripts"));
    // Letters are those of one script, so the page of a letter exists in that script alone.
    page.indexed = letter.is_none();
    page.api = Some(format!("/v1/browse/{}", kind.plural()));
    page
}

/// The letters of a script, each leading to what is filed under it.
pub(super) fn letters<'a>(
    kind: EntityKind,
    letters: impl Iterator<Item = &'a str>,
    current: Option<&str>,
    face: Face,
) -> Markup {
    let address = Address::new(format!("/browse/{}", kind.plural()));
    html! {
        nav.letters aria-label=(face.say("Letters")) {
            ul lang=(language::of_names(face.script)) {
                @for letter in letters {
                    @let here = (Some(letter) == current).then_some("page");
                    li { a href=(address.clone().with("letter", letter).href(face)) aria-current=[here] { (letter) } }
                }
            }
        }
    }
}

fn counts(index: &Index, kind: EntityKind, face: Face) -> Markup {
    let total: u64 = index.letters.iter().map(|letter| letter.count).sum();
    html! {
        p.lead { (face.say(words::kinds(kind))) ": " (total) " · " (face.say("Letters")) ": " (index.letters.len()) }
    }
}
