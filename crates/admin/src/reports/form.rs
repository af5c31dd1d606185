//! `POST /reports`: the same as a form, for pages without a script. What comes back is a page for people.

use super::create::{Anchor, Body, take};
use crate::error::{Error, Result};
use crate::state::State;
use axum::body::Bytes;
use axum::extract;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;
use web::extract::query_read;
use web::{Context, Problem};

/// The fields of the form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportForm)]
pub struct Form {
    /// The address of the page, with the place on it: `compositions/nanu-palimpa#s1-l2`.
    anchor: String,
    /// What is wrong, in plain words: at most 2,000 characters, no markup.
    text: String,
    /// How to reach you: at most 200 characters.
    #[serde(default)]
    contact: String,
}

/// Takes a report from a page without a script
#[utoipa::path(
    post,
    path = "/reports",
    request_body(content = Form, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 202, description = "A page that says thank you", content_type = "text/html", body = String),
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
        Ok(back) => page(StatusCode::ACCEPTED, "Thank you", "An editor will look at it.", back.as_deref()),
        Err(error) => refusal(error),
    }
}

/// Stores the report and answers the page that it came from.
async fn taken(state: &State, context: &Context, headers: &HeaderMap, body: &[u8]) -> Result<Option<String>> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::unsupported_media_type().into());
    }
    let text = std::str::from_utf8(body).map_err(|_| Problem::bad_request("The form is not text."))?;
    let Form { anchor, text, contact } = query_read::<Form>(text)?;
    let back = local(&anchor);
    take(state, context, Body { anchor: Anchor::Page(anchor), text, contact: Some(contact) }).await?;
    Ok(back)
}

/// The address of the page, where it is made of nothing but what our addresses are made of.
fn local(anchor: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-/#".contains(&byte);
    let address = anchor.trim_start_matches('/');
    address.bytes().all(plain).then(|| format!("/{address}"))
}

fn refusal(error: Error) -> Response {
    let problem = Problem::from(error);
    let (status, body) = (problem.status(), problem.body(None));
    let details: Vec<String> = body.errors.into_iter().map(|error| error.detail).collect();
    let words = if details.is_empty() { body.detail.unwrap_or_default() } else { details.join(" ") };
    let retry = problem.into_response().headers().get(RETRY_AFTER).cloned();
    let mut response = page(status, "It was not sent", &format!("{}. {words}", body.title), None);
    if let Some(retry) = retry {
        response.headers_mut().insert(RETRY_AFTER, retry);
    }
    response
}

fn page(status: StatusCode, title: &str, words: &str, back: Option<&str>) -> Response {
    let back = back.map(|back| format!("<p><a href=\"{back}\">Back to the page</a></p>")).unwrap_or_default();
    let words = escaped(words);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head>\
         <body><main><h1>{title}</h1><p>{words}</p>{back}</main></body></html>"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// Nothing but words and a link.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
