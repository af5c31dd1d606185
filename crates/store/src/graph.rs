//! The neighbourhood of an entity: what refers to it and what it refers to, among live records.

use crate::error::Error;
use crate::pools::Read;
use crate::statement::Statement;
use crate::wire::kind_at;
use domain::{EntityKind, EntityRef};
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// One reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub from: EntityRef,
    /// What it is to the record: `raga`, `composer`, `member`.
    pub role: String,
    pub to: EntityRef,
}

/// Entities and the references between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// With the steps from the first one, 0 for itself.
    pub nodes: BTreeMap<EntityRef, u8>,
    pub edges: BTreeSet<Edge>,
    /// True where a limit left something out.
    pub truncated: bool,
}

impl Read {
    /// Everything within `depth` steps of `start`, one statement a step. Sources and rights are left out: they
    /// connect everything with everything. Nearer entities win where a limit is reached, then smaller ids.
    pub async fn graph(
        &self,
        start: EntityRef,
        depth: u8,
        nodes_max: usize,
        edges_max: usize,
    ) -> Result<Graph, Error> {
        let mut graph = Graph { nodes: BTreeMap::from([(start, 0)]), ..Graph::default() };
        let mut frontier = vec![start.id];
        for step in 1..=depth {
            if frontier.is_empty() {
                break;
            }
            let limit = i64::try_from(edges_max + 1).unwrap_or(i64::MAX);
            let rows = self.rows(Statement::new(NEIGHBOURS).bind(frontier).bind(limit)).await?;
            graph.truncated |= rows.len() > edges_max;
            let found = rows.iter().take(edges_max).map(edge_of).collect::<Result<Vec<_>, _>>()?;
            frontier = graph.grow(found, step, nodes_max, edges_max);
        }
        Ok(graph)
    }
}

impl Graph {
    /// Adds `found` as far as there is room, and answers the new ids.
    fn grow(&mut self, found: Vec<Edge>, step: u8, nodes_max: usize, edges_max: usize) -> Vec<Uuid> {
        let mut new = Vec::new();
        for edge in found {
            let missing = [edge.from, edge.to].into_iter().find(|node| !self.nodes.contains_key(node));
            let has_room = self.edges.len() < edges_max || self.edges.contains(&edge);
            if !has_room || (missing.is_some() && self.nodes.len() >= nodes_max) {
                self.truncated = true;
                continue;
            }
            if let Some(node) = missing {
                self.nodes.insert(node, step);
                new.push(node.id);
            }
            self.edges.insert(edge);
        }
        new
    }
}

fn edge_of(row: &PgRow) -> Result<Edge, Error> {
    let entity = |kind: EntityKind, id: Uuid| EntityRef { kind, id };
    Ok(Edge {
        from: entity(kind_at(row, "kind")?, row.try_get("aggregate_id")?),
        role: row.try_get("role")?,
        to: entity(kind_at(row, "target_kind")?, row.try_get("target_id")?),
    })
}

// Both ends must be live: a group may name a song that is not published.
const NEIGHBOURS: &str = "
    select kind, aggregate_id, role, target_kind, target_id from (
        select r.kind, r.aggregate_id, r.role, r.target_kind, r.target_id
        from live.reference r where r.aggregate_id = any($1)
        union
        select r.kind, r.aggregate_id, r.role, r.target_kind, r.target_id
        from live.reference r where r.target_id = any($1)
    ) found
    where target_kind not in ('source', 'rights')
        and exists (select from live.aggregate a where a.id = found.aggregate_id)
        and exists (select from live.aggregate a where a.id = found.target_id)
    order by aggregate_id, target_id, role limit $2";

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: u128, to: u128) -> Edge {
        let entity = |kind, id| EntityRef { kind, id: Uuid::from_u128(id) };
        Edge {
            from: entity(EntityKind::Composition, from),
            role: "raga".into(),
            to: entity(EntityKind::Raga, to),
        }
    }

    #[test]
    fn a_full_graph_says_that_it_is_not_whole() {
        let start = edge(1, 2).to;
        let mut graph = Graph { nodes: BTreeMap::from([(start, 0)]), ..Graph::default() };
        let new = graph.grow(vec![edge(1, 2), edge(3, 2), edge(4, 2)], 1, 3, 10);
        assert_eq!((graph.nodes.len(), graph.edges.len(), new.len(), graph.truncated), (3, 2, 2, true));
        assert_eq!(graph.grow(vec![edge(1, 2)], 2, 3, 2), Vec::<Uuid>::new());
    }
}
