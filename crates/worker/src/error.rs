//! What can go wrong while events are carried.

/// Failure of a relay, a follower or the purge feed. All of them are retried; none of them loses an event.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error("the database did not answer")]
    Store(#[from] store::Error),
    /// The event stream.
    #[error("the event stream did not answer")]
    Stream(#[from] stream::Error),
    /// The search index.
    #[error("the search index refused the change")]
    Search(#[from] search::Error),
    /// Only a node that was left behind by a promotion can be read now.
    #[error("the database nodes that answer belong to an earlier epoch")]
    EarlierEpoch,
    /// A question to the index ran out of time, and half of the answer is not enough here.
    #[error("the search index did not answer in full")]
    PartialAnswer,
    /// What the feed would say is older than an edge may rely on.
    #[error("the purge feed does not know what was changed lately")]
    FeedLate,
    /// Nobody is there to take the order.
    #[error("the follower has stopped")]
    Stopped,
}
