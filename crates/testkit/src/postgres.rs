//! Real PostgreSQL servers for one test process: throwaway, durable for nothing, gone with the process.
//!
//! A server is started below a shell that holds a pipe from this process. However the process ends, the pipe
//! ends, and the shell stops the server at once and removes its files.

use crate::Port;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// A running server: a primary, or a standby of one.
#[derive(Debug)]
pub struct Cluster {
    name: String,
    programs: Programs,
    folder: PathBuf,
    port: Port,
    settings: Vec<String>,
    /// None while it is stopped.
    keeper: Option<Child>,
}

/// Where the programs are, and as whom they run.
#[derive(Clone, Debug)]
struct Programs {
    folder: PathBuf,
    /// Set where this process is root, which PostgreSQL refuses.
    run_as: Option<(u32, u32)>,
}

/// How much of a server's log stands beside a failure.
const LOG_LINES_SHOWN: usize = 30;

/// Longest wait for a server to answer.
const START_MAX: Duration = Duration::from_secs(60);

/// The server that all tests of this process share. None, loudly, where this machine has no PostgreSQL;
/// where `CI` is `true` that is a failure.
pub async fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceCell<Option<Cluster>> = OnceCell::const_new();
    SHARED.get_or_init(|| async { Cluster::primary() }).await.as_ref()
}

impl Cluster {
    /// Starts a new primary. None where this machine has no PostgreSQL, as in [`shared`].
    pub fn primary() -> Option<Self> {
        let programs = Programs::find()?;
        let folder = programs.new_folder("primary");
        let initdb = ["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"];
        programs.run("initdb", initdb.map(OsString::from).into_iter().chain([folder.join("data").into()]));
        let mut cluster = Self::new("primary", programs, folder, SETTINGS.map(String::from).to_vec());
        cluster.start();
        Some(cluster)
    }

    /// Starts a streaming standby of this server, with a physical slot of its own. `name` is a word; it is
    /// the application name under which the primary knows it.
    pub fn replica(&self, name: &str) -> Self {
        let folder = self.programs.new_folder(name);
        let port = self.port().to_string();
        let copy = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-X", "stream", "--checkpoint=fast"];
        let slot = ["--no-sync", "-C", "-S", name, "-R", "-D"];
        let arguments = copy.into_iter().chain(slot).map(OsString::from);
        self.programs.run("pg_basebackup", arguments.chain([folder.join("data").into()]));
        let mut settings = SETTINGS.map(String::from).to_vec();
        settings.push(format!("primary_slot_name={name}"));
        settings.push(format!(
            "primary_conninfo=host=127.0.0.1 port={port} user=postgres application_name={name}"
        ));
        let mut cluster = Self::new(name, self.programs.clone(), folder, settings);
        cluster.start();
        cluster
    }

    fn new(name: &str, programs: Programs, folder: PathBuf, settings: Vec<String>) -> Self {
        Self { name: name.to_owned(), programs, folder, port: Port::reserve(), settings, keeper: None }
    }

    /// Its name: `primary`, or what the replica was called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The loopback port on which it listens.
    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    /// The URL by which `role` reaches `database` here.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port())
    }

    /// Starts it, again if it was stopped, and waits until it answers.
    pub fn start(&mut self) {
        if self.keeper.is_some() {
            return;
        }
        let data = self.folder.join("data");
        let stale = fs::remove_file(data.join("postmaster.pid"));
        drop(stale); // there is none after an orderly end
        let mut command = self.programs.command("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&self.folder);
        command.arg(self.programs.folder.join("postgres")).arg("-D").arg(&data);
        command.args(["-p", &self.port().to_string(), "-k"]).arg(&self.folder);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        let log = fs::File::options().create(true).append(true).open(self.folder.join("log"));
        let log = log.expect("the folder of the server can be written");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        self.keeper = Some(command.spawn().expect("a shell can be started"));
        self.wait_until_ready(&data);
    }

    fn wait_until_ready(&mut self, data: &Path) {
        let deadline = Instant::now() + START_MAX;
        loop {
            let state = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return;
            }
            let ended = self.keeper.as_mut().is_some_and(|keeper| matches!(keeper.try_wait(), Ok(Some(_))));
            if ended || Instant::now() > deadline {
                panic!("the server `{}` did not start:\n{}", self.name, self.last_said());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it at once, as a crash would; its files stay for [`Cluster::start`].
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            if let Some(mut stdin) = keeper.stdin.take() {
                stdin.write_all(b"keep").expect("the shell of the server listens");
            }
            keeper.wait().expect("the shell of the server ends");
        }
    }

    /// Makes a standby the primary and waits until it takes writes.
    pub fn promote(&self) {
        self.sql("postgres", "select pg_promote(true, 60)");
    }

    /// Runs SQL as the superuser and answers what it printed, fields parted by `|`.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let port = self.port().to_string();
        let connection = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-p", &port];
        let arguments = connection.into_iter().chain(["-d", database, "-c", sql]);
        match self.programs.try_run("psql", arguments.map(OsString::from)) {
            Ok(output) => String::from_utf8_lossy(&output.stdout).trim_end().to_owned(),
            Err(refusal) => panic!("{refusal}\nthe server `{}` last said:\n{}", self.name, self.last_said()),
        }
    }

    /// The end of its log: why it ended, if it did.
    fn last_said(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            drop(keeper.wait());
        }
        drop(fs::remove_dir_all(&self.folder)); // where the shell has not done it
    }
}

