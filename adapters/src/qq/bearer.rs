//! Our token in a request that is made to us.

use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// Whether a request shows our token, in the header or in the query of its address; compared in
/// constant time.
pub(super) fn allowed(
    headers: &HeaderMap,
    query: Option<&str>,
    token: Option<&SecretString>,
) -> Result<(), StatusCode> {
    let Some(token) = token else { return Ok(()) };
    let header = headers
        .get("Authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            // Some old programs say `Token`.
            (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token"))
                .then(|| token.trim().to_owned())
        });
    let query = || {
        let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
        pairs
            .find(|(name, _)| name == "access_token")
            .map(|(_, value)| value.into_owned())
    };
    let given = header.or_else(query).ok_or(StatusCode::UNAUTHORIZED)?;
    if bool::from(given.as_bytes().ct_eq(token.expose_secret().as_bytes())) {
        Ok(())
    } else {
        Err(StatusCode::FORBIDDEN)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn only_who_shows_the_token_is_let_in() {
        let token = SecretString::from("right");
        let asked = |header: Option<&str>, query: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert("Authorization", header.parse().unwrap());
            }
            allowed(&headers, query, Some(&token)).map_err(|status| status.as_u16())
        };
        assert_eq!(asked(None, None), Err(401));
        assert_eq!(asked(Some("Bearer wrong"), None), Err(403));
        assert_eq!(asked(Some("Basic right"), None), Err(401));
        assert_eq!(asked(Some("Bearer right"), None), Ok(()));
        assert_eq!(asked(None, Some("a=1&access_token=right")), Ok(()));
        assert_eq!(asked(None, Some("access_token=righ")), Err(403));
        assert_eq!(allowed(&HeaderMap::new(), None, None), Ok(()));
    }
}
