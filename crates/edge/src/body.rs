//! Bodies: whole ones from memory, streams between client and origin with a size and a patience limit, those that are
//! read while they are filled, and those that are put together from slices.

use crate::limits::Held;
use crate::origin::growing::Follower;
use crate::origin::line::quietly;
use crate::origin::pieces::Pieces;
use crate::origin::pool::Place;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, timeout_at};

/// What the edge sends, to either side.
pub(crate) enum Body {
    Whole(Option<Bytes>),
    Stream(Box<Relay>),
    Follow(Follower),
    Pieces(Box<Pieces>),
    /// Another one, of a request that counts as under way until it has passed.
    Held(Box<(Self, Vec<Held>)>),
}

impl Body {
    pub(crate) const EMPTY: Self = Self::Whole(None);

    pub(crate) fn holding(self, held: Vec<Held>) -> Self {
        Self::Held(Box::new((self, held)))
    }

    /// How it goes on, of one that comes from somebody else.
    pub(crate) fn pace(&mut self) -> Option<Pace> {
        let Self::Stream(relay) = self else { return None };
        Some(relay.paced.get_or_insert_with(Paced::new).0.clone())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole((!bytes.is_empty()).then_some(bytes))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(relay) => {
                relay.poll_data(context).map(|data| data.map(|data| data.map(Frame::data)))
            }
            Self::Follow(follower) => {
                follower.poll_data(context).map(|data| data.map(|data| data.map(Frame::data)))
            }
            Self::Pieces(pieces) => {
                pieces.poll_data(context).map(|data| data.map(|data| data.map(Frame::data)))
            }
            Self::Held(held) => Pin::new(&mut held.0).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Stream(relay) => relay.is_end(),
            Self::Follow(follower) => follower.is_end(),
            Self::Pieces(pieces) => pieces.left() == 0,
            Self::Held(held) => held.0.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(relay) => relay.size_hint(),
            Self::Pieces(pieces) => SizeHint::with_exact(pieces.left()),
            Self::Held(held) => held.0.size_hint(),
            Self::Follow(follower) => follower.left().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// A body on its way through. It ends cleanly only where its source did; trailers are dropped.
pub(crate) struct Relay {
    /// Read already, while it was hoped to be short.
    prefix: VecDeque<Bytes>,
    source: Incoming,
    bytes_left: u64,
    idle_max: Duration,
    idle: Option<Pin<Box<Sleep>>>,
    fault: Fault,
    /// The place at the origin that is taken until the body has passed, and what brings it.
    place: Option<Place>,
    paced: Option<Paced>,
}

impl Relay {
    pub(crate) fn new(source: Incoming, bytes_max: u64, idle_max: Duration) -> Self {
        let (prefix, fault) = (VecDeque::new(), Fault::default());
        Self { prefix, source, bytes_left: bytes_max, idle_max, idle: None, fault, place: None, paced: None }
    }

    pub(crate) fn holding(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// One piece where all of it has come already, as with most short answers.
    pub(crate) fn into_body(mut self) -> Body {
        let length = self.source.size_hint().exact();
        if self.prefix.is_empty() && length.is_some() {
            match quietly(|context| Pin::new(&mut self.source).poll_frame(context)) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        if length == Some(data.len() as u64) {
                            return data.into();
                        }
                        self.prefix.push_back(data);
                    }
                }
                // Told to whoever reads the body.
                Poll::Ready(Some(Err(_))) => self.fault.0.store(Fault::BROKEN, Ordering::Release),
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        Body::Stream(Box::new(self))
    }

    pub(crate) fn fault(&self) -> Fault {
        self.fault.clone()
    }

    /// Reads the whole body if it has at most `bytes_max` bytes and comes in `patience`; otherwise gives back a stream
    /// of all of it.
    pub(crate) async fn collect(
        mut self,
        bytes_max: usize,
        patience: Option<Duration>,
    ) -> Result<Collected, io::Error> {
        if self.size_hint().lower() > bytes_max as u64 {
            return Ok(Collected::Long(self));
        }
        let deadline = patience.map(|patience| Instant::now() + patience);
        let mut bytes = self.prefix.iter().map(Bytes::len).sum::<usize>();
        loop {
            let more = std::future::poll_fn(|context| self.poll_source(context));
            let more = match deadline {
                None => more.await,
                Some(deadline) => match timeout_at(deadline, more).await {
                    Ok(more) => more,
                    Err(_) => return Ok(Collected::Slow(self)),
                },
            };
            let Some(data) = more.transpose()? else {
                return Ok(Collected::Whole(joined(self.prefix, bytes)));
            };
            bytes += data.len();
            self.prefix.push_back(data);
            if bytes > bytes_max {
                return Ok(Collected::Long(self));
            }
        }
    }

    /// The next piece.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        std::future::poll_fn(|context| self.poll_data(context)).await
    }

    /// What was read already.
    pub(crate) fn taken(&mut self) -> VecDeque<Bytes> {
        std::mem::take(&mut self.prefix)
    }

    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        let data = match self.prefix.pop_front() {
            Some(bytes) => Poll::Ready(Some(Ok(bytes))),
            None if self.fault.any() => Poll::Ready(Some(Err(io::ErrorKind::InvalidData.into()))),
            None => self.poll_source(context),
        };
        if let Some(paced) = &self.paced {
            paced.note(if data.is_pending() { self.idle_max } else { Duration::ZERO });
        }
        data
    }

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        loop {
            // What a place brings is there once it was driven, and not otherwise.
            let driven = self.place.as_mut().is_some_and(|place| place.drive(context));
            let source = &mut self.source;
            let frame = match driven {
                true => quietly(|context| Pin::new(&mut *source).poll_frame(context)),
                false => Pin::new(source).poll_frame(context),
            };
            let Poll::Ready(frame) = frame else {
                return self.poll_idle(context);
            };
            self.idle = None;
            let Some(frame) = frame else { return Poll::Ready(None) };
            let Ok(frame) = frame else { return self.fail(Fault::BROKEN, io::ErrorKind::InvalidData) };
            let Ok(data) = frame.into_data() else { continue };
            let Some(left) = self.bytes_left.checked_sub(data.len() as u64) else {
                return self.fail(Fault::TOO_LONG, io::ErrorKind::FileTooLarge);
            };
            self.bytes_left = left;
            return Poll::Ready(Some(Ok(data)));
        }
    }

    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        let idle_max = self.idle_max;
        let idle =
            self.idle.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + idle_max)));
        ready!(idle.as_mut().poll(context));
        self.fail(Fault::IDLE, io::ErrorKind::TimedOut)
    }

    fn fail(&self, fault: u8, kind: io::ErrorKind) -> Poll<Option<Result<Bytes, io::Error>>> {
        self.fault.0.store(fault, Ordering::Release);
        Poll::Ready(Some(Err(kind.into())))
    }

    pub(crate) fn is_end(&self) -> bool {
        self.prefix.is_empty() && self.source.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        let read: u64 = self.prefix.iter().map(|bytes| bytes.len() as u64).sum();
        let source = self.source.size_hint();
        match source.exact() {
            Some(left) => SizeHint::with_exact(left + read),
            None => {
                let mut hint = SizeHint::default();
                hint.set_lower(source.lower() + read);
                hint
            }
        }
    }
}

