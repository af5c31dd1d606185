//! Requests that were answered already: the same key brings the same answer and no second effect.

use crate::error::Error;
use crate::pools::Writer;
use crate::statement::Statement;
use crate::tx::Tx;
use chrono::{DateTime, Duration, Utc};
use sqlx::Row;
use std::time::Duration as Pause;
use tokio::time::sleep;

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// Never seen: do the work, then [`Tx::idempotency_finish`], in the same transaction.
    New,
    /// Done before: this was the answer.
    Replay { status: u16, body: Vec<u8> },
    /// The key was used for another request.
    Mismatch,
    /// The same request is being worked on elsewhere.
    Running,
}

impl Tx {
    /// Looks up `key` of `actor`, and takes it where it is new. `body_hash` is the SHA-256 of the request's
    /// body.
    pub async fn idempotency_begin(
        &mut self,
        key: &str,
        route: &str,
        body_hash: &[u8; 32],
        actor: &str,
    ) -> Result<Idempotency, Error> {
        if !self.idempotency_lock(key, actor).await? {
            return Ok(Idempotency::Running);
        }
        let now = self.now();
        let known = Statement::new(FIND).bind(actor.to_owned()).bind(key.to_owned());
        let Some(row) = self.row(known).await? else {
            let statement = Statement::new(TAKE)
                .bind(actor.to_owned())
                .bind(key.to_owned())
                .bind(route.to_owned())
                .bind(body_hash.to_vec())
                .bind(now);
            self.execute(statement).await?;
            return Ok(Idempotency::New);
        };
        let same_request = row.try_get::<&str, _>("route")? == route
            && row.try_get::<&[u8], _>("body_hash")? == body_hash.as_slice();
        if !same_request {
            return Ok(Idempotency::Mismatch);
        }
        match (row.try_get::<Option<i16>, _>("status")?, row.try_get::<Option<Vec<u8>>, _>("body")?) {
            (Some(status), Some(body)) => {
                Ok(Idempotency::Replay { status: u16::try_from(status).unwrap_or(500), body })
            }
            _ => Ok(Idempotency::Running),
        }
    }

    /// Takes the lock of the key, which ends with the transaction and keeps two of them from waiting for each
    /// other's row. A refused request is answered a moment before its transaction has been rolled back, so a
    /// lock that is held is tried for a little while.
    async fn idempotency_lock(&mut self, key: &str, actor: &str) -> Result<bool, Error> {
        for _ in 0..LOCK_TRIES_MAX {
            let lock = Statement::new(LOCK).bind(actor.to_owned()).bind(key.to_owned());
            if self.row(lock).await?.map_or(Ok(false), |row| row.try_get("locked"))? {
                return Ok(true);
            }
            sleep(LOCK_PAUSE).await;
        }
        Ok(false)
    }

    /// Keeps the answer.
    pub async fn idempotency_finish(
        &mut self,
        key: &str,
        actor: &str,
        status: u16,
        body: &[u8],
    ) -> Result<(), Error> {
        let statement = Statement::new(FINISH)
            .bind(actor.to_owned())
            .bind(key.to_owned())
            .bind(i16::try_from(status).unwrap_or(500))
            .bind(body.to_vec());
        self.execute(statement).await?;
        Ok(())
    }
}

impl Writer {
    /// How long an answer is kept.
    pub const IDEMPOTENCY_KEPT_HOURS: i64 = 24;

    /// Deletes answers older than [`Writer::IDEMPOTENCY_KEPT_HOURS`]. Answers how many.
    pub async fn idempotency_delete_old(&self) -> Result<u64, Error> {
        let before: DateTime<Utc> = self.0.clock.now() - Duration::hours(Self::IDEMPOTENCY_KEPT_HOURS);
        self.deleted(Statement::new(DELETE_OLD).bind(before)).await
    }
}

/// Tries for the lock of a key, and the pause between them: a quarter of a second together.
const LOCK_TRIES_MAX: u32 = 25;
const LOCK_PAUSE: Pause = Pause::from_millis(10);

const LOCK: &str =
    "select pg_try_advisory_xact_lock(hashtextextended($2, hashtextextended($1, 31))) as locked";

const FIND: &str = "select route, body_hash, status, body from idempotency_key where actor = $1 and key = $2";

const TAKE: &str = "
    insert into idempotency_key (actor, key, route, body_hash, created_at) values ($1, $2, $3, $4, $5)";

const FINISH: &str = "update idempotency_key set status = $3, body = $4 where actor = $1 and key = $2";

const DELETE_OLD: &str = "
    with gone as (delete from idempotency_key where created_at < $1 returning 1)
    select count(*) as deleted from gone";
