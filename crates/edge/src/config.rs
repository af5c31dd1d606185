use crate::front::tls::Certificate;
use crate::limits;
use crate::origin::routes::OriginRoute;
use crate::origin::upstream::is_askable;
use crate::policy::Profile;
use crate::see::access::AccessLog;
use crate::store::disk::BLOCKS;
use crate::store::memory::SHARDS;
use crate::store::tiers::DISK_BYTES_MIN;
use crate::{Error, acme};
use domain::Region;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// What an edge stands in front of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Our own APIs: reads are cached by strict rules, admin routes go to the primary, purges come from the feed.
    Sangraha,
    /// Any origin: the first of `public` gets everything, by the rules of RFC 9111 and no others.
    Rfc,
}

/// Everything an edge can be told. Only the addresses need a thought; every limit has a default.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where clients connect; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Threads that serve connections, each with a runtime of its own; 0 serves them where the edge runs.
    pub workers: usize,
    /// What it stands in front of, and so which rules hold.
    pub profile: Kind,
    /// Without any freshness an answer is taken as fresh for this share, in percent, of the time since its last
    /// change (at most a day); 0 guesses nothing.
    pub heuristic_percent: u64,
    /// The file with the token for `PURGE` by HTTP; without it nobody may. Only for the profile `rfc`.
    pub purge_token_file: Option<PathBuf>,
    /// The region that this edge stands in.
    pub region: Region,
    /// This edge's name toward the purge feed: unique in its region, 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Origins of the public API, nearest first; reads fail over in this order.
    pub public: Vec<Url>,
    /// The admin API of the region with the primary; nothing else ever gets a write.
    pub admin: Url,
    /// The private port of the own region's node, which serves the purge feed.
    pub purge_feed: Url,

    /// One line for each request; none without it.
    pub access_log: Option<AccessLog>,
    /// Certificates, each with its key; without any the edge speaks plain HTTP. Changed files are read again.
    pub tls: Vec<Certificate>,
    /// Who gives a certificate for which names; none without it.
    pub acme: Option<acme::Config>,
    /// A second place to connect, where no TLS is spoken: for challenges, and to send everybody else to `https`.
    pub plain_listen: Option<SocketAddr>,
    /// Whether that place serves as the first one does, instead of sending people to `https`.
    pub plain_serves: bool,
    /// Networks whose `X-Forwarded-For`, `Forwarded` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Networks whose connections begin with a PROXY head (version 2), and must.
    pub proxy_protocol: Vec<IpNet>,

    /// Connections from clients at one time; more wait in the listen queue.
    pub connections_max: usize,
    /// Connections from one client address at one time; more are closed at once.
    pub connections_per_address_max: usize,
    /// The longest wait for a request's head, which is also the longest idle time between two requests.
    pub header_read_timeout_ms: u64,
    /// The longest request target.
    pub uri_bytes_max: usize,
    /// The most request fields.
    pub headers_max: usize,
    /// The longest request head without its first line.
    pub header_bytes_max: usize,
    /// The longest request body, which only admin routes may send.
    pub body_bytes_max: u64,
    /// The longest pause inside a body, sent or received, on either side.
    pub body_idle_ms_max: u64,
    /// Concurrent requests on one HTTP/2 connection.
    pub http2_streams_max: u32,
    /// How long an HTTP/2 connection may go without anything but pings: one that is idle, or takes no answers.
    pub http2_idle_ms_max: u64,

    /// Memory of the object store.
    pub memory_bytes_max: usize,
    /// The folder of objects that outlive the process; without it there is memory alone. One edge, one folder.
    pub disk: Option<PathBuf>,
    /// What that folder takes, all of it at once. A change empties it.
    pub disk_bytes_max: u64,
    /// A longer response is passed on without being stored. At most a sixteenth of `memory_bytes_max`.
    pub object_bytes_max: usize,
    /// A longer response whose origin takes ranges is kept in slices of this many bytes, at most half of what one shard
    /// of memory, or of the disk, may take; 0: such responses pass by.
    pub slice_bytes: u64,
    /// No response is fresh for longer than this, whatever its origin says.
    pub freshness_s_max: u64,
    /// Freshness of a 404 or 410 that states none.
    pub negative_s_max: u64,
    /// How long past its freshness a response may stand in for a failing origin, where it does not say.
    pub stale_if_error_s: u64,
    /// The longest wait for another request's answer to the same question; for a slice it is as long as that request
    /// lasts.
    pub collapse_wait_ms_max: u64,
    /// How long a question whose answer could not be shared is not collapsed again.
    pub hit_for_miss_ms: u64,

    /// The longest wait for a connection to an origin.
    pub connect_timeout_ms: u64,
    /// The longest wait for the head of a public origin's response, for each try.
    pub public_first_byte_ms_max: u64,
    /// The longest wait for the head of the admin API's response. What a client takes to send its body is not counted.
    pub admin_first_byte_ms_max: u64,
    /// Waits of their own for what lies below a path.
    pub origin_routes: Vec<OriginRoute>,
    /// Concurrent requests to one origin; more wait, and are answered with 503 or what is stale in the end.
    pub origin_requests_max: usize,
    /// Open connections to one origin, idle ones included; requests that find none free wait as well.
    pub origin_connections_max: usize,
    /// The longest wait for a place among those requests, and for one of those connections.
    pub origin_wait_ms_max: u64,
    /// Concurrent requests on one HTTP/2 connection to an origin: no more than the origin allows. Of each answer up
    /// to 256 KiB wait in memory for a client that is slow, so one connection holds at most that many times 256 KiB
    /// (25 MiB by default), and an origin `origin_requests_max` times 256 KiB.
    pub origin_streams_max: usize,
    /// Whether HTTP/2 is spoken with `https` origins that offer it.
    pub origin_http2: bool,
    /// Whether origins are asked by their own name. Otherwise by the client's `Host`, which `X-Forwarded-Host` has
    /// in any case.
    pub origin_host_own: bool,
    /// Authorities, in PEM, that certificates of `https` origins are checked against; without it the system's.
    pub origin_ca_file: Option<PathBuf>,
    /// What the edge shows to `https` origins that ask for a certificate.
    pub origin_certificate: Option<Certificate>,
    /// Idle connections that are kept to one origin.
    pub origin_idle_max: usize,
    /// How long an idle connection is kept: less than the origin's own keep-alive time.
    pub origin_idle_ms_max: u64,
    /// The longest life of a connection to an origin, so that changes of its address are seen.
    pub origin_age_ms_max: u64,
    /// The longest time for which an origin that failed is left alone.
    pub origin_down_ms_max: u64,

    /// How long the purge feed may hold a request open when it has nothing to say.
    pub purge_wait_ms: u64,
    /// The longest answer of the purge feed.
    pub purge_batch_bytes_max: usize,
    /// Whether clients see surrogate keys (`Surrogate-Key`, `Cache-Tag`): for a CDN in front that is purged by them.
    pub tags_shown: bool,
    /// Tags whose last purge is remembered; when there are more, the oldest objects are dropped.
    pub purge_tags_max: usize,
    /// An edge that has heard nothing from the purge feed for this long is blind.
    pub blind_after_ms: u64,
    /// The oldest answer, by its time in memory, that a blind edge gives without asking its origin.
    pub blind_age_s_max: u64,

    /// How much clients may ask.
    pub limits: limits::Config,

    /// How long a stopping edge waits for idle clients to notice that it is going away.
    pub drain_notice_ms: u64,
    /// How long a stopping edge waits for requests in flight.
    pub drain_ms_max: u64,
}

