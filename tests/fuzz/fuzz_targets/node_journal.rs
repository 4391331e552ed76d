//! The frames of a node's journal, as found on disk after a crash.
#![no_main]

// The reader is private to the daemon.
#[allow(dead_code)]
#[path = "../../../node/src/journal/frame.rs"]
mod frame;

use frame::Frame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    let mut again = Vec::new();
    loop {
        match frame::read(&mut rest).expect("memory can be read") {
            Frame::Record(record) => frame::write(&mut again, &record).expect("memory can be written"),
            Frame::End => {
                assert_eq!(again, bytes, "whole records are the file");
                break;
            }
            Frame::Damaged => {
                assert!(bytes.starts_with(&again), "what stands before the damage is whole");
                break;
            }
        }
    }
});
