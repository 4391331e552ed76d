//! Notes: what people write down in chat, and finding it again in Chinese and English.

mod change;
pub mod exchange;
pub(crate) mod extract;
pub(crate) mod fold;
pub mod graph;
pub(crate) mod import;
pub mod index;
pub(crate) mod link;
pub(crate) mod news;
mod places;
pub mod query;
pub mod reader;
pub(crate) mod service;
pub(crate) mod snippet;
pub(crate) mod tokenizer;
