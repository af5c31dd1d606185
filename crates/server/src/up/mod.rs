//! `sangraha up`: a whole platform of two regions on one machine, supervised.
//!
//! Three real PostgreSQL clusters (the primary and a replica in region `a`, a replica in region `b`), and in
//! each region a node and an edge. This process starts them in order, starts again what dies, and stops them
//! in the opposite order. It is a laboratory and a demonstration; it promotes nothing by itself.

mod catalogue;
mod detach;
mod layout;
mod log_file;
mod opensearch;
mod places;
mod program;
mod ready;
mod state;
mod supervisor;

pub use layout::{BASE_PORT_DEFAULT, Layout};
pub use opensearch::{SearchEngine, become_opensearch};
pub use places::DATABASE;
pub use state::{ProcessState, State};

use crate::config::{Config, Layers};
use crate::postgres::{self, Binaries, Cluster, Installation};
use crate::terminal::{self, Steps};
use crate::{Error, lifecycle, setup};
use state::StateFile;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use supervisor::{Process, Spec};
use tokio_util::sync::CancellationToken;

/// What of an earlier life may still hold a port is gone after this.
const PORTS_WAIT: Duration = Duration::from_secs(15);
/// How often the ports are tried meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data folder.
    pub data: PathBuf,
    /// The first port.
    pub base_port: u16,
    /// Forget everything first.
    pub fresh: bool,
    /// Return when everything is ready.
    pub detach: bool,
    /// This is the background process of `detach`.
    pub supervised: bool,
    /// End when standard input is closed.
    pub until_eof: bool,
    /// The starter catalogue; none is loaded where it is unset and not found.
    pub catalogue: Option<PathBuf>,
    /// Where the indexes of both regions are.
    pub search: SearchEngine,
    /// `key=value` for every process.
    pub set: Vec<String>,
    /// The arguments as they were typed, for the background process.
    pub arguments: Vec<OsString>,
}

/// Starts the platform and runs it until it is told to stop.
pub async fn run(options: Options) -> Result<(), Error> {
    let layout = Layout::open(&options.data, options.base_port)?;
    make_folders(&layout)?;
    if options.detach && !options.supervised {
        drop(lock(&layout)?);
        return detach::start(&layout, options.arguments).await;
    }
    if options.supervised {
        detach::leave_session();
    }
    let _lock = lock(&layout)?;
    if options.fresh {
        forget(&layout)?;
        make_folders(&layout)?;
    }
    let stop = CancellationToken::new();
    tokio::spawn(lifecycle::cancel_on_signal(stop.clone()));
    if options.until_eof {
        tokio::spawn(lifecycle::cancel_on_end_of_input(stop.clone()));
    }
    let mut platform = Platform::new(layout, options)?;
    let outcome = tokio::select! {
        started = platform.start() => started,
        () = stop.cancelled() => Ok(()),
    };
    if outcome.is_ok() {
        stop.cancelled().await;
    }
    platform.stop().await;
    outcome
}

struct Platform {
    layout: Layout,
    options: Options,
    state: StateFile,
    began: Instant,
    /// In the order of their start.
    running: Vec<(String, Process)>,
}

impl Platform {
    fn new(layout: Layout, options: Options) -> Result<Self, Error> {
        let pid = std::process::id().cast_signed();
        let mut state = State { pid, base_port: layout.base_port, ..State::default() };
        for place in layout.nodes().into_iter().chain(layout.edges()) {
            let url = |address| format!("http://{address}");
            let role = if place.roles == ["edge"] { "" } else { " public" };
            state.urls.insert(format!("{}{role}", place.name), url(place.public));
            if let Some(admin) = place.admin {
                state.urls.insert(format!("{} admin", place.name), url(admin));
            }
            state.private.insert(place.name.to_owned(), url(place.private));
        }
        let state = StateFile::create(layout.state(), state)?;
        Ok(Self { layout, options, state, began: Instant::now(), running: Vec::new() })
    }

