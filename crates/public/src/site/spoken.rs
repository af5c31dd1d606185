//! The query of a page that shares its parameters with the API, and takes the language of the site beside them.

use super::face::Tongue;
use crate::parameters;
use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use serde::de::DeserializeOwned;
use url::form_urlencoded;
use web::{Problem, Query};

/// Parameters of the API, and the language that the page is asked for in.
pub(super) struct Spoken<T> {
    pub tongue: Tongue,
    pub asked: T,
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Spoken<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (lang, rest) = without_lang(parts.uri.query().unwrap_or_default());
        let known = |code: String| {
            parameters::known("/lang", &code, Tongue::from_code(&code), "a language of this site")
        };
        let tongue = lang.map(known).transpose()?.unwrap_or(Tongue::English);
        let uri = Uri::builder().path_and_query(format!("/?{rest}")).build();
        parts.uri = uri.map_err(|error| Problem::internal(&error))?;
        let Query(asked) = Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self { tongue, asked })
    }
}

/// Takes `lang` out of a query.
fn without_lang(query: &str) -> (Option<String>, String) {
    let is_lang = |pair: &&str| *pair == "lang" || pair.starts_with("lang=");
    let lang = query.split('&').find(is_lang).and_then(|pair| form_urlencoded::parse(pair.as_bytes()).next());
    let lang = lang.map(|(_, value)| value.into_owned());
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_lang(pair)).collect();
    (lang, rest.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_taken_out_of_the_query() {
        assert_eq!(without_lang("lang=ta&q=a%26b"), (Some("ta".into()), "q=a%26b".into()));
        assert_eq!(without_lang("q=lang&language=ta"), (None, "q=lang&language=ta".into()));
        assert_eq!(without_lang(""), (None, String::new()));
    }
}
