//! A body on its way from the origin that is kept and read at the same time: by whoever asked first, and by everyone
//! who asks the same before it has ended.
//!
//! It ends for its readers as it ended for us: one that broke off ends with an error, never cleanly. Where it turns
//! out longer than what may be kept, it is let go from the front as its readers take it, at the pace of the slowest.

use crate::store::object::Object;
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::{Notify, watch};

pub(crate) struct Growing {
    /// Head and meaning of the object to be, without its body.
    pub(crate) shell: Arc<Object>,
    /// The whole length, where the origin said it.
    length: Option<u64>,
    kept_bytes_max: usize,
    state: Mutex<State>,
    /// A reader took something, or left.
    taken: Notify,
    outcome: watch::Sender<Option<Outcome>>,
}

/// What those who need all of it can have.
#[derive(Clone)]
enum Outcome {
    Object(Arc<Object>),
    TooLong,
    Broken,
}

/// The same, for one of them.
pub(crate) enum Whole {
    Object(Arc<Object>),
    /// It will never be held whole; it can be read as it comes.
    Passing(Follower),
    Broken,
}

#[derive(Default)]
struct State {
    parts: VecDeque<Bytes>,
    /// Parts that were let go, so that the first of `parts` has this number.
    gone: usize,
    bytes: usize,
    /// The next part of each reader, and who is to be woken for it.
    readers: Vec<Option<(usize, Option<Waker>)>>,
    end: Option<Result<(), io::ErrorKind>>,
    /// Too long to keep: nobody can begin any more.
    passing: bool,
}

/// What came of adding a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    Kept,
    /// From now on it is longer than what may be kept.
    TooLong,
    /// It has been so for a while.
    Passing,
}

impl Growing {
    /// With what has arrived already.
    pub(crate) fn new(
        shell: Arc<Object>,
        length: Option<u64>,
        kept_bytes_max: usize,
        prefix: impl IntoIterator<Item = Bytes>,
    ) -> Arc<Self> {
        let parts: VecDeque<Bytes> = prefix.into_iter().collect();
        let bytes = parts.iter().map(Bytes::len).sum();
        let state = Mutex::new(State { parts, bytes, ..State::default() });
        let outcome = watch::Sender::new(None);
        Arc::new(Self { shell, length, kept_bytes_max, state, taken: Notify::new(), outcome })
    }

    /// A reader from the first byte on; `None` where that is gone.
    pub(crate) fn follow(self: &Arc<Self>) -> Option<Follower> {
        let mut state = self.state();
        if state.passing {
            return None;
        }
        let reader = Some((0, None));
        let number = match state.readers.iter().position(Option::is_none) {
            Some(free) => {
                state.readers[free] = reader;
                free
            }
            None => {
                state.readers.push(reader);
                state.readers.len() - 1
            }
        };
        drop(state);
        Some(Follower { growing: self.clone(), number, read: 0 })
    }

    pub(crate) fn add(&self, part: Bytes) -> Added {
        let mut state = self.state();
        state.bytes += part.len();
        state.parts.push_back(part);
        let before = state.passing;
        state.passing |= state.bytes > self.kept_bytes_max;
        if state.passing {
            state.let_go();
        }
        let added = match (before, state.passing) {
            (_, false) => Added::Kept,
            (false, true) => Added::TooLong,
            (true, true) => Added::Passing,
        };
        state.wake();
        drop(state);
        if added == Added::TooLong {
            self.outcome.send_replace(Some(Outcome::TooLong));
        }
        added
    }

    /// While it is too long to keep: waits until its readers have taken most of it. False where there are none left.
    pub(crate) async fn ready(&self) -> bool {
        loop {
            let taken = self.taken.notified();
            {
                let state = self.state();
                if !state.passing {
                    return true;
                }
                if state.readers.iter().all(Option::is_none) {
                    return false;
                }
                if state.bytes <= self.kept_bytes_max {
                    return true;
                }
            }
            taken.await;
        }
    }

    /// Everything that came, where nothing was let go.
    pub(crate) fn kept(&self) -> Option<Bytes> {
        let state = self.state();
        if state.passing {
            return None;
        }
        let mut whole = Vec::with_capacity(state.bytes);
        state.parts.iter().for_each(|part| whole.extend_from_slice(part));
        Some(whole.into())
    }

