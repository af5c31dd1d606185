//! Making clusters and copying them, with PostgreSQL's own programs.

use super::settings::{self, Upstream};
use super::{Account, Binaries, Guard, Secrets};
use crate::Error;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// A unix socket path longer than this cannot be bound.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// What a cluster needs to be made and to run for a while.
const FREE_MIB_MIN: u64 = 1_024;
/// Crash recovery after a long run may have a whole `max_wal_size` to replay.
const READY_WAIT: Duration = Duration::from_secs(120);
/// How often a file is looked at while waiting.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// The end of a program's words that is worth showing.
const SAID_CHARS_MAX: usize = 600;
/// The cluster's superuser.
const SUPERUSER: &str = "postgres";
/// The one setting that is added when the replicas stream.
const SYNCHRONOUS: &str = "sangraha.sync.conf";

/// One data folder with its own postmaster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// `primary`, `replica-a`, `replica-b`.
    pub name: &'static str,
    /// The data folder.
    pub folder: PathBuf,
    /// On loopback.
    pub port: u16,
    /// In another region than the primary.
    pub is_far: bool,
}

impl Cluster {
    /// The name of its replication slot, and by which the primary knows it.
    pub fn slot(&self) -> String {
        self.name.replace('-', "_")
    }

    /// Whether it was made before.
    pub fn exists(&self) -> bool {
        self.folder.join("PG_VERSION").is_file()
    }

    /// The postmaster of this cluster and whether it takes connections, as its own file states it.
    pub fn postmaster(&self) -> Option<(i32, bool)> {
        let text = std::fs::read_to_string(self.folder.join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some((lines.first()?.parse().ok()?, lines.get(7) == Some(&"ready")))
    }
}

/// Programs, account, folders and passwords: everything that the clusters of one platform share.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The programs.
    pub binaries: Binaries,
    /// Who runs them.
    pub account: Account,
    /// The folder of the clusters.
    pub home: PathBuf,
    /// The folder of the unix sockets.
    pub sockets: PathBuf,
    /// The passwords of the roles.
    pub secrets: Secrets,
}

impl Installation {
    /// Chooses folders that the account can use and the kernel can bind, and makes them.
    pub fn prepare(data: &Path, binaries: Binaries) -> Result<Self, Error> {
        let account = Account::choose()?;
        let home = home(data, &account);
        let secrets = Secrets::open(&data.join("secrets.toml"))?;
        account.folder(&home)?;
        let sockets = sockets(&home, data);
        account.folder(&sockets)?;
        let space = rustix::fs::statvfs(&home)
            .map_err(|error| Error::file("measuring the free space", &home)(error.into()))?;
        let free_mib = space.f_bavail.saturating_mul(space.f_frsize) / (1024 * 1024);
        if free_mib < FREE_MIB_MIN {
            return Err(Error::DiskFull { path: home, free_mib, needed_mib: FREE_MIB_MIN });
        }
        Ok(Self { binaries, account, home, sockets, secrets })
    }

    /// Makes a new, empty cluster. An interrupted attempt leaves nothing that would be taken for one.
    pub async fn create(&self, cluster: &Cluster) -> Result<(), Error> {
        let new = self.unfinished(cluster)?;
        let password = self.home.join("initdb.password");
        self.account.file(&password, &self.secrets.superuser)?;
        let mut initdb = self.program("initdb");
        initdb.arg("--pgdata").arg(&new).arg("--pwfile").arg(&password);
        initdb.args([
            "--username",
            SUPERUSER,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
        ]);
        // A thousand files, each flushed on its own, take long on a busy disk; `settle` flushes all at once.
        initdb.args(["--no-instructions", "--no-sync"]);
        let made = run("initdb", initdb).await;
        let _ = std::fs::remove_file(&password);
        made?;
        self.include(&new)?;
        std::fs::rename(&new, &cluster.folder).map_err(Error::file("naming a new cluster", &cluster.folder))
    }

