//! `/browse/{type}`: A to Z in the letters and the order of each script.

use super::address::Address;
use super::answer::{HTML, dressed};
use super::language;
use super::layout::Page;
use super::shown::site_script;
use super::{songs, words};
use crate::answer::{Question, read};
use crate::browse::{Index, Parameters};
use crate::paging::Paging;
use crate::state::{Keep, State};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use lipi::Script;
use maud::{Markup, html};
use web::page::LIMIT_MAX;
use web::{IfNoneMatch, Path, Problem, Query, SurrogateKeys};

pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(kind): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let kind = EntityKind::ALL
        .into_iter()
        .find(|known| known.plural() == kind)
        .filter(|kind| songs::has_pages(*kind));
    let kind = kind.ok_or_else(Problem::not_found)?;
    let script = site_script(asked.script.as_deref())?;
    let list = (kind, script, &asked.letter);
    let paging = Paging::<store::Cursor>::of(&list, Some(LIMIT_MAX), asked.cursor.as_deref())?;
    let about = paging.about.clone();
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "page:browse", about };
    let answer = question
        .answer(|| async {
            let read = read(&state).await?;
            let letter = asked.letter.as_deref();
            let index = Index::of(&read, kind, script, letter, &paging).await?;
            let page = page(&index, kind, letter, script);
            Ok(page.made(&state, &SurrogateKeys::default().list(kind), &read))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

fn page(index: &Index, kind: EntityKind, letter: Option<&str>, script: Script) -> Page {
    let address = Address::new(format!("/browse/{}", kind.plural())).with_some("letter", letter);
    let main = html! {
        h1 { (words::kinds(kind)) ", A to Z" }
        (letters(kind, index.letters.iter().map(|letter| letter.letter.as_str()), letter, script))
        @if letter.is_none() { (counts(index, kind, script)) }
        ul.names {
            @for item in &index.items {
                li {
                    a href=(Address::entity(kind, &item.slug).href(script))
                        lang=(language::of_names(lipi::script_of(&item.label))) { (item.label) }
                }
            }
        }
        (songs::next(&address, index.next_cursor.as_deref(), script))
    };
    let title = match letter {
        Some(letter) => format!("{}: {letter}", words::kinds(kind)),
        None => format!("{}, A to Z", words::kinds(kind)),
    };
    let mut page = Page::new(title, address, script, main);
    page.description =
        format!("{} of the catalogue by their first letter, in six scripts.", words::kinds(kind));
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
    script: Script,
) -> Markup {
    let address = Address::new(format!("/browse/{}", kind.plural()));
    html! {
        nav.letters aria-label="Letters" {
            ul lang=(language::of_names(script)) {
                @for letter in letters {
                    @let here = (Some(letter) == current).then_some("page");
                    li { a href=(address.clone().with("letter", letter).href(script)) aria-current=[here] { (letter) } }
                }
            }
        }
    }
}

fn counts(index: &Index, kind: EntityKind, script: Script) -> Markup {
    let total: u64 = index.letters.iter().map(|letter| letter.count).sum();
    html! {
        p.lead { (total) " " (words::kinds(kind).to_lowercase()) " under " (index.letters.len())
            " letters of the " (language::english_name(script)) " script." }
    }
}
