//! What one chat platform has to bring.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{
    Attachment, Capabilities, CommandMenu, Event, Person, Room, Segment, SendBudget,
};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::errand::Errand;
use crate::look::Finding;
use crate::sign_in::{Failure, Reason, SignIn};

/// The bytes of one file, in order. An error ends it.
pub type ByteStream = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// One chat platform, seen from the host loop.
///
/// Everything that platforms have in common is done by [`crate::host::run`]; an implementation only
/// translates. Its methods are called from several tasks at once.
#[async_trait]
pub trait Adapter: Send + Sync + 'static {
    /// Who this bot is and what the platform can do. Asked once per session.
    fn profile(&self) -> Profile;

    /// Rooms to which this bot writes although nobody in them can speak to it. Asked once per session.
    fn rooms(&self) -> Vec<Room> {
        Vec::new()
    }

    /// Pushes everything inbound into `inbox` until `stop` is cancelled or the platform's input has
    /// ended; returning `Ok` before `stop` ends the host in order.
    ///
    /// # Errors
    /// Only what no waiting can cure, e.g. a revoked token; everything else is retried inside.
    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError>;

    /// Does what the errand's action asks for and says how it went. Called once at a time per room,
    /// in the order of the brain's actions.
    async fn perform(&self, errand: &Errand) -> Outcome;

    /// The bytes of an attachment that an event of this adapter named.
    ///
    /// # Errors
    /// When the platform no longer has them, or they are larger than it gives.
    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError>;

    /// Shows the commands in the platform's menu; platforms without one do nothing.
    ///
    /// # Errors
    /// When the platform refuses; the host logs it and goes on.
    async fn show_menu(&self, _menu: &CommandMenu) -> Result<(), AdapterError> {
        Ok(())
    }

    /// Looks at what being let in does not show, for `--check`: the clock, addresses that the platform
    /// calls. Takes seconds at most.
    async fn look(&self) -> Vec<Finding> {
        Vec::new()
    }

    /// Whether each person has a line of their own and opens it with [`Adapter::sign_in`].
    fn signs_people_in(&self) -> bool {
        false
    }

    /// Opens a line for one more person; gives who that is. Dropped when nobody waits any more.
    ///
    /// # Errors
    /// Why there is none.
    async fn sign_in(&self, _sign_in: SignIn) -> Result<Person, Failure> {
        Err(Failure::new(Reason::Unspecified))
    }

    /// Told what happens to the session. Must not block.
    fn notice(&self, _notice: Notice<'_>) {}
}

/// What the host has to know of a platform.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Adapter kind, e.g. `telegram`.
    pub kind: &'static str,
    /// The bot's id on its platform.
    pub bot: String,
    /// The name users type after `@`, without it; empty where there is none.
    pub bot_name: String,
    /// What the platform can do.
    pub capabilities: Capabilities,
    /// How fast the platform lets a bot send.
    pub flood: FloodLimits,
    /// How long the brain may stay out of reach before the host gives up; `None` = for ever.
    pub patience: Option<Duration>,
}

/// How fast a platform lets a bot send. Zero means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FloodLimits {
    /// Calls a second, all rooms together.
    pub overall_per_second: u32,
    /// New messages a second in one room.
    pub room_per_second: u32,
    /// New messages a minute in a room that is not private.
    pub group_per_minute: u32,
}

/// What happens to the session with the brain.
#[derive(Debug, Clone, Copy)]
pub enum Notice<'a> {
    /// The brain took the session; what the bot should say at its start, if anything.
    Welcome {
        /// Version of the brain.
        version: &'a str,
        /// `up`'s first lines; may be empty.
        greeting: &'a [Segment],
    },
    /// Everything is done that the events up to this one have caused.
    Idle {
        /// Id of the last event that is covered.
        last_event: &'a str,
    },
    /// The session is lost or could not be made; the host tries again.
    Away {
        /// Why, for a person.
        reason: &'a str,
    },
}

/// Why an adapter could not do something.
#[derive(Debug, thiserror::Error)]
pub enum AdapterError {
    /// The bot's token is wrong or was revoked.
    #[error("{platform} refuses the token of this bot")]
    Token {
        /// The platform.
        platform: &'static str,
    },
    /// A setting cannot be used.
    #[error("setting `{setting}`: {detail}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// Another program has logged in as this bot, and the platform lets only one.
    #[error("{bot}: {detail}")]
    TakenOver {
        /// What was taken.
        bot: &'static str,
        /// What to do.
        detail: &'static str,
    },
    /// Another process on this machine serves this bot.
    #[error("setting `{setting}`: {detail}")]
    InUse {
        /// What names the bot.
        setting: &'static str,
        /// Who has it.
        detail: &'static str,
    },
    /// The attachment is gone, unknown or too large.
    #[error("attachment `{name}`: {detail}")]
    Attachment {
        /// Name of the file.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A call failed; worth another try later.
    #[error("{call}: {detail}")]
    Call {
        /// What was called.
        call: &'static str,
        /// What came back, without secrets.
        detail: String,
    },
    /// Reading or writing failed on this machine.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Takes the events of one adapter. Bounded: [`Inbox::deliver`] waits while too many events have no
/// acknowledgement yet.
#[derive(Debug, Clone)]
pub struct Inbox {
    deliveries: mpsc::Sender<Delivery>,
    budgets: Budgets,
}

/// The newest send budget of each room that the brain was not told yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budgets(Arc<BudgetsInner>);

#[derive(Debug, Default)]
struct BudgetsInner {
    waiting: Mutex<HashMap<String, SendBudget>>,
    changed: Notify,
}

impl Budgets {
    /// Waits until there is something to tell.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Everything that was not told yet.
    pub(crate) fn take(&self) -> Vec<SendBudget> {
        std::mem::take(&mut *self.lock()).into_values().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, SendBudget>> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event on its way to the host loop, and who waits for its acknowledgement.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) event: Event,
    pub(crate) accepted: oneshot::Sender<()>,
}

/// Resolves when the brain has stored an event.
#[derive(Debug)]
#[must_use = "an event counts as accepted only when this resolves to true"]
pub struct Acceptance(oneshot::Receiver<()>);

impl Inbox {
    pub(crate) fn channel(capacity: usize) -> (Self, mpsc::Receiver<Delivery>, Budgets) {
        let (deliveries, receiver) = mpsc::channel(capacity);
        let budgets = Budgets::default();
        let inbox = Self {
            deliveries,
            budgets: budgets.clone(),
        };
        (inbox, receiver, budgets)
    }

    /// Says how much may be sent to a room now. Only the newest report of a room counts.
    pub fn report(&self, budget: SendBudget) {
        self.budgets.lock().insert(budget.room.clone(), budget);
        self.budgets.0.changed.notify_one();
    }

    /// Hands an event over. The host repeats it, over reconnections too, until the brain has
    /// acknowledged it.
    pub async fn deliver(&self, event: Event) -> Acceptance {
        let (accepted, acceptance) = oneshot::channel();
        // A host that has ended drops `accepted` with the delivery: the acceptance resolves to false.
        let _ = self.deliveries.send(Delivery { event, accepted }).await;
        Acceptance(acceptance)
    }
}

impl Acceptance {
    /// Waits for the brain's acknowledgement; `false` when the host ended before it came.
    pub async fn wait(self) -> bool {
        self.0.await.is_ok()
    }
}
