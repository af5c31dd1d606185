//! Waiting for processes to say that they are ready.

use super::layout::Layout;
use crate::{Error, plain_http};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A first index of a large catalogue is built within this.
const READY_WAIT: Duration = Duration::from_secs(180);
/// Between two questions.
const ASK_INTERVAL: Duration = Duration::from_millis(40);
/// One question.
const ASK_TIMEOUT: Duration = Duration::from_secs(3);

/// Asks `/readyz` of every process until each says yes without a "but".
pub async fn wait(layout: &Layout, processes: &[(&'static str, SocketAddr)]) -> Result<(), Error> {
    for (name, address) in processes {
        until(layout, name, *address, "/readyz", |answer| {
            answer.status == 200 && answer.json()["status"] == "ready"
        })
        .await?;
    }
    Ok(())
}

/// Asks for one page of every edge until each answers.
pub async fn answers(layout: &Layout, processes: &[(&'static str, SocketAddr)]) -> Result<(), Error> {
    for (name, address) in processes {
        until(layout, name, *address, "/v1/compositions?limit=1", |answer| answer.status == 200).await?;
    }
    Ok(())
}

async fn until(
    layout: &Layout,
    name: &str,
    address: SocketAddr,
    target: &str,
    good: impl Fn(&plain_http::Answer) -> bool,
) -> Result<(), Error> {
    let began = Instant::now();
    loop {
        let reason = match plain_http::get(address, target, ASK_TIMEOUT).await {
            Ok(answer) if good(&answer) => return Ok(()),
            Ok(answer) => format!("GET {target} answers {} {}", answer.status, answer.text()),
            Err(error) => format!("GET {target}: {error}"),
        };
        if began.elapsed() > READY_WAIT {
            let waited_s = READY_WAIT.as_secs();
            return Err(Error::NotReady { name: name.to_owned(), waited_s, reason, log: layout.log(name) });
        }
        tokio::time::sleep(ASK_INTERVAL).await;
    }
}
