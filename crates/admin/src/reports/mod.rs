//! Readers' reports: taken from anybody, read and answered by editors.
//!
//! Readers write nothing else, and they write it here because this role holds the writer: every edge sends
//! `POST /v1/reports`, and `POST /reports` of pages without a script, to the region with the primary.

pub mod answer;
pub mod create;
pub mod form;
pub mod list;
mod throttle;
mod words;

use chrono::{DateTime, Utc};
use domain::report::{Place, ReportState};
use domain::{Actor, EntityRef};
use serde::{Deserialize, Serialize};
use store::ReportRow;
pub(crate) use throttle::Throttle;
use utoipa::ToSchema;
use uuid::Uuid;

/// A report as editors see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Report {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub entity: EntityRef,
    /// The revision that readers saw then.
    pub revision: i32,
    pub place: Place,
    pub text: String,
    /// How to reach the reader; shown to those who may answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    pub state: ReportState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answered>,
}

/// What an editor said.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Answered {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The revision that mends what was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended_by: Option<i32>,
    pub by: Actor,
    pub at: DateTime<Utc>,
}

impl Report {
    /// The report of `row`, with the contact where `shows_contact`.
    pub fn of(row: ReportRow, shows_contact: bool) -> Self {
        let store::ReportAnswer { text, mended_by, by, at } = match row.answer {
            None => return Self::open(row, shows_contact),
            Some(ref answer) => answer.clone(),
        };
        Self { answer: Some(Answered { text, mended_by, by, at }), ..Self::open(row, shows_contact) }
    }

    fn open(row: ReportRow, shows_contact: bool) -> Self {
        let ReportRow { report, state, .. } = row;
        Self {
            id: report.id,
            at: report.at,
            entity: report.entity,
            revision: report.revision,
            place: report.place,
            text: report.text,
            contact: report.contact.filter(|_| shows_contact),
            state,
            answer: None,
        }
    }
}
