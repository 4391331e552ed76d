//! Why a call failed, in the words of whoever knows.

/// The innermost cause: what stands around it says only "error sending request" or "transport error", and
/// may name an address with a secret in it.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
