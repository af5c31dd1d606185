//! The program that runs, to be started again as a child.

use crate::Error;
use std::path::{Path, PathBuf};

/// What the processes are called in a list of processes.
pub(super) const NAME: &str = "sangraha";

/// The kernel's own name of it: where a newer build has taken the file's place, a platform that runs goes on
/// with the build that it was started from. `log` is named where it cannot be found.
pub(super) fn this_program(log: &Path) -> Result<PathBuf, Error> {
    const SELF: &str = "/proc/self/exe";
    if Path::new(SELF).exists() {
        return Ok(SELF.into());
    }
    std::env::current_exe().map_err(Error::file("finding our own binary", log))
}
