//! One HTTP/2 connection to an origin, which carries many requests at a time.
//!
//! Unlike a [`super::line`] it has a task of its own, on the thread that opened it: its frames are for many.

use super::line::{BUFFER_BYTES_MAX, Broken};
use super::rooms::{Room, Rooms};
use super::wire::Wire;
use crate::body::Body;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

pub(super) struct Trunk {
    sender: SendRequest<Body>,
    streams: AtomicUsize,
    streams_max: usize,
    born: Instant,
    /// When its last stream ended, in milliseconds since it was born.
    used_ms: AtomicU64,
    rooms: Arc<Rooms>,
}

/// The right to one stream.
pub(super) struct Seat(Arc<Trunk>);

impl Trunk {
    pub(super) async fn open(
        wire: Wire,
        room: Room,
        streams_max: usize,
        rooms: &Arc<Rooms>,
    ) -> hyper::Result<Arc<Self>> {
        /// One whose pings are not answered is dead, whatever TCP says.
        const PING: Duration = Duration::from_secs(10);
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(window_bytes(streams_max))
            .max_header_list_size(u32::try_from(BUFFER_BYTES_MAX).unwrap_or(u32::MAX))
            .handshake(TokioIo::new(wire))
            .await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "A connection to an origin ended");
            }
            drop(room);
        });
        let (streams, born, used_ms) = (AtomicUsize::new(0), Instant::now(), AtomicU64::new(0));
        Ok(Arc::new(Self { sender, streams, streams_max, born, used_ms, rooms: rooms.clone() }))
    }

    /// `None` where it has all that it may have.
    pub(super) fn seat(self: &Arc<Self>) -> Option<Seat> {
        let free = |streams| (streams < self.streams_max).then_some(streams + 1);
        let taken = self.streams.fetch_update(Ordering::SeqCst, Ordering::SeqCst, free);
        taken.is_ok().then(|| Seat(self.clone()))
    }

    /// Whether another request may be sent. The origin may say so no more at this moment.
    pub(super) fn is_usable(&self, now: Instant, age_max: Duration, idle_max: Duration) -> bool {
        let idle = now.saturating_duration_since(self.born + self.used());
        let rested = self.is_free() && idle >= idle_max;
        !rested && !self.sender.is_closed() && now.saturating_duration_since(self.born) < age_max
    }

    /// Whether nothing is under way on it.
    pub(super) fn is_free(&self) -> bool {
        self.streams.load(Ordering::SeqCst) == 0
    }

    fn used(&self) -> Duration {
        Duration::from_millis(self.used_ms.load(Ordering::Relaxed))
    }
}

impl Seat {
    /// Sends a request and waits for the head of its answer. The seat is to be kept until the body has come.
    pub(super) async fn exchange(
        self,
        mut request: Request<Body>,
    ) -> Result<(Response<Incoming>, Self), Broken> {
        if address(&mut request).is_none() {
            return Err(Broken::Sent);
        }
        let mut sender = self.0.sender.clone();
        match sender.try_send_request(request).await {
            Ok(response) => Ok((response, self)),
            Err(mut error) => Err(error.take_message().map_or(Broken::Sent, |mut unsent| {
                unaddress(&mut unsent);
                Broken::Unsent(Box::new(unsent))
            })),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let trunk = &self.0;
        let used_ms = u64::try_from(trunk.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        trunk.used_ms.store(used_ms, Ordering::Relaxed);
        // In one order with the count of those that wait: either they see the stream free, or they are told.
        trunk.streams.fetch_sub(1, Ordering::SeqCst);
        trunk.rooms.tell();
    }
}

/// What of one answer may lie here unread.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;

/// What of all answers may lie here unread: as much as all streams may have, so that clients which take nothing use up
/// their own share and nobody else's.
fn window_bytes(streams_max: usize) -> u32 {
    /// More cannot be said in HTTP/2.
    const MAX: u32 = i32::MAX.unsigned_abs();
    let streams = u32::try_from(streams_max).unwrap_or(MAX);
    STREAM_WINDOW_BYTES.saturating_mul(streams).min(MAX)
}

/// HTTP/2 has the host in the target.
fn address(request: &mut Request<Body>) -> Option<()> {
    let host = request.headers_mut().remove(HOST)?;
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTPS);
    parts.authority = Some(Authority::try_from(host.as_bytes()).ok()?);
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    Some(())
}

/// As HTTP/1 wants it: the next connection may be another kind.
fn unaddress(request: &mut Request<Body>) {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = None;
    if let Some(authority) = parts.authority.take()
        && let Ok(host) = HeaderValue::try_from(authority.as_str())
    {
        request.headers_mut().insert(HOST, host);
    }
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_streams_have_their_share_of_the_window() {
        assert_eq!(window_bytes(1), STREAM_WINDOW_BYTES);
        assert_eq!(window_bytes(100), 100 * STREAM_WINDOW_BYTES);
        assert_eq!(window_bytes(usize::MAX), 0x7fff_ffff);
    }

    #[test]
    fn a_request_changes_its_spelling_and_back() {
        let mut request = Request::get("/a?b=1").header("host", "h.test:8443").body(Body::EMPTY).unwrap();
        address(&mut request).unwrap();
        assert_eq!(request.uri(), "https://h.test:8443/a?b=1");
        assert!(!request.headers().contains_key(HOST));
        unaddress(&mut request);
        assert_eq!(request.uri(), "/a?b=1");
        assert_eq!(request.headers()[HOST], "h.test:8443");
    }
}
