//! Updates of a fleet, wave after wave, by the nodes' own scripts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jarvis_tests::node::Node;
use jarvis_tests::process::PATIENCE;
use jarvis_tests::site::Site;
use tokio::time::{Instant, sleep};

/// What each node runs: it is told what to do by files in its folder.
const UPDATE: &str = r"
cd FOLDER
echo begin NAME >> LOG
while test -e hold; do sleep 0.05; done
if test -e broken; then echo half > VERSION; echo no space left on device >&2; exit 1; fi
if test -e wrong; then echo 1.9 > VERSION; exit 0; fi
if test -e hang; then sleep 600; fi
if test -e dead; then kill -9 $(cut -d ' ' -f 4 /proc/$PPID/stat); exit 0; fi
test -z $JARVIS_PACKAGE_DIR || cp $JARVIS_PACKAGE_DIR/app app
echo {NewVersion} > VERSION
echo $JARVIS_OLD_VERSION-$JARVIS_NEW_VERSION > variables
echo end NAME >> LOG
";

/// A site whose nodes serve an application of type `app`, version 1.0.
pub(crate) async fn site(names: &[&str]) -> Site {
    let mut site = Site::with_nodes(&[]).await.unwrap();
    let root = site.jarvis.root().await.unwrap();
    for name in names {
        let mut node = Node::new(name, &root, site.line.address()).await.unwrap();
        let here = node.folder().to_str().unwrap().to_owned();
        let log = log(&site);
        let update = UPDATE
            .replace("FOLDER", &here)
            .replace("NAME", name)
            .replace("LOG", log.to_str().unwrap());
        std::fs::write(node.folder().join("VERSION"), "1.0\n").unwrap();
        let config = std::fs::read_to_string(node.config()).unwrap();
        let config = config.replace("type = \"jarvisnode\"", "type = \"app\"");
        std::fs::write(node.config(), config).unwrap();
        node.configure(&format!(
            "version_file = \"VERSION\"\nupdate_script = '''{update}'''\n\
             rollback_script = 'echo {{NewVersion}} > {here}/VERSION'\n"
        ))
        .unwrap();
        let enroll = format!("enroll {name} {} --tag web", node.address());
        site.owner.says(&enroll).await;
        site.owner.sees(&format!("I know {name} now")).await;
        node.start().unwrap();
        site.nodes.push(node);
    }
    for name in names {
        site.is_online(name).await;
    }
    site
}

fn log(site: &Site) -> PathBuf {
    site.jarvis.folder().join("log")
}

pub(crate) fn mark(site: &Site, place: usize, name: &str) {
    std::fs::write(site.nodes[place].folder().join(name), "").unwrap();
}

pub(crate) fn unmark(site: &Site, place: usize, name: &str) {
    std::fs::remove_file(site.nodes[place].folder().join(name)).unwrap();
}

pub(crate) fn version(site: &Site, place: usize) -> String {
    let path = site.nodes[place].folder().join("VERSION");
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(ToOwned::to_owned).collect()
}

