//! The brain: the service that decides.
//!
//! It owns accounts and their identities, finds and checks commands, runs jobs on nodes, keeps the
//! outbox and the audit log. (In other chat bots "brain" means storage; here it is the decider.)
//!
//! One folder per noun. `commands/` holds one file per command family, `store/` is the only place
//! with SQL, `service.rs` is the gRPC face that adapters speak to. It may depend on `jarvis-proto`,
//! `jarvis-nodeclient` and `jarvis-migrations`, and never asks which chat platform it talks to: it
//! asks for capabilities.

pub mod account;
mod activity;
pub mod answer;
pub mod audit;
pub mod blob;
pub mod brain;
pub mod clock;
pub mod code;
pub mod command;
pub mod commands;
pub mod config;
mod file;
pub mod fleet;
pub mod job;
mod join;
pub mod legacy;
pub mod note;
pub mod outbox;
pub mod people;
mod pipeline;
pub mod reply;
pub mod room;
pub mod service;
mod sign_in;
mod stopped;
pub mod store;
pub mod text;
pub mod translate;
mod upkeep;
pub mod watch;

pub use brain::{Brain, StartError};
pub use clock::Clock;
pub use config::{AdapterToken, BrainConfig, JobLimits, NodeEntry};
pub use join::program_of;
pub use service::{ServeError, ServeTls};
pub use translate::TranslateConfig;
pub use translate::engine::{EngineConfig, EngineKind};
pub use watch::WatchConfig;
