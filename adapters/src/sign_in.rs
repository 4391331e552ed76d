//! A person signs in: opens a line of their own to the bot, on platforms that have one for each.

use std::fmt;

use jarvis_proto::chat::{Attachment, SignInCode, SignInDigits, SignInScanned};
use tokio::sync::mpsc;

/// Why there is no new line.
pub use jarvis_proto::chat::SignInReason as Reason;
/// How far a sign-in is.
pub use jarvis_proto::chat::sign_in_state::State;

/// Why nobody was signed in. What it shows is for a terminal; the brain has its own words for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The reason.
    pub reason: Reason,
    /// What the platform, or a setting, said of it; may be empty.
    pub detail: String,
}

impl Failure {
    /// A reason that says it all.
    #[must_use]
    pub fn new(reason: Reason) -> Self {
        Self::with(reason, "")
    }

    /// A reason, and more about it.
    #[must_use]
    pub fn with(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            Reason::Unspecified => "people do not sign in here",
            Reason::Late => "nobody has confirmed it in time",
            Reason::Spent => "every code ran out, or its digits were wrong too often",
            Reason::NoDigits => "nobody has typed the digits",
            Reason::Away => "the platform does not answer as it should",
            Reason::Odd => "the platform's answer cannot be used",
            Reason::Untrusted => "the platform sends us to an address that is not trusted here",
            Reason::Full => "as many people have signed in as are allowed",
            Reason::Busy => "too many people sign in right now; try again in a minute",
        })?;
        if self.detail.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.detail)
    }
}

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
