//! The `sangraha` command: everything is in the library, so that tests can reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::install_crypto_provider();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(server::run()),
        Err(error) => {
            server::terminal::remark(format_args!("sangraha: the runtime could not be started: {error}"));
            ExitCode::FAILURE
        }
    }
}
