//! Putting the layers together: defaults < file < environment < flags.

use std::path::{Path, PathBuf};

use figment::Figment;

use super::layer::{self, Layer};
use super::{Config, ConfigError, EXAMPLE, QqMode, Secret, TelegramMode, error};

/// The file that is looked for when none is named.
const FILE_NAME: &str = "jarvis.toml";

/// Where a configuration comes from.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// `--config`: the file, which must then exist.
    pub(crate) file: Option<PathBuf>,
    /// The variables of the environment; only `JARVIS__…` counts.
    pub(crate) environment: Vec<(String, String)>,
    /// Flags as dotted keys and values, the strongest last.
    pub(crate) flags: Vec<(String, String)>,
}

/// A configuration and the file that it came from.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The values of all layers.
    pub(crate) config: Config,
    /// The file that was read, if any.
    pub(crate) file: Option<PathBuf>,
}

impl Sources {
    /// Reads every layer, then the files that secrets are in.
    ///
    /// # Errors
    /// See [`ConfigError`]; the first problem is reported.
    pub(crate) fn load(self) -> Result<Loaded, ConfigError> {
        let environment = Layer::environment(self.environment);
        let flags = Layer::flags(self.flags);
        let above = Figment::new().merge(environment).merge(flags);

        let data: PathBuf = above
            .extract_inner("data")
            .unwrap_or_else(|_| Config::default().data);
        let file = self.file.or_else(|| find_file(&data));
        let mut figment = Figment::new();
        if let Some(file) = &file {
            figment = figment.merge(Layer::file(file)?);
        }
        let figment = figment.merge(above);
        let mut config: Config = figment
            .extract()
            .map_err(|error| error::explain(error, &known_keys()))?;
        read_secrets(&mut config, &figment)?;
        consistent(&config)?;
        if let Some(file) = &file
            && *file == data.join(FILE_NAME)
            && config.data != data
        {
            return Err(ConfigError::Inconsistent(format!(
                "`data` ({}) names another folder than the one that the file lies in; take it out, \
                 or move the file",
                file.display()
            )));
        }
        Ok(Loaded { config, file })
    }
}

/// `jarvis.toml` in the data folder, else in the working folder.
fn find_file(data: &Path) -> Option<PathBuf> {
    [data.join(FILE_NAME), PathBuf::from(FILE_NAME)]
        .into_iter()
        .find(|path| path.is_file())
}

/// Reads `…_file` keys into the secrets that they stand for.
fn read_secrets(config: &mut Config, figment: &Figment) -> Result<(), ConfigError> {
    let brain = &mut config.brain;
    let single = [
        (
            "brain.database",
            &mut brain.database,
            &mut brain.database_file,
        ),
        (
            "adapter.token",
            &mut config.adapter.token,
            &mut config.adapter.token_file,
        ),
        (
            "telegram.token",
            &mut config.telegram.token,
            &mut config.telegram.token_file,
        ),
        (
            "telegram.webhook.secret",
            &mut config.telegram.webhook.secret,
            &mut config.telegram.webhook.secret_file,
        ),
        (
            "onebot.token",
            &mut config.onebot.token,
            &mut config.onebot.token_file,
        ),
        (
            "onebot.secret",
            &mut config.onebot.secret,
            &mut config.onebot.secret_file,
        ),
        (
            "qq.secret",
            &mut config.qq.secret,
            &mut config.qq.secret_file,
        ),
        (
            "wecom.secret",
            &mut config.wecom.secret,
            &mut config.wecom.secret_file,
        ),
        (
            "wecom.callback.token",
            &mut config.wecom.callback.token,
            &mut config.wecom.callback.token_file,
        ),
        (
            "wecom.callback.aes_key",
            &mut config.wecom.callback.aes_key,
            &mut config.wecom.callback.aes_key_file,
        ),
        (
            "wecom_app.secret",
            &mut config.wecom_app.secret,
            &mut config.wecom_app.secret_file,
        ),
        (
            "wecom_app.token",
            &mut config.wecom_app.token,
            &mut config.wecom_app.token_file,
        ),
        (
            "wecom_app.aes_key",
            &mut config.wecom_app.aes_key,
            &mut config.wecom_app.aes_key_file,
        ),
        (
            "wecom_robot.key",
            &mut config.wecom_robot.key,
            &mut config.wecom_robot.key_file,
        ),
        (
            "wechat_official.secret",
            &mut config.wechat_official.secret,
            &mut config.wechat_official.secret_file,
        ),
        (
            "wechat_official.token",
            &mut config.wechat_official.token,
            &mut config.wechat_official.token_file,
        ),
        (
            "wechat_official.aes_key",
            &mut config.wechat_official.aes_key,
            &mut config.wechat_official.aes_key_file,
        ),
        (
            "wechaty.token",
            &mut config.wechaty.token,
            &mut config.wechaty.token_file,
        ),
    ];
    for (key, secret, file) in single {
        read_secret(key, secret, file.as_deref(), figment)?;
    }
    for (name, engine) in &mut config.translate.engines {
        let key = format!("translate.engines.{name}.key");
        read_secret(&key, &mut engine.key, engine.key_file.as_deref(), figment)?;
    }
    for (index, adapter) in brain.adapters.iter_mut().enumerate() {
        let key = format!("brain.adapters.{index}.token");
        read_secret(
            &key,
            &mut adapter.token,
            adapter.token_file.as_deref(),
            figment,
        )?;
    }
    Ok(())
}

