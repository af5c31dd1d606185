//! Long bodies in slices: from an origin that takes ranges, and from those that only say so.

use crate::disk::Folder;
use crate::support::{Answer, Seen, World};
use edge::{Config, Kind, LimitsConfig};
use http::Method;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

const SLICE: usize = 16 << 10;
/// Six slices and a bit.
const LENGTH: usize = 100_000;

fn small(config: &mut Config) {
    config.object_bytes_max = 64 << 10;
    config.slice_bytes = SLICE as u64;
}

/// A body in which every place looks different, and every version.
fn body(version: &str) -> String {
    let words = (0..).map(|number| format!("{version}{number:07} ")).take(LENGTH / 8);
    words.collect::<String>()[..LENGTH].to_owned()
}

/// `bytes=a-b`
fn asked(seen: &Seen) -> Option<Range<usize>> {
    let (first, last) = seen.field("range").strip_prefix("bytes=")?.split_once('-')?;
    Some(first.parse().unwrap()..last.parse::<usize>().unwrap() + 1)
}

/// What a good origin answers.
fn media(seen: &Seen, version: &str) -> Answer {
    let (tag, whole) = (format!("\"{version}\""), body(version));
    let dressed = |answer: Answer| {
        answer
            .with("etag", tag.clone())
            .with("cache-control", "public, max-age=60")
            .with("accept-ranges", "bytes")
            .with("content-type", "audio/flac")
            .with("surrogate-key", "tape")
    };
    match asked(seen) {
        _ if seen.field("if-none-match") == tag => dressed(Answer::status(304)),
        Some(range) if range.start < LENGTH => {
            let range = range.start..range.end.min(LENGTH);
            let content = format!("bytes {}-{}/{LENGTH}", range.start, range.end - 1);
            dressed(Answer::part(whole[range].to_owned())).with("content-range", content)
        }
        Some(_) => Answer::status(416).with("content-range", format!("bytes */{LENGTH}")),
        None => dressed(Answer::ok(whole)),
    }
}

async fn world(adapt: impl FnOnce(&mut Config)) -> World {
    let world = World::with(|config| {
        small(config);
        adapt(config);
    })
    .await;
    world.near.answer(|seen| media(seen, "a"));
    world
}

/// The ranges that the origin was asked for.
fn ranges(world: &World) -> Vec<String> {
    world.near.seen().iter().map(|seen| seen.field("range").to_owned()).filter(|r| !r.is_empty()).collect()
}

fn range_of(number: usize) -> String {
    format!("bytes={}-{}", number * SLICE, ((number + 1) * SLICE).min(LENGTH) - 1)
}

async fn part(world: &World, range: &str) -> (u16, String, String) {
    let got = world.get_with("/a", &[("range", range)]).await;
    (got.status, got.field("content-range").to_owned(), got.body)
}

#[tokio::test]
async fn a_long_body_comes_in_slices_and_then_from_memory() {
    let world = world(|_| {}).await;
    let first = world.get("/a").await;
    assert_eq!((first.status, first.body == body("a")), (200, true));
    assert_eq!(first.field("content-length"), LENGTH.to_string());
    assert_eq!(first.cache_status(), "sangraha-edge; fwd=uri-miss; fwd-status=200; stored");
    assert_eq!(ranges(&world), (0..7).map(range_of).collect::<Vec<_>>());
    assert_eq!(world.near.count(), 8, "its head, and each slice once");
    let second = world.get("/a").await;
    assert!(second.is_hit() && second.body == body("a"), "{}", second.cache_status());
    assert_eq!(second.field("etag"), "\"a\"");
    assert_eq!(world.near.count(), 8);
    assert_eq!(world.counted("sangraha_edge_slices_total{event=\"kept\"}"), 7);
}

#[tokio::test]
async fn a_part_asks_for_no_more_than_its_slices() {
    let (world, whole) = (world(|_| {}).await, body("a"));
    let (status, range, got) = part(&world, "bytes=20000-20009").await;
    assert_eq!(
        (status, range.as_str(), got.as_str()),
        (206, "bytes 20000-20009/100000", &whole[20_000..20_010])
    );
    assert_eq!(ranges(&world), [range_of(1)]);
    let again = world.get_with("/a", &[("range", "bytes=20010-20019")]).await;
    assert!(again.is_hit() && again.body == whole[20_010..20_020], "{}", again.cache_status());
    // Over a border, to the end, and the end alone.
    let other = world.get_with("/a", &[("range", "bytes=32760-32779")]).await;
    assert_eq!(other.cache_status(), "sangraha-edge; fwd=partial; fwd-status=206; stored");
    assert_eq!(other.body, whole[32_760..32_780]);
    assert_eq!(part(&world, "bytes=-10").await.2, whole[LENGTH - 10..]);
    assert_eq!(part(&world, "bytes=81920-").await.2, whole[81_920..]);
    assert_eq!(ranges(&world), [range_of(1), range_of(2), range_of(6), range_of(5)]);
}

