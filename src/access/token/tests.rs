use std::time::Duration;

use aws_lc_rs::hmac;

use super::*;
use crate::access::Source;
use crate::access::test_keys::{
    ALGORITHMS, SECRET, auth, encode, hmac_with, jwt, key, material, sign, source,
};
use crate::config::{KeyMaterial, KeySource};
use crate::time::{Instant, Wall};

mod forged;
mod outside;
mod rules;
mod shape;

const NOW_SECONDS: u64 = 1_764_000_000;
const NOW: Now = Now {
    instant: Instant::ZERO,
    wall: Wall::from_millis(NOW_SECONDS * 1000),
};
const CLAIMS: &str = r#"{"sub":"alice","exp":1764000060}"#;

fn authenticator(keys: Vec<KeySource>) -> TokenAuthenticator {
    TokenAuthenticator::new(&auth(keys, jwt())).unwrap()
}

/// One key, pinned to `algorithm`.
fn pinned(algorithm: &str) -> TokenAuthenticator {
    authenticator(vec![source(None, &[algorithm], material(algorithm))])
}

fn hs256() -> TokenAuthenticator {
    pinned("HS256")
}

/// A token of exactly these bytes, signed with the fixture key of `algorithm`.
fn token(algorithm: &str, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = encode(sign(algorithm, &message));
    format!("{message}.{signature}")
}

fn header(algorithm: &str) -> String {
    format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#)
}

/// With these claims under a good HS256 header.
fn with_claims(claims: &str) -> String {
    token("HS256", &header("HS256"), claims)
}

fn fault(authenticator: &TokenAuthenticator, token: &str) -> Option<TokenFault> {
    authenticator.verify(token, NOW).err()
}

fn check(authenticator: &TokenAuthenticator, table: &[(&str, Option<TokenFault>)]) {
    for (claims, expected) in table {
        assert_eq!(
            fault(authenticator, &with_claims(claims)),
            *expected,
            "{claims}"
        );
    }
}

#[test]
fn every_algorithm_is_taken_with_its_key_and_refused_with_another() {
    for algorithm in ALGORITHMS {
        let good = token(algorithm, &header(algorithm), CLAIMS);
        for other in ALGORITHMS {
            let expected = if algorithm == other {
                None
            } else {
                Some(TokenFault::AlgorithmNotPinned)
            };
            assert_eq!(
                fault(&pinned(other), &good),
                expected,
                "{algorithm} shown to {other}"
            );
        }
        let identity = pinned(algorithm).verify(&good, NOW).unwrap();
        assert_eq!((&*identity.user, &*identity.name), ("alice", "alice"));
        assert_eq!(
            identity.expires,
            Some(Wall::from_millis((NOW_SECONDS + 60 + 30) * 1000))
        );
    }
}

#[test]
fn a_kid_means_one_key() {
    let other = KeyMaterial::Secret(vec![7; 64]);
    let ring = authenticator(vec![
        source(Some("new"), &["HS256"], material("HS256")),
        source(Some("old"), &["HS256"], other),
        source(Some("rsa"), &["RS256"], material("RS256")),
    ]);
    let table = [
        (r#"{"alg":"HS256","kid":"new"}"#, None),
        (r#"{"alg":"HS256"}"#, None),
        (
            r#"{"alg":"HS256","kid":"old"}"#,
            Some(TokenFault::Signature),
        ),
        (
            r#"{"alg":"HS256","kid":"NEW"}"#,
            Some(TokenFault::KeyUnknown),
        ),
        (r#"{"alg":"HS256","kid":""}"#, Some(TokenFault::KeyUnknown)),
        (
            r#"{"alg":"HS256","kid":"new "}"#,
            Some(TokenFault::KeyUnknown),
        ),
        (
            r#"{"alg":"HS256","kid":"../../etc/passwd"}"#,
            Some(TokenFault::KeyUnknown),
        ),
        (
            r#"{"alg":"HS256","kid":"rsa"}"#,
            Some(TokenFault::AlgorithmNotPinned),
        ),
    ];
    for (header, expected) in table {
        assert_eq!(
            fault(&ring, &token("HS256", header, CLAIMS)),
            expected,
            "{header}"
        );
    }
}

#[test]
fn without_kid_every_fitting_key_is_tried() {
    let ring = authenticator(vec![
        source(None, &["HS256"], KeyMaterial::Secret(vec![7; 64])),
        source(None, &["HS256"], material("HS256")),
    ]);
    assert_eq!(fault(&ring, &with_claims(CLAIMS)), None);
    let many = (0..5u8)
        .map(|n| {
            source(
                Some(&n.to_string()),
                &["HS256"],
                KeyMaterial::Secret(vec![n; 64]),
            )
        })
        .collect();
    assert_eq!(
        fault(&authenticator(many), &with_claims(CLAIMS)),
        Some(TokenFault::KeyAmbiguous)
    );
}

#[test]
fn the_client_learns_no_more_than_invalid_or_expired() {
    let authenticator = hs256();
    let now = NOW;
    let ask = |value: &str| {
        authenticator
            .authenticate(
                Credential {
                    source: Source::Query,
                    value,
                },
                now,
            )
            .err()
    };
    assert_eq!(ask(&with_claims(CLAIMS)), None);
    assert_eq!(
        ask(&with_claims(r#"{"sub":"a","exp":1}"#)),
        Some(AuthError::Expired)
    );
    assert_eq!(
        ask(&with_claims(r#"{"sub":"","exp":1}"#)),
        Some(AuthError::Invalid)
    );
    assert_eq!(ask("x"), Some(AuthError::Invalid));
    let forged = with_claims(r#"{"sub":"a","exp":1}"#).replace('.', ".A");
    assert_eq!(ask(&forged), Some(AuthError::Invalid));
}

#[test]
fn no_fault_shows_what_the_token_said() {
    let authenticator = hs256();
    let claims = r#"{"sub":"a\nhush","iss":"hush","exp":1764000060}"#;
    for shown in [
        token("HS256", r#"{"alg":"HS256","hush":"hush"}"#, CLAIMS),
        with_claims(claims),
    ] {
        let fault = fault(&authenticator, &shown).unwrap();
        assert!(!format!("{fault} {fault:?}").contains("hush"));
    }
    assert_eq!(format!("{authenticator:?}"), "TokenAuthenticator(***)");
}
