//! `claim`, `bind`, `unbind`: which chat identities belong to which account.
//!
//! A binding joins two sides: the identity that asked for a code, and the one that sends it back.
//! The account with the higher role survives, and its holder must say yes, so that a binding never
//! raises anybody's role without that. A code that was shown in a group proves nothing about who
//! sends it back: then a second code, shown to the sender alone, must come from the first side.

use std::time::Duration;

use super::{BindArgs, ClaimArgs, UnbindArgs};
use crate::account::{Account, Identity, IdentityKey, Role};
use crate::answer::{After, Answer, Place};
use crate::code;
use crate::command::permission::Subject;
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::{Binding, Claim, Condition, Op, Question};
use crate::text::{format, text};

/// Life of a binding code.
const CODE_LIFE: Duration = Duration::from_secs(5 * 60);
/// Life of a claim code that an owner asks for.
const CLAIM_LIFE: Duration = Duration::from_secs(15 * 60);
/// Wrong codes that one account may send in [`CODE_LIFE`].
const MOST_GUESSES: usize = 5;

/// `claim CODE` makes the sender's identity the owner's; `claim` alone gives an owner a new code.
pub(in crate::commands) async fn claim(
    call: &Call<'_>,
    args: ClaimArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let Some(typed) = args.code else {
        if call.speaker.account.role != Role::Owner {
            return Ok(Answer::say(text!(language, "claim-none")));
        }
        let code = code::short(4);
        let claim = Claim {
            code_hash: code::digest("claim", &code),
            expires_ms: call.brain.now_ms() + millis(CLAIM_LIFE),
        };
        return Ok(Answer::say(text!(
            language,
            "claim-code",
            code = code,
            duration = format::duration(language, CLAIM_LIFE),
        ))
        .op(Op::PutClaim(claim)));
    };
    if let Some(answer) = too_many_guesses(call) {
        return Ok(answer);
    }
    let now_ms = call.brain.now_ms();
    let code_hash = code::digest("claim", &typed);
    if !call.brain.store().claim_is_good(&code_hash, now_ms).await? {
        let left = note_guess(call);
        return Ok(Answer::say(text!(language, "claim-wrong", left = left)).refused());
    }
    let mut answer = Answer::say(text!(
        language,
        "claim-done",
        platform = call.room().bot.kind.as_str()
    ))
    .op(Op::Require(Condition::UseClaim { code_hash, now_ms }));
    let owners = call.brain.store().accounts_by_role(Role::Owner).await?;
    let first = owners.into_iter().min_by_key(|owner| owner.number);
    match first {
        Some(owner) if owner.id != *call.account() => {
            answer
                .ops
                .push(moved(&call.speaker.identity, &owner, now_ms));
        }
        Some(_) => {}
        None => {
            let account = Account {
                role: Role::Owner,
                tags: Vec::new(),
                ..call.speaker.account.clone()
            };
            answer.ops.push(Op::PutAccount(account));
        }
    }
    Ok(answer.then(After::ForgetPeople))
}

/// `bind` asks for a code, `bind CODE` sends one back.
pub(in crate::commands) async fn bind(call: &Call<'_>, args: BindArgs) -> Result<Answer, Trouble> {
    match args.code {
        None => Ok(give_code(call)),
        Some(typed) => take_code(call, &typed).await,
    }
}

fn give_code(call: &Call<'_>) -> Answer {
    let language = call.language();
    let code = code::short(4);
    let in_group = call.kind != RoomKind::Private;
    let binding = Binding {
        code_hash: code::digest("bind", &code),
        issuer: call.speaker.identity.key.clone(),
        room: call.room().clone(),
        in_group,
        claimant: None,
        attempts: 0,
        expires_ms: call.brain.now_ms() + millis(CODE_LIFE),
    };
    let duration = format::duration(language, CODE_LIFE);
    let reply = if in_group {
        text!(
            language,
            "bind-code-group",
            duration = duration,
            code = code.as_str()
        )
    } else {
        text!(
            language,
            "bind-code",
            duration = duration,
            code = code.as_str()
        )
    };
    Answer::say(reply)
        .op(Op::DropBindings {
            issuer: call.speaker.identity.key.clone(),
        })
        .op(Op::PutBinding(binding))
}

