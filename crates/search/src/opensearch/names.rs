//! Names of indexes, and what an index is made of.
//!
//! An index is `{beginning}-f{fold}-s{schema}-{number}`, and the alias of the same name without the number is
//! what is read and written. Programs of two versions therefore read two indexes and never each other's.

use crate::engine::{Column, SCHEMA_VERSION};
use crate::fields::Field;
use crate::query::Facet;
use lipi::{FOLD_VERSION, Script};
use serde_json::{Value, json};

/// Scripts other than Latin in whose alphabet titles are sorted.
pub(super) const RANKED: [Script; 5] =
    [Script::Devanagari, Script::Tamil, Script::Telugu, Script::Kannada, Script::Malayalam];
/// The document in which an index keeps how far the log is done.
pub(super) const POSITION_ID: &str = "position";

/// The alias of one region's index.
pub(super) fn alias(beginning: &str) -> String {
    format!("{beginning}-f{FOLD_VERSION}-s{SCHEMA_VERSION}")
}

/// The number at the end of an index's name. `beginning` must be followed by a folding, so that the index of
/// `region-a` is not taken for one of `region`.
pub(super) fn number(beginning: &str, name: &str) -> Option<u64> {
    let rest = name.strip_prefix(beginning)?.strip_prefix("-f")?;
    let mut parts = rest.split('-');
    let (fold, schema, number) = (parts.next()?, parts.next()?.strip_prefix('s')?, parts.next()?);
    let is_ours = fold.parse::<u32>().is_ok() && schema.parse::<u32>().is_ok() && parts.next().is_none();
    number.parse().ok().filter(|_| is_ours)
}

/// The field in which titles are sorted by the alphabet of a script: `0` and the rank in it, or `1` and the
/// Latin one, so that titles without one come last. None where titles are not sorted in it.
pub(super) fn order_field(script: Script) -> Option<String> {
    RANKED.contains(&script).then(|| format!("rank_{}", script.as_str().to_lowercase()))
}

/// Settings and mapping of a new index. Terms are whole keys: the engine analyses nothing.
pub(super) fn definition(replicas: u8) -> Value {
    let term = || json!({"type": "keyword", "doc_values": false, "norms": false});
    let column = || json!({"type": "keyword"});
    let text = || json!({"type": "keyword", "index": false, "doc_values": false});
    let mut properties = json!({
        "key": column(), "kind": term(), "rank": column(), "live": {"type": "boolean"},
        "version": {"type": "long"}, "digest": {"type": "long"}, "updated": {"type": "long"},
        "epoch": {"type": "long"}, "position": {"type": "long"},
        "stored_keys": text(), "stored_lyrics": text(), "stored_shown": text(),
    });
    for field in Field::ALL {
        properties[field.as_str()] = term();
    }
    for name in Facet::ALL.map(Facet::as_str).into_iter().chain([Column::PrimaryRaga.as_str()]) {
        properties[name] = column();
    }
    for name in RANKED.into_iter().filter_map(order_field) {
        properties[name] = column();
    }
    let terms: Vec<&str> = Field::ALL.iter().map(|field| field.as_str()).collect();
    json!({
        // One shard: counts are exact, and a catalogue is small beside what one shard holds.
        "settings": {"number_of_shards": 1, "number_of_replicas": replicas, "index.codec": "default"},
        // Terms are only looked for, never shown.
        "mappings": {"dynamic": "strict", "_source": {"excludes": terms}, "properties": properties},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_indexes_have_numbers() {
        let name = format!("{}-000007", alias("sangraha-a"));
        assert_eq!(number("sangraha-a", &name), Some(7));
        assert_eq!(number("sangraha-a", "sangraha-a-f1-s1-000012"), Some(12), "of another folding too");
        for other in ["sangraha", "sangraha-a-b-f1-s1-000001", "sangraha-a-f1-s1", "sangraha-a-f1-s1-x", "x"]
        {
            assert_eq!(number("sangraha-a", other), None, "{other}");
        }
        assert_eq!(number("sangraha", "sangraha-a-f1-s1-000001"), None);
    }

    #[test]
    fn nothing_unknown_enters_an_index() {
        let definition = definition(1);
        assert_eq!(definition["mappings"]["dynamic"], "strict");
        for field in Field::ALL {
            assert_eq!(definition["mappings"]["properties"][field.as_str()]["type"], "keyword");
        }
    }
}
