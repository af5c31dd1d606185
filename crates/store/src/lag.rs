//! Waiting until a node has replayed a position.
//!
//! A replica that has replayed a WAL position shows every commit before it. PostgreSQL up to 18 offers no
//! way to wait for that, so this asks again and again; the rest of the store does not know how it is done.

use crate::error::Error;
use crate::node::NodeState;
use crate::statement::Statement;
use crate::wire::count_at;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Pause between two questions.
const POLL: Duration = Duration::from_millis(2);

/// Waits until `node` has replayed `lsn`, at most for `wait`; false where it has not by then. A primary
/// includes every position that was handed out after a commit.
pub(crate) async fn await_replayed(node: &NodeState, lsn: u64, wait: Duration) -> Result<bool, Error> {
    if !node.in_recovery() || node.lsn() >= lsn {
        return Ok(true);
    }
    let deadline = Instant::now() + wait;
    loop {
        let replayed = replayed(node).await?;
        node.raise_lsn(replayed);
        if replayed >= lsn {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(POLL).await;
    }
}

async fn replayed(node: &NodeState) -> Result<u64, Error> {
    let rows = node.rows(Statement::new(REPLAYED)).await?;
    rows.first().map_or(Ok(0), |row| count_at(row, "lsn"))
}

const REPLAYED: &str = "select coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)::bigint as lsn";
