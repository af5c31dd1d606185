//! Long bodies in slices: what memory holds of one is a head without a body, and pieces of one size under keys of
//! their own, each asked for by a range of its own.
//!
//! A head is judged like any object: how fresh it is, what was purged, whether its origin confirms it. A piece is
//! named by the version that it belongs to (its strong entity tag), so that pieces of two versions never meet, and is
//! found only by way of a head. It has the head's tags, and so no purge that was meant for the one spares the other.

use crate::Inner;
use crate::body::Collected;
use crate::origin::collapse::{Boarding, Landing, Leader};
use crate::origin::fill::Ask;
use crate::origin::plan::read_lsn;
use crate::origin::upstream::{Failure, Tries};
use crate::policy::slices::{Misfit, Piece, fits};
use crate::policy::{Exchange, admit};
use crate::purge::generations::Validity;
use crate::store::key::Key;
use crate::store::memory::Found;
use crate::store::object::{Made, Object};
use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::response::Parts;
use http::{Method, StatusCode};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A body that is kept in slices.
pub(crate) struct Sliced {
    inner: Arc<Inner>,
    ask: Arc<Ask>,
    /// Its head.
    object: Arc<Object>,
    length: u64,
    slice_bytes: u64,
}

/// Why there is no slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The origin's answer is not the slice that was asked for.
    Misfit(Misfit),
    Failed(Failure),
}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        Self::new(io::ErrorKind::ConnectionAborted, format!("a slice is missing: {broken:?}"))
    }
}

impl Sliced {
    /// `None` where `object` is kept whole, or slices are switched off by now.
    pub(crate) fn of(inner: &Arc<Inner>, ask: &Arc<Ask>, object: &Arc<Object>) -> Option<Arc<Self>> {
        let (length, slice_bytes) = (object.sliced?, inner.config.slice_bytes());
        let (inner, ask, object) = (inner.clone(), ask.clone(), object.clone());
        (slice_bytes > 0).then(|| Arc::new(Self { inner, ask, object, length, slice_bytes }))
    }

    pub(crate) const fn slice_bytes(&self) -> u64 {
        self.slice_bytes
    }

    /// Whether memory holds what is needed for these bytes.
    pub(crate) fn holds(&self, bytes: &Range<u64>) -> bool {
        self.numbers(bytes).all(|number| self.at_hand(number).is_some())
    }

    /// Whether memory or the disk most likely has it; of a long stretch as much as the first slices say.
    pub(crate) fn likely_has(&self, bytes: &Range<u64>) -> bool {
        const LOOKS: usize = 64;
        let has = |number| self.at_hand(number).is_some() || self.inner.is_on_disk(&self.key(number));
        self.numbers(bytes).take(LOOKS).all(has)
    }

    fn numbers(&self, bytes: &Range<u64>) -> Range<u64> {
        bytes.start / self.slice_bytes..bytes.end.div_ceil(self.slice_bytes)
    }

    /// A slice, where memory has it.
    pub(crate) fn at_hand(&self, number: u64) -> Option<Bytes> {
        self.held(&self.key(number), number)
    }

    /// A slice, where memory or the disk has it.
    pub(crate) async fn kept(&self, number: u64) -> Option<Bytes> {
        let key = self.key(number);
        if let Some(bytes) = self.held(&key, number) {
            return Some(bytes);
        }
        if !self.inner.is_on_disk(&key) {
            return None;
        }
        self.inner.thaw(&key).await;
        self.held(&key, number)
    }

    /// A slice: from memory, from disk, from somebody else's request, or from the origin.
    pub(crate) async fn slice(self: Arc<Self>, number: u64) -> Result<Bytes, Broken> {
        match self.kept(number).await {
            Some(bytes) => Ok(bytes),
            None => self.obtain(number).await,
        }
    }

