//! The values that arguments take. Each is read by one function, which clap calls; what is wrong with
//! a value comes back as a [`ValueProblem`].

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::repair::fold;
use super::target::{Target, TargetProblem, is_name};
use crate::account::Role;
use crate::commands::watch::Topics;
use crate::job::DockerAction;
use crate::text::{Language, Text, excerpt, text};
use crate::translate::tongue::Tongue;
use crate::watch::Topic;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueProblem {
    /// No length of time.
    #[error("no length of time")]
    Time,
    /// No number of at least 1.
    #[error("no number")]
    Number,
    /// No job number.
    #[error("no job number")]
    Job,
    /// No `NAME=VALUE`.
    #[error("no name=value pair")]
    Pair,
    /// No language that we speak.
    #[error("no known language")]
    Language,
    /// No role.
    #[error("no role")]
    Role,
    /// No name for a node or a tag.
    #[error("no name")]
    Name,
    /// No place of a file on a node.
    #[error("no file place")]
    Place,
    /// Neither `failed` nor `all`.
    #[error("neither failed nor all")]
    Which,
    /// Nothing that Docker is asked for.
    #[error("no docker action")]
    Docker,
    /// No topic of subscriptions.
    #[error("no topic")]
    Topic,
    /// No language that can be translated.
    #[error("no language")]
    Tongue,
    /// No target.
    #[error(transparent)]
    Target(#[from] TargetProblem),
}

impl ValueProblem {
    /// What a person reads; `value` is what they typed.
    pub fn explain(&self, language: Language, value: &str) -> Text {
        let value = excerpt(value);
        match self {
            Self::Time => text!(language, "value-time", value = value),
            Self::Number => text!(language, "value-number", value = value),
            Self::Job => text!(language, "value-job", value = value),
            Self::Pair => text!(language, "value-pair", value = value),
            Self::Language => text!(language, "value-language", value = value),
            Self::Role => text!(language, "value-role", value = value),
            Self::Name => text!(language, "value-name", value = value),
            Self::Place => text!(language, "value-place", value = value),
            Self::Which => text!(language, "value-which", value = value),
            Self::Docker => text!(language, "value-docker", value = value),
            Self::Topic => text!(language, "value-topic", value = value),
            Self::Tongue => text!(language, "value-tongue", value = value),
            Self::Target(problem) => problem.explain(language),
        }
    }
}

/// A length of time: `90` (seconds), `90s`, `10m`, `1h30m`, `10分钟`; from a millisecond to 366 days.
///
/// # Errors
/// [`ValueProblem::Time`].
pub fn time(text: &str) -> Result<Duration, ValueProblem> {
    const MOST: Duration = Duration::from_secs(366 * 86_400);
    let text = fold(text.trim()).to_lowercase();
    let text = [
        ("毫秒", "ms"),
        ("秒", "s"),
        ("分钟", "m"),
        ("分", "m"),
        ("小时", "h"),
        ("时", "h"),
        ("天", "d"),
    ]
    .iter()
    .fold(text, |text, (chinese, unit)| text.replace(chinese, unit));
    let duration = match text.parse::<u32>() {
        Ok(seconds) => Duration::from_secs(seconds.into()),
        Err(_) => humantime::parse_duration(&text).map_err(|_| ValueProblem::Time)?,
    };
    if duration < Duration::from_millis(1) || duration > MOST {
        return Err(ValueProblem::Time);
    }
    Ok(duration)
}

/// A number from 1 to 1,000,000, as `-n` takes.
///
/// # Errors
/// [`ValueProblem::Number`].
pub fn number(text: &str) -> Result<u32, ValueProblem> {
    let number = fold(text.trim())
        .replace(',', "")
        .parse()
        .map_err(|_| ValueProblem::Number)?;
    if (1..=1_000_000).contains(&number) {
        Ok(number)
    } else {
        Err(ValueProblem::Number)
    }
}

/// The number of a job: `42` or `#42`.
///
/// # Errors
/// [`ValueProblem::Job`].
pub fn job(text: &str) -> Result<i64, ValueProblem> {
    let folded = fold(text.trim());
    let digits = folded.strip_prefix('#').unwrap_or(&folded);
    match digits.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(ValueProblem::Job),
    }
}