    /// Tells the readers that there is no more, and those who wait for the whole what it is.
    pub(crate) fn end(&self, end: Result<(), io::ErrorKind>, object: Option<Arc<Object>>) {
        let mut state = self.state();
        state.end = Some(end);
        state.wake();
        drop(state);
        let outcome = object.map_or(Outcome::Broken, Outcome::Object);
        self.outcome.send_if_modified(|known| {
            let first = known.is_none();
            known.get_or_insert(outcome);
            first
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        for reader in self.readers.iter_mut().flatten() {
            if let Some(waker) = reader.1.take() {
                waker.wake();
            }
        }
    }

    /// Lets go what every reader has.
    fn let_go(&mut self) {
        let slowest = self.readers.iter().flatten().map(|(next, _)| *next).min();
        let end = slowest.unwrap_or(usize::MAX);
        while self.gone < end
            && let Some(part) = self.parts.pop_front()
        {
            self.gone += 1;
            self.bytes -= part.len();
        }
    }
}

/// One who reads while it grows.
pub(crate) struct Follower {
    growing: Arc<Growing>,
    number: usize,
    read: u64,
}

impl Follower {
    pub(crate) const fn growing(&self) -> &Arc<Growing> {
        &self.growing
    }

    /// Waits for all of it.
    pub(crate) async fn whole(self) -> Whole {
        let mut outcome = self.growing.outcome.subscribe();
        let known = outcome.wait_for(Option::is_some).await.map(|known| known.clone());
        match known {
            Ok(Some(Outcome::Object(object))) => Whole::Object(object),
            Ok(Some(Outcome::TooLong)) => Whole::Passing(self),
            // The sender lives as long as we do, and what was waited for is there.
            Ok(Some(Outcome::Broken) | None) | Err(_) => Whole::Broken,
        }
    }

    pub(crate) fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        let growing = self.growing.clone();
        let mut guard = growing.state();
        let state = &mut *guard;
        let Some(Some((next, waker))) = state.readers.get_mut(self.number) else {
            return Poll::Ready(Some(Err(io::ErrorKind::BrokenPipe.into())));
        };
        if let Some(part) = next.checked_sub(state.gone).and_then(|place| state.parts.get(place)) {
            let part = part.clone();
            *next += 1;
            if state.passing {
                state.let_go();
                growing.taken.notify_one();
            }
            self.read += part.len() as u64;
            return Poll::Ready(Some(Ok(part)));
        }
        match state.end {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(kind)) => Poll::Ready(Some(Err(kind.into()))),
            None => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(crate) fn is_end(&self) -> bool {
        let state = self.growing.state();
        let next = state.readers.get(self.number).and_then(Option::as_ref).map_or(0, |(next, _)| *next);
        state.end == Some(Ok(())) && next >= state.gone + state.parts.len()
    }

    /// What is still to come, where that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        self.growing.length.map(|length| length.saturating_sub(self.read))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut state = self.growing.state();
        if let Some(place) = state.readers.get_mut(self.number) {
            *place = None;
        }
        if state.passing {
            state.let_go();
        }
        drop(state);
        self.growing.taken.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Freshness, Variant};
    use crate::store::object::Made;
    use http::{HeaderMap, StatusCode};

    fn growing(kept_bytes_max: usize) -> Arc<Growing> {
        let shell = Object::new(Made {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            freshness: Freshness::NONE,
            received_us: 0,
            fill: 0,
            tags: [].into(),
            tagged: false,
            variant: Variant::default(),
            tag_words: "".into(),
            sliced: None,
        });
        Growing::new(Arc::new(shell), None, kept_bytes_max, [Bytes::from_static(b"ab")])
    }

    async fn next(follower: &mut Follower) -> Option<Result<Bytes, io::ErrorKind>> {
        let data = std::future::poll_fn(|context| follower.poll_data(context)).await;
        data.map(|data| data.map_err(|error| error.kind()))
    }

    #[tokio::test]
    async fn readers_get_everything_whenever_they_begin() {
        let growing = growing(100);
        let mut early = growing.follow().unwrap();
        assert_eq!(next(&mut early).await, Some(Ok(Bytes::from_static(b"ab"))));
        let waiting = tokio::spawn(async move { (next(&mut early).await, next(&mut early).await) });
        assert_eq!(growing.add(Bytes::from_static(b"cd")), Added::Kept);
        let mut late = growing.follow().unwrap();
        assert_eq!(growing.kept().unwrap(), "abcd");
        growing.end(Ok(()), None);
        assert_eq!(waiting.await.unwrap(), (Some(Ok(Bytes::from_static(b"cd"))), None));
        assert_eq!(next(&mut late).await, Some(Ok(Bytes::from_static(b"ab"))));
        assert!(!late.is_end());
        assert_eq!(next(&mut late).await, Some(Ok(Bytes::from_static(b"cd"))));
        assert!(late.is_end());
        assert_eq!(next(&mut late).await, None);
    }

    #[tokio::test]
    async fn one_that_broke_off_ends_with_an_error() {
        let growing = growing(100);
        let mut reader = growing.follow().unwrap();
        growing.end(Err(io::ErrorKind::InvalidData), None);
        assert_eq!(next(&mut reader).await, Some(Ok(Bytes::from_static(b"ab"))));
        assert_eq!(next(&mut reader).await, Some(Err(io::ErrorKind::InvalidData)));
        assert!(!reader.is_end());
        assert!(matches!(growing.follow().unwrap().whole().await, Whole::Broken));
    }

    #[tokio::test]
    async fn one_that_is_too_long_holds_no_more_than_its_slowest_reader_needs() {
        let growing = growing(4);
        let (mut slow, mut quick) = (growing.follow().unwrap(), growing.follow().unwrap());
        let part = growing.follow().unwrap();
        assert_eq!(growing.add(Bytes::from_static(b"cdef")), Added::TooLong);
        assert!(growing.kept().is_none() && growing.follow().is_none());
        assert!(matches!(part.whole().await, Whole::Passing(_)), "who wants parts is not kept waiting");
        for _ in 0..2 {
            next(&mut quick).await;
        }
        let pump = growing.clone();
        let waiting = tokio::spawn(async move { pump.ready().await });
        assert_eq!(next(&mut slow).await, Some(Ok(Bytes::from_static(b"ab"))));
        assert!(waiting.await.unwrap(), "four bytes are left");
        assert_eq!(growing.state().bytes, 4);
        drop(quick);
        drop(slow);
        assert!(!growing.ready().await, "nobody reads any more");
    }
}