/// The end of [`Relay::collect`].
pub(crate) enum Collected {
    Whole(Bytes),
    Long(Relay),
    /// Not all of it came in time.
    Slow(Relay),
}

/// Why a body broke off, for whoever sees only that its exchange failed.
#[derive(Clone, Default)]
pub(crate) struct Fault(Arc<AtomicU8>);

impl Fault {
    const BROKEN: u8 = 1;
    const TOO_LONG: u8 = 2;
    const IDLE: u8 = 3;

    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Acquire) != 0
    }

    pub(crate) fn is_too_long(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::TOO_LONG
    }
}

/// Who keeps a body waiting that passes: whoever takes it, or whoever sends it.
#[derive(Clone)]
pub(crate) struct Pace(Arc<Mutex<Turn>>);

struct Turn {
    since: Instant,
    /// How long the sender may take; zero where it is not waited for.
    patience: Duration,
}

impl Pace {
    /// Since when whoever takes the body is waited for; now where it is the sender, who may still take its time.
    pub(crate) fn taken(&self) -> Instant {
        let turn = self.turn();
        Instant::now().min(turn.since + turn.patience)
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body's end of a [`Pace`]: once it is gone, nobody waits for the sender any more.
struct Paced(Pace);

impl Paced {
    fn new() -> Self {
        Self(Pace(Arc::new(Mutex::new(Turn { since: Instant::now(), patience: Duration::ZERO }))))
    }

    fn note(&self, patience: Duration) {
        let mut turn = self.0.turn();
        // A pause does not begin anew because somebody looked again.
        if patience.is_zero() || turn.patience.is_zero() {
            *turn = Turn { since: Instant::now(), patience };
        }
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.note(Duration::ZERO);
    }
}

fn joined(mut parts: VecDeque<Bytes>, bytes: usize) -> Bytes {
    if parts.len() <= 1 {
        // A copy of the exact size: the slice would keep the whole read buffer alive.
        return parts.pop_front().map_or_else(Bytes::new, |part| Bytes::copy_from_slice(&part));
    }
    let mut whole = Vec::with_capacity(bytes);
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    whole.into()
}
