//! Base64 of bytes as they come.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};

use crate::adapter::ByteStream;

/// How long the text of so many bytes is.
pub(crate) fn length(bytes: u64) -> u64 {
    bytes.div_ceil(3).saturating_mul(4)
}

/// The text of all bytes of a stream. An error ends it.
pub(crate) fn encode(bytes: ByteStream) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    // What does not fill a group of three waits for the next piece.
    let state = Some((bytes, Vec::new()));
    stream::unfold(state, async |state| {
        let (mut bytes, mut rest): (ByteStream, Vec<u8>) = state?;
        loop {
            match bytes.next().await {
                Some(Ok(piece)) => {
                    rest.extend_from_slice(&piece);
                    let left = rest.split_off(rest.len() / 3 * 3);
                    if !rest.is_empty() {
                        let text = STANDARD.encode(&rest).into();
                        return Some((Ok(text), Some((bytes, left))));
                    }
                    rest = left;
                }
                Some(Err(error)) => return Some((Err(error), None)),
                None if rest.is_empty() => return None,
                None => return Some((Ok(STANDARD.encode(&rest).into()), None)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use futures::TryStreamExt;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_text_of_the_whole(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9),
        ) {
            let whole = pieces.concat();
            let stream = stream::iter(pieces.into_iter().map(|piece| Ok(piece.into()))).boxed();
            let text = futures::executor::block_on(encode(stream).try_collect::<Vec<_>>()).unwrap();
            let text = text.concat();
            prop_assert_eq!(text.len() as u64, length(whole.len() as u64));
            prop_assert_eq!(text, STANDARD.encode(whole).into_bytes());
        }
    }

    #[test]
    fn an_error_ends_it() {
        let bytes = vec![Ok("abcd".into()), Err(std::io::Error::other("broken"))];
        let text =
            futures::executor::block_on(encode(stream::iter(bytes).boxed()).collect::<Vec<_>>());
        assert!(matches!(text.as_slice(), [Ok(first), Err(_)] if first == "YWJj"));
    }
}
