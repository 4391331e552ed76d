//! `[wecom_robot]`: the robot of one WeCom group.

use std::path::PathBuf;

use jarvis_adapters::wechat::robot;
use serde::Deserialize;

use super::{Secret, parse};

/// `[wecom_robot]`: the robot of one WeCom group.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WeComRobot {
    /// What stands behind `key=` in its address; with it, `jarvis up` serves the robot too.
    pub(crate) key: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) key_file: Option<PathBuf>,
    /// What the group is called when something is directed to it.
    pub(crate) name: String,
    pub(crate) api_url: url::Url,
    pub(crate) markdown: bool,
    /// Messages in a minute.
    pub(crate) per_minute: usize,
    /// Longest message, bytes.
    pub(crate) text: usize,
    /// Largest picture; a larger one goes as a file. Bytes.
    #[serde(deserialize_with = "parse::bytes")]
    pub(crate) picture_limit: u64,
    /// Largest file, bytes.
    #[serde(deserialize_with = "parse::bytes")]
    pub(crate) upload_limit: u64,
}

impl Default for WeComRobot {
    fn default() -> Self {
        let usual = robot::Config::new(String::new().into(), "wecom");
        Self {
            key: None,
            key_file: None,
            name: usual.name,
            api_url: usual.api_url,
            markdown: usual.markdown,
            per_minute: usual.per_minute,
            text: usual.text_limit,
            picture_limit: usual.picture_limit,
            upload_limit: usual.upload_limit,
        }
    }
}
