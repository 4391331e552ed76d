//! What the real library made and says, compared with ours byte for byte.

use bytes::Bytes;
use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::legacy::{AnyData, FileData, JarvisMsg, Msgtype, MultiMsgData};
use prost::Message as _;
use secp256k1::Message;
use serde_json::Value;

use super::chunk::{PIECE, Pieces};
use super::key;
use super::names::{
    is_local_host, is_node_name, is_own_address, is_server_address, md5_text, nodes_version,
};
use super::signature::{digest, sign, sign_buffer, signature, verify};
use crate::identity::Identity;

fn vectors(of: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../tests/legacy/vectors.json")).unwrap();
    all[of].clone()
}

fn list(of: &Value) -> &Vec<Value> {
    let list = of.as_array().unwrap();
    assert!(!list.is_empty());
    list
}

fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or_else(|| panic!("{key} in {of}"))
}

fn bytes(of: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(of, key)).unwrap()
}

fn error(of: &Value, key: &str) -> Option<String> {
    of[key].as_str().map(str::to_owned)
}

#[test]
fn keys_addresses_and_their_texts() {
    for it in list(&vectors("keys")) {
        let name = text(it, "name");
        let identity = key::from_secret(&bytes(it, "priv_hex")).unwrap();
        assert_eq!(identity.address().to_string(), text(it, "addr"), "{name}");
        assert_eq!(
            identity.public_key().to_vec(),
            bytes(it, "pub_hex"),
            "{name}"
        );
        assert_eq!(key::base58(&identity.public_key()), text(it, "pub_base58"));
        assert_eq!(key::base58(&bytes(it, "priv_hex")), text(it, "priv_base58"));
        let mut wif = bytes(it, "priv_hex");
        wif.push(1);
        assert_eq!(key::base58_check(0x80, &wif), text(it, "wifc"));
        // Both text forms lead back, also where the reference loses zeros.
        for again in [
            key::from_wif(text(it, "wifc")).unwrap(),
            key::from_stored(text(it, "priv_base58")).unwrap(),
        ] {
            assert_eq!(again.address(), identity.address(), "{name}");
        }
        let lost = key::from_base58(text(it, "priv_base58")).unwrap();
        assert_eq!(it["priv_base58_decodes_to_len"], lost.len(), "{name}");
        crate::address::Address::parse(text(it, "addr")).unwrap();
    }
}

#[test]
fn base58_in_all_its_forms() {
    let all = vectors("base58");
    for it in list(&all["encode"]) {
        assert_eq!(key::base58(&bytes(it, "hex")), text(it, "b58"));
        let back = key::from_base58(text(it, "b58")).unwrap();
        assert_eq!(back, bytes(it, "decodes_to"));
    }
    for it in list(&all["decode"]) {
        let ours = key::from_base58(text(it, "b58"));
        assert_eq!(
            ours.clone().err().map(|error| error.to_string()),
            error(it, "error")
        );
        assert_eq!(ours.unwrap_or_default(), bytes(it, "hex"));
    }
    for it in list(&all["check_encode"]) {
        let version = u8::try_from(it["version"].as_u64().unwrap()).unwrap();
        let encoded = key::base58_check(version, &bytes(it, "hex"));
        assert_eq!(encoded, text(it, "b58check"));
    }
    for it in list(&all["check_decode"]) {
        let ours = key::from_base58_check(text(it, "b58check"));
        let said = ours.as_ref().err().map(ToString::to_string);
        assert_eq!(said, error(it, "error"), "{it}");
        let (version, payload) = ours.unwrap_or_default();
        assert_eq!(
            (it["version"].as_u64(), payload),
            (Some(version.into()), bytes(it, "hex"))
        );
    }
    for it in list(&all["wif"]) {
        let ours = key::from_wif(text(it, "wif"));
        let said = ours.err().map(|error| error.to_string());
        assert_eq!(said, error(it, "from_wifc_error"), "{it}");
    }
}

