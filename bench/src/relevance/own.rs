//! Sangraha's own ways: an index in this process, an index on OpenSearch, and the database where there is no index.

use super::Rank;
use domain::metrics::Metrics;
use domain::{Clock, Region};
use search::{Config, OpenSearchConfig, Search};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use store::{Node, Passwords, ReadPolicy, Store};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use worker::evaluate::{self, Evaluation, Facts, Judged};
use worker::load::{self, Plan, offline::Offline};

/// A query may take so long: a busy machine must not cut an answer short.
const QUERY_MS_MAX: u64 = 10_000;
/// The database is its own standby, which is there at once.
const STANDBY_MS_MAX: u64 = 20_000;

pub async fn by_tantivy(offline: &Offline, queries: &[Judged]) -> Result<Vec<Rank>, String> {
    let evaluated = evaluate::over(offline, queries.to_vec(), &std::env::temp_dir()).await;
    Ok(ranks(evaluated.map_err(|error| error.to_string())?))
}

/// The index there is named for this run and stays until the servers go, which are there for nothing else.
pub async fn by_opensearch(
    at: SocketAddr,
    offline: &Offline,
    queries: &[Judged],
) -> Result<Vec<Rank>, String> {
    let url = format!("http://{at}").parse().map_err(|_| format!("{at} is no address"))?;
    let index = format!("relevance-{}", Uuid::now_v7().simple());
    let config = OpenSearchConfig { query_ms_max: QUERY_MS_MAX, ..OpenSearchConfig::new(url, &index) };
    let evaluated = evaluate::in_index(&Config::OpenSearch(config), offline, queries.to_vec()).await;
    Ok(ranks(evaluated.map_err(|error| error.to_string())?))
}

/// `socket` is the folder with the socket of a server that trusts whoever comes; the database is made here. Its works
/// have ids of their own, so they are told by the ids that the catalogue gave them.
pub async fn by_database(
    socket: &str,
    folders: &[PathBuf],
    offline: &Offline,
    queries: &[Judged],
) -> Result<Vec<Rank>, String> {
    let stop = CancellationToken::new();
    let _stopped = stop.clone().drop_guard();
    let store = opened(socket, stop).await?;
    let writer = store.writer.as_ref().ok_or("there is no primary")?;
    for folder in folders {
        let plan = Plan::of(folder).map_err(|error| error.to_string())?;
        let options = load::Options { skip_bad: true };
        load::load(writer, &plan, options, &|_| ()).await.map_err(|error| error.to_string())?;
    }
    let policy = ReadPolicy::AtLeast { lsn: 0, wait_ms: STANDBY_MS_MAX };
    let read = store.reader.read(policy).await.map_err(|error| error.to_string())?;
    let stored = load::offline::stored(&read).await.map_err(|error| error.to_string())?;
    let (search, fallback) = (nowhere().await?, public::Fallback::new(&read));
    let known = counterparts(&stored, offline);
    let ask = async |query: &search::Query| {
        let mut answer = search.query_elsewhere(&fallback, query).await?;
        for hit in &mut answer.hits {
            hit.entity.id = known.get(&hit.entity.id).copied().unwrap_or(hit.entity.id);
        }
        Ok(answer)
    };
    let evaluated = evaluate::run(ask, &Facts::of(offline), queries.to_vec()).await;
    Ok(ranks(evaluated.map_err(|error| error.to_string())?))
}

/// The record of the folders that each stored one was made from.
fn counterparts(stored: &Offline, offline: &Offline) -> HashMap<Uuid, Uuid> {
    let pairs = |ids: &Offline| -> Vec<(String, Uuid)> {
        ids.ids.iter().flat_map(|(own, ids)| ids.iter().map(|id| (id.clone(), *own))).collect()
    };
    let by_id: HashMap<String, Uuid> = pairs(offline).into_iter().collect();
    pairs(stored).into_iter().filter_map(|(id, own)| Some((own, *by_id.get(&id)?))).collect()
}

async fn opened(socket: &str, stop: CancellationToken) -> Result<Store, String> {
    const DATABASE: &str = "relevance";
    let url = |role: &str, database: &str| format!("postgres://{role}@localhost/{database}?host={socket}");
    let superuser = url("postgres", "postgres");
    let said = |error: store::Error| error.to_string();
    Store::create_roles(&superuser, &Passwords::default()).await.map_err(said)?;
    Store::create_database(&superuser, DATABASE).await.map_err(said)?;
    Store::migrate(&url("sangraha_owner", DATABASE)).await.map_err(said)?;
    let region = Region::try_from("a".to_owned()).map_err(|error| error.to_string())?;
    let node = |role: &str| Node {
        name: "bench".to_owned(),
        region: region.clone(),
        url: url(role, DATABASE).into(),
    };
    let config = store::Config {
        primary: Some(node("sangraha_app")),
        replicas: vec![node("sangraha_reader")],
        read_ms_max: QUERY_MS_MAX,
        ..store::Config::default()
    };
    Store::open(&config, region.clone(), Clock::system(), Metrics::default(), stop).await.map_err(said)
}

/// An index that nobody has ever reached.
async fn nowhere() -> Result<Search, String> {
    let url = "http://127.0.0.1:1".parse().map_err(|_| "an address".to_owned())?;
    let config = Config::OpenSearch(OpenSearchConfig::new(url, "nowhere"));
    Search::open(&config, &Metrics::default()).await.map_err(|error| error.to_string())
}

fn ranks(evaluation: Evaluation) -> Vec<Rank> {
    let rank = |outcome: &evaluate::Outcome| Rank { first_right: outcome.rank, unflagged: outcome.unflagged };
    evaluation.outcomes.iter().map(rank).collect()
}
