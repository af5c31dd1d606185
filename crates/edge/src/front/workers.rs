//! Threads that serve connections, each with a runtime of its own: what a connection touches stays on one processor,
//! and nothing is handed from thread to thread while a request is answered.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};
use tokio::runtime::{self, Handle};
use tokio_util::sync::CancellationToken;

/// The threads; without any, connections are served where they are accepted.
pub(crate) struct Workers {
    crew: Vec<Worker>,
    stop: CancellationToken,
}

pub(super) struct Worker {
    runtime: Handle,
    serving: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// Which of the threads this is: what each keeps for itself lies under this number. 0 on any other thread.
pub(crate) fn number() -> usize {
    NUMBER.get()
}

impl Workers {
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let crew = (0..count).map(|number| Worker::start(number, stop.clone())).collect::<io::Result<_>>()?;
        Ok(Self { crew, stop })
    }

    /// The one with the fewest connections.
    pub(super) fn freest(&self) -> Option<&Worker> {
        self.crew.iter().min_by_key(|worker| worker.serving.load(Ordering::Relaxed))
    }

    /// Ends the threads, with whatever is still running on them.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        let join = move || self.crew.into_iter().all(|worker| worker.thread.join().is_ok());
        if !tokio::task::spawn_blocking(join).await.unwrap_or(false) {
            tracing::error!("A thread that serves connections had died");
        }
    }
}

impl Worker {
    fn start(number: usize, stop: CancellationToken) -> io::Result<Self> {
        let (tell, told) = channel();
        let run = move || run(number, &tell, stop);
        let thread = Builder::new().name(format!("edge-{number}")).spawn(run)?;
        let runtime = told.recv().map_err(io::Error::other)??;
        Ok(Self { runtime, serving: Arc::default(), thread })
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Counts one connection more until the guard is dropped.
    pub(super) fn seat(&self) -> Serving {
        self.serving.fetch_add(1, Ordering::Relaxed);
        Serving(self.serving.clone())
    }
}

fn run(number: usize, tell: &Sender<io::Result<Handle>>, stop: CancellationToken) {
    NUMBER.set(number);
    let built = runtime::Builder::new_current_thread().enable_all().build();
    match built {
        Ok(runtime) => {
            if tell.send(Ok(runtime.handle().clone())).is_ok() {
                runtime.block_on(stop.cancelled());
            }
        }
        // Whoever started us hears it, or is gone.
        Err(error) => drop(tell.send(Err(error))),
    }
}

/// A connection on a thread.
pub(super) struct Serving(Arc<AtomicUsize>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_go_to_the_freest_thread() {
        let workers = Workers::start(2).unwrap();
        let first = workers.freest().unwrap().seat();
        let numbers = async |worker: &Worker| worker.runtime().spawn(async { number() }).await.unwrap();
        assert_eq!(numbers(workers.freest().unwrap()).await, 1);
        drop(first);
        assert_eq!(numbers(workers.freest().unwrap()).await, 0);
        workers.end().await;
    }
}
