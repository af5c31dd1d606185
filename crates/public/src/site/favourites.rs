//! `/favourites`: songs that a reader keeps, and setlists for a concert.
//!
//! What is kept stays in the browser; the server never learns it. A list that is to be shown to somebody is an
//! address with the songs in it, and that address is a page like any other.

use super::address::Address;
use super::answer::{HTML, dressed};
use super::face::Face;
use super::layout::Page;
use super::{shown, songs};
use crate::answer::{Question, read};
use crate::error::store_problem;
use crate::state::{Keep, State};
use crate::view::CompositionItem;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use maud::html;
use serde::Deserialize;
use serde_json::json;
use store::Read;
use web::{IfNoneMatch, Problem, Query, SurrogateKeys};

/// Songs of one list.
const SONGS_MAX: usize = 60;
/// Graphemes of its title.
const TITLE_GRAPHEMES_MAX: usize = 80;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    script: Option<String>,
    lang: Option<String>,
    /// Slugs with commas between them, in order.
    songs: Option<String>,
    /// What the list is called.
    title: Option<String>,
}

pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let face = shown::face(asked.script.as_deref(), asked.lang.as_deref())?;
    let slugs = slugs(asked.songs.as_deref())?;
    let title =
        asked.title.as_deref().map(|title| lipi::truncate_graphemes(title.trim(), TITLE_GRAPHEMES_MAX));
    let about = format!("{face}&{slugs:?}&{title:?}");
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "page:favourites", about };
    let answer = question
        .answer(|| async {
            let read = read(&state).await?;
            let listed = listed(&read, &slugs, face).await?;
            let page = page(&slugs, title.filter(|title| !title.is_empty()), &listed, face);
            Ok(page.made(&state, &SurrogateKeys::default().list(EntityKind::Composition), &read))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

fn slugs(text: Option<&str>) -> Result<Vec<&str>, Problem> {
    let slugs: Vec<&str> = text.unwrap_or_default().split(',').filter(|slug| !slug.is_empty()).collect();
    if slugs.len() > SONGS_MAX {
        return Err(Problem::field("/songs", "too_many", "A list has at most 60 songs."));
    }
    Ok(slugs)
}

/// The songs that are live, in the order of the list. What was withdrawn is left out.
async fn listed(read: &Read, slugs: &[&str], face: Face) -> Result<Vec<CompositionItem>, Problem> {
    let mut ids = Vec::new();
    for slug in slugs.iter().filter(|slug| !slug.contains('\0')) {
        let found = read.resolve(EntityKind::Composition, slug).await.map_err(store_problem)?;
        ids.extend(found.map(|found| found.id));
    }
    let rows = read.composition_rows(&ids).await.map_err(store_problem)?;
    Ok(rows.iter().map(|row| CompositionItem::of(row, Some(face.script))).collect())
}

fn page(slugs: &[&str], title: Option<&str>, listed: &[CompositionItem], face: Face) -> Page {
    let heading = title.unwrap_or_else(|| face.say("My songs"));
    let address = Address::new("/favourites")
        .with_some("songs", (!slugs.is_empty()).then(|| slugs.join(",")))
        .with_some("title", title);
    let main = html! {
        article.favourites data-slugs=(slugs.join(",")) data-words=(words(face)) {
            header.title { h1 { (heading) } }
            @if slugs.is_empty() {
                p.lead { (face.say("Songs that you keep stay in this browser. Nobody else sees them, unless you send the link of a list.")) }
                noscript { p { (face.say("Keeping songs needs scripts; a list that somebody sends you does not.")) } }
            } @else if listed.is_empty() {
                p { (face.say("None of these songs is in the catalogue.")) }
            } @else {
                ol.songs { @for song in listed { li { (songs::item(song, None, face)) } } }
            }
            div.mine {}
        }
    };
    let mut page = Page::new(heading, address, face, main);
    page.indexed = false;
    page
}

/// Words for what the browser draws from its own store.
fn words(face: Face) -> serde_json::Value {
    json!({
        "kept": face.say("Songs that you keep"),
        "none": face.say("You keep no song yet. On the page of a song, press “Keep this song”."),
        "lists": face.say("Setlists"),
        "name": face.say("Name of the setlist"),
        "make": face.say("Make a setlist of these songs"),
        "open": face.say("Open, or send this link"),
        "remove": face.say("Remove"),
        "up": face.say("Move up"),
        "keep_all": face.say("Keep these songs"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_bounded() {
        assert_eq!(slugs(Some("a,,b")).unwrap(), ["a", "b"]);
        assert!(slugs(None).unwrap().is_empty());
        let many = "a,".repeat(61);
        assert_eq!(slugs(Some(&many)).unwrap_err().errors()[0].field, "/songs");
    }
}
