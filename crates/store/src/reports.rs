//! Readers' reports: stored by whoever holds a writer, listed and answered by editors.

use crate::error::Error;
use crate::page::{Cursor, Page, fetch_limit, page_of};
use crate::pools::Writer;
use crate::statement::{Growing, Statement};
use crate::tx::Tx;
use crate::wire::{entity_at, value_of};
use chrono::{DateTime, Utc};
use domain::report::{Place, ReportState};
use domain::{Actor, EntityRef};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// What a reader sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReport {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub entity: EntityRef,
    /// The revision that readers saw then.
    pub revision: i32,
    pub place: Place,
    pub text: String,
    /// How to reach the reader, where that is wished.
    pub contact: Option<String>,
}

/// A report with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    pub report: NewReport,
    pub state: ReportState,
    /// None while it is open.
    pub answer: Option<ReportAnswer>,
}

/// What an editor says to a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportAnswer {
    pub text: Option<String>,
    /// The revision that mends what was reported.
    pub mended_by: Option<i32>,
    pub by: Actor,
    pub at: DateTime<Utc>,
}

/// Which reports a list shows.
#[derive(Clone, Debug, Default)]
pub struct ReportFilter {
    pub state: Option<ReportState>,
    pub entity: Option<Uuid>,
}

impl Tx {
    /// Stores a report.
    pub async fn report_insert(&mut self, report: &NewReport) -> Result<(), Error> {
        let statement = Statement::new(INSERT)
            .bind(report.id)
            .bind(report.at)
            .bind(report.entity.kind.as_str())
            .bind(report.entity.id)
            .bind(report.revision)
            .bind(report.place.version)
            .bind(report.place.section)
            .bind(report.place.line.map(i32::from))
            .bind(report.text.clone())
            .bind(report.contact.clone());
        self.execute(statement).await?;
        Ok(())
    }

    /// The report, locked until the end of the transaction.
    pub async fn report_for_update(&mut self, id: Uuid) -> Result<Option<ReportRow>, Error> {
        let row = self.row(Statement::new(ONE).bind(id)).await?;
        row.as_ref().map(row_of).transpose()
    }

    /// Closes a report.
    pub async fn report_answer(
        &mut self,
        id: Uuid,
        state: ReportState,
        answer: &ReportAnswer,
    ) -> Result<(), Error> {
        let statement = Statement::new(ANSWER)
            .bind(id)
            .bind(state.as_str())
            .bind(answer.text.clone())
            .bind(answer.mended_by)
            .bind(answer.by.user)
            .bind(answer.by.name.clone())
            .bind(answer.at);
        self.execute(statement).await?;
        Ok(())
    }
}

impl Writer {
    /// Reports, newest first.
    pub async fn reports(
        &self,
        filter: &ReportFilter,
        limit: usize,
        before: Option<&Cursor>,
    ) -> Result<Page<ReportRow>, Error> {
        let mut sql = Growing::new(LIST);
        if let Some(state) = filter.state {
            sql.push(" and state = ").bind(state.as_str());
        }
        if let Some(entity) = filter.entity {
            sql.push(" and aggregate_id = ").bind(entity);
        }
        if let Some(before) = before {
            let at = DateTime::from_timestamp_micros(before.micros()?).ok_or(Error::BadCursor)?;
            sql.push(" and (at, id) < (").bind(at).push(", ").bind(before.id()).push(")");
        }
        sql.push(" order by at desc, id desc limit ").bind(fetch_limit(limit));
        let rows = self.rows(sql.finish()).await?;
        let rows = rows.iter().map(row_of).collect::<Result<Vec<_>, _>>()?;
        Ok(page_of(rows, limit, |row| Cursor::at(row.report.at.timestamp_micros(), row.report.id)))
    }
}

fn row_of(row: &PgRow) -> Result<ReportRow, Error> {
    let line: Option<i32> = row.try_get("line")?;
    let place = Place {
        version: row.try_get("version_id")?,
        section: row.try_get("section_id")?,
        line: line.and_then(|line| u16::try_from(line).ok()),
    };
    let answered_at: Option<DateTime<Utc>> = row.try_get("answered_at")?;
    let name: Option<String> = row.try_get("answered_name")?;
    let by = Actor { user: row.try_get("answered_user")?, name: name.unwrap_or_default() };
    let (text, mended_by) = (row.try_get("answer")?, row.try_get("mended_by")?);
    Ok(ReportRow {
        report: NewReport {
            id: row.try_get("id")?,
            at: row.try_get("at")?,
            entity: entity_at(row, "kind", "aggregate_id")?,
            revision: row.try_get("revision")?,
            place,
            text: row.try_get("text")?,
            contact: row.try_get("contact")?,
        },
        state: value_of(row.try_get("state")?)?,
        answer: answered_at.map(|at| ReportAnswer { text, mended_by, by, at }),
    })
}

const INSERT: &str = "
    insert into report (id, at, kind, aggregate_id, revision, version_id, section_id, line, text, contact, state)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open')";

const ONE: &str = "select * from report where id = $1 for update";

const ANSWER: &str = "
    update report
    set state = $2, answer = $3, mended_by = $4, answered_user = $5, answered_name = $6, answered_at = $7
    where id = $1";

const LIST: &str = "select * from report where true";
