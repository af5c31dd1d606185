//! `/`

use super::address::Address;
use super::answer::{HTML, dressed};
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
use lipi::Script;
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
    let script = asked.script()?;
    let date = context.now.date_naive();
    let about = format!("{date}&{script}");
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "page:home", about };
    let answer = question
        .answer(|| async {
            let read = read(&state).await?;
            let home = Home::of(&read, date, script).await?;
            let mut page = Page::new("", Address::new("/"), script, home.draw(date, script));
            page.description =
                "Songs of Carnatic music with their ragas, talas, composers and texts, in six scripts."
                    .into();
            page.searches = true;
            page.json_ld = Some(website(&state.config.site_url));
            let shown = [EntityKind::Composition, EntityKind::Composer, EntityKind::Raga, EntityKind::Tala];
            let keys = shown.into_iter().fold(SurrogateKeys::default(), SurrogateKeys::list);
            Ok(page.made(&state, &keys, &read))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

impl Home {
    async fn of(read: &Read, date: NaiveDate, script: Script) -> Result<Self, Problem> {
        let today = match drawn(read, date.to_string().as_bytes(), Some(script)).await {
            Err(problem) if problem.status() == StatusCode::NOT_FOUND => None,
            found => Some(found?),
        };
        let newest = CompositionFilter { sort: Sort::Newest, ..CompositionFilter::default() };
        let newest = read.compositions(&newest, NEWEST, None).await.map_err(store_problem)?;
        let filter = EntityFilter { script: Some(script), ..EntityFilter::default() };
        let composers = read.entities(EntityKind::Composer, &filter, COMPOSERS_READ_MAX, None).await;
        let mut composers: Vec<EntityItem> = composers
            .map_err(store_problem)?
            .items
            .into_iter()
            .map(|row| EntityItem::of(row, Some(script)))
            .collect();
        composers.sort_by_key(|composer| std::cmp::Reverse(composer.compositions));
        composers.truncate(COMPOSERS);
        Ok(Self {
            today,
            newest: newest.items.into_iter().map(|row| CompositionItem::of(row, Some(script))).collect(),
            composers,
            melas: Table::of(read, Some(script)).await?,
            songs: read.published_count().await.map_err(store_problem)?,
            ragas: read.entity_count(EntityKind::Raga).await.map_err(store_problem)?,
            composers_all: read.entity_count(EntityKind::Composer).await.map_err(store_problem)?,
        })
    }

    fn draw(&self, date: NaiveDate, script: Script) -> Markup {
        let href = |path: &str| Address::new(path).href(script);
        html! {
            section.hero {
                h1 { "The songs of Carnatic music" }
                p.lead { (self.size()) }
                (search_form(script, "", &Address::new("/search")))
                p.hint { "Try "
                    a href=(Address::new("/search").with("q", "endaro mahanubhavulu").href(script)) { "endaro mahanubhavulu" }
                    ", " a href=(Address::new("/search").with("q", "கல்யாணி").href(script)) lang="ta-Taml" { "கல்யாணி" }
                    " or " a href=(Address::new("/search").with("q", "శ్యామ శాస్త్రి").href(script)) lang="te-Telu" { "శ్యామ శాస్త్రి" }
                }
            }
            div.columns {
                div {
                    @if let Some(song) = &self.today { (of_the_day(song, date, script)) }
                    @if !self.composers.is_empty() { (self.composers(script)) }
                }
                @if !self.newest.is_empty() {
                    section aria-labelledby="newest" {
                        h2 #newest { "Newly published" }
                        (songs::list(&self.newest, script))
                    }
                }
            }
            section aria-labelledby="melas" {
                h2 #melas { a href=(href("/melakartas")) { "The seventy-two melakartas" } }
                (melakartas::compact(&self.melas, script))
            }
        }
    }

    fn composers(&self, script: Script) -> Markup {
        html! {
            section aria-labelledby="composers" {
                h2 #composers { a href=(Address::new("/composers").href(script)) { "Composers" } }
                ul.names {
                    @for composer in &self.composers {
                        li { (songs::link(&composer.label, script)) " " span.count { (composer.compositions) } }
                    }
                }
            }
        }
    }

    fn size(&self) -> String {
        let songs = words::counted(self.songs, "song", "songs");
        let ragas = words::counted(self.ragas, "raga", "ragas");
        format!("{songs} in {ragas}, of {}", words::counted(self.composers_all, "composer", "composers"))
    }
}

fn of_the_day(song: &CompositionItem, date: NaiveDate, script: Script) -> Markup {
    html! {
        section.today aria-labelledby="today" {
            h2 #today { "Song of the day" }
            p.date { time datetime=(date) { (date.format("%-d %B %Y")) } }
            div.card {
                (songs::item(song, None, script))
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
