//! The end-to-end stories and the rules that hold for all crates, in one binary.
#![expect(clippy::unwrap_used, reason = "tests")]

mod edges;
mod fake_telegram;
mod orders;
mod python_telegram_bot;
mod source_rules;
