//! Connections: accepted within limits, served with time-outs, and let go without losing a request.

pub(crate) mod exchange;
mod guard;
mod open;
mod parts;
mod passing;
pub(crate) mod peers;
mod pulse;
pub(crate) mod purging;
mod reads;
pub(crate) mod respond;
mod route;
mod sliced;
pub(crate) mod strict;
pub(crate) mod tls;
pub(crate) mod workers;

use crate::acme::answers::ACME_TLS;
use crate::body::Body;
use crate::config::{Config, HEAD_BUFFER_BYTES, ms};
use crate::front::exchange::{Step, begin};
use crate::front::guard::{Guard, Patience};
use crate::reload::Current;
use crate::{Error, Inner};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use open::{Open, Visit};
use peers::Peer;
use prometheus_client::metrics::gauge::Gauge;
use pulse::Pulse;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use workers::Workers;

/// Connections that the system completes before we accept them.
const BACKLOG: u32 = 1_024;

/// Where clients connect.
pub(crate) struct Doors {
    main: TcpListener,
    pub(crate) listen: SocketAddr,
    /// Where no TLS is spoken although it is at the other one.
    plain: Option<TcpListener>,
    pub(crate) plain_listen: Option<SocketAddr>,
}

/// By which of them a client came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Main,
    Plain,
}

impl Doors {
    pub(crate) fn open(config: &Config) -> Result<Self, Error> {
        let open = |address| {
            let opened = listen(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
            opened.map_err(|source| Error::Listen { address, source })
        };
        let (listen, main) = open(config.listen)?;
        let (plain_listen, plain) = config.plain_listen.map(open).transpose()?.unzip();
        Ok(Self { main, listen, plain, plain_listen })
    }

    /// The next client at either door.
    async fn accept(&self) -> (Door, io::Result<(TcpStream, SocketAddr)>) {
        let Some(plain) = &self.plain else { return (Door::Main, self.main.accept().await) };
        tokio::select! {
            accepted = self.main.accept() => (Door::Main, accepted),
            accepted = plain.accept() => (Door::Plain, accepted),
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `shutdown`, then drains.
pub(crate) async fn serve(
    doors: Doors,
    current: Arc<Current>,
    workers: Workers,
    shutdown: CancellationToken,
) {
    let front = Front::new(current, workers);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            () = front.accept(&doors) => {}
        }
    }
    front.drain(doors).await;
}

struct Front {
    current: Arc<Current>,
    workers: Workers,
    open: Arc<Open>,
    tasks: TaskTracker,
    places: Arc<Places>,
    per_address: Arc<PerAddress>,
}

impl Front {
    fn new(current: Arc<Current>, workers: Workers) -> Self {
        Self {
            current,
            workers,
            open: Arc::default(),
            tasks: TaskTracker::new(),
            places: Arc::default(),
            per_address: Arc::default(),
        }
    }

    async fn accept(&self, doors: &Doors) {
        /// Out of file descriptors: asking again at once would only burn the processor.
        const PAUSE: Duration = Duration::from_millis(50);
        let place = self.places.clone().take(|| self.current.now().config.connections_max).await;
        match doors.accept().await {
            (door, Ok((stream, peer))) => self.admit(stream, door, peer.ip(), place),
            (_, Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "Could not accept a connection");
                sleep(PAUSE).await;
            }
        }
    }

    fn admit(&self, stream: TcpStream, door: Door, client: IpAddr, place: Place) {
        let client = client.to_canonical();
        let max = self.current.now().config.connections_per_address_max;
        let Some(seat) = self.per_address.clone().take(client, max) else { return };
        // Without it an answer in two parts waits for an acknowledgement; where it fails the connection is dead.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let counted = Counted::new(self.current.now().telemetry.connections.clone());
        let held = (seat, place, counted);
        self.open.enter(|visit| {
            let connection = Connection { current: self.current.clone(), door, visit, _held: held };
            let Some(worker) = self.workers.freest() else {
                return Some(self.tasks.spawn(connection.serve(stream, client)));
            };
            // From here on another thread is told when bytes come.
            let (stream, serving) = (stream.into_std().ok()?, worker.seat());
            let served = async move {
                if let Ok(stream) = TcpStream::from_std(stream) {
                    connection.serve(stream, client).await;
                }
                drop(serving);
            };
            Some(self.tasks.spawn_on(served, worker.runtime()))
        });
    }

    async fn drain(self, doors: Doors) {
        /// Time for connections that the system has completed already to show up.
        const LAST_CALL: Duration = Duration::from_millis(10);
        let inner = self.current.now();
        inner.draining.store(true, Ordering::Relaxed);
        while timeout(LAST_CALL, self.accept(&doors)).await.is_ok() {}
        drop(doors);
        self.tasks.close();
        // Busy HTTP/1 clients learn it from their next answer; closing under an idle one may lose its request.
        let notice = ms(inner.config.drain_notice_ms);
        if timeout(notice, self.tasks.wait()).await.is_err() {
            self.open.end();
            if timeout(ms(inner.config.drain_ms_max), self.tasks.wait()).await.is_err() {
                tracing::warn!(connections = self.tasks.len(), "Closing connections that outlast the drain");
            }
            self.open.abort();
            self.tasks.wait().await;
        }
        self.workers.end().await;
    }
}

/// One connection from its first byte to its last.
struct Connection {
    current: Arc<Current>,
    door: Door,
    visit: Visit,
    /// What it takes up until it ends.
    _held: (Seat, Place, Counted),
}

impl Connection {
    async fn serve(self, mut stream: TcpStream, peer: IpAddr) {
        let inner = self.current.now();
        let patience = ms(inner.config.header_read_timeout_ms);
        let mut address = peer;
        if peers::is_listed(peer, &inner.config.proxy_protocol) {
            match timeout(patience, peers::proxied(&mut stream)).await {
                Ok(Ok(named)) => address = named.unwrap_or(peer),
                Ok(Err(error)) => return tracing::debug!(%error, %peer, "A PROXY head was refused"),
                Err(_) => return,
            }
        }
        let aside = self.door == Door::Plain;
        let Some(tls) = inner.tls.clone().filter(|_| !aside) else {
            return self.speak(inner, stream, Peer { address, secure: false, aside }).await;
        };
        match timeout(patience, tls.acceptor().accept(stream)).await {
            // An authority has seen what it came for in the handshake.
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(ACME_TLS) => {}
            Ok(Ok(stream)) => {
                let stream = Box::new(stream);
                self.speak(inner, stream, Peer { address, secure: true, aside: false }).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, %peer, "A TLS handshake failed"),
            Err(_) => {}
        }
    }

