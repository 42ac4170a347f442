//! Key material to keys that can be trusted to verify: pinned to their algorithms, strong enough, and public where they
//! should be. Reads no files, and verifies no claims.

mod fault;
mod jwks;
mod overlap;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents, VerificationAlgorithm};
use jsonwebtoken::DecodingKey;

use super::algorithm::{Algorithm, Curve, Family};
use crate::config::{KeyMaterial, KeySource};

pub use fault::{KeyError, KeyFault};
pub use overlap::RetiredKeys;
pub(super) use overlap::{Keys, NotSigned};

#[cfg(test)]
mod tests;

/// Most keys held, over all sources.
const KEYS_MAX: usize = 64;

/// Most keys that one token without `kid` is tried against: each costs a signature check.
pub(super) const KEYS_TRIED_MAX: usize = 4;

const RSA_BITS_MIN: usize = 2048;
const RSA_BITS_MAX: usize = 8192;
/// Smallest RSA exponent; smaller ones turn slips of padding into forgeries.
const RSA_EXPONENT_MIN: u64 = 65_537;

/// One verifying key.
pub(super) struct Key {
    id: Option<Box<str>>,
    algorithms: Vec<Algorithm>,
    material: DecodingKey,
}

impl Key {
    /// Whether `signature`, in base64url, is this key's over `message`. Only for an algorithm it is pinned to.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &str) -> bool {
        if !self.algorithms.contains(&algorithm) {
            return false;
        }
        match algorithm.in_jsonwebtoken() {
            Some(name) => jsonwebtoken::crypto::verify(signature, message, &self.material, name)
                .unwrap_or(false),
            None => self.verifies_es512(message, signature),
        }
    }

    fn verifies_es512(&self, message: &[u8], signature: &str) -> bool {
        let (Ok(signature), Ok(point)) =
            (jwks::decode(signature), self.material.try_get_as_bytes())
        else {
            return false;
        };
        signature::ECDSA_P521_SHA512_FIXED
            .verify_sig(point, message, &signature)
            .is_ok()
    }
}

/// Every key that tokens are verified with.
#[derive(Default)]
pub(super) struct KeyRing {
    keys: Vec<Key>,
    /// Of everything that the keys were made from: two rings with the same one are the same.
    fingerprint: [u8; 32],
}

/// Why no key is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoKey {
    /// No key has this `kid`, and none is without one.
    Id,
    /// The keys meant are not pinned to this algorithm.
    Algorithm,
    /// Too many keys could be meant: the token must say `kid`.
    Ambiguous,
}

impl KeyRing {
    /// Checks and loads every source.
    ///
    /// # Errors
    /// [`KeyError`] for the first key that must not be trusted, naming its config key.
    pub(super) fn load(sources: &[KeySource]) -> Result<KeyRing, KeyError> {
        let mut keys = Vec::new();
        for source in sources {
            load_source(source, &mut keys)?;
        }
        if keys.is_empty() {
            return Err(KeyFault::NoKeys.at("auth.key"));
        }
        let fingerprint = fingerprint(sources);
        Ok(KeyRing { keys, fingerprint })
    }

