//! A follower that ends anywhere, again and again, loses nothing.

use crate::support::*;
use domain::EntityRef;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use testkit::fixtures::mela;
use tokio_util::sync::CancellationToken;

/// Runs `future` until it has been polled `polls` times, then drops it where it is.
async fn killed_after(polls: u32, future: impl Future<Output = ()>) {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        future.as_mut().poll(context)
    })
    .await;
}

async fn busy(world: &World, songs: &[EntityRef], round: u32) {
    let song = songs[round as usize % songs.len()];
    if round % 5 == 4 {
        unpublish(&world.writer, song).await;
        change(&world.writer, song, |it| it.submit(&testkit::fixtures::stamp()).unwrap()).await;
        publish(&world.writer, song).await;
    } else {
        retitle(&world.writer, song, &format!("song of round {round}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_killed_at_any_point_loses_nothing() {
    let Some((_database, world)) = World::fresh().await else { return };
    let refers = refers(&world.writer, mela(15)).await;
    let mut songs = Vec::new();
    for number in 0..3 {
        songs.push(import(&world.writer, song(&format!("song {number}"), refers)).await);
    }
    let _relay = world.relay();
    // An edge that follows all the time, and remembers what it was told.
    let edge = {
        let feed = world.feed.clone();
        tokio::spawn(async move {
            let (mut at, mut told) = ((0, 0), Vec::new());
            loop {
                let batch = feed.next("edge", at.0, at.1, Duration::from_secs(30)).await.unwrap();
                let known = batch.epoch == at.0 && !batch.purge_all;
                told.push((known.then_some(at.1), batch.clone()));
                at = (batch.epoch, batch.position);
                if batch.purges.iter().any(|purge| purge.tags[0].ends_with(END)) {
                    return told;
                }
            }
        })
    };
    // Each one lives a little longer than the one before, until one has done it all. The first of them die
    // while they build the first index, the later ones with a batch in their hands.
    let mut round = 0;
    for _ in 0..4 {
        for polls in 1.. {
            busy(&world, &songs, round).await;
            round += 1;
            let head = world.relayed().await;
            let (follower, _orders) = world.idle_follower(FOLLOWER);
            killed_after(polls, follower.run(CancellationToken::new())).await;
            if world.position().is_some_and(|at| at.position == head) {
                assert!(polls > 2, "it died before it could do anything");
                break;
            }
        }
    }
    let (_follower, orders) = world.follower();
    world.settled().await;
    let drift = orders.compare(true).await.unwrap();
    assert_eq!((drift.total(), drift.repairs), (0, 0), "{drift:?}");
    for song in &songs {
        let read = world.opened.store.reader.read(store::ReadPolicy::Any).await.unwrap();
        let live = read.detail(song.kind, song.id).await.unwrap().unwrap();
        let hits = world.search.query(&search::Query::text(live.record.label())).await.unwrap().hits;
        assert_eq!(hits[0].entity, *song, "{}", live.record.label());
    }

    let end = EntityRef { kind: domain::EntityKind::Tag, id: END.parse().unwrap() };
    event(&world.writer, end, 1).await;
    let told = edge.await.unwrap();
    let everything = told.iter().filter(|(known, _)| known.is_none()).count();
    assert!(everything <= 2, "only the beginning is a reason to drop everything");
    for (known, batch) in &told {
        let Some(after) = known else { continue };
        let positions = batch.purges.iter().map(|purge| purge.position);
        assert!(positions.eq(after + 1..=batch.position), "no purge is left out: {batch:?}");
    }
}

/// The id in the last event.
const END: &str = "00000000-0000-7000-8000-00000000e0d0";

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_killed_between_edges_and_position_repeats_the_batch() {
    let Some((_database, world)) = World::fresh().await else { return };
    let _relay = world.relay();
    let (follower, _orders) = world.follower_as(WAITS_FOR_EDGES);
    let before = world.settled().await;
    drop(world.feed.next("edge", 1, before, Duration::ZERO).await.unwrap());
    import(&world.writer, tag("bhakti")).await;
    let head = world.relayed().await;
    let told = world.ask(1, before).await;
    assert_eq!((told.position, told.purges.len()), (head, 1));
    follower.ended().await;
    assert_eq!(world.position().map(|at| at.position), Some(before), "the edge has not acknowledged it");

    // The edge asks on, ahead of the follower that comes next.
    let (feed, stale) = (world.feed.clone(), world.feed.applied());
    let asking = tokio::spawn(async move { feed.next("edge", 1, head, Duration::from_secs(30)).await });
    let (_follower, orders) = world.follower();
    assert_eq!(world.settled().await, head);
    assert_eq!(world.feed.applied(), stale);
    assert_eq!(orders.compare(false).await.unwrap().total(), 0);
    import(&world.writer, tag("later")).await;
    let news = asking.await.unwrap().unwrap();
    assert_eq!((news.purge_all, news.purges.len(), news.position), (false, 1, head + 1));
}
