//! Asking an origin for a cacheable answer, for one or for many.

use crate::Inner;
use crate::body::{Collected, Relay};
use crate::config::ms;
use crate::origin::collapse::{Boarding, Landing, Leader, Waiting};
use crate::origin::growing::{Added, Follower, Growing, Whole};
use crate::origin::plan::{Plan, Times, settle};
use crate::origin::upstream::{Failure, Tries};
use crate::policy::slices::divisible;
use crate::policy::validate::{conditionals, confirms};
use crate::policy::{Demand, Profile};
use crate::see::reason::Reason;
use crate::store::key::Key;
use crate::store::object::Object;
use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::response::Parts;
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// A cacheable question, free of the client that asked it.
pub(crate) struct Ask {
    pub(crate) key: Key,
    pub(crate) target: PathAndQuery,
    /// The client's fields, which select a variant.
    pub(crate) asked: HeaderMap,
    /// The fields of the request to the origin, without conditionals.
    pub(crate) headers: HeaderMap,
}

impl Ask {
    /// Whether its answer says nothing about what the next one gets: it was asked with credentials, or by a client that
    /// wants nothing of it kept.
    pub(crate) fn is_personal(&self, profile: &Profile) -> bool {
        self.asked.contains_key(header::AUTHORIZATION)
            || profile.clients_decide && Demand::of(&self.asked).no_store
    }
}

/// What came of asking.
pub(crate) enum Filled {
    /// A complete response, stored or not.
    Object(Arc<Object>, Account),
    /// A response that will be stored when it has arrived.
    Growing(Follower, Account),
    /// A response that is not kept, still arriving, and why not.
    Stream(Box<Parts>, Relay, Reason),
    Failed(Failure),
}

/// How an object came about, for `Cache-Status`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    /// The origin's status.
    pub(crate) status: StatusCode,
    pub(crate) stored: bool,
    /// Why it was not stored, or that it was revalidated.
    pub(crate) reason: Option<Reason>,
}

impl Account {
    /// Waiters may have an answer that was meant for all, stored or not, and an error that they would get too.
    pub(crate) fn is_shareable(&self) -> bool {
        use Reason::{BadTags, Floor, PurgedInFill, TooLarge};
        self.stored && self.reason != Some(Reason::Private)
            || self.status.is_server_error() && self.reason == Some(Reason::Status)
            || matches!(self.reason, Some(BadTags | Floor | PurgedInFill | TooLarge))
    }
}

/// Gets an answer from an origin, alone or together with everyone who asks the same. The flag says whether it was
/// another request's answer.
pub(crate) async fn obtain(inner: &Arc<Inner>, ask: &Arc<Ask>, base: Option<&Arc<Object>>) -> (Filled, bool) {
    let (filled, shared) = share(inner, ask, base).await;
    match filled {
        // Parts are cut from the whole; where there will be none, the whole is what is sent.
        Filled::Growing(follower, account) if ask.asked.contains_key(header::RANGE) => {
            match follower.whole().await {
                Whole::Object(object) => (Filled::Object(object, account), shared),
                Whole::Passing(follower) => (Filled::Growing(follower, account), shared),
                Whole::Broken => (Filled::Failed(Failure::Reset), shared),
            }
        }
        filled => (filled, shared),
    }
}

async fn share(inner: &Arc<Inner>, ask: &Arc<Ask>, base: Option<&Arc<Object>>) -> (Filled, bool) {
    /// One flight may lose its leader; after two the question is asked alone.
    const BOARDINGS_MAX: u32 = 2;
    let patience = ms(inner.config.collapse_wait_ms_max);
    // What is asked with credentials may be answered for one person alone.
    let alone = ask.asked.contains_key(header::AUTHORIZATION)
        || inner.flights.is_hit_for_miss(&ask.key, Instant::now());
    let boardings = if alone { 0 } else { BOARDINGS_MAX };
    for _ in 0..boardings {
        match inner.flights.board(&ask.key, inner.generations.now()) {
            Boarding::Alone => break,
            Boarding::Lead(leader) => return (lead(inner, ask, base, leader).await, false),
            Boarding::Wait(waiting) => match landed(waiting, patience, &ask.asked).await {
                Waited::Shared(filled) => return (filled, true),
                Waited::Alone => break,
                Waited::Orphaned => {}
            },
        }
    }
    (go_alone(inner, ask, base).await, false)
}

/// What nobody else waits for needs no task of its own, unless it is to be kept.
async fn go_alone(inner: &Arc<Inner>, ask: &Arc<Ask>, base: Option<&Arc<Object>>) -> Filled {
    let (filled, arriving) = Errand { inner, ask, base }.fill().await;
    if let Some(arriving) = arriving {
        let (inner, ask, base) = (inner.clone(), ask.clone(), base.cloned());
        tokio::spawn(async move {
            let errand = Errand { inner: &inner, ask: &ask, base: base.as_ref() };
            errand.receive(arriving, None).await;
        });
    }
    filled
}

