//! `GET /v1/graph/{ref}`

use crate::answer::{Made, Question, read};
use crate::error::store_problem;
use crate::parameters;
use crate::state::{Keep, State};
use crate::view::Label;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::{EntityKind, EntityRef};
use lipi::Script;
use serde::{Deserialize, Serialize};
use store::Read;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{IfNoneMatch, Path, Problem, Query, SurrogateKeys};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// 1 (default) to 3 steps.
    depth: Option<u8>,
    /// The script of names.
    script: Option<String>,
}

/// An entity with everything near it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Neighbourhood {
    center: Uuid,
    depth: u8,
    /// The nearest first, at most 1,000.
    nodes: Vec<Node>,
    /// At most 5,000.
    edges: Vec<Reference>,
    /// True where a limit left something out.
    truncated: bool,
}

/// An entity of the graph.
#[derive(Serialize, ToSchema)]
struct Node {
    #[serde(flatten)]
    label: Label,
    /// Steps from the centre.
    distance: u8,
}

/// One reference: a record, what the other is to it, and the other.
#[derive(Serialize, ToSchema)]
struct Reference {
    from: Uuid,
    /// `raga`, `composer`, `member`, …
    role: String,
    to: Uuid,
}

const DEPTH_MAX: u8 = 3;
const NODES_MAX: usize = 1_000;
const EDGES_MAX: usize = 5_000;

/// What a song, raga, composer, temple or anything else is connected with
#[utoipa::path(get, path = "/v1/graph/{ref}",
    params(
        ("ref" = String, Path, description = "An id; `kind:slug`, such as `raga:mohanam`; or the slug of a song"),
        Parameters),
    responses(
        (status = 200, description = "The graph", body = Neighbourhood),
        (status = 304, description = "Unchanged"),
        (status = 404, description = "Nothing has this reference")))]
pub(crate) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(reference): Path<String>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = parameters::script(asked.script.as_deref())?;
    let depth = asked.depth.unwrap_or(1);
    if !(1..=DEPTH_MAX).contains(&depth) {
        return Err(Problem::field("/depth", "out_of_range", format!("`depth` is 1 to {DEPTH_MAX}.")));
    }
    let about = format!("{reference}&{depth}&{script:?}");
    let question = Question { state: &state, have: &have, keep: Keep::Reference, class: "graph", about };
    question
        .answer(|| async {
            let read = read(&state).await?;
            let start = start(&read, &reference).await?;
            let body = Neighbourhood::of(&read, start, depth, script).await?;
            Made::new(&body, &keys(), &read)
        })
        .await
}

/// Any record that comes, goes or changes may be near.
fn keys() -> SurrogateKeys {
    EntityKind::ALL.into_iter().fold(SurrogateKeys::default(), SurrogateKeys::list)
}

/// An id belongs to one kind; a slug alone is that of a song.
async fn start(read: &Read, reference: &str) -> Result<EntityRef, Problem> {
    let (kinds, slug) = match reference.split_once(':') {
        Some((kind, slug)) => (vec![kind.parse().map_err(|_| Problem::not_found())?], slug),
        None if Uuid::parse_str(reference).is_ok() => (EntityKind::ALL.to_vec(), reference),
        None => (vec![EntityKind::Composition], reference),
    };
    for kind in kinds {
        match crate::page::resolve(read, kind, slug).await {
            Ok(found) => return Ok(EntityRef { kind, id: found.id }),
            Err(problem) if problem.status() == http::StatusCode::NOT_FOUND => {}
            Err(problem) => return Err(problem),
        }
    }
    Err(Problem::not_found())
}

impl Neighbourhood {
    async fn of(read: &Read, start: EntityRef, depth: u8, script: Option<Script>) -> Result<Self, Problem> {
        let graph = read.graph(start, depth, NODES_MAX, EDGES_MAX).await.map_err(store_problem)?;
        let ids: Vec<Uuid> = graph.nodes.keys().map(|node| node.id).collect();
        let labels = read.labels(&ids, None).await.map_err(store_problem)?;
        let node = |(entity, distance): (&EntityRef, &u8)| {
            Some(Node { label: Label::of(labels.get(&entity.id)?, script), distance: *distance })
        };
        let mut nodes: Vec<Node> = graph.nodes.iter().filter_map(node).collect();
        nodes.sort_by(|a, b| {
            (a.distance, a.label.kind, a.label.id).cmp(&(b.distance, b.label.kind, b.label.id))
        });
        // What was withdrawn between the statements has no label, and no edges then.
        let edges = graph
            .edges
            .into_iter()
            .filter(|edge| labels.contains_key(&edge.from.id) && labels.contains_key(&edge.to.id));
        let edges =
            edges.map(|edge| Reference { from: edge.from.id, role: edge.role, to: edge.to.id }).collect();
        Ok(Self { center: start.id, depth, nodes, edges, truncated: graph.truncated })
    }
}
