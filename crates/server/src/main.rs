//! The `sangraha` command: everything is in the library, so that tests can reach it.

use std::process::ExitCode;

/// Requests take and give back small pieces all the time, often on another thread: the system's allocator is slow at it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::install_crypto_provider();
    let cli = server::Cli::read();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = cli.threads() {
        builder.worker_threads(threads);
    }
    match builder.enable_all().build() {
        Ok(runtime) => runtime.block_on(server::run(cli)),
        Err(error) => {
            server::terminal::remark(format_args!("sangraha: the runtime could not be started: {error}"));
            ExitCode::FAILURE
        }
    }
}
