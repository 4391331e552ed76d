//! People: what their phones scan, write and send, and what they wait to see.

use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::Shared;
use super::files;
use super::login::Stage;
use super::state::{Entry, State, Stored};

/// A person with WeChat. Reading goes forward: each `sees` looks only at what came after the last one.
#[derive(Clone, Debug)]
pub struct Person {
    shared: Arc<Shared>,
    id: String,
    read: Arc<Mutex<usize>>,
}

impl Person {
    pub(super) fn new(shared: &Arc<Shared>, name: &str) -> Self {
        let id = format!("o9-{name}@im.wechat");
        shared.with(|state| {
            state.chat(&id);
        });
        Self {
            shared: shared.clone(),
            id,
            read: Arc::default(),
        }
    }

    /// The person's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    // ---- the phone and codes -------------------------------------------------------------------

    /// Scans the newest code as soon as there is one.
    pub async fn scans(&self) {
        self.scans_with(None, false).await;
    }

    /// The same; the phone shows digits that have to be typed at the other side.
    pub async fn scans_and_shows(&self, digits: &str) {
        self.scans_with(Some(digits), false).await;
    }

    /// The same with a phone of another region.
    pub async fn scans_elsewhere(&self) {
        self.scans_with(None, true).await;
    }

    async fn scans_with(&self, digits: Option<&str>, elsewhere: bool) {
        let scanned = self.shared.wait_for(|state| {
            let mut codes = state.codes.iter_mut().rev();
            let code = codes.find(|code| code.is_fresh())?;
            code.scan(&self.id, digits, elsewhere);
            Some(())
        });
        assert!(scanned.await.is_some(), "no code is asked for");
        self.shared.with(|_| ());
    }

    /// Says yes on the phone.
    pub fn confirms(&self) {
        let confirmed = self.shared.with(|state| {
            let mut codes = state.codes.iter_mut().rev();
            let code = codes.find(|code| code.person == self.id && code.stage == Stage::Scanned)?;
            code.stage = Stage::Confirmed;
            Some(())
        });
        assert!(confirmed.is_some(), "nothing was scanned");
    }

    /// Waits until the bot was asked for the digits that the phone shows.
    pub async fn is_asked_for_digits(&self) {
        let asked = self.shared.wait_for(|state| {
            let mut codes = state.codes.iter().rev();
            codes
                .any(|code| code.person == self.id && code.asked)
                .then_some(())
        });
        assert!(asked.await.is_some(), "nobody asks for digits");
    }

    /// Scans, says yes, and waits until a bot listens.
    pub async fn signs_in(&self) {
        self.scans().await;
        self.confirms();
        self.is_listened_to(0).await;
    }

    /// Waits until a bot holds a question for news, and has asked more than `after` times.
    pub async fn is_listened_to(&self, after: usize) {
        let heard = self.shared.wait_for(|state| {
            let chat = state.chat(&self.id);
            (chat.held > 0 && chat.polls > after).then_some(())
        });
        assert!(heard.await.is_some(), "nobody listens to {}", self.id);
    }

    /// How often a bot has asked for news on this line.
    pub fn polls(&self) -> usize {
        self.shared.quietly(|state| state.chat(&self.id).polls)
    }

    /// The platform ends the line, without a new sign-in.
    pub fn loses_line(&self) {
        self.shared.with(|state| state.chat(&self.id).token = None);
    }

    /// Whether a line stands and its bot has said that it listens.
    pub fn is_connected(&self) -> bool {
        self.shared.quietly(|state| {
            let chat = state.chat(&self.id);
            chat.token.is_some() && chat.is_started
        })
    }

    /// The platform thinks that the person has not written for long.
    pub fn was_silent_for_long(&self) {
        self.shared.with(|state| state.chat(&self.id).heard = None);
    }

    /// Waits until the phone has shown "is typing" and shows it no longer.
    pub async fn sees_typing_end(&self) {
        let ended = self.shared.wait_for(|state| {
            let chat = state.chat(&self.id);
            (chat.typed > 0 && !chat.is_typing).then_some(())
        });
        assert!(ended.await.is_some(), "nobody types, or nobody stops");
    }

