//! A collection of works as a folder of tables: `krithis.csv`, `lyrics.jsonl`, `ragas.csv` and
//! `raga_aliases.json`.
//!
//! [`parse`] reads the files and asks nothing else. [`plan`] brings them together with what is stored: a
//! row whose entity is known already is linked to it, never merged by its name alone; everything else
//! becomes a record under the id of its row. What cannot be made out is reported and left empty.

mod compare;
mod facts;
mod files;
mod known;
mod links;
mod ragas;
mod reviewed;
mod sections;
mod songs;

use super::Error;
use super::plan::{Batch, Entry, Work, provisional};
use super::report::Report;
pub use compare::compare;
use domain::reference::{ExternalId, Rights, Source};
use domain::{EntityKind, EntityRef, Record};
pub use files::{Files, KRITHIS, Krithi};
pub use known::Known;
use std::path::Path;
use uuid::Uuid;

use super::names;
use super::starter;

/// The collection that the ids of the rows belong to.
pub const SCHEME: &str = "catalogue";

/// Reads the four files. Bad rows are in the report.
pub fn parse(folder: &Path) -> Result<(Files, Report), Error> {
    let mut report = Report::default();
    let files = Files::read(folder, &mut report)?;
    Ok((files, report))
}

/// Records and links for all rows, in the order in which they must be stored.
pub fn plan(files: &Files, report: Report, known: &Known) -> Batch {
    let mut batch = Batch { report, stored: known.ids(), ..Batch::default() };
    let common = Common::new(known, &mut batch);
    let ragas = ragas::plan(files, known, &common, &mut batch);
    songs::plan(files, known, &common, &ragas, &mut batch);
    batch.finish();
    batch
}

/// Records that every row refers to.
struct Common {
    source: Uuid,
    rights: Uuid,
}

impl Common {
    fn new(known: &Known, batch: &mut Batch) -> Self {
        let source = Source {
            names: vec![names::latin("Loaded collection of krithis, ragas and lyrics")],
            url: None,
            tier: 4,
            note: Some("Facts and words as its files spell them, not reviewed by an editor.".to_owned()),
            sources: Vec::new(),
            external_ids: vec![external("source/collection")],
        };
        let rights = Rights {
            names: vec![names::latin("Rights not stated")],
            licence: "unstated".to_owned(),
            holder: None,
            attribution: None,
            url: None,
            public_domain_reason: None,
            note: None,
            sources: Vec::new(),
            external_ids: vec![external("rights/unstated")],
        };
        let stated =
            known.by_external(EntityKind::Rights, &starter::external(EntityKind::Rights, "unstated"));
        Self {
            source: put(batch, external("source/collection"), Record::Source(source), "", 0),
            rights: stated
                .unwrap_or_else(|| put(batch, external("rights/unstated"), Record::Rights(rights), "", 0)),
        }
    }
}

pub(super) fn external(id: &str) -> ExternalId {
    ExternalId { scheme: SCHEME.to_owned(), id: id.to_owned() }
}

/// Adds a record and gives back the id by which others refer to it.
fn put(batch: &mut Batch, external: ExternalId, record: Record, file: &str, line: usize) -> Uuid {
    let id = provisional(&external);
    let slug = names::slug(record.label());
    let work = Work::Put(Box::new(record));
    batch.entries.push(Entry { external, provisional: id, slug, file: file.to_owned(), line, work });
    id
}

/// Gives a stored entity the identity of a row.
fn link(
    batch: &mut Batch,
    external: ExternalId,
    target: EntityRef,
    names: Vec<domain::Name>,
    line: usize,
    file: &str,
) {
    let entry = Entry {
        provisional: provisional(&external),
        external,
        slug: String::new(),
        file: file.to_owned(),
        line,
        work: Work::Link { target, names },
    };
    batch.entries.push(entry);
}

#[cfg(test)]
mod tests;
