//! The long connection: login, heartbeats, back-off, and the one owner that a robot has.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use jarvis_proto::chat::ReplyContext;
use jarvis_proto::chat::event;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::answers::Token;
use super::bubble;
use super::config::{Config, Connection};
use super::core::Core;
use super::frame::{Frame, cmd, req_id, written};
use super::inbound::{self, Callback, Heard, What, in_ms};
use super::line::{Desk, refused};
use crate::adapter::{AdapterError, Inbox};
use crate::host::retry;
use crate::websocket::{Socket, dial};

/// How long WeCom may take to answer a login.
const LOGIN_LIMIT: Duration = Duration::from_secs(15);
/// Longest time for writing one frame.
const WRITE_LIMIT: Duration = Duration::from_secs(20);
/// Logins are guarded by the platform: never faster than this.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Events that wait for the brain.
const WAITING: usize = 256;
/// Unanswered heartbeats after which a connection is given up.
const MOST_SILENT: u32 = 2;
/// How long somebody who comes in can be greeted.
const GREETING: Duration = Duration::from_secs(5);

/// Why a connection ended.
enum Ended {
    Lost(String),
    /// Another program has logged in as this robot.
    TakenOver,
}

/// Why there is no login.
enum NoLogin {
    Network(String),
    Refused(String),
}