#[test]
fn what_is_no_key_is_named_in_the_same_words() {
    for it in list(&vectors("privkey_errors")) {
        let said = key::from_secret(&bytes(it, "hex")).unwrap_err().to_string();
        assert_eq!(Some(said), error(it, "error"));
    }
    for it in list(&vectors("pubkey_errors")) {
        let said = key::public_key(&bytes(it, "hex")).unwrap_err().to_string();
        assert_eq!(Some(said), error(it, "error"));
    }
    let rejected = [
        "0250863AD64A87AE8A2FE83C1AF1A8403CB53F53E486D8511DAD8A04887E5B23",
        "0450863AD64A87AE8A2FE83C1AF1A8403CB53F53E486D8511DAD8A04887E5B23522CD470243453A299FA9E77237716103ABC11A1DF38855ED6F2EE187E9C582B",
        "03A83B8DFF93467D3A88D959C0EB4032FFFF3BF80F175D4D9E75892A3EBB8FF7E5",
        "02c8e337cee51ae9af3c0ef923705a0cb1b76f7e8463b3d3060a1c8d795f9630fd",
    ];
    for hex in rejected {
        assert!(
            key::public_key(&hex::decode(hex).unwrap()).is_err(),
            "{hex}"
        );
    }
    for (wif, said) in [
        (
            "5T3IW5p",
            "Invalid base-58 character encountered: 'I', index 3",
        ),
        ("6wi", "Invalid base-58 check string: missing checksum"),
        (
            "6Mcb23muAxyXaSMhmB6B1mqkvLdWhtuFZmnZsxDczHRraMcNG",
            "Invalid base-58 check string: invalid checksum",
        ),
        (
            "huzKTSifqNioknFPsoA7uc359rRHJQHRg42uiKn6P8Rnv5qxV5",
            "Invalid WIF version",
        ),
        (
            "yPoVP5njSzmEVK4VJGRWWAwqnwCyLPRcMm5XyrKgYUpeXtGyM",
            "Invalid private key, len fail",
        ),
        (
            "Kx45GeUBSMPReYQwgXiKhG9FzNXrnCeutJp4yjTd5kKxCj6CAKu3",
            "Invalid private key, unknown suffix byte",
        ),
    ] {
        let error = key::from_wif(wif).unwrap_err().to_string();
        assert!(error.starts_with(said), "{wif}: {error}");
    }
}

#[test]
fn signatures_of_plain_bytes() {
    for it in list(&vectors("raw_sign")) {
        let signature = signature(&bytes(it, "r"), &bytes(it, "s")).unwrap();
        let key = key::public_key(&bytes(it, "pub")).unwrap();
        let fits = |data: &[u8]| {
            signature
                .verify(Message::from_digest(digest(data)), &key)
                .is_ok()
        };
        let data = bytes(it, "data");
        assert_eq!(it["verify"], fits(&data), "{it}");
        let padded = |is_left: bool| {
            let mut padded = vec![0; 32];
            let at = if is_left { 32 - data.len() } else { 0 };
            padded[at..at + data.len()].copy_from_slice(&data);
            padded
        };
        for (key, is_left) in [
            ("verify_padded_left_with_zeros_to_32", true),
            ("verify_padded_right_with_zeros_to_32", false),
        ] {
            if let Some(expected) = it[key].as_bool() {
                assert_eq!(fits(&padded(is_left)), expected, "{it}");
            }
        }
        if let Some(expected) = it["verify_of_first_32_bytes_only"].as_bool() {
            assert_eq!(fits(&data[..32]), expected);
            let other = [&data[..32], b"something else"].concat();
            assert_eq!(it["verify_of_other_tail"], fits(&other));
        }
    }
}

