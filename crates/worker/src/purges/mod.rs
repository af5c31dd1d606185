//! The purge feed of a region: the event stream, up to the position that index and cache have applied.
//!
//! Edges ask with the last position that they applied; asking is acknowledging. Nothing is stored here: what
//! an edge missed is computed again from the stream, and what the stream no longer has is answered with
//! "drop everything". Epochs begin at 1; an answer with epoch 0 says that the follower has not started yet.

mod edges;
mod late;

use crate::Error;
use domain::event::surrogate_keys;
use domain::purge::{Purge, PurgeBatch, Target};
pub use edges::Edge;
use edges::Edges;
use late::Late;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use stream::{Entry, Stream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// Purges kept in memory for edges that are nearly up to date; older ones are read from the stream.
const RECENT_MAX: usize = 10_000;
/// The longest that one question waits for an answer.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The feed; clones share it.
#[derive(Clone)]
pub struct PurgeFeed {
    stream: Stream,
    state: Arc<watch::Sender<State>>,
    edges: Arc<Edges>,
    late: Arc<Late>,
}

/// How far something is: index and cache of the region, or one of its edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// 0 where it has not begun.
    pub epoch: u64,
    /// In the event stream.
    pub position: u64,
}

impl PurgeFeed {
    /// A feed that has no news until a follower says where it stands.
    pub fn new(stream: Stream) -> Self {
        let state = Arc::new(watch::Sender::default());
        Self { stream, state, edges: Arc::default(), late: Arc::default() }
    }

    /// What `edge`, which has applied everything up to `after` of `epoch`, must apply next. Waits for news
    /// up to `wait`; an answer without purges says that there is none. Where nobody can say that, it is an error, and
    /// edges that hear it for long trust what they hold for a short time only.
    pub async fn next(
        &self,
        edge: &str,
        epoch: u64,
        after: u64,
        wait: Duration,
    ) -> Result<PurgeBatch, Error> {
        let asked = Applied { epoch, position: after };
        let _question = self.edges.ask(edge, asked);
        let batch = self.look(epoch, after, wait).await?;
        let says_nothing = batch.purges.is_empty() && !batch.purge_all;
        if says_nothing && self.is_late().await { Err(Error::FeedLate) } else { Ok(batch) }
    }

    /// Whether changes may be hidden from this feed: no copy of the stream is recent, or the follower of the region does
    /// not get on.
    async fn is_late(&self) -> bool {
        let Ok(head) = self.stream.head().await else { return true };
        !head.is_current || self.late.is_late(self.applied().position, head.position, Instant::now())
    }

    /// The same for a reader that is no edge: nobody waits for it.
    pub(crate) async fn look(&self, epoch: u64, after: u64, wait: Duration) -> Result<PurgeBatch, Error> {
        let asked = Applied { epoch, position: after };
        let deadline = Instant::now() + wait.min(WAIT_MAX);
        let mut states = self.state.subscribe();
        let _ = timeout_at(deadline, states.wait_for(|state| state.has_news_for(asked))).await;
        let answer = self.state.borrow().answer(asked);
        match answer {
            Answer::Batch(batch) => Ok(batch),
            Answer::InStream(now) => self.read_stream(after, now, deadline).await,
        }
    }

    /// Lets the edges know that index and cache hold everything up to the last of `purges`.
    pub(crate) fn advance(&self, epoch: u64, purges: Vec<Purge>) {
        self.state.send_modify(|state| state.advance(epoch, purges));
    }

    /// Sets the feed to where a follower goes on. An edge that is ahead has applied what the follower will
    /// apply again, and waits.
    pub(crate) fn restart(&self, epoch: u64, position: u64, lsn: u64) {
        self.state.send_replace(State::at(Applied { epoch, position }, Ahead::Waits, lsn));
    }

    /// Sets the feed to where a follower begins anew. An edge that is ahead knows a stream that is no more,
    /// and drops everything.
    pub(crate) fn begin_anew(&self, epoch: u64, position: u64, lsn: u64) {
        self.state.send_replace(State::at(Applied { epoch, position }, Ahead::IsLost, lsn));
    }

    /// Waits until every edge that asked lately has applied what `applied` says, at most `wait`. Those that
    /// have not are left to catch up by themselves; their number is returned.
    pub(crate) async fn acknowledged(&self, applied: Applied, wait: Duration) -> usize {
        self.edges.acknowledged(applied, wait).await
    }