/// Waits until a script has written so many lines.
async fn has_lines(path: &Path, count: usize) {
    let until = Instant::now() + PATIENCE;
    while lines(path).len() < count {
        assert!(Instant::now() < until, "{:?}", lines(path));
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_fleet_is_updated_in_waves() {
    let mut site = site(&["n-1", "n-2", "n-3", "n-4", "n-5"]).await;
    site.owner.says("updnodes -t app").await;
    site.owner
        .sees("or -r to restart only. Versions now: 5 x 1.0.")
        .await;
    site.owner.says("updnodes -t app -v 2.0 --batch 2").await;
    site.owner
        .sees("Update 5 nodes of type app to 2.0 (now: 5 x 1.0)")
        .await;
    site.owner.sees("First canary n-1, then 2 at a time").await;
    site.owner.says("yes").await;
    site.owner.sees("✔ job 1 · update app → 2.0 · 5 of 5").await;
    for name in ["n-1", "n-2", "n-3", "n-4", "n-5"] {
        let row = site.owner.sees(name).await;
        assert!(row.contains("back in") && row.contains("with 2.0"), "{row}");
    }
    let log = lines(&log(&site));
    assert_eq!(log.len(), 10, "each script ran once: {log:?}");
    assert_eq!(log[..2], ["begin n-1", "end n-1"], "the canary goes alone");
    let mut second: Vec<&str> = log[2..6]
        .iter()
        .map(|line| &line[line.len() - 3..])
        .collect();
    second.sort_unstable();
    assert_eq!(second, ["n-2", "n-2", "n-3", "n-3"], "two at a time");
    for place in 0..5 {
        assert_eq!(version(&site, place), "2.0");
        let variables = site.nodes[place].folder().join("variables");
        assert_eq!(lines(&variables), ["1.0-2.0"]);
    }
    // The same again changes nothing, and a restart only restarts.
    site.owner.says("updnodes -t app -v 2.0 --yes").await;
    site.owner.sees("✔ job 2").await;
    site.owner.sees("unchanged, it has 2.0 already").await;
    site.owner
        .says("updnodes -t app -r=true --node n-1,n-2 --yes")
        .await;
    site.owner.sees("✔ job 3 · restart app · 2 of 2").await;
    site.owner.sees("back in").await;
    assert_eq!(lines(&self::log(&site)).len(), 10);
}

#[tokio::test]
async fn too_many_failures_stop_it_and_it_is_retried_and_rolled_back() {
    let mut site = site(&["n-1", "n-2", "n-3"]).await;
    mark(&site, 1, "broken");
    site.owner
        .says("updnodes -t app -v 2.0 --batch 1 --yes")
        .await;
    site.owner.sees("◐ job 1 · update app → 2.0 · 1 of 3").await;
    site.owner.sees("n-1  back in").await;
    site.owner
        .sees("n-2  is still 1.0: update script exit 1: no space left on device")
        .await;
    site.owner.sees("n-3  not begun").await;
    site.owner.sees("stopped: 1 failure is the limit").await;
    site.owner.says("log 1 --node n-2 --err").await;
    site.owner.sees("no space left on device").await;
    unmark(&site, 1, "broken");
    site.owner.says("retry 1 failed").await;
    site.owner.sees("Waits").await;
    site.owner.says("yes").await;
    site.owner.sees("✔ job 2 · update app → 2.0 · 2 of 2").await;
    site.owner.sees("n-3  back in").await;
    site.owner.says("rollback 2").await;
    site.owner
        .sees("back to the old version (now: 2 x 2.0)")
        .await;
    site.owner.says("yes").await;
    site.owner.sees("job 3 · roll back app · ").await;
    site.owner.sees("n-3  back in").await;
    assert_eq!(version(&site, 0), "2.0");
    assert_eq!(version(&site, 2), "1.0");
    site.owner.says("rollback 9").await;
    site.owner.sees("no job 9").await;
}

#[tokio::test]
async fn a_node_on_which_it_failed_goes_back_by_itself() {
    let mut site = site(&["n-1"]).await;
    mark(&site, 0, "broken");
    site.owner
        .says("updnodes -t app -v 2.0 --rollback --yes")
        .await;
    site.owner.sees("✖ job 1").await;
    site.owner
        .sees("exit 1: no space left on device; rolled back to 1.0")
        .await;
    assert_eq!(version(&site, 0), "1.0");
}

#[tokio::test]
async fn each_failure_says_what_it_is() {
    let mut site = site(&["n-1", "n-2", "n-3"]).await;
    mark(&site, 0, "hang");
    mark(&site, 1, "dead");
    mark(&site, 2, "wrong");
    site.owner
        .says("updnodes -t app -v 2.0 --canary 0 --batch 3 --timeout 8s --yes")
        .await;
    site.owner.sees("✖ job 1").await;
    site.owner
        .sees("n-1  is still 1.0: update script stopped at the time limit")
        .await;
    site.owner.sees("n-2  did not come back in 8 s").await;
    site.owner.sees("n-3  came back with 1.9").await;
    // A node that is not there is no failure of the update.
    unmark(&site, 0, "hang");
    site.owner.says("updnodes -t app -v 1.9 --yes").await;
    site.owner.sees("◐ job 2 · update app → 1.9 · 2 of 3").await;
    site.owner.sees("n-1  back in").await;
    site.owner.sees("n-2  unreachable").await;
    site.owner.sees("n-3  unchanged, it has 1.9 already").await;
}

#[tokio::test]
async fn a_brain_that_dies_in_mid_wave_goes_on_where_it_was() {
    let mut site = site(&["n-1", "n-2", "n-3"]).await;
    mark(&site, 1, "hold");
    site.owner
        .says("updnodes -t app -v 2.0 --batch 1 --yes")
        .await;
    has_lines(&log(&site), 3).await;
    site.kill_brain().await.unwrap();
    unmark(&site, 1, "hold");
    // The script goes on without the brain.
    has_lines(&log(&site), 4).await;
    site.start_brain().await.unwrap();
    site.owner.sees("✔ job 1 · update app → 2.0 · 3 of 3").await;
    assert_eq!(lines(&log(&site)).len(), 6, "each script ran once");
    assert_eq!(site.owner.count("job 1 · update app"), 1);
}

#[tokio::test]
async fn cancel_stops_further_waves() {
    let mut site = site(&["n-1", "n-2", "n-3"]).await;
    mark(&site, 0, "hold");
    site.owner.says("updnodes -t app -v 2.0 --yes").await;
    has_lines(&log(&site), 1).await;
    // Nobody else updates the same nodes meanwhile.
    site.owner
        .says("updnodes -t app -v 3.0 --node n-1 --yes")
        .await;
    site.owner.sees("Job 1 is updating n-1 already").await;
    site.owner.says("cancel 1").await;
    site.owner.sees("1").await;
    unmark(&site, 0, "hold");
    site.owner.sees("⊘ job 1 · update app → 2.0 · 1 of 3").await;
    site.owner.sees("n-1  back in").await;
    site.owner.sees("n-2  not begun").await;
    site.owner
        .sees("cancelled: no further nodes were begun")
        .await;
    assert_eq!(version(&site, 1), "1.0");
}

#[tokio::test]
async fn a_package_goes_to_each_node_first() {
    let mut site = site(&["n-1", "n-2"]).await;
    let folder = site.jarvis.folder().join("build");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("app"), "the new application").unwrap();
    let package = site.jarvis.folder().join("app.tar.gz");
    let packed = std::process::Command::new("tar")
        .arg("-czf")
        .arg(&package)
        .arg("-C")
        .arg(&folder)
        .arg("app")
        .status()
        .unwrap();
    assert!(packed.success());
    let say = format!("@{} updnodes -t app -v 2.0", package.display());
    site.owner.says(&say).await;
    site.owner.sees("app.tar.gz").await;
    site.owner.says("yes").await;
    site.owner.sees("✔ job 1 · update app → 2.0 · 2 of 2").await;
    for node in &site.nodes {
        let app = std::fs::read_to_string(node.folder().join("app")).unwrap();
        assert_eq!(app, "the new application");
    }
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let mut site = site(&["n-1"]).await;
    site.owner.says("updnodes -t nope -v 1").await;
    site.owner
        .sees("No node is of type nope. Types here: app")
        .await;
    site.owner.says("updnodes -t app -v 1 -r").await;
    site.owner.sees("one of the two").await;
    site.owner.says("updnodes -t app -v 1 --tag nothing").await;
    site.owner.sees("nothing").await;
    site.owner.says("run n-1 echo hi").await;
    site.owner.sees("✔ job 1").await;
    site.owner.says("rollback 1").await;
    site.owner.sees("Job 1 is no update").await;
}
