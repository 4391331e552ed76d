//! The calls.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use jarvis_proto::wechaty::puppet::{
    ContactPayloadRequest, ContactPayloadResponse, DingRequest, DingResponse, DownloadRequest,
    DownloadResponse, EventRequest, EventResponse, MessageFileRequest, MessageFileResponse,
    MessagePayloadRequest, MessagePayloadResponse, MessageRecallRequest, MessageRecallResponse,
    MessageSendFileRequest, MessageSendFileResponse, MessageSendTextRequest,
    MessageSendTextResponse, Moment, OldId, RoomMemberPayloadRequest, RoomMemberPayloadResponse,
    RoomPayloadRequest, RoomPayloadResponse, StartRequest, StartResponse, StopRequest,
    StopResponse, UploadRequest, UploadResponse, VersionRequest, VersionResponse,
};
use jarvis_proto::wechaty::puppet_server;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::fault::Fault;
use super::world::{Call, Entry, EventKind, Place, World};
use super::{Shared, file_box};

/// Bytes of a piece of a stream.
const PIECE: usize = 64 * 1024;

/// The calls of one gateway.
#[derive(Clone, Debug)]
pub(super) struct Puppet(pub(super) Arc<Shared>);

/// A line that was cut has no answer.
async fn never<T>() -> Result<T, Status> {
    std::future::pending().await
}

/// As the real gateway fails: one code for all, and words.
fn failed(words: impl Into<String>) -> Status {
    Status::unknown(words)
}

impl Puppet {
    /// Does a call, or plays the fault that waits for it.
    async fn answer<T>(
        &self,
        name: &str,
        conversation: &str,
        text: &str,
        work: impl FnOnce(&Shared) -> Result<T, Status>,
    ) -> Result<Response<T>, Status> {
        let fault = self.0.with(|world| {
            world.calls.push(Call {
                name: name.to_owned(),
                conversation: conversation.to_owned(),
                text: text.chars().take(2000).collect(),
            });
            world.faults.take(name)
        });
        match &fault {
            Some(Fault::Failed(code, words)) => return Err(Status::new(*code, words)),
            Some(Fault::Silent) => return never().await,
            Some(Fault::CutBefore) => {
                self.0.cut();
                return never().await;
            }
            Some(Fault::Slow(time)) => tokio::time::sleep(*time).await,
            Some(Fault::CutAfter) | None => {}
        }
        let done = work(&self.0);
        if fault == Some(Fault::CutAfter) {
            self.0.cut();
            return never().await;
        }
        done.map(Response::new)
    }

    /// Finds out who asks for what, for calls that a login is needed for.
    fn with_login<T>(
        shared: &Shared,
        work: impl FnOnce(&mut World) -> Result<T, Status>,
    ) -> Result<T, Status> {
        shared.with(|world| {
            if !world.is_logged_in {
                return Err(failed("not logged in"));
            }
            work(world)
        })
    }

    /// Every known id, as old gateways tell it and as new ones do.
    fn ids(shared: &Shared, entry: &Entry) -> (Option<OldId>, String) {
        if shared.settings.tells_ids {
            let old = OldId {
                value: entry.id.clone(),
            };
            (Some(old), entry.id.clone())
        } else {
            (None, String::new())
        }
    }

    fn sort(&self, entry: &Entry) -> i32 {
        let by_contract = self.0.settings.counts_by_contract;
        let name = entry.file.as_ref().map(|file| file.name.to_lowercase());
        let ends = |ends: &[&str]| {
            name.as_ref()
                .is_some_and(|name| ends.iter().any(|end| name.ends_with(end)))
        };
        match (&entry.recalls, &name) {
            (Some(_), _) => 13,
            (None, None) => [7, 6][usize::from(by_contract)],
            (None, Some(_)) if ends(&[".jpg", ".png"]) => [6, 5][usize::from(by_contract)],
            (None, Some(_)) if ends(&[".mp4"]) => [15, 7][usize::from(by_contract)],
            (None, Some(_)) => 1,
        }
    }
}

