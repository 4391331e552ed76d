//! Who decides about newcomers: the program around the root.

use async_trait::async_trait;
use jarvis_proto::node::Introduction;
use tokio::io::AsyncRead;

use crate::address::Address;
use crate::keyring::Succession;
use crate::name::NodeName;

/// Decides who becomes a node, who is one no more, and what may be downloaded before that.
///
/// Refusals are texts that the person at the node's terminal reads.
#[async_trait]
pub trait Gate: Send + Sync {
    /// A node has proven `node` and gives a one-time token. Its enrolment is stored, and known to the
    /// root, when this returns. The same node with the same token again is let in again.
    async fn join(&self, node: &Address, asked: &Introduction) -> Result<NodeName, String>;

    /// A node has proven that it is `name`, and wants to be one no more.
    async fn leave(&self, name: &NodeName) -> Result<(), String>;

    /// The node `name` has proven that `change.new` is its key now. It is stored, and known to the root,
    /// when this returns.
    async fn key_changed(&self, name: &NodeName, change: &Succession) -> Result<(), String>;

    /// What `GET path?query` gives to somebody who has proven nothing; `None` when it gives nothing.
    /// Only whoever knows a live token gets anything.
    async fn download(&self, path: &str, query: Option<&str>) -> Option<Download>;
}

/// Bytes for somebody who has proven nothing but that he knows a token.
pub struct Download {
    /// How many.
    pub size: u64,
    /// The bytes.
    pub content: Box<dyn AsyncRead + Send + Unpin>,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
