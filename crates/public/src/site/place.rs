//! `/places/{slug}`: where it is, its temples, and the composers who lived there.

use super::address::Address;
use super::answer::{HTML, Led, dressed, follow};
use super::face::Face;
use super::layout::Page;
use super::shown::Shown;
use super::{entity, songs, words};
use crate::answer::{Question, read};
use crate::error::store_problem;
use crate::page::{keys, live};
use crate::state::{Keep, State};
use crate::view::{EntityDetail, Label};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::reference::Place;
use domain::{EntityKind, Record};
use maud::{Markup, html};
use store::{EntityFilter, Read};
use uuid::Uuid;
use web::{IfNoneMatch, Path, Problem, Query};

/// Temples, and composers, that are looked through.
const READ_MAX: usize = 1_000;

pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(slug): Path<String>,
    Query(asked): Query<Shown>,
) -> Result<Response, Problem> {
    let face = asked.face()?;
    let kind = EntityKind::Place;
    let about = format!("{slug}&{face}");
    let question = Question { state: &state, have: &have, keep: Keep::Detail, class: "page:place", about };
    if let Some(response) = question.answer_from_cache().await {
        return Ok(dressed(response, HTML));
    }
    let read = read(&state).await?;
    let id = match follow(&read, kind, &slug, face).await? {
        Led::Here(id) => id,
        Led::Moved(response) => return Ok(*response),
    };
    let answer = question
        .answer(|| async {
            let live = live(&read, kind, id).await?;
            let detail = EntityDetail::of(&live, Some(face.script));
            let temples = standing(&read, EntityKind::Temple, id, face).await?;
            let composers = standing(&read, EntityKind::Composer, id, face).await?;
            let page = page(&detail, &temples, &composers, face);
            // Temples and composers move to a place by a change of theirs.
            let keys = keys(&live).list(EntityKind::Temple).list(EntityKind::Composer);
            Ok(page.made(&state, &keys, &read))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

/// Entities of `kind` at the place `id`.
async fn standing(read: &Read, kind: EntityKind, id: Uuid, face: Face) -> Result<Vec<Label>, Problem> {
    let filter = EntityFilter { script: Some(face.script), ..EntityFilter::default() };
    let found = read.entities(kind, &filter, READ_MAX, None).await.map_err(store_problem)?;
    let is_here = |record: &Record| match record {
        Record::Temple(temple) => temple.place.is_some_and(|place| place.0 == id),
        Record::Composer(composer) => composer.place.is_some_and(|place| place.0 == id),
        _ => false,
    };
    let here = found.items.into_iter().filter(|row| is_here(&row.record));
    Ok(here.map(|row| Label::of(&row.label, Some(face.script))).collect())
}

fn page(detail: &EntityDetail, temples: &[Label], composers: &[Label], face: Face) -> Page {
    let address = Address::entity(EntityKind::Place, &detail.label.slug);
    let main = html! {
        article.entity {
            (entity::heading(detail, EntityKind::Place, face))
            @if let Record::Place(place) = &detail.about { (lies_in(place)) }
            div.columns {
                div {
                    (named(EntityKind::Temple, temples, face))
                    (named(EntityKind::Composer, composers, face))
                }
                aside.facts aria-label=(face.say("Names and sources")) {
                    (entity::names(detail, face)) (entity::origin(detail, face))
                }
            }
        }
    };
    let mut page = Page::new(detail.label.label.clone(), address, face, main);
    page.description = format!("{} — {}", detail.label.label, face.say(words::kind(EntityKind::Place)));
    page.api = Some(format!("/v1/places/{}", detail.label.slug));
    page
}

fn lies_in(place: &Place) -> Markup {
    let parts: Vec<&str> = [&place.district, &place.state, &place.country]
        .into_iter()
        .filter_map(|part| part.as_deref())
        .collect();
    html! { @if !parts.is_empty() { p.place lang="en" { (parts.join(", ")) } } }
}

fn named(kind: EntityKind, labels: &[Label], face: Face) -> Markup {
    html! {
        @if !labels.is_empty() {
            section aria-labelledby=(kind.plural()) {
                h2 id=(kind.plural()) { (face.say(words::kinds(kind))) }
                ul.names { @for label in labels { li { (songs::link(label, face)) } } }
            }
        }
    }
}
