//! The configuration file of a node.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = jarvis_node::config::parse(Path::new("/etc/jarvis/node.toml"), text);
});