#[tokio::test]
async fn conditions_and_several_parts_are_answered_from_slices() {
    let (world, whole) = (world(|_| {}).await, body("a"));
    let several = world.get_with("/a", &[("range", "bytes=0-4,99990-")]).await;
    let boundary = several.field("x-request-id").to_owned();
    let piece = |range: &str, text: &str| {
        format!(
            "\r\n--{boundary}\r\ncontent-type: audio/flac\r\ncontent-range: bytes {range}/100000\r\n\r\n{text}"
        )
    };
    let expected = piece("0-4", &whole[..5])
        + &piece("99990-99999", &whole[99_990..])
        + &format!("\r\n--{boundary}--\r\n");
    assert_eq!((several.status, several.body), (206, expected));
    let asked = world.near.count();
    assert_eq!(part(&world, "bytes=100000-").await, (416, "bytes */100000".into(), String::new()));
    assert_eq!(world.get_with("/a", &[("if-none-match", "\"a\"")]).await.status, 304);
    let head = world.send(Method::HEAD, "/a", &[], "").await;
    assert_eq!((head.status, head.field("content-length")), (200, "100000"));
    let same = [("range", "bytes=0-9"), ("if-range", "\"a\"")];
    assert_eq!(world.get_with("/a", &same).await.status, 206);
    assert_eq!(world.near.count(), asked, "all that is held");
    let other = world.get_with("/a", &[("range", "bytes=0-9"), ("if-range", "\"b\"")]).await;
    assert_eq!((other.status, other.body == whole), (200, true));
}

/// Its origin answers once for each permit from here on.
fn gated(world: &World) -> Arc<Semaphore> {
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    world.near.answer(move |seen| media(seen, "a").behind(&held));
    gate
}

#[tokio::test]
async fn many_who_want_a_slice_share_one_request() {
    let world = world(|_| {}).await;
    assert_eq!(part(&world, "bytes=0-9").await.0, 206);
    let gate = gated(&world);
    let world = &world;
    let ask = || part(world, "bytes=50000-50009");
    let open = async {
        crate::support::until(|| world.near.count() == 3).await;
        gate.add_permits(1);
    };
    let (one, two, three, ()) = tokio::join!(ask(), ask(), ask(), open);
    for (status, _, got) in [one, two, three] {
        assert_eq!((status, got.as_str()), (206, &body("a")[50_000..50_010]));
    }
    assert_eq!(ranges(world), [range_of(0), range_of(3)]);
}

#[tokio::test]
async fn who_waits_for_a_slice_waits_as_long_as_the_one_who_asked() {
    let world = world(|config| config.collapse_wait_ms_max = 1).await;
    assert_eq!(part(&world, "bytes=0-9").await.0, 206);
    let gate = gated(&world);
    let world = &world;
    let ask = || part(world, "bytes=50000-50009");
    let open = async {
        crate::support::until(|| world.near.count() == 3).await;
        // Enough to be seen to lose patience.
        for _ in 0..100 {
            assert_eq!(part(world, "bytes=0-9").await.0, 206);
        }
        gate.add_permits(3);
    };
    let (one, two, three, ()) = tokio::join!(ask(), ask(), ask(), open);
    assert_eq!((one.0, two.0, three.0), (206, 206, 206));
    assert_eq!(ranges(world), [range_of(0), range_of(3)]);
}

#[tokio::test]
async fn slices_of_another_length_are_another_bodys_though_the_tag_is_the_same() {
    let world = world(|_| {}).await;
    world.get("/a").await;
    world.advance(61);
    let shorter = || body("b")[..LENGTH - 8].to_owned();
    world.near.answer(move |seen| {
        let answer = match asked(seen) {
            Some(range) => {
                let range = range.start..range.end.min(LENGTH - 8);
                let content = format!("bytes {}-{}/{}", range.start, range.end - 1, LENGTH - 8);
                Answer::part(shorter()[range].to_owned()).with("content-range", content)
            }
            None => Answer::ok(shorter()),
        };
        let answer = answer.with("etag", "\"a\"").with("accept-ranges", "bytes");
        answer.with("cache-control", "public, max-age=60")
    });
    let got = world.get("/a").await;
    assert!(got.status == 200 && got.body == shorter(), "no byte of the old one");
}

