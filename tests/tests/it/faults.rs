//! A short run of the fault bench: nothing is lost and nothing is done twice.

use std::path::Path;

use jarvis_tests::faults::{Plan, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_faults_lose_nothing_and_double_nothing() {
    let plan = Plan {
        seed: 20,
        faults: 30,
        nodes: 3,
        keep: Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults"),
    };
    let report = run(&plan).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(report.done > 10, "{report}");
}
