//! Names of people and rooms, asked of the gateway and remembered for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::gateway::Shared;
use super::inbound::Contact;
use crate::recent::Recent;

/// Names that are remembered.
const REMEMBERED: usize = 4096;
/// How long a name counts. Gateways tell of changes, but not of all.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// Who is who.
#[derive(Debug)]
pub(super) struct People {
    gateway: Shared,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// By room, empty in private, and contact.
    people: Recent<(String, String), (Instant, Contact)>,
    titles: Recent<String, (Instant, String)>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            people: Recent::new(REMEMBERED),
            titles: Recent::new(REMEMBERED),
        }
    }
}

impl People {
    pub(super) fn new(gateway: Shared) -> Self {
        Self {
            gateway,
            known: Mutex::default(),
        }
    }

    /// Something has changed; gateways do not say exactly what.
    pub(super) fn forget(&self) {
        *self.lock() = Known::default();
    }

    /// A contact as the members of a room see it, or by itself (`room` is empty). Who cannot be looked up
    /// has no name: their message counts nevertheless.
    pub(super) async fn contact(&self, room: &str, id: &str) -> Contact {
        let key = (room.to_owned(), id.to_owned());
        if let Some((since, contact)) = self.lock().people.get(&key)
            && since.elapsed() < FRESH
        {
            return contact.clone();
        }
        let asked = if room.is_empty() {
            self.gateway.contact(id).await.map(|contact| Contact {
                name: contact.name,
                handle: contact.weixin,
                sort: contact.r#type,
            })
        } else {
            let member = self.gateway.member(room, id).await;
            member.map(|member| Contact {
                name: match member.room_alias.trim() {
                    "" => member.name,
                    alias => alias.to_owned(),
                },
                ..Contact::default()
            })
        };
        match asked {
            Ok(contact) => {
                let mut known = self.lock();
                // What is there keeps its age, and would be forgotten too soon.
                known.people.remove(&key);
                known.people.insert(key, (Instant::now(), contact.clone()));
                contact
            }
            Err(error) => {
                tracing::debug!(%error, "the gateway does not know a contact");
                Contact::default()
            }
        }
    }

    /// The title of a room; empty when it cannot be looked up.
    pub(super) async fn title(&self, room: &str) -> String {
        if let Some((since, title)) = self.lock().titles.get(room)
            && since.elapsed() < FRESH
        {
            return title.clone();
        }
        match self.gateway.room(room).await {
            Ok(answer) => {
                let mut known = self.lock();
                known.titles.remove(room);
                let fresh = (Instant::now(), answer.topic.clone());
                known.titles.insert(room.to_owned(), fresh);
                answer.topic
            }
            Err(error) => {
                tracing::debug!(%error, "the gateway does not know a room");
                String::new()
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
