//! Tokens that nobody with a key has signed.

use proptest::prelude::*;

use super::*;
use crate::access::test_keys::der;

#[test]
fn none_is_refused_in_every_case_and_shape() {
    for name in ["none", "None", "NONE", "nOnE", "none ", "", "null"] {
        let header = encode(format!(r#"{{"alg":"{name}"}}"#));
        let signed = encode(sign("HS256", "x"));
        for (signature, expected) in [
            ("", TokenFault::Parts),
            ("AA", TokenFault::Algorithm),
            (signed.as_str(), TokenFault::Algorithm),
        ] {
            let shown = format!("{header}.{}.{signature}", encode(CLAIMS));
            assert_eq!(
                fault(&hs256(), &shown),
                Some(expected),
                "{name:?} {signature:?}"
            );
        }
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let pem: &[u8] = key!("rsa2048.public");
    let der = der(pem);
    let rsa = pinned("RS256");
    let both = authenticator(vec![
        source(None, &["RS256"], material("RS256")),
        source(None, &["HS256"], material("HS256")),
    ]);
    let message = format!("{}.{}", encode(header("HS256")), encode(CLAIMS));
    for secret in [pem, pem.trim_ascii_end(), &der, b""] {
        let signature = encode(hmac_with(hmac::HMAC_SHA256, secret, message.as_bytes()));
        let shown = format!("{message}.{signature}");
        assert_eq!(fault(&rsa, &shown), Some(TokenFault::AlgorithmNotPinned));
        assert_eq!(fault(&both, &shown), Some(TokenFault::Signature));
    }
}

#[test]
fn a_key_that_the_token_brings_is_not_used() {
    let secret = [9; 32];
    let jwk = format!(r#"{{"kty":"oct","k":"{}"}}"#, encode(secret));
    let message = format!(
        "{}.{}",
        encode(format!(r#"{{"alg":"HS256","jwk":{jwk}}}"#)),
        encode(CLAIMS)
    );
    let signature = encode(hmac_with(hmac::HMAC_SHA256, &secret, message.as_bytes()));
    assert_eq!(
        fault(&hs256(), &format!("{message}.{signature}")),
        Some(TokenFault::HeaderUnknown)
    );
}

#[test]
fn a_token_is_three_parts_of_canonical_base64url() {
    let good = with_claims(CLAIMS);
    let split: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = split.as_slice() else {
        panic!("three parts")
    };
    let parts = Some(TokenFault::Parts);
    let encoding = Some(TokenFault::Encoding);
    let table = [
        (good.clone(), None),
        (String::new(), parts),
        (".".into(), parts),
        ("..".into(), parts),
        ("...".into(), parts),
        (format!("{header}.{claims}"), parts),
        (format!("{header}.{claims}."), parts),
        (format!(".{claims}.{signature}"), parts),
        (format!("{header}..{signature}"), parts),
        (format!("{good}."), parts),
        (format!(".{good}"), parts),
        (format!("{good}.{signature}"), parts),
        (
            format!("{header}.{claims}.{signature}.{signature}.AA"),
            parts,
        ),
        (format!("{good}="), encoding),
        (format!("{header}=.{claims}.{signature}"), encoding),
        (format!("{header}.{claims}==.{signature}"), encoding),
        (format!(" {good}"), encoding),
        (format!("{good} "), encoding),
        (format!("{good}\n"), encoding),
        (format!("{header}. {claims}.{signature}"), encoding),
        (format!("{good}\0"), encoding),
        (format!("{header}.{claims}.é"), encoding),
        (format!("{header}.{claims}.+/+/"), encoding),
        (format!("{header}.{claims}.A"), encoding),
    ];
    for (shown, expected) in table {
        assert_eq!(fault(&hs256(), &shown), expected, "{shown:?}");
    }
}

#[test]
fn stray_bits_in_the_last_character_are_refused() {
    let good = with_claims(CLAIMS);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = *good.as_bytes().last().unwrap();
    let index = alphabet.iter().position(|b| *b == last).unwrap();
    for stray in 1..4 {
        let mut shown = good.clone().into_bytes();
        *shown.last_mut().unwrap() = alphabet[index | stray];
        let shown = String::from_utf8(shown).unwrap();
        assert_eq!(fault(&hs256(), &shown), Some(TokenFault::Encoding));
    }
}

/// The good token of `algorithm` with its signature changed.
fn resigned(algorithm: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    let message = format!("{}.{}", encode(header(algorithm)), encode(CLAIMS));
    format!("{message}.{}", encode(change(sign(algorithm, &message))))
}

#[test]
fn a_truncated_padded_or_foreign_signature_is_refused() {
    for algorithm in ALGORITHMS {
        let authenticator = pinned(algorithm);
        let refused = |shown: &str| fault(&authenticator, shown) == Some(TokenFault::Signature);
        assert_eq!(
            fault(&authenticator, &resigned(algorithm, |s| s)),
            None,
            "{algorithm}"
        );
        for cut in [1, 2, 16] {
            assert!(
                refused(&resigned(algorithm, |s| s[..s.len() - cut].to_vec())),
                "{algorithm}"
            );
        }
        assert!(
            refused(&resigned(algorithm, |s| s[..1].to_vec())),
            "{algorithm}"
        );
        assert!(
            refused(&resigned(algorithm, |s| [s, vec![0]].concat())),
            "{algorithm}"
        );
        assert!(
            refused(&resigned(algorithm, |s| [vec![0], s].concat())),
            "{algorithm}"
        );
        assert!(
            refused(&resigned(algorithm, |s| vec![0; s.len()])),
            "{algorithm}"
        );
        assert!(
            refused(&resigned(algorithm, |s| vec![0xff; s.len()])),
            "{algorithm}"
        );
        assert!(
            refused(&resigned(algorithm, |_| sign(algorithm, "another message"))),
            "{algorithm}"
        );
    }
}

#[test]
fn another_key_of_the_same_kind_does_not_verify() {
    let material = KeyMaterial::Pem(key!("other-rsa2048.public").to_vec());
    let other = authenticator(vec![source(None, &["RS256"], material)]);
    assert_eq!(
        fault(&other, &resigned("RS256", |s| s)),
        Some(TokenFault::Signature)
    );
    let material = KeyMaterial::Secret([SECRET, b"!"].concat());
    let other = authenticator(vec![source(None, &["HS256"], material)]);
    assert_eq!(
        fault(&other, &resigned("HS256", |s| s)),
        Some(TokenFault::Signature)
    );
}

#[test]
fn an_ecdsa_signature_is_two_numbers_in_range_and_not_der() {
    for (algorithm, size) in [("ES256", 32), ("ES384", 48), ("ES512", 66)] {
        let authenticator = pinned(algorithm);
        let zero = vec![0; size];
        let forged = [
            resigned(algorithm, |s| [&zero, &s[size..]].concat()),
            resigned(algorithm, |s| [&s[..size], &zero].concat()),
            resigned(algorithm, |s| [&s[..size], &vec![0xff; size]].concat()),
            resigned(algorithm, |s| [&s[size..], &s[..size]].concat()),
        ];
        for shown in forged {
            assert_eq!(
                fault(&authenticator, &shown),
                Some(TokenFault::Signature),
                "{algorithm}"
            );
        }
    }
    for (algorithm, in_der) in [("ES256", "ES256 in DER"), ("ES512", "ES512 in DER")] {
        let message = format!("{}.{}", encode(header(algorithm)), encode(CLAIMS));
        let shown = format!("{message}.{}", encode(sign(in_der, &message)));
        assert_eq!(
            fault(&pinned(algorithm), &shown),
            Some(TokenFault::Signature),
            "{algorithm}"
        );
    }
}

#[test]
fn an_rsa_signature_of_the_other_padding_or_hash_is_refused() {
    let table = [
        ("RS256", "PS256"),
        ("PS256", "RS256"),
        ("RS256", "RS512"),
        ("PS384", "PS256"),
    ];
    for (algorithm, other) in table {
        let message = format!("{}.{}", encode(header(algorithm)), encode(CLAIMS));
        let shown = format!("{message}.{}", encode(sign(other, &message)));
        assert_eq!(
            fault(&pinned(algorithm), &shown),
            Some(TokenFault::Signature),
            "{algorithm}"
        );
    }
}

#[test]
fn claims_are_not_read_before_the_signature_holds() {
    let message = format!("{}.{}", encode(header("HS256")), encode("not JSON"));
    assert_eq!(
        fault(&hs256(), &format!("{message}.AAAA")),
        Some(TokenFault::Signature)
    );
}

#[test]
fn every_single_bit_flip_is_refused() {
    let authenticator = hs256();
    let good = with_claims(CLAIMS);
    assert_eq!(fault(&authenticator, &good), None);
    for index in 0..good.len() {
        for bit in 0..7 {
            let mut flipped = good.clone().into_bytes();
            flipped[index] ^= 1 << bit;
            let flipped = String::from_utf8(flipped).unwrap();
            assert!(fault(&authenticator, &flipped).is_some(), "{index} {bit}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_is_taken_for_a_token(text in any::<String>()) {
        prop_assert!(fault(&hs256(), &text).is_some());
    }

    #[test]
    fn no_signed_bytes_make_the_reader_fall_over(
        header in prop_oneof![Just(header("HS256").into_bytes()), any::<Vec<u8>>()],
        claims in any::<Vec<u8>>(),
    ) {
        let message = format!("{}.{}", encode(header), encode(claims));
        let shown = format!("{message}.{}", encode(sign("HS256", &message)));
        prop_assert!(hs256().verify(&shown, NOW).is_err());
    }

    #[test]
    fn what_is_taken_is_what_another_reader_reads(
        sub in "[a-z]{1,8}",
        exp in prop_oneof![Just(NOW_SECONDS + 60), any::<u64>()],
        extra in "[a-z\"{}\\[\\]:,0-9\\\\]{0,12}",
    ) {
        let claims = format!(r#"{{"sub":"{sub}","exp":{exp},"x":{extra}}}"#);
        if let Ok(identity) = hs256().verify(&with_claims(&claims), NOW) {
            let parsed: serde_json::Value = serde_json::from_str(&claims).unwrap();
            prop_assert_eq!(parsed["sub"].as_str(), Some(&*identity.user));
            prop_assert_eq!(parsed["exp"].as_u64(), Some(NOW_SECONDS + 60));
        }
    }
}
