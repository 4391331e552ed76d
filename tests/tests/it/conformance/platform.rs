//! What a story needs of a platform.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use jarvis_tests::process::{PATIENCE, Process};
use jarvis_tests::site::Site;
use tokio::time::{Instant, sleep};

/// Where something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Spot {
    /// The person's chat with the bot.
    Private,
    /// A group, by the number that [`Platform::group`] gave.
    Group(usize),
}

/// A platform's simulator, a site with the node `web-1`, and the adapter between them.
///
/// People are known by their names. Reading goes forward: what somebody has seen in a spot is not
/// seen again.
#[async_trait]
pub(super) trait Platform: Sized + Send {
    /// Starts everything and waits until the adapter hears the platform.
    async fn start() -> Result<Self>;

    /// The site behind it.
    fn site(&mut self) -> &mut Site;

    /// A newcomer, of whom nobody knows anything. Where only one person can be, nothing happens.
    async fn person(&mut self, name: &str);

    /// A new group with the bot in it.
    async fn group(&mut self, title: &str) -> usize;

    /// Says something to the bot: in a group it is called by whatever the platform has for that.
    async fn says(&mut self, name: &str, spot: Spot, text: &str);

    /// Talks in a group to nobody in particular.
    async fn mutters(&mut self, name: &str, spot: Spot, text: &str);

    /// Waits for a message (or a new state of one) with `text`; returns all of it.
    async fn sees(&mut self, name: &str, spot: Spot, text: &str) -> String;

    /// Everything that the bot says in a spot as of now, the contents of text files included. A
    /// message that was changed counts once, as it is now.
    async fn everything(&mut self, name: &str, spot: Spot) -> String;

    /// How many messages the bot has sent in a spot.
    async fn sent(&mut self, name: &str, spot: Spot) -> usize;

    /// Chooses what the newest message offers: presses the button, or sends the number beside the
    /// label where there are none.
    async fn chooses(&mut self, name: &str, spot: Spot, label: &str) {
        let until = Instant::now() + PATIENCE;
        let number = loop {
            let said = self.everything(name, spot).await;
            if let Some(number) = numbered(&said, label) {
                break number;
            }
            // A terminal shows the choices a line after the words.
            assert!(
                Instant::now() < until,
                "no choice {label:?} was offered:\n{said}"
            );
            sleep(Duration::from_millis(20)).await;
        };
        self.says(name, spot, &number).await;
    }

    /// Sends a file with words that belong to it.
    async fn sends_file(&mut self, name: &str, file: &str, bytes: Bytes, caption: &str);

    /// Waits in private for a file of the bot.
    async fn gets_file(&mut self, name: &str, file: &str) -> Bytes;

    /// Cuts the line between adapter and platform once, and waits until it stands again.
    async fn cuts_line(&mut self);

    /// The platform delivers the newest event once more.
    async fn repeats_last_event(&mut self);

    /// The platform takes no more messages for a moment: the next few are refused in its own way.
    async fn uses_up_quota(&mut self);

    /// The platform is out of reach, or is back.
    async fn set_down(&mut self, is_down: bool);

    /// Whether a running job is seen before it has ended.
    fn shows_progress(&self) -> bool {
        true
    }

    /// The adapter's process; `None` while it is down.
    fn adapter(&mut self) -> &mut Option<Process>;

    /// Starts the adapter and waits until it hears the platform.
    async fn start_adapter(&mut self) -> Result<()>;

    /// Looks back at the story: the adapter must not have done what the platform forbids.
    async fn finish(&mut self) {}

    /// Waits until everything that the bot says in a spot `fits`.
    async fn until<F>(&mut self, name: &str, spot: Spot, what: &str, fits: F) -> String
    where
        F: for<'a> Fn(&'a str) -> bool + Send + Sync,
    {
        let until = Instant::now() + PATIENCE;
        loop {
            let said = self.everything(name, spot).await;
            if fits(&said) {
                return said;
            }
            assert!(
                Instant::now() < until,
                "{what} did not come in time:\n{said}"
            );
            // What is read here has no event in common.
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// A newcomer who gets a role.
    async fn person_with_role(&mut self, name: &str, role: &str) {
        self.person(name).await;
        self.says(name, Spot::Private, "/start").await;
        self.sees(name, Spot::Private, "I don't know you yet").await;
        let owner = &mut self.site().owner;
        owner.says(&format!("role {name} {role}")).await;
        owner.sees(&format!("{name} is now {role}")).await;
    }

    /// Somebody who may run jobs on `web-1`.
    async fn operator(&mut self, name: &str) {
        self.person_with_role(name, "operator").await;
    }
}

/// The number that stands before the newest choice with this label: `[2] no`.
fn numbered(said: &str, label: &str) -> Option<String> {
    let at = said.rfind(&format!("] {label}"))?;
    let start = said[..at].rfind('[')?;
    let number = &said[start + 1..at];
    number.parse::<u32>().ok().map(|number| number.to_string())
}
