//! What a node tells about its machine: facts once per session, load with each heartbeat.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Mutex;

use jarvis_proto::node::{Facts, Load};
use rustix::fs::{Access, access, statvfs};

use crate::clock::now_ms;
use crate::config::NodeConfig;

/// Where Docker engines listen.
const DOCKER_SOCKET: &str = "/var/run/docker.sock";

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
        docker_socket: has_docker_socket(
            config
                .docker
                .as_ref()
                .map_or(Path::new(DOCKER_SOCKET), |docker| &docker.socket),
        ),
        boot_ms: boot_ms(&read("/proc/stat")),
        started_ms,
        legacy: false,
        max_jobs: u32::try_from(config.max_jobs).unwrap_or(u32::MAX),
        services: crate::service::facts(config),
        docker_allowed: config.docker.is_some(),
        package_folder: config
            .program
            .as_ref()
            .map(|_| config.packages().to_string_lossy().into_owned())
            .unwrap_or_default(),
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
                || Path::new("/var/run/secrets/kubernetes.io/serviceaccount").exists(),
        }
    }
}

/// The kind of container as the wire names it; empty on a machine.
fn container(signs: &Signs) -> &'static str {
    let group = |is_wanted: fn(&str) -> bool| {
        let paths = signs
            .cgroup
            .lines()
            .filter_map(|line| line.splitn(3, ':').nth(2));
        paths.flat_map(|path| path.split('/')).any(is_wanted)
    };
    let mounted = |from: &str| mounts_files_of(&signs.mounts, from);
    if signs.has_kubernetes
        || group(|part| part.starts_with("kubepods"))
        || mounted("/kubelet/pods/")
    {
        "kubernetes"
    } else if signs.has_containerenv
        || signs.variable == "podman"
        || group(|part| part.starts_with("libpod"))
        || mounted("/overlay-containers/")
    {
        "podman"
    } else if signs.has_dockerenv
        || group(|part| part == "docker" || is_scope_of(part, "docker-"))
        || mounted("/docker/containers/")
    {
        "docker"
    } else if signs.variable.starts_with("lxc")
        || group(|part| part == "lxc" || part.starts_with("lxc.payload"))
    {
        "lxc"
    } else if !signs.variable.is_empty()
        || group(|part| part == "containerd" || is_scope_of(part, "cri-containerd-"))
    {
        "container"
    } else {
        ""
    }
}

/// The container's own scope, not the service that makes containers (`docker.service`).
fn is_scope_of(part: &str, prefix: &str) -> bool {
    part.starts_with(prefix) && part.ends_with(".scope")
}

/// Whether a file that container runtimes bring along (`/etc/hostname` and its like) is mounted from
/// a folder with `from` in its path. On the machine itself the runtime's folders are mount points,
/// too; in a container they are what is mounted.
fn mounts_files_of(mountinfo: &str, from: &str) -> bool {
    mountinfo.lines().any(|line| {
        // Id, parent, device, what is mounted, where.
        let mut fields = line.split(' ').skip(3);
        let (what, place) = (fields.next(), fields.next());
        let is_brought = matches!(
            place,
            Some("/etc/hostname" | "/etc/hosts" | "/etc/resolv.conf")
        );
        is_brought && what.is_some_and(|what| what.contains(from))
    })
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
    fn a_machine_that_runs_containers_is_none() {
        let mounts = "\
36 25 0:31 / /var/lib/docker/overlay2/ab/merged rw - overlay overlay rw
37 25 0:32 / /var/lib/docker/containers/0a1b/mounts/shm rw - tmpfs shm rw
38 25 0:33 / /var/lib/kubelet/pods/1-2/volumes/token rw - tmpfs tmpfs rw
39 25 8:1 /etc/hostname /etc/hostname rw - ext4 /dev/sda1 rw";
        for cgroup in [
            "0::/system.slice/docker.service",
            "0::/system.slice/containerd.service",
            "12:pids:/system.slice/jarvis-node.service\n0::/",
            "0::/user.slice/user-1000.slice/docker-build",
        ] {
            let signs = Signs {
                mounts: mounts.to_owned(),
                ..with_cgroup(cgroup)
            };
            assert_eq!(container(&signs), "", "{cgroup}");
        }
    }

    #[test]
    fn runtimes_are_told_by_cgroup_or_by_what_they_mount() {
        // Read from containers of each kind; identifiers are shortened.
        let rows = [
            ("0::/system.slice/docker-0a1b2c.scope", "", "docker"),
            ("12:cpu,cpuacct:/docker/0a1b2c/init", "", "docker"),
            (
                "0::/",
                "1 0 0:40 / / rw - overlay overlay rw\n2 1 8:1 /var/lib/docker/containers/0a/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw",
                "docker",
            ),
            (
                "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-0a.scope",
                "",
                "kubernetes",
            ),
            (
                "0::/",
                "2 1 8:1 /var/lib/kubelet/pods/0a-1b/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw",
                "kubernetes",
            ),
            (
                "0::/user.slice/user-0.slice/libpod-0a.scope/container",
                "",
                "podman",
            ),
            (
                "0::/",
                "2 1 0:51 /containers/storage/overlay-containers/0a/userdata/hostname /etc/hostname rw - tmpfs tmpfs rw",
                "podman",
            ),
            ("0::/lxc.payload.web/init.scope", "", "lxc"),
            ("0::/system.slice/cri-containerd-0a.scope", "", "container"),
        ];
        for (cgroup, mounts, kind) in rows {
            let signs = Signs {
                mounts: mounts.to_owned(),
                ..with_cgroup(cgroup)
            };
            assert_eq!(container(&signs), kind, "{cgroup} {mounts}");
        }
        let in_a_pod = Signs {
            has_kubernetes: true,
            has_dockerenv: true,
            ..Signs::default()
        };
        assert_eq!(container(&in_a_pod), "kubernetes");
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
