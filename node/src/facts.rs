//! What a node tells about its machine: facts once per session, load with each heartbeat.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Mutex;

use jarvis_proto::node::{Facts, Load};
use rustix::fs::{Access, access, statvfs};

use crate::clock::now_ms;
use crate::config::NodeConfig;

/// What is known about the machine and this process; `started_ms` is when the process began.
pub(crate) fn facts(config: &NodeConfig, started_ms: i64) -> Facts {
    let uname = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    Facts {
        node_type: config.node_type.clone(),
        version: config.current_version(),
        core_version: config.program_version().to_owned(),
        hostname: text(uname.nodename()),
        os: os_name(&read("/etc/os-release")).unwrap_or_else(|| text(uname.sysname())),
        kernel: text(uname.release()),
        arch: text(uname.machine()),
        cpus: std::thread::available_parallelism()
            .map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        memory_bytes: memory(&read("/proc/meminfo")).1,
        container: container(&Signs::read()).to_owned(),
        docker_socket: has_docker_socket(Path::new("/var/run/docker.sock")),
        boot_ms: boot_ms(&read("/proc/stat")),
        started_ms,
        max_jobs: u32::try_from(config.max_jobs).unwrap_or(u32::MAX),
        package_folder: config
            .program
            .as_ref()
            .map(|_| config.packages().to_string_lossy().into_owned())
            .unwrap_or_default(),
        ..Facts::default()
    }
}

/// Measures load; remembers the processor's counters from one measurement to the next.
#[derive(Debug, Default)]
pub(crate) struct LoadMeter(Mutex<(u64, u64)>);

impl LoadMeter {
    /// The load now; disk is the file system of `data`.
    pub(crate) fn measure(&self, data: &Path, running_jobs: usize) -> Load {
        let averages = read("/proc/loadavg");
        let mut averages = averages
            .split_whitespace()
            .map(|number| number.parse().unwrap_or(0.0));
        let (memory_used_bytes, memory_total_bytes) = memory(&read("/proc/meminfo"));
        let (disk_used_bytes, disk_total_bytes) = statvfs(data).map_or((0, 0), |disk| {
            (
                (disk.f_blocks - disk.f_bfree) * disk.f_frsize,
                disk.f_blocks * disk.f_frsize,
            )
        });
        let uptime = read("/proc/uptime");
        Load {
            load1: averages.next().unwrap_or(0.0),
            load5: averages.next().unwrap_or(0.0),
            load15: averages.next().unwrap_or(0.0),
            memory_used_bytes,
            memory_total_bytes,
            disk_used_bytes,
            disk_total_bytes,
            cpu: self.cpu(&read("/proc/stat")),
            running_jobs: u32::try_from(running_jobs).unwrap_or(u32::MAX),
            uptime_s: uptime
                .split('.')
                .next()
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(0),
            time_ms: now_ms(),
        }
    }

    fn cpu(&self, stat: &str) -> f64 {
        let (busy, all) = cpu_ticks(stat);
        let mut last = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (busy_before, all_before) = std::mem::replace(&mut *last, (busy, all));
        let all = all.saturating_sub(all_before);
        let busy = busy.saturating_sub(busy_before).min(all);
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
        if all == 0 {
            0.0
        } else {
            busy as f64 / all as f64
        }
    }
}

/// Space that a new file in the file system of `folder` may take, in bytes; `None` if unknown.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    statvfs(folder)
        .ok()
        .map(|disk| disk.f_bavail * disk.f_frsize)
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn os_name(release: &str) -> Option<String> {
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}

/// Used and all memory in bytes.
fn memory(meminfo: &str) -> (u64, u64) {
    let value = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()
            .map(|kib| kib * 1024)
    };
    let total = value("MemTotal:").unwrap_or(0);
    let available = value("MemAvailable:")
        .or_else(|| value("MemFree:"))
        .unwrap_or(0);
    (total.saturating_sub(available), total)
}

fn boot_ms(stat: &str) -> i64 {
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime "));
    seconds
        .and_then(|seconds| seconds.trim().parse::<i64>().ok())
        .unwrap_or(0)
        * 1000
}

/// Busy and all ticks of all processors since boot.
fn cpu_ticks(stat: &str) -> (u64, u64) {
    let line = stat
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("cpu "))
        .unwrap_or_default();
    // user nice system idle iowait irq softirq steal; what follows is contained in user and nice.
    let ticks: Vec<u64> = line
        .split_whitespace()
        .take(8)
        .map(|ticks| ticks.parse().unwrap_or(0))
        .collect();
    let all = ticks.iter().sum();
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    (all - idle, all)
}

