//! The services that a node's file declares, and whether it allows Docker.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::file::{bytes, duration};

/// Longest name of a service.
const LONGEST_NAME: usize = 40;
/// Longest description of a service; it travels with every session.
const LONGEST_DESCRIPTION: usize = 120;
/// Most services of one node.
const MOST_SERVICES: usize = 100;
/// How much a service may answer, unless its entry says otherwise, and at most.
const OUTPUT: (u64, u64) = (1 << 20, 64 << 20);
/// How long a service may take, unless its entry says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long the Docker engine may take, unless the file says otherwise.
const DOCKER_TIMEOUT: Duration = Duration::from_secs(60);

/// A program that roots may call by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfig {
    /// What it is called: letters, digits, `-` and `_`.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// A path, or a name that is looked up in `PATH`.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// How long one call may take.
    pub timeout: Duration,
    /// Most bytes that it may write to standard output.
    pub output_limit: u64,
    /// Its working directory; `None` = that of jobs.
    pub cwd: Option<PathBuf>,
    /// People are asked before it is called.
    pub danger: bool,
}

/// The Docker engine of this machine, which roots may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerConfig {
    /// The engine's Unix socket.
    pub socket: PathBuf,
    /// How long one order may take.
    pub timeout: Duration,
}

/// `[[service]]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawService {
    name: String,
    #[serde(default)]
    description: String,
    program: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default, deserialize_with = "duration")]
    timeout: Option<Duration>,
    #[serde(default, deserialize_with = "bytes")]
    output_limit: Option<u64>,
    cwd: Option<PathBuf>,
    #[serde(default)]
    danger: bool,
}

/// `[docker]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDocker {
    socket: Option<PathBuf>,
    #[serde(default, deserialize_with = "duration")]
    timeout: Option<Duration>,
}

/// Checks the services of a file; relative paths are relative to `folder`.
pub(super) fn services(raw: Vec<RawService>, folder: &Path) -> Result<Vec<ServiceConfig>, String> {
    if raw.len() > MOST_SERVICES {
        return Err(format!("`service`: at most {MOST_SERVICES} are possible"));
    }
    let mut names = HashSet::new();
    raw.into_iter()
        .map(|raw| {
            let service = service(raw, folder)?;
            if names.insert(service.name.clone()) {
                Ok(service)
            } else {
                Err(format!("`service.name`: `{}` stands twice", service.name))
            }
        })
        .collect()
}

fn service(raw: RawService, folder: &Path) -> Result<ServiceConfig, String> {
    if !is_service_name(&raw.name) {
        return Err(format!(
            "`service.name`: `{}` must be 1 to {LONGEST_NAME} letters, digits, `-` or `_`",
            raw.name
        ));
    }
    let wrong = |key: &str, what: &str| Err(format!("`service.{key}` of `{}` {what}", raw.name));
    if raw.program.trim().is_empty() {
        return wrong("program", "is empty");
    }
    if raw.program.contains('\0') || raw.args.iter().any(|arg| arg.contains('\0')) {
        return wrong("args", "holds a NUL byte");
    }
    if raw.description.chars().count() > LONGEST_DESCRIPTION
        || raw.description.contains(char::is_control)
    {
        return wrong(
            "description",
            &format!("must be one line of at most {LONGEST_DESCRIPTION} characters"),
        );
    }
    let timeout = raw.timeout.unwrap_or(TIMEOUT);
    if timeout.is_zero() {
        return wrong("timeout", "must not be 0");
    }
    let output_limit = raw.output_limit.unwrap_or(OUTPUT.0);
    if output_limit == 0 || output_limit > OUTPUT.1 {
        return wrong("output_limit", &format!("must be 1 to {} bytes", OUTPUT.1));
    }
    let program = if raw.program.contains('/') {
        absolute(folder.join(&raw.program))
            .to_string_lossy()
            .into_owned()
    } else {
        raw.program
    };
    Ok(ServiceConfig {
        name: raw.name,
        description: raw.description,
        program,
        args: raw.args,
        timeout,
        output_limit,
        cwd: raw.cwd.map(|cwd| absolute(folder.join(cwd))),
        danger: raw.danger,
    })
}

