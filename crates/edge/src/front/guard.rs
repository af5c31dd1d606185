//! A client's connection with three time-outs that the HTTP layer does not have: for the bytes by which HTTP/1 and
//! HTTP/2 are told apart, for a client that does not take its answer, and for an HTTP/2 connection on which nothing
//! but pings and window updates moves: it is idle, or a client that opens no window for what it has asked.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// What every HTTP/2 connection starts with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) struct Guard<S> {
    stream: S,
    /// Bytes of the preface that have come; `None` once the version is known.
    preface: Option<usize>,
    preface_deadline: Pin<Box<Sleep>>,
    write_idle_max: Duration,
    write_idle: Option<Pin<Box<Sleep>>>,
    http2: Option<Http2>,
    http2_idle_max: Duration,
}

/// What is watched once the preface has come.
struct Http2 {
    moved_at: Instant,
    deadline: Pin<Box<Sleep>>,
}

/// The time-outs of a connection.
pub(crate) struct Patience {
    pub(crate) preface_max: Duration,
    pub(crate) write_idle_max: Duration,
    pub(crate) http2_idle_max: Duration,
}

impl<S> Guard<S> {
    pub(crate) fn new(stream: S, patience: &Patience) -> Self {
        Self {
            stream,
            preface: Some(0),
            preface_deadline: Box::pin(sleep(patience.preface_max)),
            write_idle_max: patience.write_idle_max,
            write_idle: None,
            http2: None,
            http2_idle_max: patience.http2_idle_max,
        }
    }

    fn saw(&mut self, bytes: &[u8]) {
        let Some(seen) = self.preface else { return };
        let rest = &PREFACE[seen..];
        let is_prefix = rest.starts_with(&bytes[..bytes.len().min(rest.len())]);
        self.preface = (is_prefix && bytes.len() < rest.len()).then_some(seen + bytes.len());
        if is_prefix && self.preface.is_none() {
            let deadline = Box::pin(sleep(self.http2_idle_max));
            self.http2 = Some(Http2 { moved_at: Instant::now(), deadline });
        }
    }

    /// Notes bytes that are more than a ping or a window.
    fn moved(&mut self, bytes: usize) {
        const SMALL_TALK_BYTES: usize = 64;
        if let Some(http2) = &mut self.http2
            && bytes > SMALL_TALK_BYTES
        {
            http2.moved_at = Instant::now();
        }
    }

    fn note(&mut self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.moved(*bytes);
        }
    }

    /// Ready once nothing has moved for too long.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(http2) = &mut self.http2 else { return Poll::Pending };
        loop {
            ready!(http2.deadline.as_mut().poll(context));
            let due = http2.moved_at + self.http2_idle_max;
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            http2.deadline.as_mut().reset(due);
        }
    }

    fn watch_write<T>(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.write_idle = None;
            return done;
        }
        let write_idle_max = self.write_idle_max;
        let idle = self.write_idle.get_or_insert_with(|| Box::pin(sleep(write_idle_max)));
        ready!(idle.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let done = Pin::new(&mut this.stream).poll_read(context, buffer);
        let bytes = buffer.filled().len() - before;
        if this.preface.is_none() {
            this.moved(bytes);
            if done.is_pending() && this.poll_idle(context).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            return done;
        }
        if done.is_pending() {
            ready!(this.preface_deadline.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        this.saw(&buffer.filled()[before..]);
        done
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.note(&done);
        this.watch_write(context, done)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let done = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.note(&done);
        this.watch_write(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
