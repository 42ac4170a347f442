//! Signature algorithms of RFC 7518 §3.1 and RFC 8037 §3.1, and what each asks of its key. `none` is not one of them.

/// An algorithm a key can be pinned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

/// The kind of key an algorithm works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Hmac,
    Rsa,
    Ec(Curve),
    Ed25519,
}

/// A curve of RFC 7518 §6.2.1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

use Algorithm::{
    EdDsa, Es256, Es384, Es512, Hs256, Hs384, Hs512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512,
};

const NAMES: [(&str, Algorithm); 13] = [
    ("HS256", Hs256),
    ("HS384", Hs384),
    ("HS512", Hs512),
    ("RS256", Rs256),
    ("RS384", Rs384),
    ("RS512", Rs512),
    ("PS256", Ps256),
    ("PS384", Ps384),
    ("PS512", Ps512),
    ("ES256", Es256),
    ("ES384", Es384),
    ("ES512", Es512),
    ("EdDSA", EdDsa),
];

impl Algorithm {
    /// By its registered name, in its registered case.
    pub(super) fn from_name(name: &str) -> Option<Algorithm> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, algorithm)| *algorithm)
    }

    pub(super) const fn family(self) -> Family {
        match self {
            Hs256 | Hs384 | Hs512 => Family::Hmac,
            Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512 => Family::Rsa,
            Es256 => Family::Ec(Curve::P256),
            Es384 => Family::Ec(Curve::P384),
            Es512 => Family::Ec(Curve::P521),
            EdDsa => Family::Ed25519,
        }
    }

    /// Shortest secret, in bytes: the hash's own size (RFC 7518 §3.2); zero for other kinds of key.
    pub(super) const fn secret_bytes_min(self) -> usize {
        match self {
            Hs256 => 32,
            Hs384 => 48,
            Hs512 => 64,
            _ => 0,
        }
    }

    /// The library's name for it; `None` for ES512, which it does not have.
    pub(super) const fn in_jsonwebtoken(self) -> Option<jsonwebtoken::Algorithm> {
        use jsonwebtoken::Algorithm as Library;
        Some(match self {
            Hs256 => Library::HS256,
            Hs384 => Library::HS384,
            Hs512 => Library::HS512,
            Rs256 => Library::RS256,
            Rs384 => Library::RS384,
            Rs512 => Library::RS512,
            Ps256 => Library::PS256,
            Ps384 => Library::PS384,
            Ps512 => Library::PS512,
            Es256 => Library::ES256,
            Es384 => Library::ES384,
            Es512 => return None,
            EdDsa => Library::EdDSA,
        })
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = NAMES
            .iter()
            .find(|(_, algorithm)| algorithm == self)
            .map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Family::Hmac => "a secret",
            Family::Rsa => "an RSA key",
            Family::Ec(Curve::P256) => "an EC key on P-256",
            Family::Ec(Curve::P384) => "an EC key on P-384",
            Family::Ec(Curve::P521) => "an EC key on P-521",
            Family::Ed25519 => "an Ed25519 key",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_has_one_name_and_none_is_none_of_them() {
        for (name, algorithm) in NAMES {
            assert_eq!(Algorithm::from_name(name), Some(algorithm));
            assert_eq!(algorithm.to_string(), name);
        }
        for name in [
            "none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "ES256K", "RS1", "dir", "EDDSA",
        ] {
            assert_eq!(Algorithm::from_name(name), None, "{name:?}");
        }
    }
}