impl Config {
    /// What the cache may do.
    pub(crate) fn profile(&self) -> Profile {
        match self.profile {
            Kind::Rfc => Profile {
                stale_if_error_s: self.stale_if_error_s,
                heuristic_percent: self.heuristic_percent,
                ..Profile::RFC
            },
            Kind::Sangraha => Profile {
                freshness_s_max: self.freshness_s_max,
                negative_s: self.negative_s_max,
                stale_if_error_s: self.stale_if_error_s,
                blind_age_s_max: self.blind_age_s_max,
                ..Profile::READERS
            },
        }
    }

    /// The size of slices: one that memory and disk can keep, with what belongs to it; 0 where that is too little.
    pub(crate) fn slice_bytes(&self) -> u64 {
        let memory = (self.memory_bytes_max / SHARDS / 2).min(self.object_bytes_max) as u64;
        let disk = self.disk.as_ref().map_or(u64::MAX, |_| self.disk_bytes_max / BLOCKS / 2);
        Some(self.slice_bytes.min(memory).min(disk)).filter(|bytes| *bytes >= SLICE_BYTES_MIN).unwrap_or(0)
    }

    /// Refuses combinations that cannot work, with a sentence that names the field.
    pub fn check(&self) -> Result<(), Error> {
        self.limits.check()?;
        self.acme.as_ref().map_or(Ok(()), acme::Config::check)?;
        let name_fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let rules = [
            (
                (1..=64).contains(&self.name.len()) && self.name.chars().all(name_fits),
                "`name` needs 1 to 64 of a-z, 0-9 and `-`",
            ),
            (!self.public.is_empty(), "`public` needs at least one origin"),
            (
                self.public.iter().chain([&self.admin, &self.purge_feed]).all(is_origin),
                "`public`, `admin` and `purge_feed` are `http://host:port` or, the first two, `https://host:port`, \
                 without path or user",
            ),
            (
                self.public.iter().chain([&self.admin]).all(is_askable),
                "an origin in `public` or `admin` needs a host that can be asked for, and with `https` one that a \
                 certificate can have",
            ),
            (
                self.purge_feed.scheme() == "http",
                "`purge_feed` is a port of the own region: `http://host:port`",
            ),
            (
                self.acme.as_ref().is_none_or(|acme| {
                    acme.challenge != acme::Challenge::Http01 || self.plain_listen.is_some()
                }),
                "`acme.challenge` \"http-01\" needs `plain_listen`, where it is answered",
            ),
            (
                self.plain_listen.is_none() || !self.tls.is_empty() || self.acme.is_some(),
                "`plain_listen` is for an edge that speaks TLS at `listen`: it has neither `tls` nor `acme`",
            ),
            (self.connections_max > 0, "`connections_max` must be positive"),
            (self.connections_per_address_max > 0, "`connections_per_address_max` must be positive"),
            (
                self.origin_requests_max > 0
                    && self.origin_connections_max > 0
                    && self.origin_streams_max > 0,
                "`origin_requests_max`, `origin_connections_max` and `origin_streams_max` must be positive",
            ),
            (
                self.origin_routes.iter().all(OriginRoute::is_sound),
                "`origin_routes` need a `prefix` that begins with `/`, and waits that are positive",
            ),
            (
                self.headers_max > 0 && self.uri_bytes_max > 0,
                "`headers_max` and `uri_bytes_max` must be positive",
            ),
            (
                self.header_bytes_max + self.uri_bytes_max <= HEAD_BUFFER_BYTES,
                "`header_bytes_max` and `uri_bytes_max` must fit into 64 KiB together",
            ),
            (
                self.object_bytes_max <= self.memory_bytes_max / SHARDS,
                "`object_bytes_max` must be at most a sixteenth of `memory_bytes_max`",
            ),
            (
                self.slice_bytes == 0 || self.slice_bytes >= SLICE_BYTES_MIN,
                "`slice_bytes` is 0 or at least 16 KiB",
            ),
            (
                self.disk.is_none() || self.disk_bytes_max >= DISK_BYTES_MIN,
                "`disk_bytes_max` must be at least 16 MiB",
            ),
            (
                self.purge_wait_ms > 0 && self.purge_wait_ms * 2 <= self.blind_after_ms,
                "`blind_after_ms` must be at least twice `purge_wait_ms`, which must be positive",
            ),
            (
                self.profile == Kind::Sangraha || self.limits.rules.iter().all(|rule| !rule.shared),
                "`limits.rules.shared` needs a region's node to ask, which the profile `rfc` does not have",
            ),
            (self.http2_idle_ms_max > 0, "`http2_idle_ms_max` must be positive"),
            (self.body_idle_ms_max > 0, "`body_idle_ms_max` must be positive"),
            (self.connect_timeout_ms > 0, "`connect_timeout_ms` must be positive"),
            (
                self.public_first_byte_ms_max > 0 && self.admin_first_byte_ms_max > 0,
                "the `first_byte` limits must be positive",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, sentence)) => Err(Error::Config(sentence)),
            None => Ok(()),
        }
    }
}

