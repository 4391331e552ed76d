//! How jarviscore signs: ECDSA over the first 32 bytes of a text, and no hash.
//!
//! What is covered is the message number, the type, and part of the receiver's address (in a
//! `CONNECT_NODE`: the time and part of the sender's). **The payload is never covered**: whoever has
//! seen one message of a type can put another payload under its signature. That is how it is on their
//! wire, and why a node of ours takes such orders only where its owner says so.

use std::fmt::Write as _;

use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::legacy::{JarvisMsg, Msgtype, Replytype};
use prost::Message as _;
use secp256k1::Message;
use secp256k1::ecdsa::Signature;

use super::key::{KeyError, public_key};
use crate::address::Address;
use crate::identity::Identity;

/// How much of the text is signed.
const SIGNED: usize = 32;

/// Why a message is not believed; the words go onto the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The public key is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The sender's address belongs to another key.
    #[error("public key and address do not match")]
    Address,
    /// A type that nobody signs, or one whose payload is missing.
    #[error("invalid msgtype")]
    Type,
    /// The signature does not fit.
    #[error("public key verify err")]
    Signature,
}

/// An enum's name as it is printed: its number when it has none.
fn name(value: i32, known: Option<&'static str>) -> String {
    known.map_or_else(|| value.to_string(), str::to_owned)
}

/// The whole text of a message of which the beginning is signed.
///
/// # Errors
/// For a type that nobody signs, or one whose payload is missing.
pub fn sign_buffer(message: &JarvisMsg) -> Result<Vec<u8>, SignatureError> {
    let kind = Msgtype::try_from(message.msg_type).map_err(|_| SignatureError::Type)?;
    let mut text = format!(
        "{}{}{}{}{}",
        message.msg_id,
        kind.as_str_name(),
        message.dest_addr,
        message.cur_time,
        message.src_addr
    );
    let with_reply = |mut text: String| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}", message.reply_msg_id);
        text
    };
    let payload = match (kind, message.data.as_ref()) {
        (Msgtype::ConnectNode, Some(Data::ConnInfo(it))) => it.encode_to_vec(),
        (Msgtype::NodeInfo | Msgtype::ReplyConnect, Some(Data::NodeInfo(it))) => it.encode_to_vec(),
        (Msgtype::RequestCtrl, Some(Data::CtrlInfo(it))) => it.encode_to_vec(),
        (Msgtype::ReplyCtrlResult, Some(Data::CtrlResult(it))) => it.encode_to_vec(),
        (
            Msgtype::TransferFile | Msgtype::TransferFile2 | Msgtype::ReplyRequestFile,
            Some(Data::File(it)),
        ) => it.encode_to_vec(),
        (Msgtype::RequestFile, Some(Data::RequestFile(it))) => it.encode_to_vec(),
        (Msgtype::Updatenode, Some(Data::UpdateNode(it))) => it.encode_to_vec(),
        (Msgtype::RequestMsgState, Some(Data::RequestMsgState(it))) => it.encode_to_vec(),
        (Msgtype::RequestNodes | Msgtype::ClearLogs | Msgtype::RequestLoglist, _) => Vec::new(),
        (Msgtype::Reply2, _) => {
            let reply = Replytype::try_from(message.reply_type).ok();
            text.push_str(&name(
                message.reply_type,
                reply.map(|reply| reply.as_str_name()),
            ));
            text.push_str(&message.err);
            text = with_reply(text);
            Vec::new()
        }
        (Msgtype::ReplyTransferFile, Some(Data::ReplyTransferFile(it))) => {
            text = with_reply(text);
            it.encode_to_vec()
        }
        (Msgtype::MultiMsg, Some(Data::MultiMsgData(it))) => {
            text = with_reply(text);
            it.encode_to_vec()
        }
        (Msgtype::ReplyMsgState, Some(Data::ReplyMsgState(it))) => {
            text = with_reply(text);
            it.encode_to_vec()
        }
        (Msgtype::RequestNodes2, Some(Data::RequestNodes2(it))) => {
            text = with_reply(text);
            it.encode_to_vec()
        }
        (Msgtype::ReplyMynodesversion, Some(Data::ReplyMyNodesVersion(it))) => {
            text = with_reply(text);
            it.encode_to_vec()
        }
        _ => return Err(SignatureError::Type),
    };
    let mut buffer = text.into_bytes();
    buffer.extend_from_slice(&payload);
    Ok(buffer)
}

