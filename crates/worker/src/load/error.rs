//! Why a load failed as a whole.

use super::report::Report;
use std::path::PathBuf;

/// Why nothing, or not everything, was loaded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the machine says.
        source: std::io::Error,
    },
    /// The folder holds no starter catalogue, no collection and no export.
    #[error("{} holds no `ragas.toml`, `krithis.csv` or `everything.jsonl`: give the folder of a catalogue, or an exported file", .0.display())]
    NotACatalogue(PathBuf),
    /// Rows are bad and were not to be skipped; nothing was loaded.
    #[error("{} bad row(s); nothing was loaded", .0.bad.len())]
    BadRows(Box<Report>),
    /// The loader asked for something that the rules of the catalogue refuse.
    #[error("{record}: {refusal}")]
    Refused {
        /// Its id in the catalogue.
        record: String,
        /// Why.
        refusal: domain::aggregate::Refusal,
    },
    /// A record lost its form on the way; a mistake of the loader.
    #[error("{record} cannot be written: {source}")]
    Form {
        /// Its id in the catalogue.
        record: String,
        /// Where its form broke.
        source: serde_json::Error,
    },
    /// The database refused. Batches committed before stay; the same load again goes on from there.
    #[error(transparent)]
    Store(#[from] store::Error),
}
