//! WeChat and WeCom, one module a transport; what they share is beside them.

pub mod bot;
mod answer;
mod api;
pub mod app;
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
