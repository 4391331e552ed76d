//! The way to a gateway: one connection at a time, and calls over it.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use jarvis_proto::wechaty::puppet::{
    ContactPayloadRequest, ContactPayloadResponse, DingRequest, EventRequest, EventResponse,
    MessageFileRequest, MessagePayloadRequest, MessagePayloadResponse, MessageRecallRequest,
    MessageSendFileRequest, MessageSendTextRequest, RoomMemberPayloadRequest,
    RoomMemberPayloadResponse, RoomPayloadRequest, RoomPayloadResponse, StartRequest,
    VersionRequest,
};
use jarvis_proto::wechaty::puppet_client::PuppetClient;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};

use super::KIND;
use super::config::Config;
use super::failure::CallError;
use crate::adapter::AdapterError;
use crate::cause::innermost;
use crate::host::tls_connector;

/// Longest time for a connection to stand, TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest time for a call that moves no file.
const CALL_LIMIT: Duration = Duration::from_secs(25);
/// Longest time to ask for a name: without it a message counts as well.
const LOOK_LIMIT: Duration = Duration::from_secs(8);
/// A gateway fetches a file from WeChat before it answers.
const FILE_LIMIT: Duration = Duration::from_secs(55);
/// Starting a login takes long.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Largest answer. Gateways put small files into it as text.
const LARGEST_ANSWER: usize = 32 << 20;

/// A connection, with the token on each call.
pub(super) type Client = PuppetClient<InterceptedService<Channel, Shows>>;

/// Shows the token.
#[derive(Clone)]
pub(super) struct Shows(MetadataValue<Ascii>);

impl fmt::Debug for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shows")
    }
}

impl tonic::service::Interceptor for Shows {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A gateway.
pub(super) struct Gateway {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    shows: Shows,
    token: SecretString,
    pause: Duration,
    current: Mutex<Option<Client>>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// A setting cannot be used.
    pub(super) fn new(config: &Config) -> Result<Self, AdapterError> {
        let setting = |setting, detail: String| AdapterError::Setting { setting, detail };
        let url = &config.endpoint;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        if host.is_empty() {
            return Err(setting("wechaty.endpoint", "it names no host".to_owned()));
        }
        let tls = match url.scheme() {
            "http" => None,
            "https" => {
                let name = config.name();
                let name = ServerName::try_from(name.clone()).map_err(|_| {
                    let detail = format!("`{name}` cannot be the name in a certificate");
                    setting("wechaty.server_name", detail)
                })?;
                let connector = tls_connector(config.ca_file.as_deref())
                    .map_err(|error| setting("wechaty.ca_file", error.to_string()))?;
                Some((connector, name))
            }
            other => {
                let detail = format!("`{other}` is neither https nor http");
                return Err(setting("wechaty.endpoint", detail));
            }
        };
        let authorization = format!("Wechaty {}", config.token.expose_secret());
        let mut authorization: MetadataValue<Ascii> = authorization.parse().map_err(|_| {
            let detail = "it has signs that a header cannot carry".to_owned();
            setting("wechaty.token", detail)
        })?;
        authorization.set_sensitive(true);
        Ok(Self {
            host: host.to_owned(),
            port: url.port_or_known_default().unwrap_or(443),
            tls,
            shows: Shows(authorization),
            token: config.token.clone(),
            pause: config.rules.pause,
            current: Mutex::default(),
        })
    }

    /// Makes a new connection; calls go over it from now on.
    pub(super) async fn connect(&self) -> Result<Client, CallError> {
        self.disconnect();
        let authority = if self.host.contains(':') {
            format!("http://[{}]:{}", self.host, self.port)
        } else {
            format!("http://{}:{}", self.host, self.port)
        };
        let endpoint =
            Endpoint::from_shared(authority).map_err(|error| CallError::Away(innermost(&error)))?;
        let (host, port, tls) = (self.host.clone(), self.port, self.tls.clone());
        let connector = tower::service_fn(move |_: http::Uri| {
            let (host, tls) = (host.clone(), tls.clone());
            async move { dial(&host, port, tls).await.map(TokioIo::new) }
        });
        let channel = timeout(CONNECT_LIMIT, endpoint.connect_with_connector(connector))
            .await
            .map_err(|_| CallError::Away("no connection in time".to_owned()))?
            .map_err(|error| CallError::Away(innermost(&error)))?;
        let client = PuppetClient::with_interceptor(channel, self.shows.clone())
            .max_decoding_message_size(LARGEST_ANSWER);
        *self.current() = Some(client.clone());
        Ok(client)
    }

    /// Calls wait for nothing until there is a new connection.
    pub(super) fn disconnect(&self) {
        *self.current() = None;
    }

    fn current(&self) -> MutexGuard<'_, Option<Client>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection of now.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn client(&self) -> Result<Client, CallError> {
        let none = || CallError::Away("it is being dialled".to_owned());
        self.current().clone().ok_or_else(none)
    }

    /// What a status says, without the token.
    pub(super) fn failed(&self, call: &'static str, status: &Status) -> CallError {
        CallError::of(call, status, self.token.expose_secret(), self.pause)
    }

