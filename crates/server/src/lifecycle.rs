//! How processes are told to end.

use crate::postgres::end_of_input;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancels `stop` at Ctrl-C or TERM; a second one ends the process at once, as an impatient person wants it.
pub async fn cancel_on_signal(stop: CancellationToken) {
    wait_for_signal().await;
    stop.cancel();
    wait_for_signal().await;
    std::process::abort();
}

/// Cancels `stop` when the supervisor closes our standard input, or is no more.
pub async fn cancel_on_end_of_input(stop: CancellationToken) {
    end_of_input().await;
    stop.cancel();
}

async fn wait_for_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the default action of the signals ends the process.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
