//! Markdown on a phone.

/// What a phone shows of markdown: the text without its marks.
pub(crate) fn shown(markdown: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in markdown.split_inclusive('\n') {
        let marks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            None if marks.len() >= 3 => fence = Some(marks),
            Some(open) if line.trim_end() == open => fence = None,
            Some(_) => out.push_str(line),
            None => {
                let mut characters = line.chars();
                let mut is_code = false;
                while let Some(character) = characters.next() {
                    match character {
                        '`' => is_code = !is_code,
                        '\\' if !is_code => out.extend(characters.next()),
                        '*' if !is_code => {}
                        other => out.push(other),
                    }
                }
            }
        }
    }
    out
}