/// Refreshes an object behind the client's back, unless somebody does already.
pub(crate) fn refresh(inner: &Arc<Inner>, ask: Arc<Ask>, base: Arc<Object>) {
    if inner.flights.is_hit_for_miss(&ask.key, Instant::now()) {
        return;
    }
    if let Boarding::Lead(leader) = inner.flights.board(&ask.key, inner.generations.now()) {
        let inner = inner.clone();
        tokio::spawn(async move {
            let errand = Errand { inner: &inner, ask: &ask, base: Some(&base) };
            errand.run(leader, |_| {}).await;
        });
    }
}

enum Waited {
    Shared(Filled),
    Alone,
    Orphaned,
}

async fn landed(mut waiting: Waiting, patience: Duration, asked: &HeaderMap) -> Waited {
    let landing = match timeout(patience, waiting.wait_for(Option::is_some)).await {
        Err(_) => return Waited::Alone,
        Ok(Err(_)) => return Waited::Orphaned,
        Ok(Ok(landing)) => landing.clone(),
    };
    match landing {
        Some(Landing::Object(object, account)) if object.variant.answers(asked) => {
            Waited::Shared(Filled::Object(object, account))
        }
        Some(Landing::Growing(growing, account)) if growing.shell.variant.answers(asked) => {
            let follower = growing.follow();
            follower.map_or(Waited::Alone, |follower| Waited::Shared(Filled::Growing(follower, account)))
        }
        Some(Landing::Failed(failure)) => Waited::Shared(Filled::Failed(failure)),
        _ => Waited::Alone,
    }
}

/// The request runs on its own, so that a leader who hangs up takes nobody along.
async fn lead(inner: &Arc<Inner>, ask: &Arc<Ask>, base: Option<&Arc<Object>>, leader: Leader) -> Filled {
    let (inner, ask, base) = (inner.clone(), ask.clone(), base.cloned());
    let (hand_over, mine) = oneshot::channel();
    tokio::spawn(async move {
        let errand = Errand { inner: &inner, ask: &ask, base: base.as_ref() };
        // Nobody there any more: the object is stored all the same.
        errand.run(leader, |filled| drop(hand_over.send(filled))).await;
    });
    mine.await.unwrap_or(Filled::Failed(Failure::Reset))
}

/// Tells those who wait.
pub(crate) fn announce(leader: &Leader, filled: &Filled) {
    leader.announce(match filled {
        Filled::Object(object, account) if account.is_shareable() => {
            Landing::Object(object.clone(), *account)
        }
        Filled::Growing(follower, account) => Landing::Growing(follower.growing().clone(), *account),
        Filled::Object(..) | Filled::Stream(..) => Landing::NotShared,
        Filled::Failed(failure) => Landing::Failed(*failure),
    });
}

/// A complete response as it came.
pub(crate) struct Received {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    pub(crate) times: Times,
}

impl Received {
    pub(crate) fn land(self, inner: &Inner, ask: &Ask, base: Option<&Arc<Object>>) -> Filled {
        match Plan::of(inner, ask, base, &self.head, self.times) {
            Ok(plan) => plan.land(inner, ask, base, self.body),
            Err(failure) => Filled::Failed(failure),
        }
    }
}

/// One question on its way to an origin.
struct Errand<'a> {
    inner: &'a Inner,
    ask: &'a Ask,
    base: Option<&'a Arc<Object>>,
}

/// An answer that is read while it arrives.
struct Arriving {
    plan: Plan,
    relay: Relay,
    growing: Arc<Growing>,
}

