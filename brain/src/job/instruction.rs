//! Instructions: what a node does beside scripts and files, each as one order.

mod hidden;

use std::time::Duration;

pub(crate) use hidden::hidden;
use jarvis_proto::node::{self, CallService, ClearLogs, SetTrust, order};
use serde::{Deserialize, Serialize};

use crate::command::permission::Permission;

/// What a node is told to do. Stored as JSON within a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "instruction", rename_all = "snake_case")]
pub enum Instruction {
    /// Whom the node obeys.
    Trust {
        /// The address of a root.
        address: String,
        /// Whether it is to be obeyed from now on.
        trusted: bool,
    },
    /// Asks whom the node obeys.
    ListTrust {},
    /// Gives the node a new key.
    RotateKey {
        /// How long the old one stays good, in milliseconds.
        overlap_ms: u64,
    },
    /// Removes the stored output of jobs that ended.
    ClearLogs {
        /// Only of jobs that ended longer ago than this, in milliseconds; 0 = of all.
        older_than_ms: u64,
    },
    /// Calls a service of the node.
    Call {
        /// Its name.
        service: String,
        /// What it gets on standard input.
        json: String,
        /// Time limit in milliseconds; 0 = the service's own.
        timeout_ms: u64,
        /// The service was declared dangerous when it was called.
        danger: bool,
    },
    /// Asks the Docker engine.
    Docker {
        /// For what.
        action: DockerAction,
        /// Which container; empty for `ps`.
        container: String,
        /// Log lines wanted; 0 = the node's own choice.
        tail: u32,
        /// `ps`: those that do not run, too.
        all: bool,
    },
}

/// What the Docker engine is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DockerAction {
    /// Which containers there are.
    Ps,
    /// What a container wrote.
    Logs,
    /// To start a container.
    Start,
    /// To stop a container.
    Stop,
    /// To stop a container and start it again.
    Restart,
}

impl DockerAction {
    /// Every action, in the order in which help shows them.
    pub const ALL: [Self; 5] = [Self::Ps, Self::Logs, Self::Restart, Self::Stop, Self::Start];

    /// The word that people type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ps => "ps",
            Self::Logs => "logs",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }

    fn on_the_wire(self) -> node::DockerAction {
        match self {
            Self::Ps => node::DockerAction::Ps,
            Self::Logs => node::DockerAction::Logs,
            Self::Start => node::DockerAction::Start,
            Self::Stop => node::DockerAction::Stop,
            Self::Restart => node::DockerAction::Restart,
        }
    }
}

impl Instruction {
    /// The body of its order.
    pub fn body(&self) -> order::Body {
        match self {
            Self::Trust { address, trusted } => order::Body::Trust(SetTrust {
                address: address.clone(),
                trusted: *trusted,
            }),
            Self::ListTrust {} => order::Body::ListTrust(node::ListTrust {}),
            Self::RotateKey { overlap_ms } => order::Body::RotateKey(node::RotateKey {
                overlap_ms: *overlap_ms,
            }),
            Self::ClearLogs { older_than_ms } => order::Body::ClearLogs(ClearLogs {
                older_than_ms: *older_than_ms,
            }),
            Self::Call {
                service,
                json,
                timeout_ms,
                ..
            } => order::Body::Call(CallService {
                service: service.clone(),
                json: json.clone(),
                timeout_ms: *timeout_ms,
            }),
            Self::Docker {
                action,
                container,
                tail,
                all,
            } => order::Body::Docker(node::Docker {
                action: action.on_the_wire().into(),
                container: container.clone(),
                tail: *tail,
                all: *all,
            }),
        }
    }

    /// What people see as the command; secret input of services is hidden.
    pub fn title(&self) -> String {
        match self {
            Self::Trust {
                address,
                trusted: true,
            } => format!("trust {address}"),
            Self::Trust { address, .. } => format!("untrust {address}"),
            Self::ListTrust {} => "trusted".to_owned(),
            Self::RotateKey { .. } => "rotatekey".to_owned(),
            Self::ClearLogs { older_than_ms: 0 } => "clearlogs".to_owned(),
            Self::ClearLogs { older_than_ms } => {
                let age = humantime::format_duration(Duration::from_millis(*older_than_ms));
                format!("clearlogs {}", age.to_string().replace(' ', ""))
            }
            Self::Call { service, json, .. } if matches!(json.trim(), "" | "{}") => {
                format!("call {service}")
            }
            Self::Call { service, json, .. } => format!("call {service} {}", hidden(json)),
            Self::Docker {
                action, container, ..
            } => format!("docker {} {container}", action.name())
                .trim_end()
                .to_owned(),
        }
    }

