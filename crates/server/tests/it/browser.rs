//! The reading site in a real browser, against a platform with the starter catalogue.
//!
//! What is tested stands in `crates/public/tests/browser/`; here the platform is started for it. It needs
//! Node, a Chromium, and the packages of that folder, which `prepare.sh` installs. Where one is missing, continuous
//! integration fails and a desk is told.

use crate::platform::Platform;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const CHROMIUMS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

#[tokio::test]
async fn the_site_works_in_a_browser_for_everybody() {
    let folder = root().join("crates/public/tests/browser");
    if let Some(missing) = missing(&folder) {
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        println!("SKIPPED: {missing}");
        return;
    }
    let platform = Platform::with_catalogue("browser", &root().join("catalogue")).await;
    let ended = Command::new("node")
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .args(files(&folder))
        // The edge of region b: what a reader sees far from the primary, and from where a report must travel.
        .env("BASE", format!("http://127.0.0.1:{}", platform.base_port + 1))
        .status();
    assert!(ended.unwrap().success(), "the browser tests failed; their report stands above");
    reports_have_arrived(&platform).await;
}

/// What the browser reported, with scripts and without, is on the editors' list, at the line where it was.
async fn reports_have_arrived(platform: &Platform) {
    let (list, _) = platform.edited("GET", "/v1/admin/reports?state=open", None, &Value::Null).await;
    for text in ["A line as I learnt it, with scripts", "A line as I learnt it, without scripts"] {
        let of_text = |report: &&Value| report["text"] == text;
        let report = list["items"].as_array().unwrap().iter().find(of_text);
        let report = report.unwrap_or_else(|| panic!("`{text}` is not on the list: {list}"));
        assert!(report["place"]["section"].is_string() && report["place"]["line"] == 2, "{report}");
        assert_eq!((&report["contact"], &report["state"]), (&"reader@example.org".into(), &"open".into()));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    files.sort();
    files
}

/// What the tests need and this machine does not have.
fn missing(folder: &Path) -> Option<String> {
    let chromium = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let has_chromium = chromium.into_iter().chain(CHROMIUMS.map(PathBuf::from)).any(|path| path.exists());
    let has_node = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    let has_packages = folder.join("node_modules/playwright-core").exists();
    match (has_node, has_chromium, has_packages) {
        (true, true, true) => None,
        (false, ..) => Some("the site is not tried in a browser: there is no Node (`node`)".to_owned()),
        (_, false, _) => Some(
            "the site is not tried in a browser: there is no Chromium (Debian: apt-get install chromium, or set CHROMIUM)"
                .to_owned(),
        ),
        (.., false) => {
            Some(format!("the site is not tried in a browser: run `npm ci` in {}", folder.display()))
        }
    }
}

fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    crates.parent().unwrap().to_owned()
}
