//! The key of the node inside `up`: made at the first start, then kept. It never changes: it is as good as
//! the brain's own.

use std::path::Path;

use jarvis_nodeclient::{Identity, KeyFileError};

/// The key in `path`; a new one when there is none.
///
/// # Errors
/// The file cannot be read or written, or holds something else.
pub(crate) fn open(path: &Path) -> Result<Identity, KeyFileError> {
    match Identity::from_file(path) {
        Err(KeyFileError::Missing(_)) => Identity::create_file(path),
        other => other,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let first = open(&path).unwrap();
        let second = open(&path).unwrap();
        assert_eq!(first.address(), second.address());
    }

    #[test]
    fn a_file_that_is_no_key_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        std::fs::write(&path, "my diary").unwrap();
        assert!(open(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "my diary");
    }
}
