//! What the commands say when there is nothing to work with.

use std::process::{Command, Output};

fn sangraha(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sangraha")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_version_is_told() {
    let output = sangraha(&["version"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("sangraha "));
}

#[test]
fn commands_for_a_running_platform_say_that_none_runs() {
    for arguments in [
        ["status", "--data", "/nonexistent"],
        ["down", "--data", "/nonexistent"],
        ["setup-token", "--data", "/nonexistent"],
    ] {
        let output = sangraha(&arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains("`sangraha up` starts one"), "{}", said(&output));
    }
}

#[test]
fn a_configuration_is_printed_without_its_secrets() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/region-a.toml");
    let set = "store.owner_url=postgres://sangraha_owner:hunter2@a1.internal/sangraha";
    let output = sangraha(&["check-config", "--config", file, "--set", set]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", said(&output));
    assert!(text.contains("sangraha_owner") && !text.contains("hunter2"), "{text}");
}

#[test]
fn nonsense_is_refused_with_a_sentence() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/region-b.toml");
    let output = sangraha(&["check-config", "--config", file, "--set", "node.roles=[\"admin\"]"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "role `admin` needs `store.primary`, which region `b` does not have";
    assert!(said(&output).contains(expected), "{}", said(&output));
}

#[test]
fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/edge-b.toml");
    let private = format!("listen.private={address}");
    let output = sangraha(&["serve", "--config", file, "--set", &private]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains(&address), "{}", said(&output));
}
