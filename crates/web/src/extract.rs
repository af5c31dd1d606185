//! Bodies, queries and paths, read with the pointer of what is wrong.

use crate::problem::{FieldError, Problem};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path as ErrorPath, Segment};
use std::fmt::Display;

/// A JSON body: read within the body limit, every refusal with the pointer of its field. `T` denies
/// unknown fields. Also an answer.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// The query string. `T` denies unknown fields, so that a misspelt filter is refused and not ignored.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// The parameters of the path. What cannot be read names nothing: 404.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::unsupported_media_type());
        }
        body_bytes(request, state).await.and_then(|body| json_read(&body)).map(Self)
    }
}

/// An optional body: an empty one reads as `T::default()`.
#[derive(Clone, Copy, Debug)]
pub struct JsonOrEmpty<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for JsonOrEmpty<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let body = body_bytes(request, state).await?;
        match (body.is_empty(), is_json) {
            (true, _) => Ok(Self(T::default())),
            (false, true) => json_read(&body).map(Self),
            (false, false) => Err(Problem::unsupported_media_type()),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
            }
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        query_read(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|_| Problem::not_found())
    }
}

/// Reads `body` as `T`: broken JSON is 400, a refused field 422 with its pointer.
pub fn json_read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| json_problem(&error))?;
    reader.end().map_err(|error| syntax_problem(&error))?;
    refuse_nul(body)?;
    Ok(value)
}

/// Reads a query string as `T`; what is refused is 422 with the name of the parameter.
pub fn query_read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    if let Some((name, _)) = pairs.clone().find(|(_, value)| value.contains('\0')) {
        return Err(Problem::field(format!("/{}", escaped(&name)), "nul_character", NUL_DETAIL));
    }
    let reader = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(reader)
        .map_err(|error| field_problem(error.path(), &error.inner().to_string()))
}

async fn body_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(),
        _ => Problem::bad_request("The body ended early."),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn json_problem(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if error.inner().is_data() {
        field_problem(error.path(), &error.inner().to_string())
    } else {
        syntax_problem(error.inner())
    }
}

fn syntax_problem(error: &serde_json::Error) -> Problem {
    Problem::bad_request(format!(
        "The body is not JSON: see line {}, column {}.",
        error.line(),
        error.column()
    ))
}

fn field_problem(path: &ErrorPath, message: &str) -> Problem {
    let message = message.split(" at line ").next().unwrap_or_default();
    let code =
        CODES.iter().find(|(start, _)| message.starts_with(start)).map_or("invalid_value", |(_, code)| code);
    let mut field = pointer(path);
    // These are reported at the parent; the person wants the field.
    if let ("missing_field" | "duplicate_field", Some(name)) = (code, message.split('`').nth(1)) {
        field = format!("{field}/{}", escaped(name));
    }
    Problem::validation(vec![FieldError::new(field, code, sentence(message))])
}

/// How serde's own messages begin, and what we call them.
const CODES: &[(&str, &str)] = &[
    ("unknown field", "unknown_field"),
    ("unknown variant", "unknown_value"),
    ("missing field", "missing_field"),
    ("duplicate field", "duplicate_field"),
    ("invalid type", "wrong_type"),
];

fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

fn pointer(path: &ErrorPath) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escaped(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// One step of a JSON pointer.
pub fn escaped(key: impl Display) -> String {
    key.to_string().replace('~', "~0").replace('/', "~1")
}

const NUL_DETAIL: &str = "Texts cannot hold the character U+0000.";

/// PostgreSQL keeps no U+0000, so it is refused where the pointer is still known.
fn refuse_nul(body: &[u8]) -> Result<(), Problem> {
    const ESCAPE: &[u8] = b"\\u0000";
    if !body.windows(ESCAPE.len()).any(|window| window == ESCAPE) {
        return Ok(());
    }
    let value: Value = serde_json::from_slice(body).map_err(|error| syntax_problem(&error))?;
    nul_pointer(&value, String::new())
        .map_or(Ok(()), |field| Err(Problem::field(field, "nul_character", NUL_DETAIL)))
}

fn nul_pointer(value: &Value, at: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(at),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| nul_pointer(item, format!("{at}/{index}")))
        }
        Value::Object(fields) => fields.iter().find_map(|(key, item)| {
            let at = format!("{at}/{}", escaped(key));
            if key.contains('\0') { Some(at) } else { nul_pointer(item, at) }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Song {
        #[expect(dead_code, reason = "only its reading is tested")]
        names: Vec<Named>,
        #[serde(default)]
        #[expect(dead_code, reason = "only its reading is tested")]
        year: Option<i16>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        #[expect(dead_code, reason = "only its reading is tested")]
        text: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only its reading is tested")]
        role: Role,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Role {
        #[default]
        Display,
    }

    fn refused(body: &str) -> (u16, String, String) {
        let problem = json_read::<Song>(body.as_bytes()).unwrap_err();
        let first = problem
            .errors()
            .first()
            .map(|error| (error.field.clone(), error.code.clone()))
            .unwrap_or_default();
        (problem.status().as_u16(), first.0, first.1)
    }

    #[test]
    fn every_refused_field_has_its_pointer() {
        for (body, field, code) in [
            (r#"{"names":[{"text":"a"},{"text":1}]}"#, "/names/1/text", "wrong_type"),
            (r#"{"names":[{"text":"a","role":"x"}]}"#, "/names/0/role", "unknown_value"),
            (r#"{"names":[{"text":"a","rôle/~":1}]}"#, "/names/0/rôle~1~0", "unknown_field"),
            (r#"{"names":[{}]}"#, "/names/0/text", "missing_field"),
            (r#"{"year":1}"#, "/names", "missing_field"),
            (r#"{"names":[],"year":99999}"#, "/year", "invalid_value"),
            (r#"{"names":[],"names":[]}"#, "/names", "duplicate_field"),
            (r#"{"names":[{"text":"a\u0000"}]}"#, "/names/0/text", "nul_character"),
        ] {
            let (status, at, found) = refused(body);
            assert_eq!((status, at.as_str(), found.as_str()), (422, field, code), "{body}");
        }
    }

    #[test]
    fn broken_json_is_a_bad_request() {
        for body in ["", "{", r#"{"names":[]"#, r#"{"names":[]} x"#, "nul"] {
            assert_eq!(refused(body).0, 400, "{body}");
        }
        assert_eq!(refused(&"[".repeat(10_000)).0, 422);
    }

    #[test]
    fn unknown_query_parameter_is_refused_by_name() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Filter {
            limit: Option<u32>,
        }
        assert_eq!(query_read::<Filter>("limit=7").unwrap().limit, Some(7));
        for (query, field) in [
            ("limt=7", "/limt"),
            ("limit=x", "/limit"),
            ("limit=1&limit=2", "/limit"),
            ("limit=%00", "/limit"),
        ] {
            let problem = query_read::<Filter>(query).unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), problem.errors()[0].field.as_str()),
                (422, field),
                "{query}"
            );
        }
    }
}
