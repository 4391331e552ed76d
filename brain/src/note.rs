//! Notes: what people write down in chat, and finding it again in Chinese and English.

pub(crate) mod fold;
pub mod index;
mod places;
pub mod query;
pub(crate) mod service;
pub(crate) mod snippet;
mod tokenizer;
