//! Tells what commands there are: `help`, the platforms' menus, and the written reference. All of it is
//! made from the registry and the catalogs: `cmd-NAME` is a command in one line, `cmd-NAME-more` says
//! more, `cmd-NAME-arg-ID` is one of its arguments, and `cmd-NAME-examples` has examples, one a line.

use jarvis_proto::chat::{CommandMenu, MenuItem, MenuLanguage};

use super::grammar::{Command, is_repeated, shown};
use super::permission::{self, Object, Permission, Subject};
use super::registry::Registry;
use super::spec::{Confirm, Family, Place};
use super::suggest;
use super::target::NodeFacts;
use crate::commands::general::HelpArgs;
use crate::reply::Reply;
use crate::text::{self, Language, Text, text};

/// The answer to `help` and `help COMMAND`.
pub fn answer(
    language: Language,
    registry: &Registry,
    subject: &Subject,
    arguments: &HelpArgs,
) -> Reply {
    match &arguments.command {
        None => overview(language, registry, subject),
        Some(name) => match registry.find(name) {
            Some(command) => of_command(language, command),
            None => {
                let meant = suggest::name(registry, subject, name);
                did_you_mean(language, name, meant.map(|meant| format!("help {meant}")))
            }
        },
    }
}

/// All commands that the person may run, by family, one line each.
pub fn overview(language: Language, registry: &Registry, subject: &Subject) -> Reply {
    let mut reply = Reply::new().line(text!(language, "help-title"));
    for family in Family::ALL {
        let mut commands = allowed(registry, subject)
            .filter(|command| command.spec.family == family)
            .peekable();
        if commands.peek().is_none() {
            continue;
        }
        reply = reply.gap().line(text!(
            language,
            "help-family",
            title = family.title(language)
        ));
        for command in commands {
            let name = Text::code(command.spec.name);
            let about = about(language, command);
            reply = reply.line(text!(language, "help-command", name = name, about = about));
        }
    }
    reply.gap().line(text!(language, "help-more"))
}

/// All about one command.
pub fn of_command(language: Language, command: &Command) -> Reply {
    let name = command.spec.name;
    let title = Text::code(name);
    let about = about(language, command);
    let mut reply = Reply::new()
        .line(text!(language, "help-command", name = title, about = about))
        .line(text!(
            language,
            "help-usage",
            usage = Text::code(&command.usage())
        ));
    if let Some(more) = optional(language, &format!("cmd-{name}-more")) {
        reply = reply.line(more);
    }
    let mut arguments = command.arguments().peekable();
    if arguments.peek().is_some() {
        reply = reply.gap();
    }
    for argument in arguments {
        let about = text::get(language, &argument_key(name, argument), &[]);
        let argument = Text::code(&long_shown(argument));
        reply = reply.line(text!(
            language,
            "help-argument",
            argument = argument,
            about = about
        ));
    }
    if let Some(examples) = optional(language, &format!("cmd-{name}-examples")) {
        reply = reply
            .gap()
            .line(text!(language, "help-examples"))
            .pre(&examples.to_string());
    }
    notes(language, command)
        .into_iter()
        .fold(reply.gap(), Reply::line)
}

/// Other names, who may use the command, where, and whether it asks back.
fn notes(language: Language, command: &Command) -> Vec<Text> {
    let spec = &command.spec;
    let mut notes = Vec::new();
    if !spec.aliases.is_empty() {
        let aliases = spec.aliases.iter().map(|alias| Text::code(alias));
        let separator = text!(language, "list-separator").to_string();
        notes.push(text!(
            language,
            "help-aliases",
            aliases = Text::join(aliases, &separator)
        ));
    }
    notes.push(match spec.permission {
        Permission::Everyone => text!(language, "help-needs-nothing"),
        Permission::Member => text!(language, "help-needs-member"),
        Permission::Operator => text!(language, "help-needs-operator"),
        Permission::Owner => text!(language, "help-needs-owner"),
    });
    match spec.place {
        Place::Anywhere => {}
        Place::PrivateOnly => notes.push(text!(language, "help-private-only")),
        Place::GroupOnly => notes.push(text!(language, "help-group-only")),
    }
    match spec.confirm {
        Confirm::Never => {}
        Confirm::SeveralNodes => notes.push(text!(language, "help-confirm-several")),
        Confirm::Always => notes.push(text!(language, "help-confirm-always")),
    }
    notes
}

