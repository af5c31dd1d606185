//! A TCP proxy that behaves badly when asked to: it delays, goes silent, or cuts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Copied at a time.
const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks that are on their way in one direction; who sends more waits.
const CHUNKS_MAX: usize = 256;

/// How the way behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Passes everything on at once.
    Good,
    /// Passes everything on, this much later in each direction.
    Slow(Duration),
    /// Takes everything and passes nothing on: a route that drops packets.
    Silent,
    /// Ends every connection and refuses new ones.
    Cut,
}

/// A proxy in front of one address. Dropped, it cuts.
#[derive(Debug)]
pub struct ChaosProxy {
    address: SocketAddr,
    mood: watch::Sender<Mood>,
    _tasks: JoinSet<()>,
}

impl ChaosProxy {
    /// Listens at a port of its own and passes on to `target`.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (mood, moods) = watch::channel(Mood::Good);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, target, moods));
        Ok(Self { address, mood, _tasks: tasks })
    }

    /// Where to connect instead of to the target.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes how the way behaves, for connections that are open too.
    pub fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, moods: watch::Receiver<Mood>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if *moods.borrow() != Mood::Cut {
            connections.spawn(pass(client, target, moods.clone()));
        }
    }
}

async fn pass(client: TcpStream, target: SocketAddr, mut moods: watch::Receiver<Mood>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    tokio::select! {
        _ = copy(client_in, server_out, moods.clone()) => {}
        _ = copy(server_in, client_out, moods.clone()) => {}
        _ = moods.wait_for(|mood| *mood == Mood::Cut) => {}
    }
}

/// Something on its way, and when it arrives.
type Chunk = (Instant, Vec<u8>);

/// One direction. A slow way is long, not narrow: what is sent meanwhile travels behind.
async fn copy(source: OwnedReadHalf, target: OwnedWriteHalf, moods: watch::Receiver<Mood>) -> io::Result<()> {
    let (sent, arriving) = mpsc::channel(CHUNKS_MAX);
    tokio::try_join!(take(source, sent, moods.clone()), deliver(arriving, target, moods)).map(|_| ())
}

async fn take(
    mut source: OwnedReadHalf,
    sent: mpsc::Sender<Chunk>,
    moods: watch::Receiver<Mood>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = source.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        let delay = if let Mood::Slow(delay) = *moods.borrow() { delay } else { Duration::ZERO };
        let sending = sent.send((Instant::now() + delay, chunk[..read].to_vec()));
        sending.await.map_err(io::Error::other)?;
    }
}

async fn deliver(
    mut arriving: mpsc::Receiver<Chunk>,
    mut target: OwnedWriteHalf,
    mut moods: watch::Receiver<Mood>,
) -> io::Result<()> {
    while let Some((due, bytes)) = arriving.recv().await {
        sleep_until(due).await;
        // What was taken while the way was silent is delivered when it is good again, as packets are.
        moods.wait_for(|mood| *mood != Mood::Silent).await.map_err(io::Error::other)?;
        target.write_all(&bytes).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut input, mut output) = socket.split();
                    tokio::io::copy(&mut input, &mut output).await
                });
            }
        });
        address
    }

    async fn round(socket: &mut TcpStream) -> io::Result<u8> {
        socket.write_all(b"x").await?;
        socket.read_u8().await
    }

    #[tokio::test]
    async fn a_good_way_passes_everything_on() {
        let proxy = ChaosProxy::start(echo().await).await.unwrap();
        let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(round(&mut socket).await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn a_slow_way_takes_its_time() {
        let proxy = ChaosProxy::start(echo().await).await.unwrap();
        proxy.set(Mood::Slow(Duration::from_millis(30)));
        let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
        let began = Instant::now();
        round(&mut socket).await.unwrap();
        assert!(began.elapsed() >= Duration::from_millis(60));
    }

    #[tokio::test]
    async fn a_silent_way_answers_when_it_is_good_again() {
        let proxy = ChaosProxy::start(echo().await).await.unwrap();
        let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
        proxy.set(Mood::Silent);
        let silent = tokio::time::timeout(Duration::from_millis(50), round(&mut socket)).await;
        assert!(silent.is_err());
        proxy.set(Mood::Good);
        assert_eq!(socket.read_u8().await.unwrap(), b'x');
    }

    #[tokio::test]
    async fn a_cut_ends_open_connections_and_refuses_new_ones() {
        let proxy = ChaosProxy::start(echo().await).await.unwrap();
        let mut socket = TcpStream::connect(proxy.address()).await.unwrap();
        round(&mut socket).await.unwrap();
        proxy.set(Mood::Cut);
        assert!(round(&mut socket).await.is_err());
        let mut second = TcpStream::connect(proxy.address()).await.unwrap();
        assert!(round(&mut second).await.is_err());
    }
}