/// A service starts in another directory than this process, where relative paths mean something else.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Whether Docker is allowed, and where. A `[docker]` without a socket allows nothing.
pub(super) fn docker(raw: Option<RawDocker>) -> Result<Option<DockerConfig>, String> {
    let Some(RawDocker {
        socket: Some(socket),
        timeout,
    }) = raw
    else {
        return Ok(None);
    };
    if !socket.is_absolute() {
        return Err(format!(
            "`docker.socket`: `{}` is not an absolute path",
            socket.display()
        ));
    }
    let timeout = timeout.unwrap_or(DOCKER_TIMEOUT);
    if timeout.is_zero() {
        return Err("`docker.timeout` must not be 0".to_owned());
    }
    Ok(Some(DockerConfig { socket, timeout }))
}

/// Whether a service may be called that.
pub(crate) fn is_service_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::parse;
    use super::*;

    fn read(text: &str) -> Result<crate::NodeConfig, String> {
        parse(Path::new("/etc/jarvis/node.toml"), text)
            .map(|file| file.node)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_service_is_read_whole() {
        let node = read(
            r#"
            [[service]]
            name = "disk"
            description = "free space"
            program = "bin/disk"
            args = ["--json"]
            timeout = "5s"
            output_limit = "64 KiB"
            cwd = "/srv"
            danger = true
            [[service]]
            name = "up"
            program = "uptime"
            "#,
        )
        .unwrap();
        assert_eq!(node.services[0].program, "/etc/jarvis/bin/disk");
        assert_eq!(node.services[0].timeout, Duration::from_secs(5));
        assert_eq!(node.services[0].output_limit, 64 << 10);
        assert!(node.services[0].danger);
        assert_eq!(node.services[1].program, "uptime");
        assert_eq!(node.services[1].output_limit, OUTPUT.0);
        assert!(!node.services[1].danger);
    }

    #[test]
    fn docker_is_off_unless_a_socket_is_named() {
        assert_eq!(read("").unwrap().docker, None);
        assert_eq!(read("[docker]").unwrap().docker, None);
        let docker = read("[docker]\nsocket = '/var/run/docker.sock'")
            .unwrap()
            .docker
            .unwrap();
        assert_eq!(docker.socket, Path::new("/var/run/docker.sock"));
        assert_eq!(docker.timeout, DOCKER_TIMEOUT);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("[[service]]\nname = 'a b'\nprogram = 'x'", "a b"),
            ("[[service]]\nname = ''\nprogram = 'x'", "service.name"),
            ("[[service]]\nname = 'a'", "program"),
            ("[[service]]\nname = 'a'\nprogram = ' '", "service.program"),
            (
                "[[service]]\nname = 'a'\nprogram = 'x'\ntimeout = '0s'",
                "service.timeout",
            ),
            (
                "[[service]]\nname = 'a'\nprogram = 'x'\noutput_limit = 0",
                "service.output_limit",
            ),
            (
                "[[service]]\nname = 'a'\nprogram = 'x'\noutput_limit = '1 GiB'",
                "service.output_limit",
            ),
            (
                "[[service]]\nname = 'a'\nprogram = 'x'\ndescription = \"a\\nb\"",
                "service.description",
            ),
            (
                "[[service]]\nname = 'a'\nprogram = 'x'\n[[service]]\nname = 'a'\nprogram = 'y'",
                "stands twice",
            ),
            (
                "[[service]]\nname = 'a'\nprogam = 'x'",
                "did you mean `service.program`",
            ),
            ("[docker]\nsocket = 'docker.sock'", "docker.socket"),
            ("[docker]\nsokcet = '/x'", "did you mean `docker.socket`"),
            ("[docker]\nsocket = '/x'\ntimeout = '0s'", "docker.timeout"),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.contains(word), "{text}: {fault}");
        }
    }
}
