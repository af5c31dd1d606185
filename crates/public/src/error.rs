//! Failures of what is read, as problems.

use crate::export::ExportError;
use crate::paging::bad_cursor;
use web::Problem;

/// What the database said, as a reader may know it.
pub(crate) fn store_problem(error: store::Error) -> Problem {
    match error {
        store::Error::BadCursor => bad_cursor(),
        store::Error::NoNode | store::Error::Behind => Problem::unavailable(&error),
        error if error.is_retryable() => Problem::unavailable(&error),
        error => Problem::internal(&error),
    }
}

/// What stopped an export.
pub(crate) fn export_problem(error: ExportError) -> Problem {
    match error {
        ExportError::Store(error) => store_problem(error),
        ExportError::Changed => Problem::unavailable(&error),
        ExportError::Row(_) => Problem::internal(&error),
    }
}

/// What the index said, as a reader may know it.
pub(crate) fn search_problem(error: search::Error) -> Problem {
    match error {
        search::Error::Cursor => bad_cursor(),
        search::Error::TooManyFilters { .. } => Problem::field("/q", "too_many_filters", error.to_string()),
        search::Error::Limit { .. } => Problem::field("/limit", "out_of_range", error.to_string()),
        error => Problem::internal(&error),
    }
}
