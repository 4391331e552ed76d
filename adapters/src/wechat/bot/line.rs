//! Questions on the long connection, and their answers.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::frame::{Frame, written};

/// Frames that wait to be written.
const WAITING: usize = 64;

/// Why a frame has not done what it should. Its text holds nothing that users wrote.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum CallError {
    /// There is no connection, or it ended before the answer.
    #[error("{0}")]
    Away(&'static str),
    #[error("code {code}: {message}")]
    Refused { code: i64, message: String },
}

/// What to do about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing can be said to this callback any more: a message goes unasked.
    AnswerDead,
    /// The bubble has ended.
    BubbleEnded,
    /// Too often: back off.
    Limited,
    /// Worth another try at once.
    Conflict,
    /// The room is none, or has never spoken.
    Gone,
    /// Never worth another try.
    Fatal,
}

impl CallError {
    /// Whether it is about the task of a card, which the platform takes but once.
    pub(super) fn names_task(&self) -> bool {
        matches!(self, Self::Refused { message, .. } if message.to_lowercase().contains("task"))
    }

    /// What a refusal means; `None` when the platform was not reached.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        let Self::Refused { code, .. } = self else {
            return None;
        };
        Some(match code {
            846_605 => Verdict::AnswerDead,
            846_608 => Verdict::BubbleEnded,
            45_009 | 45_033 => Verdict::Limited,
            6000 | -1 => Verdict::Conflict,
            93_006 => Verdict::Gone,
            _ => Verdict::Fatal,
        })
    }
}

/// A frame on its way to the socket.
#[derive(Debug)]
struct Question {
    req_id: String,
    frame: String,
    answer: oneshot::Sender<Result<Value, CallError>>,
}

/// The connection as those see it who ask. It outlives every single connection.
#[derive(Debug)]
pub(super) struct Line {
    writer: Mutex<Option<mpsc::Sender<Question>>>,
    /// Frames with one id go one after the other: the platform's answer names nothing else.
    busy: Mutex<HashMap<String, std::sync::Arc<tokio::sync::Mutex<()>>>>,
    ack: Duration,
}

/// The other end: what one connection has to write, and who waits for an answer.
#[derive(Debug)]
pub(super) struct Desk {
    questions: mpsc::Receiver<Question>,
    waiting: HashMap<String, oneshot::Sender<Result<Value, CallError>>>,
}

const NO_CONNECTION: CallError = CallError::Away("there is no connection to WeCom");
const NO_ANSWER: CallError = CallError::Away("WeCom does not answer a frame in time");

impl Line {
    pub(super) fn new(ack: Duration) -> Self {
        Self {
            writer: Mutex::default(),
            busy: Mutex::default(),
            ack,
        }
    }

    /// A connection begins.
    pub(super) fn open(&self) -> Desk {
        let (writer, questions) = mpsc::channel(WAITING);
        *lock(&self.writer) = Some(writer);
        Desk {
            questions,
            waiting: HashMap::new(),
        }
    }

    /// A connection has ended: who asks is told so at once.
    pub(super) fn close(&self) {
        *lock(&self.writer) = None;
    }

    /// Sends a frame and waits for the platform's word about it. `more` is time on top of the usual, for
    /// frames with much in them.
    pub(super) async fn call(
        &self,
        cmd: &str,
        req_id: &str,
        body: &Value,
        more: Duration,
    ) -> Result<Value, CallError> {
        let turn = lock(&self.busy)
            .entry(req_id.to_owned())
            .or_default()
            .clone();
        let held = turn.lock().await;
        let asked = async {
            let writer = lock(&self.writer).clone().ok_or(NO_CONNECTION)?;
            let (answer, answered) = oneshot::channel();
            let question = Question {
                req_id: req_id.to_owned(),
                frame: written(cmd, req_id, Some(body)),
                answer,
            };
            writer.send(question).await.map_err(|_| NO_CONNECTION)?;
            answered.await.map_err(|_| NO_CONNECTION)?
        };
        let answer = timeout(self.ack + more, asked).await;
        drop(held);
        let mut busy = lock(&self.busy);
        // Nobody else holds or waits for it.
        if std::sync::Arc::strong_count(&turn) <= 2 {
            busy.remove(req_id);
        }
        answer.unwrap_or(Err(NO_ANSWER))
    }
}

impl Desk {
    /// The next frame to write. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<String> {
        let question = self.questions.recv().await?;
        self.waiting.retain(|_, answer| !answer.is_closed());
        self.waiting.insert(question.req_id, question.answer);
        Some(question.frame)
    }

    /// Hands an answer to whoever waits for it; says whether somebody did.
    pub(super) fn answered(&mut self, frame: Frame) -> bool {
        let Some(waiting) = self.waiting.remove(&frame.headers.req_id) else {
            return false;
        };
        let answer = if frame.errcode == 0 {
            Ok(frame.body)
        } else {
            Err(refused(&frame))
        };
        waiting.send(answer).is_ok()
    }
}

/// A refusal, its words cut to what a log line takes.
pub(super) fn refused(frame: &Frame) -> CallError {
    CallError::Refused {
        code: frame.errcode,
        message: frame.errmsg.chars().take(200).collect(),
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::wechat::bot::frame::{Headers, cmd};

    fn answer(req_id: &str, errcode: i64) -> Frame {
        Frame {
            headers: Headers {
                req_id: req_id.to_owned(),
            },
            errcode,
            ..Frame::default()
        }
    }

    #[tokio::test]
    async fn frames_of_one_id_wait_for_each_other_and_an_end_is_told() {
        let line = Arc::new(Line::new(Duration::from_secs(2)));
        let call = |line: Arc<Line>| async move {
            line.call(cmd::RESPOND, "R", &json!({}), Duration::ZERO)
                .await
        };
        assert!(call(line.clone()).await.unwrap_err().verdict().is_none());
        let mut desk = line.open();
        let first = tokio::spawn(call(line.clone()));
        desk.next().await.unwrap();
        let second = tokio::spawn(call(line.clone()));
        tokio::task::yield_now().await;
        assert!(desk.questions.try_recv().is_err(), "the first is not over");
        assert!(desk.answered(answer("R", 846_608)));
        let refused = first.await.unwrap().unwrap_err();
        assert_eq!(refused.verdict(), Some(Verdict::BubbleEnded));
        desk.next().await.unwrap();
        assert!(!desk.answered(answer("another", 0)));
        assert!(desk.answered(answer("R", 0)));
        second.await.unwrap().unwrap();
        assert!(lock(&line.busy).is_empty());
        // Nobody answers.
        let third = tokio::spawn(call(line.clone()));
        desk.next().await.unwrap();
        assert!(third.await.unwrap().unwrap_err().verdict().is_none());
        let fourth = tokio::spawn(call(line.clone()));
        desk.next().await.unwrap();
        line.close();
        drop(desk);
        assert!(fourth.await.unwrap().is_err());
    }
}
