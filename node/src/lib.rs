//! The `jarvis-node` daemon as a library: it runs the signed orders of the roots that it trusts.

#![allow(dead_code, reason = "the session that uses these parts comes next")]

mod clock;
pub mod config;
mod executor;
mod journal;
pub mod places;
mod trust;
