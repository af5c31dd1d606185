//! `sangraha edge`: a cache in front of any HTTP origin, alone.

use crate::config::{Log, LogFormat, NodeConfig, Role, merge, parse};
use crate::edge_top::{self, Form};
use crate::private::{self, Private};
use crate::reload::{Read, Reload};
use crate::{Error, lifecycle, logging, plain_http, terminal};
use clap::{Args, Subcommand, ValueEnum};
use domain::metrics::Metrics;
use domain::{Clock, Region};
use edge::{
    AccessFormat, AccessLog, AcmeChallenge, AcmeConfig, Certificate, Config, Edge, KeyPart, Kind, Rule,
    StatusHandle,
};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

/// What an edge alone can be told.
#[derive(Args, Clone)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Alone {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The server to stand in front of
    #[arg(long, value_name = "URL")]
    origin: Option<Url>,
    /// Authorities, in PEM, for an `https` origin [default: those that this system trusts]
    #[arg(long, value_name = "FILE")]
    origin_ca: Option<PathBuf>,
    /// Where clients connect [default: 127.0.0.1:8080]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<SocketAddr>,
    /// The rules of the cache
    #[arg(long, value_enum, default_value_t = Rules::Rfc)]
    profile: Rules,
    /// Threads [default: one a core]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// Memory for stored answers: bytes, or with K, M or G [default: 256M]
    #[arg(long, value_parser = bytes, value_name = "SIZE")]
    memory: Option<usize>,
    /// A folder for stored answers that outlive the process; without it they are in memory alone
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
    /// What that folder takes, all of it at once [default: 1G]
    #[arg(long, value_parser = bytes, value_name = "SIZE")]
    disk_size: Option<usize>,
    /// A file whose first line is the token for PURGE requests; without it nobody may purge
    #[arg(long, value_name = "FILE")]
    purge_token_file: Option<PathBuf>,
    /// A certificate chain in PEM for TLS; several for several names, each with its key in the same order
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Vec<PathBuf>,
    /// The private key of a certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Vec<PathBuf>,
    /// A name to get a certificate for from an authority that speaks ACME; several go into one certificate
    #[arg(long, value_name = "NAME", requires_all = ["acme_dir", "acme_agree_to_terms"])]
    acme_domain: Vec<String>,
    /// Where the account's key and the certificate are kept
    #[arg(long, value_name = "DIR", requires = "acme_domain")]
    acme_dir: Option<PathBuf>,
    /// Where the authority may write to: mailto:you@example.org
    #[arg(long, value_name = "MAILTO", requires = "acme_domain")]
    acme_contact: Vec<String>,
    /// Another authority [default: Let's Encrypt]
    #[arg(long, value_name = "URL", requires = "acme_domain")]
    acme_directory: Option<Url>,
    /// How the names are shown to be ours [default: tls-alpn-01]
    #[arg(long, value_enum, requires = "acme_domain")]
    acme_challenge: Option<Proof>,
    /// Say that you have read the authority's terms of service and agree to them
    #[arg(long, requires = "acme_domain")]
    acme_agree_to_terms: bool,
    /// A second place to connect, without TLS: answers authorities, sends everybody else to https
    #[arg(long, value_name = "HOST:PORT")]
    plain_listen: Option<SocketAddr>,
    /// A network whose X-Forwarded-For, Forwarded and X-Forwarded-Proto are believed
    #[arg(long, value_name = "NETWORK")]
    trusted_proxy: Vec<String>,
    /// A network whose connections begin with a PROXY head (version 2)
    #[arg(long, value_name = "NETWORK")]
    proxy_protocol: Vec<String>,
    /// Requests of one address in so many seconds: 100/60; more get 429
    #[arg(long, value_name = "QUOTA/SECONDS", value_parser = rate)]
    rate_limit: Option<(u64, u64)>,
    /// A file to which a line is added for each request
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// The form of those lines
    #[arg(long, value_enum, default_value_t = Lines::Combined)]
    access_format: Lines,
    /// Take an answer without any freshness as fresh for this share of the time since its last change [default: 0]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=100))]
    heuristic_percent: Option<u64>,
    /// Where /metrics, /status and health are answered, to anybody who can connect; nowhere if left out
    #[arg(long, value_name = "HOST:PORT")]
    private: Option<SocketAddr>,
    /// Which events are logged [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// More settings, in TOML: `log` and every key of [edge] in config/default.toml. Options win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// End when standard input is closed
    #[arg(long, hide = true)]
    until_eof: bool,
}

