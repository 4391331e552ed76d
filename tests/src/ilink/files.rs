//! The servers for files: encrypted bytes in and out.

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyInit as _};
use bytes::Bytes;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::Shared;
use super::state::{Announced, Refusal, State, Stored};

pub(super) fn seal(key: &[u8; 16], bytes: &[u8]) -> Bytes {
    ecb::Encryptor::<Aes128>::new(key.into())
        .encrypt_padded_vec_mut::<Pkcs7>(bytes)
        .into()
}

pub(super) fn open(key: &[u8; 16], bytes: &[u8]) -> Option<Bytes> {
    ecb::Decryptor::<Aes128>::new(key.into())
        .decrypt_padded_vec_mut::<Pkcs7>(bytes)
        .ok()
        .map(Bytes::from)
}

/// A bot announces a file.
pub(super) fn announce(
    shared: &Shared,
    state: &mut State,
    person: &str,
    body: &Value,
) -> Result<Value, Refusal> {
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    let number = |key: &str| body[key].as_u64();
    let wrong = |words: &str| Refusal::wrong(words);
    if text("to_user_id") != person {
        return Err(wrong("to_user_id is somebody else"));
    }
    let file_key = text("filekey");
    if file_key.len() != 32 || hex::decode(&file_key).is_err() {
        return Err(wrong("filekey"));
    }
    let key: [u8; 16] = hex::decode(text("aeskey"))
        .ok()
        .and_then(|key| key.try_into().ok())
        .ok_or_else(|| wrong("aeskey is 32 hex digits"))?;
    let kind = number("media_type").filter(|kind| (1..=4).contains(kind));
    let kind = kind.ok_or_else(|| wrong("media_type"))?;
    let size = number("rawsize").ok_or_else(|| wrong("rawsize"))?;
    let sealed = (size / 16 + 1) * 16;
    if number("filesize") != Some(sealed) {
        return Err(wrong("filesize is the length of the encrypted file"));
    }
    let md5 = text("rawfilemd5");
    if md5.len() != 32 {
        return Err(wrong("rawfilemd5"));
    }
    if kind < 3 && body["no_need_thumb"] != true {
        return Err(wrong("a thumbnail, or no_need_thumb"));
    }
    let param = format!("UP{}", state.next_id());
    let announced = Announced {
        person: person.to_owned(),
        file_key: file_key.clone(),
        kind,
        size,
        md5,
        sealed,
        key,
    };
    state.uploads.insert(param.clone(), announced);
    if shared.settings.full_urls {
        let url = format!(
            "http://{}/c2c/upload?encrypted_query_param={param}&filekey={file_key}",
            shared.address
        );
        return Ok(json!({ "upload_full_url": url }));
    }
    Ok(json!({ "upload_param": param }))
}

/// The bytes come; what they are called from now on.
pub(super) fn put(
    state: &mut State,
    param: &str,
    file_key: &str,
    sealed: Bytes,
) -> Result<String, String> {
    let announced = state.uploads.get(param).ok_or("no such ticket")?.clone();
    if announced.file_key != file_key {
        return Err("filekey".to_owned());
    }
    if sealed.len() as u64 != announced.sealed {
        return Err(format!("{} bytes are not the file", sealed.len()));
    }
    let bytes = open(&announced.key, &sealed).ok_or("the key does not fit")?;
    let md5 = hex::encode(Md5::digest(&bytes));
    if bytes.len() as u64 != announced.size || md5 != announced.md5 {
        return Err("the file is not the one that was announced".to_owned());
    }
    state.uploads.remove(param);
    let name = format!("DL{}", state.next_id());
    let stored = Stored {
        sealed,
        announced: Some(announced),
    };
    state.stored.insert(name.clone(), stored);
    Ok(name)
}
