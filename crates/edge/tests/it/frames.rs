//! HTTP/2 frames by hand: what no client library would send.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

const PATIENCE: Duration = Duration::from_secs(20);

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With this status, where it is one that has a number of its own in HPACK; 0 for others.
    Status(u16),
    Reset,
    /// Of the whole connection.
    Closed,
}

/// A connection of which every byte is ours.
pub struct Frames {
    stream: TcpStream,
}

/// A field, or pseudo field, of bytes.
pub type Field<'a> = (&'a [u8], &'a [u8]);

impl Frames {
    pub async fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let mut frames = Self { stream };
        assert!(frames.send(SETTINGS, 0, 0, &[]).await);
        frames
    }

    /// False where the edge takes no more.
    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        matches!(timeout(PATIENCE, self.stream.write_all(&frame)).await, Ok(Ok(())))
    }

    pub async fn settings(&mut self, identifier: u16, value: u32) {
        let payload = [identifier.to_be_bytes().as_slice(), &value.to_be_bytes()].concat();
        assert!(self.send(SETTINGS, 0, 0, &payload).await);
    }

    pub async fn headers(&mut self, stream: u32, fields: &[Field<'_>], ends: bool) -> bool {
        let flags = END_HEADERS | if ends { END_STREAM } else { 0 };
        self.send(HEADERS, flags, stream, &block(fields)).await
    }

    /// A head whose end is left open.
    pub async fn open_head(&mut self, stream: u32, payload: &[u8]) -> bool {
        self.send(HEADERS, END_STREAM, stream, payload).await
    }

    pub async fn continuation(&mut self, stream: u32, payload: &[u8]) -> bool {
        self.send(CONTINUATION, 0, stream, payload).await
    }

    /// A head of bytes that are HPACK, or not.
    pub async fn head_of(&mut self, stream: u32, payload: &[u8]) -> bool {
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, payload).await
    }

    pub async fn data(&mut self, stream: u32, bytes: &[u8], ends: bool) -> bool {
        self.send(DATA, if ends { END_STREAM } else { 0 }, stream, bytes).await
    }

    pub async fn reset(&mut self, stream: u32) -> bool {
        const CANCEL: [u8; 4] = [0, 0, 0, 8];
        self.send(RESET, 0, stream, &CANCEL).await
    }

    /// What becomes of a request.
    pub async fn end(&mut self, wanted: u32) -> End {
        loop {
            let Some((kind, flags, stream, payload)) = self.frame().await else { return End::Closed };
            match kind {
                HEADERS if stream == wanted => return End::Status(status(&payload)),
                RESET if stream == wanted => return End::Reset,
                GOAWAY if payload[4..8] != [0; 4] => return End::Closed,
                SETTINGS | PING if flags & ACK == 0 => {
                    let echo = if kind == PING { payload } else { Vec::new() };
                    self.send(kind, ACK, 0, &echo).await;
                }
                _ => {}
            }
        }
    }

    async fn frame(&mut self) -> Option<(u8, u8, u32, Vec<u8>)> {
        let mut head = [0; 9];
        timeout(PATIENCE, self.stream.read_exact(&mut head)).await.expect("the edge says something").ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        timeout(PATIENCE, self.stream.read_exact(&mut payload)).await.expect("a frame is whole").ok()?;
        Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
    }
}

/// Every field as a literal that is never indexed.
pub fn block(fields: &[Field<'_>]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0x10);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend_from_slice(text);
        }
    }
    block
}

/// A length of 7 bits and more, as RFC 7541 section 5.1 has it.
pub fn length(block: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(127) else {
        return block.push(u8::try_from(length).unwrap());
    };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

fn status(block: &[u8]) -> u16 {
    let first = block.iter().find(|byte| **byte & 0xe0 != 0x20);
    match first {
        Some(0x88) => 200,
        Some(0x8c) => 400,
        Some(0x8d) => 404,
        _ => 0,
    }
}
