//! The guard of a postmaster: a process of ours that ends it when the supervisor is gone.
//!
//! A postmaster knows nothing of the process that started it and would run on for ever. The guard holds the
//! other end of the supervisor's pipe: when that closes, for whatever reason, it asks the postmaster to stop.

use crate::Error;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};

/// A fast shutdown writes a checkpoint; longer than this and it is told to stop at once.
const FAST_STOP_WAIT: Duration = Duration::from_secs(20);
/// A postmaster left behind by a guard that was killed must be gone after this.
const LEFTOVER_WAIT: Duration = Duration::from_secs(20);
/// How often a process is looked at while waiting for its end.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What a guard runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The program.
    pub postgres: PathBuf,
    /// The data folder of the cluster.
    pub folder: PathBuf,
    /// Whom to become, where this process is root.
    pub account: Option<(u32, u32)>,
}

impl Guard {
    /// The arguments of our own binary that run this guard.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            vec!["guard".into(), "--postgres".into(), self.postgres.clone().into()];
        arguments.extend(["--folder".into(), self.folder.clone().into()]);
        if let Some((uid, gid)) = self.account {
            arguments.extend([
                "--uid".into(),
                uid.to_string().into(),
                "--gid".into(),
                gid.to_string().into(),
            ]);
        }
        arguments
    }
}

/// Runs the postmaster until it ends or standard input is closed. The answer is how it ended.
pub async fn run(guard: &Guard) -> Result<ExitStatus, Error> {
    clear_leftover(&guard.folder).await?;
    let mut command = Command::new(&guard.postgres);
    command.arg("-D").arg(&guard.folder).env("LC_ALL", "C").current_dir(&guard.folder).stdin(Stdio::null());
    if let Some((uid, gid)) = guard.account {
        command.uid(uid).gid(gid);
    }
    // A group of its own: Ctrl-C at the terminal reaches the supervisor alone, which stops things in order.
    command.process_group(0);
    let mut child = command.spawn().map_err(Error::file("starting PostgreSQL", &guard.postgres))?;
    tokio::select! {
        status = child.wait() => status.map_err(Error::file("watching PostgreSQL", &guard.postgres)),
        () = end_of_input() => stop(child, &guard.postgres).await,
    }
}

/// Completes when whoever holds the other end of standard input has closed it, or is no more. Standard input
/// that is no pipe has no other end.
pub async fn end_of_input() {
    let pipe = std::io::stdin().as_fd().try_clone_to_owned().and_then(Receiver::from_owned_fd);
    let Ok(mut pipe) = pipe else { return std::future::pending().await };
    let mut bytes = [0; 64];
    while pipe.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}

async fn stop(mut child: Child, path: &Path) -> Result<ExitStatus, Error> {
    for signal in [Signal::INT, Signal::QUIT] {
        if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            let _ = kill_process(pid, signal);
        }
        if let Ok(status) = tokio::time::timeout(FAST_STOP_WAIT, child.wait()).await {
            return status.map_err(Error::file("stopping PostgreSQL", path));
        }
    }
    child.kill().await.map_err(Error::file("ending PostgreSQL", path))?;
    child.wait().await.map_err(Error::file("ending PostgreSQL", path))
}

/// A `postmaster.pid` from an earlier life: its postmaster is stopped if it still runs, and the file removed
/// if its number now belongs to another program, which PostgreSQL cannot tell and would refuse to start.
async fn clear_leftover(folder: &Path) -> Result<(), Error> {
    let file = folder.join("postmaster.pid");
    let Some(pid) = first_number(&file).and_then(Pid::from_raw) else { return Ok(()) };
    if !is_postmaster_of(pid, folder) {
        return std::fs::remove_file(&file).map_err(Error::file("removing a stale lock", &file));
    }
    let _ = kill_process(pid, Signal::INT);
    let gone = async {
        while test_kill_process(pid).is_ok() && is_postmaster_of(pid, folder) {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    if tokio::time::timeout(LEFTOVER_WAIT, gone).await.is_err() {
        let _ = kill_process(pid, Signal::QUIT);
    }
    Ok(())
}

fn first_number(file: &Path) -> Option<i32> {
    std::fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

fn is_postmaster_of(pid: Pid, folder: &Path) -> bool {
    let command_line = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    let mut words = command_line.split(|byte| *byte == 0);
    let is_postgres = words.next().is_some_and(|program| program.ends_with(b"postgres"));
    is_postgres && words.any(|word| word == folder.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sangraha-guard-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[tokio::test]
    async fn a_lock_whose_number_belongs_to_another_program_is_removed() {
        let folder = folder("stale");
        std::fs::write(folder.join("postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
        clear_leftover(&folder).await.unwrap();
        assert!(!folder.join("postmaster.pid").exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn no_lock_needs_no_clearing() {
        let folder = folder("none");
        clear_leftover(&folder).await.unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_account_travels_with_the_arguments() {
        let guard =
            Guard { postgres: "/pg/postgres".into(), folder: "/data".into(), account: Some((101, 102)) };
        let arguments = guard.arguments();
        assert_eq!(arguments.len(), 9);
        assert_eq!(arguments[6], "101");
    }
}