    /// How far index and cache are.
    pub fn applied(&self) -> Applied {
        self.state.borrow().applied
    }

    /// The edges that have asked, with the position of each.
    pub fn edges(&self) -> BTreeMap<String, Edge> {
        self.edges.all()
    }

    /// The purges after `after`, as far as `now`; waits for a replica that has not got them yet.
    async fn read_stream(&self, after: u64, now: Applied, deadline: Instant) -> Result<PurgeBatch, Error> {
        let wait = deadline.saturating_duration_since(Instant::now());
        match self.stream.read(after, PurgeBatch::PURGES_MAX, wait).await {
            Ok(entries) => {
                let applied = entries.iter().filter(|entry| entry.position <= now.position);
                Ok(batch(now.epoch, after, applied.map(purge_of).collect()))
            }
            Err(stream::Error::Trimmed { .. }) => {
                let floor_lsn = self.state.borrow().floor_lsn;
                Ok(everything(now, floor_lsn))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What an entry of the stream makes stale, and from which position on an answer is fresh again. Of an order whose
/// keys are not kept any more nobody knows what it meant: everything is confirmed once.
pub(crate) fn purge_of(entry: &Entry) -> Purge {
    let (tags, soft) = match (entry.event.entity, &entry.purge) {
        (Some(entity), _) => (surrogate_keys(entity).into(), false),
        (None, Some(order)) => (order.targets.clone(), order.soft),
        (None, None) => (vec![Target::ALL.to_owned()], true),
    };
    Purge { position: entry.position, tags, floor_lsn: entry.lsn, soft }
}

/// Where the feed stands.
#[derive(Debug, Default)]
struct State {
    applied: Applied,
    /// The purges up to `applied`, without a gap.
    recent: VecDeque<Purge>,
    ahead: Ahead,
    /// The highest floor of all that was applied.
    floor_lsn: u64,
}

/// What becomes of an edge that has applied more than the region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Ahead {
    #[default]
    Waits,
    IsLost,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Batch(PurgeBatch),
    /// Memory does not reach back that far.
    InStream(Applied),
}

impl State {
    fn at(applied: Applied, ahead: Ahead, floor_lsn: u64) -> Self {
        Self { applied, recent: VecDeque::new(), ahead, floor_lsn }
    }

    fn has_news_for(&self, asked: Applied) -> bool {
        self.applied.epoch != 0 && (self.applied.position > asked.position || self.has_lost(asked))
    }

    /// Positions of what was asked and of this feed cannot be compared.
    fn has_lost(&self, asked: Applied) -> bool {
        let is_ahead = asked.position > self.applied.position;
        self.applied.epoch != asked.epoch || (is_ahead && self.ahead == Ahead::IsLost)
    }

    fn answer(&self, asked: Applied) -> Answer {
        let now = self.applied;
        if self.has_lost(asked) {
            return Answer::Batch(everything(now, self.floor_lsn));
        }
        if asked.position >= now.position {
            return Answer::Batch(batch(now.epoch, asked.position, Vec::new()));
        }
        match self.recent.front() {
            Some(first) if first.position <= asked.position + 1 => {
                let start = self.recent.partition_point(|purge| purge.position <= asked.position);
                let purges = self.recent.iter().skip(start).take(PurgeBatch::PURGES_MAX).cloned();
                Answer::Batch(batch(now.epoch, asked.position, purges.collect()))
            }
            _ => Answer::InStream(now),
        }
    }

    fn advance(&mut self, epoch: u64, purges: Vec<Purge>) {
        let (Some(first), Some(last)) = (purges.first(), purges.last()) else { return };
        if first.position != self.applied.position + 1 {
            self.recent.clear();
        }
        self.applied = Applied { epoch, position: last.position };
        self.floor_lsn = purges.iter().map(|purge| purge.floor_lsn).fold(self.floor_lsn, u64::max);
        self.recent.extend(purges);
        let surplus = self.recent.len().saturating_sub(RECENT_MAX);
        self.recent.drain(..surplus);
    }
}

fn batch(epoch: u64, after: u64, purges: Vec<Purge>) -> PurgeBatch {
    let position = purges.last().map_or(after, |purge| purge.position);
    PurgeBatch { epoch, purge_all: false, position, purges, floor_lsn: 0 }
}

fn everything(now: Applied, floor_lsn: u64) -> PurgeBatch {
    PurgeBatch { epoch: now.epoch, purge_all: true, purges: Vec::new(), position: now.position, floor_lsn }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purges(positions: std::ops::RangeInclusive<u64>) -> Vec<Purge> {
        positions.map(|position| Purge { position, floor_lsn: position * 100, ..Purge::default() }).collect()
    }

    fn at(epoch: u64, position: u64) -> Applied {
        Applied { epoch, position }
    }

    /// A feed of epoch 1 that began at 10 and has advanced to 15.
    fn advanced() -> State {
        let mut state = State::at(at(1, 10), Ahead::Waits, 1_000);
        state.advance(1, purges(11..=13));
        state.advance(1, purges(14..=15));
        state
    }

    #[test]
    fn an_edge_gets_exactly_what_it_has_not_applied() {
        let state = advanced();
        for after in 10..=14 {
            let answer = state.answer(at(1, after));
            assert_eq!(answer, Answer::Batch(batch(1, after, purges(after + 1..=15))));
            assert!(state.has_news_for(at(1, after)));
        }
        assert_eq!(state.answer(at(1, 15)), Answer::Batch(batch(1, 15, Vec::new())));
        assert!(!state.has_news_for(at(1, 15)));
    }

    #[test]
    fn an_edge_from_before_the_start_is_answered_from_the_stream() {
        let state = advanced();
        assert_eq!(state.answer(at(1, 9)), Answer::InStream(at(1, 15)));
        assert_eq!(state.answer(at(1, 0)), Answer::InStream(at(1, 15)));
        assert_eq!(State::at(at(1, 10), Ahead::Waits, 1_000).answer(at(1, 9)), Answer::InStream(at(1, 10)));
    }

    #[test]
    fn an_edge_ahead_of_a_restarted_follower_waits() {
        let state = State::at(at(1, 10), Ahead::Waits, 1_000);
        for after in [12, u64::MAX] {
            assert!(!state.has_news_for(at(1, after)));
            assert_eq!(state.answer(at(1, after)), Answer::Batch(batch(1, after, Vec::new())));
        }
    }

    #[test]
    fn an_edge_ahead_of_a_new_beginning_drops_everything() {
        let state = State::at(at(1, 10), Ahead::IsLost, 1_000);
        assert!(state.has_news_for(at(1, 12)));
        assert_eq!(state.answer(at(1, 12)), Answer::Batch(everything(at(1, 10), 1_000)));
        assert!(!state.has_news_for(at(1, 10)));
        assert_eq!(state.answer(at(1, 9)), Answer::InStream(at(1, 10)));
    }

    #[test]
    fn another_epoch_drops_everything() {
        let state = advanced();
        for (epoch, after) in [(0, 0), (0, 15), (2, 12), (2, u64::MAX)] {
            assert!(state.has_news_for(at(epoch, after)));
            assert_eq!(state.answer(at(epoch, after)), Answer::Batch(everything(at(1, 15), 1_500)));
        }
    }

    #[test]
    fn a_feed_that_has_not_started_has_no_news_and_says_epoch_0() {
        let state = State::default();
        for asked in [at(0, 0), at(1, 15)] {
            assert!(!state.has_news_for(asked));
            let Answer::Batch(batch) = state.answer(asked) else { panic!("nothing to read") };
            assert_eq!(batch.epoch, 0);
        }
    }

    #[test]
    fn memory_is_bounded_and_has_no_gap() {
        let mut state = State::at(at(1, 0), Ahead::Waits, 0);
        let max = RECENT_MAX as u64;
        state.advance(1, purges(1..=max + 5));
        assert_eq!(state.recent.len(), RECENT_MAX);
        assert_eq!(state.answer(at(1, 4)), Answer::InStream(at(1, max + 5)));
        let Answer::Batch(first) = state.answer(at(1, 5)) else { panic!("it is in memory") };
        assert_eq!((first.purges.len(), first.position), (PurgeBatch::PURGES_MAX, 1_005));

        state.advance(1, purges(max + 7..=max + 8));
        assert_eq!(state.answer(at(1, max + 5)), Answer::InStream(at(1, max + 8)));
        state.advance(1, Vec::new());
        assert_eq!(state.applied, at(1, max + 8));
    }
}
