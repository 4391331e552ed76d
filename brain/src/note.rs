//! Notes: what people write down in chat, and finding it again in Chinese and English.

pub mod exchange;
pub(crate) mod fold;
pub mod graph;
pub(crate) mod import;
pub mod index;
pub(crate) mod news;
pub mod query;
pub(crate) mod service;
pub(crate) mod snippet;
mod tokenizer;
