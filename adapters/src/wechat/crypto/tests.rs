#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;

use super::*;

/// Made and checked with two public libraries of the platform.
const VECTORS: &str = include_str!("../vectors.json");

fn vectors(group: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    vectors[group].as_array().unwrap().clone()
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap()
}

fn envelope(vector: &Value) -> Envelope {
    Envelope::new(
        text(vector, "token").into(),
        &text(vector, "encoding_aes_key").into(),
        text(vector, "receiveid"),
    )
    .unwrap()
}

fn open(vector: &Value, encrypted: &str) -> Result<String, Refused> {
    envelope(vector)
        .open(
            text(vector, "msg_signature"),
            text(vector, "timestamp"),
            text(vector, "nonce"),
            encrypted,
        )
        .map(|plain| String::from_utf8(plain).unwrap())
}

#[test]
fn messages_of_the_platform_are_opened_and_sealed_alike() {
    let all = [vectors("wecom"), vectors("official_account")].concat();
    assert_eq!(all.len(), 40);
    for vector in &all {
        let encrypted = text(vector, "encrypt");
        assert_eq!(
            open(vector, encrypted).as_deref(),
            Ok(text(vector, "plain_xml"))
        );
        // The same salt gives the same bytes.
        let envelope = envelope(vector);
        let plain = decrypt(&envelope.key, STANDARD.decode(encrypted).unwrap()).unwrap();
        let sealed = envelope.seal(
            plain[..SALT].try_into().unwrap(),
            text(vector, "timestamp"),
            text(vector, "nonce"),
            text(vector, "plain_xml").as_bytes(),
        );
        assert_eq!(sealed.encrypt, encrypted);
        assert_eq!(sealed.signature, text(vector, "msg_signature"));
    }
}

#[test]
fn the_check_of_an_address_is_opened() {
    let all = vectors("wecom_url_verify");
    assert_eq!(all.len(), 3);
    for vector in &all {
        let opened = open(vector, text(vector, "echostr"));
        assert_eq!(opened.as_deref(), Ok(text(vector, "expected_body")));
    }
}

#[test]
fn plain_signatures_are_those_of_the_platform() {
    let all = vectors("official_account_plain_signature");
    assert_eq!(all.len(), 3);
    for vector in &all {
        let parts = [
            text(vector, "token"),
            text(vector, "timestamp"),
            text(vector, "nonce"),
        ];
        assert!(is_signed(&parts, text(vector, "signature")));
        assert!(!is_signed(&parts, ""));
        assert!(!is_signed(&parts[..2], text(vector, "signature")));
    }
}

#[test]
fn what_is_not_from_the_platform_is_refused() {
    let all = vectors("wecom_negative");
    let why: Vec<_> = all
        .iter()
        .map(|vector| {
            (
                text(vector, "name"),
                open(vector, text(vector, "encrypt")).unwrap_err(),
            )
        })
        .collect();
    assert_eq!(
        why,
        [
            ("bad-signature", Refused::Signature),
            ("other-corp", Refused::Receiver),
            ("bit-flip-last-block", Refused::Padding),
            ("truncated-16-bytes", Refused::Form),
            ("not-base64", Refused::Form),
        ]
    );
}

#[test]
fn lengths_that_lie_are_refused() {
    let vector = &vectors("wecom")[0];
    let envelope = envelope(vector);
    for (length, rest) in [(u32::MAX, "short"), (6, "short"), (0, "")] {
        let mut plain = vec![7; SALT];
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(rest.as_bytes());
        let encrypted = STANDARD.encode(encrypt(&envelope.key, plain));
        let signature = signature(&[text(vector, "token"), "1", "n", &encrypted]);
        assert!(envelope.open(&signature, "1", "n", &encrypted).is_err());
    }
    // Nothing behind the salt.
    let encrypted = STANDARD.encode(encrypt(&envelope.key, vec![7; SALT]));
    let signature = signature(&[text(vector, "token"), "1", "n", &encrypted]);
    assert_eq!(
        envelope.open(&signature, "1", "n", &encrypted),
        Err(Refused::Form)
    );
}

#[test]
fn a_file_has_its_own_key() {
    let key = [9; KEY];
    let encoded = SecretString::from(STANDARD.encode(key));
    for length in [0, 1, 15, 16, 31, 32, 33, 1000] {
        let plain = vec![b'x'; length];
        assert_eq!(
            decrypt_file(&encoded, encrypt(&key, plain.clone())),
            Ok(plain)
        );
    }
    let other = SecretString::from(STANDARD.encode([8; KEY]));
    assert!(decrypt_file(&other, encrypt(&key, vec![b'x'; 100])).is_err());
    assert_eq!(
        decrypt_file(&SecretString::from("?"), vec![0; 32]),
        Err(Refused::Form)
    );
}

#[test]
fn a_key_has_43_characters() {
    for key in ["", "short", "ecQSH8YIV9/+/HS5mcyF8ZCsRsi833KOcP5szoYeM+Y="] {
        let made = Envelope::new("token".into(), &key.into(), "");
        assert_eq!(made.is_ok(), key.len() > 40, "{key}");
    }
}