/// Smaller slices would cost more requests than they are worth.
const SLICE_BYTES_MIN: u64 = 16 * 1024;

/// The read buffer of a client connection; a longer head cannot be parsed at all.
pub(crate) const HEAD_BUFFER_BYTES: usize = 64 * 1024;

pub(crate) const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.username().is_empty()
}

impl Default for Config {
    fn default() -> Self {
        let origin = |port: u16| Url::parse(&format!("http://127.0.0.1:{port}")).expect("a fixed URL parses");
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7080)),
            workers: 0,
            profile: Kind::Sangraha,
            heuristic_percent: 0,
            purge_token_file: None,
            region: Region::try_from("a".to_owned()).expect("`a` names a region"),
            name: "edge".to_owned(),
            public: vec![origin(7081)],
            admin: origin(7082),
            purge_feed: origin(7083),
            access_log: None,
            tls: Vec::new(),
            acme: None,
            plain_listen: None,
            plain_serves: false,
            trusted_proxies: Vec::new(),
            proxy_protocol: Vec::new(),
            connections_max: 4_096,
            connections_per_address_max: 1_024,
            header_read_timeout_ms: 10_000,
            uri_bytes_max: 8 * 1024,
            headers_max: 100,
            header_bytes_max: 32 * 1024,
            body_bytes_max: 4 * 1024 * 1024,
            body_idle_ms_max: 10_000,
            http2_streams_max: 200,
            http2_idle_ms_max: 60_000,
            memory_bytes_max: 256 * 1024 * 1024,
            disk: None,
            disk_bytes_max: 1024 * 1024 * 1024,
            object_bytes_max: 2 * 1024 * 1024,
            slice_bytes: 1024 * 1024,
            freshness_s_max: 7 * 86_400,
            negative_s_max: 10,
            stale_if_error_s: 86_400,
            collapse_wait_ms_max: 5_000,
            hit_for_miss_ms: 10_000,
            connect_timeout_ms: 300,
            public_first_byte_ms_max: 1_500,
            admin_first_byte_ms_max: 30_000,
            origin_routes: Vec::new(),
            origin_requests_max: 512,
            origin_connections_max: 512,
            origin_wait_ms_max: 250,
            origin_streams_max: 100,
            origin_http2: true,
            origin_host_own: false,
            origin_ca_file: None,
            origin_certificate: None,
            origin_idle_max: 64,
            origin_idle_ms_max: 30_000,
            origin_age_ms_max: 300_000,
            origin_down_ms_max: 10_000,
            purge_wait_ms: 1_000,
            purge_batch_bytes_max: 16 * 1024 * 1024,
            tags_shown: false,
            purge_tags_max: 200_000,
            blind_after_ms: 5_000,
            blind_age_s_max: 30,
            limits: limits::Config::default(),
            drain_notice_ms: 250,
            drain_ms_max: 30_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_together() {
        Config::default().check().unwrap();
    }

    #[test]
    fn nonsense_is_refused_with_the_name_of_the_field() {
        let blind = Config { blind_after_ms: 100, ..Config::default() };
        assert!(blind.check().unwrap_err().to_string().contains("blind_after_ms"));
        let path = Config { admin: Url::parse("http://a/b").unwrap(), ..Config::default() };
        assert!(path.check().unwrap_err().to_string().contains("admin"));
        for nameless in ["https://a_b..c/", "https://-/"] {
            let public = vec![Url::parse(nameless).unwrap(), Url::parse("http://a").unwrap()];
            let nameless = Config { public, ..Config::default() };
            assert!(nameless.check().unwrap_err().to_string().contains("public"));
        }
        let none = Config { public: Vec::new(), ..Config::default() };
        assert!(none.check().unwrap_err().to_string().contains("public"));
        let idle = Config { body_idle_ms_max: 0, ..Config::default() };
        assert!(idle.check().unwrap_err().to_string().contains("body_idle_ms_max"));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"memory": 1}"#).is_err());
        assert!(serde_json::from_str::<Config>(r#"{"listen": "127.0.0.1:0"}"#).is_ok());
    }
}
