//! The command line.

use crate::config::{Config, Layers, masked};
use crate::up::{BASE_PORT_DEFAULT, State};
use crate::{
    Error, audit, check, compare, edge_alone, evaluate, export, index, load, node, openapi, outbox, postgres,
    setup, status, terminal, up,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Ended well.
const SUCCESS: u8 = 0;
/// Failed, or found something wrong.
const FAILURE: u8 = 1;

/// Compositions, ragas and talas of Carnatic music, served from two regions.
#[derive(Parser)]
#[command(name = "sangraha", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// Reads the arguments of the process; ends it where they make no sense.
    pub fn read() -> Self {
        Self::parse()
    }

    /// How many threads the command's own runtime needs; `None` leaves it to the machine. An edge alone accepts
    /// connections there, and serves them on threads of its own.
    pub const fn threads(&self) -> Option<usize> {
        if matches!(self.command, Command::Edge(_)) { Some(1) } else { None }
    }
}

#[derive(Subcommand)]
enum Command {
    /// Start a whole two-region platform on this machine and supervise it
    Up(Up),
    /// Stop the platform that `up` started
    Down(Data),
    /// Run one process with the roles of its configuration
    Serve(Serve),
    /// Run an edge alone: a cache in front of any HTTP origin, without database or configuration file
    Edge(Box<edge_alone::Alone>),
    /// Show regions, roles, replication, events, indexes, edges and URLs
    Status(Status),
    /// Print the effective configuration, secrets covered, and what is risky in it
    CheckConfig(Layered),
    /// Make a token with which the first (or another) administrator is made
    SetupToken(Layered),
    /// Load a catalogue folder as published works
    Load(Load),
    /// Report what deserves a look in a catalogue folder, or on the platform; fails where a publication would
    Check(Check),
    /// Write what readers see into a file that `load` takes back
    Export(ExportTo),
    /// Print where the starter catalogue and another collection disagree; fails while one is undecided
    Compare(Compare),
    /// Rebuild or verify the search index of a running node
    Index(Index),
    /// Judge the search
    #[command(subcommand)]
    Search(Search),
    /// Check the trail of who changed what
    #[command(subcommand)]
    Audit(Audit),
    /// Events that could not be read and were set aside
    #[command(subcommand)]
    Outbox(Outbox),
    /// Print an OpenAPI document
    Openapi {
        /// Which API
        #[arg(long)]
        which: Which,
    },
    /// Print the version
    Version,
    /// Run an OpenSearch node that ends when standard input closes
    #[command(hide = true, name = "opensearch-node")]
    OpenSearchNode {
        #[arg(long)]
        script: PathBuf,
        #[arg(long)]
        folder: PathBuf,
        #[arg(long)]
        port: u16,
    },
    /// Run a postmaster that ends when standard input closes
    #[command(hide = true)]
    Guard {
        #[arg(long)]
        postgres: PathBuf,
        #[arg(long)]
        folder: PathBuf,
        #[arg(long, requires = "gid")]
        uid: Option<u32>,
        #[arg(long, requires = "uid")]
        gid: Option<u32>,
    },
}

#[derive(Args)]
struct Data {
    /// The folder with databases, indexes, logs and passwords
    #[arg(long, default_value = ".sangraha", value_name = "DIR")]
    data: PathBuf,
}

#[derive(Args)]
struct Up {
    #[command(flatten)]
    data: Data,
    /// The first port; 35 from there on are used
    #[arg(long, default_value_t = BASE_PORT_DEFAULT)]
    base_port: u16,
    /// Delete all data first
    #[arg(long)]
    fresh: bool,
    /// Return when everything is ready; `sangraha down` stops it
    #[arg(long)]
    detach: bool,
    /// The starter catalogue [default: the folder `catalogue` here or above the program]
    #[arg(long, value_name = "DIR")]
    catalogue: Option<PathBuf>,
    /// The search engine: in the nodes, or an OpenSearch that is fetched once and started for both regions
    #[arg(long, value_enum, default_value_t = up::SearchEngine::Tantivy)]
    search: up::SearchEngine,
    /// A configuration value for every process: `--set cache.bytes_max=1000000`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// End when standard input is closed
    #[arg(long, hide = true)]
    until_eof: bool,
    #[arg(long, hide = true)]
    supervised: bool,
}

