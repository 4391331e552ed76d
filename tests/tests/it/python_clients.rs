//! The fake QQ as public clients see it, which were written for the real programs.

/// Set by `scripts/test` to a Python that has grpcio and the clients of `tests/python/requirements.txt`.
const PYTHON: &str = "JARVIS_TEST_PYTHON_CHATS";

/// That Python; `None`, and a word about it, where it is not there.
pub(crate) fn python() -> Option<String> {
    match std::env::var(PYTHON) {
        Ok(python) => Some(python),
        Err(_) => {
            let is_here = std::process::Command::new("python3")
                .arg("--version")
                .output()
                .is_ok();
            assert!(
                std::env::var("CI").as_deref() != Ok("true") || !is_here,
                "python3 is here but {PYTHON} is not set: run scripts/test"
            );
            eprintln!("skipped: {PYTHON} names no Python with the clients (see scripts/test)");
            None
        }
    }
}
