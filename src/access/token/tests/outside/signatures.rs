//! Signatures that are numbers out of range, of another length or of another form, and signed examples of the standards.

use super::*;
use crate::config::KeyMaterial;

/// The orders of the groups (SEC 2 §2.4.2, §2.5.1, §2.6.1), big-endian.
const ORDERS: [(&str, &str); 3] = [
    (
        "ES256",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    ),
    (
        "ES384",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
    (
        "ES512",
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    ),
];
/// The order of Ed25519's group (RFC 8032 §5.1), big-endian.
const ED25519_ORDER: &str = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Big-endian numbers of one length; `None` when the sum does not fit.
fn sum(one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let mut carry = 0;
    let mut digits: Vec<u8> = Vec::new();
    for (a, b) in one.iter().rev().zip(other.iter().rev()) {
        let digit = u16::from(*a) + u16::from(*b) + carry;
        carry = digit >> 8;
        digits.push(digit as u8);
    }
    digits.reverse();
    (carry == 0).then_some(digits)
}

/// `one` less `other`, which is not more.
fn difference(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut digits: Vec<u8> = Vec::new();
    for (a, b) in one.iter().rev().zip(other.iter().rev()) {
        let digit = 256 + i16::from(*a) - i16::from(*b) - borrow;
        borrow = i16::from(digit < 256);
        digits.push(digit as u8);
    }
    digits.reverse();
    digits
}

fn number(value: u8, bytes: usize) -> Vec<u8> {
    let mut number = vec![0; bytes];
    number[bytes - 1] = value;
    number
}

/// The ordinary token of `algorithm` with the signature that `change` makes of the right one.
fn changed(algorithm: &str, change: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", encode(header(algorithm)), encode(CLAIMS));
    let signature = sign(algorithm, &message);
    format!("{message}.{}", encode(change(&signature)))
}

#[test]
fn an_ecdsa_signature_is_two_numbers_below_the_order() {
    for (algorithm, order) in ORDERS {
        let order = hex(order);
        let size = order.len();
        let verifier = pinned(algorithm);
        let join = |r: &[u8], s: &[u8]| [r, s].concat();
        let one = number(1, size);
        let last = difference(&order, &one);
        let most = vec![0xff; size];
        let zero = vec![0; size];
        for r in [&zero, &one, &last, &order, &most] {
            for s in [&zero, &one, &last, &order, &most] {
                let token = changed(algorithm, |_| join(r, s));
                assert_eq!(
                    verdict(&verifier, &token),
                    "Signature",
                    "{algorithm}: {r:?} {s:?}"
                );
            }
        }
        type Change<'a> = Box<dyn Fn(&[u8], &[u8]) -> Vec<u8> + 'a>;
        let changes: [(&str, Change<'_>); 13] = [
            ("r is zero", Box::new(|_, s| join(&zero, s))),
            ("s is zero", Box::new(|r, _| join(r, &zero))),
            ("r is the order", Box::new(|_, s| join(&order, s))),
            ("s is the order", Box::new(|r, _| join(r, &order))),
            ("r and s change places", Box::new(|r, s| join(s, r))),
            (
                "r is taken from the order",
                Box::new(|r, s| join(&difference(&order, r), s)),
            ),
            ("only r", Box::new(|r, _| r.to_vec())),
            ("only s", Box::new(|_, s| s.to_vec())),
            (
                "a zero before each",
                Box::new(|r, s| join(&[&[0], r].concat(), &[&[0], s].concat())),
            ),
            ("a zero in front", Box::new(|r, s| [&[0], r, s].concat())),
            ("a zero behind", Box::new(|r, s| [r, s, &[0]].concat())),
            ("a byte is missing", Box::new(|r, s| join(r, &s[1..]))),
            ("twice", Box::new(|r, s| [r, s, r, s].concat())),
        ];
        for (what, change) in changes {
            let token = changed(algorithm, |good| {
                let (r, s) = good.split_at(size);
                change(r, s)
            });
            assert_eq!(
                verdict(&verifier, &token),
                "Signature",
                "{algorithm}: {what}"
            );
        }
    }
}

#[test]
fn the_twin_of_an_ecdsa_signature_is_one_and_so_tokens_are_not_known_by_their_bytes() {
    for (algorithm, order) in ORDERS {
        let order = hex(order);
        let token = changed(algorithm, |good| {
            let (r, s) = good.split_at(order.len());
            [r, &difference(&order, s)].concat()
        });
        // RFC 7518 §3.4 does not ask for the smaller of the two. Revocation goes by `jti`, user or time.
        assert_eq!(
            verdict(&pinned(algorithm), &token),
            "accepted",
            "{algorithm}"
        );
    }
}

#[test]
fn a_number_of_ecdsa_beyond_the_order_is_not_taken_for_its_remainder() {
    // Only this curve leaves room above the order for every number.
    let algorithm = "ES512";
    let (_, order) = ORDERS[2];
    let order = hex(order);
    let more = |n: &[u8]| sum(n, &order).unwrap();
    for part in 0..3 {
        let token = changed(algorithm, |good| {
            let (r, s) = good.split_at(order.len());
            match part {
                0 => [&more(r), s].concat(),
                1 => [r, &more(s)].concat(),
                _ => [more(r), more(s)].concat(),
            }
        });
        assert_eq!(verdict(&pinned(algorithm), &token), "Signature", "{part}");
    }
}

#[test]
fn an_eddsa_signature_has_one_form() {
    let verifier = pinned("EdDSA");
    let order = hex(ED25519_ORDER);
    let turned = |bytes: &[u8]| -> Vec<u8> { bytes.iter().rev().copied().collect() };
    // RFC 8032 §5.1.7: S is below the order, or the signature is none.
    for times in 1..=14 {
        let token = changed("EdDSA", |good| {
            let (r, s) = good.split_at(32);
            let more = (0..times).try_fold(turned(s), |s, _| sum(&s, &order));
            [r, &turned(&more.unwrap())].concat()
        });
        assert_eq!(
            verdict(&verifier, &token),
            "Signature",
            "{times} orders more"
        );
    }
    let identity = turned(&number(1, 32));
    type Change<'a> = Box<dyn Fn(&[u8], &[u8]) -> Vec<u8> + 'a>;
    let changes: [(&str, Change<'_>); 11] = [
        ("S is zero", Box::new(|r, _| [r, &[0; 32]].concat())),
        (
            "S is the order",
            Box::new(|r, _| [r, &turned(&order)].concat()),
        ),
        ("S is all ones", Box::new(|r, _| [r, &[0xff; 32]].concat())),
        ("R is zero", Box::new(|_, s| [&[0; 32], s].concat())),
        (
            "R is the neutral point",
            Box::new(|_, s| [&identity, s].concat()),
        ),
        (
            "R is the neutral point, S zero",
            Box::new(|_, _| [&identity[..], &[0; 32]].concat()),
        ),
        ("R is no point", Box::new(|_, s| [&[0xff; 32], s].concat())),
        ("R and S change places", Box::new(|r, s| [s, r].concat())),
        ("only R", Box::new(|r, _| r.to_vec())),
        ("a byte is missing", Box::new(|r, s| [r, &s[..31]].concat())),
        ("a zero behind", Box::new(|r, s| [r, s, &[0]].concat())),
    ];
    for (what, change) in changes {
        let token = changed("EdDSA", |good| {
            let (r, s) = good.split_at(32);
            change(r, s)
        });
        assert_eq!(verdict(&verifier, &token), "Signature", "{what}");
    }
}

#[test]
fn an_rsa_signature_is_one_number_below_the_modulus_of_its_full_length() {
    let (modulus, _) = rsa_members(key!("rsa2048.public"));
    let modulus = URL_SAFE_NO_PAD.decode(modulus).unwrap();
    let size = modulus.len();
    let one = number(1, size);
    type Change<'a> = Box<dyn Fn(&[u8]) -> Vec<u8> + 'a>;
    let changes: [(&str, Change<'_>); 14] = [
        ("zero", Box::new(|_| vec![0; size])),
        ("one", Box::new(|_| one.clone())),
        (
            "the modulus less one",
            Box::new(|_| difference(&modulus, &one)),
        ),
        ("the modulus", Box::new(|_| modulus.clone())),
        ("all ones", Box::new(|_| vec![0xff; size])),
        (
            "taken from the modulus",
            Box::new(|s| difference(&modulus, s)),
        ),
        (
            "a modulus more",
            Box::new(|s| {
                let wide = |n: &[u8]| [&[0], n].concat();
                sum(&wide(s), &wide(&modulus)).unwrap()
            }),
        ),
        ("a zero in front", Box::new(|s| [&[0], s].concat())),
        ("a zero behind", Box::new(|s| [s, &[0]].concat())),
        ("without its first byte", Box::new(|s| s[1..].to_vec())),
        (
            "without its last byte",
            Box::new(|s| s[..size - 1].to_vec()),
        ),
        (
            "the wrong way round",
            Box::new(|s| s.iter().rev().copied().collect()),
        ),
        ("one byte", Box::new(|_| vec![1])),
        ("four times as long", Box::new(|s| s.repeat(4))),
    ];
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        let verifier = pinned(algorithm);
        for (what, change) in &changes {
            let token = changed(algorithm, change);
            assert_eq!(
                verdict(&verifier, &token),
                "Signature",
                "{algorithm}: {what}"
            );
        }
    }
}

#[test]
fn an_hmac_is_compared_whole() {
    for (algorithm, size) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let verifier = pinned(algorithm);
        for kept in 1..size {
            let token = changed(algorithm, |good| good[..kept].to_vec());
            assert_eq!(
                verdict(&verifier, &token),
                "Signature",
                "{algorithm}: {kept} bytes"
            );
        }
        for at in 0..size {
            let token = changed(algorithm, |good| {
                let mut changed = good.to_vec();
                changed[at] ^= 0x80;
                changed
            });
            assert_eq!(
                verdict(&verifier, &token),
                "Signature",
                "{algorithm}: byte {at}"
            );
        }
    }
}

/// Examples of the standards: the algorithm, the key as a JWK set, the token, and what is wrong with it besides its signature.
const EXAMPLES: [(&str, &str, &str, &str); 3] = [
    (
        // RFC 7515 A.1. Nobody is named, and it ended in 2011.
        "HS256",
        r#"{"keys":[{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}"#,
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "ClaimMissing(\"sub\")",
    ),
    (
        // RFC 7515 A.3, of the same claims.
        "ES256",
        r#"{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#,
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        "ClaimMissing(\"sub\")",
    ),
    (
        // RFC 8037 A.4. What it signs is a sentence.
        "EdDSA",
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        "Claims(Syntax)",
    ),
];

#[test]
fn the_signatures_of_the_standards_examples_hold_and_with_one_bit_changed_do_not() {
    for (algorithm, jwks, token, expected) in EXAMPLES {
        let keys = KeyMaterial::Jwks(jwks.as_bytes().to_vec());
        let verifier = authenticator(vec![source(None, &[algorithm], keys)]);
        assert_eq!(verdict(&verifier, token), expected, "{algorithm}");
        let (message, signature) = token.rsplit_once('.').unwrap();
        let mut bits = URL_SAFE_NO_PAD.decode(signature).unwrap();
        bits[7] ^= 1;
        let changed = format!("{message}.{}", encode(bits));
        assert_eq!(verdict(&verifier, &changed), "Signature", "{algorithm}");
    }
}