#[tokio::test]
async fn surrogate_keys_that_came_with_a_confirmation_hold_for_slices() {
    let world = world(|_| {}).await;
    world.get("/a").await;
    world.advance(61);
    world.near.answer(|seen| media(seen, "a").with("surrogate-key", "later"));
    assert_eq!(world.get("/a").await.body, body("a"));
    assert_eq!(ranges(&world).len(), 7, "the head was confirmed");
    world.purge(&["later"], 0).await;
    let got = world.get("/a").await;
    assert!(!got.is_hit() && got.body == body("a"), "{}", got.cache_status());
    assert_eq!(ranges(&world).len(), 14, "every slice is asked for again");
}

#[tokio::test]
async fn a_blind_edge_says_what_of_a_long_body_it_had() {
    let world = world(|_| {}).await;
    assert_eq!(part(&world, "bytes=0-9").await.0, 206);
    world.feed.set_silent(true);
    world.until(|status| status.blind).await;
    let held = world.get_with("/a", &[("range", "bytes=0-9")]).await;
    assert!(held.is_hit() && held.cache_status().ends_with("; detail=blind"), "{}", held.cache_status());
    assert_eq!(world.counted("sangraha_edge_requests_total{outcome=\"hit\",reason=\"blind\"}"), 1);
    let asked = world.get_with("/a", &[("range", "bytes=50000-50009")]).await;
    assert_eq!(asked.cache_status(), "sangraha-edge; fwd=partial; fwd-status=206; stored; detail=blind");
    assert_eq!(world.counted("sangraha_edge_requests_total{outcome=\"miss\",reason=\"blind\"}"), 1);
}

#[tokio::test]
async fn what_memory_has_in_slices_is_no_miss_of_the_limits() {
    let world = world(|config| config.limits = misses(2)).await;
    for _ in 0..5 {
        assert_eq!(part(&world, "bytes=0-9").await.0, 206, "asked for once, and then held");
    }
    assert_eq!(part(&world, "bytes=50000-50009").await.0, 206);
    assert_eq!(part(&world, "bytes=0-9").await.0, 429, "two had to ask");
}

fn misses(quota: u64) -> LimitsConfig {
    let text =
        format!(r#"{{"rules": [{{"name": "misses", "quota": {quota}, "window_s": 6000, "misses": true}}]}}"#);
    serde_json::from_str(&text).expect("a rule")
}

#[tokio::test]
async fn a_version_that_changes_under_way_breaks_off_and_is_never_mixed() {
    let world = world(|_| {}).await;
    let changed = Arc::new(AtomicBool::new(false));
    world.near.answer(move |seen| {
        if asked(seen).is_some_and(|range| range.start >= 3 * SLICE) {
            changed.store(true, Ordering::SeqCst);
        }
        media(seen, if changed.load(Ordering::SeqCst) { "b" } else { "a" })
    });
    let answer = world.raw(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let (head, got) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-length: 100000") && head.contains("etag: \"a\""), "{head}");
    assert_eq!((got.len(), got), (3 * SLICE, &body("a")[..3 * SLICE]), "short, and of one version");
    let next = world.get_with("/a", &[("host", "h")]).await;
    assert_eq!((next.status, next.field("etag"), next.body == body("b")), (200, "\"b\"", true));
    assert_eq!(world.counted("sangraha_edge_slices_total{event=\"changed\"}"), 1);
}

#[tokio::test]
async fn a_version_that_changed_before_the_first_slice_is_asked_for_anew() {
    let world = world(|_| {}).await;
    assert_eq!(part(&world, "bytes=0-9").await.0, 206);
    world.near.answer(|seen| media(seen, "b"));
    let before = world.status().objects;
    let got = world.get_with("/a", &[("range", "bytes=50000-50009")]).await;
    assert_eq!(
        (got.status, got.field("etag"), got.body.as_str()),
        (206, "\"b\"", &body("b")[50_000..50_010])
    );
    assert_eq!(
        world.status().objects,
        before,
        "a head and a slice, as before: what was of the old one is gone"
    );
    assert_eq!(part(&world, "bytes=0-9").await.2, body("b")[..10]);
}

