//! One HTTP/1 connection to an origin.
//!
//! It has no task of its own: whoever waits for an answer drives it, so that bytes from the origin wake the request
//! that they are for and nobody else.

use super::rooms::Room;
use super::wire::Wire;
use crate::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio::time::Instant;

/// The buffer for an answer's head and what comes with it; a longer head cannot be read.
pub(super) const BUFFER_BYTES_MAX: usize = 256 * 1024;

pub(super) struct Line {
    sender: SendRequest<Body>,
    connection: Connection<TokioIo<Wire>, Body>,
    born: Instant,
    _room: Room,
}

/// What a connection is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The present answer is still under way.
    Busy,
    /// The next request may be sent.
    Free,
    /// It must not be driven any more.
    Closed,
}

/// Why there is no answer.
pub(super) enum Broken {
    /// Nothing of the request was sent: here it is again.
    Unsent(Box<Request<Body>>),
    Sent,
}

impl Line {
    pub(super) async fn open(wire: Wire, room: Room) -> hyper::Result<Box<Self>> {
        let (sender, connection) =
            Builder::new().max_buf_size(BUFFER_BYTES_MAX).handshake(TokioIo::new(wire)).await?;
        Ok(Box::new(Self { sender, connection, born: Instant::now(), _room: room }))
    }

    pub(super) const fn born(&self) -> Instant {
        self.born
    }

    /// Whether a request may be sent, as far as can be known: the origin may close it at this moment.
    pub(super) fn is_free(&mut self) -> bool {
        quietly(|context| Poll::Ready(self.drive(context))) == Poll::Ready(State::Free)
    }

    /// Reads and writes what can be. Never to be called again once it is closed.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) -> State {
        match Pin::new(&mut self.connection).poll(context) {
            Poll::Ready(_) => State::Closed,
            Poll::Pending if self.sender.is_ready() => State::Free,
            Poll::Pending => State::Busy,
        }
    }

    /// Sends a request and waits for the head of its answer. The connection comes back unless it is closed.
    pub(super) async fn exchange(
        mut self: Box<Self>,
        request: Request<Body>,
    ) -> Result<(Response<Incoming>, Option<(Box<Self>, State)>), Broken> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let (answer, state) = std::future::poll_fn(|context| {
            let state = self.drive(context);
            // Only what was just driven can have brought the answer: nobody needs to be woken for it.
            match quietly(|context| answer.as_mut().poll(context)) {
                Poll::Ready(answer) => Poll::Ready((Some(answer), state)),
                Poll::Pending if state == State::Closed => Poll::Ready((None, state)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        let line = (state != State::Closed).then_some((self, state));
        match answer {
            Some(Ok(response)) => Ok((response, line)),
            Some(Err(mut error)) => {
                Err(error.take_message().map_or(Broken::Sent, |unsent| Broken::Unsent(Box::new(unsent))))
            }
            None => Err(Broken::Sent),
        }
    }
}

/// Polls what is driven from here, so that there is nobody to wake. Tokio's share of the processor for one task must not
/// end it: that would be a wake-up which is lost.
pub(crate) fn quietly<T>(poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let polled = pin!(tokio::task::unconstrained(std::future::poll_fn(poll)));
    polled.poll(&mut Context::from_waker(Waker::noop()))
}
