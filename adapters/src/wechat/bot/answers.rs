//! What may still be answered: a callback takes few messages, and not for ever.

use crate::recent::Recent;

/// Callbacks of which is known how often they were answered.
const REMEMBERED: usize = 4096;

/// How a message may reach the room, as the brain keeps it with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A message that can be answered, by its `req_id`.
    Message(String),
    /// Somebody came in and can be greeted.
    Entered(String),
}

impl Token {
    pub(super) fn written(&self) -> String {
        match self {
            Self::Message(req_id) => format!("m:{req_id}"),
            Self::Entered(req_id) => format!("w:{req_id}"),
        }
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            (_, "") => None,
            ("m", req_id) => Some(Self::Message(req_id.to_owned())),
            ("w", req_id) => Some(Self::Entered(req_id.to_owned())),
            _ => None,
        }
    }
}

/// Counts the answers to each callback.
#[derive(Debug)]
pub(super) struct Answers {
    most: u32,
    /// Token → what answered it; `None` when the platform takes nothing more.
    given: Recent<String, Option<Vec<String>>>,
}

impl Answers {
    pub(super) fn new(most: u32) -> Self {
        Self {
            most,
            given: Recent::new(REMEMBERED),
        }
    }

    /// Takes a place among the answers for `key`; the same key has the same place at a further try.
    pub(super) fn take(&mut self, token: &Token, key: &str) -> bool {
        // A newcomer is greeted once.
        let most = match token {
            Token::Message(_) => self.most,
            Token::Entered(_) => 1,
        };
        let written = token.written();
        if self.given.get(&written).is_none() {
            self.given.insert(written.clone(), Some(Vec::new()));
        }
        match self.given.get_mut(&written) {
            Some(Some(keys)) if keys.iter().any(|known| known == key) => true,
            Some(Some(keys)) if keys.len() < usize::try_from(most).unwrap_or(usize::MAX) => {
                keys.push(key.to_owned());
                true
            }
            _ => false,
        }
    }

    /// Whether the platform has refused an answer to it for good.
    pub(super) fn is_dead(&self, token: &Token) -> bool {
        matches!(self.given.get(&token.written()), Some(None))
    }

    /// The platform takes no more answers to it.
    pub(super) fn dies(&mut self, token: &Token) {
        self.given.insert(token.written(), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_answered_so_often_and_a_further_try_keeps_its_place() {
        let mut answers = Answers::new(2);
        let token = Token::Message("R:1".into());
        assert_eq!(Token::read(&token.written()), Some(token.clone()));
        assert!(answers.take(&token, "a") && answers.take(&token, "b"));
        assert!(answers.take(&token, "a") && !answers.take(&token, "c"));
        answers.dies(&token);
        assert!(!answers.take(&token, "a") && answers.is_dead(&token));
        let entered = Token::Entered("R".into());
        assert!(answers.take(&entered, "a") && !answers.take(&entered, "b"));
        assert_eq!(Token::read("m:"), None);
        assert_eq!(Token::read("x:y"), None);
    }
}
