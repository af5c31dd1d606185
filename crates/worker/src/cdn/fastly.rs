//! Fastly: purges by surrogate key, 256 a call, and by URL; soft by a field. It has no call for hosts and prefixes,
//! so those purge the whole service, and neither has that a soft form.

use super::call::Call;
use super::work::{Targets, Work, chunks};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use store::Secret;

/// A service and the right to purge it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its id.
    pub service: String,
    /// With the scope `purge_select`, and `purge_all` for whole purges.
    pub token: Secret,
    /// Where the calls go.
    #[serde(default = "api")]
    pub api: String,
}

const KEYS_MAX: usize = 256;

fn api() -> String {
    "https://api.fastly.com".to_owned()
}

pub(super) fn calls(config: &Config, work: &Work) -> Vec<Call> {
    if work.both().iter().any(|(targets, _)| targets.all || targets.has_places()) {
        return vec![post(config, &format!("/service/{}/purge_all", config.service), false)];
    }
    work.both().into_iter().flat_map(|(targets, soft)| some(config, targets, soft)).collect()
}

fn some(config: &Config, targets: &Targets, soft: bool) -> Vec<Call> {
    let path = format!("/service/{}/purge", config.service);
    let tags = chunks(&targets.tags, KEYS_MAX).into_iter();
    let tags = tags.map(|keys| post(config, &path, soft).json(&json!({"surrogate_keys": keys})));
    let urls = targets.urls.iter().map(|url| {
        let place = url.split_once("://").map_or(url.as_str(), |(_, place)| place);
        post(config, &format!("/purge/{place}"), soft)
    });
    tags.chain(urls).collect()
}

fn post(config: &Config, path: &str, soft: bool) -> Call {
    let url = format!("{}{path}", config.api.trim_end_matches('/'));
    let call = Call::new(Method::POST, url)
        .with("fastly-key", config.token.expose())
        .with("accept", "application/json");
    if soft { call.with("fastly-soft-purge", "1") } else { call }
}
