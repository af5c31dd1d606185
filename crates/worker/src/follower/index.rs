//! From the database into the index: read the truth, project it, hand it over.

use super::{Follower, project};
use crate::Error;
use crate::relay::chain;
use domain::EntityRef;
use search::{Change, Rebuild, Search};
use store::{Read, Truth};
use tracing::error;

/// Aggregates read and applied at a time.
const PAGE_MAX: usize = 500;

/// Where documents go.
pub(super) enum Target<'a> {
    /// The index that is read.
    Serving(&'a Search),
    /// One that will take its place.
    Growing(&'a mut Rebuild),
}

impl Target<'_> {
    async fn apply(&mut self, changes: &[Change]) -> Result<(), search::Error> {
        match self {
            Self::Serving(search) => search.apply(changes).await?,
            Self::Growing(rebuild) => rebuild.apply(changes).await?,
        };
        Ok(())
    }
}

impl Follower {
    /// Brings the documents of `entities` to the truth that `read` has. What cannot be read, or is too large
    /// for an index, must not hold up everything behind it: it is logged, counted and passed over, and every
    /// comparison names it until it is mended. Answers what was passed over.
    pub(super) async fn index(
        &self,
        target: &mut Target<'_>,
        read: &Read,
        entities: &[EntityRef],
    ) -> Result<Vec<EntityRef>, Error> {
        let mut passed_over = Vec::new();
        for page in entities.chunks(PAGE_MAX) {
            let truth = self.truth(read, page, &mut passed_over).await?;
            let mut changes = project::changes(&truth);
            while let Err(refusal) = target.apply(&changes).await {
                let Some(entity) = refusal.document() else { return Err(refusal.into()) };
                self.pass_over(entity, &refusal, &mut passed_over);
                changes.retain(|change| change.entity() != entity);
            }
        }
        Ok(passed_over)
    }

    /// The truth of a page; where a record of it is damaged, of each one that is not.
    async fn truth(
        &self,
        read: &Read,
        page: &[EntityRef],
        passed_over: &mut Vec<EntityRef>,
    ) -> Result<Vec<Truth>, Error> {
        match read.truth(page).await {
            Err(store::Error::Corrupt(_)) => {}
            outcome => return Ok(outcome?),
        }
        let mut found = Vec::with_capacity(page.len());
        for entity in page {
            match read.truth(std::slice::from_ref(entity)).await {
                Err(damage @ store::Error::Corrupt(_)) => self.pass_over(*entity, &damage, passed_over),
                outcome => found.extend(outcome?),
            }
        }
        Ok(found)
    }

    fn pass_over(&self, entity: EntityRef, why: &dyn std::error::Error, passed_over: &mut Vec<EntityRef>) {
        error!(%entity, error = %chain(why), "The index cannot hold this record and passes it over");
        self.counted.passed_over.inc();
        passed_over.push(entity);
    }
}
