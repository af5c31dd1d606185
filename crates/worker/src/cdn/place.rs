//! How far one CDN was told, in a file.

use crate::purges::Applied;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;

/// The file, and what it says.
pub(super) struct Place {
    path: PathBuf,
    at: Applied,
}

#[derive(Default, Serialize, Deserialize)]
struct Written {
    epoch: u64,
    position: u64,
}

impl Place {
    /// What cannot be read counts as lost: everything is purged once.
    pub(super) fn open(path: PathBuf) -> Self {
        let text = std::fs::read(&path).unwrap_or_default();
        let Written { epoch, position } = serde_json::from_slice(&text).unwrap_or_default();
        Self { path, at: Applied { epoch, position } }
    }

    pub(super) const fn at(&self) -> Applied {
        self.at
    }

    /// Whole or not at all: a torn file would be a lost one.
    pub(super) fn save(&mut self, at: Applied) -> io::Result<()> {
        self.at = at;
        let written = Written { epoch: at.epoch, position: at.position };
        let draft = self.path.with_extension("new");
        std::fs::write(&draft, serde_json::to_vec(&written).map_err(io::Error::other)?)?;
        std::fs::rename(draft, &self.path)
    }
}
