//! What every place for the log must keep: backends × promises, each case under its own name.
//!
//! A promise that is written here but not listed is dead code, and does not compile.

use crate::{Config, Entry, Error, OutboxCursor, Pending, Stream};
use domain::{EntityKind, EntityRef, Event, EventKind};
use std::collections::HashSet;
use std::time::Duration;
use testkit::database::{Opened, fresh};
use uuid::Uuid;

macro_rules! conformance {
    ({ $($backend:ident => $open:path;)* } $($promise:ident,)*) => {
        conformance!(@ [$($backend => $open;)*] $($promise)*);
    };
    (@ [] $($promise:ident)*) => {};
    (@ [$backend:ident => $open:path; $($rest:tt)*] $($promise:ident)*) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    if let Some(place) = $open().await {
                        super::$promise(place.stream.clone()).await;
                    }
                }
            )*
        }
        conformance!(@ [$($rest)*] $($promise)*);
    };
}

conformance! {
    { postgres => super::tables; }
        the_order_is_total_and_without_gaps,
        reading_twice_gives_the_same,
        the_same_id_twice_is_there_once,
        a_waiting_reader_returns_soon_after_an_append,
        a_waiting_reader_gives_up_in_time,
        two_appenders_leave_no_gap,
        the_head_never_goes_back,
        reading_below_the_trim_is_an_error,
        too_much_at_once_is_refused,
        all_that_was_told_comes_back,
}

/// An open log, and what must live as long.
struct Place {
    stream: Stream,
    _store: Opened,
}

/// The log in tables of a database of its own.
async fn tables() -> Option<Place> {
    let opened = fresh().await?.open().await;
    let (reader, writer) = (opened.store.reader.clone(), opened.store.writer.clone());
    let stream = Stream::open(&Config::Postgres, reader, writer).await.expect("the log opens");
    Some(Place { stream, _store: opened })
}

const NO_WAIT: Duration = Duration::ZERO;

fn pending(version: i64) -> Pending {
    let entity = EntityRef { kind: EntityKind::Raga, id: Uuid::now_v7() };
    let at = domain::Clock::system().now();
    let event = Event { id: Uuid::now_v7(), kind: EventKind::Published, entity: Some(entity), version, at };
    Pending { epoch: 1, event, lsn: 7, ungated: false }
}

fn some(count: i64) -> Vec<Pending> {
    (1..=count).map(pending).collect()
}

fn positions(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.position).collect()
}

fn ids(entries: &[Entry]) -> Vec<Uuid> {
    entries.iter().map(|entry| entry.event.id).collect()
}

async fn the_order_is_total_and_without_gaps(stream: Stream) {
    let events = some(5);
    assert_eq!(stream.append(&events[..2], None).await.unwrap(), 2);
    assert_eq!(stream.append(&events[2..], None).await.unwrap(), 5);
    let entries = stream.read(0, 10, NO_WAIT).await.unwrap();
    assert_eq!(positions(&entries), [1, 2, 3, 4, 5]);
    assert_eq!(ids(&entries), events.iter().map(|event| event.event.id).collect::<Vec<_>>());
}

async fn reading_twice_gives_the_same(stream: Stream) {
    stream.append(&some(4), None).await.unwrap();
    let first = stream.read(1, 2, NO_WAIT).await.unwrap();
    stream.append(&some(1), None).await.unwrap();
    assert_eq!(stream.read(1, 2, NO_WAIT).await.unwrap(), first);
    assert_eq!(positions(&first), [2, 3]);
}

async fn the_same_id_twice_is_there_once(stream: Stream) {
    let events = some(3);
    let twice = [events[0].clone(), events[1].clone(), events[0].clone()];
    assert_eq!(stream.append(&twice, None).await.unwrap(), 2);
    assert_eq!(stream.append(&events, None).await.unwrap(), 3);
    assert_eq!(stream.append(&events, None).await.unwrap(), 3);
    assert_eq!(positions(&stream.read(0, 10, NO_WAIT).await.unwrap()), [1, 2, 3]);
}

async fn a_waiting_reader_returns_soon_after_an_append(stream: Stream) {
    let reader = stream.clone();
    let waiting = tokio::spawn(async move { reader.read(0, 10, Stream::WAIT_MAX).await });
    stream.append(&some(1), None).await.unwrap();
    let appended = std::time::Instant::now();
    assert_eq!(positions(&waiting.await.unwrap().unwrap()), [1]);
    assert!(appended.elapsed() < Stream::WAIT_MAX / 3);
}

async fn a_waiting_reader_gives_up_in_time(stream: Stream) {
    assert!(stream.read(0, 10, Duration::from_millis(30)).await.unwrap().is_empty());
}

async fn two_appenders_leave_no_gap(stream: Stream) {
    let appenders: Vec<_> = (0..4)
        .map(|_| {
            let stream = stream.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    stream.append(&some(3), None).await.unwrap();
                }
            })
        })
        .collect();
    for appender in appenders {
        appender.await.unwrap();
    }
    let entries = stream.read(0, 500, NO_WAIT).await.unwrap();
    assert_eq!(positions(&entries), (1..=120).collect::<Vec<_>>());
    assert_eq!(ids(&entries).into_iter().collect::<HashSet<_>>().len(), 120);
}

async fn the_head_never_goes_back(stream: Stream) {
    assert_eq!(stream.head().await.unwrap().position, 0);
    let mut last = 0;
    for _ in 0..5 {
        stream.append(&some(2), None).await.unwrap();
        let head = stream.head().await.unwrap();
        assert!(head.position > last);
        last = head.position;
    }
    stream.trim(4).await.unwrap();
    let head = stream.head().await.unwrap();
    assert_eq!((head.position, head.trimmed), (10, 4));
}

async fn reading_below_the_trim_is_an_error(stream: Stream) {
    stream.append(&some(5), None).await.unwrap();
    assert_eq!(stream.trim(3).await.unwrap(), 3);
    for after in [0, 2] {
        let refused = stream.read(after, 10, NO_WAIT).await;
        assert!(matches!(refused, Err(Error::Trimmed { trimmed: 3 })), "{refused:?}");
    }
    assert_eq!(positions(&stream.read(3, 10, NO_WAIT).await.unwrap()), [4, 5]);
    assert_eq!(stream.trim(1_000).await.unwrap(), 2);
    assert_eq!(stream.append(&some(1), None).await.unwrap(), 6);
    assert_eq!(positions(&stream.read(5, 10, NO_WAIT).await.unwrap()), [6]);
}

async fn too_much_at_once_is_refused(stream: Stream) {
    let too_many = some(i64::try_from(Stream::BATCH_MAX).unwrap() + 1);
    assert!(matches!(stream.append(&too_many, None).await, Err(Error::TooMany)));
    assert_eq!(stream.head().await.unwrap().position, 0);
}

async fn all_that_was_told_comes_back(stream: Stream) {
    let mut told = pending(3);
    told.event.kind = EventKind::Withdrawn;
    (told.lsn, told.ungated) = (1 << 40, true);
    stream.append(std::slice::from_ref(&told), Some(OutboxCursor { tx: 1 << 40, seq: 9 })).await.unwrap();
    let entry = stream.read(0, 1, NO_WAIT).await.unwrap().remove(0);
    assert_eq!((entry.epoch, entry.event, entry.lsn, entry.ungated), (1, told.event, 1 << 40, true));
}
