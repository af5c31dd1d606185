//! Answers whose body is kept in slices: as from any object, but what is not held of it is asked for.

use crate::body::Body;
use crate::front::exchange::{BAD_TARGET, Seat, unasked};
use crate::front::reads::{Miss, NOT_CACHED};
use crate::front::respond;
use crate::origin::fill::Ask;
use crate::origin::pieces::{Pieces, Segment};
use crate::origin::slices::{Broken, Sliced};
use crate::policy::slices::Misfit;
use crate::see::reason::{Forward, Handling, Outcome, Reason};
use crate::store::object::Object;
use http::header;
use http::{Response, StatusCode};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

/// An answer from the head of a body that is kept in slices.
pub(super) struct Serving {
    pub(super) object: Arc<Object>,
    pub(super) now_us: i64,
    pub(super) handling: Handling,
    pub(super) reason: Reason,
    /// Whether the client wants nothing that an origin must be asked for.
    pub(super) only_if_cached: bool,
    /// Whether the origin was asked anew already, because a slice was of another version.
    pub(super) again: bool,
}

type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

impl Seat {
    pub(super) fn sliced(self, ask: Arc<Ask>, serving: Serving) -> Answering {
        Box::pin(self.serve_slices(ask, serving))
    }

    async fn serve_slices(self, ask: Arc<Ask>, serving: Serving) -> Response<Body> {
        let asked = &self.head.headers;
        // What a slice is asked for with must not be one client's own.
        let whole = match asked.contains_key(header::AUTHORIZATION) {
            true => return self.past_slices(&ask, Reason::Credentials).await,
            false => Sliced::of(&self.inner, &ask, &serving.object),
        };
        let Some(whole) = whole else { return self.past_slices(&ask, Reason::HitForMiss).await };
        let cut = respond::sliced(&self.asker(), &serving.object, serving.now_us);
        if serving.only_if_cached && !all_parts(&cut.segments, |part| whole.holds(part)) {
            return unasked(self.refuse(&NOT_CACHED));
        }
        let had = all_parts(&cut.segments, |part| whole.likely_has(part));
        match Pieces::open(&whole, cut.segments.clone()).await {
            Ok(pieces) => {
                let (handling, reason) = self.account(&serving, had && !pieces.asked());
                let response = respond::pieces(cut, pieces, handling, reason);
                if matches!(handling, Handling::Hit { .. }) { unasked(response) } else { response }
            }
            Err(broken) => self.without_slices(&ask, serving, broken).await,
        }
    }

    /// What of the answer the cache had.
    fn account(&self, serving: &Serving, had: bool) -> (Handling, Reason) {
        let Serving { handling, reason, .. } = *serving;
        match (handling, reason) {
            (Handling::Hit { .. }, _) if !had => {
                let reason = if reason == Reason::Plain { Reason::Slice } else { reason };
                self.count(Outcome::Miss, reason);
                let (why, status) = (Forward::Partial, Some(StatusCode::PARTIAL_CONTENT.as_u16()));
                (Handling::Forwarded { why, status, stored: true, collapsed: false }, reason)
            }
            (Handling::Hit { .. }, _) => {
                let outcome = if reason == Reason::Swr { Outcome::Stale } else { Outcome::Hit };
                self.count(outcome, reason);
                (handling, reason)
            }
            // It was counted when its head came.
            _ => (handling, reason),
        }
    }

    /// The first slice did not come, and nothing has been sent.
    async fn without_slices(self, ask: &Arc<Ask>, serving: Serving, broken: Broken) -> Response<Body> {
        match broken {
            Broken::Misfit(Misfit::Changed) if !serving.again => {
                let miss = Miss { why: Forward::Partial, reason: Reason::Expired, base: None };
                self.fetch(ask.clone(), miss, true).await
            }
            Broken::Misfit(_) => self.past_slices(ask, Reason::HitForMiss).await,
            Broken::Failed(failure) => {
                let why = Forward::Partial;
                let handling = Handling::Forwarded { why, status: None, stored: false, collapsed: false };
                self.fail(failure.refusal(), handling)
            }
        }
    }

    async fn past_slices(self, ask: &Ask, reason: Reason) -> Response<Body> {
        let Some(target) = ask.key.target() else { return self.refuse(&BAD_TARGET) };
        let parts = self.head.headers.contains_key(header::RANGE);
        match parts || reason == Reason::Credentials {
            true => self.bypass(ask.key.clone(), target, reason).await,
            false => self.alone(ask.key.clone(), target, Forward::Partial).await,
        }
    }
}

fn all_parts(segments: &[Segment], has: impl Fn(&Range<u64>) -> bool) -> bool {
    segments.iter().all(|segment| match segment {
        Segment::Text(_) => true,
        Segment::Part(part) => has(part),
    })
}