    async fn speak<S>(mut self, inner: Arc<Inner>, stream: S, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = &inner.config;
        let patience = Patience {
            preface_max: ms(config.header_read_timeout_ms),
            write_idle_max: ms(config.body_idle_ms_max),
            http2_idle_max: ms(config.http2_idle_ms_max),
        };
        let guarded = Guard::new(stream, &patience);
        let current = self.current;
        let service = service_fn(move |request| answer(current.now(), peer, request));
        let mut builder = inner.connections.clone();
        builder.http1().timer(Pulse::default());
        let mut connection = pin!(builder.serve_connection(TokioIo::new(guarded), service));
        // The connection goes on for longer than its configuration.
        drop(inner);
        let mut ending = false;
        let served = std::future::poll_fn(|context| {
            if !ending && self.visit.is_ending(context) {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            connection.as_mut().poll(context)
        });
        if let Err(error) = served.await {
            tracing::debug!(error, "A connection failed");
        }
    }
}

async fn answer(
    inner: Arc<Inner>,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let began = Instant::now();
    let response = match begin(&inner, peer, request) {
        Step::Done(response) => response,
        Step::Wait(wait) => wait.await,
    };
    inner.telemetry.latency.observe(began.elapsed());
    Ok(response)
}

/// One in the number of open connections.
struct Counted(Gauge);

impl Counted {
    fn new(connections: Gauge) -> Self {
        connections.inc();
        Self(connections)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// How connections are served.
pub(crate) type Connections = Builder<TokioExecutor>;

pub(crate) fn connections(config: &Config) -> Connections {
    const PING: Duration = Duration::from_secs(20);
    const WINDOW_BYTES: u32 = 1024 * 1024;
    /// hyper's own bound; another one would cost it an allocation for each request.
    const HYPER_HEADERS_MAX: usize = 100;
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().header_read_timeout(ms(config.header_read_timeout_ms)).max_buf_size(HEAD_BUFFER_BYTES);
    if config.headers_max != HYPER_HEADERS_MAX {
        builder.http1().max_headers(config.headers_max);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_concurrent_streams(config.http2_streams_max)
        .max_header_list_size(
            u32::try_from(config.header_bytes_max + config.uri_bytes_max).unwrap_or(u32::MAX),
        );
    builder
}

/// How many connections are open; what is asked for the bound is asked again whenever one closes.
#[derive(Default)]
struct Places(watch::Sender<usize>);

impl Places {
    async fn take(self: Arc<Self>, max: impl Fn() -> usize) -> Place {
        let mut open = self.0.subscribe();
        // The sender is ours: waiting cannot fail.
        let _ = open.wait_for(|open| *open < max()).await.is_ok();
        drop(open);
        self.0.send_modify(|open| *open += 1);
        Place(self)
    }
}

/// One open connection.
struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.send_modify(|open| *open -= 1);
    }
}

/// How many connections each client address has open.
#[derive(Default)]
struct PerAddress {
    open: Mutex<HashMap<IpAddr, usize>>,
}

impl PerAddress {
    fn take(self: Arc<Self>, client: IpAddr, max: usize) -> Option<Seat> {
        let mut open = self.open();
        let count = open.entry(client).or_insert(0);
        if *count >= max {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Seat { of: self, client })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection of an address.
struct Seat {
    of: Arc<PerAddress>,
    client: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.of.open();
        if let Some(count) = open.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_its_share_and_gives_it_back() {
        let per_address = Arc::<PerAddress>::default();
        let client = IpAddr::from([127, 0, 0, 1]);
        let first = per_address.clone().take(client, 2).unwrap();
        let _second = per_address.clone().take(client, 2).unwrap();
        assert!(per_address.clone().take(client, 2).is_none());
        assert!(per_address.clone().take(IpAddr::from([127, 0, 0, 2]), 2).is_some());
        drop(first);
        assert!(per_address.take(client, 2).is_some());
    }
}
