//! One OpenSearch for all test binaries of a run: each could start its own, and would wait for it.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A node that starts or runs. Dropped, it ends.
pub struct OpenSearch {
    port: u16,
    script: Child,
    pipe: Option<ChildStdin>,
}

/// Starts one. None where this machine has none; then the tests say so, or fail.
pub fn start(root: &Path) -> Option<OpenSearch> {
    let script = root.join("deploy/opensearch/opensearch.sh");
    let found = Command::new(&script).arg("find").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        return None;
    }
    let port = free_port()?;
    let folder = std::env::temp_dir().join(format!("sangraha-opensearch-ci-{}", std::process::id()));
    let mut command = Command::new(script);
    command.arg("serve").arg(folder).arg(port.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut script = command.spawn().ok()?;
    Some(OpenSearch { port, pipe: script.stdin.take(), script })
}

impl OpenSearch {
    /// The variable by which the tests find it.
    pub fn environment(&self) -> (&'static str, String) {
        ("OPENSEARCH_ADDRESS", format!("127.0.0.1:{}", self.port))
    }
}

impl Drop for OpenSearch {
    fn drop(&mut self) {
        drop(self.pipe.take());
        drop(self.script.wait());
    }
}

/// A free loopback port whose neighbour above is free too.
fn free_port() -> Option<u16> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
    let ports =
        std::iter::repeat_with(|| bind(0).and_then(|listener| Some(listener.local_addr().ok()?.port())));
    ports.take(100).flatten().find(|port| port.checked_add(1).and_then(bind).is_some())
}
