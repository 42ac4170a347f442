//! JSON Web Tokens (RFC 7519, RFC 8725): text to [`Identity`]. Reads no clock; tells the client nothing but [`AuthError`].

mod claims;
mod header;
pub(super) mod json;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::keys::{KeyError, KeyRing, Keys, NoKey, NotSigned};
use super::{AuthError, Authenticator, Credential, Identity, IdentityError, RetiredKeys};
use crate::config::{Auth, Jwt};
use crate::time::{Instant, Now};
use claims::Claims;
use header::Header;
use json::JsonFault;

#[cfg(test)]
mod tests;

/// The rule that a token breaks. For the log and the tests; the client is told an [`AuthError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum TokenFault {
    #[error("longer than auth.jwt.token_bytes_max")]
    Length,
    #[error("not three non-empty parts")]
    Parts,
    #[error("a part is not base64url without padding")]
    Encoding,
    #[error("header: {0}")]
    Header(JsonFault),
    #[error("header: `alg`, `kid` or `typ` is not a string")]
    HeaderType,
    #[error("header: a parameter besides `alg`, `kid` and `typ`")]
    HeaderUnknown,
    #[error("header: `typ` is neither JWT nor at+jwt")]
    Kind,
    #[error("header: `alg` is missing, `none` or unknown")]
    Algorithm,
    #[error("no key of this `kid`")]
    KeyUnknown,
    #[error("the key is not pinned to this `alg`")]
    AlgorithmNotPinned,
    #[error("several keys could be meant, and no `kid` says which")]
    KeyAmbiguous,
    #[error("the signature is not the key's")]
    Signature,
    #[error("claims: {0}")]
    Claims(JsonFault),
    #[error("`{0}` has the wrong type")]
    ClaimType(&'static str),
    #[error("`{0}` is not a date between 1970 and 9999")]
    ClaimRange(&'static str),
    #[error("`{0}` is missing")]
    ClaimMissing(&'static str),
    #[error("`iss` is not auth.jwt.issuer")]
    Issuer,
    #[error("`aud` and auth.jwt.audience do not agree")]
    Audience,
    #[error("`nbf` is in the future")]
    NotYet,
    #[error("`iat` is in the future")]
    IssuedInFuture,
    #[error("`rooms` is not an object of room patterns to lists of capabilities")]
    Rooms,
    #[error("`jti` is not 1 to 256 bytes")]
    TokenId,
    #[error("`exp` is further away than auth.jwt.lifetime_max, from now or from `iat`")]
    Lifetime,
    #[error("`sub`, `username`, `name`: {0}")]
    Identity(#[from] IdentityError),
    #[error("`exp` is past")]
    Expired,
}

impl From<TokenFault> for AuthError {
    fn from(fault: TokenFault) -> AuthError {
        if fault == TokenFault::Expired {
            AuthError::Expired
        } else {
            AuthError::Invalid
        }
    }
}

impl From<NotSigned> for TokenFault {
    fn from(not_signed: NotSigned) -> TokenFault {
        match not_signed {
            NotSigned::NoKey(NoKey::Id) => TokenFault::KeyUnknown,
            NotSigned::NoKey(NoKey::Algorithm) => TokenFault::AlgorithmNotPinned,
            NotSigned::NoKey(NoKey::Ambiguous) => TokenFault::KeyAmbiguous,
            NotSigned::Signature => TokenFault::Signature,
        }
    }
}

/// Verifies signed JWTs in compact form (RFC 7515 §3.1) with the configured keys and rules.
///
/// **No byte of the claims is parsed before the signature over the exact bytes was verified by a key that is pinned to the
/// algorithm.** The header chooses among our keys and never brings one.
pub struct TokenAuthenticator {
    keys: Keys,
    rules: Jwt,
}

impl TokenAuthenticator {
    /// Checks and loads the keys of `[auth]`. Beside `auth.hook` there need be none: then nothing is a token.
    ///
    /// # Errors
    /// [`KeyError`]: a key is missing, weak, doubled or not for its algorithms.
    pub fn new(auth: &Auth) -> Result<Self, KeyError> {
        let keys = match auth.keys.as_slice() {
            [] if auth.hook.url.is_some() => KeyRing::default(),
            sources => KeyRing::load(sources)?,
        };
        Ok(TokenAuthenticator {
            keys: Keys::new(keys),
            rules: auth.jwt.clone(),
        })
    }

    /// Whether `value` is a token, good or not: three parts, of which the first is an object with an `alg`.
    ///
    /// Signed cookies of other kinds have three parts too, and are nothing for this authenticator.
    fn is_token(&self, value: &str) -> bool {
        let Ok(parts) = Parts::split(value) else {
            return false;
        };
        // One too long to look into is refused as a token rather than shown to anybody.
        value.len() > self.rules.token_bytes_max
            || decode(parts.header).is_ok_and(|header| Header::has_algorithm(&header))
    }

    fn verify(&self, token: &str, now: Now) -> Result<Identity, TokenFault> {
        if token.len() > self.rules.token_bytes_max {
            return Err(TokenFault::Length);
        }
        let parts = Parts::split(token)?;
        let header_json = decode(parts.header)?;
        let claims_json = decode(parts.claims)?;
        decode(parts.signature)?;
        let header = Header::parse(&header_json)?;
        self.keys.check(
            header.kid.as_deref(),
            header.algorithm,
            parts.signed.as_bytes(),
            parts.signature,
            now.instant,
        )?;
        Claims::parse(&claims_json)?.identity(&self.rules, now.wall)
    }
}

impl Authenticator for TokenAuthenticator {
    fn authenticate(&self, credential: Credential<'_>, now: Now) -> Result<Identity, AuthError> {
        self.verify(credential.value, now).map_err(|fault| {
            log::debug!("token from {:?} refused: {fault}", credential.source);
            fault.into()
        })
    }

    fn recognizes(&self, credential: Credential<'_>) -> bool {
        !self.keys.is_empty() && self.is_token(credential.value)
    }

    fn retire(&self) -> Option<RetiredKeys> {
        Some(self.keys.retire())
    }

    fn succeed(&mut self, retired: RetiredKeys, until: Instant) {
        self.keys.succeed(retired, until);
    }

    fn retired_until(&self) -> Option<Instant> {
        self.keys.retired_until()
    }
}

/// Not the keys, and not the rules either: they are in the configuration.
impl std::fmt::Debug for TokenAuthenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenAuthenticator(***)")
    }
}

struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// Header, dot and claims: what the signature is over.
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn split(token: &'a str) -> Result<Parts<'a>, TokenFault> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Parts)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::Parts)?;
        if header.is_empty() || claims.is_empty() || signature.is_empty() || claims.contains('.') {
            return Err(TokenFault::Parts);
        }
        Ok(Parts {
            header,
            claims,
            signature,
            signed,
        })
    }
}

/// Strict: no padding, no white space, no stray bits in the last character, so that each token has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenFault::Encoding)
}
