//! Sign-ins of one session: which are open, and what they tell the brain.

use std::collections::HashMap;
use std::sync::Arc;

use jarvis_proto::chat::sign_in_state::State;
use jarvis_proto::chat::{SignInFailure, SignInInput, SignInState};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::adapter::Adapter;
use crate::sign_in::{Failure, Reason, SignIn};

/// Sign-ins at the same time.
const MOST: usize = 8;

/// The open sign-ins.
#[derive(Debug)]
pub(super) struct SignIns {
    open: HashMap<String, Open>,
    states: mpsc::Sender<SignInState>,
}

#[derive(Debug)]
struct Open {
    typing: mpsc::Sender<String>,
    stop: CancellationToken,
}

impl SignIns {
    /// None yet, and what they will tell.
    pub(super) fn new() -> (Self, mpsc::Receiver<SignInState>) {
        let (states, told) = mpsc::channel(16);
        let none = Self {
            open: HashMap::new(),
            states,
        };
        (none, told)
    }

    /// Begins one; gives the work, which has to be run and then [`Self::ended`].
    ///
    /// # Errors
    /// What to answer when there are too many.
    pub(super) fn start(
        &mut self,
        adapter: Arc<dyn Adapter>,
        id: String,
    ) -> Result<impl Future<Output = String> + Send + 'static, Box<SignInState>> {
        if self.open.len() >= MOST || self.open.contains_key(&id) {
            return Err(Box::new(failed(id, Failure::new(Reason::Busy))));
        }
        let (sign_in, mut told, typing) = SignIn::channel();
        let stop = CancellationToken::new();
        let open = Open {
            typing,
            stop: stop.clone(),
        };
        self.open.insert(id.clone(), open);
        let states = self.states.clone();
        Ok(async move {
            let name = id.clone();
            let said = |state: State| SignInState {
                sign_in: name.clone(),
                state: Some(state),
                why: None,
            };
            let tell = async |state: SignInState| {
                // A host that has ended needs nothing more.
                let _ = states.send(state).await;
            };
            let work = async {
                let signing_in = adapter.sign_in(sign_in);
                tokio::pin!(signing_in);
                let last = loop {
                    tokio::select! {
                        biased;
                        Some(state) = told.recv() => tell(said(state)).await,
                        end = &mut signing_in => break end,
                    }
                };
                while let Ok(state) = told.try_recv() {
                    tell(said(state)).await;
                }
                tell(match last {
                    Ok(person) => said(State::Connected(person)),
                    Err(failure) => failed(name.clone(), failure),
                })
                .await;
            };
            stop.run_until_cancelled(work).await;
            id
        })
    }

    /// Somebody typed what an open one has asked for.
    pub(super) fn typed(&self, input: SignInInput) {
        if let Some(open) = self.open.get(&input.sign_in) {
            // More than it can take is no answer to its question.
            let _ = open.typing.try_send(input.text);
        }
    }

    pub(super) fn cancel(&mut self, id: &str) {
        if let Some(open) = self.open.get(id) {
            open.stop.cancel();
        }
    }

    /// The session is over, and with it whoever waits.
    pub(super) fn cancel_all(&mut self) {
        for open in self.open.values() {
            open.stop.cancel();
        }
    }

    pub(super) fn ended(&mut self, id: &str) {
        self.open.remove(id);
    }
}

/// The last state of a sign-in that brought nobody.
fn failed(sign_in: String, failure: Failure) -> SignInState {
    SignInState {
        sign_in,
        state: Some(State::Failed(failure.to_string())),
        why: Some(SignInFailure {
            reason: failure.reason.into(),
            detail: failure.detail,
        }),
    }
}
