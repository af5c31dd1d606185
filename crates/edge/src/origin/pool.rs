//! Connections to one origin that wait for their next request, and how many there may be in all.
//!
//! Each thread that serves has a list of its own, the last used first: connections stay on the thread that drives
//! them, and those that are not needed grow old at the end. Who finds the origin full waits, for a bounded time.

use super::dial::{Dialed, Dialer};
use super::line::{Broken, Line, State};
use super::rooms::{Room, Rooms};
use super::trunk::{Seat, Trunk};
use super::upstream::Failure;
use crate::body::Body;
use crate::config::{Config, ms};
use crate::front::workers;
use http::{Request, Response};
use hyper::body::Incoming;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::Duration;
use tokio::sync::{self, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) struct Pool {
    dialer: Dialer,
    lists: Box<[Mutex<Kept>]>,
    /// Places for requests under way.
    places: Semaphore,
    rooms: Arc<Rooms>,
    /// Whether a new connection may serve more than who opened it: TLS, and not known to speak HTTP/1.
    shares: AtomicBool,
    /// Who opens such a connection, while others wait for it.
    turn: sync::Mutex<()>,
    streams_max: usize,
    idle_max: usize,
    idle_for_max: Duration,
    age_max: Duration,
    wait_max: Duration,
}

/// The connections of one thread.
#[derive(Default)]
struct Kept {
    lines: Vec<Idle>,
    trunks: Vec<Arc<Trunk>>,
}

struct Idle {
    line: Box<Line>,
    since: Instant,
}

/// A connection that takes a request now.
enum Way {
    Line(Box<Line>),
    Seat(Seat),
}

/// The right to one request at an origin, and the connection while its answer comes.
pub(crate) struct Place {
    pool: Arc<Pool>,
    way: Option<Way>,
}

impl Pool {
    pub(super) fn new(dialer: Dialer, config: &Config) -> Self {
        let threads = config.workers.max(1);
        Self {
            lists: (0..threads).map(|_| Mutex::default()).collect(),
            places: Semaphore::new(config.origin_requests_max.min(Semaphore::MAX_PERMITS)),
            rooms: Arc::new(Rooms::new(config.origin_connections_max)),
            shares: AtomicBool::new(dialer.is_tls() && config.origin_http2),
            turn: sync::Mutex::new(()),
            streams_max: config.origin_streams_max,
            idle_max: config.origin_idle_max.div_ceil(threads),
            idle_for_max: ms(config.origin_idle_ms_max),
            age_max: ms(config.origin_age_ms_max),
            wait_max: ms(config.origin_wait_ms_max),
            dialer,
        }
    }

