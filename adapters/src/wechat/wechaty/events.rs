//! The gateway's stream of events, kept open for ever.

use std::time::Duration;

use futures::future::{Either, select};
use jarvis_proto::wechaty::puppet::{EventResponse, EventType};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::task::AbortOnDropHandle;
use tonic::Streaming;

use super::failure::CallError;
use super::gateway::Shared;
use crate::host::retry;

/// Events that wait to be read. When it is full, the gateway waits too.
const MOST_WAITING: usize = 256;
/// A gateway greets; one that does not within this time is started anyway.
const GREETING: Duration = Duration::from_secs(5);
/// How long a stream may take to open where no setting says what silence means.
const OPEN_LIMIT: Duration = Duration::from_secs(120);
/// Longest payload that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// Who is logged in at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Login {
    /// We do not know: there is no stream.
    Away,
    /// Nobody.
    Out,
    /// This contact.
    In(String),
    /// The gateway refuses our token; nothing is tried again.
    Refused,
}

/// What an event tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Somebody wrote; the message's id.
    Message(String),
    /// People came into a room.
    Joined {
        room: String,
        people: Vec<String>,
        by: String,
        time: i64,
    },
    /// People left a room, or were made to.
    Left {
        room: String,
        people: Vec<String>,
        by: String,
        time: i64,
    },
    /// What was known of a contact, a room or a member is out of date.
    Changed(String),
}

/// The two ends for [`keep`].
pub(super) fn channels() -> (Out, mpsc::Receiver<Told>, watch::Receiver<Login>) {
    let (told, events) = mpsc::channel(MOST_WAITING);
    let (login, logins) = watch::channel(Login::Away);
    (Out { told, login }, events, logins)
}

/// Where events and the state of the login go.
#[derive(Debug)]
pub(super) struct Out {
    told: mpsc::Sender<Told>,
    login: watch::Sender<Login>,
}

/// Keeps the stream open until the token is refused.
pub(super) async fn keep(gateway: Shared, out: Out, liveness: Duration) {
    let mut delays = retry::delays();
    let mut shown = String::new();
    loop {
        let before = Instant::now();
        let error = listen(&gateway, &out, liveness, &mut shown).await;
        gateway.disconnect();
        if let CallError::Token = error {
            out.login.send_replace(Login::Refused);
            return;
        }
        out.login.send_replace(Login::Away);
        if out.told.is_closed() {
            return;
        }
        // A stream that stood for a while was good.
        if before.elapsed() > Duration::from_secs(30) {
            delays = retry::delays();
        }
        tracing::warn!(%error, "no events from the Wechaty gateway, trying again");
        sleep(delays.next().unwrap_or(GREETING)).await;
    }
}

/// Opens the stream and reads it until it ends.
async fn listen(gateway: &Shared, out: &Out, liveness: Duration, shown: &mut String) -> CallError {
    let mut stream = match open(gateway, liveness).await {
        Ok(stream) => stream,
        Err(error) => return error,
    };
    let mut seen = Instant::now();
    let mut asking: Option<AbortOnDropHandle<Result<(), CallError>>> = None;
    let mut is_asked = !liveness.is_zero();
    let every = if liveness.is_zero() {
        OPEN_LIMIT
    } else {
        liveness
    };
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        let frame = tokio::select! {
            // What has come already is read before the silence is measured.
            biased;
            frame = stream.message() => frame,
            _ = ticks.tick() => {
                if let Some(asked) = asking.take_if(|asked| asked.is_finished())
                    && let Ok(Err(CallError::Unknown(_))) = asked.await
                {
                    tracing::info!("the Wechaty gateway cannot be asked whether it lives");
                    is_asked = false;
                }
                if !is_asked {
                    continue;
                }
                if seen.elapsed() >= liveness * 2 {
                    return CallError::Away("it went silent".to_owned());
                }
                let gateway = gateway.clone();
                // The answer that counts is the event that follows.
                asking = Some(AbortOnDropHandle::new(tokio::spawn(async move {
                    gateway.ding().await
                })));
                continue;
            }
        };
        let frame = match frame {
            Ok(Some(frame)) => frame,
            Ok(None) => return CallError::Lost("it ended the stream of events".to_owned()),
            Err(status) => return gateway.failed("Event", &status),
        };
        if let Some(told) = read(&frame, &out.login, shown)
            && out.told.send(told).await.is_err()
        {
            drop(asking);
            return CallError::Lost("nobody listens any more".to_owned());
        }
        // Handing it over may have taken long, and that was not the gateway's silence.
        seen = Instant::now();
    }
}

/// Connects, opens the stream, and starts the login. A gateway sends the head of its answer with its first
/// event, which may be late.
async fn open(gateway: &Shared, liveness: Duration) -> Result<Streaming<EventResponse>, CallError> {
    let client = gateway.connect().await?;
    let limit = if liveness.is_zero() {
        OPEN_LIMIT
    } else {
        (liveness * 2).max(GREETING * 2)
    };
    let opening = tokio::time::timeout(limit, gateway.events(&client));
    let greeted = select(Box::pin(opening), Box::pin(sleep(GREETING))).await;
    let stream = match greeted {
        Either::Left((opened, _)) => {
            let stream = opened.map_err(|_| CallError::Silent)??;
            start(gateway).await?;
            stream
        }
        Either::Right(((), opening)) => {
            let (opened, started) = tokio::join!(opening, start(gateway));
            started?;
            opened.map_err(|_| CallError::Silent)??
        }
    };
    tracing::info!("the Wechaty gateway tells us what happens");
    Ok(stream)
}

