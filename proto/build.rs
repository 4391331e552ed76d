//! Compiles the `.proto` files with protox, so that no `protoc` has to be installed.

use std::error::Error;

const FILES: [&str; 6] = [
    "jarvis/chat/v1/chat.proto",
    "jarvis/node/v1/node.proto",
    "jarvis/legacy/v1/jarviscore.proto",
    "jarvis/legacy/v1/crawler.proto",
    "wechaty/messages.proto",
    "wechaty/puppet.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(FILES, ["."])?;
    let mut config = prost_build::Config::new();
    config.bytes(["."]);
    tonic_prost_build::configure().compile_fds_with_config(descriptors, config)?;
    Ok(())
}
