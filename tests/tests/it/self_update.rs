//! The real `jarvis-node` replaces itself, and gets the old program back when the new one is no good.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jarvis_tests::node::Node;
use jarvis_tests::process::program;
use jarvis_tests::site::Site;

/// Where the second version is, when it is not beside the first.
const NEXT: &str = "JARVIS_TEST_NODE_NEXT";

/// A site with one node that runs from a program of its own.
struct World {
    site: Site,
    program: PathBuf,
    _remains: Remains,
}

/// Ends what a guard has started: it is nobody's child.
struct Remains(PathBuf);

impl Drop for Remains {
    fn drop(&mut self) {
        let Ok(processes) = std::fs::read_dir("/proc") else {
            return;
        };
        for process in processes.flatten() {
            let name = process.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let is_ours = String::from_utf8_lossy(&line).contains(self.0.to_str().unwrap());
            if let Some(pid) = rustix::process::Pid::from_raw(pid).filter(|_| is_ours) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

async fn world() -> World {
    let mut site = Site::with_nodes(&[]).await.unwrap();
    let root = site.jarvis.root().await.unwrap();
    let mut node = Node::new("n-1", &root, site.line.address()).await.unwrap();
    let own = node.folder().join("jarvis-node");
    std::fs::copy(program("jarvis-node").unwrap(), &own).unwrap();
    site.owner
        .says(&format!("enroll n-1 {}", node.address()))
        .await;
    site.owner.sees("I know n-1 now").await;
    node.start_program(&own).unwrap();
    let remains = Remains(node.folder().to_owned());
    site.nodes.push(node);
    site.is_online("n-1").await;
    World {
        site,
        program: own,
        _remains: remains,
    }
}

fn next() -> PathBuf {
    let next = std::env::var_os(NEXT).map_or_else(
        || program("jarvis-node-next"),
        |path| Ok(PathBuf::from(path)),
    );
    next.expect(
        "the second version is missing: run scripts/jarvis-node-next first, as scripts/test does",
    )
}

fn version_of(program: &Path) -> String {
    let output = std::process::Command::new(program)
        .arg("version")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.trim().strip_prefix("jarvis-node ").unwrap().to_owned()
}

/// A program that says a version like a jarvis-node, and otherwise does what `script` says.
fn fake(world: &World, script: &str) -> PathBuf {
    let path = world.site.jarvis.folder().join("fake");
    let text = format!(
        "#!/bin/sh\nif test \"$1\" = version; then echo jarvis-node 7.7.7; exit 0; fi\n{script}\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

async fn attach(world: &mut World, package: &Path, version: &str) {
    let line = format!(
        "@{} updnodes -t jarvisnode -v {version} --timeout 20s --yes",
        package.display()
    );
    world.site.owner.says(&line).await;
}

/// The node works as before, with its old program.
async fn is_as_before(world: &mut World, old: &str) {
    assert_eq!(version_of(&world.program), old);
    world.site.is_online("n-1").await;
    world
        .site
        .owner
        .says("run n-1 printf '%s-%s' all well")
        .await;
    world.site.owner.sees("all-well").await;
}

#[tokio::test]
async fn a_node_updates_itself_and_goes_back() {
    let mut world = world().await;
    let old = version_of(&world.program);
    let next = next();
    let new = version_of(&next);
    assert_ne!(old, new);
    attach(&mut world, &next, &new).await;
    world.site.owner.sees("✔ job 1").await;
    world.site.owner.sees(&format!("with {new}")).await;
    assert_eq!(version_of(&world.program), new);
    world
        .site
        .owner
        .says("run n-1 printf '%s-%s' still here")
        .await;
    world.site.owner.sees("still-here").await;
    world.site.owner.says("rollback 1 --yes").await;
    world
        .site
        .owner
        .sees("✔ job 3 · roll back jarvisnode · 1 of 1")
        .await;
    world.site.owner.sees(&format!("with {old}")).await;
    is_as_before(&mut world, &old).await;
}

#[tokio::test]
async fn a_program_that_does_not_start_changes_nothing() {
    let mut world = world().await;
    let old = version_of(&world.program);
    let package = world.site.jarvis.folder().join("broken");
    std::fs::write(&package, b"\x7fELF and nothing else").unwrap();
    attach(&mut world, &package, "7.7.7").await;
    let row = world.site.owner.sees("n-1  is still").await;
    assert!(row.contains("the new program does not start"), "{row}");
    // Nor does one of another version than was asked for.
    let package = fake(&world, "exit 1");
    attach(&mut world, &package, "7.7.8").await;
    let row = world.site.owner.sees("n-1  is still").await;
    assert!(row.contains("is version 7.7.7 and not 7.7.8"), "{row}");
    is_as_before(&mut world, &old).await;
}

#[tokio::test]
async fn a_program_that_ends_at_once_is_taken_back() {
    let mut world = world().await;
    let old = version_of(&world.program);
    let package = fake(&world, "exit 1");
    attach(&mut world, &package, "7.7.7").await;
    let row = world
        .site
        .owner
        .sees(&format!("came back with {old}"))
        .await;
    assert!(
        row.contains("without having reached its root; the old one is back"),
        "{row}"
    );
    is_as_before(&mut world, &old).await;
}

#[tokio::test]
async fn a_program_that_never_reports_is_taken_back() {
    let mut world = world().await;
    let old = version_of(&world.program);
    let package = fake(&world, "exec sleep 600");
    attach(&mut world, &package, "7.7.7").await;
    let row = world
        .site
        .owner
        .sees(&format!("came back with {old}"))
        .await;
    assert!(
        row.contains("did not reach its root in 10 s; the old one is back"),
        "{row}"
    );
    is_as_before(&mut world, &old).await;
}
