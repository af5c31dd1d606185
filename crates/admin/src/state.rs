//! What the endpoints of this API share.

use crate::error;
use crate::purges::{Bucket, Reach};
use crate::reports::Throttle;
use crate::search::misses::Misses;
use auth::{ApiKey, Principal};
use domain::Policy;
use std::sync::Arc;
use store::Writer;
use web::{Authenticate, Problem};

/// The state of the admin API: the way to the primary, and the switches of the workflow.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) writer: Writer,
    pub(crate) policy: Policy,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) misses: Misses,
    pub(crate) purges: Arc<Bucket>,
    pub(crate) reach: Reach,
}

impl State {
    /// A state that writes through `writer`.
    pub fn new(writer: Writer, policy: Policy) -> Self {
        let (throttle, purges) = (Arc::default(), Arc::default());
        Self { writer, policy, throttle, misses: Misses::default(), purges, reach: Reach::default() }
    }

    /// The same with a source of what searches found nothing good for.
    #[must_use]
    pub fn with_misses(self, misses: Misses) -> Self {
        Self { misses, ..self }
    }

    /// The same with a way to ask how far the edges have come.
    #[must_use]
    pub fn with_reach(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }
}

impl Authenticate for State {
    async fn authenticate(&self, key: &ApiKey) -> Result<Option<Principal>, Problem> {
        let found = self.writer.api_key_by_hash(&key.hash().0).await.map_err(error::failed)?;
        let known = found.filter(|row| row.account.active && row.revoked_at.is_none());
        Ok(known.map(|row| Principal {
            account: row.account.id,
            name: row.account.name,
            roles: row.account.roles,
            key: row.id,
            expires_at: row.expires_at,
        }))
    }
}
