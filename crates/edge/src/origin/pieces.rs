//! A body that is put together from slices while it is sent: one is being sent, the next one is on its way.

use crate::origin::slices::{Broken, Sliced};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// What a body consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Text(Bytes),
    /// These bytes of what is held.
    Part(Range<u64>),
}

impl Segment {
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Part(part) => part.end.saturating_sub(part.start),
        }
    }
}

pub(crate) struct Pieces {
    whole: Arc<Sliced>,
    segments: VecDeque<Segment>,
    left: u64,
    /// The slice that comes next, with its number.
    next: Option<(u64, Coming)>,
    /// Whether the first one had to be asked for.
    asked: bool,
}

enum Coming {
    Here(Bytes),
    Awaited(JoinHandle<Result<Bytes, Broken>>),
}

impl Pieces {
    /// Waits for the first slice: what is wrong with it can still be made good.
    pub(crate) async fn open(whole: &Arc<Sliced>, segments: Vec<Segment>) -> Result<Self, Broken> {
        let left = segments.iter().map(Segment::length).sum();
        let mut pieces =
            Self { whole: whole.clone(), segments: segments.into(), left, next: None, asked: false };
        if let Some(number) = pieces.wanted() {
            let kept = whole.kept(number).await;
            pieces.asked = kept.is_none();
            let slice = match kept {
                Some(slice) => slice,
                None => whole.clone().obtain(number).await?,
            };
            pieces.next = Some((number, Coming::Here(slice)));
        }
        Ok(pieces)
    }

    pub(crate) const fn left(&self) -> u64 {
        self.left
    }

    pub(crate) const fn asked(&self) -> bool {
        self.asked
    }

    pub(crate) fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, io::Error>>> {
        let data = match self.segments.front() {
            None => return Poll::Ready(None),
            Some(Segment::Text(text)) => {
                let text = text.clone();
                self.segments.pop_front();
                text
            }
            Some(Segment::Part(part)) => {
                let part = part.clone();
                match ready!(self.poll_slice(part.start / self.whole.slice_bytes(), context)) {
                    Ok(slice) => self.cut(&slice, part),
                    Err(error) => return Poll::Ready(Some(Err(error))),
                }
            }
        };
        self.left = self.left.saturating_sub(data.len() as u64);
        Poll::Ready(Some(Ok(data)))
    }

    fn poll_slice(&mut self, number: u64, context: &mut Context<'_>) -> Poll<Result<Bytes, io::Error>> {
        if self.next.as_ref().is_none_or(|(known, _)| *known != number) {
            self.next = Some((number, self.begin(number)));
        }
        let slice = match &mut self.next {
            Some((_, Coming::Here(bytes))) => Ok(bytes.clone()),
            Some((_, Coming::Awaited(task))) => {
                let joined = ready!(std::pin::Pin::new(task).poll(context));
                joined.map_err(io::Error::other).and_then(|slice| slice.map_err(io::Error::from))
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        self.next = None;
        Poll::Ready(slice)
    }

    /// What of a slice belongs to the part that is sent; the next slice is begun.
    fn cut(&mut self, slice: &Bytes, part: Range<u64>) -> Bytes {
        let start = part.start / self.whole.slice_bytes() * self.whole.slice_bytes();
        let end = part.end.min(start + slice.len() as u64);
        let at = |place: u64| usize::try_from(place - start).unwrap_or(usize::MAX).min(slice.len());
        let data = slice.slice(at(part.start)..at(end.max(part.start)));
        self.segments.pop_front();
        if end < part.end {
            self.segments.push_front(Segment::Part(end..part.end));
        }
        self.next = self.wanted().map(|number| (number, self.begin(number)));
        data
    }

    fn begin(&self, number: u64) -> Coming {
        match self.whole.at_hand(number) {
            Some(bytes) => Coming::Here(bytes),
            None => Coming::Awaited(tokio::spawn(self.whole.clone().slice(number))),
        }
    }

    /// The slice that is needed next.
    fn wanted(&self) -> Option<u64> {
        self.segments.iter().find_map(|segment| match segment {
            Segment::Part(part) => Some(part.start / self.whole.slice_bytes()),
            Segment::Text(_) => None,
        })
    }
}
