//! The TOML form of the configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jarvis_nodeclient::Address;
use serde::{Deserialize, Deserializer, de};

use super::service::{RawDocker, RawService, docker, services};
use super::{ConfigError, ConfigFile, LegacyListen, NodeConfig, RootEntry, TrustSource};

/// Every key of the file. A test compares it with [`Raw`].
const KEYS: [&str; 39] = [
    "allow",
    "data",
    "docker",
    "docker.socket",
    "docker.timeout",
    "job_timeout",
    "key",
    "legacy",
    "legacy_address",
    "legacy_connect",
    "legacy_listen",
    "listen",
    "max_jobs",
    "name",
    "output_limit",
    "redial_at_most",
    "restart_script",
    "retention",
    "retention_size",
    "rollback_script",
    "root",
    "root.address",
    "root.connect",
    "service",
    "service.args",
    "service.cwd",
    "service.danger",
    "service.description",
    "service.name",
    "service.output_limit",
    "service.program",
    "service.timeout",
    "shell",
    "stop_grace",
    "trust",
    "type",
    "update_script",
    "version",
    "version_file",
];
/// Below this a stream's head and its kept end would overlap.
const LEAST_OUTPUT: u64 = 64 * 1024;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    data: Option<PathBuf>,
    key: Option<PathBuf>,
    name: Option<String>,
    #[serde(rename = "type")]
    node_type: Option<String>,
    version: Option<String>,
    version_file: Option<PathBuf>,
    update_script: Option<String>,
    restart_script: Option<String>,
    rollback_script: Option<String>,
    root: Vec<RawRoot>,
    listen: Option<SocketAddr>,
    legacy: bool,
    legacy_listen: Option<SocketAddr>,
    legacy_address: Option<String>,
    legacy_connect: Vec<String>,
    trust: Vec<Address>,
    allow: Vec<PathBuf>,
    max_jobs: Option<usize>,
    #[serde(deserialize_with = "duration")]
    job_timeout: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    stop_grace: Option<Duration>,
    #[serde(deserialize_with = "bytes")]
    output_limit: Option<u64>,
    #[serde(deserialize_with = "duration")]
    retention: Option<Duration>,
    #[serde(deserialize_with = "bytes")]
    retention_size: Option<u64>,
    shell: Option<String>,
    service: Vec<RawService>,
    docker: Option<RawDocker>,
    #[serde(deserialize_with = "duration")]
    redial_at_most: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRoot {
    address: Address,
    connect: String,
}

/// Reads the text of the configuration file `path`.
///
/// # Errors
///
/// When it is no TOML, or a key or value in it is wrong.
pub fn parse(path: &Path, text: &str) -> Result<ConfigFile, ConfigError> {
    let invalid = |message: String| ConfigError::Invalid {
        path: path.to_owned(),
        message,
    };
    let table: toml::Table = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
    check_keys(path, &table)?;
    let raw: Raw = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
    if raw.max_jobs == Some(0) {
        return Err(invalid("`max_jobs` must be at least 1".to_owned()));
    }
    if raw.output_limit.is_some_and(|limit| limit < LEAST_OUTPUT) {
        return Err(invalid(format!(
            "`output_limit` must be at least {LEAST_OUTPUT} bytes"
        )));
    }
    if raw.redial_at_most.is_some_and(|most| most.is_zero()) {
        return Err(invalid("`redial_at_most` must not be zero".to_owned()));
    }
    if let Some(relative) = raw.allow.iter().find(|allowed| !allowed.is_absolute()) {
        return Err(invalid(format!(
            "`allow`: `{}` is not an absolute path",
            relative.display()
        )));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let data = folder.join(raw.data.unwrap_or_else(|| PathBuf::from("data")));
    let mut node = NodeConfig::new(data);
    node.name = raw.name;
    node.trust = TrustSource::File(path.to_owned());
    node.allow = raw.allow;
    node.listen = raw.listen;
    node.legacy = match (raw.legacy, raw.legacy_listen) {
        (true, Some(listen)) => Some(LegacyListen {
            listen,
            server_address: raw.legacy_address.unwrap_or_default(),
            connect: raw.legacy_connect,
        }),
        (true, None) => {
            return Err(invalid(
                "`legacy` needs `legacy_listen`, where legacy roots dial".to_owned(),
            ));
        }
        (false, _) => None,
    };
    set(&mut node.node_type, raw.node_type);
    let has_version = raw.version.is_some();
    set(&mut node.version, raw.version);
    node.version_file = raw.version_file.map(|file| folder.join(file));
    node.update_script = script(raw.update_script);
    node.restart_script = script(raw.restart_script);
    node.rollback_script = script(raw.rollback_script);
    set(&mut node.max_jobs, raw.max_jobs);
    set(&mut node.job_timeout, raw.job_timeout);
    set(&mut node.stop_grace, raw.stop_grace);
    set(&mut node.output_limit, raw.output_limit);
    set(&mut node.retention, raw.retention);
    set(&mut node.retention_size, raw.retention_size);
    set(&mut node.shell, raw.shell);
    node.services = services(raw.service, folder).map_err(invalid)?;
    node.docker = docker(raw.docker).map_err(invalid)?;
    set(&mut node.redial_at_most, raw.redial_at_most);
    let roots = raw.root.into_iter().map(|root| RootEntry {
        address: root.address,
        connect: root.connect,
    });
    Ok(ConfigFile {
        key: folder.join(raw.key.unwrap_or_else(|| PathBuf::from("node.key"))),
        roots: roots.collect(),
        node,
        has_version,
    })
}

/// An empty script is none.
fn script(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

fn set<T>(value: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *value = given;
    }
}

fn check_keys(path: &Path, table: &toml::Table) -> Result<(), ConfigError> {
    let inner_keys = table.iter().flat_map(|(outer, value)| {
        let one = value.as_table().into_iter();
        let several = value.as_array().into_iter().flatten();
        one.chain(several.filter_map(toml::Value::as_table))
            .flat_map(toml::Table::keys)
            .map(move |key| format!("{outer}.{key}"))
    });
    let unknown = table
        .keys()
        .cloned()
        .chain(inner_keys)
        .find(|key| !KEYS.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| {
        Err(ConfigError::UnknownKey {
            path: path.to_owned(),
            nearest: nearest(&key),
            key,
        })
    })
}

fn nearest(key: &str) -> Option<String> {
    const ALIKE: f64 = 0.7;
    KEYS.into_iter()
        .map(|known| (strsim::jaro_winkler(known, key), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.to_owned())
}

pub(super) fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    humantime::parse_duration(&text).map(Some).map_err(|error| {
        de::Error::custom(format!(
            "`{text}` is no duration such as \"30s\" or \"7d\": {error}"
        ))
    })
}

/// A number of bytes, or text such as `"64 MiB"`.
pub(super) fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Size {
        Bytes(u64),
        Text(String),
    }
    match Size::deserialize(from)? {
        Size::Bytes(bytes) => Ok(Some(bytes)),
        Size::Text(text) => parse_bytes(&text).map(Some).ok_or_else(|| {
            de::Error::custom(format!("`{text}` is no size such as 1048576 or \"64 MiB\""))
        }),
    }
}

