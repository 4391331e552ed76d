//! Notes: what people write down in chat, and finding it again in Chinese and English.

mod fold;
pub mod index;
pub mod query;
mod tokenizer;