    async fn start(&mut self) -> Result<(), Error> {
        let mut steps = Steps::start();
        terminal::say(format_args!(
            "Sangraha: two regions on this machine, data in {}",
            self.layout.data.display()
        ));
        let installation = self.find_postgres(&mut steps)?;
        wait_for_ports(&self.layout.ports()).await?;
        let is_new = self.start_databases(&installation, &mut steps).await?;
        places::write(&self.layout, &installation, self.options.search)?;
        self.start_search(&installation, &mut steps).await?;
        for place in self.layout.nodes() {
            self.serve(place.name).await?;
        }
        let nodes = self.layout.nodes().map(|node| (node.name, node.private));
        ready::wait(&self.layout, &nodes).await?;
        for place in self.layout.edges() {
            self.serve(place.name).await?;
        }
        ready::wait(&self.layout, &self.layout.edges().map(|edge| (edge.name, edge.private))).await?;
        ready::answers(&self.layout, &self.layout.edges().map(|edge| (edge.name, edge.public))).await?;
        steps.done(format_args!(
            "both regions answer (first answer after {:.1} s)",
            self.began.elapsed().as_secs_f64()
        ));
        catalogue::load(&self.layout, self.options.catalogue.as_deref(), is_new, &mut steps).await?;
        ready::wait(&self.layout, &nodes).await?;
        steps.done("every index is at the head of the event stream");
        self.greet().await?;
        self.state.change(|state| state.ready = true)
    }

    /// Nodes do without it at the start, but the first index is built when it is there.
    async fn start_search(&mut self, installation: &Installation, steps: &mut Steps) -> Result<(), Error> {
        if self.options.search == SearchEngine::Tantivy {
            return Ok(());
        }
        let ports: Vec<(u16, String)> = self.layout.opensearch_ports().collect();
        wait_for_ports(&ports).await?;
        let script = opensearch::fetch(&self.layout).await?;
        let arguments = opensearch::arguments(&script, &installation.home.join("opensearch"), &self.layout);
        self.keep(opensearch::NAME, arguments).await?;
        let version = opensearch::ready(&self.layout).await?;
        steps.done(format_args!("OpenSearch {version} started on port {}", self.layout.opensearch().port()));
        Ok(())
    }

    fn find_postgres(&self, steps: &mut Steps) -> Result<Installation, Error> {
        let layers = Layers::of(Vec::new(), &self.options.set)?;
        let config: postgres::Config = Config::section(&layers, "postgres")?;
        let binaries = Binaries::find(config.bin.as_deref())?;
        let installation = Installation::prepare(&self.layout.data, binaries)?;
        let Binaries { version, .. } = &installation.binaries;
        steps
            .done(format_args!("PostgreSQL {version} found in {}", installation.binaries.folder().display()));
        if installation.account.other.is_some() {
            steps.note(format_args!(
                "PostgreSQL refuses root, so its programs run as `{}`",
                installation.account.name
            ));
        }
        if !installation.home.starts_with(&self.layout.data) {
            steps.note(format_args!(
                "that user cannot reach {}, so the databases live in {}",
                self.layout.data.display(),
                installation.home.display()
            ));
        }
        Ok(installation)
    }

    /// Makes what is missing and starts everything; says whether the database is new.
    async fn start_databases(
        &mut self,
        installation: &Installation,
        steps: &mut Steps,
    ) -> Result<bool, Error> {
        let clusters = self.layout.clusters(&installation.home);
        let [primary, near, far] = &clusters;
        self.state.change(|state| {
            let folders = clusters.iter().map(|cluster| (cluster.name.to_owned(), cluster.folder.clone()));
            state.clusters = folders.collect();
        })?;
        let is_new = !primary.exists();
        if is_new {
            installation.create(primary).await?;
            installation.settle();
            steps.done(format_args!("new primary made in region a ({})", primary.folder.display()));
        }
        let old: Vec<&Cluster> = [near, far].into_iter().filter(|replica| replica.exists()).collect();
        if old.is_empty() {
            installation.forget_synchronisation(primary);
        }
        installation.configure(primary, None)?;
        self.guard(installation, primary).await?;
        for replica in &old {
            installation.configure(replica, Some(primary))?;
            self.guard(installation, replica).await?;
        }
        for cluster in std::iter::once(primary).chain(old.iter().copied()) {
            installation.ready(cluster, &self.layout.log(cluster.name)).await?;
        }
        steps.done(format_args!(
            "{} started on port {}",
            names(std::iter::once(primary).chain(old.iter().copied())),
            primary.port
        ));
        self.migrate(installation, primary).await?;
        steps.done("roles and schema are up to date");
        self.copy_missing(installation, &clusters, steps).await?;
        installation.synchronise(primary, far, near)?;
        Ok(is_new)
    }

