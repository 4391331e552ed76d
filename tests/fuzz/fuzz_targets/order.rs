//! What a node reads from the line: frames, and orders whose signature is still to be checked.
#![no_main]

use std::sync::LazyLock;

use jarvis_nodeclient::{Identity, check_order};
use jarvis_proto::node::{NodeFrame, Order, RootFrame, SignedOrder};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

static NODE: LazyLock<Identity> = LazyLock::new(Identity::generate);
static ROOT: LazyLock<Identity> = LazyLock::new(Identity::generate);

fuzz_target!(|bytes: &[u8]| {
    let _ = RootFrame::decode(bytes);
    let _ = NodeFrame::decode(bytes);
    let _ = Order::decode(bytes);
    if let Ok(signed) = SignedOrder::decode(bytes) {
        let checked = check_order(&signed, NODE.address(), |_| true, 0);
        assert!(checked.is_err(), "nobody has signed an order for this node");
    }
    // The same bytes, signed by a root that is trusted.
    let digest = Sha256::new().chain_update(b"jarvis order v1\0").chain_update(bytes).finalize();
    let signed = SignedOrder {
        order: bytes.to_vec().into(),
        signature: ROOT.sign(digest.into()).to_vec().into(),
        public_key: ROOT.public_key().to_vec().into(),
    };
    let _ = check_order(&signed, NODE.address(), |root| root == ROOT.address(), 0);
});
