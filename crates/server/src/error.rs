//! What can go wrong when the platform is composed, started or asked. Each text is a sentence for the person
//! at the terminal and ends, where something can be done, with what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Anything that ends a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No usable PostgreSQL.
    #[error(
        "no PostgreSQL 15 to 18 was found (tried: {tried}); install one (Debian: `apt-get install postgresql`), or name the folder of its programs with PGBIN or `postgres.bin`"
    )]
    NoPostgres {
        /// The places that were looked at, and what was wrong with each.
        tried: String,
    },
    /// A program of PostgreSQL that ended badly.
    #[error("`{program}` failed: {said}{}", advice(.said))]
    Program {
        /// Its name.
        program: String,
        /// The end of what it printed.
        said: String,
    },
    /// A process that did not become ready in time.
    #[error("`{name}` was not ready after {waited_s} s: {reason}; see {}", .log.display())]
    NotReady {
        /// Its name.
        name: String,
        /// How long was waited.
        waited_s: u64,
        /// What was seen last.
        reason: String,
        /// Where it writes.
        log: PathBuf,
    },
    /// A port that another program holds.
    #[error(
        "port {port} (for {name}) is in use by another program; stop that program, or choose another range with `--base-port`"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// What it was wanted for.
        name: String,
    },
    /// A file or folder that could not be used.
    #[error("{attempt} failed at {}: {source}{}", .path.display(), advice_io(.source))]
    File {
        /// What was attempted.
        attempt: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Too little room for databases.
    #[error("only {free_mib} MiB are free at {}, and a platform needs {needed_mib} MiB; free some space or choose another folder with `--data`", .path.display())]
    DiskFull {
        /// The folder.
        path: PathBuf,
        /// What is left.
        free_mib: u64,
        /// What is needed.
        needed_mib: u64,
    },
    /// Another supervisor has this data folder.
    #[error("a platform already runs with the data in {} (process {pid}); `sangraha down` stops it, `--data` and `--base-port` start another beside it", .folder.display())]
    AlreadyRuns {
        /// The data folder.
        folder: PathBuf,
        /// Its supervisor, 0 where it is not known.
        pid: i32,
    },
    /// Nothing runs here.
    #[error("no platform runs with the data in {}; `sangraha up` starts one", .0.display())]
    NotRunning(PathBuf),
    /// A configuration that cannot be read or makes no sense.
    #[error("{0}")]
    Config(String),
    /// A network service of ours that could not be asked.
    #[error("{what} could not be asked: {source}")]
    Ask {
        /// The URL or the name.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// An address that could not be listened at.
    #[error(
        "{what} cannot listen at {address}: {source}; stop the program that holds it, or configure another address"
    )]
    Listen {
        /// The listener.
        what: &'static str,
        /// Where.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// A finding that is the command's answer, already printed.
    #[error("{0}")]
    Found(String),
    /// A failure of a part, told in that part's words.
    #[error("{attempt}: {source}")]
    Part {
        /// What was attempted.
        attempt: &'static str,
        /// The part's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// For `map_err` on operations on a file.
    pub fn file(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { attempt, path, source }
    }

    /// For `map_err` on calls of our other crates.
    pub fn part<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        attempt: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Part { attempt, source: source.into() }
    }

    /// The sentence with every cause behind it.
    pub fn told(&self) -> String {
        let mut text = self.to_string();
        let mut cause = match self {
            Self::Part { source, .. } => source.source(),
            _ => None,
        };
        while let Some(error) = cause {
            let words = error.to_string();
            if !text.contains(&words) {
                text = format!("{text}: {words}");
            }
            cause = error.source();
        }
        text
    }
}

fn advice_io(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; give this user the right to it, or choose another folder with `--data`"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space, or choose another folder with `--data`"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; choose a folder that can be written with `--data`",
        _ => "",
    }
}

fn advice(said: &str) -> &'static str {
    let says = |words: &str| said.contains(words);
    if says("No space left on device") {
        "; free some space, or choose another folder with `--data`"
    } else if says("Permission denied") {
        "; the user that PostgreSQL runs as cannot use that file or folder: choose another with `--data`"
    } else if says("could not bind") || says("Address already in use") {
        "; another program holds that port: choose another range with `--base-port`"
    } else if says("could not create shared memory") || says("could not map anonymous shared memory") {
        "; the machine has too little memory left"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_says_what_to_do() {
        let full = Error::file("writing the settings", Path::new("/data"))(io::Error::from(
            io::ErrorKind::StorageFull,
        ));
        assert!(full.to_string().contains("free some space"), "{full}");
        let program = Error::Program { program: "initdb".into(), said: "No space left on device".into() };
        assert!(program.to_string().contains("free some space"), "{program}");
    }

    #[test]
    fn a_forbidden_folder_says_what_to_do() {
        let denied =
            Error::file("creating", Path::new("/data"))(io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(denied.to_string().contains("--data"), "{denied}");
    }

    #[test]
    fn causes_are_told_once() {
        let inner = Error::Config("the inner words".into());
        let outer = Error::part("Opening the store")(inner);
        assert_eq!(outer.told(), "Opening the store: the inner words");
    }
}
