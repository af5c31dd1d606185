//! What is left of a cache on disk after a restart: the share of hits of the first pass over everything, and that no
//! byte is wrong, though files be damaged.

use super::fleet::free_port;
use super::origin;
use crate::client::Client;
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

#[derive(Args)]
pub struct Options {
    /// The program whose edge is started.
    #[arg(long)]
    program: PathBuf,
    /// An empty folder for the cache.
    #[arg(long)]
    folder: PathBuf,
    /// Objects.
    #[arg(long, default_value_t = 20_000)]
    objects: u32,
    /// Bytes of each.
    #[arg(long, default_value_t = 4_096)]
    bytes: usize,
    /// One byte in so many is damaged before the last start.
    #[arg(long, default_value_t = 40_000)]
    damage_one_in: usize,
}

/// Of the cache on disk.
const DISK: &str = "512M";
/// Less than the objects take, so that most come from the disk.
const MEMORY: &str = "16M";
const START_MAX: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

pub async fn run(options: Options) -> Result<(), String> {
    let bytes = options.bytes;
    let origin = origin::start(Arc::new(move |path: &str| ("x".to_owned(), body(path, bytes)))).await?;
    // The address is part of what clients ask for, so it stays.
    let address = free_port()?;
    println!(
        "{:<44} {:>9} {:>9} {:>8} {:>7} {:>9}",
        "pass over all objects", "start ms", "hits", "ratio", "wrong", "reads/s"
    );
    let mut edge = Running::start(&options, origin, address).await?;
    edge.pass("empty", &options).await?;
    edge.stop().await?;
    let mut edge = Running::start(&options, origin, address).await?;
    let kept = edge.pass("after an orderly stop", &options).await?;
    edge.child.kill().await.map_err(|error| error.to_string())?;
    let mut edge = Running::start(&options, origin, address).await?;
    edge.pass("after kill -9", &options).await?;
    edge.stop().await?;
    let damaged = damage(&options)?;
    let mut edge = Running::start(&options, origin, address).await?;
    edge.pass(&format!("after {damaged} damaged bytes"), &options).await?;
    edge.stop().await?;
    if kept >= 0.9 { Ok(()) } else { Err("less than nine tenths were there at once".to_owned()) }
}

struct Running {
    child: Child,
    address: SocketAddr,
    start: Duration,
}

impl Running {
    /// Starts it and waits for its first answer, to something that is not cached.
    async fn start(options: &Options, origin: SocketAddr, address: SocketAddr) -> Result<Self, String> {
        let began = Instant::now();
        let mut command = Command::new(&options.program);
        command.args(["edge", "--origin", &format!("http://{origin}"), "--listen", &address.to_string()]);
        command.args([
            "--memory",
            MEMORY,
            "--disk-size",
            DISK,
            "--workers",
            "1",
            "--log",
            "error",
            "--until-eof",
        ]);
        command.arg("--disk").arg(options.folder.join("cache")).kill_on_drop(true);
        let child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().map_err(|error| error.to_string())?;
        let (client, url) = (Client::new(None), format!("http://{address}/start"));
        while client.get(&url).await.is_err() {
            if began.elapsed() > START_MAX {
                return Err("the edge does not answer".to_owned());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(Self { child, address, start: began.elapsed() })
    }

    /// Reads everything once; the share of hits.
    async fn pass(&mut self, what: &str, options: &Options) -> Result<f64, String> {
        let (client, began) = (Client::new(None), Instant::now());
        let (mut hits, mut wrong) = (0_u32, 0_u32);
        for object in 0..options.objects {
            let path = format!("/objects/{object}");
            let answer = client.get(&format!("http://{}{path}", self.address)).await?;
            let status = answer.headers.get("cache-status").and_then(|value| value.to_str().ok());
            hits += u32::from(status.is_some_and(|status| status.contains("; hit")));
            wrong += u32::from(answer.body != body(&path, options.bytes));
        }
        let (ratio, rate) = (
            f64::from(hits) / f64::from(options.objects),
            f64::from(options.objects) / began.elapsed().as_secs_f64(),
        );
        println!(
            "{what:<44} {:>9} {hits:>9} {:>6.1} % {wrong:>7} {rate:>9.0}",
            self.start.as_millis(),
            ratio * 100.0
        );
        if wrong == 0 { Ok(ratio) } else { Err(format!("{wrong} answers were not what the origin says")) }
    }

    /// Lets it end in order.
    async fn stop(mut self) -> Result<(), String> {
        drop(self.child.stdin.take());
        let ended = self.child.wait().await.map_err(|error| error.to_string())?;
        if ended.success() { Ok(()) } else { Err(format!("the edge ended with {ended}")) }
    }
}

/// What the origin says: different for every path, and at every place.
fn body(path: &str, bytes: usize) -> Vec<u8> {
    let mut state = path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

/// Flips one bit in one byte of so many that are not zero; how many.
fn damage(options: &Options) -> Result<usize, String> {
    let folder = options.folder.join("cache").join("objects");
    let told = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut damaged = 0;
    for entry in std::fs::read_dir(&folder).map_err(told)? {
        damaged += damage_file(&entry.map_err(told)?.path(), options.damage_one_in).map_err(told)?;
    }
    Ok(damaged)
}

fn damage_file(path: &Path, one_in: usize) -> std::io::Result<usize> {
    let mut bytes = std::fs::read(path)?;
    let used = bytes.iter_mut().filter(|byte| **byte != 0);
    let damaged = used.skip(one_in / 2).step_by(one_in).map(|byte| *byte ^= 0x10).count();
    std::fs::write(path, bytes)?;
    Ok(damaged)
}
