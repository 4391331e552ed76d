//! Links between notes: `[[first line]]`, `[[key]]` or `[[118]]`.

use super::fold::fold;

/// Longest first line that others can link to, in characters.
const TITLE_CHARACTERS: usize = 120;
/// Links of a note that count.
const MOST_LINKS: usize = 50;

/// A link as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// What stands between the brackets.
    pub(crate) shown: String,
    /// The same as it is looked up.
    pub(crate) folded: String,
}

/// The first line of a note as others link to it; `None` when it says nothing.
pub(crate) fn title(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    named(line)
}

/// The first line as it was written, for people.
pub(crate) fn shown_title(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or_default()
        .chars()
        .take(TITLE_CHARACTERS)
        .collect()
}

/// The links of a text, none twice.
pub(crate) fn links(text: &str) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("[[") {
        let inside = &rest[start + 2..];
        let Some(end) = inside.find("]]") else {
            break;
        };
        // `[[a [[b]]` links to b.
        let start = inside[..end].rfind("[[").map_or(0, |at| at + 2);
        let shown = inside[start..end].trim();
        rest = &inside[end + 2..];
        if shown.contains('\n') {
            continue;
        }
        let Some(folded) = named(shown) else {
            continue;
        };
        if !links.iter().any(|link| link.folded == folded) {
            links.push(Link {
                shown: shown.to_owned(),
                folded,
            });
        }
        if links.len() == MOST_LINKS {
            break;
        }
    }
    links
}

/// A name as it is looked up: folded, spaces made one, without the `#` of a number.
fn named(name: &str) -> Option<String> {
    let cut: String = name.chars().take(TITLE_CHARACTERS).collect();
    let folded = fold(&cut);
    let name = folded.split_whitespace().collect::<Vec<_>>().join(" ");
    let number = name.strip_prefix('#').map(str::trim_start);
    let name = match number {
        Some(number) if number.parse::<i64>().is_ok() => number.to_owned(),
        _ => name,
    };
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        links(text).into_iter().map(|link| link.folded).collect()
    }

    #[test]
    fn links_are_read_as_far_as_they_go() {
        assert_eq!(
            folded("see [[Nginx  重啟]], [[#118]] and [[ nginx 重启 ]]"),
            ["nginx 重启", "118"]
        );
        assert_eq!(folded("[[a [[b]] c]]"), ["b"]);
        assert_eq!(
            folded("[[]] [[ ]] [[open\nend]] [[never"),
            Vec::<String>::new()
        );
        assert_eq!(folded("]] [[x]]"), ["x"]);
        assert_eq!(folded(&"[[a]]".repeat(10_000)), ["a"]);
    }

    #[test]
    fn a_title_is_the_first_line_that_says_something() {
        assert_eq!(
            title("\n  重啟 Nginx \nrest").as_deref(),
            Some("重启 nginx")
        );
        assert_eq!(title(" \n\t"), None);
        assert_eq!(title("#118").as_deref(), Some("118"));
        assert_eq!(shown_title("\n A b \nc"), "A b");
    }
}
