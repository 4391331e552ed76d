//! What a typed line says: text, or `@PATH caption`.

/// One line of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spoken {
    /// The text, or the caption of the file.
    pub(super) text: String,
    /// The file to attach.
    pub(super) path: Option<String>,
}

/// Reads one line. `@PATH caption` attaches a file; PATH may stand in double or single quotes, and
/// `@@` at the beginning means a text that begins with `@`.
pub(super) fn parse(line: &str) -> Spoken {
    let text = |text: &str| Spoken {
        text: text.to_owned(),
        path: None,
    };
    let Some(rest) = line.trim_start().strip_prefix('@') else {
        return text(line);
    };
    if rest.starts_with('@') {
        return text(rest);
    }
    let quoted = rest
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))
        .and_then(|quote| rest[1..].split_once(quote));
    let (path, caption) = match quoted {
        Some(parts) => parts,
        None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
    };
    if path.is_empty() {
        return text(line);
    }
    Spoken {
        text: caption.trim().to_owned(),
        path: Some(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn texts_files_and_escapes() {
        for (line, text, path) in [
            ("run local uptime", "run local uptime", None),
            ("@a.sh run web-1", "run web-1", Some("a.sh")),
            (
                "@/tmp/app.tar.gz  web-1:/srv/app/",
                "web-1:/srv/app/",
                Some("/tmp/app.tar.gz"),
            ),
            ("@\"my file.txt\" web-1", "web-1", Some("my file.txt")),
            ("@'my file.txt'web-1", "web-1", Some("my file.txt")),
            ("@only", "", Some("only")),
            ("@@ann hello", "@ann hello", None),
            ("@", "@", None),
            ("@ x", "@ x", None),
            ("@\"open x", "x", Some("\"open")),
        ] {
            let spoken = parse(line);
            assert_eq!(
                (spoken.text.as_str(), spoken.path.as_deref()),
                (text, path),
                "{line}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_line_panics_and_no_path_is_empty(line in "\\PC{0,40}") {
            for line in [line.clone(), format!("@{line}")] {
                let spoken = parse(&line);
                prop_assert_ne!(spoken.path.as_deref(), Some(""));
            }
        }
    }
}