/// Decoded, encoded again, signed text, verdict: all as the library has them.
fn check_message(it: &Value) {
    let name = text(it, "name");
    let wire = bytes(it, "wire");
    let message = JarvisMsg::decode(wire.as_slice()).unwrap();
    assert_eq!(
        hex::encode(message.encode_to_vec()),
        text(it, "wire"),
        "{name}"
    );
    assert_eq!(message.pub_key, bytes(it, "pub_key"), "{name}");
    assert_eq!(it["msg_type_num"], message.msg_type, "{name}");
    if let Ok(kind) = Msgtype::try_from(message.msg_type) {
        assert_eq!(kind.as_str_name(), text(it, "msg_type"), "{name}");
    }
    let fields = &it["fields"];
    assert_eq!(
        fields["destAddr"].as_str().unwrap_or_default(),
        message.dest_addr,
        "{name}"
    );
    let id = fields["msgID"].as_str().map_or(0, |id| id.parse().unwrap());
    assert_eq!(message.msg_id, id, "{name}");
    if let Some(signed) = it["sign_buf"].as_str() {
        let buffer = sign_buffer(&message).unwrap();
        assert_eq!(hex::encode(&buffer), signed, "{name}");
        assert_eq!(hex::encode(digest(&buffer)), text(it, "digest"), "{name}");
    } else {
        assert!(sign_buffer(&message).is_err(), "{name}");
    }
    let said = verify(&message).err().map(|error| error.to_string());
    assert_eq!(said, error(it, "verify_error"), "{name}");
}

#[test]
fn messages_are_encoded_signed_and_verified_as_the_library_does() {
    let alice = alice();
    for it in list(&vectors("messages")) {
        check_message(it);
        // Signed anew by the same key it verifies as well, with all other bytes as they were.
        let theirs = JarvisMsg::decode(bytes(it, "wire").as_slice()).unwrap();
        let mut ours = theirs.clone();
        sign(&mut ours, &alice).unwrap();
        assert_eq!(verify(&ours).unwrap(), *alice.address());
        (ours.sign_r, ours.sign_s) = (theirs.sign_r.clone(), theirs.sign_s.clone());
        assert_eq!(ours, theirs);
    }
}

#[test]
fn odd_signatures_and_forged_messages_are_judged_as_the_library_does() {
    for of in [
        "odd_signatures_accepted",
        "tampered_accepted",
        "tampered_rejected",
    ] {
        for it in list(&vectors(of)) {
            check_message(it);
            assert_eq!(
                it["verify_error"].is_null(),
                of != "tampered_rejected",
                "{it}"
            );
        }
    }
}

#[test]
fn the_messages_of_the_specification() {
    // Appendix B of the wire description: high S, low S, high S.
    for wire in [
        "1080e2cfaa061a20704f620b0670d79fc79a385e956b9715ae3f3364bfdeda8035088adaae9123132220af791895370005374a8569bba778a96db47f5235b238bf3b3d7e02f53e0815d02a210250863ad64a87ae8a2fe83c1af1a8403cb53f53e486d8511dad8a04887e5b2352322231504d796361636e4a61537177774a716a6177584245726e4c735a37526b585541733a2231504d796361636e4a61537177774a716a6177584245726e4c735a37526b5855417348016001ba06600a0e3132372e302e302e313a37373838124e0a0e3132372e302e302e313a37373839122231504d796361636e4a61537177774a716a6177584245726e4c735a37526b585541731a056e6f6465312205302e312e302a01743207302e372e323132",
        "08071080e2cfaa061a20791cc0c3f62c166b2e2af1779046575f89fffd5519f692fcf3ec7bd43b645e862220321e53740572626de8b1deb9ec6fbb8d8f55103c2d9c86638744925152fe6a562a210250863ad64a87ae8a2fe83c1af1a8403cb53f53e486d8511dad8a04887e5b2352322231504d796361636e4a61537177774a716a6177584245726e4c735a37526b585541733a2231504d796361636e4a61537177774a716a6177584245726e4c735a37526b585541734222314368614c696b42433545327554434137475a683976614d514d75527437683179714804aa065e120b73637269707466696c6533c23e4e0a30747970652e676f6f676c65617069732e636f6d2f6a6172766973636f726570622e4374726c5363726970743344617461121a0a0f0a076563686f2068691204612e73681201621201631a0173",
        "1080e2cfaa061a20fe561cd169841d58c3558bb86a17b879c2b77cf006174b7fe53a39642852d8c0222084d5cf5c8a4acf0321cdcc459f9f4f975fc1f9f379634ac3fdeef9d8a13f6a952a210250863ad64a87ae8a2fe83c1af1a8403cb53f53e486d8511dad8a04887e5b2352322231504d796361636e4a61537177774a716a6177584245726e4c735a37526b585541733a2231504d796361636e4a61537177774a716a6177584245726e4c735a37526b585541734222314368614c696b42433545327554434137475a683976614d514d75527437683179714814500660066807",
    ] {
        let message = JarvisMsg::decode(hex::decode(wire).unwrap().as_slice()).unwrap();
        assert_eq!(
            verify(&message).unwrap().to_string(),
            "1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs"
        );
        assert_eq!(hex::encode(message.encode_to_vec()), wire);
    }
}

