//! Translation: `translate`, `tr`, `glossary`, `starttranslate`, `stoptranslate`, `link`, `unlink`.

pub(in crate::commands) mod glossary;
pub(in crate::commands) mod legacy;
pub(in crate::commands) mod link;
pub(in crate::commands) mod room;
mod status;
pub(in crate::commands) mod tr;

use std::sync::Arc;

use clap::Args;

use crate::answer::{After, Answer};
use crate::command::permission::Permission;
use crate::command::registry::{Arguments, CommandSpec, Confirm, Family, Place, Rest};
use crate::command::value;
use crate::commands::Call;
use crate::reply::Reply;
use crate::room::RoomKey;
use crate::store::Op;
use crate::text::{Language, Text, text};
use crate::translate::engine::EngineConfig;
use crate::translate::settings::RoomTranslation;
use crate::translate::tongue::Tongue;

/// What the commands of this file start from: what a room decides is for its operators.
const ROOM: CommandSpec = CommandSpec {
    name: "",
    aliases: &[],
    family: Family::Translation,
    permission: Permission::Operator,
    place: Place::Anywhere,
    confirm: Confirm::Never,
    hidden: false,
    rest: Rest::Words,
};

/// `translate [on LANG LANG… | me LANG | off | status | usage]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TranslateArgs {
    /// This engine first.
    #[arg(short = 'p', long = "engine", value_name = "ENGINE")]
    pub engine: Option<String>,
    /// Texts do not leave our own machines.
    #[arg(long = "local-only")]
    pub local_only: bool,
    /// Writers see how their texts read when translated back.
    #[arg(short = 'r', long = "round-trip")]
    pub round_trip: bool,
    /// What to do.
    #[arg(value_name = "ACTION", value_parser = ["on", "off", "me", "status", "usage"])]
    pub action: Option<String>,
    /// Languages.
    #[arg(value_name = "LANGUAGE", num_args = 0..)]
    pub languages: Vec<String>,
}

impl Arguments for TranslateArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "translate",
        aliases: &["translation", "翻译设置", "群翻译"],
        permission: Permission::Everyone,
        ..ROOM
    };
}

/// `tr [-d LANG] [LANG] TEXT`, or as a reply to a message.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TrArgs {
    /// Into this language.
    #[arg(short = 'd', long = "to", value_name = "LANGUAGE", value_parser = value::tongue)]
    pub to: Option<Tongue>,
    /// What to translate.
    #[arg(value_name = "TEXT…")]
    pub text: Option<String>,
}

impl Arguments for TrArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "tr",
        aliases: &["翻译"],
        permission: Permission::Member,
        rest: Rest::Verbatim {
            after: 0,
            shell: false,
        },
        ..ROOM
    };
}

/// `glossary [add WORD [TRANSLATION] | remove WORD | list]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct GlossaryArgs {
    /// The language of the translation.
    #[arg(long = "lang", value_name = "LANGUAGE", value_parser = value::tongue)]
    pub language: Option<Tongue>,
    /// What to do.
    #[arg(value_name = "ACTION", value_parser = ["add", "remove", "list"])]
    pub action: Option<String>,
    /// The word.
    #[arg(value_name = "WORD")]
    pub word: Option<String>,
    /// What it becomes; without it, it stays as it is.
    #[arg(value_name = "TRANSLATION")]
    pub becomes: Option<String>,
}

impl Arguments for GlossaryArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "glossary",
        aliases: &["术语"],
        permission: Permission::Member,
        ..ROOM
    };
}

/// `starttranslate -s LANG -d LANG [-p ENGINE] [-u USER] [-r]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StarttranslateArgs {
    /// From.
    #[arg(short = 's', long = "srclang", value_name = "LANGUAGE", required = true, value_parser = value::tongue)]
    pub from: Option<Tongue>,
    /// To.
    #[arg(short = 'd', long = "destlang", value_name = "LANGUAGE", required = true, value_parser = value::tongue)]
    pub to: Option<Tongue>,
    /// This engine first.
    #[arg(short = 'p', long = "platform", value_name = "ENGINE")]
    pub engine: Option<String>,
    /// Only what this person writes.
    #[arg(short = 'u', long = "username", value_name = "USER")]
    pub user: Option<String>,
    /// The writer sees how it reads when translated back.
    #[arg(short = 'r', long = "retranslate")]
    pub round_trip: bool,
}

impl Arguments for StarttranslateArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "starttranslate",
        aliases: &["开始翻译"],
        ..ROOM
    };
}

