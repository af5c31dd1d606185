//! The list of each kind: everything of it, in the order of the script.

use super::address::Address;
use super::answer::{HTML, dressed};
use super::face::Face;
use super::layout::Page;
use super::shown::Shown;
use super::{browse, songs, words};
use crate::answer::{Question, read};
use crate::compositions::list::keys as song_keys;
use crate::error::store_problem;
use crate::state::{Keep, State};
use crate::view::{CompositionItem, EntityItem};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use maud::{Markup, html};
use store::{CompositionFilter, EntityFilter};
use web::{IfNoneMatch, Problem, Query, SurrogateKeys};

/// Lines of one page.
const ITEMS: u16 = 100;

/// Songs by title.
pub(super) async fn compositions(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Shown>,
) -> Result<Response, Problem> {
    let face = asked.face()?;
    let paging = asked.paging("songs", ITEMS)?;
    let about = paging.about.clone();
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "page:songs", about };
    let answer = question
        .answer(|| async {
            let read = read(&state).await?;
            let kind = EntityKind::Composition;
            let letters = read.letters(kind, face.script).await.map_err(store_problem)?;
            let found =
                read.compositions(&CompositionFilter::default(), paging.limit, paging.after.as_ref()).await;
            let found = found.map_err(store_problem)?;
            let items: Vec<CompositionItem> =
                found.items.iter().map(|row| CompositionItem::of(row, Some(face.script))).collect();
            let next = paging.cursor(found.next);
            let body = html! {
                (browse::letters(kind, letters.iter().map(|letter| letter.letter.as_str()), None, face))
                (songs::list(&items, face))
            };
            let page = page(kind, &asked, face, &body, next.as_deref());
            Ok(page.made(&state, &song_keys(), &read))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

/// The entities of one kind, each with the number of its songs.
async fn entities(
    state: &State,
    have: &IfNoneMatch,
    kind: EntityKind,
    class: &'static str,
    asked: &Shown,
) -> Result<Response, Problem> {
    let face = asked.face()?;
    let paging = asked.paging(kind, ITEMS)?;
    let question = Question { state, have, keep: Keep::List, class, about: paging.about.clone() };
    let answer = question
        .answer(|| async {
            let read = read(state).await?;
            let letters = read.letters(kind, face.script).await.map_err(store_problem)?;
            let filter = EntityFilter { script: Some(face.script), ..EntityFilter::default() };
            let found = read.entities(kind, &filter, paging.limit, paging.after.as_ref()).await;
            let found = found.map_err(store_problem)?;
            let items: Vec<EntityItem> =
                found.items.into_iter().map(|row| EntityItem::of(row, Some(face.script))).collect();
            let next = paging.cursor(found.next);
            let body = html! {
                (browse::letters(kind, letters.iter().map(|letter| letter.letter.as_str()), None, face))
                (names(&items, face))
            };
            let page = page(kind, asked, face, &body, next.as_deref());
            let keys = SurrogateKeys::default().list(kind).list(EntityKind::Composition);
            Ok(page.made(state, &keys, &read))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

/// Names in columns, each with the number of its songs.
fn names(items: &[EntityItem], face: Face) -> Markup {
    html! {
        ul.names {
            @for item in items {
                li {
                    @if let Some(number) = item.mela_number { span.number { (number) } " " }
                    (songs::link(&item.label, face))
                    @if item.compositions > 0 { " " span.count { (item.compositions) } }
                }
            }
        }
    }
}

fn page(kind: EntityKind, asked: &Shown, face: Face, body: &Markup, next: Option<&str>) -> Page {
    let address = Address::new(format!("/{}", kind.plural()));
    let title = face.say(words::kinds(kind));
    let main = html! {
        h1 { (title) }
        (body)
        (songs::next(&address, next, face))
    };
    let mut page = Page::new(title, address, face, main);
    page.description =
        format!("{title} — {}", face.say("everything in the catalogue, in alphabetical order"));
    page.api = Some(format!("/v1/{}", kind.plural()));
    page.indexed = asked.is_first();
    page
}

macro_rules! lists {
    ($($name:ident => $kind:ident;)*) => {$(
        pub(super) async fn $name(
            Shared(state): Shared<State>,
            have: IfNoneMatch,
            Query(asked): Query<Shown>,
        ) -> Result<Response, Problem> {
            entities(&state, &have, EntityKind::$kind, concat!("page:", stringify!($name)), &asked).await
        }
    )*};
}

lists! {
    ragas => Raga;
    talas => Tala;
    composers => Composer;
    deities => Deity;
    temples => Temple;
    places => Place;
    groups => Group;
    tags => Tag;
    sampradayas => Sampradaya;
}
