//! How often the edge asks for memory to answer one request: a number that may only fall, and that is said aloud.
//!
//! A program of its own, because the allocator that counts belongs to the whole process.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use edge::{AccessFormat, AccessLog, Config, Edge, KeyPart, Kind, Rule};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// What one request may ask for.
struct Agreed {
    allocations_max: u64,
    bytes_max: u64,
}

/// A hit of 2 KiB with a limit, the access log and `Cache-Status`: 10 allocations when this was written, 8 KiB of the
/// bytes for what is read next.
const HIT: Agreed = Agreed { allocations_max: 12, bytes_max: 12 * 1_024 };

/// An answer that is not kept, passed through from an origin by HTTP/1: 25 allocations when this was written.
const PASS: Agreed = Agreed { allocations_max: 28, bytes_max: 26 * 1_024 };

#[global_allocator]
static COUNTING: Counting = Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static SERVES: Cell<bool> = const { Cell::new(false) };
}

struct Counting;

impl Counting {
    fn count(bytes: usize) {
        // A thread that ends has no cell any more.
        if SERVES.try_with(Cell::get).unwrap_or(false) {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
            BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }
}

#[expect(unsafe_code, reason = "only an allocator can count, and it hands everything on")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count(layout.size());
        // SAFETY: the caller keeps the same promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the same promise.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        Self::count(bytes);
        // SAFETY: the caller keeps the same promise.
        unsafe { System.realloc(place, layout, bytes) }
    }
}

const BODY: [u8; 2_048] = [b'x'; 2_048];

/// An origin whose answers may be kept, except below `/pass`. It allocates on threads that nobody counts.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || respond(stream.unwrap()));
        }
    });
    address
}

fn respond(mut stream: TcpStream) {
    let mut request = [0; 4_096];
    while let Ok(length @ 1..) = stream.read(&mut request) {
        let kept = if request[..length].starts_with(b"GET /pass") { "no-store" } else { "max-age=3600" };
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nserver: o\r\ncontent-type: application/json\r\n\
             content-length: 2048\r\netag: \"1\"\r\ncache-control: {kept}\r\n\r\n"
        )
        .into_bytes();
        answer.extend_from_slice(&BODY);
        stream.write_all(&answer).unwrap();
    }
}

/// Asks so many times, one after the other, without asking for memory.
fn ask(stream: &mut TcpStream, path: &str, times: usize) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: edge.test\r\n\r\n");
    let mut answer = [0; 8_192];
    for _ in 0..times {
        stream.write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        while length < BODY.len() || !answer[..length].ends_with(&BODY) {
            let more = stream.read(&mut answer[length..]).unwrap();
            assert!(more > 0, "the edge closed: {}", String::from_utf8_lossy(&answer[..length]));
            length += more;
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }
}

/// Allocations and bytes for one request of many.
fn each(stream: &mut TcpStream, path: &str) -> (u64, u64) {
    const TIMES: usize = 1_000;
    // Until tables and buffers have their size.
    ask(stream, path, 200);
    let before = (ALLOCATIONS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
    ask(stream, path, TIMES);
    let of_each = |sum: &AtomicU64, before: u64| (sum.load(Ordering::Relaxed) - before) / TIMES as u64;
    (of_each(&ALLOCATIONS, before.0), of_each(&BYTES, before.1))
}

fn config(origin: SocketAddr, log: PathBuf) -> Config {
    let mut config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        profile: Kind::Rfc,
        public: vec![format!("http://{origin}").parse().unwrap()],
        access_log: Some(AccessLog { path: log, format: AccessFormat::Combined }),
        ..Config::default()
    };
    config.limits.rules.push(Rule {
        name: "address".to_owned(),
        paths: Vec::new(),
        except: Vec::new(),
        methods: Vec::new(),
        tiers: Vec::new(),
        key: vec![KeyPart::Address],
        quota: 100_000_000,
        window_s: 60,
        burst: None,
        cost: 1,
        statuses: Vec::new(),
        misses: false,
        shared: false,
        shadow: false,
        ban_after: 0,
        ban_s: 0,
    });
    config
}

#[test]
fn a_request_asks_for_memory_no_more_often_than_was_agreed() {
    let log = std::env::temp_dir().join(format!("sangraha-alloc-{}.log", std::process::id()));
    let (origin, seen) = (origin(), log.clone());
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let (tell, told) = std::sync::mpsc::channel();
    // Everything that serves is on this one thread.
    let serving = std::thread::spawn(move || {
        SERVES.set(true);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let metrics = domain::metrics::Metrics::default();
            let edge = Edge::bind(config(origin, seen), domain::Clock::system(), &metrics).unwrap();
            tell.send(edge.local_addr()).unwrap();
            edge.run(stopped).await;
        });
    });
    let mut stream = TcpStream::connect(told.recv().unwrap()).unwrap();
    stream.set_nodelay(true).unwrap();
    let (hit, hit_bytes) = each(&mut stream, "/hit");
    let (pass, pass_bytes) = each(&mut stream, "/pass");
    drop(stream);
    stop.cancel();
    serving.join().unwrap();
    std::fs::remove_file(log).unwrap();
    println!("hit {hit} allocations, {hit_bytes} bytes; pass-through {pass}, {pass_bytes}");
    assert!(hit <= HIT.allocations_max && hit_bytes <= HIT.bytes_max, "a hit took {hit}, {hit_bytes} bytes");
    assert!(pass <= PASS.allocations_max && pass_bytes <= PASS.bytes_max, "{pass}, {pass_bytes} bytes");
}
