//! What the end-to-end stories stand on: a strict fake of the Telegram Bot API, real `jarvis` and
//! `jarvis-node` processes in their own directories, and a proxy that cuts lines.
//!
//! The stories themselves are in `tests/it`, one file per theme. This crate may use every other one.
//! A new fake is one file with its folder, and is checked by a client that was written elsewhere (see
//! `tests/python` and `tests/node`).

pub mod console;
pub mod docker;
pub mod engines;
pub mod farm;
pub mod faults;
pub mod ilink;
pub mod jarvis;
mod markdown;
pub mod network;
pub mod node;
pub mod platform;
pub mod process;
pub mod proxy;
pub mod qq;
pub mod qq_official;
pub mod samples;
pub mod site;
pub mod square;
pub mod telegram;
pub mod wechat_official;
pub mod wechaty;
pub mod wecom_app;
pub mod wecom_bot;
pub mod weixin;
