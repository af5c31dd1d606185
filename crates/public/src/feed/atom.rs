//! `GET /v1/feed.atom`

use super::{Entry, Parameters, TITLE, entries, entry_keys, script, updated_at};
use crate::answer::{Made, Question, read, typed};
use crate::state::{Keep, State};
use crate::xml::{element, escaped};
use axum::extract::State as Shared;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use web::{IfNoneMatch, Problem, Query};

const MEDIA: &str = "application/atom+xml; charset=utf-8";

/// Songs that were published or corrected last, as an Atom feed (RFC 4287)
#[utoipa::path(get, path = "/v1/feed.atom", params(Parameters),
    responses(
        (status = 200, description = "The feed", content_type = "application/atom+xml", body = String),
        (status = 304, description = "Unchanged")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = script(&asked)?;
    let about = format!("atom&{script:?}");
    let question = Question { state: &state, have: &have, keep: Keep::List, class: "feed", about };
    let answer = question
        .answer(|| async {
            let read = read(&state).await?;
            let site = &state.config.site_url;
            let entries = entries(&read, site, script).await?;
            Ok(Made::text(feed(site, &entries), &entry_keys(), &read))
        })
        .await?;
    Ok(typed(answer, MEDIA))
}

fn feed(site: &str, entries: &[Entry]) -> String {
    let mut out =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n"
            .to_owned();
    out += &element("title", TITLE);
    out += &element("id", "urn:sangraha:feed");
    out += &element("updated", &time(updated_at(entries)));
    out += "<author><name>Sangraha</name></author>\n";
    out += &format!(
        "<link rel=\"self\" type=\"application/atom+xml\" href=\"{}/v1/feed.atom\"/>\n",
        escaped(site)
    );
    out += &format!("<link rel=\"alternate\" type=\"text/html\" href=\"{}/\"/>\n", escaped(site));
    for entry in entries {
        out += &written(entry);
    }
    out + "</feed>\n"
}

fn written(entry: &Entry) -> String {
    let mut out = "<entry>\n".to_owned();
    out += &element("title", &entry.title);
    out += &element("id", &entry.id);
    out += &format!("<link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n", escaped(&entry.url));
    out += &element("published", &time(entry.published_at));
    out += &element("updated", &time(entry.updated_at));
    for author in &entry.authors {
        out += &format!("<author>{}</author>\n", element("name", author).trim_end());
    }
    out + &element("summary", &entry.summary) + "</entry>\n"
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
