//! New connections to one origin: TCP, TLS where its address says so, and which HTTP is spoken on them.

use super::upstream::Failure;
use super::wire::Wire;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

pub(super) struct Dialer {
    /// `host:port`
    address: Box<str>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// When a certificate or a handshake that is no good was last told.
    told: Mutex<Option<Instant>>,
}

/// A connection, by what was agreed on.
pub(super) enum Dialed {
    Http1(Wire),
    Http2(Wire),
}

impl Dialer {
    /// `None` where the address is one that nobody can connect to.
    pub(super) fn new(url: &Url, address: &str, tls: Option<&Arc<ClientConfig>>) -> Option<Self> {
        let tls = match url.scheme() {
            "https" => Some((TlsConnector::from(tls?.clone()), name(url)?)),
            _ => None,
        };
        Some(Self { address: address.into(), tls, told: Mutex::default() })
    }

    pub(super) const fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// `patience` is for each of the two handshakes.
    pub(super) async fn dial(&self, patience: Duration) -> Result<Dialed, Failure> {
        let connecting = async {
            let stream = TcpStream::connect(&*self.address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            Some(stream)
        };
        let stream = timeout(patience, connecting).await.ok().flatten().ok_or(Failure::Connect)?;
        let Some((connector, name)) = &self.tls else { return Ok(Dialed::Http1(Wire::Plain(stream))) };
        let shaken = timeout(patience, connector.connect(name.clone(), stream)).await;
        let stream = shaken.map_err(|_| Failure::Connect)?.map_err(|error| self.refused(&error))?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let wire = Wire::Tls(Box::new(stream));
        Ok(if is_http2 { Dialed::Http2(wire) } else { Dialed::Http1(wire) })
    }

    fn refused(&self, error: &io::Error) -> Failure {
        /// Every request meets the same certificate: one line in this time is enough.
        const TELL_EVERY: Duration = Duration::from_secs(10);
        let Some(reason) = error.get_ref().filter(|inner| inner.is::<rustls::Error>()) else {
            return Failure::Connect;
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(origin = %self.address, %reason, "No TLS with an origin");
        }
        Failure::Tls
    }
}

/// The name that is asked for and that the certificate must have.
pub(super) fn name(url: &Url) -> Option<ServerName<'static>> {
    match url.host()? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
        Host::Ipv4(address) => Some(std::net::IpAddr::V4(address).into()),
        Host::Ipv6(address) => Some(std::net::IpAddr::V6(address).into()),
    }
}
