//! Sign-ins of people at an adapter, for as long as its session lives.

use jarvis_proto::chat::{CancelSignIn, SignInInput, SignInState, StartSignIn, brain_frame};
use tokio::sync::mpsc;
use tracing::debug;

use super::{SessionEnded, SessionHandle};

/// States that may wait to be told.
const WAITING: usize = 16;

impl SessionHandle {
    /// Whether people sign in at this adapter.
    pub(crate) fn signs_people_in(&self) -> bool {
        self.0.signs_in
    }

    /// Begins a sign-in; gives its name and what becomes of it. The states end with the session.
    ///
    /// # Errors
    /// When the session has ended.
    pub(crate) async fn start_sign_in(
        &self,
    ) -> Result<(String, mpsc::Receiver<SignInState>), SessionEnded> {
        let sign_in = uuid::Uuid::now_v7().to_string();
        let (sender, receiver) = mpsc::channel(WAITING);
        self.lock().sign_ins.insert(sign_in.clone(), sender);
        let start = StartSignIn {
            sign_in: sign_in.clone(),
        };
        if let Err(ended) = self.send(brain_frame::Frame::StartSignIn(start)).await {
            self.lock().sign_ins.remove(&sign_in);
            return Err(ended);
        }
        Ok((sign_in, receiver))
    }

    /// Passes on what was typed.
    ///
    /// # Errors
    /// When the session has ended.
    pub(crate) async fn sign_in_typed(
        &self,
        sign_in: &str,
        text: String,
    ) -> Result<(), SessionEnded> {
        let input = SignInInput {
            sign_in: sign_in.to_owned(),
            text,
        };
        self.send(brain_frame::Frame::SignInInput(input)).await
    }

    /// Nobody waits for it any more. The adapter is told unless it has ended by itself.
    pub(crate) async fn forget_sign_in(&self, sign_in: &str, has_ended: bool) {
        self.lock().sign_ins.remove(sign_in);
        if !has_ended {
            let cancel = CancelSignIn {
                sign_in: sign_in.to_owned(),
            };
            // With the session its sign-ins have ended too.
            let _ = self.send(brain_frame::Frame::CancelSignIn(cancel)).await;
        }
    }

    pub(super) fn on_sign_in(&self, told: SignInState) {
        let waiting = self.lock().sign_ins.get(&told.sign_in).cloned();
        let sign_in = told.sign_in.clone();
        let (Some(waiting), true) = (waiting, told.state.is_some()) else {
            debug!(sign_in, "a sign-in that nobody waits for");
            return;
        };
        if waiting.try_send(told).is_err() {
            debug!(sign_in, "a sign-in tells more than is read");
        }
    }
}
