//! `translate status` and `translate usage`.

use std::collections::BTreeMap;

use super::{engines_of, nothing_to_translate_with, own_names, privacy, settings};
use crate::account::Role;
use crate::answer::Answer;
use crate::command::permission::{Object, Permission};
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::room::RoomKey;
use crate::text::{Text, format, text};
use crate::translate::month;
use crate::translate::settings::{RoomTranslation, Rule};

/// Lines of a list.
const LISTED: usize = 10;
/// Counts that are read.
const MOST_COUNTS: usize = 10_000;

/// What the room decided, and how the engines are. Strangers learn who sees what they write, where that
/// is so, and nothing else.
pub(super) fn status(call: &Call<'_>, line: &str) -> Answer {
    let language = call.language();
    let settings = settings(call);
    if let Err(refused) = call.check(Permission::Member, &Object::None, line) {
        if settings.languages.is_empty() {
            return refused;
        }
        let languages = own_names(&settings.languages);
        let reply = Reply::new().line(text!(language, "translate-is-on", languages = languages));
        return Answer::say(
            privacy(call, &settings)
                .into_iter()
                .fold(reply, Reply::line),
        );
    }
    let mut reply = Reply::new();
    if settings.languages.is_empty() {
        reply = if settings.is_on() {
            reply
        } else {
            reply.line(text!(language, "translate-status-off"))
        };
    } else {
        reply = reply.line(text!(
            language,
            "translate-is-on",
            languages = own_names(&settings.languages)
        ));
    }
    if let Some(rule) = &settings.everyone {
        let everyone = text!(language, "translate-everyone").to_string();
        reply = reply.line(rule_line(call, &everyone, rule));
    }
    for member in settings.people.values() {
        if let Some(tongue) = member.tongue {
            let line = format!("{}: {}", member.name, tongue.own_name());
            reply = reply.line(Text::plain(&line));
        }
        if let Some(rule) = &member.rule {
            reply = reply.line(rule_line(call, &member.name, rule));
        }
    }
    if settings.round_trip {
        reply = reply.line(text!(language, "translate-round-trip"));
    }
    if settings.local_only {
        reply = reply.line(text!(language, "translate-local-only"));
    }
    if !settings.glossary.is_empty() {
        let count = settings.glossary.len();
        reply = reply.line(text!(language, "translate-terms", count = count));
    }
    reply = linked(call, &settings, reply);
    reply = engines(call, &settings, reply);
    if let Some(hint) = nothing_to_translate_with(call, &settings) {
        let mut answer = Answer::say(reply);
        answer.append(hint);
        return answer;
    }
    Answer::say(reply)
}

fn rule_line(call: &Call<'_>, who: &str, rule: &Rule) -> Text {
    text!(
        call.language(),
        "translate-rule",
        who = who,
        from = rule.from.own_name(),
        to = rule.to.own_name()
    )
}

fn linked(call: &Call<'_>, settings: &RoomTranslation, mut reply: Reply) -> Reply {
    let Some(link) = &settings.link else {
        return reply;
    };
    for (room, there) in call.brain.translations().bundle(&link.bundle) {
        if room == *call.room() {
            continue;
        }
        let reads = there.link.as_ref().and_then(|link| link.reads);
        reply = reply.line(text!(
            call.language(),
            "link-with",
            platform = room.bot.kind.as_str(),
            language = reads.map_or("–", |tongue| tongue.own_name())
        ));
    }
    reply
}

fn engines(call: &Call<'_>, settings: &RoomTranslation, mut reply: Reply) -> Reply {
    let language = call.language();
    let translator = call.brain.translations().translator();
    let month = month(call.brain);
    for engine in engines_of(call, settings) {
        let state = if translator.is_left_alone(&engine.name) {
            text!(language, "translate-engine-down")
        } else {
            text!(language, "translate-engine-good")
        };
        let spent = format::count(translator.spent(&engine.name, &month));
        let budget = match engine.budget {
            0 => "∞".to_owned(),
            budget => format::count(budget),
        };
        reply = reply.line(text!(
            language,
            "translate-engine",
            engine = Text::code(&engine.name),
            host = engine.host(),
            state = state,
            spent = spent,
            budget = budget,
        ));
    }
    reply
}

/// Characters of this month: of engines, and of those whom it concerns.
pub(super) async fn usage(call: &Call<'_>) -> Result<Answer, Trouble> {
    let language = call.language();
    let store = call.brain.store();
    let month = month(call.brain);
    let counts = store.translation_counts(&month, MOST_COUNTS).await?;
    let total: i64 = counts.iter().map(|count| count.characters).sum();
    let shown = |characters: i64| format::count(u64::try_from(characters).unwrap_or(0));
    let mut reply = Reply::new().line(text!(
        language,
        "usage-head",
        month = month.as_str(),
        characters = shown(total)
    ));
    reply = engines(call, &RoomTranslation::default(), reply);
    // What others and other rooms use is for owners.
    let sees_all = call.speaker.account.role == Role::Owner;
    let (mut people, mut rooms) = (BTreeMap::new(), BTreeMap::new());
    for count in &counts {
        if sees_all || count.account == *call.account() {
            *people.entry(&count.account).or_insert(0) += count.characters;
        }
        if sees_all || count.room == *call.room() {
            *rooms.entry(&count.room).or_insert(0) += count.characters;
        }
    }
    for (account, characters) in largest(people) {
        let name = store.account(account).await?.map(|account| account.name);
        let name = name.unwrap_or_else(|| account.to_string());
        reply = reply.line(usage_line(call, &name, &shown(characters)));
    }
    for (room, characters) in largest(rooms) {
        let name = room_name(call, room).await?;
        reply = reply.line(usage_line(call, &name, &shown(characters)));
    }
    Ok(Answer::say(reply))
}

fn usage_line(call: &Call<'_>, name: &str, characters: &str) -> Text {
    text!(
        call.language(),
        "usage-row",
        name = name,
        characters = characters
    )
}

fn largest<K>(sums: BTreeMap<K, i64>) -> Vec<(K, i64)> {
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, characters)| std::cmp::Reverse(*characters));
    sums.truncate(LISTED);
    sums
}

async fn room_name(call: &Call<'_>, room: &RoomKey) -> Result<String, Trouble> {
    let known = call.brain.store().room(room).await?;
    let title = known.map(|known| known.title).unwrap_or_default();
    Ok(if title.is_empty() {
        format!("{} {}", room.bot.kind, room.room)
    } else {
        title
    })
}