async fn take_code(call: &Call<'_>, typed: &str) -> Result<Answer, Trouble> {
    let language = call.language();
    if let Some(answer) = too_many_guesses(call) {
        return Ok(answer);
    }
    let now_ms = call.brain.now_ms();
    let code_hash = code::digest("bind", typed);
    let Some(binding) = call.brain.store().binding(&code_hash, now_ms).await? else {
        return Ok(wrong_code(call));
    };
    // Nobody else can use the second code, so the first side may send it where others read it: on some
    // platforms a member of a group is somebody else in private.
    let is_last = binding.claimant.is_some() && binding.issuer == call.speaker.identity.key;
    if call.kind != RoomKind::Private && !is_last {
        // The code would be burnt in front of everybody.
        return Ok(Answer::say(text!(language, "refused-private-only")).refused());
    }
    let Some((issuer, issuer_account)) = side(call, &binding.issuer).await? else {
        return Ok(Answer::say(text!(language, "bind-expired")).refused());
    };
    if let Some(claimant) = &binding.claimant {
        // The second code of a binding that began in a group: only the first side may send it.
        if binding.issuer != call.speaker.identity.key {
            return Ok(wrong_code(call));
        }
        let Some(account) = call.brain.store().account(claimant).await? else {
            return Ok(Answer::say(text!(language, "bind-expired")).refused());
        };
        return Ok(join(call, &issuer, &account, &code_hash, true));
    }
    if issuer_account.id == *call.account() {
        return Ok(Answer::say(text!(language, "bind-same")));
    }
    let raises = issuer_account.role > call.speaker.account.role;
    if binding.in_group {
        // The holder of the higher role would have to be asked where all can answer.
        return Ok(if raises {
            Answer::say(text!(language, "bind-start-in-private")).refused()
        } else {
            second_code(call, &binding, &code_hash)
        });
    }
    if raises {
        return Ok(ask_holder(
            call,
            &binding,
            (&issuer, &issuer_account),
            &code_hash,
        ));
    }
    if !call.is_confirmed {
        let preview = Reply::new().line(text!(
            language,
            "bind-asks",
            platform = issuer.key.kind.as_str(),
            name = issuer.name.as_str(),
            person = issuer.key.person.as_str(),
            role = Subject::from(&call.speaker.account).describe(language),
        ));
        return Ok(call.ask(preview, &format!("bind {typed}"), serde_json::Value::Null));
    }
    let account = call.speaker.account.clone();
    Ok(join(call, &issuer, &account, &code_hash, false))
}

/// The holder of the higher role is asked where they asked for the code. Their yes sends back a code
/// that stands for the identity which wants to join them.
fn ask_holder(
    call: &Call<'_>,
    binding: &Binding,
    (holder, holder_account): (&Identity, &Account),
    code_hash: &str,
) -> Answer {
    let language = call.language();
    let now_ms = call.brain.now_ms();
    let code = code::short(4);
    let turned = Binding {
        code_hash: code::digest("bind", &code),
        issuer: call.speaker.identity.key.clone(),
        room: call.room().clone(),
        in_group: false,
        claimant: None,
        attempts: 0,
        expires_ms: now_ms + millis(CODE_LIFE),
    };
    let question = Question {
        id: code::short(2),
        account: holder.account.clone(),
        room: binding.room.clone(),
        command: format!("bind {code}"),
        data: serde_json::Value::Null,
        created_ms: now_ms,
        expires_ms: now_ms + millis(CODE_LIFE),
    };
    let preview = Reply::new()
        .line(text!(
            language,
            "bind-asks",
            platform = call.room().bot.kind.as_str(),
            name = call.speaker.identity.name.as_str(),
            person = call.speaker.identity.key.person.as_str(),
            role = Subject::from(holder_account).describe(language),
        ))
        .button(
            text!(language, "button-bind-yes"),
            format!("yes {}", question.id),
        )
        .button(text!(language, "button-no"), format!("no {}", question.id));
    let mut answer = Answer::say(text!(
        language,
        "bind-asked-holder",
        platform = holder.key.kind.as_str()
    ))
    .op(Op::Require(Condition::TakeBinding {
        code_hash: code_hash.to_owned(),
        now_ms,
    }))
    .op(Op::PutBinding(turned))
    .op(Op::PutQuestion(question));
    answer
        .elsewhere
        .push((Place::unasked(binding.room.clone()), preview));
    answer
}

/// The first code was open to a whole group: the sender gets a second one, for the first side.
fn second_code(call: &Call<'_>, binding: &Binding, code_hash: &str) -> Answer {
    let language = call.language();
    let now_ms = call.brain.now_ms();
    let code = code::short(4);
    let second = Binding {
        code_hash: code::digest("bind", &code),
        issuer: binding.issuer.clone(),
        room: binding.room.clone(),
        in_group: false,
        claimant: Some(call.account().clone()),
        attempts: 0,
        expires_ms: now_ms + millis(CODE_LIFE),
    };
    Answer::say(text!(
        language,
        "bind-second",
        platform = binding.issuer.kind.as_str(),
        code = code,
        duration = format::duration(language, CODE_LIFE),
    ))
    .op(Op::Require(Condition::TakeBinding {
        code_hash: code_hash.to_owned(),
        now_ms,
    }))
    .op(Op::PutBinding(second))
}

