//! Service input as people may see it: without the values of keys that look secret.

use serde_json::Value;

/// A key is secret when it contains one of these, whatever its case, `-` and `_`.
const SECRET: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "apikey",
    "privatekey",
    "credential",
    "authorization",
];
/// What is shown in their place.
const HIDDEN: &str = "…";

/// The same JSON with `…` in place of each secret value. What is no JSON is hidden whole.
pub(crate) fn hidden(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(mut value) => {
            hide(&mut value);
            value.to_string()
        }
        Err(_) => HIDDEN.to_owned(),
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if is_secret(key) {
                    *value = Value::String(HIDDEN.to_owned());
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

fn is_secret(key: &str) -> bool {
    let plain: String = key
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    matches!(plain.as_str(), "pass" | "pwd" | "密码" | "口令" | "密钥")
        || SECRET.iter().any(|word| plain.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_values_are_hidden_at_any_depth_and_others_shown() {
        for (json, shown) in [
            (r#"{"path":"/srv","n":3}"#, r#"{"path":"/srv","n":3}"#),
            (r#"{"db_Password":"x"}"#, r#"{"db_Password":"…"}"#),
            (
                r#"{"a":[{"API-KEY":{"deep":1}}]}"#,
                r#"{"a":[{"API-KEY":"…"}]}"#,
            ),
            (r#"{"密码":"x"}"#, r#"{"密码":"…"}"#),
            ("[1,2]", "[1,2]"),
            ("token=x", "…"),
        ] {
            let same = |json: &str| serde_json::from_str::<Value>(json).ok();
            assert_eq!(same(&hidden(json)), same(shown), "{json}");
        }
        assert_eq!(hidden("no json"), "…");
    }
}