fn read_secret(
    key: &str,
    secret: &mut Option<Secret>,
    file: Option<&Path>,
    figment: &Figment,
) -> Result<(), ConfigError> {
    let Some(path) = file else {
        return Ok(());
    };
    let file_key = format!("{key}_file");
    if secret.is_some() {
        let strength = |key: &str| figment.find_metadata(key).map_or(0, layer::rank);
        // A token from the environment replaces the file that the configuration names.
        match strength(key).cmp(&strength(&file_key)) {
            std::cmp::Ordering::Greater => return Ok(()),
            std::cmp::Ordering::Equal => {
                return Err(ConfigError::Inconsistent(format!(
                    "`{key}` and `{file_key}` are both set; keep one of them"
                )));
            }
            std::cmp::Ordering::Less => {}
        }
    }
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::SecretFile {
        key: file_key.clone(),
        path: path.to_owned(),
        source,
    })?;
    let text = text.trim();
    if text.is_empty() {
        return Err(ConfigError::Inconsistent(format!(
            "`{file_key}`: {} is empty",
            path.display()
        )));
    }
    *secret = Some(text.to_owned().into());
    Ok(())
}

/// What no single value shows.
fn consistent(config: &Config) -> Result<(), ConfigError> {
    let wrong = |text: String| Err(ConfigError::Inconsistent(text));
    let brain = &config.brain;
    if brain.tls_certificate.is_some() != brain.tls_key.is_some() {
        return wrong("`brain.tls_certificate` and `brain.tls_key` are needed together".to_owned());
    }
    if let Some(address) = brain.listen.0
        && !address.ip().is_loopback()
        && brain.tls_certificate.is_none()
    {
        return wrong(format!(
            "`brain.listen` is {address}, which other machines reach: set `brain.tls_certificate` \
             and `brain.tls_key`, or listen on 127.0.0.1"
        ));
    }
    if brain.messages_per_minute == 0 {
        return wrong("`brain.messages_per_minute` must be at least 1".to_owned());
    }
    for (index, adapter) in brain.adapters.iter().enumerate() {
        if adapter.token.is_none() {
            return wrong(format!(
                "`brain.adapters.{index}` ({}) has no token: set `token` or `token_file`; `jarvis \
                 keys new {}` makes one",
                adapter.kind, adapter.kind
            ));
        }
    }
    config
        .translate
        .consistent()
        .map_err(ConfigError::Inconsistent)?;
    let telegram = &config.telegram;
    if telegram.mode == TelegramMode::Webhook && telegram.webhook.url.is_none() {
        return wrong(
            "`telegram.mode` is \"webhook\", but `telegram.webhook.url` is missing: set the https \
             address that Telegram calls"
                .to_owned(),
        );
    }
    if let Some(text) = config.onebot.problem() {
        return wrong(text);
    }
    if let Some(text) = config.wecom_app.problem() {
        return wrong(text);
    }
    if let Some(text) = config.wechat_official.problem() {
        return wrong(text);
    }
    let qq = &config.qq;
    if qq.app_id.is_some() != qq.secret.is_some() {
        return wrong(
            "`qq.app_id` and `qq.secret` (or `qq.secret_file`) are needed together; `jarvis adapter qq \
             --create` makes a bot"
                .to_owned(),
        );
    }
    if qq.mode == QqMode::Webhook && qq.webhook.url.is_none() {
        return wrong(
            "`qq.mode` is \"webhook\", but `qq.webhook.url` is missing: set the https address that \
             QQ calls"
                .to_owned(),
        );
    }
    if let Some(text) = config.wecom.problem() {
        return wrong(text);
    }
    if let Some(text) = config.wechaty.problem() {
        return wrong(text);
    }
    if let Some(node) = config
        .node
        .iter()
        .find(|node| node.dial.is_some() && node.legacy.is_some())
    {
        return wrong(format!(
            "node `{}` has both `dial` and `legacy`; keep one of them",
            node.name
        ));
    }
    if config.legacy.listen.0.is_none()
        && let Some(node) = config.node.iter().find(|node| node.legacy.is_some())
    {
        return wrong(format!(
            "node `{}` is a legacy node: set `legacy.listen`, where it can dial back",
            node.name
        ));
    }
    if let Some(relative) = config
        .local_node
        .allow
        .iter()
        .find(|path| !path.is_absolute())
    {
        return wrong(format!(
            "`local_node.allow`: `{}` is not an absolute path",
            relative.display()
        ));
    }
    let mut names: Vec<&str> = config.node.iter().map(|node| node.name.as_str()).collect();
    if config.local_node.enabled {
        names.push(&config.local_node.name);
    }
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return wrong(format!("two nodes have the name `{}`", pair[0]));
    }
    Ok(())
}

/// Every key of the example file, those that stand commented out too.
pub(super) fn known_keys() -> Vec<String> {
    fn walk(table: &toml::Table, prefix: &str, keys: &mut Vec<String>) {
        for (name, value) in table {
            let key = format!("{prefix}{name}");
            let inner = match value {
                toml::Value::Table(inner) => Some(inner),
                toml::Value::Array(list) => list.first().and_then(toml::Value::as_table),
                _ => None,
            };
            if let Some(inner) = inner {
                walk(inner, &format!("{key}."), keys);
            }
            keys.push(key);
        }
    }

    let table: toml::Table =
        toml::from_str(&complete_example()).expect("a test parses the example file");
    let mut keys = Vec::new();
    walk(&table, "", &mut keys);
    keys
}

/// The example with its optional keys (lines that start with `#` and no space) switched on.
pub(super) fn complete_example() -> String {
    EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if key.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => key,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}
