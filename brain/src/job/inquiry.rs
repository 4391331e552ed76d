//! Questions to a node that are no jobs: one short order, one answer.

use std::time::Duration;

use jarvis_nodeclient::{Address, NodeName};
use jarvis_proto::node::{Done, Refused, ended, order};
use tracing::info;

use super::orders::{Ending, errand, make};
use crate::brain::Brain;

/// How long a node may take to answer.
const LIMIT: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The node said why.
    Refused(Refused),
    /// The line was cut, or nothing came in time.
    Silence,
}

/// Asks a node.
///
/// # Errors
/// See [`NoAnswer`].
pub(crate) async fn ask(
    brain: &Brain,
    node: &NodeName,
    address: &Address,
    question: order::Body,
) -> Result<Done, NoAnswer> {
    let id = uuid::Uuid::now_v7().to_string();
    let signed = make(brain, address, &id, question);
    match errand(brain, node, &signed, &id, LIMIT).await {
        Ok(Ending::Refused(refused)) => Err(NoAnswer::Refused(refused)),
        Ok(Ending::Ended(ended)) => match ended.outcome {
            Some(ended::Outcome::Done(done)) => Ok(done),
            Some(ended::Outcome::Failed(refused)) => Err(NoAnswer::Refused(refused)),
            _ => Err(NoAnswer::Silence),
        },
        Err(error) => {
            info!(%error, node.name = %node, "no answer to a question");
            Err(NoAnswer::Silence)
        }
    }
}