/// What ECDSA is given: the first 32 bytes as a big-endian number. A shorter text is a smaller number.
#[must_use]
pub fn digest(buffer: &[u8]) -> [u8; SIGNED] {
    let signed = &buffer[..buffer.len().min(SIGNED)];
    let mut digest = [0; SIGNED];
    digest[SIGNED - signed.len()..].copy_from_slice(signed);
    digest
}

/// Puts key and signature into a message whose other fields are final.
///
/// # Errors
/// For a type that nobody signs, or one whose payload is missing.
pub fn sign(message: &mut JarvisMsg, identity: &Identity) -> Result<(), SignatureError> {
    let signature = identity.sign(digest(&sign_buffer(message)?));
    let (r, s) = signature.split_at(32);
    message.sign_r = without_zeros(r).to_vec().into();
    message.sign_s = without_zeros(s).to_vec().into();
    message.pub_key = identity.public_key().to_vec().into();
    Ok(())
}

/// Checks key, sender's address and signature; the sender.
///
/// # Errors
/// The first thing that is wrong, see [`SignatureError`].
pub fn verify(message: &JarvisMsg) -> Result<Address, SignatureError> {
    let key = public_key(&message.pub_key)?;
    let address = Address::of(&key);
    if message.src_addr != address.to_string() {
        return Err(SignatureError::Address);
    }
    let digest = digest(&sign_buffer(message)?);
    let is_signed = signature(&message.sign_r, &message.sign_s)
        .is_some_and(|signature| signature.verify(Message::from_digest(digest), &key).is_ok());
    is_signed
        .then_some(address)
        .ok_or(SignatureError::Signature)
}

/// A signature of two numbers of any length. High S is as good as low S on their wire.
pub(crate) fn signature(r: &[u8], s: &[u8]) -> Option<Signature> {
    let mut compact = [0; 64];
    for (number, half) in [r, s].into_iter().zip(compact.chunks_exact_mut(32)) {
        let number = without_zeros(number);
        half[32_usize.checked_sub(number.len())?..].copy_from_slice(number);
    }
    let mut signature = Signature::from_compact(&compact).ok()?;
    signature.normalize_s();
    Some(signature)
}

/// A big-endian number without its leading zero bytes.
fn without_zeros(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|byte| *byte != 0);
    &number[first.unwrap_or(number.len())..]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn garbage_never_panics(
            kind in -5_i32..40, key: Vec<u8>, r: Vec<u8>, s: Vec<u8>, source in ".{0,40}",
        ) {
            let message = JarvisMsg {
                msg_type: kind, pub_key: key.into(), sign_r: r.into(), sign_s: s.into(),
                src_addr: source, ..JarvisMsg::default()
            };
            prop_assert!(verify(&message).is_err());
        }

        #[test]
        fn what_we_sign_verifies(id in 0_i64.., time: i64, error in ".{0,60}", reply: i64) {
            let me = Identity::generate();
            let mut message = JarvisMsg {
                msg_id: id, cur_time: time, src_addr: me.address().to_string(),
                dest_addr: Identity::generate().address().to_string(),
                msg_type: Msgtype::Reply2.into(), err: error, reply_msg_id: reply,
                ..JarvisMsg::default()
            };
            sign(&mut message, &me).unwrap();
            prop_assert_eq!(verify(&message).unwrap(), me.address().clone());
        }
    }
}
