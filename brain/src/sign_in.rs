//! People who open a line of their own to us, on platforms where each person has one: the code to scan
//! goes to a private room where they are known already, and so does word of a line that was cut.
//!
//! Nothing here is stored: a sign-in lives as long as its adapter's session and at most ten minutes.
//! Who has signed in is a newcomer on that platform, and becomes somebody by binding, as everywhere.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jarvis_proto::chat::sign_in_state::State;
use jarvis_proto::chat::{SignInCode, SignInFailure, SignInReason};
use tokio::time::{Instant, timeout_at};
use tracing::{error, info, warn};

use crate::account::AccountId;
use crate::answer::{After, Answer, Place, Speech};
use crate::blob::Pins;
use crate::brain::Brain;
use crate::command::registry::Line;
use crate::commands::{Call, Trouble};
use crate::people::Speaker;
use crate::reply::{Reply, ReplyFile};
use crate::room::{Inbound, RoomKey, RoomKind};
use crate::service::SessionHandle;
use crate::store::{Op, Unit};
use crate::text::{Language, Text, text};

/// Longest life of one sign-in.
const LIFE: Duration = Duration::from_secs(600);
/// How long the picture of a code may take to come.
const PICTURE_LIMIT: Duration = Duration::from_secs(20);
/// Largest picture of a code, in bytes.
const MOST_PICTURE: u64 = 1 << 20;
/// Most digits that a phone shows.
const MOST_DIGITS: usize = 12;

/// Open sign-ins: at most one of an account.
#[derive(Debug, Default)]
pub(crate) struct SignIns {
    open: Mutex<HashMap<AccountId, Open>>,
}

#[derive(Debug)]
struct Open {
    /// The adapter's name for it.
    id: String,
    room: RoomKey,
    session: SessionHandle,
    wants_digits: bool,
}

/// A sign-in that begins.
#[derive(Debug)]
pub struct NewSignIn {
    pub(crate) session: SessionHandle,
    pub(crate) account: AccountId,
    pub(crate) place: Place,
    pub(crate) language: Language,
}