    // ---- writing -------------------------------------------------------------------------------

    /// Writes to the bot; the message's id.
    pub fn says(&self, text: &str) -> u64 {
        self.sends_items(text, &json!([text_item(text)]))
    }

    /// Quotes a message by its id alone, as new phones do.
    pub fn quotes(&self, message: u64, text: &str) -> u64 {
        let mut item = text_item(text);
        item["ref_msg"] = json!({ "svr_id": message.to_string() });
        self.sends_items(text, &json!([item]))
    }

    /// Says something aloud; the platform writes it down.
    pub fn speaks(&self, text: &str) -> u64 {
        let voice = json!({ "encode_type": 6, "playtime": 1500, "text": text });
        self.sends_items(text, &json!([{ "type": 3, "voice_item": voice }]))
    }

    /// Sends a file, then words about it: phones do not send both at once.
    pub fn sends_file(&self, name: &str, bytes: impl Into<Bytes>) -> u64 {
        self.sends_file_with_key(name, bytes, |key| STANDARD.encode(key))
    }

    /// The same with a key in another form, or another key.
    pub fn sends_file_with_key(
        &self,
        name: &str,
        bytes: impl Into<Bytes>,
        write: impl FnOnce([u8; 16]) -> String,
    ) -> u64 {
        let bytes = bytes.into();
        let (key, media) = self.store(&bytes, true);
        let mut file = json!({
            "file_name": name,
            "len": bytes.len().to_string(),
            "md5": hex::encode(Md5::digest(&bytes)),
            "media": media,
        });
        file["media"]["aes_key"] = json!(write(key));
        self.sends_items(name, &json!([{ "type": 4, "file_item": file }]))
    }

    /// Sends a file and words in one message.
    pub fn sends_file_and_says(&self, name: &str, bytes: impl Into<Bytes>, text: &str) -> u64 {
        let bytes = bytes.into();
        let (key, mut media) = self.store(&bytes, true);
        media["aes_key"] = json!(STANDARD.encode(hex::encode(key)));
        let file = json!({ "file_name": name, "len": bytes.len().to_string(), "media": media });
        let items = json!([text_item(text), { "type": 4, "file_item": file }]);
        self.sends_items(text, &items)
    }

    /// Sends a picture: with its key beside it, or with none at all.
    pub fn sends_picture(&self, bytes: impl Into<Bytes>, is_sealed: bool) -> u64 {
        let bytes = bytes.into();
        let (key, media) = self.store(&bytes, is_sealed);
        let mut image = json!({ "media": media, "mid_size": bytes.len() });
        if is_sealed {
            image["aeskey"] = json!(hex::encode(key));
        }
        self.sends_items("picture", &json!([{ "type": 2, "image_item": image }]))
    }

    fn store(&self, bytes: &Bytes, is_sealed: bool) -> ([u8; 16], Value) {
        let key: [u8; 16] = rand::random();
        let sealed = if is_sealed {
            files::seal(&key, bytes)
        } else {
            bytes.clone()
        };
        let base = format!("http://{}/c2c", self.shared.address);
        let full_urls = self.shared.settings.full_urls;
        self.shared.with(|state| {
            let param = format!("DL{}", state.next_id());
            let stored = Stored {
                sealed,
                announced: None,
            };
            state.stored.insert(param.clone(), stored);
            let mut media = json!({ "encrypt_query_param": param, "encrypt_type": 1 });
            if full_urls {
                media["full_url"] = json!(format!("{base}/download?encrypted_query_param={param}"));
            }
            (key, media)
        })
    }

    /// Sends items of the story's own.
    pub fn sends_items(&self, text: &str, items: &Value) -> u64 {
        self.sends(text, |message| message["item_list"] = items.clone())
    }