impl Errand<'_> {
    /// Asks, hands the answer over as soon as it can be served, and stays until it has arrived.
    async fn run(&self, leader: Leader, hand_over: impl FnOnce(Filled)) {
        let (filled, arriving) = self.fill().await;
        announce(&leader, &filled);
        let Some(arriving) = arriving else {
            drop(leader);
            return hand_over(filled);
        };
        hand_over(filled);
        self.receive(arriving, Some(leader)).await;
    }

    /// Asks the public API and stores what may be stored.
    async fn fill(&self) -> (Filled, Option<Arriving>) {
        let Self { inner, ask, base } = self;
        // Noted before anything is sent: what is purged from here on cannot be in the answer for sure.
        let generation = inner.generations.now();
        let mut base = *base;
        let mut headers = ask.headers.clone();
        headers.extend(base.into_iter().flat_map(|base| conditionals(&base.headers)));
        let mut tries = Tries::new();
        loop {
            let sent_us = inner.now_us();
            let answer =
                match inner.public.read(&Method::GET, &ask.target, || headers.clone(), &mut tries).await {
                    Ok(answer) => answer,
                    Err(failure) => return (Filled::Failed(failure), None),
                };
            let times = Times { generation, sent_us, received_us: inner.now_us() };
            let origin = answer.origin;
            let (head, relay) = answer.into_parts();
            if head.status == StatusCode::NOT_MODIFIED
                && let Some(held) = base
                && !confirms(&held.headers, &head.headers)
            {
                // It speaks of a version that we do not have: ask again, for the whole.
                (base, headers) = (None, ask.headers.clone());
                continue;
            }
            if let Some(base) = base
                && is_other(base, &head)
                && !ask.is_personal(&inner.profile)
            {
                inner.drop_slices(&ask.key, base);
            }
            match self.take(base, head, times, relay).await {
                Ok(taken) => return taken,
                // Nothing has reached the client yet.
                Err(_) if inner.public.may_retry(&mut tries, origin, Failure::Reset) => {}
                Err(_) => return (Filled::Failed(Failure::Reset), None),
            }
        }
    }

    /// The whole body where it is there at once; otherwise what is to become of it while it arrives.
    async fn take(
        &self,
        base: Option<&Arc<Object>>,
        head: Parts,
        times: Times,
        relay: Relay,
    ) -> Result<(Filled, Option<Arriving>), io::Error> {
        /// What comes within this time is answered as a whole, with its length, and with another try should it break.
        const AT_ONCE: Duration = Duration::from_millis(10);
        let Self { inner, ask, .. } = self;
        let bytes_max = inner.config.object_bytes_max;
        let land = |head, body| Received { head, body, times }.land(inner, ask, base);
        let relay = match relay.collect(bytes_max, Some(AT_ONCE)).await? {
            Collected::Whole(body) => return Ok((land(head, body), None)),
            Collected::Long(relay) => return Ok((self.too_long(base, head, times, relay), None)),
            Collected::Slow(relay) => relay,
        };
        let plan = match Plan::of(inner, ask, base, &head, times) {
            Ok(plan) => plan,
            Err(failure) => return Ok((Filled::Failed(failure), None)),
        };
        if plan.may_grow(inner) {
            return Ok(grow(plan, relay, bytes_max));
        }
        if let Some(reason) = plan.is_personal(inner) {
            let account = Account { status: head.status, stored: false, reason: Some(reason) };
            settle(inner, ask, base, &account);
            return Ok((Filled::Stream(Box::new(head), relay, reason), None));
        }
        match relay.collect(bytes_max, None).await? {
            Collected::Whole(body) => Ok((land(head, body), None)),
            Collected::Long(relay) | Collected::Slow(relay) => {
                Ok((self.too_long(base, head, times, relay), None))
            }
        }
    }

    /// What cannot be kept whole is kept in slices, if it can, and passes by if not. Of the former the body that is on
    /// its way is let go: from now on each slice is asked for by itself.
    fn too_long(&self, base: Option<&Arc<Object>>, head: Parts, times: Times, relay: Relay) -> Filled {
        let Self { inner, ask, .. } = self;
        let slice_bytes = inner.config.slice_bytes();
        let length = divisible(head.status, &head.headers, relay.size_hint().exact(), slice_bytes);
        // Others may not have what was asked with credentials, and each slice would show them again.
        let personal = ask.is_personal(&inner.profile);
        if let Some(length) = length.filter(|_| !personal)
            && let Ok(plan) = Plan::of(inner, ask, base, &head, times)
            && plan.may_grow(inner)
        {
            return plan.divide(inner, ask, base, length);
        }
        // How one client asks says nothing about the next one.
        if length.is_none() || !personal {
            inner.flights.mark(&ask.key, false);
        }
        Filled::Stream(Box::new(head), relay, Reason::TooLarge)
    }

    /// Passes the body on as it comes, and stores it once it has ended well.
    async fn receive(&self, arriving: Arriving, mut leader: Option<Leader>) {
        let Arriving { plan, mut relay, growing } = arriving;
        let end = loop {
            if !growing.ready().await {
                break Err(io::ErrorKind::ConnectionAborted);
            }
            match relay.next().await {
                None => break Ok(()),
                Some(Err(error)) => break Err(error.kind()),
                Some(Ok(part)) => {
                    if growing.add(part) == Added::TooLong {
                        // Those who ask from now on go alone, at once.
                        self.inner.flights.mark(&self.ask.key, false);
                        leader = None;
                    }
                }
            }
        };
        let body = growing.kept().filter(|_| end.is_ok());
        let object = body.map(|body| match plan.land(self.inner, self.ask, self.base, body) {
            Filled::Object(object, _) => object,
            Filled::Growing(..) | Filled::Stream(..) | Filled::Failed(_) => growing.shell.clone(),
        });
        growing.end(end, object);
        drop(leader);
    }
}

/// Whether an answer puts something else in the place of what is held.
fn is_other(base: &Object, head: &Parts) -> bool {
    let stays = head.status == StatusCode::NOT_MODIFIED || head.status.is_server_error();
    !stays && head.headers.get(header::ETAG) != base.headers.get(header::ETAG)
}

fn grow(plan: Plan, mut relay: Relay, bytes_max: usize) -> (Filled, Option<Arriving>) {
    let length = relay.size_hint().exact();
    let growing = Growing::new(plan.shell(), length, bytes_max, relay.taken());
    // Nobody else has it yet, so its first byte is there.
    match growing.follow() {
        Some(follower) => {
            (Filled::Growing(follower, plan.account()), Some(Arriving { plan, relay, growing }))
        }
        None => (Filled::Failed(Failure::Protocol), None),
    }
}