    /// Whether both hold the same keys for the same algorithms.
    pub(super) fn is_same(&self, other: &KeyRing) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// Whether no token can be verified.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys to try for a token with this `kid` and algorithm: at least one, at most [`KEYS_TRIED_MAX`].
    ///
    /// A `kid` means the key of that id, or, when there is none, the keys without id.
    ///
    /// # Errors
    /// [`NoKey`].
    pub(super) fn select(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<&Key>, NoKey> {
        let named = kid.and_then(|kid| self.keys.iter().find(|key| key.id.as_deref() == Some(kid)));
        let meant: Vec<&Key> = match (named, kid) {
            (Some(key), _) => vec![key],
            (None, Some(_)) => self.keys.iter().filter(|key| key.id.is_none()).collect(),
            (None, None) => self.keys.iter().collect(),
        };
        if meant.is_empty() {
            return Err(NoKey::Id);
        }
        let fit: Vec<&Key> = meant
            .into_iter()
            .filter(|key| key.algorithms.contains(&algorithm))
            .collect();
        match fit.len() {
            0 => Err(NoKey::Algorithm),
            1..=KEYS_TRIED_MAX => Ok(fit),
            _ => Err(NoKey::Ambiguous),
        }
    }
}

fn fingerprint(sources: &[KeySource]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    let mut part = |bytes: &[u8]| {
        context.update(&(bytes.len() as u64).to_be_bytes());
        context.update(bytes);
    };
    for source in sources {
        let (KeyMaterial::Secret(material)
        | KeyMaterial::Pem(material)
        | KeyMaterial::Jwks(material)) = &source.material;
        part(source.id.as_deref().unwrap_or_default().as_bytes());
        part(source.algorithms.join(" ").as_bytes());
        part(material);
    }
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(context.finish().as_ref());
    fingerprint
}

fn load_source(source: &KeySource, keys: &mut Vec<Key>) -> Result<(), KeyError> {
    let fail = |fault: KeyFault| fault.at(&source.origin);
    let algorithms = parse_algorithms(&source.algorithms).map_err(fail)?;
    let id = source.id.as_deref().map(Into::into);
    match &source.material {
        KeyMaterial::Jwks(json) => {
            if id.is_some() {
                return Err(fail(KeyFault::IdOfSet));
            }
            let add = |key| add_key(keys, key);
            jwks::load(json, &algorithms, &source.origin, add)
        }
        KeyMaterial::Secret(secret) => {
            let material = secret_key(secret, &algorithms).map_err(fail)?;
            add_key(
                keys,
                Key {
                    id,
                    algorithms,
                    material,
                },
            )
            .map_err(fail)
        }
        KeyMaterial::Pem(pem) => {
            let material = pem_key(pem, &algorithms).map_err(fail)?;
            add_key(
                keys,
                Key {
                    id,
                    algorithms,
                    material,
                },
            )
            .map_err(fail)
        }
    }
}

fn add_key(keys: &mut Vec<Key>, key: Key) -> Result<(), KeyFault> {
    if let Some(id) = &key.id
        && keys.iter().any(|known| known.id.as_deref() == Some(id))
    {
        return Err(KeyFault::IdTwice(id.to_string()));
    }
    if keys.len() >= KEYS_MAX {
        return Err(KeyFault::TooMany);
    }
    let rivals = |algorithm: &Algorithm| {
        keys.iter()
            .filter(|k| k.id.is_none() && k.algorithms.contains(algorithm))
            .count()
    };
    if key.id.is_none() && key.algorithms.iter().any(|a| rivals(a) >= KEYS_TRIED_MAX) {
        return Err(KeyFault::TooManyWithoutId);
    }
    keys.push(key);
    Ok(())
}

fn parse_algorithms(names: &[String]) -> Result<Vec<Algorithm>, KeyFault> {
    let parse = |name: &String| {
        Algorithm::from_name(name).ok_or_else(|| KeyFault::AlgorithmUnknown(name.clone()))
    };
    names.iter().map(parse).collect()
}

/// The one kind of key that all of `algorithms` work with.
fn family(algorithms: &[Algorithm]) -> Result<Family, KeyFault> {
    let (first, rest) = algorithms
        .split_first()
        .ok_or(KeyFault::AlgorithmsMissing)?;
    match rest.iter().find(|other| other.family() != first.family()) {
        Some(other) => Err(KeyFault::AlgorithmsMixed(
            first.to_string(),
            other.to_string(),
        )),
        None => Ok(first.family()),
    }
}

fn secret_key(secret: &[u8], algorithms: &[Algorithm]) -> Result<DecodingKey, KeyFault> {
    let family = family(algorithms)?;
    if family != Family::Hmac {
        return Err(KeyFault::Unfit {
            needed: family.to_string(),
            found: "a secret",
        });
    }
    if secret.windows(10).any(|bytes| bytes == b"-----BEGIN") {
        return Err(KeyFault::SecretIsPem);
    }
    for algorithm in algorithms {
        let needed = algorithm.secret_bytes_min();
        if secret.len() < needed {
            let algorithm = algorithm.to_string();
            return Err(KeyFault::SecretShort {
                algorithm,
                found: secret.len(),
                needed,
            });
        }
    }
    Ok(DecodingKey::from_secret(secret))
}

fn pem_key(pem: &[u8], algorithms: &[Algorithm]) -> Result<DecodingKey, KeyFault> {
    let blocks = pem::parse_many(pem).map_err(|error| KeyFault::Pem(error.to_string()))?;
    let family = family(algorithms)?;
    for block in &blocks {
        match block.tag() {
            tag if tag.contains("PRIVATE") => return Err(KeyFault::Private),
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                return Err(KeyFault::Certificate);
            }
            _ => {}
        }
    }
    let [block] = blocks.as_slice() else {
        return Err(KeyFault::PemBlocks(blocks.len()));
    };
    let der = block.contents();
    match (block.tag(), family) {
        (_, Family::Hmac) => Err(KeyFault::Unfit {
            needed: family.to_string(),
            found: "a public key",
        }),
        ("PUBLIC KEY" | "RSA PUBLIC KEY", Family::Rsa) => rsa_key_from_der(der),
        ("PUBLIC KEY", Family::Ec(curve)) => ec_key(der, curve),
        ("PUBLIC KEY", Family::Ed25519) => ed25519_key(der),
        (tag, _) => Err(KeyFault::PemLabel {
            label: tag.to_owned(),
            needed: family.to_string(),
        }),
    }
}