#[derive(Args)]
struct Serve {
    /// A configuration file; a later one wins over an earlier one
    #[arg(long, required = true, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// One configuration value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// End when standard input is closed
    #[arg(long)]
    until_eof: bool,
}

/// Which process' configuration a command works with.
#[derive(Args)]
struct Layered {
    /// A configuration file [default: node-a of the platform in --data]
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// One configuration value
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    data: Data,
}

impl Layered {
    fn layers(&self) -> Result<Layers, Error> {
        let files = if self.config.is_empty() { vec![node_a(&self.data.data)?] } else { self.config.clone() };
        Layers::of(files, &self.set)
    }
}

#[derive(Args)]
struct Status {
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Private ports to ask instead of those of the platform in --data: `127.0.0.1:7412`
    #[arg(long, value_name = "HOST:PORT")]
    at: Vec<std::net::SocketAddr>,
    #[command(flatten)]
    data: Data,
}

#[derive(Args)]
struct Load {
    /// The folder to load
    folder: PathBuf,
    /// Load the good rows of a file that also has bad ones
    #[arg(long)]
    skip_bad: bool,
    #[command(flatten)]
    layered: Layered,
}

#[derive(Args)]
struct Check {
    /// A catalogue folder [default: what the platform stores]
    folder: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    layered: Layered,
}

#[derive(Args)]
struct Compare {
    /// The folder of the other collection
    folder: PathBuf,
    /// The starter catalogue
    #[arg(long, default_value = "catalogue", value_name = "DIR")]
    catalogue: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct ExportTo {
    /// Where the file and its checksum are written
    folder: PathBuf,
    /// `everything`, or one kind: `compositions`, `ragas`, …
    #[arg(long, default_value = "everything")]
    dataset: String,
    /// How the file is written; only `jsonl` can be loaded again
    #[arg(long, value_enum, default_value = "jsonl")]
    format: FileFormat,
    #[command(flatten)]
    layered: Layered,
}

#[derive(Clone, Copy, ValueEnum)]
enum FileFormat {
    /// JSON Lines, every record whole
    Jsonl,
    /// A table of one kind
    Csv,
    /// TEI, the words of songs
    Tei,
    /// JSON-LD, songs for schema.org
    Jsonld,
}

impl From<FileFormat> for public::export::Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Jsonl => Self::Jsonl,
            FileFormat::Csv => Self::Csv,
            FileFormat::Tei => Self::Tei,
            FileFormat::Jsonld => Self::Jsonld,
        }
    }
}

#[derive(Args)]
struct Index {
    /// What to do
    #[arg(value_enum)]
    verb: index::Verb,
    /// Mend what differs
    #[arg(long)]
    repair: bool,
    /// Private ports of nodes to ask instead of those of the platform in --data
    #[arg(long, value_name = "HOST:PORT")]
    at: Vec<std::net::SocketAddr>,
    #[command(flatten)]
    data: Data,
}

#[derive(Subcommand)]
enum Search {
    /// Ask judged queries over catalogue folders and print how well they are answered
    Eval(evaluate::Eval),
}

#[derive(Subcommand)]
enum Audit {
    /// Recompute the chain of hashes from the first entry to the last
    Verify(Layered),
}

#[derive(Subcommand)]
enum Outbox {
    /// List them, with the reason
    Parked(Layered),
    /// Send them once more, as after an update of the program
    Replay(Layered),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The read API
    Public,
    /// The write API
    Admin,
}

/// Runs the command line; the answer is the exit code.
pub async fn run(cli: Cli) -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match obey(cli.command, arguments).await {
        Ok(()) => ExitCode::from(SUCCESS),
        Err(error) => {
            terminal::remark(format_args!("sangraha: {}", error.told()));
            ExitCode::from(FAILURE)
        }
    }
}

