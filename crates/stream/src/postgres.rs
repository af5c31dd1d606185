//! The log in tables of the database: appended on the primary, read from the nearest node.

use crate::{Backend, Entry, Error, Head, OutboxCursor, Pending};
use async_trait::async_trait;
use store::{ReadPolicy, Reader, StreamHead, StreamRow, Writer};

pub(crate) struct Postgres {
    pub(crate) reader: Reader,
    pub(crate) writer: Option<Writer>,
}

impl Postgres {
    fn writer(&self) -> Result<&Writer, Error> {
        self.writer.as_ref().ok_or(Error::ReadOnly)
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn append(&self, events: &[Pending], cursor: Option<OutboxCursor>) -> Result<u64, Error> {
        let rows: Vec<StreamRow> = events.iter().map(row_of).collect();
        Ok(self.writer()?.stream_append(&rows, cursor).await?)
    }

    async fn read(&self, after: u64, max: usize) -> Result<Vec<Entry>, Error> {
        let rows = self.reader.read(ReadPolicy::Any).await?.stream_read(after, max).await?;
        Ok(rows.into_iter().map(entry_of).collect())
    }

    async fn head(&self) -> Result<Head, Error> {
        let read = self.reader.read(ReadPolicy::Any).await?;
        let StreamHead { epoch, position, trimmed } = read.stream_head().await?;
        Ok(Head { epoch, position, trimmed, is_current: read.is_current() })
    }

    async fn trim(&self, up_to: u64) -> Result<u64, Error> {
        Ok(self.writer()?.stream_trim(up_to).await?)
    }
}

fn row_of(pending: &Pending) -> StreamRow {
    StreamRow {
        position: 0, // given by the log
        epoch: pending.epoch,
        event: pending.event.clone(),
        lsn: pending.lsn,
        ungated: pending.ungated,
        purge: None, // read with the order
    }
}

fn entry_of(row: StreamRow) -> Entry {
    let StreamRow { position, epoch, event, lsn, ungated, purge } = row;
    Entry { position, epoch, event, lsn, ungated, purge }
}
