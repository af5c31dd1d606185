//! Two entities become one: preview and run are the same work, of which a preview is rolled back.

use crate::change::Author;
use crate::error::{Error, Result};
use crate::idempotency::{Answered, Idempotent};
use crate::state::State;
use crate::wire::committed;
use auth::permission::IdentityMerge;
use axum::extract;
use axum::response::{IntoResponse, Response};
use domain::merge::{self, Line};
use domain::verdict::{Member, Ruling};
use domain::{Aggregate, Change, EntityKind, EntityRef, Record, Verdict};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashSet;
use store::{NewMerge, Tx};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Authz, Context, Json, Problem};

/// The most aggregates that may refer to the loser: all of them change in one transaction.
const REFERRERS_MAX: usize = 5_000;
/// The most of them that an answer lists.
const LISTED_MAX: usize = 100;

/// What is to become one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MergeRequest)]
pub struct Body {
    kind: EntityKind,
    /// Takes the names and ids of the loser.
    keeper: Uuid,
    /// Goes, and leads to the keeper for ever.
    loser: Uuid,
    /// Required where parents or scales differ.
    #[serde(default)]
    reason: Option<String>,
    /// Says what would happen and leaves everything as it is.
    #[serde(default)]
    dry_run: bool,
}

/// What a merge did, or would do.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Merge {
    /// None for a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    pub keeper: Uuid,
    pub loser: Uuid,
    pub dry_run: bool,
    /// Aggregates that referred to the loser and refer to the keeper now.
    pub changed: usize,
    /// The first 100 of them.
    pub examples: Vec<EntityRef>,
    /// Ordered raga entries of the songs among them, before and after: the same number.
    pub raga_entries_before: usize,
    pub raga_entries_after: usize,
}

/// Merges one entity into another: references are repointed one by one in their order, names become aliases,
/// and the old id and slug lead to the keeper.
#[utoipa::path(
    post,
    path = "/v1/admin/merges",
    params(("idempotency-key" = Option<String>, Header, description = "The same key is carried out once")),
    request_body = Body,
    responses((status = 200, description = "What was done", body = Merge))
)]
pub async fn handler(
    authz: Authz<IdentityMerge>,
    extract::State(state): extract::State<State>,
    context: Context,
    once: Idempotent,
    Json(body): Json<Body>,
) -> Result<Response> {
    let author = Author::of(&authz, context);
    let mut tx = state.writer.begin("identity.merge").await?;
    let once = match once.begin(&mut tx, "POST /v1/admin/merges", &body, &author).await? {
        Answered::Before(response) => return Ok(response),
        Answered::NotYet(once) => once,
    };
    let mut merger = Merger { tx, author, body, done: Merge::default(), before: Vec::new() };
    merger.run().await?;
    let Merger { mut tx, done, body, .. } = merger;
    if body.dry_run {
        return Ok(Json(done).into_response());
    }
    once.finish(&mut tx, StatusCode::OK, &done).await?;
    let point = tx.commit().await?;
    tracing::info!(keeper = %body.keeper, loser = %body.loser, "Merged two entities");
    Ok(committed(Json(done).into_response(), point))
}

struct Merger {
    tx: Tx,
    author: Author,
    body: Body,
    done: Merge,
    /// The changed aggregates with their live and draft revisions before.
    before: Vec<serde_json::Value>,
}

impl Merger {
    async fn run(&mut self) -> Result<()> {
        let Body { keeper, loser, dry_run, .. } = self.body;
        let (mut keeper, mut loser) = self.both(keeper, loser).await?;
        let verdicts = self.tx.verdicts().await?;
        let rulings: Vec<Verdict> = verdicts.iter().map(|row| row.verdict.clone()).collect();
        merge::judge(&keeper, &loser, &rulings, self.reason())?;
        self.repoint_all(keeper.entity, loser.entity).await?;

        let reason = self.reason().map(str::to_owned);
        let lost = loser.current().clone();
        let change = loser.lose(reason.clone(), &self.author.stamp());
        self.save(&loser, &change).await?;
        if let Some(change) = keeper.take_in(&lost, reason, &self.author.stamp())? {
            self.save(&keeper, &change).await?;
        }
        self.tx.redirects_move(loser.entity, &loser.slug, keeper.entity).await?;
        for row in verdicts {
            if let Some(verdict) = after_merge(row.verdict, keeper.entity.id, loser.entity.id) {
                self.tx.verdict_put(row.id, &verdict, &self.author.actor).await?;
            }
        }
        (self.done.keeper, self.done.loser, self.done.dry_run) = (keeper.entity.id, loser.entity.id, dry_run);
        if dry_run { Ok(()) } else { self.remember(keeper.entity, loser.entity).await }
    }

