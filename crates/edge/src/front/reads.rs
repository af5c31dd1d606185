//! Reads through the cache. What memory can answer is answered without waiting.

use crate::Inner;
use crate::body::Body;
use crate::config::Kind;
use crate::front::exchange::{BAD_TARGET, Seat, Step, unasked};
use crate::front::respond::{self, Refusal};
use crate::front::sliced::Serving;
use crate::front::strict;
use crate::origin::fill::{self, Ask, Filled};
use crate::policy::validate::is_failure;
use crate::policy::vary::CODINGS;
use crate::policy::{Demand, Encodings, Use, vary};
use crate::purge::generations::Validity;
use crate::see::reason::{Forward, Handling, Outcome, Reason};
use crate::store::encoding::State;
use crate::store::key::Key;
use crate::store::memory::Found;
use crate::store::object::Object;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::Instant;

/// Why a question goes to an origin, and the stale object that it may fall back on.
pub(crate) struct Miss {
    pub(crate) why: Forward,
    pub(crate) reason: Reason,
    pub(crate) base: Option<Arc<Object>>,
}

impl Inner {
    /// Whether an object that is not fresh may be served in the place of an error.
    pub(crate) fn may_stand_in(&self, object: &Object) -> bool {
        object.freshness.covers_error(object.age_s(self.now_us()))
            && object.standing(&self.generations) != Validity::Gone
    }

    /// What memory has for a question, and how it may be used.
    pub(crate) fn look_up(
        &self,
        key: &Key,
        asked: &HeaderMap,
        demand: Option<&Demand>,
        now_us: i64,
    ) -> Result<(Arc<Object>, i64, Use), Miss> {
        let miss = |why, reason| Miss { why, reason, base: None };
        let object = match self.store.get(key, asked) {
            Found::Nothing => return Err(miss(Forward::UriMiss, Reason::Absent)),
            Found::OtherVariant => return Err(miss(Forward::VaryMiss, Reason::Variant)),
            Found::Object(object) => object,
        };
        match object.standing(&self.generations) {
            Validity::Current => {
                let verdict = object.judge(now_us, self.is_blind(), demand, &self.profile);
                Ok((object, now_us, verdict))
            }
            Validity::Soft => Ok((object, now_us, Use::Revalidate(Reason::SoftPurged))),
            Validity::Gone => {
                self.store.remove(key, &object);
                Err(miss(Forward::UriMiss, Reason::Purged))
            }
        }
    }
}

impl Seat {
    /// The hit path: no await from here to the answer.
    pub(super) fn public(self, key: Key) -> Step {
        if let Some(reason) = self.bypass_reason(&key) {
            return match key.target() {
                Some(target) => Step::Wait(Box::pin(self.bypass(key, target, reason))),
                None => Step::Done(self.refuse(&BAD_TARGET)),
            };
        }
        self.answer(key, true)
    }

