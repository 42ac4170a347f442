//! The JOSE header (RFC 7515 §4): three parameters are known, every other one refuses the token.

use std::borrow::Cow;

use super::TokenFault;
use super::json::{Members, Value};
use crate::access::algorithm::Algorithm;

/// What a token says about its own signature; nothing in it is trusted.
pub(super) struct Header<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<Cow<'a, str>>,
}

impl<'a> Header<'a> {
    /// Reads the decoded header.
    ///
    /// `crit`, `b64`, `jwk`, `jku`, `x5u` and the rest are not known, and so are refused whatever they say.
    ///
    /// # Errors
    /// [`TokenFault`].
    pub(super) fn parse(json: &'a [u8]) -> Result<Header<'a>, TokenFault> {
        let (mut algorithm, mut kid) = (None, None);
        for (name, value) in Members::parse(json).map_err(TokenFault::Header)? {
            match (&*name, value) {
                ("alg", Value::Text(text)) => algorithm = Some(parse_algorithm(&text)?),
                ("kid", Value::Text(text)) => kid = Some(text),
                ("typ", Value::Text(text)) if is_jwt(&text) => {}
                ("typ", Value::Text(_)) => return Err(TokenFault::Kind),
                ("alg" | "kid" | "typ", _) => return Err(TokenFault::HeaderType),
                _ => return Err(TokenFault::HeaderUnknown),
            }
        }
        let algorithm = algorithm.ok_or(TokenFault::Algorithm)?;
        Ok(Header { algorithm, kid })
    }

    /// Whether this is a header at all, good or not.
    pub(super) fn has_algorithm(json: &[u8]) -> bool {
        Members::parse(json).is_ok_and(|members| members.into_iter().any(|(name, _)| name == "alg"))
    }
}

fn parse_algorithm(name: &str) -> Result<Algorithm, TokenFault> {
    Algorithm::from_name(name).ok_or(TokenFault::Algorithm)
}

/// RFC 7519 §5.1 and RFC 9068 §2.1.
fn is_jwt(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("JWT") || kind.eq_ignore_ascii_case("at+jwt")
}