    async fn migrate(&self, installation: &Installation, primary: &Cluster) -> Result<(), Error> {
        let secrets = &installation.secrets;
        let passwords = store::Passwords {
            owner: Some(secrets.owner.clone()),
            app: Some(secrets.app.clone()),
            reader: Some(secrets.reader.clone()),
            replication: Some(secrets.replication.clone()),
            monitor: Some(secrets.monitor.clone()),
        };
        let superuser = installation.superuser_url(primary, "postgres");
        store::Store::create_roles(&superuser, &passwords)
            .await
            .map_err(Error::part("Creating the database roles"))?;
        store::Store::create_database(&superuser, DATABASE)
            .await
            .map_err(Error::part("Creating the database"))?;
        let owner = installation.url(primary, "sangraha_owner", &secrets.owner, DATABASE);
        store::Store::migrate(&owner).await.map_err(Error::part("Migrating the database"))
    }

    /// Copies the replicas that do not exist yet, both at once.
    async fn copy_missing(
        &mut self,
        installation: &Installation,
        clusters: &[Cluster; 3],
        steps: &mut Steps,
    ) -> Result<(), Error> {
        let [primary, near, far] = clusters;
        let missing: Vec<&Cluster> = [near, far].into_iter().filter(|replica| !replica.exists()).collect();
        installation.slots(primary, &[near, far]).await?;
        let copies = missing.iter().map(|replica| installation.copy(primary, replica));
        futures_util::future::try_join_all(copies).await?;
        for replica in &missing {
            installation.configure(replica, Some(primary))?;
            self.guard(installation, replica).await?;
        }
        for replica in &missing {
            installation.ready(replica, &self.layout.log(replica.name)).await?;
            let others: Vec<&Cluster> = clusters.iter().filter(|other| *other != *replica).collect();
            installation.slots(replica, &others).await?;
        }
        if !missing.is_empty() {
            steps.done(format_args!("{} copied and streaming", names(missing.into_iter())));
        }
        Ok(())
    }

    async fn guard(&mut self, installation: &Installation, cluster: &Cluster) -> Result<(), Error> {
        let arguments = installation.guard(cluster).arguments();
        self.keep(cluster.name, arguments).await
    }

    async fn serve(&mut self, name: &str) -> Result<(), Error> {
        let mut arguments: Vec<OsString> = vec!["serve".into(), "--until-eof".into(), "--config".into()];
        arguments.push(self.layout.config(name).into());
        for pair in &self.options.set {
            arguments.extend(["--set".into(), pair.into()]);
        }
        self.keep(name, arguments).await
    }

    async fn keep(&mut self, name: &str, arguments: Vec<OsString>) -> Result<(), Error> {
        let spec = Spec { name: name.to_owned(), arguments, log: self.layout.log(name) };
        let process = Process::start(spec, self.state.clone()).await?;
        self.running.push((name.to_owned(), process));
        Ok(())
    }