async fn obey(command: Command, arguments: Vec<OsString>) -> Result<(), Error> {
    match command {
        Command::Up(up) => up::run(options(up, arguments)).await,
        Command::Down(Data { data }) => down(&data).await,
        Command::Serve(serve) => node::serve(&Layers::of(serve.config, &serve.set)?, serve.until_eof).await,
        Command::Edge(alone) => edge_alone::run(*alone).await,
        Command::Status(Status { json, at, data }) => status::show(&data.data, &at, json).await,
        Command::CheckConfig(layered) => check_config(&layered.layers()?),
        Command::SetupToken(layered) => {
            terminal::say(setup::token(&Config::load(&layered.layers()?)?).await?);
            Ok(())
        }
        Command::Load(Load { folder, skip_bad, layered }) => {
            load::run(&Config::load(&layered.layers()?)?, &folder, skip_bad).await
        }
        Command::Check(Check { folder, json, layered }) => {
            check::run(folder.as_deref(), || layered.layers(), json).await
        }
        Command::Compare(Compare { folder, catalogue, json }) => compare::run(&catalogue, &folder, json),
        Command::Export(ExportTo { folder, dataset, format, layered }) => {
            export::run(&Config::load(&layered.layers()?)?, &folder, &dataset, format.into()).await
        }
        Command::Index(Index { verb, repair, at, data }) => index::run(verb, repair, &at, &data.data).await,
        Command::Search(Search::Eval(eval)) => evaluate::run(eval).await,
        Command::Audit(Audit::Verify(layered)) => audit::verify(&Config::load(&layered.layers()?)?).await,
        Command::Outbox(Outbox::Parked(layered)) => outbox::parked(&Config::load(&layered.layers()?)?).await,
        Command::Outbox(Outbox::Replay(layered)) => outbox::replay(&Config::load(&layered.layers()?)?).await,
        Command::Openapi { which } => openapi::print(which == Which::Admin),
        Command::Version => {
            terminal::say(format_args!("sangraha {}", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
        Command::OpenSearchNode { script, folder, port } => {
            Err(up::become_opensearch(&script, &folder, port))
        }
        Command::Guard { postgres, folder, uid, gid } => {
            let guard = postgres::Guard { postgres, folder, account: uid.zip(gid) };
            let status = postgres::run_guard(&guard).await?;
            if status.success() { Ok(()) } else { Err(Error::Found(format!("PostgreSQL ended: {status}"))) }
        }
    }
}

fn options(up: Up, arguments: Vec<OsString>) -> up::Options {
    up::Options {
        data: up.data.data,
        base_port: up.base_port,
        fresh: up.fresh,
        detach: up.detach,
        supervised: up.supervised,
        until_eof: up.until_eof,
        catalogue: up.catalogue,
        search: up.search,
        set: up.set,
        arguments,
    }
}

/// Asks the supervisor to stop and waits for its end.
async fn down(data: &Path) -> Result<(), Error> {
    let state = State::read(&data.join("state.json"))?;
    let not_running = || Error::NotRunning(data.to_path_buf());
    let pid = rustix::process::Pid::from_raw(state.pid).ok_or_else(not_running)?;
    let is_held = || rustix::process::test_kill_process(pid).is_ok() && data.join("state.json").exists();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).map_err(|_| not_running())?;
    while is_held() {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    terminal::say("stopped");
    Ok(())
}

fn check_config(layers: &Layers) -> Result<(), Error> {
    let table = layers.effective()?;
    let config = Config::load(layers)?;
    terminal::say(masked(table));
    for warning in config.warnings() {
        terminal::say(format_args!("# warning: {warning}"));
    }
    Ok(())
}

fn node_a(data: &Path) -> Result<PathBuf, Error> {
    let file = data.join("config").join("node-a.toml");
    if file.is_file() { Ok(file) } else { Err(Error::NotRunning(data.to_path_buf())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_operator_is_known() {
        for line in [
            "sangraha up --base-port 7500 --detach --fresh",
            "sangraha down --data x",
            "sangraha edge --origin http://127.0.0.1:8000",
            "sangraha edge --origin http://127.0.0.1:8000 --listen 127.0.0.1:0 --profile rfc --workers 2 --memory 64M",
            "sangraha edge explain http://127.0.0.1:8080/page --at 127.0.0.1:8081",
            "sangraha edge top --at 127.0.0.1:8081 --once --json",
            "sangraha status --json",
            "sangraha check-config --config a.toml --set log.filter=warn",
            "sangraha setup-token",
            "sangraha load folder --skip-bad",
            "sangraha check",
            "sangraha check folder --json",
            "sangraha compare folder --catalogue mine --json",
            "sangraha export folder --dataset compositions --format tei",
            "sangraha index rebuild",
            "sangraha index verify --repair",
            "sangraha search eval --queries judged.jsonl --catalogue a --catalogue b --accepted run.json --misses",
            "sangraha audit verify",
            "sangraha outbox parked",
            "sangraha outbox replay",
            "sangraha version",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }
}
