//! WeChat and WeCom, one module a transport; what they share is beside them.

pub mod bot;
mod crypto;
