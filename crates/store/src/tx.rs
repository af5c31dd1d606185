//! The transaction: named, cancel-safe, fenced by the epoch, rolled back when it is dropped.

use crate::error::Error;
use crate::pools::{Writer, WriterInner};
use crate::statement::Statement;
use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::{Executor, Postgres, Row};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::timeout;

/// Where a commit ended: at this WAL position it can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitPoint {
    pub epoch: u64,
    /// WAL position in bytes.
    pub lsn: u64,
}

/// An open transaction on the primary. Dropping it rolls it back.
pub struct Tx {
    name: &'static str,
    epoch: u64,
    writer: Writer,
    /// None only once it is given back.
    connection: Option<PoolConnection<Postgres>>,
    /// The pool it came from.
    pool: Arc<PgPool>,
    /// A statement failed: the server will answer a commit with a rollback.
    failed: bool,
    /// Something for the relay was written.
    pub(crate) recorded: bool,
    /// The end of the audit chain, once this transaction has locked it.
    pub(crate) audit_head: Option<(i64, [u8; 32])>,
}

impl Writer {
    /// Opens the transaction `name` (for the metrics: `composition.publish`).
    ///
    /// The driver forgets a transaction whose opening future is dropped, and hands the connection on with
    /// the transaction open. So it is opened on a task of its own, which ends whatever happens to the
    /// caller; what nobody waits for any more is rolled back like every dropped transaction.
    pub async fn begin(&self, name: &'static str) -> Result<Tx, Error> {
        self.check_available()?;
        let writer = self.clone();
        let opened = tokio::spawn(async move { open(writer, name).await });
        opened.await.map_err(|_| Error::Unavailable(None))?
    }
}

async fn open(writer: Writer, name: &'static str) -> Result<Tx, Error> {
    let mut attempts_left = BEGIN_ATTEMPTS_MAX;
    loop {
        attempts_left -= 1;
        let pool = writer.0.node.pool();
        match begin_on(&pool).await {
            Ok((connection, epoch)) => {
                let epoch = remember_epoch(&writer.0, epoch);
                let failed = false;
                let (recorded, audit_head) = (false, None);
                let connection = Some(connection);
                return Ok(Tx { name, epoch, writer, connection, pool, failed, recorded, audit_head });
            }
            // The pool may hold connections of an earlier life of the server; nothing was sent yet.
            Err(Error::Unavailable(Some(error))) if attempts_left > 0 && !is_wait(&error) => {
                tracing::debug!(error = %error, "Opening the transaction once more");
                writer.0.node.renew(&pool);
            }
            Err(error) => return Err(error),
        }
    }
}

/// How often a transaction is opened before the primary counts as away.
const BEGIN_ATTEMPTS_MAX: u32 = 2;

const fn is_wait(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::PoolTimedOut)
}

async fn begin_on(pool: &PgPool) -> Result<(PoolConnection<Postgres>, u64), Error> {
    let mut connection = pool.acquire().await?;
    // One round trip: the epoch is read inside the transaction that will name it.
    let opened = connection.fetch_all(sqlx::raw_sql("begin; select epoch from cluster_epoch")).await;
    match opened {
        Ok(rows) => {
            let epoch = rows.first().map_or(Ok(0), |row| row.try_get::<i64, _>(0))?;
            Ok((connection, u64::try_from(epoch).unwrap_or(0)))
        }
        Err(error) => {
            connection.close_on_drop();
            Err(error.into())
        }
    }
}

/// The writer keeps the newest epoch that it has seen.
fn remember_epoch(writer: &WriterInner, epoch: u64) -> u64 {
    let newest = writer.epoch.fetch_max(epoch, Ordering::AcqRel).max(epoch);
    writer.metrics.epoch.set(i64::try_from(newest).unwrap_or(i64::MAX));
    newest
}

impl Tx {
    /// The most aggregates that [`Error::Referenced`] lists.
    pub const REFERRERS_MAX: usize = 20;

