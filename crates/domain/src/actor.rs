//! Who does something, and with which roles.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A role; `auth` maps each to its permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Editor,
    Reviewer,
    IngestOperator,
    Admin,
}

impl Role {
    /// Every role, weakest first.
    pub const ALL: [Self; 5] =
        [Self::Viewer, Self::Editor, Self::Reviewer, Self::IngestOperator, Self::Admin];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Reviewer => "reviewer",
            Self::IngestOperator => "ingest_operator",
            Self::Admin => "admin",
        }
    }
}

/// The author of a change, as revisions and the audit trail name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    /// The account, or none for the platform itself (loader, migration).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Uuid>,
    /// What the audit trail shows: an account's name, or `system:load`.
    pub name: String,
}

impl Actor {
    /// The platform itself, acting through one of its commands: `Actor::system("load")`.
    pub fn system(command: &str) -> Self {
        Self { user: None, name: format!("system:{command}") }
    }
}
