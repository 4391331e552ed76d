//! WeChat and WeCom, one module a transport; what they share is beside them.

mod crypto;
pub mod wechaty;
