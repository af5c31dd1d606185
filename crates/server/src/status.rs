//! `sangraha status`: what every process of a platform says about itself, on one page.

use crate::up::State;
use crate::{Error, plain_http, terminal};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// A process that does not answer within this is shown as silent.
const ASK_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks everybody and prints the answer. Something that is down or behind is shown, and is no failure.
pub async fn show(data: &Path, at: &[SocketAddr], json: bool) -> Result<(), Error> {
    let status = gather(data, at).await?;
    if json {
        let text = serde_json::to_string_pretty(&status).map_err(Error::part("Writing the status"))?;
        terminal::say(text);
    } else {
        terminal::say(page(&status).trim_end());
    }
    Ok(())
}

/// The whole picture: `{processes: {name: {…}}, urls: {…}, supervisor: {…}}`.
pub async fn gather(data: &Path, at: &[SocketAddr]) -> Result<Value, Error> {
    let (asked, supervisor, urls) = match at {
        [] => {
            let state = State::read(&data.join("state.json"))?;
            let address = |url: &str| url.strip_prefix("http://").and_then(|address| address.parse().ok());
            let asked = state.private.iter().filter_map(|(name, url)| Some((name.clone(), address(url)?)));
            let asked: BTreeMap<String, SocketAddr> = asked.collect();
            let supervisor = json!({"pid": state.pid, "ready": state.ready, "processes": state.processes});
            (asked, supervisor, json!(state.urls))
        }
        some => (some.iter().map(|at| (at.to_string(), *at)).collect(), Value::Null, json!({})),
    };
    let answers = asked.into_iter().map(async |(name, address)| (name, ask(address).await));
    let processes: BTreeMap<String, Value> =
        futures_util::future::join_all(answers).await.into_iter().collect();
    Ok(json!({"supervisor": supervisor, "urls": urls, "processes": processes}))
}

async fn ask(address: SocketAddr) -> Value {
    match plain_http::get(address, "/status", ASK_TIMEOUT).await {
        Ok(answer) if answer.status == 200 => answer.json(),
        Ok(answer) => json!({"silent": format!("answers {}", answer.status)}),
        Err(error) => json!({"silent": error.to_string()}),
    }
}

fn page(status: &Value) -> String {
    let mut text = String::new();
    let empty = serde_json::Map::new();
    let processes = status["processes"].as_object().unwrap_or(&empty);
    for (name, process) in processes {
        let _ = writeln!(text, "{name}");
        for line in lines(process) {
            let _ = writeln!(text, "  {line}");
        }
    }
    let urls = status["urls"].as_object().unwrap_or(&empty);
    if !urls.is_empty() {
        let _ = writeln!(text, "urls");
    }
    for (name, url) in urls {
        let _ = writeln!(text, "  {name:<14} {}", word(url));
    }
    let supervised = status["supervisor"]["processes"].as_object().unwrap_or(&empty);
    let restarted = supervised.iter().filter(|(_, process)| process["restarts"].as_u64() > Some(0));
    for (name, process) in restarted {
        let (times, why) = (word(&process["restarts"]), word(&process["last_end"]));
        let _ = writeln!(text, "restarted {name} {times} times, last because of {why}");
    }
    text
}

/// What one process says, a line for each thing that it has.
fn lines(process: &Value) -> Vec<String> {
    if !process["silent"].is_null() {
        return vec![format!("does not answer: {}", word(&process["silent"]))];
    }
    let roles: Vec<String> = process["roles"].as_array().into_iter().flatten().map(word).collect();
    let mut lines = vec![format!("region {}, roles {}", word(&process["region"]), roles.join(" "))];
    for database in process["databases"].as_array().into_iter().flatten() {
        let state = if database["up"] == true {
            format!("lag {} ms", word(&database["lag_ms"]))
        } else {
            "down".to_owned()
        };
        let (name, role, region) =
            (word(&database["name"]), word(&database["role"]), word(&database["region"]));
        lines.push(format!(
            "database {name} ({role}, region {region}): {state}, breaker {}",
            word(&database["breaker"])
        ));
    }
    let outbox = &process["outbox"];
    if !outbox.is_null() {
        lines.push(format!("writes {}", word(&process["writes"])));
        lines.push(format!(
            "outbox {} pending, oldest {} ms, {} set aside",
            word(&outbox["pending"]),
            word(&outbox["oldest_age_ms"]),
            word(&outbox["parked"])
        ));
    }
    let follower = &process["follower"];
    if !follower.is_null() {
        let head = word(&process["stream"]["head"]);
        lines.push(format!(
            "follower at {} of {head}, {} behind, epoch {}",
            word(&follower["position"]),
            word(&follower["behind"]),
            word(&follower["epoch"])
        ));
        let index = &process["index"];
        lines.push(format!(
            "index {} documents, {} bytes, generation {}",
            word(&index["documents"]),
            word(&index["bytes"]),
            word(&index["generation"])
        ));
    }
    for edge in process["edges"].as_array().into_iter().flatten() {
        lines.push(format!(
            "purges: {} at {}, {} behind",
            word(&edge["name"]),
            word(&edge["position"]),
            word(&edge["behind"])
        ));
    }
    let edge = &process["edge"];
    if !edge.is_null() {
        let blind = if edge["blind"] == true { ", blind" } else { "" };
        lines.push(format!("purged up to {}{blind}", word(&edge["purge_position"])));
        lines.push(format!(
            "{} objects, {} bytes; {} hits, {} misses",
            word(&edge["objects"]),
            word(&edge["bytes"]),
            word(&edge["hits"]),
            word(&edge["misses"])
        ));
        for origin in edge["origins"].as_array().into_iter().flatten() {
            let state = if origin["up"] == true { "up" } else { "resting after failures" };
            lines.push(format!(
                "origin {} ({}): {state}",
                word(&origin["origin"]),
                word(&origin["upstream"])
            ));
        }
    }
    lines
}

/// A value without quotes; nothing known is a dash.
fn word(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_lag_positions_and_what_was_restarted() {
        let status = json!({
            "supervisor": {"processes": {"node-b": {"restarts": 2, "last_end": "signal 9"}}},
            "urls": {"edge-a": "http://127.0.0.1:7400"},
            "processes": {
                "node-b": {
                    "region": "b", "roles": ["public", "indexer"], "stream": {"head": 9},
                    "databases": [{"name": "replica-b", "role": "replica", "region": "b", "up": true, "lag_ms": 12, "breaker": "closed"}],
                    "follower": {"position": 7, "behind": 2, "epoch": 1},
                    "index": {"documents": 150, "bytes": 1000, "generation": "g1"},
                    "edges": [{"name": "edge-b", "position": 7, "behind": 0}],
                },
                "edge-b": {"silent": "connection refused"},
            },
        });
        let page = page(&status);
        for words in [
            "lag 12 ms",
            "follower at 7 of 9, 2 behind",
            "edge-b at 7",
            "connection refused",
            "signal 9",
            "7400",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
    }
}
