//! What a participant does for others.

use std::pin::Pin;

use async_trait::async_trait;
use futures::{Stream, stream};
use jarvis_proto::legacy::{CtrlInfo, FileData, JarvisMsg, RequestFile, UpdateNode};
use tokio::sync::mpsc;

use super::message;
use crate::address::Address;

/// What somebody trusted asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Run a script.
    Ctrl(CtrlInfo),
    /// Write a small file.
    TransferFile(FileData),
    /// Give a file, or a part of one.
    RequestFile(RequestFile),
    /// Update or restart.
    Update(UpdateNode),
    /// Remove the logs of scripts.
    ClearLogs,
}

/// The messages of an answer, without the `END`, which is added.
pub type Drafts = Pin<Box<dyn Stream<Item = JarvisMsg> + Send>>;

/// An answer that is complete already.
pub fn drafts(messages: impl IntoIterator<Item = JarvisMsg, IntoIter: Send + 'static>) -> Drafts {
    Box::pin(stream::iter(messages))
}

/// An answer that is made as it is sent, on a blocking thread.
pub fn drafts_from(make: impl FnOnce(mpsc::Sender<JarvisMsg>) + Send + 'static) -> Drafts {
    let (line, messages) = mpsc::channel(1);
    tokio::task::spawn_blocking(move || make(line));
    Box::pin(stream::unfold(messages, |mut messages| async move {
        let message = messages.recv().await?;
        Some((message, messages))
    }))
}

/// What comes of a file that somebody sends in pieces.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// The next piece. It is signed and numbered as it should be; its content is not checked.
    Data(FileData),
    /// The sender has sent all. Without it the stream was cut.
    Over,
}

/// What a participant does for others. Everything that gets here was verified, is fresh and from a
/// sender for whom [`Handler::trusts`] is true.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Whether an address may ask for anything at all.
    fn trusts(&self, address: &Address) -> bool;

    /// Whether a connection with this address is wanted: it is remembered for ever and dialled back.
    fn wants(&self, address: &Address) -> bool {
        self.trusts(address)
    }

    /// Does what is asked. `id` is the number of the message, `signed` the whole message. The answer is
    /// begun when this returns, and its messages are fetched as they are sent.
    async fn handle(&self, from: &Address, signed: &JarvisMsg, request: Request) -> Drafts;

    /// Takes a file that comes in pieces.
    async fn receive(
        &self,
        from: &Address,
        first: &JarvisMsg,
        pieces: mpsc::Receiver<Piece>,
    ) -> Drafts;
}

/// Trusts nobody, and does nothing for anybody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

#[async_trait]
impl Handler for Nobody {
    fn trusts(&self, _address: &Address) -> bool {
        false
    }

    async fn handle(&self, _from: &Address, _signed: &JarvisMsg, _request: Request) -> Drafts {
        drafts([message::error("no ctrl")])
    }

    async fn receive(
        &self,
        _from: &Address,
        _first: &JarvisMsg,
        _pieces: mpsc::Receiver<Piece>,
    ) -> Drafts {
        drafts([message::error("no ctrl")])
    }
}
