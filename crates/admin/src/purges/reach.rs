//! Who has come how far in the log of purges: this API knows no edge, whoever starts it may.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use utoipa::ToSchema;

/// What stands between readers and the APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// One of ours.
    Edge,
    /// Somebody else's, told by an adapter.
    Cdn,
}

/// How far one of them has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Unique in its region.
    pub name: String,
    /// Where it stands, or where it is told from.
    pub region: String,
    /// Whose it is.
    pub who: Who,
    /// Of the position.
    pub epoch: u64,
    /// The last that it applied, or that its provider accepted.
    pub position: u64,
    /// Whether it was heard of lately.
    pub live: bool,
}

type Answer = Pin<Box<dyn Future<Output = Vec<Reached>> + Send>>;

/// A source that is asked anew for each look.
#[derive(Clone)]
pub struct Reach(Arc<dyn Fn() -> Answer + Send + Sync>);

impl Reach {
    /// A source that may have to ask other processes.
    pub fn new<F>(source: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Vec<Reached>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(source())))
    }

    pub(crate) async fn look(&self) -> Vec<Reached> {
        self.0().await
    }
}

impl Default for Reach {
    fn default() -> Self {
        Self::new(|| async { Vec::new() })
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Reach")
    }
}