/// What can be asked of an edge that runs.
#[derive(Subcommand, Clone)]
pub enum Verb {
    /// Say what is held for an address, how fresh it is, and what the next request would get
    Explain {
        /// The address as a client asks it
        url: Url,
        /// The edge's private port
        #[arg(long, value_name = "HOST:PORT")]
        at: SocketAddr,
    },
    /// Show what it does just now: requests, hits, latency, why the origin was asked, limits, purges
    Top {
        /// The edge's private port
        #[arg(long, value_name = "HOST:PORT")]
        at: SocketAddr,
        /// Seconds between two looks
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3_600))]
        every: u64,
        /// Show one picture and end
        #[arg(long)]
        once: bool,
        /// As JSON, one object a picture
        #[arg(long)]
        json: bool,
    },
}

/// The form of a line of the access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lines {
    /// One JSON object
    Json,
    /// As nginx and Apache httpd write it
    Combined,
}

/// How an authority is shown that names are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Proof {
    /// By a certificate at port 443
    #[value(name = "tls-alpn-01")]
    TlsAlpn01,
    /// By a file at port 80: needs --plain-listen
    #[value(name = "http-01")]
    Http01,
}

/// Which rules a cache keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rules {
    /// RFC 9111 and what belongs to it, nothing added
    Rfc,
}

/// Serves until it is told to stop.
pub async fn run(alone: Alone) -> Result<(), Error> {
    match &alone.verb {
        Some(Verb::Explain { url, at }) => return explain(url, *at).await,
        Some(Verb::Top { at, every, once, json }) => {
            return edge_top::run(*at, Form { every_s: *every, once: *once, json: *json }).await;
        }
        None => {}
    }
    let Read { filter, edge: config } = read(&alone)?;
    logging::start(&Log { filter, format: LogFormat::Text })?;
    let stop = CancellationToken::new();
    tokio::spawn(lifecycle::cancel_on_signal(stop.clone()));
    if alone.until_eof {
        tokio::spawn(lifecycle::cancel_on_end_of_input(stop.clone()));
    }
    let (clock, metrics) = (Clock::system(), Metrics::default());
    let origin = config.public.first().map(Url::to_string).unwrap_or_default();
    let scheme = if config.tls.is_empty() && config.acme.is_none() { "http" } else { "https" };
    let edge = Edge::bind(config, clock.clone(), &metrics).map_err(Error::part("Starting the edge"))?;
    let (handle, private) = (edge.status_handle(), alone.private);
    let reload = Reload::new(move || read(&alone), Some(handle.clone()));
    tokio::spawn(stop.clone().run_until_cancelled_owned(reload.clone().at_hangup()));
    if let Some(address) = private {
        tokio::spawn(watch(address, handle, reload, clock, metrics, stop.clone()).await?);
    }
    terminal::say(format_args!("{scheme}://{} answers for {origin}", edge.local_addr()));
    edge.run(stop).await;
    Ok(())
}

/// Prints what a running edge knows of an address.
async fn explain(url: &Url, at: SocketAddr) -> Result<(), Error> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let mut query = url::form_urlencoded::Serializer::new("/internal/explain?".to_owned());
    let target = query.append_pair("url", url.as_str()).finish();
    let asked = plain_http::get(at, &target, PATIENCE).await;
    let answer = asked.map_err(|source| Error::Ask { what: format!("the edge at {at}"), source })?;
    let known = answer.json();
    if answer.status != 200 || known.is_null() {
        return Err(Error::Config(format!("{at} is not the private port of an edge")));
    }
    terminal::say(format_args!("{known:#}"));
    Ok(())
}

