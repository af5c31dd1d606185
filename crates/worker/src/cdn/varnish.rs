//! Varnish with `deploy/varnish/sangraha.vcl`: `PURGE` with keys goes to the vmod `xkey`, `PURGE` of an address to
//! Varnish's own purge, and what has no index (prefixes, hosts, everything) becomes a ban. Bans are never soft.

use super::call::Call;
use super::work::{Targets, Work, chunks};
use reqwest::{Method, Url};
use serde::Deserialize;

/// All Varnishes that stand in front of the edges; each of them is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `http://host:port`.
    pub addresses: Vec<String>,
}

/// Fifty keys of 128 bytes fit into a field of Varnish (8 KiB by default).
const KEYS_MAX: usize = 50;

pub(super) fn calls(config: &Config, work: &Work) -> Vec<Call> {
    let one = |address: &String| {
        let of = |(targets, soft)| some(address.trim_end_matches('/'), targets, soft);
        work.both().into_iter().flat_map(of).collect::<Vec<_>>()
    };
    config.addresses.iter().flat_map(one).collect()
}

fn some(address: &str, targets: &Targets, soft: bool) -> Vec<Call> {
    let Targets { all, tags, urls, prefixes, hosts } = targets;
    let field = if soft { "xkey-softpurge" } else { "xkey-purge" };
    let tags = chunks(tags, KEYS_MAX).into_iter();
    let tags = tags.map(|keys| call("PURGE", address, "/").with(field, keys.join(" ")));
    let urls = urls.iter().filter_map(|url| purge(address, url, soft));
    let bans = prefixes
        .iter()
        .map(|prefix| below(prefix))
        .chain(hosts.iter().map(|host| (host.clone(), "^".to_owned())));
    let bans = bans.map(|(host, path)| {
        call("BAN", address, "/").with("x-ban-host", host.to_ascii_lowercase()).with("x-ban-url", path)
    });
    let everything = all.then(|| call("BAN", address, "/").with("x-ban-url", "^"));
    tags.chain(urls).chain(bans).chain(everything).collect()
}

fn purge(address: &str, url: &str, soft: bool) -> Option<Call> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let call = call("PURGE", address, &format!("{}{query}", url.path())).with("host", host);
    Some(if soft { call.with("x-soft", "1") } else { call })
}

/// The host, and an expression for addresses at the path and below it.
fn below(prefix: &str) -> (String, String) {
    let (host, path) = prefix.split_once('/').unwrap_or((prefix, ""));
    match path.trim_end_matches('/') {
        "" => (host.to_owned(), "^".to_owned()),
        path => (host.to_owned(), format!("^/{}(/|\\?|$)", literal(path))),
    }
}

/// Every character that an expression could read otherwise stands for itself.
fn literal(text: &str) -> String {
    text.chars()
        .map(
            |c| {
                if c.is_ascii_alphanumeric() || "/-_~%".contains(c) {
                    c.to_string()
                } else {
                    format!("[{c}]")
                }
            },
        )
        .collect()
}

fn call(method: &str, address: &str, path: &str) -> Call {
    let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::POST);
    Call::new(method, format!("{address}{path}"))
}
