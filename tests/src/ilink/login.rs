//! Codes: made, scanned, confirmed.

use serde_json::{Value, json};

use super::Shared;
use super::state::{Refusal, State};

/// A code that waits for a phone.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) name: String,
    pub(super) link: String,
    /// Tokens that the bot has shown: a phone with one of them is connected already.
    tokens: Vec<String>,
    pub(super) stage: Stage,
    /// Whose phone has scanned it.
    pub(super) person: String,
    /// The state is told at the second address from now on.
    is_elsewhere: bool,
    /// What the phone shows, and how often something else was typed.
    pub(super) digits: Option<(String, usize)>,
    /// The bot was asked for digits.
    pub(super) asked: bool,
}

/// How far a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Fresh,
    Scanned,
    Confirmed,
    /// This phone was connected to the same bot already.
    Known,
    Blocked,
    Expired,
}

impl Code {
    pub(super) fn is_fresh(&self) -> bool {
        self.stage == Stage::Fresh
    }

    pub(super) fn expire(&mut self) {
        self.stage = Stage::Expired;
    }

    /// A phone scans it.
    pub(super) fn scan(&mut self, person: &str, digits: Option<&str>, elsewhere: bool) {
        self.stage = Stage::Scanned;
        person.clone_into(&mut self.person);
        self.digits = digits.map(|digits| (digits.to_owned(), 0));
        self.is_elsewhere = elsewhere;
    }
}

/// A new code; clients before 2.4 ask by GET and without a body.
pub(super) fn make(
    state: &mut State,
    query: &dyn Fn(&str) -> Option<String>,
    body: &Value,
) -> Result<Value, Refusal> {
    if query("bot_type").as_deref() != Some("3") {
        return Err(Refusal::wrong("bot_type"));
    }
    let tokens: Vec<String> = match &body["local_token_list"] {
        Value::Null => Vec::new(),
        Value::Array(tokens) if tokens.len() <= 10 => tokens
            .iter()
            .filter_map(|token| token.as_str().map(ToOwned::to_owned))
            .collect(),
        _ => return Err(Refusal::wrong("local_token_list")),
    };
    let name = format!("qr-{}", state.next_id());
    let link = format!("https://liteapp.weixin.qq.com/q/{name}?bot_type=3");
    state.codes.push(Code {
        name: name.clone(),
        link: link.clone(),
        tokens,
        stage: Stage::Fresh,
        person: String::new(),
        is_elsewhere: false,
        digits: None,
        asked: false,
    });
    Ok(json!({ "qrcode": name, "qrcode_img_content": link }))
}

/// The state of a code; `None` while there is nothing new to tell.
pub(super) fn state_of(
    shared: &Shared,
    state: &mut State,
    query: &dyn Fn(&str) -> Option<String>,
    host: &str,
    last: &mut Option<Stage>,
) -> Option<Result<Value, Refusal>> {
    let name = query("qrcode").unwrap_or_default();
    let typed = query("verify_code");
    let most = shared.settings.rules.digits;
    let Some(code) = state.codes.iter_mut().find(|code| code.name == name) else {
        return Some(Err(Refusal::wrong("no such code")));
    };
    let elsewhere = shared.elsewhere.to_string();
    if code.is_elsewhere && host != elsewhere && code.stage != Stage::Expired {
        return Some(Ok(
            json!({ "status": "scaned_but_redirect", "redirect_host": elsewhere }),
        ));
    }
    if code.stage == Stage::Scanned
        && let Some((digits, wrong)) = &mut code.digits
    {
        match typed {
            Some(typed) if typed == *digits => {
                code.digits = None;
                return Some(Ok(json!({ "status": "scaned" })));
            }
            Some(_) => {
                *wrong += 1;
                if *wrong >= most {
                    code.stage = Stage::Blocked;
                    return Some(Ok(json!({ "status": "verify_code_blocked" })));
                }
            }
            None => {}
        }
        code.asked = true;
        return Some(Ok(json!({ "status": "need_verifycode" })));
    }
    let stage = code.stage;
    match stage {
        Stage::Fresh => return None,
        Stage::Scanned if *last == Some(Stage::Scanned) => return None,
        Stage::Scanned => {
            *last = Some(stage);
            return Some(Ok(json!({ "status": "scaned" })));
        }
        Stage::Blocked | Stage::Expired => return Some(Ok(json!({ "status": "expired" }))),
        Stage::Known => return Some(Ok(json!({ "status": "binded_redirect" }))),
        Stage::Confirmed => {}
    }
    let (person, tokens) = (code.person.clone(), code.tokens.clone());
    let known = state.chat(&person).token.clone();
    if known.is_some_and(|token| tokens.contains(&token)) {
        if let Some(code) = state.codes.iter_mut().find(|code| code.name == name) {
            code.stage = Stage::Known;
        }
        return Some(Ok(json!({ "status": "binded_redirect" })));
    }
    // One live line for one person: the one before has ended.
    let number = state.next_id();
    let base = format!("http://{}", shared.address);
    let chat = state.chat(&person);
    let (token, bot) = (format!("bot-token-{number}"), format!("b{number}@im.bot"));
    chat.token = Some(token.clone());
    chat.bot.clone_from(&bot);
    chat.messages.clear();
    chat.known = 0;
    chat.polls = 0;
    chat.is_started = false;
    chat.typing_ticket = None;
    chat.contexts.clear();
    // It is told once: who asks again has lost it.
    if let Some(code) = state.codes.iter_mut().find(|code| code.name == name) {
        code.stage = Stage::Expired;
    }
    Some(Ok(json!({
        "status": "confirmed",
        "bot_token": token,
        "ilink_bot_id": bot,
        "ilink_user_id": person,
        "baseurl": base,
    })))
}
