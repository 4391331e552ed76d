//! The stream of a container's log without a terminal: frames of a kind and a length before the bytes.
//! <https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerAttach>

use std::io;

/// Length of a frame's header: kind, three zeros, length of what follows in big endian.
const HEADER: usize = 8;

/// Takes a multiplexed stream apart, however it is cut, without keeping any of it.
#[derive(Debug, Default)]
pub(super) struct Frames {
    header: [u8; HEADER],
    /// Bytes of the header that came.
    read: usize,
    /// Bytes of the frame that are still to come.
    left: usize,
}

impl Frames {
    /// The parts of `chunk` with the stream each belongs to: 0 standard output, 1 standard error.
    ///
    /// # Errors
    ///
    /// When a header is none.
    pub(super) fn split<'c>(&mut self, mut chunk: &'c [u8]) -> io::Result<Vec<(usize, &'c [u8])>> {
        let mut parts = Vec::new();
        while !chunk.is_empty() {
            if self.left == 0 {
                let take = chunk.len().min(HEADER - self.read);
                self.header[self.read..self.read + take].copy_from_slice(&chunk[..take]);
                self.read += take;
                chunk = &chunk[take..];
                if self.read < HEADER {
                    break;
                }
                self.left = self.length()?;
                if self.left == 0 {
                    self.read = 0;
                }
                continue;
            }
            let take = chunk.len().min(self.left);
            // Standard input is written to standard output.
            let stream = usize::from(self.header[0] == 2);
            parts.push((stream, &chunk[..take]));
            chunk = &chunk[take..];
            self.left -= take;
            if self.left == 0 {
                self.read = 0;
            }
        }
        Ok(parts)
    }

    /// Whether the stream may end here.
    pub(super) fn is_between_frames(&self) -> bool {
        self.left == 0 && self.read == 0
    }

    fn length(&self) -> io::Result<usize> {
        let [kind, 0, 0, 0, length @ ..] = self.header else {
            return Err(no_frame());
        };
        if kind > 2 {
            return Err(no_frame());
        }
        usize::try_from(u32::from_be_bytes(length)).map_err(|_| no_frame())
    }
}

fn no_frame() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the log is no stream of frames")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
        let mut frame = vec![kind, 0, 0, 0];
        frame.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        frame.extend(bytes);
        frame
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for bad in [
            &b"plain log\n"[..],
            &[3, 0, 0, 0, 0, 0, 0, 1],
            &[1, 0, 0, 9, 0, 0, 0, 1],
        ] {
            assert!(Frames::default().split(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in(
            parts in proptest::collection::vec((1_u8..=2, proptest::collection::vec(any::<u8>(), 0..40)), 0..12),
            cut in 1_usize..30,
        ) {
            let wire: Vec<u8> = parts.iter().flat_map(|(kind, bytes)| frame(*kind, bytes)).collect();
            let mut frames = Frames::default();
            let mut streams = [Vec::new(), Vec::new()];
            for chunk in wire.chunks(cut) {
                for (stream, bytes) in frames.split(chunk).unwrap() {
                    streams[stream].extend_from_slice(bytes);
                }
            }
            prop_assert!(frames.is_between_frames());
            for (index, kind) in [(0, 1), (1, 2)] {
                let want: Vec<u8> = parts.iter().filter(|part| part.0 == kind).flat_map(|part| part.1.clone()).collect();
                prop_assert_eq!(&streams[index], &want);
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Frames::default().split(&bytes);
        }
    }
}
