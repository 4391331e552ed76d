//! The two wire contracts of Jarvis, generated from the `.proto` files beside this crate.
//!
//! * [`chat`] is what adapters and the brain say to each other; it is public, and an adapter may be
//!   written in any language.
//! * [`node`] is what a root (the brain) and its nodes say to each other.
//!
//! The files are compiled with protox at build time. This crate depends on no other crate of the
//! workspace and holds no hand-written code: what the messages mean stands in their comments.

#![expect(
    missing_docs,
    reason = "prost gives generated accessors and modules no comments"
)]
#![expect(
    clippy::large_enum_variant,
    reason = "prost chooses the layout; frames are moved, not stored in bulk"
)]

/// The chat contract, version 1.
pub mod chat {
    tonic::include_proto!("jarvis.chat.v1");
}

/// The node contract, version 1.
pub mod node {
    tonic::include_proto!("jarvis.node.v1");
}