/// What the options and the file that they name say now: the file over the defaults, the options over both.
fn read(alone: &Alone) -> Result<Read, Error> {
    let mut table = match &alone.config {
        Some(path) => {
            let text =
                std::fs::read_to_string(path).map_err(Error::file("reading the configuration", path))?;
            parse(&text, path)?
        }
        None => toml::Table::new(),
    };
    let filter = match table.remove("log") {
        None => "info".to_owned(),
        Some(toml::Value::String(filter)) => filter,
        Some(_) => return Err(Error::Config("`log` is a text: \"info\"".to_owned())),
    };
    let named = table.contains_key("public");
    let mut config = over_defaults(table)?;
    given(alone, &mut config)?;
    if alone.origin.is_none() && !named {
        return Err(Error::Config("`--origin` is missing: the server to stand in front of".to_owned()));
    }
    config.object_bytes_max = config.object_bytes_max.min(config.memory_bytes_max / 16);
    config.check().map_err(Error::part("Reading the options"))?;
    Ok(Read { filter: alone.log.clone().unwrap_or(filter), edge: config })
}

/// A file's keys in the place of those of the defaults.
fn over_defaults(file: toml::Table) -> Result<Config, Error> {
    let refused = |error: &dyn std::fmt::Display| {
        Error::Config(format!("the configuration is refused: {}", error.to_string().trim()))
    };
    let mut table = toml::Table::try_from(defaults()).map_err(|error| refused(&error))?;
    merge(&mut table, file);
    table.try_into().map_err(|error: toml::de::Error| refused(&error))
}

/// Generous where the platform's own edges are strict: nothing is known of the origin.
fn defaults() -> Config {
    const OBJECT_BYTES_MAX: usize = 8 << 20;
    const BODY_BYTES_MAX: u64 = 1 << 30;
    const CONNECTIONS_MAX: usize = 16_384;
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        workers: processors(),
        profile: Kind::Rfc,
        object_bytes_max: OBJECT_BYTES_MAX,
        body_bytes_max: BODY_BYTES_MAX,
        connections_max: CONNECTIONS_MAX,
        connections_per_address_max: CONNECTIONS_MAX,
        connect_timeout_ms: 2_000,
        public_first_byte_ms_max: 60_000,
        ..Config::default()
    }
}

/// Puts what the command line says over what the file says.
fn given(alone: &Alone, config: &mut Config) -> Result<(), Error> {
    let Rules::Rfc = alone.profile;
    let format = match alone.access_format {
        Lines::Json => AccessFormat::Json,
        Lines::Combined => AccessFormat::Combined,
    };
    if alone.tls_cert.len() != alone.tls_key.len() {
        return Err(Error::Config("each `--tls-cert` needs its `--tls-key`".to_owned()));
    }
    let pairs = alone.tls_cert.iter().zip(&alone.tls_key);
    config.tls.extend(pairs.map(|(chain, key)| Certificate { chain: chain.clone(), key: key.clone() }));
    config.trusted_proxies.append(&mut networks(&alone.trusted_proxy)?);
    config.proxy_protocol.append(&mut networks(&alone.proxy_protocol)?);
    config.limits.rules.extend(alone.rate_limit.map(limit));
    put(&mut config.acme, acme(alone).map(Some));
    put(&mut config.plain_listen, alone.plain_listen.map(Some));
    put(&mut config.listen, alone.listen);
    put(&mut config.workers, alone.workers.map(NonZeroUsize::get));
    put(&mut config.public, alone.origin.clone().map(|origin| vec![origin]));
    put(&mut config.origin_ca_file, alone.origin_ca.clone().map(Some));
    put(&mut config.memory_bytes_max, alone.memory);
    put(&mut config.disk, alone.disk.clone().map(Some));
    put(&mut config.disk_bytes_max, alone.disk_size.map(|bytes| bytes as u64));
    put(&mut config.heuristic_percent, alone.heuristic_percent);
    let log = alone.access_log.clone().map(|path| Some(AccessLog { path, format }));
    put(&mut config.access_log, log);
    put(&mut config.purge_token_file, alone.purge_token_file.clone().map(Some));
    Ok(())
}

