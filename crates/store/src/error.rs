//! What can go wrong between a question and its answer.

use domain::EntityRef;

/// An error of the database, named by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node refuses connections, is shutting down, or takes no writes. Retrying later is safe.
    #[error("the database is not available")]
    Unavailable(#[source] Option<sqlx::Error>),
    /// No node may answer a read now.
    #[error("no database node can answer")]
    NoNode,
    /// No node that may answer has replayed the asked position yet.
    #[error("no database node has replayed the asked position")]
    Behind,
    /// The write believed in an epoch that is over; nothing was written.
    #[error("the write belongs to an epoch of the database that is over")]
    Fenced,
    /// Another transaction was in the way; the same request may succeed at once.
    #[error("another transaction was in the way")]
    Contended(#[source] sqlx::Error),
    /// A statement ran longer than its limit.
    #[error("a statement ran longer than its limit")]
    TimedOut,
    /// The slug belongs to another aggregate of the kind.
    #[error("the slug is taken")]
    SlugTaken,
    /// The id in another collection belongs to another aggregate of the kind.
    #[error("the external id is taken")]
    ExternalIdTaken,
    /// A rule of the database refused the rows.
    #[error("the database refused the change by `{constraint}`")]
    Conflict {
        /// Name of the constraint.
        constraint: String,
    },
    /// The aggregate was saved by someone else in between.
    #[error("the aggregate has changed: its row version is {current}")]
    RowVersion {
        /// The row version that it has now.
        current: i64,
    },
    /// There is no such aggregate.
    #[error("{0} does not exist")]
    NotFound(EntityRef),
    /// The record refers to something that does not exist, or is of another kind.
    #[error("the record refers to something that does not exist")]
    ReferenceMissing,
    /// Live records refer to the aggregate, so it cannot be archived.
    #[error("{} live record(s) refer to it", by.len())]
    Referenced {
        /// Some of them, at most [`crate::Tx::REFERRERS_MAX`].
        by: Vec<EntityRef>,
    },
    /// The log no longer holds what was asked for: rebuild instead.
    #[error("the event log begins after position {trimmed}")]
    Trimmed {
        /// Positions up to here are gone.
        trimmed: u64,
    },
    /// A cursor that this list did not make.
    #[error("the cursor does not belong to this list")]
    BadCursor,
    /// An earlier statement of the transaction failed, so it cannot be committed.
    #[error("the transaction has failed already")]
    TransactionFailed,
    /// What is stored contradicts itself.
    #[error("stored data is damaged: {0}")]
    Corrupt(String),
    /// The configuration cannot work.
    #[error("{0}")]
    Config(String),
    /// The schema could not be brought up to date.
    #[error("the migrations failed")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// Anything else that the database says.
    #[error("the database reported an error")]
    Database(#[source] sqlx::Error),
}

impl Error {
    /// Whether another node may be asked the same question: nothing was answered, and nothing was wrong
    /// with the question.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Contended(_))
    }

    /// Gives a violation of `constraint` a name of its own.
    pub(crate) fn on_constraint(self, constraint: &str, named: Self) -> Self {
        match &self {
            Self::Conflict { constraint: broken } if broken == constraint => named,
            _ => self,
        }
    }

    /// The stored value `what` cannot be read.
    pub(crate) fn corrupt(what: &str, error: impl std::fmt::Display) -> Self {
        Self::Corrupt(format!("{what}: {error}"))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
        match (&error, code.as_deref()) {
            (
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Protocol(_),
                _,
            ) => Self::Unavailable(Some(error)),
            // 55000 is what a database that was closed to connections answers.
            (_, Some("57P01" | "57P02" | "57P03" | "57P05" | "25006" | "53300" | "55000")) => {
                Self::Unavailable(Some(error))
            }
            (_, Some(code)) if code.starts_with("08") => Self::Unavailable(Some(error)),
            (_, Some("40001" | "40P01" | "55P03")) => Self::Contended(error),
            (_, Some("57014" | "25P03")) => Self::TimedOut,
            (_, Some("25P02")) => Self::TransactionFailed,
            (_, Some("23505" | "23503" | "23514")) => {
                let constraint = error.as_database_error().and_then(|error| error.constraint());
                Self::Conflict { constraint: constraint.unwrap_or("unnamed").to_owned() }
            }
            (sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_), _) => {
                Self::corrupt("a column", error)
            }
            _ => Self::Database(error),
        }
    }
}