    /// A slice that is not kept: from somebody else's request, or from the origin.
    pub(crate) async fn obtain(self: Arc<Self>, number: u64) -> Result<Bytes, Broken> {
        /// One flight may lose its leader.
        const BOARDINGS_MAX: u32 = 2;
        let (inner, key) = (&self.inner, self.key(number));
        for _ in 0..BOARDINGS_MAX {
            match inner.flights.board(&key, inner.generations.now()) {
                Boarding::Alone => break,
                Boarding::Lead(leader) => return self.lead(key, number, leader).await,
                // Asking as well would make a slow origin slower: the leader has limits of its own, and always ends.
                Boarding::Wait(mut waiting) => match waiting.wait_for(Option::is_some).await.as_deref() {
                    Err(_) => {}
                    Ok(Some(Landing::Slice(slice))) => return slice.clone(),
                    Ok(_) => break,
                },
            }
        }
        self.fetch(&key, number).await
    }

    /// The request runs on its own, so that a leader who hangs up takes nobody along.
    async fn lead(self: Arc<Self>, key: Key, number: u64, leader: Leader) -> Result<Bytes, Broken> {
        let (hand_over, mine) = oneshot::channel();
        tokio::spawn(async move {
            // The flight before this one may have ended since we looked.
            let slice = match self.held(&key, number) {
                Some(bytes) => Ok(bytes),
                None => self.fetch(&key, number).await,
            };
            leader.announce(Landing::Slice(slice.clone()));
            drop(leader);
            // Nobody there any more: it is kept all the same.
            drop(hand_over.send(slice));
        });
        mine.await.unwrap_or(Err(Broken::Failed(Failure::Reset)))
    }

    async fn fetch(&self, key: &Key, number: u64) -> Result<Bytes, Broken> {
        let slice = self.ask_origin(key, number).await;
        let telemetry = &self.inner.telemetry;
        match slice {
            Ok(_) => telemetry.slice("kept"),
            Err(Broken::Misfit(Misfit::Changed)) => {
                telemetry.slice("changed");
                self.inner.discard(&self.ask.key, &self.object);
            }
            Err(Broken::Misfit(Misfit::Unfit)) => {
                telemetry.slice("unfit");
                tracing::warn!(
                    key = %String::from_utf8_lossy(self.ask.key.text()),
                    number,
                    "An origin that announces ranges did not answer one as it was asked; its body passes through"
                );
                self.inner.discard(&self.ask.key, &self.object);
                self.inner.flights.mark(&self.ask.key, false);
            }
            Err(Broken::Misfit(Misfit::Refused)) => telemetry.slice("refused"),
            Err(Broken::Failed(_)) => telemetry.slice("failed"),
        }
        slice
    }

    async fn ask_origin(&self, key: &Key, number: u64) -> Result<Bytes, Broken> {
        let Self { inner, ask, .. } = self;
        let misfit = |misfit| Broken::Misfit(misfit);
        let piece = self.piece(number);
        let mut headers = ask.headers.clone();
        headers.insert(header::RANGE, piece.asked());
        // Noted before anything is sent: what is purged from here on cannot be in the answer for sure.
        let generation = inner.generations.now();
        let mut tries = Tries::new();
        loop {
            let read = inner.public.read(&Method::GET, &ask.target, || headers.clone(), &mut tries);
            let answer = read.await.map_err(Broken::Failed)?;
            let origin = answer.origin;
            let (head, relay) = answer.into_parts();
            fits(head.status, &head.headers, &self.object.headers, &piece).map_err(misfit)?;
            self.may_be_kept(&head)?;
            let length = usize::try_from(piece.length()).unwrap_or(usize::MAX);
            match relay.collect(length, None).await {
                Ok(Collected::Whole(body)) if body.len() == length => {
                    self.keep(key, &head.headers, generation, body.clone());
                    return Ok(body);
                }
                Ok(_) => return Err(misfit(Misfit::Unfit)),
                // Nothing of it has reached a client.
                Err(_) if inner.public.may_retry(&mut tries, origin, Failure::Reset) => {}
                Err(_) => return Err(Broken::Failed(Failure::Reset)),
            }
        }
    }

