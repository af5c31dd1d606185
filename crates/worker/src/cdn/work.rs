//! What a CDN has to be told: the purges of a batch, each thing once.

use domain::purge::{PurgeBatch, Target};
use std::collections::BTreeSet;

/// Soft and hard targets of one batch; what is purged hard need not be softened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) hard: Targets,
    pub(super) soft: Targets,
}

/// By kind, as providers have a call for each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Targets {
    pub(super) all: bool,
    pub(super) tags: BTreeSet<String>,
    pub(super) urls: BTreeSet<String>,
    pub(super) prefixes: BTreeSet<String>,
    pub(super) hosts: BTreeSet<String>,
}

impl Work {
    pub(super) fn of(batch: &PurgeBatch) -> Self {
        let mut work = Self::default();
        work.hard.all = batch.purge_all;
        for purge in &batch.purges {
            let targets = if purge.soft { &mut work.soft } else { &mut work.hard };
            // A text that names nothing hits nothing at the edges either.
            purge.tags.iter().filter_map(|tag| tag.parse().ok()).for_each(|target| targets.add(target));
        }
        work.reduce();
        work
    }

    /// Soft and hard, with the word for soft.
    pub(super) fn both(&self) -> [(&Targets, bool); 2] {
        [(&self.hard, false), (&self.soft, true)]
    }

    fn reduce(&mut self) {
        let Self { hard, soft } = self;
        if hard.all {
            *hard = Targets { all: true, ..Targets::default() };
            *soft = Targets::default();
        } else if soft.all {
            *soft = Targets { all: true, ..Targets::default() };
        }
        soft.tags.retain(|tag| !hard.tags.contains(tag));
        soft.urls.retain(|url| !hard.urls.contains(url));
        soft.prefixes.retain(|prefix| !hard.prefixes.contains(prefix));
        soft.hosts.retain(|host| !hard.hosts.contains(host));
    }
}

impl Targets {
    fn add(&mut self, target: Target) {
        match target {
            Target::Tag(tag) => drop(self.tags.insert(tag)),
            Target::Url(url) => drop(self.urls.insert(url)),
            Target::Prefix(prefix) => drop(self.prefixes.insert(prefix)),
            Target::Host(host) => drop(self.hosts.insert(host)),
            Target::All => self.all = true,
        }
    }

    /// Whether there is something that only some providers have a call for.
    pub(super) fn has_places(&self) -> bool {
        !self.prefixes.is_empty() || !self.hosts.is_empty()
    }
}

/// At most `max` at a time.
pub(super) fn chunks(items: &BTreeSet<String>, max: usize) -> Vec<Vec<&str>> {
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    items.chunks(max).map(<[&str]>::to_vec).collect()
}