/// What tells a container from a machine.
#[derive(Debug, Default)]
struct Signs {
    /// `/proc/self/cgroup` of version 1 or 2.
    cgroup: String,
    /// `/proc/self/mountinfo`: with cgroup namespaces the only place that still names the runtime.
    mounts: String,
    /// The variable `container` of this process or of the first one (systemd, podman, lxc set it).
    variable: String,
    has_dockerenv: bool,
    has_containerenv: bool,
    has_kubernetes: bool,
}

impl Signs {
    fn read() -> Self {
        let of_init = fs::read("/proc/1/environ").unwrap_or_default();
        let of_init = of_init
            .split(|byte| *byte == 0)
            .find_map(|pair| pair.strip_prefix(b"container="))
            .map(|value| String::from_utf8_lossy(value).into_owned());
        Self {
            cgroup: read("/proc/self/cgroup"),
            mounts: read("/proc/self/mountinfo"),
            variable: std::env::var("container")
                .ok()
                .or(of_init)
                .unwrap_or_default(),
            has_dockerenv: Path::new("/.dockerenv").exists(),
            has_containerenv: Path::new("/run/.containerenv").exists(),
            has_kubernetes: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
                || Path::new("/var/run/secrets/kubernetes.io").exists(),
        }
    }
}

/// The kind of container as the wire names it; empty on a machine.
fn container(signs: &Signs) -> &'static str {
    let cgroup = |part: &str| signs.cgroup.contains(part);
    // On the machine itself Docker's folders are mount points, too; here they are what is mounted.
    let mut mounts = signs.mounts.lines();
    let has_docker_hostname = mounts
        .any(|mount| mount.contains("/docker/containers/") && mount.contains(" /etc/hostname "));
    if signs.has_kubernetes || cgroup("kubepods") {
        "kubernetes"
    } else if signs.has_containerenv || signs.variable == "podman" || cgroup("libpod") {
        "podman"
    } else if signs.has_dockerenv || cgroup("/docker") || has_docker_hostname {
        "docker"
    } else if signs.variable.starts_with("lxc") || cgroup("/lxc") {
        "lxc"
    } else if !signs.variable.is_empty() || cgroup("containerd") {
        "container"
    } else {
        ""
    }
}

fn has_docker_socket(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket())
        && access(path, Access::READ_OK | Access::WRITE_OK).is_ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn with_cgroup(cgroup: &str) -> Signs {
        Signs {
            cgroup: cgroup.to_owned(),
            ..Signs::default()
        }
    }

    #[test]
    fn containers_are_told_apart() {
        assert_eq!(
            container(&with_cgroup("0::/user.slice/user-0.slice/session-1.scope")),
            ""
        );
        assert_eq!(
            container(&with_cgroup(
                "12:pids:/docker/0123abcd\n11:cpu:/docker/0123abcd"
            )),
            "docker"
        );
        assert_eq!(
            container(&with_cgroup("0::/kubepods/besteffort/pod1")),
            "kubernetes"
        );
        assert_eq!(
            container(&with_cgroup("0::/machine.slice/libpod-1.scope")),
            "podman"
        );
        assert_eq!(container(&with_cgroup("4:memory:/lxc/web")), "lxc");
        assert_eq!(
            container(&Signs {
                variable: "systemd-nspawn".to_owned(),
                ..Signs::default()
            }),
            "container"
        );
        // Docker on cgroup version 2 with a namespace of its own shows only `0::/`.
        let mounts =
            "700 690 8:1 /var/lib/docker/containers/0a1b/hostname /etc/hostname rw".to_owned();
        assert_eq!(
            container(&Signs {
                mounts,
                cgroup: "0::/".to_owned(),
                ..Signs::default()
            }),
            "docker"
        );
        assert_eq!(
            container(&Signs {
                has_dockerenv: true,
                ..Signs::default()
            }),
            "docker"
        );
    }

    #[test]
    fn processor_share_is_that_since_the_last_look() {
        let meter = LoadMeter::default();
        meter.cpu("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1");
        let share = meter.cpu("cpu  150 0 150 1400 100 0 0 0 0 0\n");
        assert!((share - 100.0 / 800.0).abs() < 1e-9, "{share}");
    }

    #[test]
    fn this_machine_has_facts() {
        let facts = facts(&NodeConfig::new("/tmp"), 5);
        assert!(facts.cpus > 0 && facts.memory_bytes > 0 && facts.boot_ms > 0);
        assert!(!facts.os.is_empty() && !facts.hostname.is_empty());
        let load = LoadMeter::default().measure(Path::new("/"), 3);
        assert!(load.memory_used_bytes <= load.memory_total_bytes && load.disk_total_bytes > 0);
        assert_eq!(load.running_jobs, 3);
    }

    #[test]
    fn the_name_of_the_system_is_the_pretty_one() {
        assert_eq!(
            os_name("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 13\"\n").unwrap(),
            "Debian GNU/Linux 13"
        );
        assert_eq!(os_name(""), None);
    }
}