    /// Sends a message that `change` has had its way with.
    pub fn sends(&self, text: &str, change: impl FnOnce(&mut Value)) -> u64 {
        self.shared.with(|state| {
            let id = state.next_id();
            let chat = state.chat(&self.id);
            let context = format!("CTX{id}");
            chat.contexts.push(context.clone());
            chat.heard = Some(Instant::now());
            chat.answers = 0;
            chat.refuses_until = None;
            let mut message = json!({
                "seq": chat.messages.len() + 1,
                "message_id": id,
                "from_user_id": self.id,
                "to_user_id": chat.bot,
                "client_id": format!("phone-{id}"),
                "create_time_ms": now_ms(),
                "session_id": "s",
                "message_type": 1,
                "message_state": 2,
                "context_token": context,
                "item_list": [text_item(text)],
            });
            change(&mut message);
            chat.messages.push(message);
            chat.log.push(Entry {
                id,
                is_bot: false,
                text: text.to_owned(),
                file: None,
                bytes: Bytes::new(),
            });
            id
        })
    }

    /// The newest message comes once more.
    ///
    /// # Panics
    /// When there was none.
    pub fn repeats_last(&self) {
        self.shared.with(|state| {
            let chat = state.chat(&self.id);
            let last = chat.messages.last().expect("there was a message").clone();
            chat.messages.push(last);
        });
    }

    /// How many of this line's messages the bot has shown that it knows.
    pub fn known(&self) -> usize {
        self.shared.quietly(|state| state.chat(&self.id).known)
    }

    /// Waits until the bot has shown that it knows so many messages.
    pub async fn is_known(&self, messages: usize) {
        let known = self
            .shared
            .wait_for(|state| (state.chat(&self.id).known >= messages).then_some(()));
        assert!(known.await.is_some(), "the cursor moves to {messages}");
    }

    // ---- reading -------------------------------------------------------------------------------

    /// Waits for a message of the bot that contains `text`.
    pub async fn sees(&self, text: &str) -> Entry {
        self.finds(&format!("{text:?}"), |entry| entry.text.contains(text))
            .await
    }

    /// Waits for a file of this name.
    pub async fn gets_file(&self, name: &str) -> Bytes {
        self.finds(&format!("file {name:?}"), |entry| {
            entry.file.as_deref() == Some(name)
        })
        .await
        .bytes
    }

    async fn finds(&self, what: &str, fits: impl Fn(&Entry) -> bool) -> Entry {
        let from = *self.read.lock().expect("no holder panics");
        let found = self.shared.wait_for(|state| {
            let log = state.chat(&self.id).log.iter().enumerate().skip(from);
            log.filter(|(_, entry)| entry.is_bot)
                .find(|(_, entry)| fits(entry))
                .map(|(place, entry)| (place, entry.clone()))
        });
        let Some((place, entry)) = found.await else {
            panic!("nobody wrote {what} in time:\n{}", self.transcript());
        };
        *self.read.lock().expect("no holder panics") = place + 1;
        entry
    }

    /// What stands in the chat.
    pub fn log(&self) -> Vec<Entry> {
        self.shared
            .quietly(|state| state.chat(&self.id).log.clone())
    }

    /// How many messages of the bot contain `text`.
    pub fn count(&self, text: &str) -> usize {
        let log = self.log();
        let of_bot = log.iter().filter(|entry| entry.is_bot);
        of_bot.filter(|entry| entry.text.contains(text)).count()
    }

    fn transcript(&self) -> String {
        let lines = self.log().into_iter().map(|entry| {
            let from = if entry.is_bot { "bot" } else { "person" };
            let file = entry.file.map(|name| format!(" [file {name}]"));
            format!("  {from}: {}{}\n", entry.text, file.unwrap_or_default())
        });
        let told = self.shared.quietly(|state: &mut State| {
            let refused = state.calls.iter().filter(|call| call.code != 0);
            let refused = refused
                .map(|call| format!("  refused {} {} {}\n", call.what, call.code, call.body));
            refused.collect::<String>() + &state.complaints.join("\n")
        });
        lines.collect::<String>() + &told
    }
}

fn text_item(text: &str) -> Value {
    json!({ "type": 1, "text_item": { "text": text } })
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
}
