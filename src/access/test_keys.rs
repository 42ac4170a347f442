//! Signs what tests and fuzz targets ask for, with the keys of `tests/fixtures/keys`. Uses no code that verifies.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "keys that are not there must fail their test at once"
)]

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::{Auth, Jwt, KeyMaterial, KeySource, RefuseWith, TicketSettings};

macro_rules! key {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/keys/",
            $name,
            ".pem"
        ))
    };
}
#[cfg(test)]
pub(super) use key;

pub const SECRET: &[u8] = b"a test secret of sixty-four bytes, which is what HS512 asks for.";

pub const ALGORITHMS: [&str; 13] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
    "ES384", "ES512", "EdDSA",
];

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The signature of `message` by the fixture key that `algorithm` works with.
pub fn sign(algorithm: &str, message: &str) -> Vec<u8> {
    let message = message.as_bytes();
    match algorithm {
        "HS256" => hmac_with(hmac::HMAC_SHA256, SECRET, message),
        "HS384" => hmac_with(hmac::HMAC_SHA384, SECRET, message),
        "HS512" => hmac_with(hmac::HMAC_SHA512, SECRET, message),
        "RS256" => sign_rsa(&signature::RSA_PKCS1_SHA256, message),
        "RS384" => sign_rsa(&signature::RSA_PKCS1_SHA384, message),
        "RS512" => sign_rsa(&signature::RSA_PKCS1_SHA512, message),
        "PS256" => sign_rsa(&signature::RSA_PSS_SHA256, message),
        "PS384" => sign_rsa(&signature::RSA_PSS_SHA384, message),
        "PS512" => sign_rsa(&signature::RSA_PSS_SHA512, message),
        "ES256" => sign_ecdsa(
            &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            key!("p256.private"),
            message,
        ),
        "ES256 in DER" => sign_ecdsa(
            &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            key!("p256.private"),
            message,
        ),
        "ES384" => sign_ecdsa(
            &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            key!("p384.private"),
            message,
        ),
        "ES512" => sign_ecdsa(
            &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
            key!("p521.private"),
            message,
        ),
        "ES512 in DER" => sign_ecdsa(
            &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
            key!("p521.private"),
            message,
        ),
        "EdDSA" => {
            let pair = Ed25519KeyPair::from_pkcs8(&der(key!("ed25519.private"))).unwrap();
            pair.sign(message).as_ref().to_vec()
        }
        other => panic!("{other}"),
    }
}

pub fn hmac_with(algorithm: hmac::Algorithm, secret: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, secret), message)
        .as_ref()
        .to_vec()
}

fn sign_rsa(algorithm: &'static dyn signature::RsaEncoding, message: &[u8]) -> Vec<u8> {
    let pair = RsaKeyPair::from_pkcs8(&der(key!("rsa2048.private"))).unwrap();
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(algorithm, &SystemRandom::new(), message, &mut signature)
        .unwrap();
    signature
}

fn sign_ecdsa(
    algorithm: &'static signature::EcdsaSigningAlgorithm,
    pem: &[u8],
    message: &[u8],
) -> Vec<u8> {
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, &der(pem)).unwrap();
    pair.sign(&SystemRandom::new(), message)
        .unwrap()
        .as_ref()
        .to_vec()
}

pub fn der(pem: &[u8]) -> Vec<u8> {
    pem::parse(pem).unwrap().into_contents()
}

/// Modulus and exponent of an RSA public key, in base64url.
pub fn rsa_members(pem: &[u8]) -> (String, String) {
    let key = rsa::PublicKey::from_der(&der(pem)).unwrap();
    let components = signature::RsaPublicKeyComponents::<Vec<u8>>::from(&key);
    (encode(components.n), encode(components.e))
}

/// The coordinates of an EC public key (or the one of an Ed25519 key, as `x`), in base64url: they end the DER.
pub fn point_members(pem: &[u8], bytes: usize, coordinates: usize) -> (String, String) {
    let der = der(pem);
    let point = &der[der.len() - bytes * coordinates..];
    (encode(&point[..bytes]), encode(&point[bytes..]))
}

/// The material that verifies what [`sign`] signs.
pub fn material(algorithm: &str) -> KeyMaterial {
    match &algorithm[..2] {
        "HS" => KeyMaterial::Secret(SECRET.to_vec()),
        "RS" | "PS" => KeyMaterial::Pem(key!("rsa2048.public").to_vec()),
        "Ed" => KeyMaterial::Pem(key!("ed25519.public").to_vec()),
        _ => KeyMaterial::Pem(match algorithm {
            "ES256" => key!("p256.public").to_vec(),
            "ES384" => key!("p384.public").to_vec(),
            _ => key!("p521.public").to_vec(),
        }),
    }
}

pub fn source(id: Option<&str>, algorithms: &[&str], material: KeyMaterial) -> KeySource {
    KeySource {
        id: id.map(Into::into),
        algorithms: algorithms.iter().map(|name| (*name).to_owned()).collect(),
        material,
        file: None,
        origin: "auth.key[0].file".to_owned(),
    }
}

pub fn jwt() -> Jwt {
    Jwt {
        issuer: None,
        audience: None,
        leeway: Duration::from_secs(30),
        token_bytes_max: 4096,
        lifetime_max: Duration::from_secs(86_400),
    }
}

pub fn auth(keys: Vec<KeySource>, jwt: Jwt) -> Auth {
    let ticket = TicketSettings {
        lifetime: Duration::from_secs(30),
        tickets_max: 1000,
        tickets_per_user_max: 10,
    };
    Auth {
        query_token: true,
        refuse_with: RefuseWith::Close,
        cookie: None,
        keys,
        jwt,
        ticket,
        ..Auth::default()
    }
}
