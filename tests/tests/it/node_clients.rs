//! Public programs in JavaScript that were written for the real platforms.

use std::path::Path;

use jarvis_tests::process::Process;
use tokio::process::Command;

/// Set by `scripts/test` to a folder in which `tests/node/package.json` is installed.
const CLIENTS: &str = "JARVIS_TEST_NODE_CLIENTS";

/// That folder; `None`, and a word about it, where it is not there.
pub(crate) fn node_clients() -> Option<String> {
    match std::env::var(CLIENTS) {
        Ok(folder) => Some(folder),
        Err(_) => {
            let is_here = std::process::Command::new("npm")
                .arg("--version")
                .output()
                .is_ok();
            assert!(
                std::env::var("CI").as_deref() != Ok("true") || !is_here,
                "npm is here but {CLIENTS} is not set: run scripts/test"
            );
            eprintln!("skipped: {CLIENTS} names no folder with the clients (see scripts/test)");
            None
        }
    }
}

/// Starts a script of `tests/node`. It may write below `home`.
pub(crate) fn start_node(clients: &str, script: &str, arguments: &[&str], home: &Path) -> Process {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("node")
        .join(script);
    let mut command = Command::new("node");
    command
        .arg(path)
        .args(arguments)
        .env(CLIENTS, clients)
        .env("HOME", home)
        .env("TMPDIR", home);
    Process::start(script, &mut command).unwrap()
}
