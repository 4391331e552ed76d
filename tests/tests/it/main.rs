//! The end-to-end stories and the rules that hold for all crates, in one binary.
#![expect(clippy::unwrap_used, reason = "tests")]

mod apertium;
mod bad_input;
mod bridged;
mod crashes;
mod docker;
mod edges;
mod fake_telegram;
mod faults;
mod file_bounds;
mod files;
mod first_contact;
mod jobs;
mod join;
mod leaks;
mod legacy;
mod lines;
mod logs;
mod network;
mod notes;
mod orders;
mod pipe_contract;
mod postgres;
mod python_telegram_bot;
mod rollout;
mod secrets;
mod self_update;
mod services;
mod source_rules;
mod translation;
mod trust;
mod watch;