fn parse_bytes(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADDRESS: &str = "1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs";

    fn read(text: &str) -> Result<ConfigFile, ConfigError> {
        parse(Path::new("/etc/jarvis/node.toml"), text)
    }

    fn fault(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        let config = read("").unwrap();
        assert_eq!(config.key, Path::new("/etc/jarvis/node.key"));
        assert_eq!(config.node.data, Path::new("/etc/jarvis/data"));
        assert_eq!(config.node.node_type, "jarvisnode");
        assert!(config.node.allow.is_empty() && config.roots.is_empty());
    }

    #[test]
    fn every_key_is_read() {
        let config = read(&format!(
            r#"
            data = "/var/lib/jarvis"
            key = "/etc/jarvis.key"
            name = "web-1"
            type = "web"
            version = "2.1"
            version_file = "/srv/app/VERSION"
            update_script = "get-app {{NewVersion}}"
            restart_script = "systemctl restart app"
            rollback_script = ""
            listen = "127.0.0.1:7788"
            legacy = true
            legacy_listen = "127.0.0.1:7700"
            legacy_address = "web-1.example:7700"
            legacy_connect = ["old.example:7788"]
            trust = ["{ADDRESS}"]
            allow = ["/srv/app"]
            max_jobs = 3
            job_timeout = "1h 30m"
            stop_grace = "10s"
            output_limit = "2 MiB"
            retention = "30d"
            retention_size = "1 GiB"
            shell = "/bin/bash"
            redial_at_most = "3s"
            [[root]]
            address = "{ADDRESS}"
            connect = "brain.example:7789"
            "#
        ))
        .unwrap();
        assert_eq!(config.node.output_limit, 2 << 20);
        assert_eq!(config.node.retention_size, 1 << 30);
        assert_eq!(config.node.job_timeout, Duration::from_secs(5400));
        assert_eq!(config.node.redial_at_most, Duration::from_secs(3));
        assert_eq!(config.roots[0].connect, "brain.example:7789");
        assert!(config.node.update_script.is_some() && config.node.rollback_script.is_none());
        assert_eq!(config.node.work, Path::new("/var/lib/jarvis/files"));
    }

    #[test]
    fn a_typing_mistake_is_named_with_the_nearest_key() {
        assert!(fault("lisen = '1'").ends_with("unknown key `lisen`, did you mean `listen`?"));
        assert!(fault("[[root]]\nadress = '1'").ends_with("did you mean `root.address`?"));
        assert!(fault("zzz = 1").ends_with("unknown key `zzz`"));
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key() {
        for (text, word) in [
            ("job_timeout = 'soon'", "job_timeout"),
            ("max_jobs = 0", "max_jobs"),
            ("redial_at_most = '0s'", "redial_at_most"),
            ("output_limit = '12 cats'", "output_limit"),
            ("trust = ['1abc']", "trust"),
            ("allow = ['srv']", "srv"),
            ("listen = 'here'", "listen"),
            ("legacy = true", "legacy_listen"),
            ("max_jobs = ", "line 1"),
        ] {
            let fault = fault(text);
            assert!(fault.contains(word), "{text}: {fault}");
        }
    }

    #[test]
    fn the_list_of_keys_is_the_struct() {
        for key in KEYS
            .iter()
            .filter(|key| !key.contains('.') && !matches!(**key, "root" | "service"))
        {
            // A key that serde does not know gives "unknown field", anything else is fine here.
            if let Err(error) = toml::from_str::<Raw>(&format!("{key} = {{}}")) {
                let error = error.to_string();
                assert!(!error.contains("unknown field"), "{key}: {error}");
            }
        }
        let error = toml::from_str::<Raw>("zzz = 1").err().unwrap().to_string();
        let fields = error.matches('`').count() / 2 - 1;
        assert!(
            fields >= KEYS.iter().filter(|key| !key.contains('.')).count(),
            "a field is missing in KEYS: {error}"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let _ = read(&text);
            let _ = parse_bytes(&text);
        }
    }
}