impl SignIns {
    /// Digits that an open sign-in of this person waits for.
    pub(crate) fn digits(&self, call: &Call<'_>, line: &str) -> Option<Answer> {
        let digits = digits(line)?;
        let mut open = self.lock();
        let open = open.get_mut(call.account())?;
        if !open.wants_digits || open.room != *call.room() {
            return None;
        }
        open.wants_digits = false;
        let (id, session) = (open.id.clone(), open.session.clone());
        Some(Answer::nothing().then(After::SignInTyped(Box::new((session, id, digits)))))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Digits as phones write them; `None` when it is anything else.
fn digits(line: &str) -> Option<String> {
    let digits: Option<String> = line
        .trim()
        .chars()
        .filter(|c| *c != ' ')
        .map(|c| match c {
            '0'..='9' => Some(c),
            // Full-width, as Chinese keyboards give them.
            '０'..='９' => char::from_u32(u32::from(c) - 0xFF10 + 0x30),
            _ => None,
        })
        .collect();
    digits.filter(|digits| (1..=MOST_DIGITS).contains(&digits.len()))
}

/// Where people can sign in now.
pub(crate) fn sessions(brain: &Brain) -> Vec<SessionHandle> {
    let mut all = brain.sessions().all();
    all.retain(SessionHandle::signs_people_in);
    all
}

/// The name of a platform on which people sign in, said alone in private, is `signin` there.
pub(crate) fn short_form(call: &Call<'_>, word: &str, rest: &str) -> Option<Line> {
    let is_meant = call.kind == RoomKind::Private
        && rest.is_empty()
        && sessions(call.brain)
            .iter()
            .any(|session| session.bot().kind.eq_ignore_ascii_case(word));
    let command = crate::commands::registry().find("signin")?;
    is_meant.then(|| Line {
        command,
        rest: word.to_owned(),
    })
}

/// Runs a sign-in to its end, telling its person every state.
pub(crate) async fn run(brain: Brain, new: NewSignIn) {
    let Ok((id, mut states)) = new.session.start_sign_in().await else {
        new.tell(&brain, new.cut()).await;
        return;
    };
    let open = Open {
        id: id.clone(),
        room: new.place.room.clone(),
        session: new.session.clone(),
        wants_digits: false,
    };
    // A new one takes the place of an older one of the same person.
    let before = brain.sign_ins().lock().insert(new.account.clone(), open);
    if let Some(before) = before {
        before.session.forget_sign_in(&before.id, false).await;
    }
    let until = Instant::now() + LIFE;
    let mut shown = Shown::default();
    let has_ended = loop {
        let next = tokio::select! {
            next = timeout_at(until, states.recv()) => next,
            () = new.session.ended() => {
                new.tell(&brain, new.cut()).await;
                break true;
            }
            () = brain.stopping().cancelled() => break true,
        };
        match next {
            Ok(Some(told)) => {
                // The session lets none without a state through.
                let Some(state) = told.state else { continue };
                let is_last = matches!(state, State::Connected(_) | State::Failed(_));
                new.told(&brain, state, told.why, &mut shown).await;
                if is_last {
                    break true;
                }
            }
            // A newer one has taken its place.
            Ok(None) => break false,
            Err(_) => {
                let reply = text!(new.language, "sign-in-late", platform = new.platform());
                new.tell(&brain, reply).await;
                break false;
            }
        }
    };
    new.session.forget_sign_in(&id, has_ended).await;
    {
        let mut open = brain.sign_ins().lock();
        if open.get(&new.account).is_some_and(|open| open.id == id) {
            open.remove(&new.account);
        }
    }
    shown.forget(&brain).await;
}

/// Pictures of codes, kept until the sign-in is over.
#[derive(Debug, Default)]
struct Shown {
    blobs: Vec<String>,
    pins: Pins,
}

impl Shown {
    /// A code is worth nothing afterwards.
    async fn forget(self, brain: &Brain) {
        drop(self.pins);
        for blob in self.blobs {
            if let Err(error) = crate::file::remove_bytes(brain, &blob).await {
                warn!(%error, "the picture of a code stays");
            }
        }
    }
}

impl NewSignIn {
    fn platform(&self) -> &str {
        &self.session.bot().kind
    }

    fn cut(&self) -> Text {
        text!(self.language, "sign-in-cut", platform = self.platform())
    }

    async fn told(
        &self,
        brain: &Brain,
        state: State,
        why: Option<SignInFailure>,
        shown: &mut Shown,
    ) {
        let (language, platform) = (self.language, self.platform());
        match state {
            State::Code(code) => {
                let reply = self.code(brain, code, shown).await;
                self.tell(brain, reply).await;
            }
            State::Scanned(_) => {
                self.tell(brain, text!(language, "sign-in-scanned")).await;
            }
            State::Digits(digits) => {
                self.wants_digits(brain);
                let reply = if digits.again {
                    text!(language, "sign-in-digits-again")
                } else {
                    text!(language, "sign-in-digits")
                };
                self.tell(brain, reply).await;
            }
            State::Connected(person) => {
                info!(
                    adapter.kind = platform,
                    person = person.id,
                    "somebody has signed in"
                );
                let done = text!(language, "sign-in-done", platform = platform);
                self.tell(brain, done).await;
            }
            State::Failed(said) => {
                let reason = why.and_then(|why| words(language, &why));
                let reply = Reply::from(text!(
                    language,
                    "sign-in-failed",
                    platform = platform,
                    reason = reason.unwrap_or_else(|| Text::plain(&said)),
                ))
                .button(
                    text!(language, "button-sign-in"),
                    format!("signin {platform}"),
                );
                self.tell(brain, reply).await;
            }
        }
    }

    fn wants_digits(&self, brain: &Brain) {
        if let Some(open) = brain.sign_ins().lock().get_mut(&self.account) {
            open.wants_digits = true;
        }
    }

    /// The code as a picture, with its link beside it; where no picture is to be had, the link alone.
    async fn code(&self, brain: &Brain, code: SignInCode, shown: &mut Shown) -> Reply {
        let (language, platform) = (self.language, self.platform());
        let words = text!(
            language,
            "sign-in-code",
            platform = platform,
            link = Text::plain(&code.link),
        );
        let reply = Reply::new().line(words);
        let takes_files = brain
            .sessions()
            .get(&self.place.room.bot)
            .is_some_and(|session| session.capabilities().files_out);
        let picture = code
            .picture
            .filter(|picture| takes_files && picture.size <= MOST_PICTURE);
        let Some(picture) = picture else { return reply };
        match self.session.fetch(picture, PICTURE_LIMIT).await {
            Ok(blob) if blob.size <= MOST_PICTURE => {
                shown.pins.add(brain.blobs().pin(&blob.hash));
                shown.blobs.push(blob.hash.clone());
                reply.picture(ReplyFile {
                    blob: blob.hash,
                    name: format!("{platform}.png"),
                    mime: "image/png".to_owned(),
                    size: blob.size,
                })
            }
            Ok(_) => reply,
            Err(error) => {
                warn!(%error, "the picture of a code did not come");
                reply
            }
        }
    }

    async fn tell(&self, brain: &Brain, reply: impl Into<Reply>) {
        let mut speech = Speech::new(brain);
        speech.say(&self.place, RoomKind::Private, &reply.into());
        let mut ops = speech.ops;
        ops.extend(speech.items.iter().cloned().map(Op::Outbox));
        match brain.store().commit(Unit::of(ops)).await {
            Ok(_) => brain.outbox().push(brain, speech.items),
            Err(error) => error!(%error, "cannot tell how far a sign-in is"),
        }
    }
}

/// Why nobody was signed in; `None` when the adapter knows a reason that we do not.
fn words(language: Language, why: &SignInFailure) -> Option<Text> {
    let words = match why.reason() {
        SignInReason::Unspecified => return None,
        SignInReason::Late => text!(language, "sign-in-why-late"),
        SignInReason::Spent => text!(language, "sign-in-why-spent"),
        SignInReason::NoDigits => text!(language, "sign-in-why-no-digits"),
        SignInReason::Away => text!(language, "sign-in-why-away"),
        SignInReason::Odd => text!(language, "sign-in-why-odd"),
        SignInReason::Untrusted => text!(language, "sign-in-why-untrusted"),
        SignInReason::Full => text!(language, "sign-in-why-full"),
        SignInReason::Busy => text!(language, "sign-in-why-busy"),
    };
    if why.detail.is_empty() {
        return Some(words);
    }
    let detail = why.detail.as_str();
    Some(text!(
        language,
        "sign-in-why-detail",
        words = words,
        detail = detail
    ))
}

/// A person's line was cut: they are told where else we know them, and if that is nowhere, the owners.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn lost(
    brain: &Brain,
    inbound: &Inbound,
    speaker: &Speaker,
) -> Result<Answer, Trouble> {
    let platform = inbound.room.bot.kind.as_str();
    let language = speaker.language();
    let mut answer = Answer::nothing();
    let bot = &inbound.room.bot;
    let elsewhere = brain
        .people()
        .rooms_elsewhere(brain, &speaker.account.id, |other| other == bot);
    let mut rooms = elsewhere.await?;
    let again = format!("signin {platform}");
    if rooms.is_empty() {
        rooms = brain.people().owner_rooms(brain).await?;
        rooms.retain(|room| *room != inbound.room);
        let reply = text!(
            language,
            "sign-in-lost-of",
            platform = platform,
            name = speaker.account.name.as_str(),
            command = Text::code(&again),
        );
        let all = rooms.into_iter().map(Place::unasked);
        answer
            .elsewhere
            .extend(all.map(|place| (place, Reply::from(reply.clone()))));
        return Ok(answer);
    }
    for room in rooms {
        let reply = Reply::from(text!(language, "sign-in-lost", platform = platform))
            .button(text!(language, "button-sign-in"), again.clone());
        answer.elsewhere.push((Place::unasked(room), reply));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_phones_write_them() {
        for (line, expected) in [
            (" 482 913 ", Some("482913")),
            ("４８２９", Some("4829")),
            ("", None),
            ("12a", None),
            ("1234567890123", None),
            ("²", None),
        ] {
            assert_eq!(digits(line).as_deref(), expected, "{line:?}");
        }
    }

    #[test]
    fn every_reason_has_words_in_both_languages_and_the_platforms_own_stand_behind() {
        for number in 1..=8 {
            let mut why = SignInFailure {
                reason: number,
                detail: String::new(),
            };
            let say =
                |why: &SignInFailure, language| words(language, why).map(|text| text.to_string());
            let (en, zh) = (say(&why, Language::En), say(&why, Language::Zh));
            let (en, zh) = (en.unwrap_or_default(), zh.unwrap_or_default());
            assert!(en.is_ascii() && !en.is_empty(), "{number}: {en}");
            assert!(zh.chars().any(|c| c > '\u{4e00}'), "{number}: {zh}");
            "code -1: no".clone_into(&mut why.detail);
            assert_eq!(say(&why, Language::En), Some(format!("{en} (code -1: no)")));
            assert_eq!(
                say(&why, Language::Zh),
                Some(format!("{zh}（code -1: no）"))
            );
        }
        for reason in [0, 99] {
            let why = SignInFailure {
                reason,
                detail: "of a newer adapter".to_owned(),
            };
            assert!(words(Language::En, &why).is_none(), "{reason}");
        }
    }
}