#[tokio::test]
async fn how_one_client_asks_does_not_keep_others_from_slices() {
    for field in [("authorization", "Bearer x"), ("cache-control", "no-store")] {
        let world = world(|config| config.profile = Kind::Rfc).await;
        let got = world.get_with("/a", &[field]).await;
        assert_eq!((got.status, got.body == body("a")), (200, true));
        assert_eq!((ranges(&world).len(), world.status().objects), (0, 0), "{field:?}: it passes through");
        assert_eq!(part(&world, "bytes=0-9").await.0, 206);
        assert_eq!(ranges(&world), [range_of(0)], "{field:?}");
    }
}

#[tokio::test]
async fn what_one_client_is_refused_takes_no_slice_from_others() {
    let world = world(|config| config.profile = Kind::Rfc).await;
    world.near.answer(|seen| match seen.field("authorization") {
        "" => media(seen, "a"),
        _ => Answer::status(401),
    });
    world.get("/a").await;
    for age_s in [0, 61] {
        world.advance(age_s);
        let known = [("authorization", "Bearer x"), ("cache-control", "no-cache")];
        assert_eq!(world.get_with("/a", &known).await.status, 401);
        let got = world.get("/a").await;
        assert!(got.status == 200 && got.body == body("a"), "{}", got.cache_status());
        assert_eq!(ranges(&world).len(), 7, "{age_s}: each slice was asked for once");
    }
}

type Lie = fn(&Seen) -> Answer;

/// Answers to ranges that are no slices.
const LIES: [(&str, Lie); 8] = [
    ("the whole", |_| Answer::ok(body("a")).with("etag", "\"a\"")),
    ("the whole without its tag", |_| Answer::ok(body("a"))),
    ("another range", |_| lie("bytes 1-16384/100000", SLICE)),
    ("another length", |_| lie("bytes 0-16383/100001", SLICE)),
    ("no length", |_| lie("bytes 0-16383/*", SLICE)),
    ("fewer bytes than it says", |_| lie("bytes 0-16383/100000", 10)),
    ("more bytes than it says", |_| lie("bytes 0-16383/100000", SLICE + 1)),
    ("416 of what is there", |_| Answer::status(416).with("content-range", "bytes */100000")),
];

fn lie(range: &str, bytes: usize) -> Answer {
    Answer::part(body("a")[..bytes].to_owned()).with("etag", "\"a\"").with("content-range", range)
}

#[tokio::test]
async fn what_an_origin_says_wrongly_of_ranges_passes_through_and_is_not_kept() {
    for (name, lie) in LIES {
        let world = world(|_| {}).await;
        world.near.answer(move |seen| match asked(seen) {
            Some(_) => lie(seen),
            None => media(seen, "a"),
        });
        for _ in 0..2 {
            let got = world.get("/a").await;
            assert_eq!((got.status, got.body == body("a")), (200, true), "{name}");
            assert!(!got.is_hit(), "{name}: {}", got.cache_status());
        }
        assert_eq!(
            (ranges(&world).len(), world.status().objects),
            (1, 0),
            "{name}: it is not tried again soon"
        );
        assert_eq!(world.counted("sangraha_edge_slices_total{event=\"unfit\"}"), 1, "{name}");
    }
}

