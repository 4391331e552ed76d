//! Signed orders: what a root tells one node to do.
//!
//! The signature covers every byte of the encoded order, and nobody encodes an order twice: the bytes
//! that were signed are the bytes that are checked, parsed and journalled.

use jarvis_proto::node::{Order, RefusedReason, SignedOrder, order};
use prost::Message;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::address::Address;
use crate::identity::{Identity, signer};

/// Separates orders from everything else that the same key signs.
const TAG: &[u8] = b"jarvis order v1\0";

/// The most bytes of an encoded order (scripts and standard input travel inside it).
pub const MOST_ORDER_BYTES: usize = 3 << 20;

/// What to put in an order; root and node are added when it is signed.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderSpec {
    /// UUIDv7 text, used once.
    pub id: String,
    /// Root's clock, Unix milliseconds.
    pub issued_ms: i64,
    /// Root's clock, Unix milliseconds; a node does not begin the order after this.
    pub expires_ms: i64,
    /// What to do.
    pub body: order::Body,
}

/// Why a node refuses an order before it looks at what is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Signed by nobody whom this node obeys.
    #[error("root {0} is not trusted here")]
    UntrustedRoot(Address),
    /// The signature does not fit the bytes, or the key does not fit the root named in the order.
    #[error("the signature does not fit the order")]
    BadSignature,
    /// Meant for another node.
    #[error("the order is for node `{0}`")]
    WrongNode(String),
    /// Its time is over.
    #[error("the order expired {late_ms} ms ago")]
    Expired {
        /// How long ago, in milliseconds by the root's clock.
        late_ms: i64,
    },
    /// Not an order, or one with impossible content.
    #[error("the order is malformed: {0}")]
    Malformed(&'static str),
}

impl OrderError {
    /// The reason as it is told to the root.
    #[must_use]
    pub fn reason(&self) -> RefusedReason {
        match self {
            Self::UntrustedRoot(_) => RefusedReason::UntrustedRoot,
            Self::BadSignature => RefusedReason::BadSignature,
            Self::WrongNode(_) => RefusedReason::WrongNode,
            Self::Expired { .. } => RefusedReason::Expired,
            Self::Malformed(_) => RefusedReason::Malformed,
        }
    }
}

/// An order whose signature, sender, addressee and age are good.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedOrder {
    /// The order, with a body.
    pub order: Order,
    /// The trusted root that signed it.
    pub root: Address,
    /// SHA-256 over the tag and the signed bytes: names these very bytes, to tell a repeated order
    /// from another one under a used id.
    pub digest: [u8; 32],
}

/// Signs an order of `identity` to `node`.
#[must_use]
pub fn sign_order(identity: &Identity, node: &Address, spec: OrderSpec) -> SignedOrder {
    let order = Order {
        id: spec.id,
        root: identity.address().to_string(),
        node: node.to_string(),
        issued_ms: spec.issued_ms,
        expires_ms: spec.expires_ms,
        body: Some(spec.body),
    }
    .encode_to_vec();
    SignedOrder {
        signature: identity.sign(digest(&order)).to_vec().into(),
        public_key: identity.public_key().to_vec().into(),
        order: order.into(),
    }
}

