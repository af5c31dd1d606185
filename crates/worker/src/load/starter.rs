//! The starter catalogue: a folder of TOML files that people write and review.
//!
//! Records refer to each other by keys. What follows from arithmetic (the scales of the 72 melas, the 35
//! suladi talas) is made here and never typed. Nothing is asked of a database, so that the whole folder can
//! be checked wherever it lies.

pub(super) mod arithmetic;
mod builder;
mod document;
mod meaning;
mod notation;
mod raw;
mod song;

use super::Error;
use super::plan::Batch;
use builder::Builder;
use domain::music::melakarta;
use domain::reference::ExternalId;
use domain::{EntityKind, Record};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The collection that the ids of the starter catalogue belong to.
pub const SCHEME: &str = "starter";

/// Every file of the folder with the kind of its records, in the order in which they are read.
const FILES: [(&str, EntityKind); 11] = [
    ("sources.toml", EntityKind::Source),
    ("rights.toml", EntityKind::Rights),
    ("places.toml", EntityKind::Place),
    ("tags.toml", EntityKind::Tag),
    ("deities.toml", EntityKind::Deity),
    ("temples.toml", EntityKind::Temple),
    ("composers.toml", EntityKind::Composer),
    ("talas.toml", EntityKind::Tala),
    ("melas.toml", EntityKind::Raga),
    ("ragas.toml", EntityKind::Raga),
    ("groups.toml", EntityKind::Group),
];

/// Rulings on names that look alike. A folder may have none.
const VERDICTS: &str = "verdicts.toml";

/// What works say, in other words. A folder may have none.
const MEANINGS: &str = "meanings.toml";

/// The folder with one file of works for each composer or set of composers.
const COMPOSITIONS: &str = "compositions";

/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Reads the whole folder. Bad rows are in the report of the batch.
pub fn parse(folder: &Path) -> Result<Batch, Error> {
    let mut builder = Builder::default();
    for (name, kind) in FILES {
        let path = folder.join(name);
        builder.document(name, kind, &read(&path)?);
    }
    let works = folder.join(COMPOSITIONS);
    for path in toml_files(&works)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        builder.document(&format!("{COMPOSITIONS}/{name}"), EntityKind::Composition, &read(&path)?);
    }
    let meanings = folder.join(MEANINGS);
    if meanings.is_file() {
        builder.meanings(MEANINGS, &read(&meanings)?);
    }
    let rulings = folder.join(VERDICTS);
    if rulings.is_file() {
        builder.verdicts(VERDICTS, &read(&rulings)?);
    }
    Ok(builder.finish())
}

/// The records of one file by themselves. What they refer to need not be there.
pub(super) fn records(kind: EntityKind, text: &str) -> Vec<Record> {
    let mut builder = Builder::default();
    builder.document("", kind, text);
    builder.records()
}

/// The id by which other records refer to a mela.
pub(super) fn mela_id(number: u8) -> Option<Uuid> {
    mela_key(number).map(|key| builder::id(EntityKind::Raga, &key))
}

/// The identity of the record `key` of a kind.
pub fn external(kind: EntityKind, key: &str) -> ExternalId {
    ExternalId { scheme: SCHEME.to_owned(), id: format!("{kind}/{key}") }
}

/// The key of a mela: `mela-08`. None for a number that no mela has.
pub fn mela_key(number: u8) -> Option<String> {
    melakarta::name(number).map(|_| format!("mela-{number:02}"))
}

fn read(path: &Path) -> Result<String, Error> {
    super::read_text(path, FILE_BYTES_MAX)
}

/// The TOML files of `folder` by name, so that every machine reads them in the same order.
fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