    /// Waits for a while where the origin has all the requests that it may have.
    pub(super) async fn place(self: &Arc<Self>) -> Result<Place, Failure> {
        let permit = match self.places.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                let waited = timeout(self.wait_max, self.places.acquire()).await;
                waited.ok().and_then(Result::ok).ok_or(Failure::Busy)?
            }
        };
        // Given back by the place.
        permit.forget();
        Ok(Place { pool: self.clone(), way: None })
    }

    /// Closes what has been idle for too long, is too old, or was closed by the origin.
    pub(super) fn sweep(&self, now: Instant) {
        for list in &self.lists {
            let mut kept = locked(list);
            kept.lines.retain_mut(|idle| self.is_young(idle, now) && idle.line.is_free());
            kept.trunks.retain(|trunk| trunk.is_usable(now, self.age_max, self.idle_for_max));
        }
    }

    fn take(&self) -> Option<Way> {
        let now = Instant::now();
        let mut kept = self.kept();
        while let Some(mut idle) = kept.lines.pop() {
            if self.is_young(&idle, now) && idle.line.is_free() {
                return Some(Way::Line(idle.line));
            }
        }
        self.seat(&kept, now).map(Way::Seat)
    }

    fn put(&self, line: Box<Line>) {
        let mut kept = self.kept();
        if kept.lines.len() < self.idle_max {
            kept.lines.push(Idle { line, since: Instant::now() });
            drop(kept);
            self.rooms.tell();
        }
    }

    fn is_young(&self, idle: &Idle, now: Instant) -> bool {
        now.duration_since(idle.since) < self.idle_for_max
            && now.duration_since(idle.line.born()) < self.age_max
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        locked(&self.lists[workers::number() % self.lists.len()])
    }

    /// A connection where none is idle: a new one if there is room, or the first that is free; true for one that was
    /// in use before.
    async fn find(&self, patience: Duration) -> Result<(Way, bool), Failure> {
        let until = Instant::now() + self.wait_max;
        let turn = match self.shares.load(Ordering::Relaxed) {
            // What the one before opens may be for all: two handshakes at the longest.
            true => {
                Some(timeout_at(until + patience * 2, self.turn.lock()).await.map_err(|_| Failure::Connect)?)
            }
            false => None,
        };
        let _turn = turn.filter(|_| self.shares.load(Ordering::Relaxed));
        loop {
            let waiting = self.rooms.wait();
            let mut freed = pin!(waiting.freed());
            freed.as_mut().enable();
            if let Some(way) = self.take() {
                return Ok((way, true));
            }
            if let Some(room) = self.rooms.take() {
                return Ok((self.open(room, patience).await?, false));
            }
            if let Some(seat) = self.seat_of_another() {
                return Ok((Way::Seat(seat), true));
            }
            if let Some(room) = self.room_of_another() {
                return Ok((self.open(room, patience).await?, false));
            }
            timeout_at(until, freed).await.map_err(|_| Failure::Busy)?;
        }
    }

    /// A stream of a connection that another thread opened.
    fn seat_of_another(&self) -> Option<Seat> {
        let now = Instant::now();
        self.lists.iter().find_map(|list| self.seat(&locked(list), now))
    }

    fn seat(&self, kept: &Kept, now: Instant) -> Option<Seat> {
        let usable = |trunk: &&Arc<Trunk>| trunk.is_usable(now, self.age_max, self.idle_for_max);
        kept.trunks.iter().filter(usable).find_map(Trunk::seat)
    }

    /// Closes one connection that nobody uses, on whatever thread, for its room. One of HTTP/2 gives it back a little
    /// later: whoever waits is told.
    fn room_of_another(&self) -> Option<Room> {
        let now = Instant::now();
        let closed = self.lists.iter().any(|list| self.close_one(&mut locked(list), now));
        closed.then(|| self.rooms.take()).flatten()
    }

    fn close_one(&self, kept: &mut Kept, now: Instant) -> bool {
        if !kept.lines.is_empty() {
            drop(kept.lines.remove(0));
            return true;
        }
        // One that is usable has a stream for whoever asks.
        let useless =
            |trunk: &Arc<Trunk>| trunk.is_free() && !trunk.is_usable(now, self.age_max, self.idle_for_max);
        let found = kept.trunks.iter().position(useless);
        found.map(|index| drop(kept.trunks.remove(index))).is_some()
    }

    async fn open(&self, room: Room, patience: Duration) -> Result<Way, Failure> {
        match self.dialer.dial(patience).await? {
            Dialed::Http1(wire) => {
                self.shares.store(false, Ordering::Relaxed);
                Line::open(wire, room).await.map(Way::Line).map_err(|_| Failure::Connect)
            }
            Dialed::Http2(wire) => {
                self.shares.store(true, Ordering::Relaxed);
                let trunk = Trunk::open(wire, room, self.streams_max, &self.rooms).await;
                let trunk = trunk.map_err(|_| Failure::Connect)?;
                let seat = trunk.seat().ok_or(Failure::Busy)?;
                self.kept().trunks.push(trunk);
                Ok(Way::Seat(seat))
            }
        }
    }
}

fn locked(list: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    /// Sends a request over a connection that is kept, or over a new one.
    pub(super) async fn send(
        &mut self,
        mut request: Request<Body>,
        patience: Duration,
    ) -> Result<Response<Incoming>, Failure> {
        loop {
            let (way, kept) = match self.pool.take() {
                Some(way) => (way, true),
                // In a box: it is rare, and a handshake's state is long.
                None => Box::pin(self.pool.find(patience)).await?,
            };
            match self.exchange(way, request).await {
                Ok(response) => return Ok(response),
                // It was closed before anything was sent: whatever the method, the next is as good.
                Err(Broken::Unsent(unsent)) if kept => request = *unsent,
                Err(_) => return Err(Failure::Reset),
            }
        }
    }

    async fn exchange(&mut self, way: Way, request: Request<Body>) -> Result<Response<Incoming>, Broken> {
        match way {
            Way::Line(line) => {
                let (response, line) = line.exchange(request).await?;
                match line {
                    Some((line, State::Free)) => self.pool.put(line),
                    Some((line, _)) => self.way = Some(Way::Line(line)),
                    None => {}
                }
                Ok(response)
            }
            Way::Seat(seat) => {
                let (response, seat) = seat.exchange(request).await?;
                self.way = Some(Way::Seat(seat));
                Ok(response)
            }
        }
    }

    /// Brings the body of the answer on its way; false where it comes by itself, or has come.
    pub(crate) fn drive(&mut self, context: &mut Context<'_>) -> bool {
        let Some(Way::Line(line)) = &mut self.way else { return false };
        match line.drive(context) {
            State::Busy => {}
            State::Free => {
                if let Some(Way::Line(line)) = self.way.take() {
                    self.pool.put(line);
                }
            }
            State::Closed => self.way = None,
        }
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.places.add_permits(1);
    }
}
