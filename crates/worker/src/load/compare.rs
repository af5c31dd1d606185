//! Where the starter catalogue and a collection of tables tell different facts of the same thing.
//!
//! Nothing is stored and no database is asked. A disagreement that was looked into is written beside the
//! record (`decided`), with the reason why ours stays; every other one is for a person to decide.

use super::catalogue;
use super::error::Error;
use super::plan::{Decision, Field};
use super::starter;
use domain::Record;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use uuid::Uuid;

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Works that both sides have.
    pub works: usize,
    /// The same of janya ragas.
    pub ragas: usize,
    /// The counts of each fact.
    pub fields: BTreeMap<Field, Tally>,
    /// In the order of the records' keys.
    pub disagreements: Vec<Disagreement>,
    /// Decisions that no disagreement needs any more.
    pub stale: Vec<String>,
}

/// How one fact compares over all records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Both sides say the same.
    pub agree: usize,
    /// They differ, and a decision keeps ours.
    pub decided: usize,
    /// They differ, and nobody has decided.
    pub undecided: usize,
}

/// One fact that is told in two ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// The key of our record: `composition/tyagaraja/x`.
    pub record: String,
    /// What it is called.
    pub label: String,
    /// The fact.
    pub field: Field,
    /// What it says.
    pub ours: String,
    /// As the other side spells it.
    pub theirs: String,
    /// The row of the other side.
    pub row: String,
    /// Why ours stays; none while nobody has decided.
    pub decided: Option<String>,
}

impl Comparison {
    /// Disagreements that nobody has decided.
    pub fn undecided(&self) -> usize {
        self.fields.values().map(|tally| tally.undecided).sum()
    }
}

/// Compares the starter catalogue in `own` with the collection in `other`.
pub fn compare(own: &Path, other: &Path) -> Result<Comparison, Error> {
    let batch = starter::parse(own)?;
    if !batch.report.bad.is_empty() {
        return Err(Error::BadRows(Box::new(batch.report)));
    }
    let (files, report) = catalogue::parse(other)?;
    if !report.bad.is_empty() {
        return Err(Error::BadRows(Box::new(report)));
    }
    Ok(catalogue::compare(&batch, &files))
}

/// Keeps the account while facts are compared.
pub(super) struct Judge<'b> {
    decided: &'b HashMap<Uuid, Vec<Decision>>,
    used: Vec<(Uuid, usize)>,
    found: Comparison,
}

/// Our record, as a disagreement names it.
#[derive(Clone, Copy)]
pub(super) struct Ours<'b> {
    pub id: Uuid,
    pub key: &'b str,
    pub record: &'b Record,
}

impl<'b> Judge<'b> {
    pub(super) fn new(decided: &'b HashMap<Uuid, Vec<Decision>>) -> Self {
        Self { decided, used: Vec::new(), found: Comparison::default() }
    }

    pub(super) const fn work(&mut self) {
        self.found.works += 1;
    }

    pub(super) const fn raga(&mut self) {
        self.found.ragas += 1;
    }

    pub(super) fn agree(&mut self, field: Field) {
        self.found.fields.entry(field).or_default().agree += 1;
    }

    pub(super) fn disagree(&mut self, record: Ours<'_>, field: Field, ours: String, theirs: &str, row: &str) {
        let decisions = self.decided.get(&record.id).map_or(&[][..], Vec::as_slice);
        let at = decisions.iter().position(|one| one.field == field && one.other == theirs);
        self.used.extend(at.map(|at| (record.id, at)));
        let decided = at.map(|at| decisions[at].reason.clone());
        let tally = self.found.fields.entry(field).or_default();
        *(if decided.is_some() { &mut tally.decided } else { &mut tally.undecided }) += 1;
        self.found.disagreements.push(Disagreement {
            record: record.key.to_owned(),
            label: record.record.label().to_owned(),
            field,
            ours,
            theirs: theirs.to_owned(),
            row: row.to_owned(),
            decided,
        });
    }

    pub(super) fn finish(mut self, keys: &HashMap<Uuid, String>) -> Comparison {
        self.found
            .disagreements
            .sort_by(|a, b| (&a.record, a.field, &a.row).cmp(&(&b.record, b.field, &b.row)));
        for (id, decisions) in self.decided {
            let unused = (0..decisions.len()).filter(|at| !self.used.contains(&(*id, *at)));
            let key = keys.get(id).map_or("", String::as_str);
            self.found.stale.extend(unused.map(|at| format!("{key}: `{}`", decisions[at].other)));
        }
        self.found.stale.sort();
        self.found
    }
}

impl fmt::Display for Comparison {
    /// Every disagreement with both values, then the counts.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Disagreement { record, label, field, ours, theirs, row, decided } in &self.disagreements {
            let verdict = decided.as_deref().unwrap_or("UNDECIDED");
            writeln!(out, "{record} ({label}) {field}: ours `{ours}`, theirs `{theirs}` ({row}): {verdict}")?;
        }
        for stale in &self.stale {
            writeln!(out, "{stale} is decided, but nothing disagrees")?;
        }
        writeln!(out, "{} works and {} ragas are on both sides", self.works, self.ragas)?;
        for (field, Tally { agree, decided, undecided }) in &self.fields {
            writeln!(out, "{field}: {agree} agree, {decided} decided for ours, {undecided} undecided")?;
        }
        write!(out, "{} disagreements, {} undecided", self.disagreements.len(), self.undecided())
    }
}