type Pieces<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl puppet_server::Puppet for Puppet {
    type EventStream = Pieces<EventResponse>;
    type DownloadStream = Pieces<DownloadResponse>;

    async fn start(&self, _: Request<StartRequest>) -> Result<Response<StartResponse>, Status> {
        let work = |shared: &Shared| {
            shared.with(World::start);
            Ok(StartResponse {})
        };
        self.answer("Start", "", "", work).await
    }

    async fn stop(&self, _: Request<StopRequest>) -> Result<Response<StopResponse>, Status> {
        let work = |shared: &Shared| {
            shared.with(|world| {
                world.is_started = false;
                world.is_logged_in = false;
            });
            Ok(StopResponse {})
        };
        self.answer("Stop", "", "", work).await
    }

    async fn version(
        &self,
        _: Request<VersionRequest>,
    ) -> Result<Response<VersionResponse>, Status> {
        let work = |_: &Shared| {
            Ok(VersionResponse {
                version: "1.19.9".to_owned(),
            })
        };
        self.answer("Version", "", "", work).await
    }

    async fn ding(&self, request: Request<DingRequest>) -> Result<Response<DingResponse>, Status> {
        let data = request.into_inner().data;
        let work = |shared: &Shared| {
            shared.with(|world| world.tell(EventKind::Dong, &json!({"data": data})));
            Ok(DingResponse {})
        };
        self.answer("Ding", "", "", work).await
    }

    async fn event(&self, _: Request<EventRequest>) -> Result<Response<Self::EventStream>, Status> {
        let work = |shared: &Shared| {
            shared.with(|world| {
                let is_taken = world.is_heard();
                let lingers = !is_taken && world.lingering > 0 && world.streams > 0;
                if lingers {
                    world.lingering -= 1;
                }
                if is_taken || lingers {
                    return Err(Status::already_exists(
                        "GrpcServerImpl.event() can not call twice.",
                    ));
                }
                let (stream, events) = mpsc::unbounded_channel();
                world.stream = Some(stream);
                world.streams += 1;
                let hello = "Wechaty Puppet gRPC stream connect successfully";
                world.tell(EventKind::Heartbeat, &json!({"data": hello}));
                if world.is_logged_in {
                    let account = world.account.clone();
                    world.tell(EventKind::Login, &json!({"contactId": account}));
                    world.tell(EventKind::Ready, &json!({"data": "ready"}));
                }
                Ok(UnboundedReceiverStream::new(events).boxed())
            })
        };
        self.answer("Event", "", "", work).await
    }

    async fn contact_payload(
        &self,
        request: Request<ContactPayloadRequest>,
    ) -> Result<Response<ContactPayloadResponse>, Status> {
        let id = request.into_inner().id;
        let work = |shared: &Shared| {
            Self::with_login(shared, |world| {
                let someone = world.people.get(&id);
                let someone =
                    someone.ok_or_else(|| failed(format!("no payload found for id {id}")))?;
                Ok(ContactPayloadResponse {
                    id: id.clone(),
                    r#type: if someone.is_official { 2 } else { 1 },
                    name: someone.name.clone(),
                    friend: someone.is_friend,
                    ..ContactPayloadResponse::default()
                })
            })
        };
        self.answer("ContactPayload", &id, "", work).await
    }

    async fn room_payload(
        &self,
        request: Request<RoomPayloadRequest>,
    ) -> Result<Response<RoomPayloadResponse>, Status> {
        let id = request.into_inner().id;
        let work = |shared: &Shared| {
            Self::with_login(shared, |world| {
                let room = world.rooms.get(&id);
                let room = room.ok_or_else(|| failed(format!("no payload found for id {id}")))?;
                Ok(RoomPayloadResponse {
                    id: id.clone(),
                    topic: room.topic.clone(),
                    member_ids: room.members.keys().cloned().collect(),
                    ..RoomPayloadResponse::default()
                })
            })
        };
        self.answer("RoomPayload", &id, "", work).await
    }

    async fn room_member_payload(
        &self,
        request: Request<RoomMemberPayloadRequest>,
    ) -> Result<Response<RoomMemberPayloadResponse>, Status> {
        let RoomMemberPayloadRequest { id, member_id } = request.into_inner();
        let work = |shared: &Shared| {
            Self::with_login(shared, |world| {
                let alias = world
                    .rooms
                    .get(&id)
                    .and_then(|room| room.members.get(&member_id))
                    .ok_or_else(|| failed(format!("no member {member_id} in room {id}")))?
                    .clone();
                Ok(RoomMemberPayloadResponse {
                    id: member_id.clone(),
                    room_alias: alias,
                    name: world.people[&member_id].name.clone(),
                })
            })
        };
        self.answer("RoomMemberPayload", &id, "", work).await
    }

    async fn message_payload(
        &self,
        request: Request<MessagePayloadRequest>,
    ) -> Result<Response<MessagePayloadResponse>, Status> {
        let id = request.into_inner().id;
        let work = |shared: &Shared| {
            let entry = Self::with_login(shared, |world| {
                let known = world.log.iter().find(|entry| entry.id == id).cloned();
                known.ok_or_else(|| failed(format!("no payload found for id {id}")))
            })?;
            let account = shared.with(|world| world.account.clone());
            let (room_id, listener_id) = match &entry.place {
                Place::Room(room) => (room.clone(), String::new()),
                Place::Private(other) if entry.from == account => (String::new(), other.clone()),
                Place::Private(_) => (String::new(), account),
            };
            Ok(MessagePayloadResponse {
                r#type: self.sort(&entry),
                filename: entry.file.map(|file| file.name).unwrap_or_default(),
                text: entry.text,
                timestamp_deprecated: entry.time_ms,
                talker_id: entry.from,
                room_id,
                listener_id,
                mention_ids: entry.mentions,
                receive_time: Some(Moment {
                    seconds: i64::try_from(entry.time_ms / 1000).unwrap_or_default(),
                    nanos: i32::try_from(entry.time_ms % 1000 * 1_000_000).unwrap_or_default(),
                }),
                id: entry.id,
            })
        };
        self.answer("MessagePayload", &id, "", work).await
    }

    async fn message_file(
        &self,
        request: Request<MessageFileRequest>,
    ) -> Result<Response<MessageFileResponse>, Status> {
        let id = request.into_inner().id;
        let work = |shared: &Shared| {
            let file = Self::with_login(shared, |world| {
                let mut log = world.log.iter();
                let file = log
                    .find(|entry| entry.id == id)
                    .and_then(|entry| entry.file.clone());
                let is_lost = world.loses_files && !shared.settings.files_by_address;
                file.filter(|_| !is_lost)
                    .ok_or_else(|| failed("no filebox cache"))
            })?;
            Ok(MessageFileResponse {
                file_box: file_box::write(shared, &id, &file),
            })
        };
        self.answer("MessageFile", &id, "", work).await
    }

    async fn message_send_text(
        &self,
        request: Request<MessageSendTextRequest>,
    ) -> Result<Response<MessageSendTextResponse>, Status> {
        let asked = request.into_inner();
        let work = |shared: &Shared| {
            let entry = Self::with_login(shared, |world| {
                let place = world.place(&asked.conversation_id);
                let place = place.ok_or_else(|| failed("conversation not exist"))?;
                world
                    .send(&place, &asked.text, asked.mentional_ids.clone())
                    .map_err(failed)
            })?;
            let (id_string_value_deprecated, id) = Self::ids(shared, &entry);
            Ok(MessageSendTextResponse {
                id_string_value_deprecated,
                id,
            })
        };
        self.answer("MessageSendText", &asked.conversation_id, &asked.text, work)
            .await
    }

    async fn message_send_file(
        &self,
        request: Request<MessageSendFileRequest>,
    ) -> Result<Response<MessageSendFileResponse>, Status> {
        let asked = request.into_inner();
        let work = |shared: &Shared| {
            let file = file_box::read(shared, &asked.file_box).map_err(|words| {
                shared.with(|world| world.complaints.push(words.clone()));
                failed(words)
            })?;
            let entry = Self::with_login(shared, |world| {
                let place = world.place(&asked.conversation_id);
                let place = place.ok_or_else(|| failed("conversation not exist"))?;
                world.may_write(&place).map_err(failed)?;
                let account = world.account.clone();
                Ok(world.write(&place, &account, "", Vec::new(), Some(file)))
            })?;
            let (id_string_value_deprecated, id) = Self::ids(shared, &entry);
            Ok(MessageSendFileResponse {
                id_string_value_deprecated,
                id,
            })
        };
        let (to, text) = (&asked.conversation_id, &asked.file_box);
        self.answer("MessageSendFile", to, text, work).await
    }

    async fn message_recall(
        &self,
        request: Request<MessageRecallRequest>,
    ) -> Result<Response<MessageRecallResponse>, Status> {
        let id = request.into_inner().id;
        let work = |shared: &Shared| {
            let success = Self::with_login(shared, |world| {
                let account = world.account.clone();
                let mut log = world.log.iter();
                let is_ours = log.any(|entry| entry.id == id && entry.from == account);
                Ok(is_ours && world.recall(&id))
            })?;
            Ok(MessageRecallResponse { success })
        };
        self.answer("MessageRecall", &id, "", work).await
    }

    async fn upload(
        &self,
        request: Request<Streaming<UploadRequest>>,
    ) -> Result<Response<UploadResponse>, Status> {
        let mut pieces = request.into_inner();
        let mut bytes = BytesMut::new();
        // What is broken off is not kept.
        while let Some(piece) = pieces.message().await? {
            bytes.extend_from_slice(&piece.chunk);
        }
        let bytes: Bytes = bytes.freeze();
        let work = |shared: &Shared| {
            let id = shared.with(|world| world.keep(bytes));
            Ok(UploadResponse { id })
        };
        self.answer("Upload", "", "", work).await
    }

    async fn download(
        &self,
        request: Request<DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let id = request.into_inner().id;
        let work = |shared: &Shared| {
            // The real one says nothing of an id that it does not know: the stream is empty.
            let mut bytes = shared
                .with(|world| world.boxes.get(&id).cloned())
                .unwrap_or_default();
            let mut pieces = Vec::new();
            while !bytes.is_empty() {
                let chunk = bytes.split_to(bytes.len().min(PIECE));
                pieces.push(Ok(DownloadResponse { chunk }));
            }
            Ok(futures::stream::iter(pieces).boxed())
        };
        self.answer("Download", &id, "", work).await
    }
}
