//! The systemd service of a joined node.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use thiserror::Error;
use tokio::process::Command;

const UNIT: &str = "jarvis-node.service";
const UNITS: &str = "/etc/systemd/system";
/// Is there while systemd runs.
const RUNNING: &str = "/run/systemd/system";

/// Why there is no service.
#[derive(Debug, Error)]
pub(crate) enum ServiceError {
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{command}` failed: {detail}")]
    Command { command: String, detail: String },
}

/// A service that can be installed here.
pub(crate) struct Service {
    unit: PathBuf,
    text: String,
    user: Option<String>,
    /// Only written, for a package or an image.
    is_staged: bool,
}

impl Service {
    /// The service of the node with this configuration; `None` where there is no systemd, or only root
    /// may install services.
    pub(crate) fn new(
        unit_dir: &Option<PathBuf>,
        config: &Path,
        user: Option<&str>,
    ) -> Option<Self> {
        let can_start = Path::new(RUNNING).is_dir() && rustix::process::geteuid().is_root();
        if unit_dir.is_none() && !can_start {
            return None;
        }
        let program = std::env::current_exe().ok()?;
        let config = std::path::absolute(config).ok()?;
        let folder = unit_dir.clone().unwrap_or_else(|| PathBuf::from(UNITS));
        Some(Self {
            unit: folder.join(UNIT),
            text: unit(&program, &config, user),
            user: user.map(ToOwned::to_owned),
            is_staged: unit_dir.is_some(),
        })
    }

    /// Installs and starts it; what to tell the person.
    ///
    /// # Errors
    ///
    /// See [`ServiceError`].
    pub(crate) async fn install(&self, data: &Path) -> Result<String, ServiceError> {
        if let Some(user) = &self.user {
            let data = data.display().to_string();
            run("chown", &["-R", user, &data]).await?;
        }
        let written = self
            .unit
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&self.unit, &self.text));
        written.map_err(|source| ServiceError::Write {
            path: self.unit.clone(),
            source,
        })?;
        let unit = self.unit.display();
        if self.is_staged {
            return Ok(format!("unit     {unit}\n"));
        }
        run("systemctl", &["daemon-reload"]).await?;
        run("systemctl", &["enable", UNIT]).await?;
        // A running one takes up the new configuration.
        run("systemctl", &["restart", UNIT]).await?;
        Ok(format!("unit     {unit} (started)\n"))
    }

    /// Stops and removes it, if it is there; what to tell the person.
    ///
    /// # Errors
    ///
    /// See [`ServiceError`].
    pub(crate) async fn remove(&self) -> Result<String, ServiceError> {
        if !self.unit.exists() {
            return Ok(String::new());
        }
        if !self.is_staged {
            run("systemctl", &["disable", "--now", UNIT]).await?;
        }
        std::fs::remove_file(&self.unit).map_err(|source| ServiceError::Write {
            path: self.unit.clone(),
            source,
        })?;
        if !self.is_staged {
            run("systemctl", &["daemon-reload"]).await?;
        }
        Ok(format!("The service {} is gone.\n", self.unit.display()))
    }
}

fn unit(program: &Path, config: &Path, user: Option<&str>) -> String {
    let user = user
        .map(|user| format!("User={user}\n"))
        .unwrap_or_default();
    format!(
        "# Written by `jarvis-node join`; `jarvis-node leave` removes it.\n\
         [Unit]\n\
         Description=Jarvis node\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         {user}ExecStart={} run --config {}\n\
         Restart=always\n\
         RestartSec=2s\n\
         TimeoutStopSec=30s\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n",
        quoted(program),
        quoted(config)
    )
}

/// A path as a unit file takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string().replace('%', "%%");
    if text.contains([' ', '"', '\\', '\'']) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text
    }
}

async fn run(program: &str, arguments: &[&str]) -> Result<(), ServiceError> {
    let fault = |detail: String| ServiceError::Command {
        command: format!("{program} {}", arguments.join(" ")),
        detail,
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| fault(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(fault(said.trim().chars().take(300).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_in_units_as_systemd_reads_them() {
        let text = unit(
            Path::new("/opt/my node/jarvis-node"),
            Path::new("/srv/100%/node.toml"),
            Some("jarvis"),
        );
        assert!(
            text.contains(
                "ExecStart=\"/opt/my node/jarvis-node\" run --config /srv/100%%/node.toml\n"
            ),
            "{text}"
        );
        assert!(text.contains("\nUser=jarvis\n"), "{text}");
    }
}
