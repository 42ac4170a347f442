use super::*;
use crate::access::test_keys::{
    ALGORITHMS, SECRET, encode, key, material, point_members, rsa_members, sign, source,
};

mod sets;

fn load(sources: &[KeySource]) -> Result<KeyRing, KeyError> {
    KeyRing::load(sources)
}

fn fault(source: KeySource) -> KeyFault {
    let error = load(&[source]).err().expect("refused");
    assert!(error.to_string().starts_with("auth.key[0].file"), "{error}");
    error.fault
}

fn pem(bytes: &[u8]) -> KeyMaterial {
    KeyMaterial::Pem(bytes.to_vec())
}

fn jwks(keys: &str) -> KeyMaterial {
    KeyMaterial::Jwks(format!("{{\"keys\":[{keys}]}}").into_bytes())
}

fn jwk_fault(jwk: &str, algorithms: &[&str]) -> KeyFault {
    fault(source(None, algorithms, jwks(jwk)))
}

/// The fixture keys as JWKs, `more` added to each, with the algorithm each is for.
fn public_jwks(more: &str) -> Vec<(&'static str, String)> {
    let (n, e) = rsa_members(key!("rsa2048.public"));
    let ec = |pem: &[u8], crv: &str, bytes| {
        let (x, y) = point_members(pem, bytes, 2);
        format!(r#"{{"kty":"EC","crv":"{crv}","x":"{x}","y":"{y}"{more}}}"#)
    };
    let (x, _) = point_members(key!("ed25519.public"), 32, 1);
    vec![
        (
            "HS256",
            format!(r#"{{"kty":"oct","k":"{}"{more}}}"#, encode(SECRET)),
        ),
        (
            "RS256",
            format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"{more}}}"#),
        ),
        (
            "PS512",
            format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"{more}}}"#),
        ),
        ("ES256", ec(key!("p256.public"), "P-256", 32)),
        ("ES384", ec(key!("p384.public"), "P-384", 48)),
        ("ES512", ec(key!("p521.public"), "P-521", 66)),
        (
            "EdDSA",
            format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"{more}}}"#),
        ),
    ]
}

fn verifies(ring: &KeyRing, name: &str) -> bool {
    let algorithm = Algorithm::from_name(name).unwrap();
    let signature = encode(sign(name, "message"));
    let keys = ring.select(None, algorithm).unwrap();
    keys.iter()
        .any(|key| key.verifies(algorithm, b"message", &signature))
        && !keys
            .iter()
            .any(|key| key.verifies(algorithm, b"massage", &signature))
}

#[test]
fn every_algorithm_verifies_with_its_own_kind_of_key() {
    for name in ALGORITHMS {
        let ring = load(&[source(None, &[name], material(name))]).unwrap();
        assert!(verifies(&ring, name), "{name}");
    }
}

#[test]
fn a_pkcs1_rsa_key_is_as_good() {
    let ring = load(&[source(
        None,
        &["RS256", "PS384"],
        pem(key!("rsa2048.pkcs1")),
    )])
    .unwrap();
    assert!(verifies(&ring, "RS256") && verifies(&ring, "PS384"));
}

#[test]
fn a_key_refuses_an_algorithm_that_it_is_not_pinned_to() {
    let ring = load(&[source(None, &["RS256"], material("RS256"))]).unwrap();
    let signature = encode(sign("RS384", "message"));
    assert!(!ring.keys[0].verifies(Algorithm::Rs384, b"message", &signature));
    assert_eq!(
        ring.select(None, Algorithm::Rs384).err(),
        Some(NoKey::Algorithm)
    );
}

#[test]
fn a_short_secret_is_refused() {
    for (name, needed) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let secret = |bytes| source(None, &[name], KeyMaterial::Secret(vec![b'k'; bytes]));
        assert!(load(&[secret(needed)]).is_ok());
        let short = KeyFault::SecretShort {
            algorithm: name.into(),
            found: needed - 1,
            needed,
        };
        assert_eq!(fault(secret(needed - 1)), short);
        assert_eq!(
            jwk_fault(
                &format!(r#"{{"kty":"oct","k":"{}"}}"#, encode(vec![0; needed - 1])),
                &[name]
            ),
            short
        );
    }
    let both = source(
        None,
        &["HS256", "HS512"],
        KeyMaterial::Secret(vec![b'k'; 48]),
    );
    assert!(matches!(
        fault(both),
        KeyFault::SecretShort { needed: 64, .. }
    ));
}

#[test]
fn material_of_the_wrong_kind_is_refused() {
    let certificate = pem(key!("p256.certificate"));
    let two = pem(&[key!("p256.public").as_slice(), key!("p384.public")].concat());
    let unfit = |source| matches!(fault(source), KeyFault::Unfit { .. });
    let label = |source| matches!(fault(source), KeyFault::PemLabel { .. });
    let invalid = |source| matches!(fault(source), KeyFault::Invalid(_));
    for name in ["rsa2048", "p256", "ed25519"] {
        let private: &[u8] = match name {
            "rsa2048" => key!("rsa2048.private"),
            "p256" => key!("p256.private"),
            _ => key!("ed25519.private"),
        };
        assert_eq!(
            fault(source(None, &["RS256"], pem(private))),
            KeyFault::Private,
            "{name}"
        );
    }
    assert_eq!(
        fault(source(None, &["ES256"], certificate)),
        KeyFault::Certificate
    );
    assert_eq!(fault(source(None, &["ES256"], two)), KeyFault::PemBlocks(2));
    assert_eq!(
        fault(source(None, &["ES256"], pem(b"nothing"))),
        KeyFault::PemBlocks(0)
    );
    let broken = pem(b"-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n");
    assert!(matches!(
        fault(source(None, &["ES256"], broken)),
        KeyFault::Pem(_)
    ));
    let public = KeyMaterial::Secret(key!("rsa2048.public").to_vec());
    assert_eq!(
        fault(source(None, &["HS256"], public)),
        KeyFault::SecretIsPem
    );
    assert!(unfit(source(
        None,
        &["RS256"],
        KeyMaterial::Secret(SECRET.to_vec())
    )));
    assert!(unfit(source(None, &["HS256"], pem(key!("rsa2048.public")))));
    assert!(label(source(None, &["ES256"], pem(key!("rsa2048.pkcs1")))));
    assert!(invalid(source(None, &["RS256"], pem(key!("p256.public")))));
    assert!(invalid(source(
        None,
        &["ES256"],
        pem(key!("rsa2048.public"))
    )));
    assert!(invalid(source(None, &["ES256"], pem(key!("p384.public")))));
    assert!(invalid(source(None, &["ES384"], pem(key!("p521.public")))));
    assert!(invalid(source(None, &["ES512"], pem(key!("p256.public")))));
    assert!(invalid(source(
        None,
        &["ES256"],
        pem(key!("secp256k1.public"))
    )));
    assert!(invalid(source(
        None,
        &["ES256"],
        pem(key!("ed25519.public"))
    )));
    assert!(invalid(source(None, &["EdDSA"], pem(key!("p256.public")))));
}

#[test]
fn a_weak_rsa_key_is_refused() {
    assert_eq!(
        fault(source(None, &["RS256"], pem(key!("rsa1024.public")))),
        KeyFault::RsaBits(1024)
    );
    assert_eq!(
        fault(source(None, &["PS256"], pem(key!("rsa-exponent-3.public")))),
        KeyFault::RsaExponent
    );
    let (n, _) = rsa_members(key!("rsa2048.public"));
    for e in [
        &[1][..],
        &[3],
        &[1, 0],
        &[1, 0, 0],
        &[1, 0, 2],
        &[],
        &[1, 0, 0, 0, 0, 0, 0, 0, 1],
        &[1, 0, 0, 0, 0, 0, 1, 0, 1],
    ] {
        let jwk = format!(r#"{{"kty":"RSA","n":"{n}","e":"{}"}}"#, encode(e));
        assert_eq!(jwk_fault(&jwk, &["RS256"]), KeyFault::RsaExponent, "{e:?}");
    }
    let eight_bytes = encode([1, 0, 0, 0, 0, 0, 0, 1]);
    let jwk = format!(r#"{{"kty":"RSA","n":"{n}","e":"{eight_bytes}"}}"#);
    assert!(load(&[source(None, &["RS256"], jwks(&jwk))]).is_ok());
    let mut short = vec![0xff; 256];
    short[0] = 0x7f;
    let short = format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#, encode(short));
    assert_eq!(jwk_fault(&short, &["RS256"]), KeyFault::RsaBits(2047));
    let large = format!(
        r#"{{"kty":"RSA","n":"{}","e":"AQAB"}}"#,
        encode(vec![0xff; 1025])
    );
    assert_eq!(jwk_fault(&large, &["RS256"]), KeyFault::RsaBits(8200));
    let padded = format!(r#"{{"kty":"RSA","n":"AAAA{n}","e":"AQAB"}}"#);
    assert!(load(&[source(None, &["RS256"], jwks(&padded))]).is_err());
    assert_eq!(
        jwk_fault(r#"{"kty":"RSA","n":"","e":"AQAB"}"#, &["RS256"]),
        KeyFault::RsaBits(0)
    );
}

#[test]
fn algorithms_are_known_and_of_one_kind() {
    for name in ["none", "hs256", "ES256K", ""] {
        let unknown = source(None, &[name], KeyMaterial::Secret(SECRET.to_vec()));
        assert_eq!(fault(unknown), KeyFault::AlgorithmUnknown(name.into()));
    }
    assert_eq!(
        fault(source(None, &[], material("HS256"))),
        KeyFault::AlgorithmsMissing
    );
    assert_eq!(
        fault(source(None, &[], material("RS256"))),
        KeyFault::AlgorithmsMissing
    );
    for mixed in [["RS256", "HS256"], ["ES256", "ES384"], ["PS256", "ES256"]] {
        let expected = KeyFault::AlgorithmsMixed(mixed[0].into(), mixed[1].into());
        assert_eq!(fault(source(None, &mixed, material(mixed[0]))), expected);
    }
}

#[test]
fn no_id_is_given_twice() {
    let one = source(Some("k"), &["HS256"], material("HS256"));
    let two = source(Some("k"), &["RS256"], material("RS256"));
    assert_eq!(
        load(&[one, two]).err().unwrap().fault,
        KeyFault::IdTwice("k".into())
    );
    let (_, jwk) = public_jwks(r#","kid":"k""#).remove(1);
    assert_eq!(
        jwk_fault(&format!("{jwk},{jwk}"), &["RS256"]),
        KeyFault::IdTwice("k".into())
    );
}

#[test]
fn the_number_of_keys_is_bounded() {
    assert_eq!(load(&[]).err().unwrap().fault, KeyFault::NoKeys);
    let secret = |n: usize| KeyMaterial::Secret(format!("{n:064}").into_bytes());
    let named = |n: usize| source(Some(&n.to_string()), &["HS256"], secret(n));
    let nameless = |n: usize| source(None, &["HS256"], secret(n));
    assert!(load(&(0..KEYS_MAX).map(named).collect::<Vec<_>>()).is_ok());
    let many: Vec<_> = (0..=KEYS_MAX).map(named).collect();
    assert_eq!(load(&many).err().unwrap().fault, KeyFault::TooMany);
    assert!(load(&(0..KEYS_TRIED_MAX).map(nameless).collect::<Vec<_>>()).is_ok());
    let many: Vec<_> = (0..=KEYS_TRIED_MAX).map(nameless).collect();
    assert_eq!(load(&many).err().unwrap().fault, KeyFault::TooManyWithoutId);
    let mut named: Vec<_> = (0..KEYS_TRIED_MAX).map(named).collect();
    named.push(nameless(KEYS_TRIED_MAX));
    assert!(load(&named).is_ok(), "keys with ids are not counted");
}

#[test]
fn a_kid_chooses_its_key_and_none_chooses_few() {
    let secret = |n: u8| KeyMaterial::Secret(vec![n; 64]);
    let mut sources = vec![
        source(Some("one"), &["HS256"], secret(1)),
        source(Some("two"), &["HS512"], secret(2)),
        source(None, &["HS256"], secret(3)),
    ];
    let ids = |ring: &KeyRing, kid, algorithm| {
        ring.select(kid, algorithm).map(|keys| {
            keys.iter()
                .map(|key| key.id.as_deref().unwrap_or("-").to_owned())
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    let ring = load(&sources).unwrap();
    let table: &[(Option<&str>, Algorithm, Result<&str, NoKey>)] = &[
        (Some("one"), Algorithm::Hs256, Ok("one")),
        (Some("one"), Algorithm::Hs512, Err(NoKey::Algorithm)),
        (Some("two"), Algorithm::Hs512, Ok("two")),
        (Some("two"), Algorithm::Hs256, Err(NoKey::Algorithm)),
        (Some("One"), Algorithm::Hs256, Ok("-")),
        (Some(""), Algorithm::Hs256, Ok("-")),
        (Some("three"), Algorithm::Hs512, Err(NoKey::Algorithm)),
        (None, Algorithm::Hs256, Ok("one -")),
        (None, Algorithm::Hs512, Ok("two")),
        (None, Algorithm::Rs256, Err(NoKey::Algorithm)),
    ];
    for (kid, algorithm, expected) in table {
        assert_eq!(
            ids(&ring, *kid, *algorithm),
            expected.map(str::to_owned),
            "{kid:?} {algorithm}"
        );
    }
    sources.truncate(2);
    let ring = load(&sources).unwrap();
    assert_eq!(ids(&ring, Some("three"), Algorithm::Hs256), Err(NoKey::Id));
    for n in 0..4u8 {
        sources.push(source(Some(&n.to_string()), &["HS256"], secret(10 + n)));
    }
    let ring = load(&sources).unwrap();
    assert_eq!(ids(&ring, None, Algorithm::Hs256), Err(NoKey::Ambiguous));
    assert_eq!(ids(&ring, Some("3"), Algorithm::Hs256), Ok("3".to_owned()));
}
