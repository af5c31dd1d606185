//! What a person sees where there is no page: what happened, and ways on.

use super::address::Address;
use super::answer::{HTML, dressed};
use super::layout::{Page, search_form};
use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use lipi::Script;
use maud::{Markup, html};
use web::ProblemBody;

/// The page of a refusal; its status and its time in caches are set by the caller.
pub(super) fn page(problem: &ProblemBody) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (title, text) = words(status);
    let main = html! {
        div.problem {
            p.status { (problem.status) }
            h1 { (title) }
            p.lead { (text) }
            @if status == StatusCode::UNPROCESSABLE_ENTITY { (refused(problem)) }
            (search_form(Script::Latin, "", &Address::new("/search")))
            p { "Or begin with the " a href="/browse/compositions" { "songs from A to Z" } ", the "
                a href="/melakartas" { "seventy-two melakartas" } ", the " a href="/composers" { "composers" }
                ", or the " a href="/" { "first page" } "." }
            @if let Some(id) = &problem.request_id { p.fine { "Request " code { (id) } } }
        }
    };
    let mut page = Page::new(title, Address::new("/"), Script::Latin, main);
    page.indexed = false;
    page.searches = true;
    let mut response = dressed(Response::new(Body::from(page.html(""))), HTML);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(HTML));
    response
}

fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::NOT_FOUND => (
            "There is no such page",
            "The address may be misspelt, or what stood here was withdrawn. Perhaps a search finds it.",
        ),
        StatusCode::UNPROCESSABLE_ENTITY => {
            ("That was not understood", "The address asks for something that this catalogue does not know.")
        }
        StatusCode::METHOD_NOT_ALLOWED => ("This page can only be read", "Nothing can be sent to it."),
        StatusCode::SERVICE_UNAVAILABLE => (
            "One moment, please",
            "The catalogue cannot be read just now. Nothing is lost; please try again in a few seconds.",
        ),
        _ => ("Something went wrong here", "It is our fault and has been noted. Please try again."),
    }
}

fn refused(problem: &ProblemBody) -> Markup {
    html! {
        ul {
            @for error in &problem.errors {
                li { code { (error.field.trim_start_matches('/')) } ": " (error.detail) }
            }
        }
    }
}
