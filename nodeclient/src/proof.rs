//! Proofs: how each side of a session shows which key it holds, on this very connection.
//!
//! The TLS exporter value is known only to the two ends of one TLS connection. Whoever sits in the
//! middle has two connections with two values, and can pass on neither side's proof.

use jarvis_proto::node::Proof;
use sha2::{Digest, Sha256};

use crate::address::Address;
use crate::identity::{Identity, signer};

/// Separates proofs from everything else that the same key signs.
const TAG: &[u8] = b"jarvis session v1\0";

/// Who proves; part of what is signed, so that nobody can be sent his own proof back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Root = 1,
    Node = 2,
}

/// Proves the identity on the connection that has this exporter value.
pub(crate) fn prove(identity: &Identity, role: Role, exporter: &[u8; 32], time_ms: i64) -> Proof {
    let public_key = identity.public_key();
    let signature = identity.sign(digest(role, exporter, &public_key, time_ms));
    Proof {
        public_key: public_key.to_vec().into(),
        signature: signature.to_vec().into(),
        time_ms,
        join: None,
    }
}

/// The address that a proof proves, or nothing when it does not fit this connection and role.
pub(crate) fn proven(proof: &Proof, role: Role, exporter: &[u8; 32]) -> Option<Address> {
    let digest = digest(role, exporter, &proof.public_key, proof.time_ms);
    signer(digest, &proof.public_key, &proof.signature)
}

fn digest(role: Role, exporter: &[u8; 32], public_key: &[u8], time_ms: i64) -> [u8; 32] {
    Sha256::new()
        .chain_update(TAG)
        .chain_update([role as u8])
        .chain_update(exporter)
        .chain_update(public_key)
        .chain_update(time_ms.to_be_bytes())
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_proof_fits_one_connection_one_role_and_one_time() {
        let identity = Identity::generate();
        let proof = prove(&identity, Role::Root, &[1; 32], 5);
        assert_eq!(
            proven(&proof, Role::Root, &[1; 32]).as_ref(),
            Some(identity.address())
        );
        assert_eq!(proven(&proof, Role::Node, &[1; 32]), None);
        assert_eq!(proven(&proof, Role::Root, &[2; 32]), None);
        let later = Proof {
            time_ms: 6,
            ..proof
        };
        assert_eq!(proven(&later, Role::Root, &[1; 32]), None);
    }

    proptest! {
        #[test]
        fn garbage_proves_nothing(public_key: Vec<u8>, signature: Vec<u8>, time_ms: i64) {
            let proof = Proof { public_key: public_key.into(), signature: signature.into(), time_ms, join: None };
            prop_assert_eq!(proven(&proof, Role::Node, &[0; 32]), None);
        }
    }
}
