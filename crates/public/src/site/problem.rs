//! What a person sees where there is no page: what happened, and ways on.

use super::address::Address;
use super::answer::{HTML, dressed};
use super::face::Face;
use super::layout::{Page, search_form};
use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use maud::{Markup, html};
use web::ProblemBody;

/// The page of a refusal; its status and its time in caches are set by the caller. It is in English, since a refusal
/// does not know which page was meant.
pub(super) fn page(problem: &ProblemBody) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (title, text) = words(status);
    let main = html! {
        div.problem {
            p.status { (problem.status) }
            h1 { (title) }
            p.lead { (text) }
            @if status == StatusCode::UNPROCESSABLE_ENTITY { (refused(problem)) }
            (search_form(Face::PLAIN, "", &Address::new("/search")))
            @if status.is_server_error() { (meanwhile()) } @else { (ways_on()) }
            @if let Some(id) = &problem.request_id { p.fine { "Request " code { (id) } } }
        }
    };
    let mut page = Page::new(title, Address::new("/"), Face::PLAIN, main);
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

fn ways_on() -> Markup {
    html! {
        ul.ways {
            li { a href="/browse/compositions" { "Songs from A to Z" } }
            li { a href="/melakartas" { "The seventy-two melakartas" } }
            li { a href="/ragas" { "Ragas" } }
            li { a href="/composers" { "Composers" } }
            li { a href="/" { "The first page" } }
        }
    }
}

/// Pages that a cache or the browser may still have.
fn meanwhile() -> Markup {
    html! {
        p { "Pages that were read a short while ago are often still there: " a href="/" { "the first page" } ", "
            a href="/compositions" { "the songs" } ", " a href="/favourites" { "the songs that you keep" } "." }
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