/// Checks all about an order that does not depend on what it asks for. `now_root_ms` is the root's
/// clock as the node knows it, in Unix milliseconds.
///
/// The signature is checked before anything in the order is believed. Whether the order is new or a
/// repetition is for the node's journal to tell.
///
/// # Errors
/// The first thing that is wrong, see [`OrderError`].
pub fn check_order(
    signed: &SignedOrder,
    me: &Address,
    is_trusted: impl Fn(&Address) -> bool,
    now_root_ms: i64,
) -> Result<CheckedOrder, OrderError> {
    if signed.order.len() > MOST_ORDER_BYTES {
        return Err(OrderError::Malformed("it is too large"));
    }
    let digest = digest(&signed.order);
    let root =
        signer(digest, &signed.public_key, &signed.signature).ok_or(OrderError::BadSignature)?;
    if !is_trusted(&root) {
        return Err(OrderError::UntrustedRoot(root));
    }
    let order = Order::decode(signed.order.clone())
        .map_err(|_| OrderError::Malformed("its bytes are no order"))?;
    if order.root != root.to_string() {
        return Err(OrderError::BadSignature);
    }
    if order.node != me.to_string() {
        return Err(OrderError::WrongNode(order.node.chars().take(64).collect()));
    }
    // The id names files in the node's journal: only the one plain form is let in.
    if !Uuid::try_parse(&order.id).is_ok_and(|id| id.to_string() == order.id) {
        return Err(OrderError::Malformed("its id is no UUID"));
    }
    if order.body.is_none() {
        return Err(OrderError::Malformed(
            "it asks for nothing that this node knows",
        ));
    }
    if now_root_ms > order.expires_ms {
        let late_ms = now_root_ms.saturating_sub(order.expires_ms);
        return Err(OrderError::Expired { late_ms });
    }
    Ok(CheckedOrder {
        order,
        root,
        digest,
    })
}