/// `NAME=VALUE` for the environment. The name has no blanks and is not empty.
///
/// # Errors
/// [`ValueProblem::Pair`].
pub fn pair(text: &str) -> Result<(String, String), ValueProblem> {
    let (name, value) = text.split_once('=').ok_or(ValueProblem::Pair)?;
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if begins_well && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        Ok((name.to_owned(), value.to_owned()))
    } else {
        Err(ValueProblem::Pair)
    }
}

/// A language by tag (`zh`, `en-GB`) or by its name.
///
/// # Errors
/// [`ValueProblem::Language`].
pub fn language(text: &str) -> Result<Language, ValueProblem> {
    match fold(text.trim()).to_lowercase().as_str() {
        "english" | "英文" | "英语" => Ok(Language::En),
        "chinese" | "中文" | "汉语" | "简体中文" => Ok(Language::Zh),
        tag => Language::from_tag(tag).ok_or(ValueProblem::Language),
    }
}

/// A language of translation, by tag or by its name.
///
/// # Errors
/// [`ValueProblem::Tongue`].
pub fn tongue(text: &str) -> Result<Tongue, ValueProblem> {
    fold(text.trim()).parse().map_err(|_| ValueProblem::Tongue)
}

/// A role by its name, in English or Chinese.
///
/// # Errors
/// [`ValueProblem::Role`].
pub fn role(text: &str) -> Result<Role, ValueProblem> {
    match text.trim() {
        "访客" => Ok(Role::Guest),
        "成员" => Ok(Role::Member),
        "操作员" => Ok(Role::Operator),
        "所有者" | "主人" => Ok(Role::Owner),
        name => name.parse().map_err(|_| ValueProblem::Role),
    }
}

/// The name of a node or of a tag; `tag:` before a tag is allowed.
///
/// # Errors
/// [`ValueProblem::Name`].
pub fn name(text: &str) -> Result<String, ValueProblem> {
    let folded = fold(text.trim());
    let name = folded.strip_prefix("tag:").unwrap_or(&folded);
    if is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(ValueProblem::Name)
    }
}

/// What the Docker engine is asked for.
///
/// # Errors
/// [`ValueProblem::Docker`].
pub fn docker(text: &str) -> Result<DockerAction, ValueProblem> {
    let action = match fold(text.trim()).to_lowercase().as_str() {
        "ps" | "list" | "列表" => DockerAction::Ps,
        "logs" | "log" | "日志" => DockerAction::Logs,
        "restart" | "重启" => DockerAction::Restart,
        "stop" | "停止" => DockerAction::Stop,
        "start" | "启动" => DockerAction::Start,
        _ => return Err(ValueProblem::Docker),
    };
    Ok(action)
}

/// What a subscription is about.
///
/// # Errors
/// [`ValueProblem::Topic`].
pub fn topic(text: &str) -> Result<Topic, ValueProblem> {
    fold(text).parse().map_err(|_| ValueProblem::Topic)
}

/// What a subscription is about, or all there is.
///
/// # Errors
/// [`ValueProblem::Topic`].
pub fn topic_or_all(text: &str) -> Result<Topics, ValueProblem> {
    match fold(text.trim()).to_lowercase().as_str() {
        "all" | "*" | "全部" => Ok(Topics::All),
        text => topic(text).map(Topics::One),
    }
}

/// A target.
///
/// # Errors
/// [`ValueProblem::Target`].
pub fn target(text: &str) -> Result<Target, ValueProblem> {
    Ok(text.parse()?)
}

/// A file on nodes: `web-1:/var/log/syslog`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePlace {
    /// The nodes, one for fetching.
    pub target: Target,
    /// The path there, as typed.
    pub path: String,
}

impl FromStr for FilePlace {
    type Err = ValueProblem;

