//! How a task ended: what the node said, and what that means for the task.

use jarvis_proto::node::{
    DockerFailure, Done, Ended, FileInfo, NodeFrame, Refused, RefusedReason, ServiceAnswer,
    ServiceFailure, ended, node_frame, run_ended,
};
use prost::Message;

use super::TaskState;

/// The last word on a task.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEnding {
    /// The node carried it out, for better or worse.
    Ended(Box<Ended>),
    /// The node did not take it.
    Refused(Refused),
}

impl TaskEnding {
    /// The stored form: the node's own frame.
    pub fn encode(&self) -> Vec<u8> {
        let frame = match self.clone() {
            Self::Ended(ended) => node_frame::Frame::Ended(*ended),
            Self::Refused(refused) => node_frame::Frame::Refused(refused),
        };
        NodeFrame { frame: Some(frame) }.encode_to_vec()
    }

    /// Reads the stored form; `None` for a task that we ended ourselves.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match NodeFrame::decode(bytes).ok()?.frame? {
            node_frame::Frame::Ended(ended) => Some(Self::Ended(Box::new(ended))),
            node_frame::Frame::Refused(refused) => Some(Self::Refused(refused)),
            _ => None,
        }
    }

    /// What became of the task.
    pub fn state(&self) -> TaskState {
        let ended = match self {
            Self::Refused(_) => return TaskState::Refused,
            Self::Ended(ended) => ended,
        };
        match &ended.outcome {
            Some(ended::Outcome::Run(run)) if run.cancelled => TaskState::Cancelled,
            Some(ended::Outcome::Run(run)) => match run.how {
                Some(run_ended::How::ExitCode(0)) if !run.timed_out => TaskState::Done,
                _ => TaskState::Failed,
            },
            Some(ended::Outcome::Service(answer)) => match answer.failure() {
                ServiceFailure::Unspecified => TaskState::Done,
                ServiceFailure::Cancelled => TaskState::Cancelled,
                _ => TaskState::Failed,
            },
            Some(ended::Outcome::Done(done)) => match done.docker_failure() {
                DockerFailure::Unspecified => TaskState::Done,
                DockerFailure::Cancelled => TaskState::Cancelled,
                _ => TaskState::Failed,
            },
            Some(ended::Outcome::Transfer(_)) => TaskState::Done,
            Some(ended::Outcome::Lost(_)) => TaskState::Lost,
            Some(ended::Outcome::Failed(_)) | None => TaskState::Failed,
        }
    }

    /// A refusal in our own words, for what never reached the node.
    pub fn refused(reason: RefusedReason, detail: &str) -> Self {
        Self::Refused(Refused {
            reason: reason.into(),
            detail: detail.to_owned(),
            ..Refused::default()
        })
    }

    /// The end of a run, if it was one.
    pub fn run(&self) -> Option<&jarvis_proto::node::RunEnded> {
        match self {
            Self::Ended(ended) => match &ended.outcome {
                Some(ended::Outcome::Run(run)) => Some(run),
                _ => None,
            },
            Self::Refused(_) => None,
        }
    }

    /// What a service answered, if it was one.
    pub fn service(&self) -> Option<&ServiceAnswer> {
        match self {
            Self::Ended(ended) => match &ended.outcome {
                Some(ended::Outcome::Service(answer)) => Some(answer),
                _ => None,
            },
            Self::Refused(_) => None,
        }
    }

    /// The end of an order without an answer of its own, if it was one.
    pub fn done(&self) -> Option<&Done> {
        match self {
            Self::Ended(ended) => match &ended.outcome {
                Some(ended::Outcome::Done(done)) => Some(done),
                _ => None,
            },
            Self::Refused(_) => None,
        }
    }

    /// Files on the node that belong to the result.
    pub fn files(&self) -> &[FileInfo] {
        match (self.run(), self.service()) {
            (Some(run), _) => &run.files,
            (None, Some(answer)) => &answer.files,
            (None, None) => &[],
        }
    }

    /// How long the node worked on it, in milliseconds.
    pub fn took_ms(&self) -> Option<i64> {
        match self {
            Self::Ended(ended) if ended.started_ms > 0 => {
                Some((ended.ended_ms - ended.started_ms).max(0))
            }
            _ => None,
        }
    }

    /// The refusal, whether it came before or after the order was accepted.
    pub fn refusal(&self) -> Option<&Refused> {
        match self {
            Self::Refused(refused) => Some(refused),
            Self::Ended(ended) => match &ended.outcome {
                Some(ended::Outcome::Failed(refused)) => Some(refused),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use jarvis_proto::node::RunEnded;

    use super::*;

    fn run(how: run_ended::How, change: impl FnOnce(&mut RunEnded)) -> TaskEnding {
        let mut run = RunEnded {
            how: Some(how),
            ..RunEnded::default()
        };
        change(&mut run);
        TaskEnding::Ended(Box::new(Ended {
            outcome: Some(ended::Outcome::Run(run)),
            ..Ended::default()
        }))
    }

    #[test]
    fn states_follow_the_ending() {
        use run_ended::How::{ExitCode, Signal};
        assert_eq!(run(ExitCode(0), |_| {}).state(), TaskState::Done);
        assert_eq!(run(ExitCode(3), |_| {}).state(), TaskState::Failed);
        assert_eq!(
            run(Signal(9), |run| run.timed_out = true).state(),
            TaskState::Failed
        );
        // A script that traps TERM and exits 0 at its time limit has not done its work.
        assert_eq!(
            run(ExitCode(0), |run| run.timed_out = true).state(),
            TaskState::Failed
        );
        assert_eq!(
            run(Signal(15), |run| run.cancelled = true).state(),
            TaskState::Cancelled
        );
    }

    #[test]
    fn services_and_docker_fail_by_their_own_words() {
        let ended = |outcome| {
            TaskEnding::Ended(Box::new(Ended {
                outcome: Some(outcome),
                ..Ended::default()
            }))
        };
        let service = |failure: ServiceFailure| {
            ended(ended::Outcome::Service(ServiceAnswer {
                failure: failure.into(),
                ..ServiceAnswer::default()
            }))
            .state()
        };
        assert_eq!(service(ServiceFailure::Unspecified), TaskState::Done);
        assert_eq!(service(ServiceFailure::NotJson), TaskState::Failed);
        assert_eq!(service(ServiceFailure::Cancelled), TaskState::Cancelled);
        let docker = |failure: DockerFailure| {
            ended(ended::Outcome::Done(jarvis_proto::node::Done {
                docker_failure: failure.into(),
                ..Default::default()
            }))
            .state()
        };
        assert_eq!(docker(DockerFailure::Unspecified), TaskState::Done);
        assert_eq!(docker(DockerFailure::NoSuchContainer), TaskState::Failed);
        assert_eq!(docker(DockerFailure::Cancelled), TaskState::Cancelled);
    }

    #[test]
    fn the_stored_form_reads_back() {
        for ending in [
            run(run_ended::How::ExitCode(1), |_| {}),
            TaskEnding::refused(RefusedReason::Busy, "64 jobs run"),
        ] {
            assert_eq!(TaskEnding::decode(&ending.encode()), Some(ending));
        }
        assert_eq!(TaskEnding::decode(&[]), None);
    }
}
