//! Amazon CloudFront: `CreateInvalidation` with paths, and with tags (`#tag`) where the distribution has a cache-tag
//! configuration. It has no soft form and knows no hosts: a distribution is one.
//!
//! The caller reference is made of places in the log, so a call that is repeated is the same invalidation.

use super::call::Call;
use super::signature::{Request, sign};
use super::work::{Targets, Work};
use chrono::{DateTime, Utc};
use reqwest::{Method, Url};
use serde::Deserialize;
use std::collections::BTreeSet;
use store::Secret;

/// A distribution and the right to invalidate it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Its id.
    pub distribution: String,
    /// The public half of the key.
    pub access_key: String,
    /// The secret half.
    pub secret_key: Secret,
    /// Whether the distribution reads tags from our answers; if not, a purge by tag invalidates everything.
    #[serde(default)]
    pub tags: bool,
    /// Where the calls go.
    #[serde(default = "api")]
    pub api: String,
}

/// Wildcards that may be in progress at a time; with more everything is invalidated by one.
const WILDCARDS_MAX: usize = 15;
/// Items of one call: a third of the paths that may be in progress.
const ITEMS_MAX: usize = 1_000;
const EVERYTHING: &str = "/*";

fn api() -> String {
    "https://cloudfront.amazonaws.com".to_owned()
}

pub(super) fn calls(config: &Config, work: &Work, reference: &str, now: DateTime<Utc>) -> Vec<Call> {
    let items = items(config, work);
    let items: Vec<&String> = items.iter().collect();
    let chunks = items.chunks(ITEMS_MAX).enumerate();
    chunks.map(|(index, items)| invalidation(config, items, &format!("{reference}-{index}"), now)).collect()
}

fn items(config: &Config, work: &Work) -> BTreeSet<String> {
    let everything = || BTreeSet::from([EVERYTHING.to_owned()]);
    let mut items = BTreeSet::new();
    for (targets, _) in work.both() {
        let Targets { all, tags, urls, prefixes, hosts } = targets;
        if *all || !hosts.is_empty() || !config.tags && !tags.is_empty() {
            return everything();
        }
        items.extend(tags.iter().map(|tag| format!("#{tag}")));
        items.extend(urls.iter().filter_map(|url| path(url)));
        items.extend(prefixes.iter().map(|prefix| {
            let below = prefix.split_once('/').map_or("", |(_, below)| below);
            format!("/{}*", below.trim_end_matches('/'))
        }));
    }
    let wildcards = items.iter().filter(|item| item.ends_with('*')).count();
    if wildcards > WILDCARDS_MAX { everything() } else { items }
}

fn path(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{}{query}", url.path()))
}

fn invalidation(config: &Config, items: &[&String], reference: &str, now: DateTime<Utc>) -> Call {
    let list: String = items.iter().map(|item| format!("<Path>{}</Path>", escaped(item))).collect();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
         <CallerReference>{}</CallerReference><Paths><Items>{list}</Items><Quantity>{}</Quantity></Paths>\
         </InvalidationBatch>",
        escaped(reference),
        items.len()
    );
    let path = format!("/2020-05-31/distribution/{}/invalidation", config.distribution);
    let url = format!("{}{path}", config.api.trim_end_matches('/'));
    let host = host(&url);
    let request = Request {
        method: "POST",
        path: &path,
        query: "",
        headers: &[("content-type", "text/xml"), ("host", &host)],
        body: body.as_bytes(),
        region: "us-east-1",
        service: "cloudfront",
    };
    let signed = sign(&request, &config.access_key, config.secret_key.expose(), now);
    let call = Call::new(Method::POST, url)
        .with("content-type", "text/xml")
        .with("x-amz-date", signed.date)
        .with("authorization", signed.authorization);
    Call { body, ..call }
}

/// As the client will write it.
fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    let name = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    url.as_ref().and_then(Url::port).map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
