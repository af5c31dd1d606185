//! Strong reads that compositions and reference data share.

use crate::error::Result;
use crate::slug::slug;
use crate::state::State;
use crate::wire::{Detail, RevisionDetail, RevisionDiff, RevisionHead, Summary};
use axum::response::Response;
use domain::revision::diff as record_diff;
use domain::{EntityKind, EntityRef, State as Workflow};
use serde::{Deserialize, Serialize};
use store::{AggregateFilter, Cursor, NamePart};
use utoipa::IntoParams;
use web::page::{cursor_read, cursor_write, limit};
use web::{Json, Page, Problem};

/// Which aggregates a list shows.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only those in this state.
    pub state: Option<Workflow>,
    /// Only those that are called so, in part: in the slug or in any published name, whatever the script and
    /// the spelling.
    pub q: Option<String>,
    /// 1 to 100.
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which page of a history is shown.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// 1 to 100.
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which two revisions are compared.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DiffQuery {
    /// The older revision; the one before `to` where it is left out, 0 for nothing at all.
    pub from: Option<i32>,
    /// The newer revision; the newest where it is left out.
    pub to: Option<i32>,
}

/// The longest text to look for, in bytes.
const Q_BYTES_MAX: usize = 200;

pub async fn list(state: &State, kind: EntityKind, query: ListQuery) -> Result<Json<Page<Summary>>> {
    if query.q.as_ref().is_some_and(|text| text.len() > Q_BYTES_MAX) {
        return Err(Problem::field("/q", "too_long", format!("`q` has at most {Q_BYTES_MAX} bytes.")).into());
    }
    // New slugs are folded labels, so the text is folded in the same way; what folds to nothing is sought as it is.
    let named = query.q.map(|text| NamePart { slug: slug(&text, &text), k1: lipi::k1_prefix(&text) });
    let filter = AggregateFilter { kind: Some(kind), state: query.state, named };
    let after = cursor_read::<Cursor>(query.cursor.as_deref())?;
    let page = state.writer.aggregates(&filter, usize::from(limit(query.limit)?), after.as_ref()).await?;
    let items = page.items.into_iter().map(Summary::from).collect();
    Ok(Json(Page { items, next_cursor: page.next.as_ref().map(cursor_write) }))
}

pub async fn get(state: &State, entity: EntityRef) -> Result<Response> {
    let aggregate = state.writer.aggregate(entity).await?.ok_or_else(Problem::not_found)?;
    Ok(Detail::from(&aggregate).answer())
}

/// The place in a history: below this number.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Below {
    revision_below: i32,
}

pub async fn history(
    state: &State,
    entity: EntityRef,
    query: HistoryQuery,
) -> Result<Json<Page<RevisionHead>>> {
    let limit = usize::from(limit(query.limit)?);
    let below = cursor_read::<Below>(query.cursor.as_deref())?.map_or(i32::MAX, |below| below.revision_below);
    state.writer.aggregate(entity).await?.ok_or_else(Problem::not_found)?;
    let mut rows = state.writer.revisions(entity).await?;
    rows.retain(|row| row.number < below);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().map(|row| row.number);
    let next_cursor = last.filter(|_| more).map(|number| cursor_write(&Below { revision_below: number }));
    Ok(Json(Page { items: rows.into_iter().map(RevisionHead::from).collect(), next_cursor }))
}

pub async fn revision(state: &State, entity: EntityRef, number: i32) -> Result<Json<RevisionDetail>> {
    // Revisions are found by id alone; the aggregate says whether the kind is the one that was asked for.
    state.writer.aggregate(entity).await?.ok_or_else(Problem::not_found)?;
    let found = state.writer.revision(entity, number).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(RevisionDetail { head: RevisionHead::from(&found), record: found.record }))
}

pub async fn diff(state: &State, entity: EntityRef, query: DiffQuery) -> Result<Json<RevisionDiff>> {
    let newest = state.writer.aggregate(entity).await?.ok_or_else(Problem::not_found)?.revisions;
    let to = numbered("/to", query.to.unwrap_or(newest), 1, newest)?;
    let from = numbered("/from", query.from.unwrap_or(to - 1), 0, newest)?;
    let after = state.writer.revision(entity, to).await?.ok_or_else(Problem::not_found)?;
    let before = match from {
        0 => None,
        number => Some(state.writer.revision(entity, number).await?.ok_or_else(Problem::not_found)?),
    };
    let changes = record_diff(before.as_ref().map(|revision| &revision.record), Some(&after.record));
    Ok(Json(RevisionDiff { from, to, changes }))
}

fn numbered(field: &str, number: i32, least: i32, newest: i32) -> Result<i32> {
    if (least..=newest).contains(&number) {
        return Ok(number);
    }
    Err(Problem::field(field, "out_of_range", format!("Revisions are numbered {least} to {newest}.")).into())
}
