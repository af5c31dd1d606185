//! Purges by hand: for what no event of the catalogue says.
//!
//! An order is kept, audited and put into the outbox in one transaction, and reaches the edges of both regions by the
//! log that carries every other purge. This API knows no edge; whoever starts it tells it how to ask for them.

mod bucket;
pub mod create;
pub mod get;
mod reach;

pub(crate) use bucket::Bucket;
pub use reach::{Reach, Reached, Who};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use store::PurgeRow;
use utoipa::ToSchema;
use uuid::Uuid;

/// An order to purge and how far it has come.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Purge {
    pub id: Uuid,
    /// Its position in the log; null until it has one.
    pub seq: Option<u64>,
    /// Whether every live edge has acknowledged it.
    pub done: bool,
    /// Surrogate keys, and addresses as `url …`, `prefix …`, `host …`, or `all`.
    pub targets: Vec<String>,
    /// Confirmed with the origin before its next use, instead of gone.
    pub soft: bool,
    pub reason: String,
    pub ordered_by: String,
    pub at: DateTime<Utc>,
    /// Every edge and every CDN that is known, with its state.
    pub edges: Vec<EdgeState>,
}

/// One edge, or one CDN in front of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EdgeState {
    pub name: String,
    pub region: String,
    pub who: Who,
    pub state: Progress,
    /// The last position that it applied.
    pub seq: u64,
}

/// How far an order has come somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The edge has applied it: nothing older is served there.
    Acknowledged,
    /// The provider of the CDN has accepted it. When it is done there, the provider knows.
    Accepted,
    /// On its way.
    Pending,
    /// Whoever it is has not been heard of lately. It applies the order before it serves as usual again.
    Silent,
}

impl Purge {
    fn of(row: PurgeRow, reached: &[Reached]) -> Self {
        let edges: Vec<EdgeState> = reached.iter().map(|one| EdgeState::of(one, &row)).collect();
        let done = row.position.is_some() && edges.iter().all(EdgeState::is_done);
        let PurgeRow { order, position, .. } = row;
        Self {
            id: order.id,
            seq: position,
            done,
            targets: order.what.targets,
            soft: order.what.soft,
            reason: order.reason,
            ordered_by: order.ordered_by,
            at: order.at,
            edges,
        }
    }
}

impl EdgeState {
    fn of(reached: &Reached, row: &PurgeRow) -> Self {
        let has_it = match (row.position, row.epoch) {
            (Some(position), Some(epoch)) => (reached.epoch, reached.position) >= (epoch, position),
            // Kept so long that the log has forgotten it, or not yet in the log.
            _ => false,
        };
        let state = match (has_it, reached.who) {
            (true, Who::Edge) => Progress::Acknowledged,
            (true, Who::Cdn) => Progress::Accepted,
            (false, _) if reached.live => Progress::Pending,
            (false, _) => Progress::Silent,
        };
        let Reached { name, region, who, position, .. } = reached.clone();
        Self { name, region, who, state, seq: position }
    }

    /// Nobody waits for who is silent, nor for a provider.
    fn is_done(&self) -> bool {
        self.who == Who::Cdn || self.state != Progress::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::{PurgeOrder, PurgeTargets};

    fn row(place: Option<(u64, u64)>) -> PurgeRow {
        let what = PurgeTargets { targets: vec!["a".into()], soft: true };
        let (id, at) = (Uuid::nil(), DateTime::UNIX_EPOCH);
        let order = PurgeOrder { id, what, reason: "test".into(), ordered_by: "asha".into(), at };
        PurgeRow { order, position: place.map(|place| place.1), epoch: place.map(|place| place.0) }
    }

    fn reached(who: Who, epoch: u64, position: u64, live: bool) -> Reached {
        Reached { name: "x".into(), region: "a".into(), who, epoch, position, live }
    }

    #[test]
    fn every_state_has_its_word() {
        let table = [
            (reached(Who::Edge, 1, 7, true), Progress::Acknowledged),
            (reached(Who::Edge, 1, 7, false), Progress::Acknowledged),
            (reached(Who::Edge, 1, 6, true), Progress::Pending),
            (reached(Who::Edge, 1, 6, false), Progress::Silent),
            (reached(Who::Cdn, 2, 1, true), Progress::Accepted),
            (reached(Who::Cdn, 1, 6, true), Progress::Pending),
        ];
        for (reached, state) in table {
            assert_eq!(EdgeState::of(&reached, &row(Some((1, 7)))).state, state, "{reached:?}");
        }
    }

    #[test]
    fn an_order_is_done_when_every_live_edge_has_it() {
        let has = reached(Who::Edge, 1, 7, true);
        let (late, gone) = (reached(Who::Edge, 1, 6, true), reached(Who::Edge, 1, 6, false));
        let provider = reached(Who::Cdn, 1, 6, true);
        let place = || row(Some((1, 7)));
        assert!(Purge::of(place(), &[has.clone(), gone, provider]).done);
        assert!(!Purge::of(place(), &[has.clone(), late]).done);
        assert!(!Purge::of(row(None), &[has]).done, "it has no position yet");
    }
}