    /// What memory has lost may be on disk; there it is looked for once.
    fn thawed(self, key: Key) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(async move {
            self.inner.thaw(&key).await;
            match self.answer(key, false) {
                Step::Done(response) => unasked(response),
                Step::Wait(wait) => wait.await,
            }
        })
    }

    fn answer(self, key: Key, first: bool) -> Step {
        let demand = self.inner.profile.clients_decide.then(|| Demand::of(&self.head.headers));
        let miss = match self.inner.look_up(&key, &self.head.headers, demand.as_ref(), self.now_us) {
            Ok((object, now_us, Use::WhileRevalidate { ttl_s })) => {
                return self.stale(key, object, now_us, ttl_s);
            }
            Ok((object, now_us, Use::Fresh { ttl_s })) => {
                return self.hit(key, object, now_us, ttl_s, demand);
            }
            Ok((object, _, Use::Revalidate(reason))) => {
                let why = if reason == Reason::Demanded { Forward::Request } else { Forward::Stale };
                Miss { why, reason, base: Some(object) }
            }
            Err(miss) if first && miss.reason == Reason::Absent && self.inner.is_on_disk(&key) => {
                return Step::Wait(self.thawed(key));
            }
            Err(miss) => miss,
        };
        if demand.is_some_and(|demand| demand.only_if_cached) {
            return Step::Done(self.refuse(&NOT_CACHED));
        }
        if self.head.method == Method::HEAD && self.inner.config.profile == Kind::Rfc {
            return Step::Wait(Box::pin(self.head(key, miss)));
        }
        if miss.base.is_none() && self.inner.flights.is_hit_for_miss(&key, Instant::now()) {
            return match key.target() {
                Some(target) => Step::Wait(Box::pin(self.alone(key, target, miss.why))),
                None => Step::Done(self.refuse(&BAD_TARGET)),
            };
        }
        match self.ask(key) {
            Some(ask) => Step::Wait(Box::pin(self.fetch(Arc::new(ask), miss, false))),
            None => Step::Done(self.refuse(&BAD_TARGET)),
        }
    }

    /// The best coding that the client takes and that is made; what is missing is begun.
    fn coding(&self, object: &Arc<Object>) -> Option<(usize, Bytes)> {
        let codings = object.codings.as_ref()?;
        // Parts are of the plain body alone.
        if self.head.headers.contains_key(header::RANGE) {
            return None;
        }
        let wanted = Encodings::of(&self.head.headers);
        let mut begun = false;
        for coding in (0..CODINGS.len()).filter(|coding| wanted.has(*coding)) {
            match codings.state(coding) {
                State::Ready(body) => return Some((coding, body)),
                State::Missing if !begun => begun = self.begin_coding(object, coding),
                State::Missing | State::Useless => {}
            }
        }
        None
    }

    /// Away from the threads that serve; where those who encode are all busy, the next client asks again.
    fn begin_coding(&self, object: &Arc<Object>, coding: usize) -> bool {
        let Ok(place) = self.inner.encoders.clone().try_acquire_owned() else { return true };
        if let Some(codings) = &object.codings
            && codings.claim(coding)
        {
            let object = object.clone();
            tokio::task::spawn_blocking(move || {
                if let Some(codings) = &object.codings {
                    codings.make(coding, &object.body);
                }
                drop(place);
            });
        }
        true
    }

    fn hit(self, key: Key, object: Arc<Object>, now_us: i64, ttl_s: i64, demand: Option<Demand>) -> Step {
        // A blind edge says that it cannot know of purges.
        let reason = if object.tagged && self.inner.is_blind() { Reason::Blind } else { Reason::Plain };
        let handling = Handling::Hit { ttl_s };
        if object.sliced.is_some() {
            let only_if_cached = demand.is_some_and(|demand| demand.only_if_cached);
            let serving = Serving { object, now_us, handling, reason, only_if_cached, again: false };
            return match self.ask(key) {
                Some(ask) => Step::Wait(self.sliced(Arc::new(ask), serving)),
                None => Step::Done(self.refuse(&BAD_TARGET)),
            };
        }
        self.count(Outcome::Hit, reason);
        let coding = self.coding(&object);
        Step::Done(respond::object(&self.asker(), &object, coding, now_us, handling, reason))
    }

    fn stale(self, key: Key, object: Arc<Object>, now_us: i64, ttl_s: i64) -> Step {
        let (reason, handling) = (Reason::Swr, Handling::Hit { ttl_s });
        let Some(ask) = self.ask(key) else { return Step::Done(self.refuse(&BAD_TARGET)) };
        let ask = Arc::new(ask);
        fill::refresh(&self.inner, ask.clone(), object.clone());
        if object.sliced.is_some() {
            let serving = Serving { object, now_us, handling, reason, only_if_cached: false, again: false };
            return Step::Wait(self.sliced(ask, serving));
        }
        self.count(Outcome::Stale, reason);
        Step::Done(respond::object(&self.asker(), &object, None, now_us, handling, reason))
    }

    /// `again` where a slice of what was held was of another version.
    pub(super) async fn fetch(self, ask: Arc<Ask>, miss: Miss, again: bool) -> Response<Body> {
        let (filled, collapsed) = fill::obtain(&self.inner, &ask, miss.base.as_ref()).await;
        let status = filled.status();
        let handling = |stored| {
            let status = status.map(|status| status.as_u16());
            Handling::Forwarded { why: miss.why, status, stored, collapsed }
        };
        let now_us = self.inner.now_us();
        if let Some(base) = miss.base.as_ref().filter(|_| filled.is_error())
            && self.inner.may_stand_in(base)
        {
            let (reason, handling) = (Reason::StaleIfError, handling(false));
            self.count(Outcome::Stale, reason);
            if base.sliced.is_some() {
                let object = base.clone();
                let serving =
                    Serving { object, now_us, handling, reason, only_if_cached: false, again: true };
                return self.sliced(ask, serving).await;
            }
            return respond::object(&self.asker(), base, None, now_us, handling, reason);
        }
        match filled {
            Filled::Object(object, account) => {
                let reason = account.reason.unwrap_or(miss.reason);
                self.count(outcome(reason, collapsed), reason);
                if object.sliced.is_some() {
                    let (handling, only_if_cached) = (handling(account.stored), false);
                    let serving = Serving { object, now_us, handling, reason, only_if_cached, again };
                    return self.sliced(ask, serving).await;
                }
                respond::object(&self.asker(), &object, None, now_us, handling(account.stored), reason)
            }
            Filled::Growing(follower, account) => {
                self.count(outcome(miss.reason, collapsed), miss.reason);
                respond::growing(&self.asker(), follower, now_us, handling(account.stored), miss.reason)
            }
            Filled::Stream(head, body, reason) => {
                self.count(Outcome::Miss, reason);
                respond::stream(&self.asker(), *head, body, Some(now_us), handling(false), reason)
            }
            Filled::Failed(failure) => self.fail(failure.refusal(), handling(false)),
        }
    }

    fn bypass_reason(&self, key: &Key) -> Option<Reason> {
        let headers = &self.head.headers;
        let credentials = || headers.contains_key(header::AUTHORIZATION);
        let part_of_what_is_not_kept =
            || headers.contains_key(header::RANGE) && self.inner.flights.is_hit_for_miss(key, Instant::now());
        match () {
            () if self.head.method == Method::OPTIONS => Some(Reason::Options),
            () if !self.inner.profile.credentials_cached && credentials() => Some(Reason::Credentials),
            () if part_of_what_is_not_kept() => Some(Reason::HitForMiss),
            () => None,
        }
    }

    pub(super) fn ask(&self, key: Key) -> Option<Ask> {
        let target = key.target()?;
        let headers = self.asking(&key);
        Some(Ask { key, target, asked: self.head.headers.clone(), headers })
    }

    /// The fields by which an origin is asked for what may be kept.
    pub(super) fn asking(&self, key: &Key) -> HeaderMap {
        let mut headers = match self.inner.config.profile {
            Kind::Sangraha => self.listed(key),
            Kind::Rfc => self.whole(key),
        };
        // One spelling for each set: what the origin sees is what variants are told apart by.
        match Encodings::of(&self.head.headers).spelled() {
            "" => drop(headers.remove(header::ACCEPT_ENCODING)),
            spelled => drop(headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(spelled))),
        }
        headers
    }

    /// An allow-list, so that nothing outside the key can change the answer.
    fn listed(&self, key: &Key) -> HeaderMap {
        let mut headers = strict::forwarded_listed(&self.head.headers, &[], &self.trail(key.host()));
        let accept = vary::normalised(&self.head.headers, &header::ACCEPT);
        if let Some(accept) = accept.and_then(|accept| HeaderValue::try_from(accept).ok()) {
            headers.insert(header::ACCEPT, accept);
        }
        headers
    }

    /// Everything but the client's own conditionals: the whole is asked for, and its parts are cut here.
    fn whole(&self, key: &Key) -> HeaderMap {
        const CONDITIONALS: [HeaderName; 6] = [
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::IF_MODIFIED_SINCE,
            header::IF_UNMODIFIED_SINCE,
            header::IF_RANGE,
            header::RANGE,
        ];
        let mut headers = strict::forwarded_whole(&self.head.headers, &self.trail(key.host()));
        CONDITIONALS.iter().for_each(|name| drop(headers.remove(name)));
        headers
    }
}

pub(super) const NOT_CACHED: Refusal =
    Refusal::new(StatusCode::GATEWAY_TIMEOUT, Reason::OnlyIfCached, "There is no fresh copy.");

fn outcome(reason: Reason, collapsed: bool) -> Outcome {
    match reason {
        _ if collapsed => Outcome::Collapsed,
        Reason::Revalidated => Outcome::Revalidated,
        _ => Outcome::Miss,
    }
}

impl Filled {
    fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Object(_, account) | Self::Growing(_, account) => Some(account.status),
            Self::Stream(head, ..) => Some(head.status),
            Self::Failed(_) => None,
        }
    }

    /// What a stale object may stand in for.
    fn is_error(&self) -> bool {
        self.status().is_none_or(is_failure)
    }
}
