//! An origin that says what it is told to: plain HTTP/1.1 over connections that stay open.

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Surrogate keys and body of a path.
pub type Pages = Arc<dyn Fn(&str) -> (String, Vec<u8>) + Send + Sync>;

/// The longest request head.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Serves until the program ends.
pub async fn start(pages: Pages) -> Result<SocketAddr, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, pages.clone()));
        }
    });
    Ok(address)
}

/// One request after another; none has a body.
async fn serve(mut stream: TcpStream, pages: Pages) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut head = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            if head.len() > HEAD_BYTES_MAX || stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        };
        let path = String::from_utf8_lossy(&head[..end]).split(' ').nth(1).unwrap_or("/").to_owned();
        head.drain(..end);
        let (keys, body) = pages(&path);
        let fields = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncache-control: public, max-age=3600\r\n\
             surrogate-key: {keys}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[fields.as_bytes(), &body].concat()).await?;
    }
}