    /// A part may be kept where the whole may; one that says otherwise is of something else.
    fn may_be_kept(&self, head: &Parts) -> Result<(), Broken> {
        let now_s = u64::try_from(self.inner.now_us() / 1_000_000).unwrap_or(0);
        // What this client asks of caches says nothing about the origin's answer.
        let (asked, headers) = (&HeaderMap::new(), &head.headers);
        let exchange = Exchange { asked, status: StatusCode::OK, headers, sent_s: now_s, received_s: now_s };
        match admit(&exchange, &self.inner.profile) {
            Ok(_) => Ok(()),
            Err(_) => Err(Broken::Misfit(Misfit::Changed)),
        }
    }

    fn keep(&self, key: &Key, headers: &HeaderMap, generation: u64, body: Bytes) {
        let Self { inner, object, ask, .. } = self;
        if ask.is_personal(&inner.profile)
            || inner.generations.admits(generation, &object.tags, read_lsn(headers)).is_err()
        {
            return;
        }
        let slice = Object::new(Made {
            status: StatusCode::PARTIAL_CONTENT,
            headers: HeaderMap::new(),
            body,
            freshness: object.freshness,
            received_us: inner.now_us(),
            fill: generation,
            tags: object.tags.clone(),
            tagged: object.tagged,
            variant: object.variant.clone(),
            tag_words: "".into(),
            sliced: None,
        });
        inner.keep(key, Arc::new(slice), &ask.asked);
    }

    /// The head says whether this version is current; of the slice it matters only that it was not purged.
    fn held(&self, key: &Key, number: u64) -> Option<Bytes> {
        let Self { inner, object, .. } = self;
        let Found::Object(slice) = inner.store.get(key, &self.ask.asked) else { return None };
        // A confirmation may have given the head other tags than the slice came with.
        if slice.standing(&inner.generations) == Validity::Gone
            || slice.tags != object.tags
                && inner.generations.standing(slice.fill, &object.tags) == Validity::Gone
        {
            self.inner.store.remove(key, &slice);
            return None;
        }
        (slice.body.len() as u64 == self.piece(number).length()).then(|| slice.body.clone())
    }

    fn piece(&self, number: u64) -> Piece {
        let start = number.saturating_mul(self.slice_bytes).min(self.length);
        Piece { bytes: start..start.saturating_add(self.slice_bytes).min(self.length), total: self.length }
    }

    fn key(&self, number: u64) -> Key {
        key(&self.inner, &self.ask.key, &self.object, number, self.slice_bytes)
    }
}

/// A slice is named by its size, its number and its version: by length and coding too, because there are origins that
/// give one tag to several bodies.
fn key(inner: &Inner, of: &Key, object: &Object, number: u64, slice_bytes: u64) -> Key {
    let field = |name| object.headers.get(name).map_or(&b""[..], |value| value.as_bytes());
    let (tag, coding, length) =
        (field(header::ETAG), field(header::CONTENT_ENCODING), object.sliced.unwrap_or(0));
    let place = format!(" slice {slice_bytes} {number} {length} {} ", coding.len());
    let name = [place.as_bytes(), coding, tag].concat();
    of.piece(&name, &inner.hasher)
}

/// How many slices of a body memory holds, and how many it has.
pub(crate) fn count(inner: &Inner, of: &Key, object: &Object) -> Option<(u64, u64)> {
    let slice_bytes = inner.config.slice_bytes();
    let all = object.sliced.filter(|_| slice_bytes > 0)?.div_ceil(slice_bytes);
    let held = |number: &u64| !inner.store.variants(&key(inner, of, object, *number, slice_bytes)).is_empty();
    Some(((0..all).filter(held).count() as u64, all))
}

impl Inner {
    /// Frees the slices of a version that nobody will ask for again.
    pub(crate) fn drop_slices(&self, of: &Key, object: &Object) {
        let (Some(length), slice_bytes @ 1..) = (object.sliced, self.config.slice_bytes()) else { return };
        for number in 0..length.div_ceil(slice_bytes) {
            let key = key(self, of, object, number, slice_bytes);
            self.store.remove_key(&key);
            self.freeze(&key);
        }
    }
}
