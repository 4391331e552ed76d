//! QQ. The official bot is in [`official`].

pub mod official;
