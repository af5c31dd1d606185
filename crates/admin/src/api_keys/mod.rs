//! API keys and the accounts that they stand for.

pub mod create;
pub mod list;
pub mod revoke;

use chrono::{DateTime, Utc};
use domain::Role;
use serde::{Deserialize, Serialize};
use store::Error as StoreError;
use utoipa::ToSchema;
use uuid::Uuid;
use web::Problem;

use crate::error::Error;

/// A key that was just made.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct IssuedKey {
    pub id: Uuid,
    pub account: Uuid,
    /// Of the account.
    pub name: String,
    pub roles: Vec<Role>,
    pub label: String,
    pub expires_at: DateTime<Utc>,
    /// The secret. It is shown once: we keep its hash, and a repeated answer leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// The longest name of an account or a key, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// A name that the audit trail can show.
pub fn account_name(name: &str) -> Result<&str, Problem> {
    named("/name", name)
}

fn named<'a>(field: &str, text: &'a str) -> Result<&'a str, Problem> {
    let text = text.trim();
    let good = (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    let detail = "1 to 100 bytes, without control characters.";
    if good { Ok(text) } else { Err(Problem::field(field, "bad_name", detail)) }
}

/// Names of accounts are unique, and the database says so.
pub fn name_taken(error: StoreError) -> Error {
    match &error {
        StoreError::Conflict { constraint } if constraint == "account_name_key" => {
            Problem::conflict("name_taken", "An account has this name").into()
        }
        _ => error.into(),
    }
}
