//! JWK Sets (RFC 7517 §5). Members it does not know are ignored, as §4 asks; those it knows must be right.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Key, KeyError, KeyFault, ec_key, ed25519_key, rsa_key, secret_key};
use crate::access::algorithm::{Algorithm, Curve, Family};

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
    /// The private part of every asymmetric kind (RFC 7518 §6.2.2, §6.3.2, RFC 8037 §2).
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
}

/// Hands every signature key of the set to `add`. Keys for encryption (`"use": "enc"`) are left out: they never verify.
pub(super) fn load(
    json: &[u8],
    allowed: &[Algorithm],
    origin: &str,
    mut add: impl FnMut(Key) -> Result<(), KeyFault>,
) -> Result<(), KeyError> {
    let set: JwkSet = serde_json::from_slice(json)
        .map_err(|error| KeyFault::Jwks(error.to_string()).at(origin))?;
    let mut empty = true;
    for (index, jwk) in set.keys.into_iter().enumerate() {
        if jwk.purpose.as_deref() == Some("enc") {
            continue;
        }
        let added = verifying_key(jwk, allowed).and_then(&mut add);
        added.map_err(|fault| fault.at(&format!("{origin}, keys[{index}]")))?;
        empty = false;
    }
    if empty {
        Err(KeyFault::JwksEmpty.at(origin))
    } else {
        Ok(())
    }
}

/// Base64url without padding and without stray bits in its last character.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    URL_SAFE_NO_PAD.decode(text)
}

fn verifying_key(jwk: Jwk, allowed: &[Algorithm]) -> Result<Key, KeyFault> {
    check_purpose(&jwk)?;
    let family = family(&jwk)?;
    let algorithms = pins(jwk.alg.as_deref(), family, allowed)?;
    let material = material(&jwk, family, &algorithms)?;
    Ok(Key {
        id: jwk.kid.map(Into::into),
        algorithms,
        material,
    })
}

fn check_purpose(jwk: &Jwk) -> Result<(), KeyFault> {
    if jwk.d.is_some() || jwk.p.is_some() || jwk.q.is_some() {
        return Err(KeyFault::Private);
    }
    if let Some(purpose) = jwk.purpose.as_deref().filter(|purpose| *purpose != "sig") {
        return Err(KeyFault::JwkUse(purpose.to_owned()));
    }
    match &jwk.key_ops {
        Some(operations) if !operations.iter().any(|o| o == "verify") => {
            Err(KeyFault::JwkOperations)
        }
        _ => Ok(()),
    }
}

fn family(jwk: &Jwk) -> Result<Family, KeyFault> {
    let curve = jwk.crv.as_deref().unwrap_or_default();
    match (jwk.kty.as_str(), curve) {
        ("RSA", _) => Ok(Family::Rsa),
        ("oct", _) => Ok(Family::Hmac),
        ("EC", "P-256") => Ok(Family::Ec(Curve::P256)),
        ("EC", "P-384") => Ok(Family::Ec(Curve::P384)),
        ("EC", "P-521") => Ok(Family::Ec(Curve::P521)),
        ("OKP", "Ed25519") => Ok(Family::Ed25519),
        ("EC" | "OKP", _) => Err(KeyFault::JwkCurve(curve.to_owned())),
        _ => Err(KeyFault::JwkType(jwk.kty.clone())),
    }
}

/// What the key is pinned to: its own `alg`, or those of the config that fit it.
fn pins(
    alg: Option<&str>,
    family: Family,
    allowed: &[Algorithm],
) -> Result<Vec<Algorithm>, KeyFault> {
    let Some(name) = alg else {
        let fit: Vec<Algorithm> = allowed
            .iter()
            .copied()
            .filter(|a| a.family() == family)
            .collect();
        return if fit.is_empty() {
            Err(KeyFault::JwkUnpinned(family.to_string()))
        } else {
            Ok(fit)
        };
    };
    let algorithm =
        Algorithm::from_name(name).ok_or_else(|| KeyFault::AlgorithmUnknown(name.to_owned()))?;
    if !allowed.is_empty() && !allowed.contains(&algorithm) {
        return Err(KeyFault::JwkAlgorithm(name.to_owned()));
    }
    if algorithm.family() != family {
        return Err(KeyFault::JwkUnpinned(family.to_string()));
    }
    Ok(vec![algorithm])
}

fn material(jwk: &Jwk, family: Family, algorithms: &[Algorithm]) -> Result<DecodingKey, KeyFault> {
    match family {
        Family::Hmac => secret_key(&member("k", jwk.k.as_deref())?, algorithms),
        Family::Rsa => rsa_key(
            &member("n", jwk.n.as_deref())?,
            &member("e", jwk.e.as_deref())?,
        ),
        Family::Ec(curve) => {
            let bytes = coordinate_bytes(curve);
            let mut point = vec![4]; // uncompressed (SEC 1 §2.3.3)
            point.extend(sized_member("x", jwk.x.as_deref(), bytes)?);
            point.extend(sized_member("y", jwk.y.as_deref(), bytes)?);
            ec_key(&point, curve)
        }
        Family::Ed25519 => ed25519_key(&sized_member("x", jwk.x.as_deref(), 32)?),
    }
}

/// RFC 7518 §6.2.1.2: the full size of the curve's field, leading zeros included.
const fn coordinate_bytes(curve: Curve) -> usize {
    match curve {
        Curve::P256 => 32,
        Curve::P384 => 48,
        Curve::P521 => 66,
    }
}

fn member(name: &'static str, text: Option<&str>) -> Result<Vec<u8>, KeyFault> {
    text.and_then(|text| decode(text).ok())
        .ok_or(KeyFault::JwkMember(name))
}

fn sized_member(name: &'static str, text: Option<&str>, bytes: usize) -> Result<Vec<u8>, KeyFault> {
    let value = member(name, text)?;
    if value.len() == bytes {
        Ok(value)
    } else {
        Err(KeyFault::JwkMember(name))
    }
}
