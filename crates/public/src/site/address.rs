//! Addresses of pages: a path, a query in a fixed order, and the face in which the page is shown.

use super::face::Face;
use domain::EntityKind;
use std::collections::BTreeMap;
use std::fmt::Display;
use url::form_urlencoded::{Serializer, byte_serialize};

/// The address of a page, but for its face. One page has one spelling: parameters are written in order.
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

    /// Without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its query, for the hidden fields of a form.
    pub fn query(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.query.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The link to this page in `face`.
    pub fn href(&self, face: Face) -> String {
        let mut pairs: Vec<(&str, &str)> = self.query().collect();
        for (name, value) in face.query() {
            pairs.push((name, value));
        }
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
    use crate::site::face::Tongue;
    use lipi::Script;

    #[test]
    fn one_page_has_one_address() {
        let address = Address::new("/search").with("q", "endarō & co").with("composer", "tyagaraja");
        assert_eq!(address.href(Face::PLAIN), "/search?composer=tyagaraja&q=endar%C5%8D+%26+co");
        let tamil = Face::PLAIN.with_script(Script::Tamil);
        assert_eq!(address.clone().without("q").href(tamil), "/search?composer=tyagaraja&script=tamil");
        assert_eq!(address.without("q").href(Face::of(Tongue::Tamil)), "/search?composer=tyagaraja&lang=ta");
        assert_eq!(Address::entity(EntityKind::Deity, "rama").href(Face::PLAIN), "/deities/rama");
    }
}
