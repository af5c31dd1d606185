//! A new index, written beside the one that is read and put in its place in one step.

use super::http::{Body, Failure};
use super::write::{self, Visible};
use super::{OpenSearch, engine, lost};
use crate::document::Change;
use crate::held::Known;
use crate::query::Held;
use crate::{Applied, Backend, Error, Position, RebuildBackend, Search, Stats};
use async_trait::async_trait;
use domain::EntityRef;
use reqwest::Method;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use tokio::runtime::Handle;

pub(super) struct Rebuilding {
    index: OpenSearch,
    name: String,
    /// What was written; nobody else writes here.
    known: HashMap<EntityRef, Known>,
    swapped: bool,
}

impl Rebuilding {
    pub(super) fn new(index: OpenSearch, name: String) -> Self {
        Self { index, name, known: HashMap::new(), swapped: false }
    }

    async fn swap_whole(mut self: Box<Self>, position: Position) -> Result<Stats, Error> {
        let index = self.index.clone();
        let _turn = index.0.turn.lock().await;
        self.verify().await?;
        index.0.write_position(&self.name, position).await.map_err(engine("save its position"))?;
        self.replace().await.map_err(engine("swap"))?;
        self.swapped = true;
        self.sweep().await;
        index.stats().await
    }

    /// Ids and versions in the index against those that were written.
    async fn verify(&self) -> Result<(), Error> {
        let http = &self.index.0.http;
        let path = format!("{}/_refresh", self.name);
        http.order(Method::POST, &path, Body::None).await.map_err(engine("show what was written"))?;
        let live = self.known.iter().filter(|(_, known)| known.live);
        let mut missing: BTreeMap<EntityRef, u64> =
            live.map(|(entity, known)| (*entity, known.version)).collect();
        let (expected, mut found, mut after) = (missing.len(), 0, None);
        loop {
            let page = self.index.0.versions(&self.name, after, Search::VERSIONS_MAX).await;
            let page: Vec<Held> = page.map_err(engine("verify"))?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.id);
            found += page.len();
            page.into_iter().for_each(|(entity, version)| {
                if missing.get(&entity) == Some(&version) {
                    missing.remove(&entity);
                }
            });
        }
        if missing.is_empty() && found == expected {
            return Ok(());
        }
        // Of the documents that are there, those that are what was written.
        let found = expected - missing.len();
        Err(Error::RebuildIncomplete { expected: expected as u64, found: found as u64 })
    }

    /// The alias leaves every other index and comes to this one in one change of the cluster's state.
    async fn replace(&self) -> Result<(), Failure> {
        let inner = &self.index.0;
        let mut actions = Vec::new();
        if let Some(old) = inner.current().await? {
            actions.push(json!({"remove": {"index": old, "alias": inner.alias}}));
        }
        actions.push(json!({"add": {"index": self.name, "alias": inner.alias}}));
        let answer =
            inner.http.order(Method::POST, "_aliases", Body::json(&json!({"actions": actions}))).await?;
        if answer["acknowledged"] == true { Ok(()) } else { Err(lost("the word that the swap is done")) }
    }

    /// Removes all indexes but the one that is read and the one before it. What cannot be removed stays: it
    /// costs space and nothing else.
    async fn sweep(&self) {
        let Ok(mut others) = self.index.0.indexes().await else { return };
        others.retain(|(_, name)| *name != self.name);
        others.sort_unstable();
        others.pop();
        for (_, name) in others {
            if let Err(error) = self.index.0.http.order(Method::DELETE, &name, Body::None).await {
                tracing::warn!(search.generation = %name, %error, "An old index cannot be removed");
            }
        }
    }
}

#[async_trait]
impl RebuildBackend for Rebuilding {
    async fn apply(&mut self, changes: Vec<Change>) -> Result<Applied, Error> {
        let (items, applied) = write::news(&changes, &mut self.known);
        let outcome = write::bulk(&self.index.0.http, &self.name, items, Visible::Later).await?;
        outcome.refused.iter().for_each(|(entity, _)| {
            self.known.remove(entity);
        });
        outcome.without(applied)
    }

    async fn swap(self: Box<Self>, position: Position) -> Result<Stats, Error> {
        // On a task of its own: a caller that goes away cannot leave a swap half verified.
        tokio::spawn(self.swap_whole(position))
            .await
            .unwrap_or_else(|error| Err(Error::Engine { action: "swap", source: error.into() }))
    }
}

impl Drop for Rebuilding {
    fn drop(&mut self) {
        let (index, name) = (self.index.clone(), std::mem::take(&mut self.name));
        if self.swapped {
            index.0.rebuilding.store(false, Ordering::Release);
            return;
        }
        let give_up = async move {
            // A swap whose answer was lost may have happened. What cannot be removed now goes with the next
            // sweep.
            if index.0.current().await.is_ok_and(|current| current.as_ref() != Some(&name)) {
                let _ = index.0.http.order(Method::DELETE, &name, Body::None).await;
            }
            index.0.rebuilding.store(false, Ordering::Release);
        };
        // Without a runtime the process ends, and the next sweep finds it.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(give_up);
        }
    }
}
