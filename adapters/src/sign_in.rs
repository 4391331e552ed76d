//! A person signs in: opens a line of their own to the bot, on platforms that have one for each.

use jarvis_proto::chat::{Attachment, SignInCode, SignInDigits, SignInScanned};
use tokio::sync::mpsc;

/// How far a sign-in is.
pub use jarvis_proto::chat::sign_in_state::State;

/// One sign-in, seen from the adapter: where it tells how far it is, and hears what was typed.
#[derive(Debug)]
pub struct SignIn {
    states: mpsc::Sender<State>,
    typed: mpsc::Receiver<String>,
}

impl SignIn {
    /// A sign-in, what it tells, and where it is typed to.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<State>, mpsc::Sender<String>) {
        let (states, told) = mpsc::channel(8);
        let (typing, typed) = mpsc::channel(4);
        (Self { states, typed }, told, typing)
    }

    /// There is a code to scan; it takes the place of an earlier one. `picture` is what
    /// [`crate::Adapter::open`] gives the bytes of.
    pub async fn shows(&self, link: &str, picture: Attachment) {
        let code = SignInCode {
            link: link.to_owned(),
            picture: Some(picture),
        };
        self.tell(State::Code(code)).await;
    }

    /// The code was scanned.
    pub async fn was_scanned(&self) {
        self.tell(State::Scanned(SignInScanned {})).await;
    }

    /// Asks for the digits that the phone shows; `again`: those before were wrong. `None` when nobody
    /// will type them.
    pub async fn digits(&mut self, again: bool) -> Option<String> {
        // What was typed before the question answers nothing.
        while self.typed.try_recv().is_ok() {}
        self.tell(State::Digits(SignInDigits { again })).await;
        self.typed.recv().await
    }

    async fn tell(&self, state: State) {
        // Nobody waits for it: the sign-in is dropped soon.
        let _ = self.states.send(state).await;
    }
}
