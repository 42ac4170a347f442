//! The signature algorithms a key may be pinned to, and which kind of material each needs. Verifies nothing.

/// RFC 7518 §3.1 and RFC 8037 §3.1, with the bytes of the hash for those that share a secret.
const ALGORITHMS: [(&str, Family); 13] = [
    ("HS256", Family::Secret(32)),
    ("HS384", Family::Secret(48)),
    ("HS512", Family::Secret(64)),
    ("RS256", Family::Rsa),
    ("RS384", Family::Rsa),
    ("RS512", Family::Rsa),
    ("PS256", Family::Rsa),
    ("PS384", Family::Rsa),
    ("PS512", Family::Rsa),
    ("ES256", Family::Curve),
    ("ES384", Family::Curve),
    ("ES512", Family::Curve),
    ("EdDSA", Family::Edwards),
];

/// Algorithms that one key can serve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// HMAC, with the smallest key in bytes.
    Secret(usize),
    Rsa,
    Curve,
    Edwards,
}

/// The family of the algorithm of that name, compared exactly.
pub(super) fn family(algorithm: &str) -> Option<Family> {
    ALGORITHMS
        .iter()
        .find(|(name, _)| *name == algorithm)
        .map(|&(_, family)| family)
}

/// A shared secret is for HMAC alone, and HMAC for shared secrets alone: a public key used as an HMAC secret
/// would let everybody sign.
pub(super) fn fits(family: Family, source: &str) -> bool {
    matches!(family, Family::Secret(_)) == source.starts_with("secret_")
}

/// The algorithms that a key from `source` may name, in words.
pub(super) fn allowed(source: &str) -> String {
    let fitting = ALGORITHMS
        .into_iter()
        .filter(|&(_, family)| fits(family, source));
    let names: Vec<&str> = fitting.map(|(name, _)| name).collect();
    format!("for {source}, a list of {}", names.join(", "))
}