fn alice() -> Identity {
    let keys = vectors("keys");
    key::from_secret(&bytes(&keys[0], "priv_hex")).unwrap()
}

#[test]
fn payloads_of_scripts() {
    for it in list(&vectors("any")) {
        let any = AnyData {
            type_url: text(it, "type_url").to_owned(),
            value: bytes(it, "value").into(),
        };
        assert_eq!(any.encode_to_vec(), bytes(it, "wire"));
        assert_eq!(AnyData::decode(bytes(it, "wire").as_slice()).unwrap(), any);
    }
}

fn pattern(size: usize) -> Vec<u8> {
    (0..size)
        .map(|i| u8::try_from((i * 31 + (i >> 8) * 17 + 7) & 0xff).unwrap())
        .collect()
}

#[test]
fn files_are_cut_where_the_library_cuts_them() {
    for it in list(&vectors("file_chunks")["cases"]) {
        let size = usize::try_from(it["size"].as_u64().unwrap()).unwrap();
        let bytes = pattern(size);
        assert_eq!(md5_text(&bytes), text(it, "file_md5"));
        let pieces: Vec<FileData> = Pieces::new(bytes.as_slice(), "f", size as u64)
            .collect::<std::io::Result<_>>()
            .unwrap();
        let expected = list(&it["send_buffer_chunks"]);
        assert_eq!(pieces.len(), expected.len());
        for (piece, expected) in pieces.iter().zip(expected) {
            assert_eq!(expected["buf_len"], piece.file.len());
            assert_eq!(
                expected["file_md5"].as_str().unwrap_or_default(),
                piece.file_md5_string
            );
            assert_eq!(expected["ft"], piece.ft);
            assert_eq!(expected["is_end"], !piece.file_md5_string.is_empty());
            assert_eq!(expected["length"], piece.length);
            assert_eq!(text(expected, "md5"), piece.md5_string);
            assert_eq!(expected["start"], piece.start);
            assert_eq!(expected["total_length"], piece.total_length);
        }
    }
}

#[test]
fn names_addresses_and_versions() {
    for it in list(&vectors("node_names")) {
        assert_eq!(it["valid"], is_node_name(text(it, "name")), "{it}");
    }
    for it in list(&vectors("serv_addrs")) {
        assert_eq!(it["valid"], is_server_address(text(it, "addr")), "{it}");
    }
    for it in list(&vectors("is_my_serv_addr")) {
        let is_mine = is_own_address(text(it, "dest"), text(it, "my_bind"));
        assert_eq!(it["is_me"], is_mine, "{it}");
    }
    for it in list(&vectors("is_localhost")) {
        assert_eq!(it["localhost"], is_local_host(text(it, "addr")), "{it}");
    }
    for it in list(&vectors("md5")) {
        assert_eq!(md5_text(text(it, "text").as_bytes()), text(it, "md5"));
    }
    for it in list(&vectors("nodes_version")["cases"]) {
        let nodes = it["nodes"].as_array().unwrap();
        let nodes = nodes.iter().map(|node| {
            (
                text(node, "servAddr"),
                text(node, "addr"),
                text(node, "name"),
            )
        });
        assert_eq!(nodes_version(nodes), text(it, "version"));
    }
    let observed = [
        (
            "127.0.0.1:5091",
            "12cFVzZdAVzZ8w9AVJwj3CPJDEmyCEpbVB",
            "test5091_requestscript31",
        ),
        (
            "127.0.0.1:5092",
            "1Bc3kr2huVb4J7jPfk3GPWJczawgcjRyHu",
            "test5092_requestscript32",
        ),
    ];
    assert_eq!(nodes_version(observed), "cf849bc2767e7396b26dce87a3cad4dc");
}

