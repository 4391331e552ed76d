//! A person's text: repaired, cut into words, found among the commands, and parsed.
#![no_main]

use jarvis_brain::command::registry::{Addressing, Found};
use jarvis_brain::command::repair::repair;
use jarvis_brain::command::words::{check_shell_quotes, quote, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let repaired = repair(text);
    let _ = check_shell_quotes(&repaired);
    if let Ok(words) = split(&repaired) {
        for word in words {
            let again = split(&quote(&word.text)).expect("a quoted word can be read");
            assert_eq!(again.len(), 1, "a quoted word is one word");
            assert_eq!(again[0].text, word.text);
        }
    }
    let addressing = Addressing {
        private: true,
        addressed: true,
        bot_name: "jarvis_bot",
    };
    if let Found::Commands(lines) = jarvis_brain::commands::registry().look_up(text, addressing) {
        for line in lines {
            let _ = line.parse();
        }
    }
});
