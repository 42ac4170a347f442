//! What is wrong with a key, in words for the operator. Never shows key material.

use super::{KEYS_MAX, KEYS_TRIED_MAX, RSA_BITS_MAX, RSA_BITS_MIN, RSA_EXPONENT_MIN};

/// A key that must not be trusted, and the config key that brought it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {fault}")]
pub struct KeyError {
    /// For example `auth.key[0].secret_file`.
    pub origin: String,
    pub fault: KeyFault,
}

/// What is wrong with it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("no key to verify signatures with; add one [[auth.key]]")]
    NoKeys,
    #[error("more than {KEYS_MAX} keys in all; remove those that sign no more")]
    TooMany,
    #[error("more than {KEYS_TRIED_MAX} keys of one algorithm without `id`; give each its `id`")]
    TooManyWithoutId,
    #[error("the key id {0:?} is given twice; each key needs its own")]
    IdTwice(String),
    #[error("`id` belongs to one key, and keys of a JWK Set bring their own `kid`; remove it")]
    IdOfSet,
    #[error(
        "{0:?} is not an algorithm; one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, \
         ES384, ES512, EdDSA"
    )]
    AlgorithmUnknown(String),
    #[error(
        "`algorithms` is empty; a key must be pinned to what it signs with, for example [\"HS256\"]"
    )]
    AlgorithmsMissing,
    #[error("{0} and {1} need different kinds of key; give each its own [[auth.key]]")]
    AlgorithmsMixed(String, String),
    #[error("`algorithms` need {needed}, and this is {found}; change one of them")]
    Unfit { needed: String, found: &'static str },
    #[error(
        "{algorithm} needs a secret of at least {needed} bytes, and this one has {found}; make a new one at random"
    )]
    SecretShort {
        algorithm: String,
        found: usize,
        needed: usize,
    },
    #[error("this is a PEM file, which is no secret; use `pem_file`, and its own algorithm")]
    SecretIsPem,
    #[error("not a PEM file: {0}")]
    Pem(String),
    #[error("{0} PEM blocks; give exactly one public key per file")]
    PemBlocks(usize),
    #[error("a PEM block `{label}` where {needed} is needed; give it as `PUBLIC KEY`")]
    PemLabel { label: String, needed: String },
    #[error(
        "a private key; the server only verifies, so give it the public key (openssl pkey -pubout) and keep this one away"
    )]
    Private,
    #[error("a certificate; give its public key (openssl x509 -pubkey -noout)")]
    Certificate,
    #[error("not {0}, or a broken one")]
    Invalid(String),
    #[error("an RSA key of {0} bits; {RSA_BITS_MIN} to {RSA_BITS_MAX} are allowed")]
    RsaBits(usize),
    #[error(
        "its RSA exponent is even, less than {RSA_EXPONENT_MIN} or absurdly large; make a new key with exponent 65537"
    )]
    RsaExponent,
    #[error("not a JWK Set (RFC 7517 §5): {0}")]
    Jwks(String),
    #[error("no key for signatures in this JWK Set")]
    JwksEmpty,
    #[error("`kty` {0:?} is not supported; RSA, EC, OKP or oct")]
    JwkType(String),
    #[error("`crv` {0:?} is not supported; P-256, P-384 or P-521 for EC, Ed25519 for OKP")]
    JwkCurve(String),
    #[error("`use` {0:?} is not for signatures; \"sig\"")]
    JwkUse(String),
    #[error("`key_ops` does not contain \"verify\"")]
    JwkOperations,
    #[error("`alg` {0:?} is not among the `algorithms` that the config allows for this set")]
    JwkAlgorithm(String),
    #[error("neither `alg` nor the config's `algorithms` name one that fits {0}")]
    JwkUnpinned(String),
    #[error("`{0}` is missing, not base64url without padding, or of the wrong length")]
    JwkMember(&'static str),
}

impl KeyFault {
    pub(super) fn at(self, origin: &str) -> KeyError {
        KeyError {
            origin: origin.to_owned(),
            fault: self,
        }
    }
}
