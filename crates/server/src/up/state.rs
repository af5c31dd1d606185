//! The file by which `status`, `down` and the tests find a running platform.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What the supervisor knows, as others may read it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// The supervisor.
    pub pid: i32,
    /// Whether everything was ready once.
    pub ready: bool,
    /// The first port.
    pub base_port: u16,
    /// The processes by name.
    pub processes: BTreeMap<String, ProcessState>,
    /// What each role listens at: `edge-a` → `http://127.0.0.1:7400`.
    pub urls: BTreeMap<String, String>,
    /// Private ports by process: where `status` asks.
    pub private: BTreeMap<String, String>,
    /// The data folders of the clusters by name.
    pub clusters: BTreeMap<String, PathBuf>,
}

/// One supervised process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ProcessState {
    /// Its number while it runs.
    pub pid: Option<u32>,
    /// How often it was started again.
    pub restarts: u32,
    /// Why it ended the last time.
    pub last_end: Option<String>,
}

impl State {
    /// Reads the file of a platform that was started at least once.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().unwrap_or(path).to_path_buf();
        let text = std::fs::read_to_string(path).map_err(|_| Error::NotRunning(folder))?;
        serde_json::from_str(&text).map_err(Error::part("Reading the state of the platform"))
    }
}

/// The supervisor's copy, written to the file at every change.
#[derive(Clone)]
pub struct StateFile {
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

impl StateFile {
    /// Begins a new life of the platform.
    pub fn create(path: PathBuf, state: State) -> Result<Self, Error> {
        let file = Self { path, state: Arc::new(Mutex::new(state)) };
        file.change(|_| ())?;
        Ok(file)
    }

    /// Changes the state and writes it, in one step for readers.
    pub fn change(&self, change: impl FnOnce(&mut State)) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let text =
            serde_json::to_vec_pretty(&*state).map_err(Error::part("Writing the state of the platform"))?;
        let new = self.path.with_extension("json.new");
        std::fs::write(&new, text).map_err(Error::file("writing the state of the platform", &new))?;
        std::fs::rename(&new, &self.path)
            .map_err(Error::file("writing the state of the platform", &self.path))
    }

    /// The platform is gone.
    pub fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
