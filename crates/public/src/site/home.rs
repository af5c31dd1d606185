//! `/`

use super::address::Address;
use super::answer::{HTML, dressed};
use super::face::Face;
use super::layout::{Page, search_form};
use super::shown::Shown;
use super::{language, melakartas, songs, words};
use crate::answer::{Question, read};
use crate::compositions::random::drawn;
use crate::error::store_problem;
use crate::melakartas::Table;
use crate::state::{Keep, State};
use crate::view::{CompositionItem, EntityItem};
use axum::extract::State as Shared;
use axum::response::Response;
use chrono::NaiveDate;
use domain::EntityKind;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::json;
use store::{CompositionFilter, EntityFilter, Read, Sort};
use web::{Context, IfNoneMatch, Problem, Query, SurrogateKeys};

/// What the first page shows.
struct Home {
    today: Option<CompositionItem>,
    newest: Vec<CompositionItem>,
    /// Those with the most songs first.
    composers: Vec<EntityItem>,
    melas: Table,
    /// Where all of it is known to be right.
    lsn: u64,
    songs: u64,
    ragas: u64,
    composers_all: u64,
}

const NEWEST: usize = 7;
const COMPOSERS: usize = 12;
/// Composers are counted by their songs; the most that are read for it.
const COMPOSERS_READ_MAX: usize = 500;

pub(super) async fn handler(
    Shared(state): Shared<State>,
    context: Context,
    have: IfNoneMatch,
    Query(asked): Query<Shown>,
) -> Result<Response, Problem> {
    let face = asked.face()?;
    let date = context.now.date_naive();
    let about = format!("{date}&{face}");
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "page:home", about };
    let answer = question
        .answer(|| async {
            let read = read(&state).await?;
            let home = Home::of(&state, &read, date, face).await?;
            let mut page = Page::new("", Address::new("/"), face, home.draw(date, face));
            page.description = face
                .say("Songs of Carnatic music with their ragas, talas, composers and words, in six scripts.")
                .into();
            page.searches = true;
            page.json_ld = Some(website(&state.config.site_url));
            let shown = [EntityKind::Composition, EntityKind::Composer, EntityKind::Raga, EntityKind::Tala];
            let keys = shown.into_iter().fold(SurrogateKeys::default(), SurrogateKeys::list);
            Ok(page.made(&state, &keys, &read).not_after(home.lsn))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

impl Home {
    async fn of(state: &State, read: &Read, date: NaiveDate, face: Face) -> Result<Self, Problem> {
        let today = match drawn(read, date.to_string().as_bytes(), Some(face.script)).await {
            Err(problem) if problem.status() == StatusCode::NOT_FOUND => None,
            found => Some(found?),
        };
        let newest = CompositionFilter { sort: Sort::Newest, ..CompositionFilter::default() };
        let newest = read.compositions(&newest, NEWEST, None).await.map_err(store_problem)?;
        let filter = EntityFilter { script: Some(face.script), ..EntityFilter::default() };
        let composers = read.entities(EntityKind::Composer, &filter, COMPOSERS_READ_MAX, None).await;
        let mut composers: Vec<EntityItem> = composers
            .map_err(store_problem)?
            .items
            .into_iter()
            .map(|row| EntityItem::of(row, Some(face.script)))
            .collect();
        composers.sort_by_key(|composer| std::cmp::Reverse(composer.compositions));
        composers.truncate(COMPOSERS);
        let (melas, lsn) = Table::of(state, read, Some(face.script)).await?;
        Ok(Self {
            today,
            newest: newest.items.iter().map(|row| CompositionItem::of(row, Some(face.script))).collect(),
            composers,
            melas,
            lsn,
            songs: read.published_count().await.map_err(store_problem)?,
            ragas: read.entity_count(EntityKind::Raga).await.map_err(store_problem)?,
            composers_all: read.entity_count(EntityKind::Composer).await.map_err(store_problem)?,
        })
    }

    fn draw(&self, date: NaiveDate, face: Face) -> Markup {
        let href = |path: &str| Address::new(path).href(face);
        html! {
            section.hero {
                h1 { (face.say("The songs of Carnatic music")) }
                p.lead { (self.size(face)) }
                (search_form(face, "", &Address::new("/search")))
                p.hint { (face.say("Try:")) " "
                    a href=(Address::new("/search").with("q", "endaro mahanubhavulu").href(face)) { "endaro mahanubhavulu" }
                    " · " a.sample href=(Address::new("/search").with("q", "கல்யாணி").href(face)) lang="ta-Taml" { "கல்யாணி" }
                    " · " a.sample href=(Address::new("/search").with("q", "శ్యామ శాస్త్రి").href(face)) lang="te-Telu" { "శ్యామ శాస్త్రి" }
                }
            }
            div.columns {
                div {
                    @if let Some(song) = &self.today { (of_the_day(song, date, face)) }
                    @if !self.composers.is_empty() { (self.composers(face)) }
                }
                @if !self.newest.is_empty() {
                    section aria-labelledby="newest" {
                        h2 #newest { (face.say("Newly published")) }
                        (songs::list(&self.newest, face))
                    }
                }
            }
            section aria-labelledby="melas" {
                h2 #melas { a href=(href("/melakartas")) { (face.say("The seventy-two melakartas")) } }
                (melakartas::compact(&self.melas, face))
            }
        }
    }

    fn composers(&self, face: Face) -> Markup {
        html! {
            section aria-labelledby="composers" {
                h2 #composers { a href=(Address::new("/composers").href(face)) { (face.say("Composers")) } }
                ul.names {
                    @for composer in &self.composers {
                        li { (songs::link(&composer.label, face)) " " span.count { (composer.compositions) } }
                    }
                }
            }
        }
    }

    fn size(&self, face: Face) -> String {
        let songs = face.counted(self.songs, "{n} song", "{n} songs");
        let ragas = face.counted(self.ragas, "{n} raga", "{n} ragas");
        format!("{songs} · {ragas} · {}", face.counted(self.composers_all, "{n} composer", "{n} composers"))
    }
}

fn of_the_day(song: &CompositionItem, date: NaiveDate, face: Face) -> Markup {
    html! {
        section.today aria-labelledby="today" {
            h2 #today { (face.say("Song of the day")) }
            p.date { time datetime=(date) { (words::date(date, face)) } }
            div.card {
                (songs::item(song, None, face))
                @if let Some(incipit) = &song.incipit { p.incipit { (language::name(incipit)) } }
            }
        }
    }
}

/// The site and its search box, for machines.
fn website(site_url: &str) -> serde_json::Value {
    json!({
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": super::layout::SITE_NAME,
        "url": format!("{site_url}/"),
        "potentialAction": {
            "@type": "SearchAction",
            "target": format!("{site_url}/search?q={{words}}"),
            "query-input": "required name=words",
        },
    })
}
