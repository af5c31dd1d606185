//! The one shape of every change: lock, compare, decide, save with audit and event, commit.

use crate::error::{Error, Result};
use crate::idempotency::{Answered, Idempotent};
use crate::notation;
use crate::slug::slug;
use crate::state::State;
use crate::wire::{Detail, committed};
use auth::Permission;
use axum::response::Response;
use domain::revision::ChangeKind;
use domain::{Actor, Aggregate, Change, EntityKind, EntityRef, Record, Stamp};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use store::{AuditContext, Error as StoreError};
use utoipa::ToSchema;
use web::{Authz, Context, FieldError, IfMatch, Problem};

/// Who makes a change, for the stamp and for the audit trail.
pub struct Author {
    pub context: Context,
    pub actor: Actor,
    pub role: String,
}

/// Why something is done. Some verbs demand it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// A sentence for those who read the history.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Author {
    pub fn of<P: Permission>(authz: &Authz<P>, context: Context) -> Self {
        Self { context, actor: authz.actor(), role: authz.role.as_str().to_owned() }
    }

    pub fn stamp(&self) -> Stamp {
        Stamp { actor: self.actor.clone(), now: self.context.now, event_id: self.context.new_id() }
    }

    pub fn audit(&self) -> AuditContext {
        AuditContext {
            actor: self.actor.clone(),
            role: Some(self.role.clone()),
            ip: self.context.client_ip,
            request_id: self.context.request_id.clone(),
        }
    }
}

/// Changes one aggregate. `decide` is pure: it sees the locked aggregate and says what happens to it.
/// `name` names the transaction in the metrics.
pub async fn change<F>(
    state: &State,
    name: &'static str,
    author: &Author,
    entity: EntityRef,
    if_match: IfMatch,
    decide: F,
) -> Result<Response>
where
    F: FnOnce(&mut Aggregate, &Stamp) -> Result<Change> + Send,
{
    let mut tx = state.writer.begin(name).await?;
    let mut aggregate = tx.aggregate_for_update(entity).await?.ok_or_else(Problem::not_found)?;
    if_match.check(aggregate.row_version)?;
    let change = decide(&mut aggregate, &author.stamp())?;
    notation::check(&mut tx, change.after.as_ref()).await?;
    if let Err(error) = tx.aggregate_save(&aggregate, &change).await {
        drop(tx);
        return Err(with_pointers(state, error, change.after.as_ref()).await);
    }
    tx.audit(&author.audit(), &change).await?;
    tx.record(&change).await?;
    let point = tx.commit().await?;
    tracing::info!(entity = %entity, "Carried out `{}`", change.action);
    Ok(committed(Detail::from(&aggregate).answer(), point))
}

/// Makes a new aggregate, once for each idempotency key.
pub async fn create(
    state: &State,
    name: &'static str,
    author: &Author,
    record: Record,
    once: Idempotent,
) -> Result<Response> {
    let kind = record.kind();
    let route = format!("POST /v1/admin/{}", kind.plural());
    let mut tx = state.writer.begin(name).await?;
    let once = match once.begin(&mut tx, &route, &record, author).await? {
        Answered::Before(response) => return Ok(response),
        Answered::NotYet(once) => once,
    };
    let entity = EntityRef { kind, id: author.context.new_id() };
    let slug = tx.slug_free(kind, &slug(record.label(), kind.as_str())).await?;
    let (aggregate, change) =
        Aggregate::create(entity, slug, record, ChangeKind::CuratorEdit, &author.stamp())?;
    notation::check(&mut tx, change.after.as_ref()).await?;
    if let Err(error) = tx.aggregate_insert(&aggregate, &change).await {
        drop(tx);
        return Err(with_pointers(state, error, change.after.as_ref()).await);
    }
    tx.audit(&author.audit(), &change).await?;
    tx.record(&change).await?;
    let detail = Detail::from(&aggregate);
    once.finish(&mut tx, StatusCode::CREATED, &detail).await?;
    let point = tx.commit().await?;
    tracing::info!(entity = %entity, "Carried out `{}`", change.action);
    Ok(committed(detail.created(), point))
}

/// A whole new body for reference data, live at once; for a composition, its draft.
pub async fn replace(
    state: &State,
    name: &'static str,
    author: &Author,
    entity: EntityRef,
    if_match: IfMatch,
    record: Record,
) -> Result<Response> {
    let decide = |aggregate: &mut Aggregate, stamp: &Stamp| {
        Ok(aggregate.edit(record, ChangeKind::CuratorEdit, None, stamp)?)
    };
    change(state, name, author, entity, if_match, decide).await
}

/// Says which reference leads nowhere. The transaction is over by now and nothing was written, so the look
/// at each target may be slow.
async fn with_pointers(state: &State, error: StoreError, record: Option<&Record>) -> Error {
    let (StoreError::ReferenceMissing, Some(record)) = (&error, record) else { return error.into() };
    let mut refused = Vec::new();
    let body = serde_json::to_value(record).unwrap_or_default();
    let mut references: Vec<_> = record.references().into_iter().map(|(_, target)| target).collect();
    references.sort_unstable();
    references.dedup();
    for target in references {
        match state.writer.aggregate(target).await {
            Ok(Some(_)) => {}
            Ok(None) => refused.extend(missing(&body, target)),
            Err(error) => return error.into(),
        }
    }
    if refused.is_empty() { error.into() } else { Problem::validation(refused).into() }
}

fn missing(body: &Value, target: EntityRef) -> Vec<FieldError> {
    let mut pointers = Vec::new();
    pointers_of(body, &target.id.to_string(), String::new(), &mut pointers);
    let detail = format!("There is no {} with this id.", target.kind);
    pointers
        .into_iter()
        .map(|pointer| FieldError::new(pointer, "reference_missing", detail.clone()))
        .collect()
}

fn pointers_of(value: &Value, id: &str, at: String, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text == id => found.push(at),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers_of(item, id, format!("{at}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                pointers_of(item, id, format!("{at}/{}", web::extract::escaped(key)), found);
            }
        }
        _ => {}
    }
}

/// The entity of `kind` that a path names.
pub const fn entity(kind: EntityKind, id: uuid::Uuid) -> EntityRef {
    EntityRef { kind, id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    #[test]
    fn missing_reference_is_shown_wherever_it_stands() {
        let id = Uuid::from_u128(9);
        let body =
            json!({"versions": [{"ragas": [{"raga": id}, {"raga": Uuid::from_u128(8)}, {"raga": id}]}]});
        let fields: Vec<_> =
            missing(&body, entity(EntityKind::Raga, id)).into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["/versions/0/ragas/0/raga", "/versions/0/ragas/2/raga"]);
    }
}
