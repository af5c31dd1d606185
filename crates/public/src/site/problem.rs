//! What a person sees where there is no page: what happened, and ways on, in the language of the address that was
//! asked for.

use super::address::Address;
use super::answer::{HTML, dressed};
use super::face::{Face, Tongue, msg};
use super::layout::{Page, search_form};
use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use lipi::Script;
use maud::{Markup, html};
use std::str::FromStr;
use url::form_urlencoded;
use web::ProblemBody;

/// The page of a refusal; its status and its time in caches are set by the caller.
pub(super) fn page(problem: &ProblemBody, query: &str) -> Response {
    let face = face(query);
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (title, text) = words(status);
    let main = html! {
        div.problem {
            p.status { (problem.status) }
            h1 { (face.say(title)) }
            p.lead { (face.say(text)) }
            @if status == StatusCode::UNPROCESSABLE_ENTITY { (refused(problem)) }
            (search_form(face, "", &Address::new("/search")))
            @if status.is_server_error() { (meanwhile(face)) } @else { (ways_on(face)) }
            @if let Some(id) = &problem.request_id { p.fine { (face.say("Request")) " " code { (id) } } }
        }
    };
    let mut page = Page::new(face.say(title), Address::new("/"), face, main);
    page.indexed = false;
    page.searches = true;
    let mut response = dressed(Response::new(Body::from(page.html(""))), HTML);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(HTML));
    response
}

/// The face that the address asks for, as far as it names one that there is.
fn face(query: &str) -> Face {
    let named = |wanted: &str| form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted);
    let tongue = named("lang").and_then(|(_, code)| Tongue::from_code(&code));
    let face = tongue.map_or(Face::PLAIN, Face::of);
    let script = named("script").and_then(|(_, name)| Script::from_str(&name).ok());
    script.filter(|script| Script::SITE.contains(script)).map_or(face, |script| face.with_script(script))
}

fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::NOT_FOUND => (
            msg("There is no such page"),
            msg("The address may be misspelt, or what stood here was withdrawn. Perhaps a search finds it."),
        ),
        StatusCode::UNPROCESSABLE_ENTITY => (
            msg("That was not understood"),
            msg("The address asks for something that this catalogue does not know."),
        ),
        StatusCode::METHOD_NOT_ALLOWED => {
            (msg("This page can only be read"), msg("Nothing can be sent to it."))
        }
        StatusCode::TOO_MANY_REQUESTS => {
            (msg("Too much was asked at once"), msg("Please wait a little and try again."))
        }
        StatusCode::SERVICE_UNAVAILABLE => (
            msg("One moment, please"),
            msg("The catalogue cannot be read just now. Nothing is lost; please try again in a few seconds."),
        ),
        _ => (msg("Something went wrong here"), msg("It is our fault and has been noted. Please try again.")),
    }
}

fn ways_on(face: Face) -> Markup {
    let way = |path: &str, text: &str| html! { li { a href=(Address::new(path).href(face)) { (text) } } };
    html! {
        ul.ways {
            (way("/browse/compositions", face.say("Songs A–Z")))
            (way("/melakartas", face.say("The seventy-two melakartas")))
            (way("/ragas", face.say("Ragas")))
            (way("/composers", face.say("Composers")))
            (way("/", face.say("The first page")))
        }
    }
}

/// Pages that a cache or the browser may still have.
fn meanwhile(face: Face) -> Markup {
    let way = |path: &str, text: &str| html! { li { a href=(Address::new(path).href(face)) { (text) } } };
    html! {
        p { (face.say("Pages that were read a short while ago are often still there:")) }
        ul.ways {
            (way("/", face.say("The first page")))
            (way("/compositions", face.say("Songs")))
            (way("/favourites", face.say("My songs")))
        }
    }
}

/// The fields that were refused, with the reasons that programs get too: in English.
fn refused(problem: &ProblemBody) -> Markup {
    html! {
        ul lang="en" {
            @for error in &problem.errors {
                li { code { (error.field.trim_start_matches('/')) } ": " (error.detail) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_is_read_from_any_query() {
        let both = Face::of(Tongue::Tamil).with_script(Script::Latin);
        for (query, expected) in [
            ("", Face::PLAIN),
            ("lang=ta", Face::of(Tongue::Tamil)),
            ("q=x&lang=ta&script=latin", both),
            ("lang=klingon&script=runes", Face::PLAIN),
            ("script=grantha", Face::PLAIN),
            ("%ff&lang=%00", Face::PLAIN),
        ] {
            assert_eq!(face(query), expected, "{query}");
        }
    }
}