    /// URLs, a way in, and something to try.
    async fn greet(&self) -> Result<(), Error> {
        let [edge_a, edge_b] = self.layout.edges().map(|edge| edge.public);
        terminal::say(format_args!("\nReady after {:.1} s.", self.began.elapsed().as_secs_f64()));
        terminal::say(format_args!("  region a   http://{edge_a}   (readers and /v1/admin)"));
        terminal::say(format_args!(
            "  region b   http://{edge_b}   (readers; admin requests travel to region a)"
        ));
        terminal::say(format_args!("  reference  http://{edge_a}/docs"));
        let config = self.layout.config("node-a");
        match setup::token_if_needed(&config).await? {
            Some(token) => terminal::say(format_args!("  setup token (once, within 30 minutes): {token}")),
            None => terminal::say(
                "  an administrator exists; `sangraha setup-token` makes a token for another one",
            ),
        }
        terminal::say("\nTry:");
        terminal::say(format_args!("  curl -s 'http://{edge_a}/v1/search?q=vatapi'"));
        terminal::say(format_args!("  curl -s 'http://{edge_b}/v1/ragas/mohanam'"));
        terminal::say(format_args!("  curl -s 'http://{edge_b}/v1/compositions?limit=3'"));
        terminal::say(
            "\n`sangraha status` shows how it is; Ctrl-C or `sangraha down` stops everything in order.",
        );
        Ok(())
    }

    /// Edges, then nodes, then replicas, then the primary.
    async fn stop(mut self) {
        let began = Instant::now();
        terminal::say("stopping …");
        while let Some((name, process)) = self.running.pop() {
            // Processes of a kind do not lean on one another, and end together.
            let mut group = vec![process];
            while self.running.last().is_some_and(|(other, _)| kind(other) == kind(&name)) {
                group.extend(self.running.pop().map(|(_, process)| process));
            }
            futures_util::future::join_all(group.into_iter().map(Process::stop)).await;
        }
        self.state.remove();
        terminal::say(format_args!("stopped in {:.1} s", began.elapsed().as_secs_f64()));
    }
}

/// `edge-a` and `edge-b` are of one kind.
fn kind(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

fn names<'a>(clusters: impl Iterator<Item = &'a Cluster>) -> String {
    clusters.map(|cluster| cluster.name).collect::<Vec<_>>().join(", ")
}

fn make_folders(layout: &Layout) -> Result<(), Error> {
    for folder in ["logs", "config", "search"].map(|name| layout.data.join(name)) {
        std::fs::create_dir_all(&folder).map_err(Error::file("creating a folder", &folder))?;
    }
    Ok(())
}

/// Holds the data folder as long as the answer lives; the system lets go of it when this process dies.
fn lock(layout: &Layout) -> Result<std::fs::File, Error> {
    let path = layout.lock();
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::file("opening the lock", &path))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(_) => {
            let pid = State::read(&layout.state()).map_or(0, |state| state.pid);
            Err(Error::AlreadyRuns { folder: layout.data.clone(), pid })
        }
    }
}

/// Deletes what a platform writes, and nothing else that may lie in the folder.
fn forget(layout: &Layout) -> Result<(), Error> {
    terminal::say(format_args!(
        "--fresh: deleting the databases, indexes and passwords in {}",
        layout.data.display()
    ));
    let folders = ["config", "search", "postgres", "logs"].map(|name| layout.data.join(name));
    for folder in
        folders.into_iter().chain([postgres::elsewhere(&layout.data)]).filter(|folder| folder.exists())
    {
        std::fs::remove_dir_all(&folder).map_err(Error::file("deleting a folder", &folder))?;
    }
    for file in ["secrets.toml", "catalogue.hash", "state.json"].map(|name| layout.data.join(name)) {
        remove_file(&file)?;
    }
    Ok(())
}

fn remove_file(file: &Path) -> Result<(), Error> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("deleting a file", file)(error))
        }
        _ => Ok(()),
    }
}

/// Processes of a supervisor that was killed notice it and go; a port that stays taken is somebody else's.
async fn wait_for_ports(ports: &[(u16, String)]) -> Result<(), Error> {
    let deadline = Instant::now() + PORTS_WAIT;
    loop {
        match layout::ports_free(ports) {
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => tokio::time::sleep(LOOK_INTERVAL).await,
            Ok(()) => return Ok(()),
        }
    }
}