/// Starts the server given by the arguments after the first, and ends it when the pipe ends. The first
/// argument is the folder to remove then, unless `keep` came through the pipe or the server ended by itself.
const KEEPER: &str = r#"
    folder=$1; shift
    rm -f "$folder/order"
    exec 3<&0
    "$@" </dev/null 3<&- & server=$!
    (order=$(cat <&3); printf '%s' "$order" >"$folder/order"; kill -QUIT $server) & reader=$!
    wait $server
    kill $reader 2>/dev/null
    [ -e "$folder/order" ] && [ "$(cat "$folder/order")" != keep ] && rm -rf "$folder"
    exit 0
"#;

/// Speed before durability: nothing here outlives the process.
const SETTINGS: [&str; 13] = [
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "full_page_writes=off",
    "max_connections=400",
    "shared_buffers=64MB",
    "wal_level=replica",
    "max_wal_senders=10",
    "max_replication_slots=10",
    "hot_standby=on",
    "wal_retrieve_retry_interval=200ms",
    "wal_receiver_status_interval=1s",
    "log_min_messages=warning",
    "timezone=UTC",
];

impl Programs {
    /// `$PGBIN`, else the highest supported version that Debian's packages installed.
    fn find() -> Option<Self> {
        let named = std::env::var_os("PGBIN").map(PathBuf::from);
        let installed =
            (15..=18).rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
        let folder = named.into_iter().chain(installed).find(|folder| folder.join("initdb").exists());
        let Some(folder) = folder else {
            let sentence = "no PostgreSQL 15 to 18 was found in $PGBIN or /usr/lib/postgresql";
            assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{sentence}");
            // Straight to the stream, which the test harness does not swallow.
            drop(writeln!(std::io::stderr(), "SKIPPED, NOT PASSED: {sentence}"));
            return None;
        };
        Some(Self { folder, run_as: unprivileged() })
    }

    /// A folder that the programs own.
    fn new_folder(&self, name: &str) -> PathBuf {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sangraha-{}-{number}-{name}", std::process::id()));
        fs::create_dir(&folder).expect("the folder for temporary files can be written");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("our own folder");
        if let Some((uid, gid)) = self.run_as {
            chown(&folder, Some(uid), Some(gid)).expect("root may give a folder away");
        }
        folder
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        if let Some((uid, gid)) = self.run_as {
            command.uid(uid).gid(gid); // drops the supplementary groups too
        }
        command.current_dir("/").env("LC_ALL", "C").env_remove("PGPORT").env_remove("PGHOST");
        command
    }

    fn run(&self, program: &str, arguments: impl IntoIterator<Item = OsString>) -> Output {
        self.try_run(program, arguments).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// Runs it to its end. The error is a sentence with what the program said.
    fn try_run(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Output, String> {
        let mut command = self.command(self.folder.join(program));
        let output = command.args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("`{program}` cannot be run: {error}"))?;
        match output.status.success() {
            true => Ok(output),
            false => Err(format!("`{program}` failed:\n{}", String::from_utf8_lossy(&output.stderr))),
        }
    }
}

/// The user and group of `postgres`, else of `nobody`, where this process is root.
fn unprivileged() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    ["postgres", "nobody"].into_iter().find_map(|wanted| {
        let user = users.lines().find(|line| line.split(':').next() == Some(wanted))?;
        let mut fields = user.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}