/// What is asked of an authority, where a name is given.
fn acme(alone: &Alone) -> Option<AcmeConfig> {
    let folder = alone.acme_dir.clone().filter(|_| !alone.acme_domain.is_empty())?;
    let mut config = AcmeConfig::new(alone.acme_domain.clone(), folder);
    config.contacts.clone_from(&alone.acme_contact);
    config.terms_agreed = alone.acme_agree_to_terms;
    put(&mut config.directory, alone.acme_directory.clone());
    let challenge = alone.acme_challenge.map(|proof| match proof {
        Proof::TlsAlpn01 => AcmeChallenge::TlsAlpn01,
        Proof::Http01 => AcmeChallenge::Http01,
    });
    put(&mut config.challenge, challenge);
    Some(config)
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// One rule for everything, by address.
fn limit((quota, window_s): (u64, u64)) -> Rule {
    Rule {
        name: "address".to_owned(),
        paths: Vec::new(),
        except: Vec::new(),
        methods: Vec::new(),
        tiers: Vec::new(),
        key: vec![KeyPart::Address],
        quota,
        window_s,
        burst: None,
        cost: 1,
        statuses: Vec::new(),
        misses: false,
        shared: false,
        shadow: false,
        ban_after: 0,
        ban_s: 0,
    }
}

/// `100/60`
fn rate(text: &str) -> Result<(u64, u64), String> {
    let parts =
        text.split_once('/').and_then(|(quota, seconds)| quota.parse().ok().zip(seconds.parse().ok()));
    parts.ok_or_else(|| format!("`{text}` is no rate: write 100/60 for a hundred a minute"))
}

fn networks<N: std::str::FromStr>(texts: &[String]) -> Result<Vec<N>, Error> {
    let one = |text: &String| {
        let refused = |_| Error::Config(format!("`{text}` is no network: write 10.0.0.0/8 or 192.0.2.7/32"));
        text.parse().map_err(refused)
    };
    texts.iter().map(one).collect()
}

/// The private port.
async fn watch(
    address: SocketAddr,
    edge: StatusHandle,
    reload: Reload,
    clock: Clock,
    metrics: Metrics,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()>, Error> {
    let refused = |source| Error::Listen { what: "the private port", address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let region = Region::try_from("a".to_owned()).map_err(|_| Error::Config("no region".to_owned()))?;
    let router = private::router(Private {
        node: NodeConfig { name: "edge".to_owned(), region, roles: vec![Role::Edge] },
        started_at: clock.now(),
        has_started: Arc::new(AtomicBool::new(true)),
        parts: None,
        edge: Some(edge),
        reload: Some(reload),
        metrics,
    });
    Ok(async move {
        if let Err(error) =
            web::serve::serve(listener, router, web::serve::ServeLimits::default(), stop).await
        {
            tracing::warn!(%error, "The private port failed");
        }
    })
}

/// `65536`, `64K`, `256M`, `2G`.
fn bytes(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.chars().last().map(|unit| unit.to_ascii_uppercase()) {
        Some('K') => (&text[..text.len() - 1], 10),
        Some('M') => (&text[..text.len() - 1], 20),
        Some('G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: usize =
        digits.parse().map_err(|_| format!("`{text}` is no size: write 65536, 64K, 256M or 2G"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("`{text}` is more than this machine can address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let table =
            [("65536", Some(65_536)), ("64K", Some(65_536)), ("256m", Some(1 << 28)), ("2G", Some(2 << 30))];
        for (text, expected) in table.into_iter().chain([("", None), ("M", None), ("1T", None), ("-1", None)])
        {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
        assert!(bytes("99999999999999G").is_err());
    }
}
