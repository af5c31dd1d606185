//! Runs processes, starts again what dies, and stops them by closing their standard input.
//!
//! Closing a pipe is the one way to stop a child, and the kernel does it too when the supervisor is killed:
//! nothing that was started here outlives it.

use super::log_file::LogFile;
use super::program::{NAME, this_program};
use super::state::StateFile;
use crate::{Error, terminal};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The wait before the first restart; it doubles up to the maximum.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
/// The longest wait before a restart.
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// Who ran this long has recovered: the next restart is quick again.
const STEADY_AFTER: Duration = Duration::from_secs(10);
/// A process that was asked to stop is killed after this. Longer than a guard's own patience.
const STOP_WAIT: Duration = Duration::from_secs(50);

/// What to run.
#[derive(Clone, Debug)]
pub struct Spec {
    /// For the log, the state file and sentences.
    pub name: String,
    /// Arguments of our own binary.
    pub arguments: Vec<OsString>,
    /// Where its words go.
    pub log: PathBuf,
}

/// A running process, or one that is being started again.
pub struct Process {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Process {
    /// Starts `spec` and keeps it running. A first start that fails is an error.
    pub async fn start(spec: Spec, state: StateFile) -> Result<Self, Error> {
        let stop = CancellationToken::new();
        let child = spawn(&spec, &state).await?;
        let task = tokio::spawn(keep(spec, child, state, stop.clone()));
        Ok(Self { stop, task })
    }

    /// Stops it and waits for its end.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = self.task.await;
    }
}

async fn keep(spec: Spec, first: Child, state: StateFile, stop: CancellationToken) {
    let mut child = Some(first);
    let mut backoff = BACKOFF_MIN;
    loop {
        let started = Instant::now();
        let end = match child.take() {
            Some(running) => match watch(running, &stop).await {
                Some(end) => end,
                None => return,
            },
            None => "it could not be started".to_owned(),
        };
        if started.elapsed() > STEADY_AFTER {
            backoff = BACKOFF_MIN;
        }
        terminal::say(format_args!(
            "{} ended ({end}); starting it again in {} ms",
            spec.name,
            backoff.as_millis()
        ));
        note(&state, &spec.name, &end);
        tokio::select! {
            () = tokio::time::sleep(backoff) => backoff = (backoff * 2).min(BACKOFF_MAX),
            () = stop.cancelled() => return,
        }
        child = spawn(&spec, &state).await.map_err(|error| terminal::say(error.told())).ok();
    }
}

/// How the child ended, or nothing where it was stopped.
async fn watch(mut child: Child, stop: &CancellationToken) -> Option<String> {
    // Taken out, because waiting for a child closes the input that is still in it.
    let input = child.stdin.take();
    tokio::select! {
        status = child.wait() => return Some(status.map_or_else(|error| error.to_string(), reason)),
        () = stop.cancelled() => {}
    }
    drop(input);
    if tokio::time::timeout(STOP_WAIT, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
    None
}

async fn spawn(spec: &Spec, state: &StateFile) -> Result<Child, Error> {
    let program = this_program(&spec.log)?;
    let log = LogFile::open(&spec.log).await?;
    let (reader, writer) = std::io::pipe().map_err(Error::file("opening a pipe", &spec.log))?;
    let second = writer.try_clone().map_err(Error::file("opening a pipe", &spec.log))?;
    let child = Command::new(&program)
        .arg0(NAME)
        .args(&spec.arguments)
        .stdin(Stdio::piped())
        .stdout(writer)
        .stderr(second)
        // Ctrl-C at the terminal reaches the supervisor alone, which stops things in order.
        .process_group(0)
        .spawn()
        .map_err(Error::file("starting a process", &program))?;
    let pipe = tokio::net::unix::pipe::Receiver::from_owned_fd(reader.into());
    let pipe = pipe.map_err(Error::file("reading a pipe", &spec.log))?;
    tokio::spawn(log.follow(pipe));
    let (name, pid) = (spec.name.clone(), child.id());
    state.change(|state| state.processes.entry(name).or_default().pid = pid)?;
    Ok(child)
}

fn note(state: &StateFile, name: &str, end: &str) {
    let changed = state.change(|state| {
        let process = state.processes.entry(name.to_owned()).or_default();
        process.pid = None;
        process.restarts += 1;
        process.last_end = Some(end.to_owned());
    });
    if let Err(error) = changed {
        terminal::say(error.told());
    }
}

fn reason(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