    /// What its caller has to be.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Trust { .. } | Self::ListTrust {} | Self::RotateKey { .. } => Permission::Owner,
            Self::ClearLogs { .. } | Self::Call { .. } | Self::Docker { .. } => {
                Permission::Operator
            }
        }
    }

    /// Whether people are asked before it is done, even on one node.
    pub fn asks_back(&self) -> bool {
        match self {
            Self::Trust { .. } | Self::RotateKey { .. } | Self::ClearLogs { .. } => true,
            Self::ListTrust {} => false,
            Self::Call { danger, .. } => *danger,
            Self::Docker { action, .. } => {
                matches!(action, DockerAction::Stop | DockerAction::Restart)
            }
        }
    }

    /// Whether the node keeps standard output and standard error of it, for `log`.
    pub fn has_output(&self) -> bool {
        match self {
            Self::Call { .. } => true,
            Self::Docker { action, .. } => *action == DockerAction::Logs,
            Self::Trust { .. }
            | Self::ListTrust {}
            | Self::RotateKey { .. }
            | Self::ClearLogs { .. } => false,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::job::{GetSpec, JobSpec, PutSpec, RunSpec};

    fn every() -> Vec<Instruction> {
        let docker = |action| Instruction::Docker {
            action,
            container: "web".to_owned(),
            tail: 5,
            all: true,
        };
        let mut every = vec![
            Instruction::Trust {
                address: "1A".to_owned(),
                trusted: true,
            },
            Instruction::Trust {
                address: "1A".to_owned(),
                trusted: false,
            },
            Instruction::ClearLogs { older_than_ms: 0 },
            Instruction::ClearLogs {
                older_than_ms: 7 * 24 * 3_600_000,
            },
            Instruction::Call {
                service: "disk".to_owned(),
                json: r#"{"path":"/"}"#.to_owned(),
                timeout_ms: 1000,
                danger: true,
            },
        ];
        every.extend(DockerAction::ALL.map(docker));
        every
    }

    #[test]
    fn the_stored_form_reads_back() {
        for instruction in every() {
            let spec = JobSpec::Instruct(instruction);
            let json = serde_json::to_string(&spec).unwrap();
            assert_eq!(
                serde_json::from_str::<JobSpec>(&json).unwrap(),
                spec,
                "{json}"
            );
        }
    }

    #[test]
    fn titles_read_as_commands() {
        let titles: Vec<String> = every().iter().map(Instruction::title).collect();
        assert_eq!(
            titles,
            [
                "trust 1A",
                "untrust 1A",
                "clearlogs",
                "clearlogs 7days",
                r#"call disk {"path":"/"}"#,
                "docker ps web",
                "docker logs web",
                "docker restart web",
                "docker stop web",
                "docker start web",
            ]
        );
    }

    #[test]
    fn whatever_is_one_order_has_a_body() {
        let mut specs = vec![
            JobSpec::Run(RunSpec::default()),
            JobSpec::Get(GetSpec::default()),
            JobSpec::Put(PutSpec::default()),
        ];
        specs.extend(every().into_iter().map(JobSpec::Instruct));
        for spec in specs {
            assert_eq!(spec.is_one_order(), spec.order_body().is_some(), "{spec:?}");
        }
    }

    #[test]
    fn what_changes_a_server_asks_back() {
        let asking: Vec<String> = every()
            .iter()
            .filter(|instruction| instruction.asks_back())
            .map(Instruction::title)
            .collect();
        assert_eq!(asking.len(), 7, "{asking:?}");
        let free = ["docker ps web", "docker logs web", "docker start web"];
        assert!(asking.iter().all(|title| !free.contains(&title.as_str())));
    }
}
