//! `sangraha index rebuild|verify`: orders to the node that holds an index.

use crate::up::State;
use crate::{Error, plain_http, terminal};
use clap::ValueEnum;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// A rebuild of a very large catalogue ends within this.
const ORDER_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Verb {
    /// Build the index anew from the database and swap it in
    Rebuild,
    /// Compare the index with the database and count what differs
    Verify,
}

/// Gives the order to every node, one after the other, and tells what each answered. A difference that was
/// found makes the command fail.
pub async fn run(verb: Verb, repair: bool, at: &[SocketAddr], data: &Path) -> Result<(), Error> {
    let nodes =
        if at.is_empty() { nodes(data)? } else { at.iter().map(|at| (at.to_string(), *at)).collect() };
    let mut drift = 0;
    for (name, address) in nodes {
        let answer = order(verb, repair, &name, address).await?;
        drift += answer["drift"].as_u64().unwrap_or(0);
        terminal::say(sentence(verb, &name, &answer));
    }
    match drift {
        0 => Ok(()),
        _ if repair => Ok(()),
        drift => Err(Error::Found(format!(
            "{drift} documents differ from the database; `sangraha index verify --repair` mends them"
        ))),
    }
}

/// The nodes of the platform in `data`, by name and private port.
fn nodes(data: &Path) -> Result<Vec<(String, SocketAddr)>, Error> {
    let state = State::read(&data.join("state.json"))?;
    let nodes = state.private.into_iter().filter(|(name, _)| name.starts_with("node-"));
    Ok(nodes.filter_map(|(name, url)| Some((name, url.strip_prefix("http://")?.parse().ok()?))).collect())
}

async fn order(verb: Verb, repair: bool, name: &str, address: SocketAddr) -> Result<Value, Error> {
    let target = match verb {
        Verb::Rebuild => "/internal/index/rebuild".to_owned(),
        Verb::Verify => format!("/internal/index/verify?repair={repair}"),
    };
    let request = plain_http::Request {
        method: "POST",
        address,
        target: &target,
        headers: &[],
        body: &[],
        timeout: ORDER_TIMEOUT,
    };
    let asked = |source| Error::Ask { what: format!("{name} (http://{address})"), source };
    let answer = plain_http::send(request).await.map_err(asked)?;
    if answer.status == 200 {
        return Ok(answer.json());
    }
    Err(Error::Found(format!("{name} answers {}: {}", answer.status, answer.text())))
}

fn sentence(verb: Verb, name: &str, answer: &Value) -> String {
    let number = |key: &str| answer[key].as_u64().unwrap_or(0);
    match verb {
        Verb::Rebuild => {
            format!("{name}: rebuilt, {} documents in {} ms", number("documents"), number("took_ms"))
        }
        Verb::Verify => format!(
            "{name}: {} documents compared, {} repairs needed, {} made",
            number("documents"),
            number("drift"),
            number("repaired")
        ),
    }
}
