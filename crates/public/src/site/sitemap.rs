//! `/robots.txt` and `/sitemap.xml`: an index of letters, each with a bounded list of pages.

use super::address::Address;
use super::answer::{constant, dressed};
use super::face::Face;
use super::songs::has_pages;
use crate::answer::{Made, Question, read};
use crate::error::store_problem;
use crate::state::{Keep, State};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use lipi::Script;
use maud::{PreEscaped, html};
use serde::Deserialize;
use store::Read;
use web::{IfNoneMatch, Problem, Query, SurrogateKeys};

const XML: &str = "application/xml";
const NAMESPACE: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";
const DECLARATION: PreEscaped<&str> = PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

/// Addresses of one list; the format allows 50,000 and 50 MB.
const ADDRESSES_MAX: usize = 20_000;
/// Addresses of one read.
const READ: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    r#type: Option<String>,
    letter: Option<String>,
}

pub(super) async fn robots(Shared(state): Shared<State>, have: IfNoneMatch) -> Response {
    let site = &state.config.site_url;
    let mut text = "User-agent: *\nAllow: /\nDisallow: /*cursor=\nDisallow: /v1/\n".to_owned();
    if !site.is_empty() {
        text += &format!("\nSitemap: {site}/sitemap.xml\n");
    }
    constant(text.into(), &have, "text/plain; charset=utf-8")
}

/// The index; or, with a kind and a letter, the pages filed there.
pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let kind = asked.r#type.as_deref().map(kind_of).transpose()?;
    let about = format!("{kind:?}&{:?}", asked.letter);
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "page:sitemap", about };
    let answer = question
        .answer(|| async {
            let read = read(&state).await?;
            let site = state.config.site_url.as_str();
            let (text, keys) = match (kind, asked.letter.as_deref()) {
                (Some(kind), Some(letter)) => {
                    (addresses(&read, site, kind, letter).await?, SurrogateKeys::default().list(kind))
                }
                (None, None) => {
                    let keys = kinds().fold(SurrogateKeys::default(), SurrogateKeys::list);
                    (index(&read, site).await?, keys)
                }
                _ => return Err(Problem::not_found()),
            };
            Ok(Made::page(text, &keys, &read))
        })
        .await?;
    Ok(dressed(answer, XML))
}

fn kind_of(plural: &str) -> Result<EntityKind, Problem> {
    kinds().find(|kind| kind.plural() == plural).ok_or_else(Problem::not_found)
}

fn kinds() -> impl Iterator<Item = EntityKind> {
    EntityKind::ALL.into_iter().filter(|kind| has_pages(*kind))
}

async fn index(read: &Read, site: &str) -> Result<String, Problem> {
    let mut lists = Vec::new();
    for kind in kinds() {
        let letters = read.letters(kind, Script::Latin).await.map_err(store_problem)?;
        let of = |letter: store::Letter| {
            Address::new("/sitemap.xml").with("type", kind.plural()).with("letter", letter.letter)
        };
        lists.extend(letters.into_iter().map(of));
    }
    // Relative addresses mean nothing in a sitemap.
    lists.retain(|_| !site.is_empty());
    let index = html! {
        (DECLARATION)
        sitemapindex xmlns=(NAMESPACE) {
            @for list in &lists { sitemap { loc { (site) (list.href(Face::PLAIN)) } } }
        }
    };
    Ok(index.into_string())
}

async fn addresses(read: &Read, site: &str, kind: EntityKind, letter: &str) -> Result<String, Problem> {
    let mut slugs = Vec::new();
    let mut after = None;
    while slugs.len() < ADDRESSES_MAX && !site.is_empty() {
        let page = read.browse(kind, Script::Latin, Some(letter), READ, after.as_ref()).await;
        let page = page.map_err(store_problem)?;
        slugs.extend(page.items.into_iter().map(|row| row.slug));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let list = html! {
        (DECLARATION)
        urlset xmlns=(NAMESPACE) {
            @for slug in &slugs { url { loc { (site) (Address::entity(kind, slug).href(Face::PLAIN)) } } }
        }
    };
    Ok(list.into_string())
}
