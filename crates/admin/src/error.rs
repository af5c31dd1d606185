//! What can go wrong here, and the problem that a client is told.

use axum::response::{IntoResponse, Response};
use domain::Refusal;
use store::Error as StoreError;
use web::{FieldError, Problem};

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not do it.
    #[error("the database did not carry it out")]
    Store(#[from] StoreError),
    /// A rule of the catalogue forbids it.
    #[error("a rule of the catalogue forbids it")]
    Refused(#[from] Refusal),
    /// The request itself is at fault.
    #[error("the request is refused: {}", .0.code())]
    Request(Problem),
}

/// What a handler gives back.
pub type Result<T> = std::result::Result<T, Error>;

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Request(problem)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => failed(error),
            Error::Refused(refusal) => refused(&refusal),
            Error::Request(problem) => problem,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// What a refusal of the domain is on the wire.
fn refused(refusal: &Refusal) -> Problem {
    let conflict = |code, title| Problem::conflict(code, title).with_detail(format!("{refusal}."));
    match refusal {
        Refusal::Invalid(violations) => Problem::violations(violations),
        Refusal::ReasonRequired => Problem::field("/reason", "required", "Say why."),
        Refusal::ReasonTooLong => Problem::field("/reason", "too_long", format!("{refusal}.")),
        Refusal::WrongState { .. } => conflict("wrong_state", "The workflow has no such step from here"),
        Refusal::SameAuthor => conflict("same_author", "Somebody else must do this"),
        Refusal::Unchanged => conflict("unchanged", "Nothing was changed"),
        Refusal::NothingToPublish => conflict("no_draft", "There is no draft"),
        Refusal::NotAComposition(_) => conflict("no_workflow", "This has no workflow"),
        Refusal::Curated => conflict("curated", "A person has changed this"),
        Refusal::WrongKind { .. } => Problem::internal(refusal),
    }
}

/// What a failure of the database is on the wire. All of this API lives on the primary, so without it
/// nothing here is available.
pub(crate) fn failed(error: StoreError) -> Problem {
    match error {
        StoreError::Unavailable(_) | StoreError::NoNode | StoreError::Fenced => {
            tracing::warn!(error = %error, "The primary is away");
            Problem::writes_unavailable()
        }
        StoreError::Contended(_) | StoreError::TimedOut | StoreError::Behind => Problem::unavailable(&error),
        StoreError::RowVersion { current } => Problem::precondition_failed(current),
        StoreError::NotFound(_) => Problem::not_found(),
        StoreError::BadCursor => {
            Problem::field("/cursor", "bad_cursor", "This cursor was not made by this list.")
        }
        StoreError::SlugTaken => Problem::conflict("slug_taken", "The slug is taken"),
        StoreError::ExternalIdTaken => {
            Problem::field("/external_ids", "taken", "Another record has one of these external ids.")
        }
        StoreError::ReferenceMissing => Problem::validation(vec![FieldError::new(
            "",
            "reference_missing",
            "The record refers to something that does not exist.",
        )]),
        StoreError::Referenced { by } => {
            let named: Vec<_> = by.iter().map(ToString::to_string).collect();
            Problem::conflict("referenced", "Live records refer to it")
                .with_detail(format!("Referred to by {}.", named.join(", ")))
        }
        other => Problem::internal(&other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{State, Violation};

    fn told(error: impl Into<Error>) -> (u16, &'static str) {
        let problem = Problem::from(error.into());
        (problem.status().as_u16(), problem.code())
    }

    #[test]
    fn every_refusal_has_its_status_and_code() {
        assert_eq!(told(Refusal::WrongState { verb: "publish", state: State::Draft }), (409, "wrong_state"));
        assert_eq!(told(Refusal::SameAuthor), (409, "same_author"));
        assert_eq!(told(Refusal::Unchanged), (409, "unchanged"));
        assert_eq!(told(Refusal::ReasonRequired), (422, "validation"));
        assert_eq!(told(Refusal::Invalid(vec![Violation::error("/a", "b", "c")])), (422, "validation"));
    }

    #[test]
    fn missing_primary_is_told_as_such() {
        assert_eq!(told(StoreError::Unavailable(None)), (503, "writes_unavailable"));
        assert_eq!(told(StoreError::Fenced), (503, "writes_unavailable"));
        assert_eq!(told(StoreError::RowVersion { current: 4 }), (412, "precondition_failed"));
    }

    #[test]
    fn damage_is_told_as_internal_only() {
        let problem = Problem::from(Error::from(StoreError::Corrupt("column body of aggregate".to_owned())));
        assert_eq!(problem.status().as_u16(), 500);
        assert!(!serde_json::to_string(&problem.body(None)).unwrap().contains("column"));
    }
}