/// Connects and logs in; tries until there is an answer. Cancel-safe.
///
/// # Errors
/// The platform refuses the robot's id and secret.
pub(super) async fn connect(config: &Config, to: &Connection) -> Result<Socket, AdapterError> {
    let mut delays = retry::delays();
    let mut refusals = 0;
    loop {
        match login(config, to).await {
            Ok(socket) => return Ok(socket),
            Err(NoLogin::Network(detail)) => {
                tracing::warn!(detail, "WeCom cannot be reached, trying again");
            }
            Err(NoLogin::Refused(detail)) => {
                refusals += 1;
                tracing::warn!(detail, refusals, "WeCom refuses the login of this robot");
                if refusals >= config.rules.logins {
                    tracing::error!(
                        detail,
                        "WeCom refuses this robot: compare `wecom.bot_id` and `wecom.secret` with the \
                         robot's page, under API mode, long connection"
                    );
                    return Err(AdapterError::Token { platform: "WeCom" });
                }
            }
        }
        let pause = delays.next().unwrap_or(LONGEST_PAUSE);
        sleep(pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
    }
}

async fn login(config: &Config, to: &Connection) -> Result<Socket, NoLogin> {
    let network = |detail: String| NoLogin::Network(detail);
    let mut socket = dial(&to.url, &[])
        .await
        .map_err(|error| network(error.to_string()))?;
    let id = req_id(cmd::SUBSCRIBE);
    let body = json!({ "bot_id": config.bot_id, "secret": to.secret.expose_secret() });
    write(&mut socket, written(cmd::SUBSCRIBE, &id, Some(&body)))
        .await
        .map_err(network)?;
    let answer = timeout(LOGIN_LIMIT, async {
        loop {
            let frame = next_frame(&mut socket).await?;
            if frame.headers.req_id == id {
                return Ok::<Frame, String>(frame);
            }
        }
    });
    let answer = answer
        .await
        .map_err(|_| network("no answer to the login in time".to_owned()))?
        .map_err(network)?;
    if answer.errcode == 0 {
        return Ok(socket);
    }
    Err(NoLogin::Refused(refused(&answer).to_string()))
}

/// Listens until `stop`, beginning with the connection that was made at the start.
///
/// # Errors
/// What no waiting can cure: refused credentials, another owner of the robot.
pub(super) async fn listen(
    core: Arc<Core>,
    to: &Connection,
    first: Option<Socket>,
    inbox: Inbox,
    stop: &CancellationToken,
) -> Result<(), AdapterError> {
    let (events, waiting) = mpsc::channel(WAITING);
    let delivering = tokio::spawn(deliver(core.clone(), inbox, waiting));
    let keeping = tokio::spawn(bubble::keep(core.clone()));
    let tasks = [
        AbortOnDropHandle::new(delivering),
        AbortOnDropHandle::new(keeping),
    ];
    let ended = tokio::select! {
        ended = keep(&core, to, first, &events) => ended,
        () = stop.cancelled() => Ok(()),
    };
    core.line.close();
    drop(tasks);
    ended
}

async fn keep(
    core: &Arc<Core>,
    to: &Connection,
    mut first: Option<Socket>,
    events: &mpsc::Sender<Box<Heard>>,
) -> Result<(), AdapterError> {
    let mut delays = retry::delays();
    loop {
        let socket = match first.take() {
            Some(socket) => socket,
            None => connect(&core.config, to).await?,
        };
        tracing::info!("WeCom knows this robot");
        let since = Instant::now();
        let ended = stay(core, socket, events).await;
        core.line.close();
        match ended {
            Ended::TakenOver => return Err(taken_over()),
            Ended::Lost(detail) => {
                tracing::warn!(detail, "the line to WeCom is lost, trying again");
            }
        }
        if since.elapsed() > LONGEST_PAUSE {
            delays = retry::delays();
        }
        let pause = delays.next().unwrap_or(LONGEST_PAUSE);
        sleep(pause.min(LONGEST_PAUSE)).await;
    }
}

/// Two programs would take the robot from each other for ever.
fn taken_over() -> AdapterError {
    AdapterError::TakenOver {
        bot: "the WeCom robot",
        detail: "another program has logged in as this robot, and a robot has one owner; this one stops. \
                 Stop the other program, or make a robot of its own for it, and start Jarvis again",
    }
}

/// Reads and writes until the connection ends.
async fn stay(core: &Arc<Core>, mut socket: Socket, events: &mpsc::Sender<Box<Heard>>) -> Ended {
    let mut desk = core.line.open();
    let every = core.config.rules.ping;
    let mut heartbeat = interval_at(Instant::now() + every, every);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silent = 0;
    let ended = loop {
        let has_room = events.capacity() > 0;
        let step = tokio::select! {
            frame = next_frame(&mut socket), if has_room => match frame {
                Ok(frame) => {
                    // Whatever comes shows that the line is good.
                    silent = 0;
                    take(core, &mut desk, frame, events).await
                }
                Err(detail) => Err(Ended::Lost(detail)),
            },
            // Only to wake up: the brain has taken something.
            _ = events.reserve(), if !has_room => Ok(()),
            question = desk.next() => match question {
                Some(frame) => write(&mut socket, frame).await.map_err(Ended::Lost),
                None => Err(Ended::Lost("the adapter stops".to_owned())),
            },
            _ = heartbeat.tick() => {
                if silent >= MOST_SILENT {
                    Err(Ended::Lost("WeCom does not answer heartbeats".to_owned()))
                } else {
                    silent += 1;
                    let ping = written(cmd::PING, &req_id(cmd::PING), None);
                    write(&mut socket, ping).await.map_err(Ended::Lost)
                }
            }
        };
        if let Err(ended) = step {
            break ended;
        }
    };
    drop(desk);
    ended
}

/// One frame that came.
async fn take(
    core: &Arc<Core>,
    desk: &mut Desk,
    frame: Frame,
    events: &mpsc::Sender<Box<Heard>>,
) -> Result<(), Ended> {
    if !matches!(frame.cmd.as_str(), cmd::MESSAGE | cmd::EVENT) {
        if frame.cmd.is_empty() {
            desk.answered(frame);
        } else {
            tracing::debug!(cmd = frame.cmd, "a frame is passed over");
        }
        return Ok(());
    }
    let config = &core.config;
    match inbound::read(&frame.body, &config.name, &config.language) {
        Callback::TakenOver => return Err(Ended::TakenOver),
        Callback::Heard(mut heard) => {
            let req_id = frame.headers.req_id;
            if let What::Press { task, key } = heard.what.clone() {
                let (core, req_id) = (core.clone(), req_id.clone());
                tokio::spawn(async move { core.show_press(&req_id, &task, &key).await });
            }
            let (token, window) = match heard.what {
                _ if req_id.is_empty() => (None, Duration::ZERO),
                What::Message => (Some(Token::Message(req_id)), config.rules.answer_window),
                What::Entered => (Some(Token::Entered(req_id)), GREETING),
                What::Press { .. } => (None, Duration::ZERO),
            };
            if let Some(token) = &token {
                heard.name_message(&token.written());
            }
            heard.event.reply_context = token.map(|token| ReplyContext {
                token: token.written(),
                expires_ms: crate::now_ms().saturating_add(in_ms(window)),
            });
            // There is room: nobody else sends.
            let _ = events.send(heard).await;
        }
        Callback::Poll { .. } | Callback::Nothing => {
            tracing::debug!(
                msgtype = frame.body["msgtype"].as_str(),
                "a callback is passed over"
            );
        }
    }
    Ok(())
}

/// Hands events over in their order.
async fn deliver(core: Arc<Core>, inbox: Inbox, mut events: mpsc::Receiver<Box<Heard>>) {
    while let Some(mut heard) = events.recv().await {
        core.report(&heard.place);
        if let Some(event::Kind::Message(message)) = &mut heard.event.kind {
            core.media.name(&mut message.attachments).await;
        }
        // The host repeats it until the brain has stored it; the platform itself does not.
        drop(inbox.deliver(heard.event).await);
    }
}

async fn write(socket: &mut Socket, frame: String) -> Result<(), String> {
    match timeout(WRITE_LIMIT, socket.send(Message::text(frame))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("a frame could not be written in time".to_owned()),
    }
}

/// The next frame; what is no frame is passed over. Cancel-safe.
async fn next_frame(socket: &mut Socket) -> Result<Frame, String> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => match serde_json::from_str(text.as_str()) {
                Ok(frame) => return Ok(frame),
                Err(error) => tracing::warn!(%error, "WeCom sent something unreadable"),
            },
            Some(Ok(Message::Close(close))) => {
                let code = close.as_ref().map(|close| u16::from(close.code));
                return Err(format!("WeCom has closed it, with code {code:?}"));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("it has ended".to_owned()),
        }
    }
}
