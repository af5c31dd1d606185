//! `--detach`: the same start in a session of its own, and a parent that shows its words until it is ready.

use super::layout::Layout;
use super::program::{NAME, this_program};
use super::state::State;
use crate::{Error, terminal};
use std::ffi::OsString;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often the log of the start is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Starts our own binary again with `arguments` and `--supervised`, and returns when it is ready.
pub async fn start(layout: &Layout, arguments: Vec<OsString>) -> Result<(), Error> {
    let log = layout.log("up");
    let mut shown = std::fs::File::options()
        .create(true)
        .append(true)
        .read(true)
        .open(&log)
        .map_err(Error::file("opening a log", &log))?;
    shown.seek(SeekFrom::End(0)).map_err(Error::file("reading a log", &log))?;
    let mut child = spawn(arguments, &log)?;
    let pid = child.id().cast_signed();
    loop {
        show(&mut shown);
        if let Some(status) = child.try_wait().map_err(Error::file("watching the start", &log))? {
            show(&mut shown);
            return Err(Error::Found(format!("the start failed ({status}); see {}", log.display())));
        }
        if State::read(&layout.state()).is_ok_and(|state| state.ready && state.pid == pid) {
            show(&mut shown);
            return Ok(());
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Leaves the terminal and its session: what happens to them no longer concerns this process.
pub fn leave_session() {
    // Already a leader of a session: nothing to leave.
    let _ = rustix::process::setsid();
}

fn spawn(arguments: Vec<OsString>, log: &Path) -> Result<Child, Error> {
    let program = this_program(log)?;
    let open = || {
        std::fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::file("opening a log", log))
    };
    let mut command = Command::new(&program);
    command
        .arg0(NAME)
        .args(arguments)
        .arg("--supervised")
        .stdin(Stdio::null())
        .stdout(open()?)
        .stderr(open()?);
    command.spawn().map_err(Error::file("starting in the background", &program))
}

fn show(log: &mut std::fs::File) {
    let mut bytes = Vec::new();
    if log.read_to_end(&mut bytes).is_ok() && !bytes.is_empty() {
        terminal::say(String::from_utf8_lossy(&bytes).trim_end());
    }
}
