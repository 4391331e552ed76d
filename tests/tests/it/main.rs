//! The end-to-end stories and the rules that hold for all crates, in one binary.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bad_input;
mod crashes;
mod edges;
mod fake_telegram;
mod first_contact;
mod jobs;
mod join;
mod lines;
mod orders;
mod pipe_contract;
mod postgres;
mod python_telegram_bot;
mod secrets;
mod source_rules;
mod trust;
