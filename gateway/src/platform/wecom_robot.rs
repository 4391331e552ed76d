//! The group robot of the configuration.

use jarvis_adapters::wechat::robot;

use crate::config::Config;

/// What the adapter has to be told; `None` without a key.
pub(super) fn configuration(config: &Config) -> Option<robot::Config> {
    let given = &config.wecom_robot;
    let key = given.key.as_ref()?.to_secret_string();
    let mut robot = robot::Config::new(key, &given.name);
    robot.api_url = given.api_url.clone();
    robot.markdown = given.markdown;
    robot.per_minute = given.per_minute;
    robot.text_limit = given.text.max(100);
    robot.picture_limit = given.picture_limit;
    robot.upload_limit = given.upload_limit;
    Some(robot)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_robot_needs_a_key_and_the_defaults_are_those_of_the_adapter() {
        let mut config = Config::default();
        assert!(configuration(&config).is_none());
        config.wecom_robot.key = Some("a-key".to_owned().into());
        let ours = configuration(&config).unwrap();
        let theirs = robot::Config::new("a-key".to_owned().into(), "wecom");
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
