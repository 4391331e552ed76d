//! Orders that are one or two questions to a legacy node.

use jarvis_proto::node::{ClearLogs, RefusedReason, Update};

use super::ask::Fault;
use super::{Bridge, Outcome, wrapper};
use crate::legacy::{Outgoing, message};

impl Bridge {
    /// Lets the watching script stop its job. Only scripts can be stopped.
    pub(super) async fn cancel(&self, order: &str, meant: &str) -> Outcome {
        if uuid::Uuid::try_parse(meant).is_err() {
            return Outcome::refused(RefusedReason::Malformed, "it names no order");
        }
        let flag = format!("{}/cancel", wrapper::folder(meant));
        match self.asked.write(&flag, b"x").await {
            Ok(()) => {
                self.accepted(order).await;
                Outcome::done("asked to stop")
            }
            Err(fault) if fault.is_missing() => Outcome::refused(
                RefusedReason::NotSupported,
                "no cancel: only scripts can be stopped",
            ),
            Err(fault) => Outcome::refused(fault.reason(), &fault.to_string()),
        }
    }

    pub(super) async fn clear_logs(&self, order: &str, clear: &ClearLogs) -> Outcome {
        let cleared = self.asked.ask(Outgoing::visible(message::clear_logs()));
        if let Err(fault) = cleared.await {
            return Outcome::refused(fault.reason(), &fault.to_string());
        }
        self.accepted(order).await;
        let minutes = clear.older_than_ms / 60_000;
        let script = format!(
            "n=0; for d in $(find /tmp -maxdepth 1 -type d -name 'jarvis-*-*-*-*-*' -mmin +{minutes} 2>/dev/null); do [ -e \"$d/status\" ] && rm -rf -- \"$d\" && n=$((n+1)); done; echo $n"
        );
        match self.asked.query(&script).await {
            Ok(lines) => {
                let removed = lines.last().map_or("0", String::as_str);
                Outcome::done(format!("the output of {removed} jobs was removed"))
            }
            Err(fault) => Outcome::refused(fault.reason(), &fault.to_string()),
        }
    }

    pub(super) async fn update(&self, order: &str, update: &Update) -> Outcome {
        if update.rollback || !update.package.is_empty() {
            return Outcome::refused(
                RefusedReason::NotSupported,
                "no roll back and no packages: it runs its own update script",
            );
        }
        let is_version = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !update.version.chars().all(is_version) {
            return Outcome::refused(RefusedReason::Malformed, "the version has odd characters");
        }
        let node_type = self
            .asked
            .net
            .peer(&self.asked.address)
            .map(|peer| peer.info.node_type);
        let version = update.version.trim_start_matches('v');
        let request = message::update(version, &node_type.unwrap_or_default(), update.restart_only);
        self.accepted(order).await;
        match self.asked.ask(Outgoing::visible(request)).await {
            Ok(messages) => {
                let output = messages.last().map(|message| message.err.clone());
                Outcome::done(output.unwrap_or_default())
            }
            // A node that restarts itself cannot answer; what comes back tells.
            Err(Fault::Removed | Fault::Send(_)) => {
                Outcome::done("the node was told, and its answer was lost")
            }
            Err(fault) => Outcome::refused(fault.reason(), &fault.to_string()),
        }
    }
}