/// The answer to `word` and the `rest` of its line, where the word is no command: what was probably
/// meant is offered.
pub fn unknown(
    language: Language,
    registry: &Registry,
    subject: &Subject,
    word: &str,
    rest: &str,
    nodes: &[NodeFacts],
) -> Reply {
    did_you_mean(
        language,
        word,
        suggest::line(registry, subject, word, rest, nodes),
    )
}

fn did_you_mean(language: Language, word: &str, meant: Option<String>) -> Reply {
    let word = text::excerpt(word);
    let Some(meant) = meant else {
        return text!(language, "unknown", word = word).into();
    };
    let shown = Text::code(&text::excerpt(&meant));
    Reply::new()
        .line(text!(language, "unknown-near", word = word, meant = shown))
        .button(text!(language, "button-run-it"), meant)
}

/// The menus for platforms that show one, with the commands that `subject` may run.
pub fn menus(registry: &Registry, subject: &Subject) -> CommandMenu {
    let menu = |language: Language| MenuLanguage {
        language: language.code().to_owned(),
        items: allowed(registry, subject)
            .map(|command| MenuItem {
                name: command.spec.name.to_owned(),
                description: about(language, command).shortened(256),
            })
            .collect(),
    };
    CommandMenu {
        languages: Language::ALL.into_iter().map(menu).collect(),
    }
}

/// The written reference of all commands, in English Markdown.
pub fn reference(registry: &Registry) -> String {
    let language = Language::En;
    let mut page = String::from(
        "# Commands\n\n\
         This page is made from the program's own command list; `UPDATE_DOCS=1 cargo test -p jarvis-brain` \
         writes it anew. In a private chat the slash is optional. Flags come before the command that \
         `run` passes on.\n",
    );
    for family in Family::ALL {
        page.push_str(&format!("\n## {}\n", family.title(language)));
        let commands = registry
            .commands()
            .filter(|command| command.spec.family == family && !command.spec.hidden);
        for command in commands {
            page.push_str(&reference_of(language, command));
        }
    }
    page
}

fn reference_of(language: Language, command: &Command) -> String {
    let name = command.spec.name;
    let about_command = sentence(&about(language, command).to_string());
    let mut page = format!(
        "\n### {name}\n\n{about_command}\n\n```\n{}\n```\n",
        command.usage()
    );
    if let Some(more) = optional(language, &format!("cmd-{name}-more")) {
        page.push_str(&format!("\n{more}\n"));
    }
    let mut arguments = command.arguments().peekable();
    if arguments.peek().is_some() {
        page.push_str("\n| argument | |\n|---|---|\n");
    }
    for argument in arguments {
        let about = text::get(language, &argument_key(name, argument), &[]).to_string();
        let row = format!(
            "| `{}` | {about} |\n",
            long_shown(argument).replace('|', "\\|")
        );
        page.push_str(&row);
    }
    if let Some(examples) = optional(language, &format!("cmd-{name}-examples")) {
        page.push_str(&format!("\nExamples:\n\n```\n{examples}\n```\n"));
    }
    let notes: Vec<_> = notes(language, command)
        .iter()
        .map(ToString::to_string)
        .collect();
    page.push_str(&format!("\n{}\n", notes.join(" ")));
    page
}

/// A phrase as a sentence: with a capital letter and a full stop.
fn sentence(phrase: &str) -> String {
    let mut characters = phrase.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

fn allowed<'a>(registry: &'a Registry, subject: &Subject) -> impl Iterator<Item = &'a Command> {
    registry.commands().filter(|command| {
        !command.spec.hidden
            && permission::decide(subject, command.spec.permission, &Object::None).is_allowed()
    })
}

fn about(language: Language, command: &Command) -> Text {
    text::get(language, &format!("cmd-{}", command.spec.name), &[])
}

fn optional(language: Language, key: &str) -> Option<Text> {
    text::has(key).then(|| text::get(language, key, &[]))
}

fn argument_key(command: &str, argument: &clap::Arg) -> String {
    format!(
        "cmd-{command}-arg-{}",
        argument.get_id().as_str().replace('_', "-")
    )
}

/// Both forms of a flag, `-t, --timeout TIME`.
fn long_shown(argument: &clap::Arg) -> String {
    let repeated = if is_repeated(argument) { "…" } else { "" };
    match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(_)) => format!("-{short}, {}{repeated}", shown(argument)),
        _ => format!("{}{repeated}", shown(argument)),
    }
}

#[cfg(test)]
#[path = "help/tests.rs"]
mod tests;
