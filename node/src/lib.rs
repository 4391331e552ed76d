//! The `jarvis-node` daemon as a library: it runs the signed orders of the roots that it trusts, and of
//! nobody else.
//!
//! * [`Node::start`] makes a node from an identity, a [`NodeConfig`] and the roots to dial; the binary
//!   and `jarvis up` both use it.
//! * An order is checked, written to the journal, acknowledged, carried out, and its ending is kept
//!   until the root has acknowledged it (`orders`, `ledger`, `journal`).
//! * Jobs run in a session of their own with a time limit (`executor`, `job`); after a restart what was
//!   left of them is killed and reported as lost (`recovery`).
//! * Files move in and out of allowed places only (`files`, [`places`]).
//! * A node is updated by its own scripts, or replaces its own program under the eyes of a guard that
//!   brings the old one back (`update`).
//! * Each root has at most one live session, and sees nothing of other roots' orders (`session`, `lines`).
//!
//! This crate depends on `jarvis-nodeclient` and `jarvis-proto`, and must stay small: no database, no
//! web framework, no chat.

mod clock;
pub mod config;
mod core;
mod docker;
mod executor;
mod facts;
mod files;
mod job;
mod journal;
mod kept;
mod ledger;
mod legacy;
mod lines;
mod node;
mod orders;
mod own_log;
pub mod places;
mod recovery;
mod refusal;
mod service;
mod session;
mod trust;
mod update;

pub use config::{
    ConfigError, ConfigFile, DockerConfig, LegacyListen, NodeConfig, Program, RootEntry,
    ServiceConfig, TrustSource,
};
pub use node::{Node, NodeCounts, NodeHandle, RootDial, StartError};
pub use update::{Guard, Restart};