    /// Makes `target` a streaming standby of the running `source`, with a slot of its own.
    pub async fn copy(&self, source: &Cluster, target: &Cluster) -> Result<(), Error> {
        let new = self.unfinished(target)?;
        let mut backup = self.program("pg_basebackup");
        backup.args(["--host", "127.0.0.1", "--username", "sangraha_replication", "--checkpoint", "fast"]);
        // The first start from a backup writes everything through to the disk by itself.
        backup.args([
            "--no-sync",
            "--wal-method",
            "stream",
            "--port",
            &source.port.to_string(),
            "--slot",
            &target.slot(),
        ]);
        backup.arg("--pgdata").arg(&new).env("PGPASSWORD", &self.secrets.replication);
        run("pg_basebackup", backup).await?;
        self.account.file(&new.join("standby.signal"), "")?;
        let _ = std::fs::remove_file(new.join(SYNCHRONOUS));
        std::fs::rename(&new, &target.folder).map_err(Error::file("naming a copied cluster", &target.folder))
    }

    /// Makes a slot for every one of `others` on the running `cluster`, where it has none. A slot that nobody
    /// uses holds nothing back; after a promotion the standbys find theirs waiting.
    pub async fn slots(&self, cluster: &Cluster, others: &[&Cluster]) -> Result<(), Error> {
        for other in others {
            let mut create = self.program("pg_receivewal");
            create.args([
                "--host",
                "127.0.0.1",
                "--username",
                "sangraha_replication",
                "--create-slot",
                "--if-not-exists",
            ]);
            create.args(["--port", &cluster.port.to_string(), "--slot", &other.slot()]);
            create.env("PGPASSWORD", &self.secrets.replication);
            run("pg_receivewal", create).await?;
        }
        Ok(())
    }

    /// Writes the settings of this start.
    pub fn configure(&self, cluster: &Cluster, source: Option<&Cluster>) -> Result<(), Error> {
        let passfile = self.home.join("replication.pgpass");
        let line = format!("127.0.0.1:*:*:sangraha_replication:{}\n", self.secrets.replication);
        self.account.file(&passfile, &line)?;
        let upstream = source.map(|source| Upstream { source, passfile: &passfile });
        let text = settings::file(cluster, &self.sockets, upstream.as_ref());
        self.account.file(&cluster.folder.join("sangraha.conf"), &text)?;
        self.account.file(&cluster.folder.join("pg_hba.conf"), settings::ACCESS)
    }

    /// From now on a commit waits for a standby: the far one, or else the near one.
    pub fn synchronise(&self, primary: &Cluster, far: &Cluster, near: &Cluster) -> Result<(), Error> {
        let file = primary.folder.join(SYNCHRONOUS);
        self.account.file(&file, &settings::synchronous(far, near))?;
        if let Some(pid) = primary.postmaster().and_then(|(pid, _)| rustix::process::Pid::from_raw(pid)) {
            let told = rustix::process::kill_process(pid, rustix::process::Signal::HUP);
            told.map_err(|error| Error::file("reloading the settings", &file)(error.into()))?;
        }
        Ok(())
    }

    /// How the supervisor runs the postmaster.
    pub fn guard(&self, cluster: &Cluster) -> Guard {
        Guard {
            postgres: self.binaries.program("postgres"),
            folder: cluster.folder.clone(),
            account: self.account.other,
        }
    }

