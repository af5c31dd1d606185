//! An HTTP proxy that lies: for the answers that a healthy server never gives and a tired one does.

use serde_json::{Value, json};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How the proxy answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// As the server does.
    None,
    /// Every request with this status, `429` for a queue that is full.
    Status(u16),
    /// Of every bulk request each second item is kept back and answered with `429`.
    HalfBulk,
    /// What is no JSON at all.
    Garbage,
}

/// A proxy in front of one HTTP/1.1 server. Dropped, it ends.
#[derive(Debug)]
pub struct FaultyHttp {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    faults: Arc<AtomicU32>,
    _tasks: JoinSet<()>,
}

impl FaultyHttp {
    /// Listens at a port of its own and passes on to `target`.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (fault, watched) = watch::channel(Fault::None);
        let faults = Arc::new(AtomicU32::new(0));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Teller { target, fault: watched, faults: Arc::clone(&faults) }));
        Ok(Self { address, fault, faults, _tasks: tasks })
    }

    /// Where to connect instead of to the target.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes how it answers, from the next request on.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Requests that were answered with a fault.
    pub fn faults(&self) -> u32 {
        self.faults.load(Ordering::Relaxed)
    }
}

#[derive(Clone)]
struct Teller {
    target: SocketAddr,
    fault: watch::Receiver<Fault>,
    faults: Arc<AtomicU32>,
}

/// One request or answer: its first line, its other headers, its body.
pub(crate) struct Message {
    first: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

async fn accept(listener: TcpListener, teller: Teller) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let teller = teller.clone();
        connections.spawn(async move { drop(teller.serve(client).await) });
    }
}

impl Teller {
    async fn serve(self, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.target).await?;
        let (client_in, mut client_out) = client.into_split();
        let (server_in, mut server_out) = server.into_split();
        let (mut client_in, mut server_in) = (BufReader::new(client_in), BufReader::new(server_in));
        while let Some(mut request) = Message::read(&mut client_in, false).await? {
            let fault = *self.fault.borrow();
            let is_bulk = request.first.contains("/_bulk");
            let answer = match fault {
                Fault::Status(status) => {
                    Message::answer(status, &json!({"error": {"type": "fault"}, "status": status}))
                }
                Fault::Garbage => Message { body: b"<html>".to_vec(), ..Message::answer(200, &json!(null)) },
                Fault::HalfBulk if is_bulk => {
                    let kept_back = request.keep_back();
                    request.write(&mut server_out).await?;
                    let answer =
                        Message::read(&mut server_in, false).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
                    answer.with_refusals(&kept_back)
                }
                Fault::None | Fault::HalfBulk => {
                    request.write(&mut server_out).await?;
                    let is_head = request.first.starts_with("HEAD");
                    Message::read(&mut server_in, is_head).await?.ok_or(io::ErrorKind::UnexpectedEof)?
                }
            };
            self.faults.fetch_add(
                u32::from(fault != Fault::None && (is_bulk || fault != Fault::HalfBulk)),
                Ordering::Relaxed,
            );
            answer.write(&mut client_out).await?;
            if request.is_last() {
                break;
            }
        }
        Ok(())
    }
}

impl Message {
    pub(crate) fn answer(status: u16, body: &Value) -> Self {
        let headers = vec!["content-type: application/json".to_owned()];
        Self { first: format!("HTTP/1.1 {status} Fault"), headers, body: body.to_string().into_bytes() }
    }

    /// None where the connection ends between two messages. Every body here has a stated length.
    pub(crate) async fn read(
        from: &mut (impl AsyncBufRead + Unpin),
        without_body: bool,
    ) -> io::Result<Option<Self>> {
        let mut first = String::new();
        if from.read_line(&mut first).await? == 0 {
            return Ok(None);
        }
        let (mut headers, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            from.read_line(&mut line).await?;
            let line = line.trim_end();
            let Some((name, value)) = line.split_once(':') else { break };
            match name.eq_ignore_ascii_case("content-length") {
                true => length = value.trim().parse().map_err(io::Error::other)?,
                false => headers.push(line.to_owned()),
            }
        }
        let mut body = vec![0; if without_body { 0 } else { length }];
        from.read_exact(&mut body).await?;
        Ok(Some(Self { first: first.trim_end().to_owned(), headers, body }))
    }

    pub(crate) async fn write(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let headers: String = self.headers.iter().map(|header| format!("{header}\r\n")).collect();
        let head = format!("{}\r\n{headers}content-length: {}\r\n\r\n", self.first, self.body.len());
        to.write_all(&[head.as_bytes(), &self.body].concat()).await?;
        to.flush().await
    }

    /// Whether it carries this header with this value.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        let mut headers = self.headers.iter().filter_map(|line| line.split_once(':'));
        headers.any(|(its, held)| its.eq_ignore_ascii_case(name) && held.trim() == value)
    }

    pub(crate) fn starts_with(&self, method: &str) -> bool {
        self.first.starts_with(method)
    }

    /// The client waits for the end of the connection.
    fn is_last(&self) -> bool {
        self.first.ends_with("HTTP/1.0")
    }

    /// Takes every second item out of a bulk request and answers their places and ids.
    fn keep_back(&mut self) -> Vec<(usize, Value)> {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let (mut passed, mut kept_back) = (String::new(), Vec::new());
        for (at, item) in lines.chunks(2).enumerate() {
            match at % 2 {
                0 => item.iter().for_each(|line| passed.extend([line, "\n"])),
                _ => {
                    let action: Value = serde_json::from_str(item[0]).unwrap_or_default();
                    kept_back.push((at, action["index"]["_id"].clone()));
                }
            }
        }
        self.body = passed.into_bytes();
        kept_back
    }

    fn with_refusals(mut self, kept_back: &[(usize, Value)]) -> Self {
        let mut body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["errors"] = json!(true);
        for (at, id) in kept_back {
            let error = json!({"type": "rejected_execution_exception", "reason": "the queue is full"});
            if let Some(items) = body["items"].as_array_mut() {
                items.insert(*at, json!({"index": {"_id": id, "status": 429, "error": error}}));
            }
        }
        self.body = body.to_string().into_bytes();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opensearch;

    const INDEX: &str = "faulty-proxy";

    #[tokio::test]
    async fn it_lies_as_told_and_passes_everything_else_on() {
        let Some(node) = opensearch::shared().await else { return };
        node.request("PUT", &format!("/{INDEX}"), "").await.unwrap();
        let proxy = FaultyHttp::start(node.address()).await.unwrap();
        let say = |path: String, body: String| {
            let address = proxy.address();
            async move { opensearch::request(address, "POST", &path, &body).await.unwrap() }
        };
        proxy.set(Fault::Status(429));
        assert_eq!(say("/_search".into(), String::new()).await.0, 429);
        proxy.set(Fault::HalfBulk);
        let item = |id: u8| format!("{{\"index\":{{\"_id\":\"{id}\"}}}}\n{{\"a\":1}}\n");
        let items: String = (0..4).map(item).collect();
        let (status, answer) = say(format!("/{INDEX}/_bulk?refresh=true"), items).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let statuses: Vec<u64> =
            (0..4).map(|at| answer["items"][at]["index"]["status"].as_u64().unwrap()).collect();
        assert_eq!((status, statuses), (200, vec![201, 429, 201, 429]));
        proxy.set(Fault::None);
        let (_, count) = say(format!("/{INDEX}/_count"), String::new()).await;
        assert!(count.contains("\"count\":2"), "{count}");
        assert_eq!(proxy.faults(), 2);
        node.request("DELETE", &format!("/{INDEX}"), "").await.unwrap();
    }
}