    fn reason(&self) -> Option<&str> {
        self.body.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty())
    }

    /// Locks both in the order of their ids, as every merge does.
    async fn both(&mut self, keeper: Uuid, loser: Uuid) -> Result<(Aggregate, Aggregate)> {
        let kind = self.body.kind;
        let mut found = Vec::new();
        for id in [keeper.min(loser), keeper.max(loser)] {
            let aggregate = self.tx.aggregate_for_update(EntityRef { kind, id }).await?;
            found.push(aggregate.ok_or_else(|| {
                let field = if id == keeper { "/keeper" } else { "/loser" };
                Problem::field(field, "reference_missing", format!("There is no {kind} with this id."))
            })?);
        }
        let (first, second) = (found.swap_remove(0), found.swap_remove(0));
        Ok(if first.entity.id == keeper { (first, second) } else { (second, first) })
    }

    async fn repoint_all(&mut self, keeper: EntityRef, loser: EntityRef) -> Result<()> {
        let referrers = self.tx.referrers_of_any_line(loser, REFERRERS_MAX + 1).await?;
        if referrers.len() > REFERRERS_MAX {
            let detail =
                format!("More than {REFERRERS_MAX} records refer to the loser; merge the other way.");
            return Err(Problem::conflict("too_many", "Too much would change").with_detail(detail).into());
        }
        for entity in referrers {
            let found = self.tx.aggregate_for_update(entity).await?;
            let mut aggregate = found.ok_or_else(Problem::not_found)?;
            let numbers = [&aggregate.live, &aggregate.draft].map(|line| line.as_ref().map(|own| own.number));
            self.before.push(json!({ "entity": entity, "live": numbers[0], "draft": numbers[1] }));
            for line in [Line::Live, Line::Draft] {
                let stamp = self.author.stamp();
                if let Some(change) = aggregate.repoint(line, loser.id, keeper.id, &stamp)? {
                    self.done.raga_entries_before += raga_entries(change.before.as_ref());
                    self.done.raga_entries_after += raga_entries(change.after.as_ref());
                    self.save(&aggregate, &change).await?;
                }
            }
            self.done.changed += 1;
            if self.done.examples.len() < LISTED_MAX {
                self.done.examples.push(entity);
            }
        }
        Ok(())
    }

    async fn save(&mut self, aggregate: &Aggregate, change: &Change) -> Result<()> {
        self.tx.aggregate_save(aggregate, change).await?;
        self.tx.audit(&self.author.audit(), change).await?;
        Ok(self.tx.record(change).await?)
    }

    async fn remember(&mut self, keeper: EntityRef, loser: EntityRef) -> Result<()> {
        let id = self.author.context.new_id();
        self.done.id = Some(id);
        let merge = NewMerge {
            id,
            kind: keeper.kind,
            keeper: keeper.id,
            loser: loser.id,
            reason: self.reason().map(str::to_owned),
            changed: json!(self.before),
            author: self.author.actor.clone(),
        };
        self.tx.merge_insert(&merge).await?;
        let note =
            json!({ "merge": id, "keeper": keeper.id, "loser": loser.id, "changed": self.done.changed });
        Ok(self.tx.audit_note(&self.author.audit(), "identity_merge", Some(keeper), note).await?)
    }
}

/// What a ruling that names the loser says afterwards; none where it does not name it.
fn after_merge(mut verdict: Verdict, keeper: Uuid, loser: Uuid) -> Option<Verdict> {
    let names = |id: Uuid| verdict.members.iter().any(|member| member.entity == Some(id));
    if !names(loser) {
        return None;
    }
    let both = names(keeper);
    for member in verdict.members.iter_mut().filter(|member| member.entity == Some(loser)) {
        member.entity = Some(keeper);
    }
    let left: HashSet<Uuid> = verdict.members.iter().filter_map(|member| member.entity).collect();
    if both && left.len() == 1 {
        // What was deferred is answered now.
        verdict.ruling = Ruling::Merge;
    } else if both {
        let mut seen = false;
        verdict
            .members
            .retain(|Member { entity, .. }| *entity != Some(keeper) || !std::mem::replace(&mut seen, true));
    }
    Some(verdict)
}

fn raga_entries(record: Option<&Record>) -> usize {
    match record {
        Some(Record::Composition(song)) => song.versions.iter().map(|version| version.ragas.len()).sum(),
        _ => 0,
    }
}

impl From<domain::merge::MergeRefusal> for Error {
    fn from(refusal: domain::merge::MergeRefusal) -> Self {
        use domain::merge::MergeRefusal as Refusal;
        let detail = format!("{refusal}.");
        let (code, title) = match refusal {
            Refusal::ReasonRequired => return Problem::field("/reason", "required", detail).into(),
            Refusal::Kind(_) => return Problem::field("/kind", "not_merged", detail).into(),
            Refusal::Itself => return Problem::field("/loser", "same", detail).into(),
            Refusal::NotLive => ("not_live", "Both must be live"),
            Refusal::Mela => ("mela", "A mela stays"),
            Refusal::KeptApart(_) => ("kept_apart", "People ruled that they are two"),
            Refusal::Related => ("related", "One refers to the other"),
        };
        Problem::conflict(code, title).with_detail(detail).into()
    }
}
