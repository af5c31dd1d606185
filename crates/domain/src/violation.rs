//! What is wrong with a record, and where.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a violation stops a publication or only deserves a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Shown to editors; nothing is refused.
    Warning,
    /// Allowed in a draft, refused at publication.
    Draft,
    /// Never stored.
    Error,
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Violation {
    /// JSON pointer (RFC 6901) of the field inside the record.
    pub field: String,
    /// Stable name of the rule, `lower_snake`.
    pub code: String,
    /// A sentence for the person who typed the field.
    pub detail: String,
    pub severity: Severity,
}

impl Violation {
    /// A violation that refuses the record.
    pub fn error(field: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code: code.to_owned(), detail: detail.into(), severity: Severity::Error }
    }

    /// A violation that a draft may have and a publication may not.
    pub fn draft(field: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Draft, ..Self::error(field, code, detail) }
    }

    /// A violation that is only shown.
    pub fn warning(field: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(field, code, detail) }
    }
}