/// The identity now belongs to the account.
fn join(
    call: &Call<'_>,
    identity: &Identity,
    account: &Account,
    code_hash: &str,
    here: bool,
) -> Answer {
    let language = call.language();
    let now_ms = call.brain.now_ms();
    let role = Subject::from(account).describe(language);
    let reply = if here {
        text!(
            language,
            "bind-done-there",
            platform = identity.key.kind.as_str(),
            name = account.name.as_str(),
            role = role,
        )
    } else {
        text!(
            language,
            "bind-done",
            platform = identity.key.kind.as_str(),
            name = identity.name.as_str(),
        )
    };
    Answer::say(reply)
        .about(format!("account {}", account.number))
        .op(Op::Require(Condition::TakeBinding {
            code_hash: code_hash.to_owned(),
            now_ms,
        }))
        .op(moved(identity, account, now_ms))
        .then(After::ForgetPeople)
}

fn moved(identity: &Identity, account: &Account, now_ms: i64) -> Op {
    Op::PutIdentity {
        identity: Identity {
            account: account.id.clone(),
            previous_account: Some(identity.account.clone()),
            ..identity.clone()
        },
        seen_ms: now_ms,
    }
}

async fn side(call: &Call<'_>, key: &IdentityKey) -> Result<Option<(Identity, Account)>, Trouble> {
    let Some(identity) = call.brain.store().identity(key).await? else {
        return Ok(None);
    };
    let account = call.brain.store().account(&identity.account).await?;
    Ok(account.map(|account| (identity, account)))
}

fn wrong_code(call: &Call<'_>) -> Answer {
    let left = note_guess(call);
    Answer::say(text!(call.language(), "bind-wrong", left = left)).refused()
}

/// Counts a wrong code and gives how many tries are left.
fn note_guess(call: &Call<'_>) -> usize {
    let people = call.brain.people();
    let now_ms = call.brain.now_ms();
    people.note_guess(call.account(), now_ms);
    MOST_GUESSES.saturating_sub(people.guesses(call.account(), now_ms, millis(CODE_LIFE)))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn too_many_guesses(call: &Call<'_>) -> Option<Answer> {
    let guesses =
        call.brain
            .people()
            .guesses(call.account(), call.brain.now_ms(), millis(CODE_LIFE));
    (guesses >= MOST_GUESSES).then(|| {
        let duration = format::duration(call.language(), CODE_LIFE);
        Answer::say(text!(call.language(), "bind-locked", duration = duration)).refused()
    })
}

/// `unbind [PLATFORM…]`: gives identities back to the account they had before.
pub(in crate::commands) async fn unbind(
    call: &Call<'_>,
    args: UnbindArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let all = call.brain.store().identities_of(call.account()).await?;
    let (chosen, stay): (Vec<Identity>, Vec<Identity>) = all.into_iter().partition(|identity| {
        if args.platforms.is_empty() {
            identity.key == call.speaker.identity.key
        } else {
            args.platforms
                .iter()
                .any(|platform| identity.key.kind.eq_ignore_ascii_case(platform))
        }
    });
    if chosen.is_empty() {
        return Ok(Answer::say(text!(language, "unbind-none")));
    }
    let is_last_owner = call.speaker.account.role == Role::Owner
        && stay.is_empty()
        && call
            .brain
            .store()
            .accounts_by_role(Role::Owner)
            .await?
            .len()
            == 1;
    if stay.is_empty()
        && (is_last_owner
            || chosen
                .iter()
                .all(|identity| identity.previous_account.is_none()))
    {
        return Ok(Answer::say(text!(language, "unbind-last")).refused());
    }
    let platforms: Vec<String> = chosen
        .iter()
        .map(|identity| identity.key.kind.clone())
        .collect();
    let platforms = crate::command::target::listed(language, &platforms);
    if !args.yes && !call.is_confirmed {
        let preview = Reply::new().line(text!(language, "unbind-ask", identities = platforms));
        return Ok(call.ask(preview, line, serde_json::Value::Null));
    }
    let now_ms = call.brain.now_ms();
    let mut answer = Answer::say(text!(language, "unbind-done", identities = platforms))
        .then(After::ForgetPeople);
    for identity in chosen {
        let account = match &identity.previous_account {
            Some(previous) => previous.clone(),
            // It began in this account: it starts anew, as a guest.
            None => {
                let fresh = Account {
                    id: crate::account::AccountId::new(),
                    number: call.brain.store().next_number("account").await?,
                    name: identity.name.clone(),
                    role: Role::Guest,
                    tags: Vec::new(),
                    language: None,
                    created_ms: now_ms,
                };
                answer.ops.push(Op::PutAccount(fresh.clone()));
                fresh.id
            }
        };
        let identity = Identity {
            account,
            previous_account: None,
            ..identity
        };
        answer.ops.push(Op::PutIdentity {
            identity,
            seen_ms: now_ms,
        });
    }
    Ok(answer)
}
