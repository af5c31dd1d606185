//! Connections to one origin that wait for their next request, and how many there may be in all.
//!
//! Each thread that serves has a list of its own, the last used first: connections stay on the thread that drives
//! them, and those that are not needed grow old at the end.

use super::line::{Broken, Line, State};
use super::upstream::Failure;
use crate::body::Body;
use crate::config::{Config, ms};
use crate::front::workers;
use http::{Request, Response};
use hyper::body::Incoming;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

pub(crate) struct Pool {
    /// `host:port`
    address: Box<str>,
    lists: Box<[Mutex<Vec<Idle>>]>,
    /// Requests under way.
    taken: AtomicUsize,
    taken_max: usize,
    idle_max: usize,
    idle_for_max: Duration,
    age_max: Duration,
    connect_max: Duration,
}

struct Idle {
    line: Box<Line>,
    since: Instant,
}

/// The right to one request at an origin, and the connection while its answer comes.
pub(crate) struct Place {
    pool: Arc<Pool>,
    line: Option<Box<Line>>,
}

impl Pool {
    pub(super) fn new(address: &str, config: &Config) -> Self {
        let threads = config.workers.max(1);
        Self {
            address: address.into(),
            lists: (0..threads).map(|_| Mutex::default()).collect(),
            taken: AtomicUsize::new(0),
            taken_max: config.origin_requests_max,
            idle_max: config.origin_idle_max.div_ceil(threads),
            idle_for_max: ms(config.origin_idle_ms_max),
            age_max: ms(config.origin_age_ms_max),
            connect_max: ms(config.connect_timeout_ms),
        }
    }

    /// `None` where the origin has all the requests that it may have.
    pub(super) fn place(self: &Arc<Self>) -> Option<Place> {
        let place = Place { pool: self.clone(), line: None };
        // Counted with the place, so that dropping it gives back what is refused here as well.
        (self.taken.fetch_add(1, Ordering::Relaxed) < self.taken_max).then_some(place)
    }

    /// Closes what has been idle for too long, is too old, or was closed by the origin.
    pub(super) fn sweep(&self, now: Instant) {
        for list in &self.lists {
            locked(list).retain_mut(|idle| self.is_young(idle, now) && idle.line.is_free());
        }
    }

    fn take(&self) -> Option<Box<Line>> {
        let now = Instant::now();
        let mut list = self.list();
        while let Some(mut idle) = list.pop() {
            if self.is_young(&idle, now) && idle.line.is_free() {
                return Some(idle.line);
            }
        }
        None
    }

    fn put(&self, line: Box<Line>) {
        let mut list = self.list();
        if list.len() < self.idle_max {
            list.push(Idle { line, since: Instant::now() });
        }
    }

    fn is_young(&self, idle: &Idle, now: Instant) -> bool {
        now.duration_since(idle.since) < self.idle_for_max
            && now.duration_since(idle.line.born()) < self.age_max
    }

    fn list(&self) -> MutexGuard<'_, Vec<Idle>> {
        locked(&self.lists[workers::number() % self.lists.len()])
    }

    async fn connect(&self) -> Result<Box<Line>, Failure> {
        let connecting = async {
            let stream = TcpStream::connect(&*self.address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            Line::open(stream).await.ok()
        };
        timeout(self.connect_max, connecting).await.ok().flatten().ok_or(Failure::Connect)
    }
}

fn locked(list: &Mutex<Vec<Idle>>) -> MutexGuard<'_, Vec<Idle>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    /// Sends a request over a connection that is kept, or over a new one.
    pub(super) async fn send(&mut self, mut request: Request<Body>) -> Result<Response<Incoming>, Failure> {
        loop {
            let (line, kept) = match self.pool.take() {
                Some(line) => (line, true),
                None => (self.pool.connect().await?, false),
            };
            match line.exchange(request).await {
                Ok((response, line)) => {
                    match line {
                        Some((line, State::Free)) => self.pool.put(line),
                        Some((line, _)) => self.line = Some(line),
                        None => {}
                    }
                    return Ok(response);
                }
                // It was closed before anything was sent: whatever the method, the next is as good.
                Err(Broken::Unsent(unsent)) if kept => request = *unsent,
                Err(_) => return Err(Failure::Reset),
            }
        }
    }

    /// Brings the body of the answer on its way.
    pub(crate) fn drive(&mut self, context: &mut Context<'_>) {
        let Some(line) = &mut self.line else { return };
        match line.drive(context) {
            State::Busy => {}
            State::Free => {
                if let Some(line) = self.line.take() {
                    self.pool.put(line);
                }
            }
            State::Closed => self.line = None,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
