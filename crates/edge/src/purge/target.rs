//! What a purge names, as hashes: surrogate keys, and the addresses that every object has.
//!
//! An object carries the hash of its own address, of its host and of each prefix of its path, so that a purge by
//! address is a purge by tag: one entry in a map, however many objects it hits.

use crate::Inner;
use crate::purge::generations::Generations;
use crate::store::key::Key;
use domain::purge::{Purge, Target};
use std::borrow::Cow;
use url::Url;

/// The hash of one address with all its variants.
pub(crate) fn url(generations: &Generations, key: &Key) -> u64 {
    generations.tag_of(&["url ", std::str::from_utf8(key.text()).unwrap_or_default()])
}

/// The hash of everything below the path of `key`; of its host where that is the root.
pub(crate) fn prefix(generations: &Generations, key: &Key) -> u64 {
    match key.prefixes().last() {
        Some(prefix) => generations.tag_of(&["prefix ", prefix]),
        None => host(generations, key),
    }
}

/// The hash of everything of a host.
pub(crate) fn host(generations: &Generations, key: &Key) -> u64 {
    generations.tag_of(&["host ", key.host()])
}

/// By what an object can be purged, whatever its origin says.
pub(crate) fn own(generations: &Generations, key: &Key) -> Vec<u64> {
    let prefixes = key.prefixes().map(|prefix| generations.tag_of(&["prefix ", prefix]));
    [url(generations, key), host(generations, key)].into_iter().chain(prefixes).collect()
}

/// The purges in the spelling of this edge's keys: addresses are written in many ways.
pub(crate) fn spelled<'a>(inner: &Inner, purges: &'a [Purge]) -> Cow<'a, [Purge]> {
    if !purges.iter().flat_map(|purge| &purge.tags).any(|tag| tag.contains(' ')) {
        return Cow::Borrowed(purges);
    }
    let spell = |purge: &Purge| {
        let tags = purge.tags.iter().flat_map(|tag| words(inner, tag)).collect();
        Purge { tags, ..purge.clone() }
    };
    Cow::Owned(purges.iter().map(spell).collect())
}

/// One target as the texts that are hashed. What names no place here hits nothing.
fn words(inner: &Inner, tag: &str) -> Vec<String> {
    let key = |url: &str| Key::of_url(&Url::parse(url).ok()?, inner.spelling(), &inner.hasher);
    match tag.parse() {
        // Who orders it may not know by which scheme clients come.
        Ok(Target::Url(url)) => {
            let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            let keys = ["http", "https"].map(|scheme| key(&format!("{scheme}://{rest}")));
            let text = |key: Key| format!("url {}", String::from_utf8_lossy(key.text()));
            keys.into_iter().flatten().map(text).collect()
        }
        Ok(Target::Prefix(prefix)) => {
            let key = key(&format!("http://{prefix}"));
            let text = |key: Key| match key.prefixes().last() {
                Some(prefix) => format!("prefix {prefix}"),
                None => format!("host {}", key.host()),
            };
            key.map(text).into_iter().collect()
        }
        Ok(Target::Host(host)) => {
            key(&format!("http://{host}/")).map(|key| format!("host {}", key.host())).into_iter().collect()
        }
        Ok(Target::Tag(_) | Target::All) => vec![tag.to_owned()],
        Err(_) => Vec::new(),
    }
}
