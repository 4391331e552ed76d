//! Notes: what people write down in chat, and finding it again in Chinese and English.

mod change;
pub(crate) mod extract;
pub(crate) mod fold;
pub mod index;
pub(crate) mod link;
mod places;
pub mod query;
pub mod reader;
pub(crate) mod service;
pub(crate) mod snippet;
pub(crate) mod tokenizer;