/// `stoptranslate [-u USER]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StoptranslateArgs {
    /// Only for this person.
    #[arg(short = 'u', long = "username", value_name = "USER")]
    pub user: Option<String>,
}

impl Arguments for StoptranslateArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "stoptranslate",
        aliases: &["停止翻译"],
        ..ROOM
    };
}

/// `link [CODE] [--lang LANG]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LinkArgs {
    /// What is read in this room.
    #[arg(long = "lang", value_name = "LANGUAGE", value_parser = value::tongue)]
    pub language: Option<Tongue>,
    /// The code that the other room was given; without it, a code for the other room.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

impl Arguments for LinkArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "link",
        aliases: &["bridge", "互通"],
        ..ROOM
    };
}

/// `unlink`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UnlinkArgs {}

impl Arguments for UnlinkArgs {
    const SPEC: CommandSpec = CommandSpec {
        name: "unlink",
        aliases: &["取消互通"],
        ..ROOM
    };
}

/// What this room decided so far.
fn settings(call: &Call<'_>) -> RoomTranslation {
    let known = call.brain.translations().room(call.room());
    let mut settings = known.map_or_else(RoomTranslation::default, Arc::unwrap_or_clone);
    settings.kind = call.kind;
    settings
}

/// Stores what a room decided.
fn keep(answer: Answer, room: &RoomKey, settings: RoomTranslation) -> Answer {
    answer
        .op(Op::PutTranslationRoom {
            room: room.clone(),
            settings: Box::new(settings.clone()),
        })
        .then(After::KeepTranslation(room.clone(), Box::new(settings)))
}

/// How to get an engine, when there is none.
fn no_engine(language: Language) -> Answer {
    let reply = Reply::new()
        .line(text!(
            language,
            "translate-get-engine",
            command = Text::code(
                "docker run -p 127.0.0.1:5000:5000 libretranslate/libretranslate --load-only en,zh"
            ),
        ))
        .line(text!(
            language,
            "translate-configure-engine",
            section = Text::code("[translate.engines.home]"),
            kind = Text::code("kind = \"libretranslate\""),
        ));
    Answer::say(reply)
}

/// The engines that a room's texts may go to, the first one first.
fn engines_of<'c>(call: &Call<'c>, settings: &RoomTranslation) -> Vec<&'c EngineConfig> {
    let brain = call.brain;
    let mut engines: Vec<_> = brain
        .translations()
        .translator()
        .engines()
        .filter(|engine| !settings.local_only || engine.stays_here())
        .collect();
    engines.sort_by_key(|engine| settings.engine.as_deref() != Some(engine.name.as_str()));
    engines
}

/// Who sees what is written here.
fn privacy(call: &Call<'_>, settings: &RoomTranslation) -> Vec<Text> {
    let language = call.language();
    engines_of(call, settings)
        .into_iter()
        .map(|engine| {
            let name = Text::code(&engine.name);
            let host = engine.host();
            if engine.stays_here() {
                text!(language, "translate-seen-here", engine = name, host = host)
            } else {
                text!(language, "translate-seen-there", engine = name, host = host)
            }
        })
        .collect()
}

/// The engine of a name.
///
/// # Errors
/// What to answer instead.
fn engine(call: &Call<'_>, name: Option<String>) -> Result<Option<String>, Answer> {
    let Some(name) = name else {
        return Ok(None);
    };
    let known: Vec<String> = call
        .brain
        .translations()
        .translator()
        .engines()
        .map(|engine| engine.name.clone())
        .collect();
    match known.iter().find(|known| known.eq_ignore_ascii_case(&name)) {
        Some(known) => Ok(Some(known.clone())),
        None => Err(Answer::say(text!(
            call.language(),
            "translate-unknown-engine",
            engine = Text::code(&name),
            engines = known.join(", "),
        ))),
    }
}

/// Whether no engine is left for a room, and what to answer then.
fn nothing_to_translate_with(call: &Call<'_>, settings: &RoomTranslation) -> Option<Answer> {
    let language = call.language();
    let mut all = call.brain.translations().translator().engines();
    if all.next().is_none() {
        return Some(no_engine(language));
    }
    engines_of(call, settings)
        .is_empty()
        .then(|| Answer::say(text!(language, "translation-no-local-engine")))
}

/// Languages by the names that they have for themselves.
fn own_names(tongues: &[Tongue]) -> String {
    let names: Vec<&str> = tongues.iter().map(|tongue| tongue.own_name()).collect();
    names.join(", ")
}
