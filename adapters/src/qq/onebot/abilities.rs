//! What the known implementations can do beyond the specification.

use serde_json::Value;

/// What one implementation can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Abilities {
    /// Name and version, for the log.
    pub(super) name: String,
    /// Takes large files in pieces (`upload_file_stream`).
    pub(super) has_stream_upload: bool,
    /// Gives files in pieces (`download_file_stream`).
    pub(super) has_stream_download: bool,
    /// Files come as segments of messages; a notice about the same file only repeats it.
    pub(super) has_file_segments: bool,
    /// Tells the address of a file that came in private (`get_private_file_url`).
    pub(super) has_private_file_url: bool,
}

impl Abilities {
    /// From the answer to `get_version_info`; nothing is known of an implementation without one.
    pub(super) fn of(version: Option<&Value>) -> Self {
        let text = |key: &str| {
            let value = version.and_then(|version| version[key].as_str());
            value.unwrap_or_default().to_owned()
        };
        let app = text("app_name");
        let known = app.to_lowercase();
        let is = |name: &str| known.contains(name);
        let is_napcat = is("napcat");
        let is_llonebot = is("llonebot") || is("llbot") || is("luckylillia");
        Self {
            has_stream_upload: is_napcat,
            has_stream_download: is_napcat,
            has_file_segments: is_napcat || is_llonebot,
            has_private_file_url: is_napcat || is_llonebot,
            name: match (app.as_str(), text("app_version").as_str()) {
                ("", _) => "an unnamed program".to_owned(),
                (app, "") => app.to_owned(),
                (app, version) => format!("{app} {version}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Abilities;

    #[test]
    fn programs_are_known_by_their_names() {
        let of = |app: &str| Abilities::of(Some(&json!({"app_name": app, "app_version": "4.1.0"})));
        assert_eq!(of("NapCat.Onebot").name, "NapCat.Onebot 4.1.0");
        assert!(of("NapCat.Onebot").has_stream_upload);
        assert!(!of("LLOneBot").has_stream_upload);
        assert!(of("NapCat.Onebot").has_stream_download && !of("LLOneBot").has_stream_download);
        assert!(of("LLOneBot").has_file_segments);
        assert!(!of("go-cqhttp").has_file_segments);
        assert_eq!(Abilities::of(None).name, "an unnamed program");
    }
}
