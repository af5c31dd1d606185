//! How many connections to one origin may be open, and how those that find no room hear of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

pub(super) struct Rooms {
    open: AtomicUsize,
    max: usize,
    waiting: AtomicUsize,
    freed: Notify,
}

/// One open connection.
pub(super) struct Room(Arc<Rooms>);

/// One that waits; whoever gives something back tells it.
pub(super) struct Waiting<'a>(&'a Rooms);

impl Rooms {
    pub(super) fn new(max: usize) -> Self {
        Self { open: AtomicUsize::new(0), max, waiting: AtomicUsize::new(0), freed: Notify::new() }
    }

    /// `None` where there is none.
    pub(super) fn take(self: &Arc<Self>) -> Option<Room> {
        let free = |open| (open < self.max).then_some(open + 1);
        let taken = self.open.fetch_update(Ordering::SeqCst, Ordering::SeqCst, free);
        taken.is_ok().then(|| Room(self.clone()))
    }

    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Waiting(self)
    }

    /// Tells one of those that wait that a room, a line or a stream is free.
    pub(super) fn tell(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_one();
        }
    }
}

impl Waiting<'_> {
    /// Hears of everything that is freed after it was first polled or enabled.
    pub(super) fn freed(&self) -> Notified<'_> {
        self.0.freed.notified()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
        self.0.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_hears_of_what_is_given_back() {
        let rooms = Arc::new(Rooms::new(1));
        let room = rooms.take().unwrap();
        assert!(rooms.take().is_none());
        let waiting = rooms.wait();
        let mut freed = std::pin::pin!(waiting.freed());
        assert!(!freed.as_mut().enable());
        drop(room);
        freed.await;
        assert!(rooms.take().is_some());
    }
}
