//! JWK Sets.

use super::*;

#[test]
fn every_kind_of_jwk_verifies() {
    for more in [
        "",
        r#","use":"sig","key_ops":["verify"],"x5t":"x","unknown":[1]"#,
    ] {
        for (name, jwk) in public_jwks(more) {
            let ring = load(&[source(None, &[name], jwks(&jwk))]).unwrap();
            assert!(verifies(&ring, name), "{name}");
            let pinned = jwk.replace("\"kty\"", &format!("\"alg\":\"{name}\",\"kty\""));
            let ring = load(&[source(None, &[], jwks(&pinned))]).unwrap();
            assert!(verifies(&ring, name), "{name}");
        }
    }
}

#[test]
fn a_jwk_that_breaks_a_rule_is_named_by_its_place() {
    let (x, y) = point_members(key!("p256.public"), 32, 2);
    let off_curve = format!(r#"{{"kty":"EC","crv":"P-256","x":"{y}","y":"{x}"}}"#);
    let good = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","alg":"ES256"}}"#);
    let with = |more: &str| good.replace("\"alg\":\"ES256\"", more);
    let table = [
        (with(r#""d":"AA""#), KeyFault::Private),
        (with(r#""d":5"#), KeyFault::Private),
        (with(r#""q":"AA""#), KeyFault::Private),
        (with(r#""use":"tls""#), KeyFault::JwkUse("tls".into())),
        (with(r#""key_ops":["sign"]"#), KeyFault::JwkOperations),
        (with(r#""key_ops":[]"#), KeyFault::JwkOperations),
        (
            with(r#""alg":"none""#),
            KeyFault::AlgorithmUnknown("none".into()),
        ),
        (
            with(r#""alg":"ES256K""#),
            KeyFault::AlgorithmUnknown("ES256K".into()),
        ),
        (
            with(r#""alg":"ES384""#),
            KeyFault::JwkAlgorithm("ES384".into()),
        ),
        (
            with(r#""alg":"HS256""#),
            KeyFault::JwkUnpinned("an EC key on P-256".into()),
        ),
        (r#"{"kty":"AKP"}"#.into(), KeyFault::JwkType("AKP".into())),
        (r#"{"kty":"ec"}"#.into(), KeyFault::JwkType("ec".into())),
        (
            r#"{"kty":"EC","crv":"secp256k1"}"#.into(),
            KeyFault::JwkCurve("secp256k1".into()),
        ),
        (r#"{"kty":"EC"}"#.into(), KeyFault::JwkCurve(String::new())),
        (
            r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#.into(),
            KeyFault::JwkCurve("X25519".into()),
        ),
        (
            r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#.into(),
            KeyFault::JwkMember("x"),
        ),
        (good.replace("\"y\"", "\"z\""), KeyFault::JwkMember("y")),
        (good.replace(&x, &format!("{x}=")), KeyFault::JwkMember("x")),
        (off_curve, KeyFault::Invalid("an EC key on P-256".into())),
        (r#"{"kty":"oct"}"#.into(), KeyFault::JwkMember("k")),
        (
            r#"{"kty":"RSA","n":"AA"}"#.into(),
            KeyFault::JwkUnpinned("an RSA key".into()),
        ),
    ];
    for (bad, expected) in table {
        let set = jwks(&format!("{good},{bad}"));
        let error = load(&[source(None, &["ES256", "HS256"], set)])
            .err()
            .expect(&bad);
        assert_eq!(error.origin, "auth.key[0].file, keys[1]");
        assert_eq!(error.fault, expected, "{bad}");
    }
    assert_eq!(
        jwk_fault(&with(r#""x5t":"""#), &[]),
        KeyFault::JwkUnpinned("an EC key on P-256".into())
    );
}

#[test]
fn a_set_must_be_a_set_with_a_signature_key() {
    for bad in [
        "",
        "[]",
        "{}",
        "null",
        r#"{"keys":{}}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]} x"#,
    ] {
        let set = KeyMaterial::Jwks(bad.as_bytes().to_vec());
        assert!(
            matches!(fault(source(None, &["RS256"], set)), KeyFault::Jwks(_)),
            "{bad}"
        );
    }
    let doubled = r#"{"kty":"oct","kty":"oct","k":"AA"}"#;
    assert!(matches!(jwk_fault(doubled, &["HS256"]), KeyFault::Jwks(_)));
    assert_eq!(jwk_fault("", &["RS256"]), KeyFault::JwksEmpty);
    let encryption = r#"{"kty":"RSA","use":"enc","alg":"RSA-OAEP"}"#;
    assert_eq!(jwk_fault(encryption, &["RS256"]), KeyFault::JwksEmpty);
    let (_, rsa) = public_jwks("").remove(1);
    let ring = load(&[source(
        None,
        &["RS256"],
        jwks(&format!("{encryption},{rsa}")),
    )])
    .unwrap();
    assert_eq!(ring.keys.len(), 1);
    let id = source(Some("k"), &["RS256"], jwks(&rsa));
    assert_eq!(fault(id), KeyFault::IdOfSet);
}