/// A message in pieces, as the library would cut it. Nobody sends or reads such pieces; that they come
/// out the same shows that large messages are encoded the same.
fn multi(inner: &JarvisMsg) -> Vec<MultiMsgData> {
    let whole = inner.encode_to_vec();
    if whole.len() <= PIECE {
        return Vec::new();
    }
    let count = whole.len().div_ceil(PIECE);
    let piece = |(at, buf): (usize, &[u8])| MultiMsgData {
        total_msg_length: i64::try_from(whole.len()).unwrap(),
        cur_msg_index: i32::try_from(at * PIECE).unwrap(),
        buf: Bytes::copy_from_slice(buf),
        cur_md5: md5_text(buf),
        total_md5: if at + 1 == count {
            md5_text(&whole)
        } else {
            String::new()
        },
    };
    whole.chunks(PIECE).enumerate().map(piece).collect()
}

#[test]
fn large_messages_are_encoded_as_the_library_does() {
    let keys = vectors("keys");
    let (alice, bob) = (text(&keys[0], "addr"), text(&keys[1], "addr"));
    for it in list(&vectors("multi_msg")["cases"]) {
        let size = usize::try_from(it["inner_file_size"].as_u64().unwrap()).unwrap();
        let inner = JarvisMsg {
            msg_id: 5,
            cur_time: 1_700_000_000,
            src_addr: alice.to_owned(),
            my_addr: alice.to_owned(),
            dest_addr: bob.to_owned(),
            msg_type: Msgtype::TransferFile.into(),
            reply_msg_id: 3,
            data: Some(Data::File(FileData {
                file: pattern(size).into(),
                filename: "f".to_owned(),
                ..FileData::default()
            })),
            ..JarvisMsg::default()
        };
        assert_eq!(it["inner_wire_len"], inner.encoded_len());
        assert_eq!(md5_text(&inner.encode_to_vec()), text(it, "inner_wire_md5"));
        let pieces = multi(&inner);
        let expected = it["parts"].as_array().cloned().unwrap_or_default();
        assert_eq!(pieces.len(), expected.len());
        for (piece, expected) in pieces.iter().zip(&expected) {
            assert_eq!(expected["buf_len"], piece.buf.len());
            assert_eq!(text(expected, "cur_md5"), piece.cur_md5);
            assert_eq!(expected["cur_msg_index"], piece.cur_msg_index);
            assert_eq!(text(expected, "total_md5"), piece.total_md5);
            assert_eq!(expected["total_msg_length"], piece.total_msg_length);
        }
    }
}

#[test]
fn constants() {
    let all = vectors("constants");
    assert_eq!(all["BigFileLength"], PIECE);
    assert_eq!(all["VERSION"], super::CORE_VERSION);
    assert_eq!(all["MsgTimeoutSeconds"], super::CLOCK_TOLERANCE_S);
    assert_eq!(all["TimeMsgState"], super::STATE_EVERY.as_secs());
    assert_eq!(all["TimeClearEndMsgState"], super::ENDED_KEPT.as_secs());
    assert_eq!(all["TimeReconnect"], super::backoff::RECONNECT_S);
    assert_eq!(all["TimeFailedServAddr"], super::backoff::FAILED_ADDRESS_S);
    assert_eq!(
        all["NumsReconnectFailedServAddr"],
        super::backoff::MOST_ADDRESS_FAILURES
    );
    let pauses: Vec<i64> = serde_json::from_value(all["LastTimeDeprecated"].clone()).unwrap();
    assert_eq!(pauses, super::backoff::PAUSES_S);
}