    /// The epoch that every write of this transaction names.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The present moment, by the clock of the store.
    pub fn now(&self) -> DateTime<Utc> {
        self.writer.0.clock.now()
    }

    /// Trades the wait for the standby against speed: what is lost with the primary is loaded again.
    pub async fn bulk(&mut self) -> Result<(), Error> {
        self.execute(Statement::new("set local synchronous_commit = local")).await?;
        Ok(())
    }

    /// Makes everything lasting and visible. An error that says [`Error::Unavailable`] leaves the outcome
    /// unknown: the commit may have happened. Dropping the future does not undo the commit.
    pub async fn commit(mut self) -> Result<CommitPoint, Error> {
        if self.failed {
            return Err(Error::TransactionFailed);
        }
        let connection = self.connection.take().ok_or(Error::TransactionFailed)?;
        let (name, epoch, recorded) = (self.name, self.epoch, self.recorded);
        let inner = Arc::clone(&self.writer.0);
        let committed = tokio::spawn(async move {
            let outcome = finish(connection, COMMIT).await;
            inner.metrics.transaction(name, if outcome.is_ok() { "committed" } else { "failed" });
            if recorded && outcome.is_ok() {
                inner.notifier.wake();
            }
            outcome
        });
        let lsn = committed.await.map_err(|_| Error::Unavailable(None))??;
        Ok(CommitPoint { epoch, lsn })
    }

    pub(crate) async fn rows(&mut self, statement: Statement) -> Result<Vec<PgRow>, Error> {
        let outcome = statement.fetch(self.connection()?).await;
        self.note(outcome)
    }

    pub(crate) async fn row(&mut self, statement: Statement) -> Result<Option<PgRow>, Error> {
        Ok(self.rows(statement).await?.into_iter().next())
    }

    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64, Error> {
        let outcome = statement.execute(self.connection()?).await;
        self.note(outcome)
    }

    /// A write that must change exactly one row because it names the epoch; none means that it is over.
    pub(crate) async fn fenced(&mut self, statement: Statement) -> Result<(), Error> {
        if self.execute(statement).await? == 0 {
            self.failed = true;
            self.writer.0.metrics.fenced.inc();
            return Err(Error::Fenced);
        }
        Ok(())
    }

    fn note<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.failed |= outcome.is_err();
        if matches!(outcome, Err(Error::Unavailable(_))) {
            self.writer.0.node.renew(&self.pool);
        }
        outcome
    }

    fn connection(&mut self) -> Result<&mut PgConnection, Error> {
        self.connection.as_deref_mut().ok_or(Error::TransactionFailed)
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        self.writer.0.metrics.transaction(self.name, "rolled_back");
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move { finish(connection, ROLLBACK).await });
            }
            Err(_) => connection.close_on_drop(),
        }
    }
}

/// Ends the transaction on `connection` and gives it back, or closes it where that did not work.
async fn finish(mut connection: PoolConnection<Postgres>, sql: &'static str) -> Result<u64, Error> {
    let ended = timeout(FINISH_LIMIT, connection.fetch_all(sqlx::raw_sql(sql))).await;
    let outcome = match ended {
        Ok(Ok(rows)) => rows.last().map_or(Ok(0), |row| row.try_get::<i64, _>(0)).map_err(Error::from),
        Ok(Err(error)) => Err(error.into()),
        Err(_elapsed) => Err(Error::Unavailable(None)),
    };
    if outcome.is_err() {
        connection.close_on_drop();
    }
    outcome.map(|lsn| u64::try_from(lsn).unwrap_or(0))
}

/// Longest wait for a commit; a standby that does not confirm holds it up.
const FINISH_LIMIT: Duration = Duration::from_secs(30);

/// The first statement fails in a transaction that has failed, where `commit` alone would quietly roll
/// back. The position is taken after the commit: whoever has replayed it sees the commit.
const COMMIT: &str = "
    select 0::bigint; commit;
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";

const ROLLBACK: &str = "rollback";
