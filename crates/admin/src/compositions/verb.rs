//! What the workflow verbs have in common. Each keeps a route of its own, because each has its own
//! permission.

use crate::change::{Author, Reason, change, entity};
use crate::error::Result;
use crate::state::State;
use axum::response::Response;
use domain::{Aggregate, EntityKind, Stamp, Verb};
use uuid::Uuid;
use web::IfMatch;

/// Moves a composition along.
pub async fn apply(
    state: &State,
    name: &'static str,
    author: &Author,
    verb: Verb,
    id: Uuid,
    if_match: IfMatch,
    why: Reason,
) -> Result<Response> {
    let decide = |aggregate: &mut Aggregate, stamp: &Stamp| {
        Ok(aggregate.apply(verb, why.reason, &state.policy, stamp)?)
    };
    change(state, name, author, entity(EntityKind::Composition, id), if_match, decide).await
}
