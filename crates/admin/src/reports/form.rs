//! `POST /reports`: the same as a form, for pages without a script. Who sent one is led to a page that says thank you;
//! what was refused is said on a plain page, so that going back finds the form as it was filled in.

use super::create::{Anchor, Body, EntityAnchor, take};
use super::words::Words;
use crate::error::{Error, Result};
use crate::state::State;
use axum::body::Bytes;
use axum::extract;
use axum::response::{IntoResponse, Redirect, Response};
use domain::EntityKind;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use std::str::FromStr;
use url::form_urlencoded::{self, Serializer};
use utoipa::ToSchema;
use web::extract::query_read;
use web::{Context, Problem};

/// The fields of the form. What a browser sends for a field that was left empty is empty text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportForm)]
pub struct Form {
    /// The address of the page, perhaps with the place on it: `compositions/nanu-palimpa#s1-l2`.
    anchor: String,
    /// Of a composition: the section, by id, where the address names no place.
    #[serde(default)]
    section: String,
    /// A line of the section, 1 for the first.
    #[serde(default)]
    line: String,
    /// What is wrong, in plain words: at most 2,000 characters, no markup.
    text: String,
    /// How to reach you: at most 200 characters.
    #[serde(default)]
    contact: String,
    /// The language of the page: what comes back speaks it too.
    #[serde(default)]
    lang: String,
    /// The script of the page.
    #[serde(default)]
    script: String,
}

/// Takes a report from a page without a script
#[utoipa::path(
    post,
    path = "/reports",
    request_body(content = Form, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 303, description = "To a page that says thank you"),
        (status = 422, description = "A page that says what was refused", content_type = "text/html", body = String),
        (status = 429, description = "A page that asks for patience", content_type = "text/html", body = String))
)]
pub async fn handler(
    extract::State(state): extract::State<State>,
    context: Context,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match taken(&state, &context, &headers, &body).await {
        Ok(thanks) => Redirect::to(&thanks).into_response(),
        Err(error) => refusal(error, &body),
    }
}

/// Stores the report and answers the address of the page that says so.
async fn taken(state: &State, context: &Context, headers: &HeaderMap, body: &[u8]) -> Result<String> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::unsupported_media_type().into());
    }
    let text = std::str::from_utf8(body).map_err(|_| Problem::bad_request("The form is not text."))?;
    let form = query_read::<Form>(text)?;
    let (anchor, thanks) = (anchor(&form)?, thanks(&form));
    take(state, context, Body { anchor, text: form.text, contact: Some(form.contact) }).await?;
    Ok(thanks)
}

/// The page, or the line that was chosen on it.
fn anchor(form: &Form) -> std::result::Result<Anchor, Problem> {
    let (section, line) = (chosen("/section", &form.section)?, chosen("/line", &form.line)?);
    if section.is_none() && line.is_none() {
        return Ok(Anchor::Page(form.anchor.clone()));
    }
    let slug = form.anchor.trim_start_matches('/').strip_prefix(EntityKind::Composition.plural());
    let slug = slug.and_then(|rest| rest.strip_prefix('/'));
    let slug = slug.filter(|slug| !slug.contains('#')).ok_or_else(|| {
        Problem::field(
            "/anchor",
            "no_sections",
            "Only the address of a composition goes with a section or a line.",
        )
    })?;
    let kind = EntityKind::Composition;
    Ok(Anchor::Entity(EntityAnchor { kind, r#ref: slug.to_owned(), version: None, section, line }))
}

fn chosen<T: FromStr>(field: &str, text: &str) -> std::result::Result<Option<T>, Problem> {
    let text = text.trim();
    let refused = || Problem::field(field, "unknown_value", "This page has no such place.");
    (!text.is_empty()).then(|| text.parse().map_err(|_| refused())).transpose()
}

/// `/reported` in the face of the page, with the song to go back to.
fn thanks(form: &Form) -> String {
    let page = form.anchor.split('#').next().unwrap_or_default().trim_start_matches('/');
    let song = page.split_once('/').filter(|(kind, _)| *kind == EntityKind::Composition.plural());
    let fields =
        [("lang", form.lang.as_str()), ("script", &form.script), ("song", song.map_or("", |(_, slug)| slug))];
    let mut query = Serializer::new(String::new());
    query.extend_pairs(fields.into_iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => "/reported".to_owned(),
        query => format!("/reported?{query}"),
    }
}

/// What was refused, in the language of the page as far as that can be read.
fn refusal(error: Error, body: &[u8]) -> Response {
    let lang = form_urlencoded::parse(body).find(|(name, _)| name == "lang").map(|(_, value)| value);
    let words = Words::of(lang.as_deref().unwrap_or_default());
    let problem = Problem::from(error);
    let answer = problem.body(None);
    let details: Vec<String> = answer.errors.into_iter().map(|error| error.detail).collect();
    let details = if details.is_empty() { answer.detail.unwrap_or_default() } else { details.join(" ") };
    let html = format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head>\
         <body><main><h1>{}</h1><p>{}</p><p lang=\"en\">{}. {}</p></main></body></html>",
        words.lang,
        words.not_sent,
        words.not_sent,
        words.advice(problem.status()),
        escaped(&answer.title),
        escaped(&details)
    );
    let status = problem.status();
    let retry = problem.into_response().headers().get(RETRY_AFTER).cloned();
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if let Some(retry) = retry {
        headers.insert(RETRY_AFTER, retry);
    }
    response
}

/// Nothing but words.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