fn rsa_key_from_der(der: &[u8]) -> Result<DecodingKey, KeyFault> {
    let invalid = |_| KeyFault::Invalid(Family::Rsa.to_string());
    let key = aws_lc_rs::rsa::PublicKey::from_der(der).map_err(invalid)?;
    let components = RsaPublicKeyComponents::<Vec<u8>>::from(&key);
    rsa_key(&components.n, &components.e)
}

/// From modulus and exponent, big-endian without leading zeros.
fn rsa_key(n: &[u8], e: &[u8]) -> Result<DecodingKey, KeyFault> {
    let leading = n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let bits = n.len() * 8 - leading;
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(KeyFault::RsaBits(bits));
    }
    if e.len() > 8 {
        return Err(KeyFault::RsaExponent);
    }
    let exponent = e
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    if exponent < RSA_EXPONENT_MIN || exponent % 2 == 0 {
        return Err(KeyFault::RsaExponent);
    }
    RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| KeyFault::Invalid(Family::Rsa.to_string()))?;
    Ok(DecodingKey::from_rsa_raw_components(n, e))
}

/// From a SubjectPublicKeyInfo in DER, or an uncompressed point.
fn ec_key(bytes: &[u8], curve: Curve) -> Result<DecodingKey, KeyFault> {
    let algorithm = match curve {
        Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED,
        Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED,
        Curve::P521 => &signature::ECDSA_P521_SHA512_FIXED,
    };
    check(bytes, algorithm, Family::Ec(curve))?;
    Ok(DecodingKey::from_ec_der(bytes))
}

/// From a SubjectPublicKeyInfo in DER, or the 32 bytes themselves.
fn ed25519_key(bytes: &[u8]) -> Result<DecodingKey, KeyFault> {
    check(bytes, &signature::ED25519, Family::Ed25519)?;
    Ok(DecodingKey::from_ed_der(bytes))
}

fn check(
    bytes: &[u8],
    algorithm: &'static dyn VerificationAlgorithm,
    family: Family,
) -> Result<(), KeyFault> {
    ParsedPublicKey::new(algorithm, bytes).map_err(|_| KeyFault::Invalid(family.to_string()))?;
    Ok(())
}
