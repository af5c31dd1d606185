//! Connections that are open, so that they can be told to end, and ended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use tokio::task::{AbortHandle, JoinHandle};

#[derive(Default)]
pub(super) struct Open {
    ending: AtomicBool,
    visits: Mutex<Visits>,
}

#[derive(Default)]
struct Visits {
    next: u64,
    running: HashMap<u64, Running>,
}

#[derive(Default)]
struct Running {
    abort: Option<AbortHandle>,
    /// Wakes it to see that it should end.
    waker: Option<Waker>,
}

impl Open {
    /// Starts a task that is told when to end; nothing is kept where it does not come about.
    pub(super) fn enter(self: &Arc<Self>, start: impl FnOnce(Visit) -> Option<JoinHandle<()>>) {
        let id = {
            let mut visits = self.visits();
            visits.next += 1;
            let id = visits.next;
            visits.running.insert(id, Running::default());
            id
        };
        // It leaves by itself, perhaps before this line is done.
        let task = start(Visit { open: self.clone(), id, known: false });
        if let Some(running) = self.visits().running.get_mut(&id) {
            running.abort = task.map(|task| task.abort_handle());
        }
    }

    /// Tells all to finish what is under way.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Release);
        self.visits()
            .running
            .values()
            .filter_map(|running| running.waker.as_ref())
            .for_each(Waker::wake_by_ref);
    }

    /// Ends all at once.
    pub(super) fn abort(&self) {
        self.visits()
            .running
            .values()
            .filter_map(|running| running.abort.as_ref())
            .for_each(AbortHandle::abort);
    }

    fn visits(&self) -> MutexGuard<'_, Visits> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection among them.
pub(super) struct Visit {
    open: Arc<Open>,
    id: u64,
    known: bool,
}

impl Visit {
    /// Whether this connection should take no more requests; the task is woken when that changes.
    pub(super) fn is_ending(&mut self, context: &Context<'_>) -> bool {
        if !self.known {
            let mut visits = self.open.visits();
            if let Some(running) = visits.running.get_mut(&self.id) {
                running.waker = Some(context.waker().clone());
                self.known = true;
            }
        }
        self.open.ending.load(Ordering::Acquire)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.open.visits().running.remove(&self.id);
    }
}