    /// The last colon before the path's first `/` or `~` parts the two; without such a path it is the
    /// last colon. So `tag:web:/srv` is understood, and colons inside the path are its own.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let colon = |c: char| matches!(c, ':' | '：');
        let path_start = text.find(['/', '~']).unwrap_or(text.len());
        let at = text[..path_start].rfind(colon).ok_or(ValueProblem::Place)?;
        let width = text[at..].chars().next().map_or(1, char::len_utf8);
        let path = text[at + width..].trim();
        if path.is_empty() || path.contains('\0') {
            return Err(ValueProblem::Place);
        }
        let target = text[..at].parse().map_err(|_| ValueProblem::Place)?;
        Ok(Self {
            target,
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for FilePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.target, self.path)
    }
}

/// Which tasks of a job run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that did not end well.
    Failed,
    /// All.
    All,
}

/// `failed` or `all`, in English or Chinese.
///
/// # Errors
/// [`ValueProblem::Which`].
pub fn which(text: &str) -> Result<Which, ValueProblem> {
    match text.trim().to_lowercase().as_str() {
        "failed" | "失败" => Ok(Which::Failed),
        "all" | "全部" | "所有" => Ok(Which::All),
        _ => Err(ValueProblem::Which),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times() {
        for (typed, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            ("1h30m", 5400),
            ("１０分钟", 600),
            ("2 天", 172_800),
        ] {
            assert_eq!(time(typed), Ok(Duration::from_secs(seconds)), "{typed}");
        }
        for typed in ["", "0", "x", "-5", "10 lightyears", "99999d", "5 s 天"] {
            assert_eq!(time(typed), Err(ValueProblem::Time), "{typed}");
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(number("1,000"), Ok(1000));
        assert_eq!(number("１２８"), Ok(128));
        assert_eq!(number("0"), Err(ValueProblem::Number));
        assert_eq!(job("#42"), Ok(42));
        assert_eq!(job("-1"), Err(ValueProblem::Job));
        assert_eq!(job("x"), Err(ValueProblem::Job));
    }

    #[test]
    fn pairs() {
        assert_eq!(pair("A_1=b=c"), Ok(("A_1".to_owned(), "b=c".to_owned())));
        for typed in ["A", "=b", "1A=b", "A B=c", "Ä=b"] {
            assert_eq!(pair(typed), Err(ValueProblem::Pair), "{typed}");
        }
    }

    #[test]
    fn words_of_both_languages() {
        assert_eq!(language("中文"), Ok(Language::Zh));
        assert_eq!(language("en-GB"), Ok(Language::En));
        assert_eq!(language("fr"), Err(ValueProblem::Language));
        assert_eq!(role("操作员"), Ok(Role::Operator));
        assert_eq!(role("Owner"), Ok(Role::Owner));
        assert_eq!(role("boss"), Err(ValueProblem::Role));
        assert_eq!(which("失败"), Ok(Which::Failed));
        assert_eq!(name("tag:web"), Ok("web".to_owned()));
        assert_eq!(name("a b"), Err(ValueProblem::Name));
    }

    #[test]
    fn file_places() {
        let rows = [
            ("web-1:/var/log/a.log", "web-1", "/var/log/a.log"),
            ("web-1：/var/log/a:b", "web-1", "/var/log/a:b"),
            ("tag:web:/srv/app/", "tag:web", "/srv/app/"),
            ("web-1:notes.txt", "web-1", "notes.txt"),
            ("web-1:~/x", "web-1", "~/x"),
            ("web-1: /with blanks.txt", "web-1", "/with blanks.txt"),
        ];
        for (typed, target, path) in rows {
            let place: FilePlace = typed.parse().unwrap();
            assert_eq!(
                (place.target.to_string().as_str(), place.path.as_str()),
                (target, path)
            );
        }
        for typed in ["", "web-1", "web-1:", ":/x", "/x:y", "a b:/x"] {
            assert_eq!(
                typed.parse::<FilePlace>(),
                Err(ValueProblem::Place),
                "{typed}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_them_panic(text in any::<String>()) {
            let _ = (time(&text), number(&text), job(&text), pair(&text));
            let _ = (language(&text), role(&text), which(&text), name(&text));
            if let Ok(place) = text.parse::<FilePlace>() {
                prop_assert_eq!(place.to_string().parse::<FilePlace>(), Ok(place));
            }
        }
    }
}
