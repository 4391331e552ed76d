//! WeChat and WeCom, one module a transport; what they share is beside them.

mod answer;
mod api;
pub mod app;
pub mod bot;
mod callback;
mod check;
mod crypto;
mod download;
mod inbound;
mod media;
pub mod official;
mod pace;
pub mod robot;
mod texts;
mod token;
mod verdict;
mod xml;

pub use callback::Callback;
pub mod personal;
pub mod wechaty;
