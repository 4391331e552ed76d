//! One order, signed by its root and checked by its node.

use std::time::Instant;

use anyhow::Result;
use jarvis_nodeclient::{Identity, OrderSpec, check_order, sign_order, unix_ms};
use secp256k1::{Message, PublicKey, SecretKey, ecdsa};
use uuid::Uuid;

use crate::network::echo_hi;
use crate::table::{Goal, Table, Times};

const ROUNDS: usize = 5_000;

/// Against one signature and its check by libsecp256k1 alone.
pub(crate) fn sign_and_verify(table: &mut Table) -> Result<()> {
    let (root, node) = (Identity::generate(), Identity::generate());
    let secret = SecretKey::new(&mut secp256k1::rand::rng());
    let public = PublicKey::from_secret_key(&secret);
    let now_ms = unix_ms();
    let (mut floor, mut ours) = (Times::default(), Times::default());
    for round in 0..ROUNDS {
        let mut digest = [7; 32];
        digest[..8].copy_from_slice(&round.to_be_bytes());
        let begun = Instant::now();
        let message = Message::from_digest(digest);
        let signature = ecdsa::sign(message, &secret);
        ecdsa::verify(&signature, message, &public)?;
        floor.push(begun.elapsed());

        let spec = OrderSpec {
            id: Uuid::now_v7().to_string(),
            issued_ms: now_ms,
            expires_ms: now_ms + 60_000,
            body: echo_hi(),
        };
        let begun = Instant::now();
        let signed = sign_order(&root, node.address(), spec);
        check_order(&signed, node.address(), |who| who == root.address(), now_ms)?;
        ours.push(begun.elapsed());
    }
    let what = "one order signed and verified; floor libsecp256k1";
    table.times(what, &floor, &ours, Goal::AtMost(1.3));
    Ok(())
}
