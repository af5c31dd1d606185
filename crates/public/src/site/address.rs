//! Addresses of pages: a path, a query in a fixed order, and the script in which names are shown.

use domain::EntityKind;
use lipi::Script;
use std::collections::BTreeMap;
use std::fmt::Display;
use url::form_urlencoded::{Serializer, byte_serialize};

/// The script in which the site is shown where an address says nothing.
pub(super) const SCRIPT_DEFAULT: Script = Script::Latin;

/// The address of a page, but for the script. One page has one spelling: parameters are written in order.
#[derive(Clone, Debug)]
pub(super) struct Address {
    path: String,
    query: BTreeMap<&'static str, String>,
}

impl Address {
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), query: BTreeMap::new() }
    }

    /// The page of an entity.
    pub fn entity(kind: EntityKind, slug: &str) -> Self {
        let slug: String = byte_serialize(slug.as_bytes()).collect();
        Self::new(format!("/{}/{slug}", kind.plural()))
    }

    /// The same with `name=value` in the query.
    pub fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.query.insert(name, value.to_string());
        self
    }

    /// The same with `name=value`, where there is a value.
    pub fn with_some(self, name: &'static str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same without `name` in the query.
    pub fn without(mut self, name: &str) -> Self {
        self.query.remove(name);
        self
    }

    /// Its query, for the hidden fields of a form.
    pub fn query(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.query.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The link to this page in `script`.
    pub fn href(&self, script: Script) -> String {
        let script = (script != SCRIPT_DEFAULT).then_some(("script", script.as_str()));
        let mut pairs: Vec<(&str, &str)> = self.query().chain(script).collect();
        if pairs.is_empty() {
            return self.path.clone();
        }
        pairs.sort_unstable();
        let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{}?{query}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_has_one_address() {
        let address = Address::new("/search").with("q", "endarō & co").with("composer", "tyagaraja");
        assert_eq!(address.href(Script::Latin), "/search?composer=tyagaraja&q=endar%C5%8D+%26+co");
        assert_eq!(address.without("q").href(Script::Tamil), "/search?composer=tyagaraja&script=tamil");
        assert_eq!(Address::entity(EntityKind::Deity, "rama").href(Script::Latin), "/deities/rama");
    }
}