    async fn within<T>(
        &self,
        call: &'static str,
        limit: Duration,
        answer: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, CallError> {
        match timeout(limit, answer).await {
            Ok(Ok(answer)) => Ok(answer.into_inner()),
            Ok(Err(status)) => Err(self.failed(call, &status)),
            Err(_) => Err(CallError::Silent),
        }
    }

    pub(super) async fn version(&self) -> Result<String, CallError> {
        let mut client = self.client()?;
        let answer = client.version(VersionRequest {});
        let answer = self.within("Version", CALL_LIMIT, answer).await?;
        Ok(answer.version)
    }

    /// Opens the stream of events. A gateway that says nothing at first takes as long as it is silent.
    pub(super) async fn events(
        &self,
        client: &Client,
    ) -> Result<Streaming<EventResponse>, CallError> {
        let opened = client.clone().event(EventRequest {}).await;
        let stream = opened.map_err(|status| self.failed("Event", &status))?;
        Ok(stream.into_inner())
    }

    pub(super) async fn start(&self) -> Result<(), CallError> {
        let mut client = self.client()?;
        let answer = client.start(StartRequest {});
        self.within("Start", START_LIMIT, answer).await.map(drop)
    }

    pub(super) async fn ding(&self) -> Result<(), CallError> {
        let mut client = self.client()?;
        let answer = client.ding(DingRequest {
            data: "jarvis".to_owned(),
        });
        self.within("Ding", CALL_LIMIT, answer).await.map(drop)
    }

    pub(super) async fn message(&self, id: &str) -> Result<MessagePayloadResponse, CallError> {
        let mut client = self.client()?;
        let answer = client.message_payload(MessagePayloadRequest { id: id.to_owned() });
        self.within("MessagePayload", CALL_LIMIT, answer).await
    }

    pub(super) async fn contact(&self, id: &str) -> Result<ContactPayloadResponse, CallError> {
        let mut client = self.client()?;
        let answer = client.contact_payload(ContactPayloadRequest { id: id.to_owned() });
        self.within("ContactPayload", LOOK_LIMIT, answer).await
    }

    pub(super) async fn room(&self, id: &str) -> Result<RoomPayloadResponse, CallError> {
        let mut client = self.client()?;
        let answer = client.room_payload(RoomPayloadRequest { id: id.to_owned() });
        self.within("RoomPayload", LOOK_LIMIT, answer).await
    }

    pub(super) async fn member(
        &self,
        room: &str,
        member: &str,
    ) -> Result<RoomMemberPayloadResponse, CallError> {
        let mut client = self.client()?;
        let answer = client.room_member_payload(RoomMemberPayloadRequest {
            id: room.to_owned(),
            member_id: member.to_owned(),
        });
        self.within("RoomMemberPayload", LOOK_LIMIT, answer).await
    }

    /// Says something; the id of the message, empty where the gateway does not know it.
    pub(super) async fn send_text(
        &self,
        conversation: &str,
        text: &str,
        mentions: &[String],
    ) -> Result<String, CallError> {
        let mut client = self.client()?;
        let answer = client.message_send_text(MessageSendTextRequest {
            conversation_id: conversation.to_owned(),
            text: text.to_owned(),
            mentional_ids: mentions.to_vec(),
        });
        let sent = self.within("MessageSendText", CALL_LIMIT, answer).await?;
        Ok(either(sent.id, sent.id_string_value_deprecated))
    }

    /// Sends a file box; as [`Self::send_text`].
    pub(super) async fn send_file(
        &self,
        conversation: &str,
        file_box: String,
        limit: Duration,
    ) -> Result<String, CallError> {
        let mut client = self.client()?;
        let answer = client.message_send_file(MessageSendFileRequest {
            conversation_id: conversation.to_owned(),
            file_box,
        });
        let sent = self.within("MessageSendFile", limit, answer).await?;
        Ok(either(sent.id, sent.id_string_value_deprecated))
    }

    /// The file box of a message.
    pub(super) async fn file_of(&self, message: &str) -> Result<String, CallError> {
        let mut client = self.client()?;
        let answer = client.message_file(MessageFileRequest {
            id: message.to_owned(),
        });
        let answer = self.within("MessageFile", FILE_LIMIT, answer).await?;
        Ok(answer.file_box)
    }

    /// Takes a message back; whether WeChat did.
    pub(super) async fn recall(&self, message: &str) -> Result<bool, CallError> {
        let mut client = self.client()?;
        let answer = client.message_recall(MessageRecallRequest {
            id: message.to_owned(),
        });
        let answer = self.within("MessageRecall", CALL_LIMIT, answer).await?;
        Ok(answer.success)
    }
}

/// Old gateways know only the old field.
fn either(id: String, old: Option<jarvis_proto::wechaty::puppet::OldId>) -> String {
    match (id.is_empty(), old) {
        (true, Some(old)) => old.value,
        _ => id,
    }
}

impl From<CallError> for AdapterError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Token => Self::Token { platform: KIND },
            other => Self::Call {
                call: "the Wechaty gateway",
                detail: other.to_string(),
            },
        }
    }
}

/// A byte stream to the gateway.
trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

async fn dial(
    host: &str,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
) -> io::Result<Box<dyn Line>> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(match tls {
        None => Box::new(stream),
        Some((connector, name)) => Box::new(connector.connect(name, stream).await?),
    })
}

/// Shared by everything that calls.
pub(super) type Shared = Arc<Gateway>;
