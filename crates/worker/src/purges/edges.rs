//! The edges of a region, as their questions show them.

use super::Applied;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// An edge without an open question for this long is no longer waited for.
const SILENT_MAX: Duration = Duration::from_secs(3);
/// Edges that may be known at a time; a name that is new beyond it is served and not waited for.
const EDGES_MAX: usize = 256;

/// An edge, as its questions show it.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The last position that it applied.
    pub position: u64,
    epoch: u64,
    open_questions: u32,
    heard_at: Instant,
}

impl Edge {
    /// The epoch of that position.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Is it asking, or has it asked lately?
    pub fn is_live(&self) -> bool {
        self.is_live_at(Instant::now())
    }

    fn is_live_at(&self, now: Instant) -> bool {
        self.open_questions > 0 || now.saturating_duration_since(self.heard_at) < SILENT_MAX
    }

    fn has(&self, applied: Applied) -> bool {
        self.epoch == applied.epoch && self.position >= applied.position
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Edges {
    known: Mutex<BTreeMap<String, Edge>>,
    heard: watch::Sender<()>,
}

impl Edges {
    /// Notes that `name` has applied `asked` and waits for more, until the question is dropped.
    pub(super) fn ask(self: &Arc<Self>, name: &str, asked: Applied) -> Question {
        self.note(name, asked, Instant::now());
        self.heard.send_replace(());
        Question { edges: Arc::clone(self), name: name.to_owned() }
    }

    fn note(&self, name: &str, asked: Applied, now: Instant) {
        let mut known = self.known();
        if known.len() >= EDGES_MAX {
            known.retain(|_, edge| edge.is_live_at(now));
        }
        let open_questions = match known.get(name) {
            Some(edge) => edge.open_questions + 1,
            None if known.len() < EDGES_MAX => 1,
            None => return,
        };
        let Applied { epoch, position } = asked;
        known.insert(name.to_owned(), Edge { position, epoch, open_questions, heard_at: now });
    }

    /// Waits until every live edge has `applied`, at most `wait`; answers how many have not.
    pub(super) async fn acknowledged(&self, applied: Applied, wait: Duration) -> usize {
        let deadline = Instant::now() + wait;
        let mut heard = self.heard.subscribe();
        loop {
            let missing = self.missing(applied, Instant::now());
            if missing == 0 || timeout_at(deadline, heard.changed()).await.is_err() {
                return missing;
            }
        }
    }

    fn missing(&self, applied: Applied, now: Instant) -> usize {
        self.known().values().filter(|edge| edge.is_live_at(now) && !edge.has(applied)).count()
    }

    pub(super) fn all(&self) -> BTreeMap<String, Edge> {
        self.known().clone()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Edge>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that waits for its answer; an edge whose connection breaks drops it.
pub(super) struct Question {
    edges: Arc<Edges>,
    name: String,
}

impl Drop for Question {
    fn drop(&mut self) {
        if let Some(edge) = self.edges.known().get_mut(&self.name) {
            edge.open_questions = edge.open_questions.saturating_sub(1);
            edge.heard_at = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: u64, position: u64) -> Applied {
        Applied { epoch, position }
    }

    /// A moment after which whoever is silent now no longer counts.
    fn later() -> Instant {
        Instant::now() + SILENT_MAX
    }

    #[test]
    fn an_edge_with_an_open_question_is_waited_for_however_long_it_takes() {
        let edges = Arc::new(Edges::default());
        let _question = edges.ask("edge", at(1, 7));
        assert_eq!(edges.missing(at(1, 7), later()), 0);
        assert_eq!(edges.missing(at(1, 8), later()), 1);
    }

    #[test]
    fn an_edge_whose_question_was_dropped_counts_for_a_moment_only() {
        let edges = Arc::new(Edges::default());
        drop(edges.ask("edge", at(1, 7)));
        assert_eq!(edges.missing(at(1, 8), Instant::now()), 1);
        assert_eq!(edges.missing(at(1, 8), later()), 0);
        let _again = edges.ask("edge", at(1, 8));
        assert_eq!(edges.missing(at(1, 8), Instant::now()), 0);
    }

    #[test]
    fn a_question_beside_a_dropped_one_stays_open() {
        let edges = Arc::new(Edges::default());
        let (first, _second) = (edges.ask("edge", at(1, 7)), edges.ask("edge", at(1, 8)));
        drop(first);
        assert_eq!(edges.missing(at(1, 9), later()), 1);
        assert!(edges.all()["edge"].is_live());
    }

    #[test]
    fn a_position_of_another_epoch_acknowledges_nothing() {
        let edges = Arc::new(Edges::default());
        let _question = edges.ask("edge", at(1, 500));
        assert_eq!(edges.missing(at(2, 20), Instant::now()), 1);
    }

    #[test]
    fn too_many_names_are_served_and_not_waited_for() {
        let edges = Arc::new(Edges::default());
        let open: Vec<Question> =
            (0..EDGES_MAX).map(|number| edges.ask(&format!("edge-{number}"), at(1, 9))).collect();
        let _surplus = edges.ask("surplus", at(1, 0));
        assert_eq!(edges.missing(at(1, 9), Instant::now()), 0);
        drop(open);
        edges.note("next", at(1, 0), later());
        assert_eq!(edges.all().len(), 1, "the silent ones make room");
    }

    #[tokio::test]
    async fn the_wait_ends_with_the_last_acknowledgement() {
        let edges = Arc::new(Edges::default());
        drop(edges.ask("edge", at(1, 7)));
        let waiting = {
            let edges = Arc::clone(&edges);
            tokio::spawn(async move { edges.acknowledged(at(1, 8), Duration::from_secs(60)).await })
        };
        tokio::task::yield_now().await;
        let _question = edges.ask("edge", at(1, 8));
        assert_eq!(waiting.await.unwrap(), 0);
        assert_eq!(edges.acknowledged(at(1, 9), Duration::ZERO).await, 1);
    }
}