/// The login of a gateway that runs already is not harmed.
async fn start(gateway: &Shared) -> Result<(), CallError> {
    match gateway.start().await {
        Ok(()) => Ok(()),
        Err(error @ (CallError::Token | CallError::Away(_) | CallError::Lost(_))) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "the Wechaty gateway could not start its login");
            Ok(())
        }
    }
}

/// What an event tells the reader of messages; the state of the login is kept here.
fn read(frame: &EventResponse, login: &watch::Sender<Login>, shown: &mut String) -> Option<Told> {
    if frame.payload.len() > LONGEST {
        tracing::warn!("an event of the Wechaty gateway is too long to be read");
        return None;
    }
    let value: Value = serde_json::from_str(&frame.payload).unwrap_or_default();
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let list = |key: &str| -> Vec<String> {
        let all = value[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let texts = all.iter().filter_map(Value::as_str);
        texts.map(ToOwned::to_owned).collect()
    };
    let time = value["timestamp"].as_i64().unwrap_or_default();
    // Newer gateways have more numbers.
    match EventType::try_from(frame.r#type).ok()? {
        EventType::Message => Some(text("messageId"))
            .filter(|id| !id.is_empty())
            .map(Told::Message),
        EventType::Login => {
            let contact = text("contactId");
            if !contact.is_empty() {
                shown.clear();
                login.send_replace(Login::In(contact));
            }
            None
        }
        EventType::Logout => {
            tracing::warn!("the WeChat account was logged out at the Wechaty gateway");
            login.send_replace(Login::Out);
            None
        }
        EventType::Scan => {
            login.send_if_modified(|login| {
                let is_new = *login == Login::Away;
                if is_new {
                    *login = Login::Out;
                }
                is_new
            });
            scan(&value, shown);
            None
        }
        EventType::RoomJoin => Some(Told::Joined {
            room: text("roomId"),
            people: list("inviteeIdList"),
            by: text("inviterId"),
            time,
        }),
        EventType::RoomLeave => Some(Told::Left {
            room: text("roomId"),
            people: list("removeeIdList"),
            by: text("removerId"),
            time,
        }),
        EventType::RoomTopic => Some(Told::Changed(text("roomId"))),
        EventType::Dirty => Some(Told::Changed(text("payloadId"))),
        EventType::Friendship => {
            tracing::info!("somebody wants to be a friend of the account: accept it on the phone");
            None
        }
        EventType::RoomInvite => {
            tracing::info!("the account is invited to a room: accept it on the phone");
            None
        }
        EventType::Error => {
            tracing::warn!("the Wechaty gateway tells of an error in its login");
            None
        }
        _ => None,
    }
}

/// Somebody has to scan a code with the phone of the account.
fn scan(value: &Value, shown: &mut String) {
    const WAITING: u64 = 2;
    const SCANNED: u64 = 3;
    const EXPIRED: u64 = 5;
    let code = value["qrcode"].as_str().unwrap_or_default();
    match value["status"].as_u64().unwrap_or_default() {
        SCANNED => tracing::info!("the code is scanned: confirm it on the phone"),
        EXPIRED => tracing::warn!("the code has expired; the gateway makes another"),
        1 | WAITING if !code.is_empty() && code != shown => {
            code.clone_into(shown);
            // Not on standard error by hand: a log of lines for machines stays one.
            let picture = drawn(code).unwrap_or_default();
            tracing::warn!(
                "the Wechaty gateway waits for a login: scan this with WeChat on the phone of the \
                 account\n\n{picture}\n\n{code}\n"
            );
        }
        _ => {}
    }
}

/// A code for a terminal; `None` when it is too long.
fn drawn(code: &str) -> Option<String> {
    let code = QrCode::new(code).ok()?;
    // Dark signs on a light ground, whatever the terminal's colours are.
    let picture = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build();
    Some(picture)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn frame(kind: EventType, payload: &Value) -> EventResponse {
        EventResponse {
            r#type: kind.into(),
            payload: payload.to_string(),
        }
    }

    #[test]
    fn events_are_read_and_the_login_is_kept() {
        let (login, now) = watch::channel(Login::Away);
        let mut shown = String::new();
        let mut tells = |kind, payload: Value| read(&frame(kind, &payload), &login, &mut shown);
        assert_eq!(
            tells(
                EventType::Scan,
                json!({"status": 2, "qrcode": "https://q/1"})
            ),
            None
        );
        assert_eq!(*now.borrow(), Login::Out);
        assert_eq!(
            tells(EventType::Login, json!({"contactId": "wxid_1"})),
            None
        );
        assert_eq!(*now.borrow(), Login::In("wxid_1".to_owned()));
        assert_eq!(
            tells(EventType::Message, json!({"messageId": "m1"})),
            Some(Told::Message("m1".to_owned()))
        );
        let left =
            json!({"roomId": "r", "removeeIdList": ["a", 7], "removerId": "b", "timestamp": 5});
        assert_eq!(
            tells(EventType::RoomLeave, left),
            Some(Told::Left {
                room: "r".to_owned(),
                people: vec!["a".to_owned()],
                by: "b".to_owned(),
                time: 5
            })
        );
        assert_eq!(
            tells(EventType::Logout, json!({"contactId": "wxid_1"})),
            None
        );
        assert_eq!(*now.borrow(), Login::Out);
    }

    proptest! {
        #[test]
        fn no_event_panics(kind in 0..40_i32, payload in "[\\PC]{0,60}") {
            let (login, _now) = watch::channel(Login::Away);
            let frame = EventResponse { r#type: kind, payload };
            read(&frame, &login, &mut String::new());
        }
    }

    #[test]
    fn a_code_is_drawn_unless_it_is_too_long() {
        assert!(
            drawn("https://login.weixin.qq.com/l/x")
                .unwrap()
                .lines()
                .count()
                > 10
        );
        assert_eq!(drawn(&"x".repeat(5000)), None);
    }
}
