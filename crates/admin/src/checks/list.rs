//! What deserves a look, over all records.

use crate::error::Result;
use crate::state::State;
use auth::permission::QualityRead;
use axum::extract;
use domain::quality::{Finding, Rule, Survey};
use domain::{EntityKind, Severity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::page::{cursor_read, cursor_write, limit};
use web::{Authz, Json, Query};

/// A page of the report, with the counts of the whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Report {
    /// Records that were looked at.
    pub records: usize,
    /// Findings by rule, whatever was asked for.
    pub counts: BTreeMap<String, usize>,
    pub items: Vec<Finding>,
    /// Send it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Which findings are shown.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Only this rule.
    rule: Option<Rule>,
    /// Only entities of this kind.
    kind: Option<EntityKind>,
    /// Only this severity or a graver one.
    severity: Option<Severity>,
    /// 1 to 100.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The place in the report: behind this finding.
#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct Behind {
    rule: Rule,
    kind: EntityKind,
    id: Uuid,
    field: String,
    message: String,
}

/// Looks at every record and lists what deserves a look, by rule. Each request reads the whole catalogue.
#[utoipa::path(
    get,
    path = "/v1/admin/checks",
    params(Parameters),
    responses((status = 200, description = "A page of findings", body = Report))
)]
pub async fn handler(
    _: Authz<QualityRead>,
    extract::State(state): extract::State<State>,
    Query(query): Query<Parameters>,
) -> Result<Json<Report>> {
    let limit = usize::from(limit(query.limit)?);
    let behind = cursor_read::<Behind>(query.cursor.as_deref())?;
    let mut survey = Survey::default();
    state.writer.walk(&mut |entity, record| survey.look(entity, record)).await?;
    let records = survey.records;
    let mut items = survey.finish();
    let mut counts = BTreeMap::new();
    for finding in &items {
        *counts.entry(finding.rule.as_str().to_owned()).or_default() += 1;
    }
    items.retain(|finding| {
        query.rule.is_none_or(|rule| finding.rule == rule)
            && query.kind.is_none_or(|kind| finding.entity.kind == kind)
            && query.severity.is_none_or(|severity| finding.severity >= severity)
            && behind.as_ref().is_none_or(|behind| place(finding) > *behind)
    });
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|last| cursor_write(&place(last)));
    Ok(Json(Report { records, counts, items, next_cursor }))
}

fn place(finding: &Finding) -> Behind {
    Behind {
        rule: finding.rule,
        kind: finding.entity.kind,
        id: finding.entity.id,
        field: finding.field.clone(),
        message: finding.message.clone(),
    }
}
