//! The wire contracts of Jarvis, generated from the `.proto` files beside this crate.
//!
//! * [`chat`] is what adapters and the brain say to each other; it is public, and an adapter may be
//!   written in any language.
//! * [`node`] is what a root (the brain) and its nodes say to each other.
//! * [`legacy`] is what jarviscore 0.7 nodes say to each other.
//! * [`crawler`] is how jarviscrawlercore, the predecessors' web crawler, is asked for a translation.
//! * [`wechaty`] is how a gateway with a WeChat account is used.
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

/// The contract of jarviscore 0.7. Its package is named `jarviscorepb` on the wire.
#[expect(
    non_camel_case_types,
    reason = "its methods begin with a small letter, and the generator names types after them"
)]
pub mod legacy {
    tonic::include_proto!("jarviscorepb");
}

/// The contract of jarviscrawlercore, as far as it translates.
#[expect(
    non_camel_case_types,
    reason = "its methods begin with a small letter, and the generator names types after them"
)]
pub mod crawler {
    tonic::include_proto!("jarviscrawlercore");
}

/// The contract of Wechaty's Puppet Service, as far as it is used here.
pub mod wechaty {
    tonic::include_proto!("wechaty");

    /// What is said over it.
    pub mod puppet {
        tonic::include_proto!("wechaty.puppet");
    }
}