    /// Waits until the cluster takes connections.
    pub async fn ready(&self, cluster: &Cluster, log: &Path) -> Result<(), Error> {
        let is_ready = async {
            while !cluster.postmaster().is_some_and(|(_, ready)| ready) {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        tokio::time::timeout(READY_WAIT, is_ready).await.map_err(|_| Error::NotReady {
            name: cluster.name.to_owned(),
            waited_s: READY_WAIT.as_secs(),
            reason: last_words(log),
            log: log.to_path_buf(),
        })
    }

    /// Commits wait for nobody again: there is no standby that could answer.
    pub fn forget_synchronisation(&self, primary: &Cluster) {
        let _ = std::fs::remove_file(primary.folder.join(SYNCHRONOUS));
    }

    /// Brings everything that was made here to the disk, beside whatever else goes on.
    pub fn settle(&self) {
        let home = self.home.clone();
        tokio::task::spawn_blocking(move || {
            std::fs::File::open(&home).map(|folder| rustix::fs::syncfs(&folder))
        });
    }

    /// The URL of the superuser, for what only it may do.
    pub fn superuser_url(&self, cluster: &Cluster, database: &str) -> String {
        self.url(cluster, SUPERUSER, &self.secrets.superuser, database)
    }

    /// The URL of a role; on loopback there is nothing for TLS to hide.
    pub fn url(&self, cluster: &Cluster, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}?sslmode=disable", cluster.port)
    }

    /// A program of PostgreSQL, run as the account, with nothing of our own environment that would turn it.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.program(name));
        for variable in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS", "PGPASSFILE"] {
            command.env_remove(variable);
        }
        command.env("LC_ALL", "C").current_dir(&self.home).stdin(Stdio::null());
        if let Some((uid, gid)) = self.account.other {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// A folder beside the final one, empty.
    fn unfinished(&self, cluster: &Cluster) -> Result<PathBuf, Error> {
        let new = cluster.folder.with_extension("unfinished");
        if new.exists() {
            std::fs::remove_dir_all(&new).map_err(Error::file("removing an interrupted attempt", &new))?;
        }
        Ok(new)
    }

    fn include(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join("postgresql.conf");
        let text = std::fs::read_to_string(&path).map_err(Error::file("reading the settings", &path))?;
        self.account.file(&path, &format!("{text}\ninclude_if_exists 'sangraha.conf'\n"))
    }
}

/// Where the clusters of `data` lie: inside it, or where the account can walk to.
fn home(data: &Path, account: &Account) -> PathBuf {
    let inside = data.join("postgres");
    if account.can_reach(&inside) { inside } else { elsewhere(data) }
}

/// The home of clusters whose data folder their account cannot reach.
pub fn elsewhere(data: &Path) -> PathBuf {
    PathBuf::from(format!("/var/lib/sangraha-{:08x}", fingerprint(data)))
}

fn sockets(home: &Path, data: &Path) -> PathBuf {
    let inside = home.join("sockets");
    let longest = inside.join(".s.PGSQL.65535.lock");
    if longest.as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        inside
    } else {
        std::env::temp_dir().join(format!("sangraha-{:08x}", fingerprint(data)))
    }
}

/// FNV-1a of the path: short, and the same at every start.
fn fingerprint(path: &Path) -> u32 {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

async fn run(name: &str, mut command: Command) -> Result<(), Error> {
    let failed = |said: String| Error::Program { program: name.to_owned(), said };
    let output = command.kill_on_drop(true).output().await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stderr, output.stdout].concat();
    Err(failed(tail(String::from_utf8_lossy(&said).trim())))
}

fn last_words(log: &Path) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let words = tail(text.trim());
    if words.is_empty() { "it said nothing".to_owned() } else { words }
}

fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(SAID_CHARS_MAX);
    text.chars().skip(skip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_paths_stay_short() {
        let long = PathBuf::from("/".to_owned() + &"long-folder-name/".repeat(8));
        assert!(sockets(&long, &long).starts_with(std::env::temp_dir()));
        assert_eq!(
            sockets(Path::new("/data/postgres"), Path::new("/data")),
            Path::new("/data/postgres/sockets")
        );
    }

    #[test]
    fn clusters_out_of_reach_live_elsewhere() {
        let (one, two) = (elsewhere(Path::new("/root/a")), elsewhere(Path::new("/root/b")));
        assert!(one.starts_with("/var/lib"));
        assert_ne!(one, two);
    }

    #[test]
    fn a_postmaster_is_read_from_its_file() {
        let folder = std::env::temp_dir().join(format!("sangraha-postmaster-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let cluster = Cluster { name: "primary", folder: folder.clone(), port: 1, is_far: false };
        assert_eq!(cluster.postmaster(), None);
        std::fs::write(folder.join("postmaster.pid"), "77\n/d\n1\n2\n/s\n*\n 1\nstarting\n").unwrap();
        assert_eq!(cluster.postmaster(), Some((77, false)));
        std::fs::write(folder.join("postmaster.pid"), "77\n/d\n1\n2\n/s\n*\n 1\nready   \n").unwrap();
        assert_eq!(cluster.postmaster(), Some((77, true)));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