#[tokio::test]
async fn an_origin_that_begins_to_lie_breaks_the_body_off() {
    let world = world(|_| {}).await;
    world.near.answer(|seen| match asked(seen) {
        Some(range) if range.start == 2 * SLICE => Answer::ok(body("a")).with("etag", "\"a\""),
        _ => media(seen, "a"),
    });
    let answer = world.raw(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(answer.split_once("\r\n\r\n").unwrap().1, &body("a")[..2 * SLICE]);
    let next = world.get_with("/a", &[("host", "h")]).await;
    assert_eq!((next.status, next.body == body("a")), (200, true), "it passes through");
}

#[tokio::test]
async fn an_origin_that_fails_is_not_blamed_for_its_body() {
    let world = world(|config| config.public.truncate(1)).await;
    assert_eq!(part(&world, "bytes=0-9").await.0, 206);
    world.near.answer(|seen| if asked(seen).is_some() { Answer::broken() } else { media(seen, "a") });
    assert_eq!(part(&world, "bytes=50000-50009").await.0, 502);
    assert_eq!(part(&world, "bytes=0-9").await.0, 206, "what is held is served");
    world.near.answer(|seen| media(seen, "a"));
    assert_eq!(part(&world, "bytes=50000-50009").await.0, 206);
}

#[tokio::test]
async fn a_stale_head_is_confirmed_and_its_slices_with_it() {
    let world = world(|_| {}).await;
    world.get("/a").await;
    world.advance(61);
    let got = world.get("/a").await;
    assert_eq!((got.status, got.body == body("a")), (200, true));
    assert_eq!(world.near.last().field("if-none-match"), "\"a\"");
    assert_eq!(world.near.count(), 9, "one question for all of it");
    assert!(world.get("/a").await.is_hit());
}

#[tokio::test]
async fn every_purge_reaches_slices() {
    let world = world(|_| {}).await;
    let url = format!("url http://{}/a", world.address);
    let (prefix, host) = (format!("prefix {}/a", world.address), format!("host {}", world.address));
    for purge in ["tape", &url, &prefix, &host, "all"] {
        world.get("/a").await;
        let before = ranges(&world).len();
        world.purge(&[purge], 0).await;
        let got = world.get("/a").await;
        assert!(!got.is_hit() && got.body == body("a"), "{purge}: {}", got.cache_status());
        assert_eq!(ranges(&world).len(), before + 7, "{purge}: every slice is asked for again");
    }
    let (before, position) = (ranges(&world).len(), world.feed.soften(&["tape"]));
    world.until(|status| status.purge_position == Some(position)).await;
    assert_eq!(world.get("/a").await.body, body("a"));
    assert_eq!(world.near.last().field("if-none-match"), "\"a\"");
    assert_eq!(ranges(&world).len(), before, "softly: its origin confirms them");
}

#[tokio::test]
async fn slices_stay_within_memory() {
    const MEMORY: usize = 1 << 20;
    let world = world(|config| {
        config.memory_bytes_max = MEMORY;
        config.object_bytes_max = MEMORY / 16;
    })
    .await;
    for path in 0..40 {
        let got = world.get(&format!("/{path}")).await;
        assert!(got.body == body("a"));
        assert!(world.status().bytes <= MEMORY as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slices_on_disk_outlive_the_process() {
    let folder = Folder::new();
    let disk = folder.0.join("cache");
    let mut world = world(|config| {
        config.disk = Some(disk);
        config.disk_bytes_max = 64 << 20;
        config.limits = misses(1);
    })
    .await;
    world.get("/a").await;
    let asked = world.near.count();
    world.stop().await;
    world.start().await;
    let got = world.get("/a").await;
    assert!(got.status == 200 && got.body == body("a"), "{}: {}", got.status, got.cache_status());
    assert!(got.is_hit(), "{}", got.cache_status());
    assert_eq!(world.near.count(), asked);
    assert_eq!(world.get("/a").await.status, 200, "what the disk had is no miss of the limits");
}

#[tokio::test]
async fn what_clients_ask_of_the_cache_holds_for_slices() {
    let world = world(|config| config.profile = Kind::Rfc).await;
    let only = |range: &'static str| [("range", range), ("cache-control", "only-if-cached")];
    assert_eq!(part(&world, "bytes=0-9").await.0, 206);
    assert_eq!(world.get_with("/a", &only("bytes=0-9")).await.status, 206);
    assert_eq!(world.get_with("/a", &only("bytes=0-20000")).await.status, 504);
    let known = [("authorization", "Bearer x"), ("range", "bytes=5-8")];
    let got = world.get_with("/a", &known).await;
    assert_eq!((got.status, got.body.as_str()), (206, &body("a")[5..9]));
    assert_eq!(world.near.last().field("range"), "bytes=5-8", "with credentials: to the origin and back");
    let unkept = [("cache-control", "no-store"), ("range", "bytes=50000-50009")];
    for _ in 0..2 {
        let before = ranges(&world).len();
        assert_eq!(world.get_with("/a", &unkept).await.body, body("a")[50_000..50_010]);
        assert_eq!(ranges(&world).len(), before + 1, "what a client does not want kept is not");
    }
    assert_eq!(world.get_with("/a", &only("bytes=0-9")).await.status, 206, "and the rest stays");
    assert_eq!(world.send(Method::PUT, "/a", &[], "x").await.status, 200);
    let before = ranges(&world).len();
    assert_eq!(part(&world, "bytes=0-9").await.0, 206);
    assert_eq!(ranges(&world).len(), before + 1, "a write forgets them");
}
