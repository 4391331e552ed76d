//! The node network in one process: real sessions over TCP and memory.

#![expect(clippy::unwrap_used, reason = "tests")]

mod net;
mod proofs;
mod sessions;
mod transfers;
