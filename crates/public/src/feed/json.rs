//! `GET /v1/feed.json`

use super::{Parameters, TITLE, entries, entry_keys, script};
use crate::answer::{Made, Question, read, typed};
use crate::state::{Keep, State};
use axum::extract::State as Shared;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::{IfNoneMatch, Problem, Query};

const MEDIA: &str = "application/feed+json";
const VERSION: &str = "https://jsonfeed.org/version/1.1";

/// A feed after the JSON Feed specification, version 1.1.
#[derive(Serialize, ToSchema)]
pub(crate) struct Feed {
    version: &'static str,
    title: &'static str,
    home_page_url: String,
    feed_url: String,
    items: Vec<Item>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FeedItem)]
struct Item {
    id: String,
    url: String,
    title: String,
    content_text: String,
    date_published: DateTime<Utc>,
    date_modified: DateTime<Utc>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author>,
}

#[derive(Serialize, ToSchema)]
struct Author {
    name: String,
}

/// Songs that were published or corrected last, as a JSON Feed 1.1
#[utoipa::path(get, path = "/v1/feed.json", params(Parameters),
    responses(
        (status = 200, description = "The feed", content_type = "application/feed+json", body = Feed),
        (status = 304, description = "Unchanged")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = script(&asked)?;
    let about = format!("json&{script:?}");
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "feed", about };
    let answer = question
        .answer(|| async {
            let read = read(&state).await?;
            let site = &state.config.site_url;
            let items = entries(&read, site, script).await?.into_iter().map(item).collect();
            let (home_page_url, feed_url) = (format!("{site}/"), format!("{site}/v1/feed.json"));
            let feed = Feed { version: VERSION, title: TITLE, home_page_url, feed_url, items };
            Made::new(&feed, &entry_keys(), &read)
        })
        .await?;
    Ok(typed(answer, MEDIA))
}

fn item(entry: super::Entry) -> Item {
    Item {
        id: entry.id,
        url: entry.url,
        title: entry.title,
        content_text: entry.summary,
        date_published: entry.published_at,
        date_modified: entry.updated_at,
        authors: entry.authors.into_iter().map(|name| Author { name }).collect(),
    }
}