/// What is signed.
fn digest(order: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(TAG)
        .chain_update(order)
        .finalize()
        .into()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jarvis_proto::node::{CancelOrder, RunJob};
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_000_000;

    fn spec(script: &str) -> OrderSpec {
        OrderSpec {
            id: Uuid::now_v7().to_string(),
            issued_ms: NOW,
            expires_ms: NOW + 60_000,
            body: order::Body::Run(RunJob {
                script: script.into(),
                ..RunJob::default()
            }),
        }
    }

    struct Pair {
        root: Identity,
        node: Identity,
    }

    impl Pair {
        fn new() -> Self {
            Self {
                root: Identity::generate(),
                node: Identity::generate(),
            }
        }

        fn sign(&self, spec: OrderSpec) -> SignedOrder {
            sign_order(&self.root, self.node.address(), spec)
        }

        fn check(&self, signed: &SignedOrder) -> Result<CheckedOrder, OrderError> {
            check_order(
                signed,
                self.node.address(),
                |root| root == self.root.address(),
                NOW,
            )
        }
    }

    #[test]
    fn a_good_order_passes_with_its_content() {
        let pair = Pair::new();
        let signed = pair.sign(spec("echo hi"));
        let checked = pair.check(&signed).unwrap();
        assert_eq!(&checked.root, pair.root.address());
        assert_eq!(checked.order.encode_to_vec(), signed.order);
        assert_eq!(pair.check(&signed).unwrap().digest, checked.digest);
        assert_ne!(
            pair.check(&pair.sign(spec("echo hi"))).unwrap().digest,
            checked.digest
        );
    }

    #[test]
    fn a_script_cannot_be_replaced_under_a_valid_signature() {
        let pair = Pair::new();
        let mut signed = pair.sign(spec("echo hi"));
        let other = pair.sign(spec("rm -rf /"));
        signed.order = other.order;
        assert_eq!(pair.check(&signed), Err(OrderError::BadSignature));
    }

    #[test]
    fn a_stranger_is_not_obeyed_whatever_root_the_order_names() {
        let pair = Pair::new();
        let stranger = Identity::generate();
        let signed = sign_order(&stranger, pair.node.address(), spec("id"));
        let refused = OrderError::UntrustedRoot(stranger.address().clone());
        assert_eq!(pair.check(&signed), Err(refused));

        // The stranger's key under an order that names the trusted root.
        let mut forged = pair.sign(spec("id"));
        forged.signature = stranger.sign(digest(&forged.order)).to_vec().into();
        assert_eq!(pair.check(&forged), Err(OrderError::BadSignature));
        forged.public_key = stranger.public_key().to_vec().into();
        assert!(matches!(
            pair.check(&forged),
            Err(OrderError::UntrustedRoot(_))
        ));
    }

    #[test]
    fn one_trusted_root_cannot_sign_in_the_name_of_another() {
        let pair = Pair::new();
        let second = Identity::generate();
        let mut signed = pair.sign(spec("id"));
        signed.signature = second.sign(digest(&signed.order)).to_vec().into();
        signed.public_key = second.public_key().to_vec().into();
        let checked = check_order(&signed, pair.node.address(), |_| true, NOW);
        assert_eq!(checked, Err(OrderError::BadSignature));
    }

    #[test]
    fn an_order_for_another_node_is_refused() {
        let pair = Pair::new();
        let other = Identity::generate();
        let signed = sign_order(&pair.root, other.address(), spec("id"));
        assert_eq!(
            pair.check(&signed),
            Err(OrderError::WrongNode(other.address().to_string()))
        );
    }

    #[test]
    fn an_old_order_is_refused() {
        let pair = Pair::new();
        let mut last_moment = spec("id");
        last_moment.expires_ms = NOW;
        assert!(pair.check(&pair.sign(last_moment.clone())).is_ok());
        last_moment.expires_ms = NOW - 5;
        let late = Err(OrderError::Expired { late_ms: 5 });
        assert_eq!(pair.check(&pair.sign(last_moment.clone())), late);
        last_moment.expires_ms = i64::MIN;
        assert!(pair.check(&pair.sign(last_moment)).is_err());
    }

    #[test]
    fn impossible_content_is_malformed() {
        let pair = Pair::new();
        for id in [
            "",
            "1",
            "../../etc/passwd",
            "0192F0C1-0000-7000-8000-000000000000",
        ] {
            let mut odd = spec("id");
            odd.id = id.into();
            let refused = pair.check(&pair.sign(odd)).unwrap_err();
            assert_eq!(refused.reason(), RefusedReason::Malformed, "{id}");
        }
        let large = pair.sign(spec(&"x".repeat(MOST_ORDER_BYTES)));
        assert_eq!(
            pair.check(&large).unwrap_err().reason(),
            RefusedReason::Malformed
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn one_changed_bit_anywhere_is_found(
            script in ".{0,60}",
            place in any::<prop::sample::Index>(),
            bit in 0_u32..8,
        ) {
            let pair = Pair::new();
            let good = pair.sign(spec(&script));
            let mut bytes = good.encode_to_vec();
            bytes[place.index(good.encoded_len())] ^= 1 << bit;
            if let Ok(changed) = SignedOrder::decode(bytes.as_slice()) {
                prop_assert!(changed == good || pair.check(&changed).is_err());
            }
        }

        #[test]
        fn garbage_never_panics(order: Vec<u8>, signature: Vec<u8>, public_key: Vec<u8>) {
            let pair = Pair::new();
            let signed = SignedOrder {
                order: order.into(), signature: signature.into(), public_key: public_key.into(),
            };
            prop_assert!(pair.check(&signed).is_err());
        }

        #[test]
        fn garbage_under_a_good_signature_never_panics(order: Vec<u8>) {
            let pair = Pair::new();
            let signed = SignedOrder {
                signature: pair.root.sign(digest(&order)).to_vec().into(),
                public_key: pair.root.public_key().to_vec().into(),
                order: order.into(),
            };
            prop_assert!(pair.check(&signed).is_err());
        }

        #[test]
        fn every_signed_order_checks(grace_ms: u64, id in any::<u128>(), life in 0_i64..i64::MAX / 2) {
            let pair = Pair::new();
            let signed = pair.sign(OrderSpec {
                id: Uuid::from_u128(id).to_string(),
                issued_ms: NOW,
                expires_ms: NOW + life,
                body: order::Body::Cancel(CancelOrder { order: String::new(), grace_ms }),
            });
            prop_assert!(pair.check(&signed).is_ok());
        }
    }
}
