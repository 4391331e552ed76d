//! Markdown, as chat platforms draw it.

use std::fmt::Write as _;

use super::{Run, Style};

/// The runs as markdown.
pub(crate) fn markdown(runs: &[Run]) -> String {
    let mut out = String::new();
    for run in runs {
        match &run.style {
            Style::Plain | Style::Mention { .. } => out.push_str(&escape(&run.text)),
            Style::Bold => surround(&mut out, "**", &escape(&run.text)),
            Style::Italic => surround(&mut out, "*", &escape(&run.text)),
            Style::Code if run.text.contains(['`', '\n']) => out.push_str(&escape(&run.text)),
            Style::Code => surround(&mut out, "`", &run.text),
            Style::Block { language } => block(&mut out, language, &run.text),
            Style::Link { url } => {
                let url = url.replace(['(', ')', ' '], "");
                let _ = write!(out, "[{}]({url})", escape(&run.text));
            }
        }
    }
    out
}

/// Marks stand at the words: markdown does not know marks beside a space.
pub(crate) fn surround(out: &mut String, mark: &str, text: &str) {
    let inner = text.trim();
    if inner.is_empty() {
        out.push_str(text);
        return;
    }
    let start = text.len() - text.trim_start().len();
    let end = start + inner.len();
    out.push_str(&text[..start]);
    let _ = write!(out, "{mark}{inner}{mark}");
    out.push_str(&text[end..]);
}

/// A block in a fence of its own, longer than any in the text.
pub(crate) fn block(out: &mut String, language: &str, text: &str) {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = writeln!(out, "{fence}{language}\n{text}{end}{fence}");
}

/// Signs that markdown would take for marks.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut line_begins = true;
    for character in text.chars() {
        let is_mark = matches!(
            character,
            '\\' | '*' | '_' | '`' | '[' | ']' | '~' | '<' | '|'
        );
        let begins_mark = line_begins && matches!(character, '#' | '>' | '+' | '-');
        if is_mark || begins_mark {
            out.push('\\');
        }
        out.push(character);
        line_begins = character == '\n' || (line_begins && character == ' ');
    }
    out
}
