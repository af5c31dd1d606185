//! Cloudflare: `purge_cache` of a zone, 100 things of one kind a call. It has no soft form.

use super::call::Call;
use super::work::{Targets, Work, chunks};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use store::Secret;

/// A zone and the right to purge it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its id.
    pub zone: String,
    /// With the permission "Cache Purge".
    pub token: Secret,
    /// Where the calls go.
    #[serde(default = "api")]
    pub api: String,
}

const ITEMS_MAX: usize = 100;

fn api() -> String {
    "https://api.cloudflare.com/client/v4".to_owned()
}

pub(super) fn calls(config: &Config, work: &Work) -> Vec<Call> {
    if work.both().iter().any(|(targets, _)| targets.all) {
        return vec![post(config, &json!({"purge_everything": true}))];
    }
    work.both().into_iter().flat_map(|(targets, _)| some(config, targets)).collect()
}

fn some(config: &Config, targets: &Targets) -> Vec<Call> {
    let Targets { tags, urls, prefixes, hosts, .. } = targets;
    let kinds = [("tags", tags), ("files", urls), ("prefixes", prefixes), ("hosts", hosts)];
    let bodies = kinds.into_iter().flat_map(|(kind, items)| {
        chunks(items, ITEMS_MAX).into_iter().map(move |items| json!({kind: items})).collect::<Vec<_>>()
    });
    bodies.map(|body| post(config, &body)).collect()
}

fn post(config: &Config, body: &Value) -> Call {
    let url = format!("{}/zones/{}/purge_cache", config.api.trim_end_matches('/'), config.zone);
    let call =
        Call::new(Method::POST, url).with("authorization", format!("Bearer {}", config.token.expose()));
    Call { says_success: true, ..call.json(body) }
}
