//! How far the edges of all regions have come with the purges: each region's node knows its own.

use crate::node::Parts;
use crate::plain_http;
use admin::{Reach, Reached, Who};
use domain::Region;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::task::JoinSet;

/// The longest wait for the node of another region: whoever asks wants to know what there is.
const ANSWER_MAX: Duration = Duration::from_millis(500);

/// Asks this node's own feed, and the private ports of others.
pub fn reach(parts: Parts, region: Region, others: Vec<SocketAddr>) -> Reach {
    Reach::new(move || {
        let (parts, region, others) = (parts.clone(), region.clone(), others.clone());
        async move {
            let mut asked: JoinSet<Vec<Reached>> = others.into_iter().map(far).collect();
            let mut reached = own(&parts, &region);
            while let Some(answer) = asked.join_next().await {
                reached.extend(answer.unwrap_or_default());
            }
            reached.sort_by(|a, b| (&a.region, &a.name).cmp(&(&b.region, &b.name)));
            reached
        }
    })
}

/// What this node's feed knows; nothing where it has none.
pub fn own(parts: &Parts, region: &Region) -> Vec<Reached> {
    if parts.orders.is_none() {
        return Vec::new();
    }
    let region = region.to_string();
    let edges = parts.feed.edges().into_iter().map(|(name, edge)| Reached {
        name,
        region: region.clone(),
        who: Who::Edge,
        epoch: edge.epoch(),
        position: edge.position,
        live: edge.is_live(),
    });
    let cdns = parts.cdns.all().into_iter().map(|(name, cdn)| Reached {
        name,
        region: region.clone(),
        who: Who::Cdn,
        epoch: cdn.epoch,
        position: cdn.position,
        live: cdn.failing_since.is_none(),
    });
    edges.chain(cdns).collect()
}

/// A node that cannot be asked is shown as an edge that is silent: its edges may be.
async fn far(address: SocketAddr) -> Vec<Reached> {
    let answer = plain_http::get(address, "/internal/edges", ANSWER_MAX).await;
    let read = answer.ok().filter(|answer| answer.status == 200);
    read.and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or_else(|| {
        let (name, region) = (format!("edges of {address}"), "?".to_owned());
        vec![Reached { name, region, who: Who::Edge, epoch: 0, position: 0, live: false }]
    })
}
