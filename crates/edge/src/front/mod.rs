//! Connections: accepted within limits, served with time-outs, and let go without losing a request.

pub(crate) mod exchange;
mod guard;
mod parts;
mod passing;
pub(crate) mod peers;
mod purging;
mod reads;
pub(crate) mod respond;
mod route;
pub(crate) mod strict;
pub(crate) mod tls;

use crate::Inner;
use crate::body::Body;
use crate::config::{HEAD_BUFFER_BYTES, ms};
use crate::front::exchange::{Step, begin};
use crate::front::guard::Guard;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use peers::Peer;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections that the system completes before we accept them.
const BACKLOG: u32 = 1_024;

pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `shutdown`, then drains.
pub(crate) async fn serve(listener: TcpListener, inner: Arc<Inner>, shutdown: CancellationToken) {
    let front = Front::new(inner);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            () = front.accept(&listener) => {}
        }
    }
    front.drain(listener).await;
}

struct Front {
    inner: Arc<Inner>,
    builder: Arc<Builder<TokioExecutor>>,
    graceful: GracefulShutdown,
    tasks: TaskTracker,
    /// Ends connections that outlast the drain.
    abort: CancellationToken,
    places: Arc<Semaphore>,
    per_address: Arc<PerAddress>,
}

impl Front {
    fn new(inner: Arc<Inner>) -> Self {
        let per_address =
            PerAddress { max: inner.config.connections_per_address_max, open: Mutex::default() };
        Self {
            builder: Arc::new(builder(&inner)),
            graceful: GracefulShutdown::new(),
            tasks: TaskTracker::new(),
            abort: CancellationToken::new(),
            places: Arc::new(Semaphore::new(inner.config.connections_max)),
            per_address: Arc::new(per_address),
            inner,
        }
    }

    async fn accept(&self, listener: &TcpListener) {
        /// Out of file descriptors: asking again at once would only burn the processor.
        const PAUSE: Duration = Duration::from_millis(50);
        let Ok(place) = self.places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => self.admit(stream, peer.ip(), place),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "Could not accept a connection");
                sleep(PAUSE).await;
            }
        }
    }

    fn admit(&self, stream: TcpStream, client: IpAddr, place: OwnedSemaphorePermit) {
        let client = client.to_canonical();
        let Some(seat) = self.per_address.clone().take(client) else { return };
        // Without it an answer in two parts waits for an acknowledgement; where it fails the connection is dead.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let connection = Connection {
            inner: self.inner.clone(),
            builder: self.builder.clone(),
            watcher: self.graceful.watcher(),
        };
        let (abort, connections) = (self.abort.clone(), self.inner.telemetry.connections.clone());
        connections.inc();
        self.tasks.spawn(async move {
            tokio::select! {
                () = connection.serve(stream, client) => {}
                () = abort.cancelled() => {}
            }
            connections.dec();
            drop((seat, place));
        });
    }

    async fn drain(self, listener: TcpListener) {
        /// Time for connections that the system has completed already to show up.
        const LAST_CALL: Duration = Duration::from_millis(10);
        self.inner.draining.store(true, Ordering::Relaxed);
        while timeout(LAST_CALL, self.accept(&listener)).await.is_ok() {}
        drop(listener);
        self.tasks.close();
        // Busy HTTP/1 clients learn it from their next answer; closing under an idle one may lose its request.
        let notice = ms(self.inner.config.drain_notice_ms);
        if timeout(notice, self.tasks.wait()).await.is_ok() {
            return;
        }
        let (graceful, patience) = (self.graceful, ms(self.inner.config.drain_ms_max));
        if timeout(patience, graceful.shutdown()).await.is_err() {
            tracing::warn!(connections = self.tasks.len(), "Closing connections that outlast the drain");
        }
        self.abort.cancel();
        self.tasks.wait().await;
    }
}

/// One connection from its first byte to its last.
struct Connection {
    inner: Arc<Inner>,
    builder: Arc<Builder<TokioExecutor>>,
    watcher: Watcher,
}

impl Connection {
    async fn serve(self, mut stream: TcpStream, peer: IpAddr) {
        let config = &self.inner.config;
        let patience = ms(config.header_read_timeout_ms);
        let mut address = peer;
        if peers::is_listed(peer, &config.proxy_protocol) {
            match timeout(patience, peers::proxied(&mut stream)).await {
                Ok(Ok(named)) => address = named.unwrap_or(peer),
                Ok(Err(error)) => return tracing::debug!(%error, %peer, "A PROXY head was refused"),
                Err(_) => return,
            }
        }
        let Some(tls) = &self.inner.tls else {
            return self.speak(stream, Peer { address, secure: false }).await;
        };
        match timeout(patience, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => {
                let stream = Box::new(stream);
                self.speak(stream, Peer { address, secure: true }).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, %peer, "A TLS handshake failed"),
            Err(_) => {}
        }
    }

    async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, peer: Peer) {
        let config = &self.inner.config;
        let guarded = Guard::new(stream, ms(config.header_read_timeout_ms), ms(config.body_idle_ms_max));
        let inner = self.inner.clone();
        let service = service_fn(move |request| answer(inner.clone(), peer, request));
        let connection = self.builder.serve_connection(TokioIo::new(guarded), service).into_owned();
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(error, "A connection failed");
        }
    }
}

async fn answer(
    inner: Arc<Inner>,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    match begin(&inner, peer, request) {
        Step::Done(response) => Ok(response),
        Step::Wait(wait) => Ok(wait.await),
    }
}

fn builder(inner: &Inner) -> Builder<TokioExecutor> {
    const PING: Duration = Duration::from_secs(20);
    const WINDOW_BYTES: u32 = 1024 * 1024;
    /// hyper's own bound; another one would cost it an allocation for each request.
    const HYPER_HEADERS_MAX: usize = 100;
    let config = &inner.config;
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(ms(config.header_read_timeout_ms))
        .max_buf_size(HEAD_BUFFER_BYTES);
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

/// How many connections each client address has open.
struct PerAddress {
    max: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

impl PerAddress {
    fn take(self: Arc<Self>, client: IpAddr) -> Option<Seat> {
        let mut open = self.open();
        let count = open.entry(client).or_insert(0);
        if *count >= self.max {
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
        let per_address = Arc::new(PerAddress { max: 2, open: Mutex::default() });
        let client = IpAddr::from([127, 0, 0, 1]);
        let first = per_address.clone().take(client).unwrap();
        let _second = per_address.clone().take(client).unwrap();
        assert!(per_address.clone().take(client).is_none());
        assert!(per_address.clone().take(IpAddr::from([127, 0, 0, 2])).is_some());
        drop(first);
        assert!(per_address.take(client).is_some());
    }
}
