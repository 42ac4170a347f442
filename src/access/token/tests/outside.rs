//! Cases that others have collected: `tests/vectors/jws.txt`, `tests/vectors/json.txt` as claims, and bytes that no table can show.

use super::*;
use crate::access::test_keys::{der, rsa_members};

#[path = "../../../../tests/vectors/read.rs"]
mod read;
mod signatures;

use read::{Case, cases};

const JWS: &str = include_str!("../../../../tests/vectors/jws.txt");
const JSON: &str = include_str!("../../../../tests/vectors/json.txt");

/// A key for every algorithm.
fn all_keys() -> TokenAuthenticator {
    authenticator(vec![
        source(
            Some("secret"),
            &["HS256", "HS384", "HS512"],
            material("HS256"),
        ),
        source(
            Some("rsa"),
            &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
            material("RS256"),
        ),
        source(Some("es256"), &["ES256"], material("ES256")),
        source(Some("es384"), &["ES384"], material("ES384")),
        source(Some("es512"), &["ES512"], material("ES512")),
        source(Some("eddsa"), &["EdDSA"], material("EdDSA")),
    ])
}

/// What an attacker takes for a secret.
fn secret(name: &str) -> Vec<u8> {
    match name {
        "rsa-pem" => key!("rsa2048.public").to_vec(),
        "rsa-trimmed" => key!("rsa2048.public").trim_ascii_end().to_vec(),
        "rsa-der" => der(key!("rsa2048.public")),
        "modulus" => rsa_members(key!("rsa2048.public")).0.into_bytes(),
        "ec-pem" => key!("p256.public").to_vec(),
        "ec-der" => der(key!("p256.public")),
        "ed-der" => der(key!("ed25519.public")),
        "empty" => Vec::new(),
        "zeros" => vec![0; 32],
        "brought" => vec![9; 32],
        other => panic!("{other}"),
    }
}

fn signature(recipe: &str, message: &str) -> String {
    if let Some(raw) = recipe.strip_prefix("raw:") {
        return raw.to_owned();
    }
    if let Some(name) = recipe.strip_prefix("HS256:") {
        let key = secret(name);
        return encode(hmac_with(hmac::HMAC_SHA256, &key, message.as_bytes()));
    }
    match recipe {
        "none" => String::new(),
        "ES256/DER" => encode(sign("ES256 in DER", message)),
        "ES512/DER" => encode(sign("ES512 in DER", message)),
        algorithm => encode(sign(algorithm, message)),
    }
}

/// The token that a line of the table describes.
fn described(recipe: &str, bytes: &[u8]) -> String {
    let tilde = bytes.iter().position(|byte| *byte == b'~').unwrap();
    let (header, claims) = (&bytes[..tilde], &bytes[tilde + 1..]);
    let claims = match claims {
        b"*" => CLAIMS.as_bytes(),
        other => other,
    };
    let message = format!("{}.{}", encode(header), encode(claims));
    format!("{message}.{}", signature(recipe, &message))
}

fn verdict(authenticator: &TokenAuthenticator, token: &str) -> String {
    match fault(authenticator, token) {
        None => "accepted".to_owned(),
        Some(fault) => format!("{fault:?}"),
    }
}

#[test]
fn every_token_that_broke_a_verifier_has_its_verdict() {
    let keys = all_keys();
    let table: Vec<Case<3>> = cases(JWS);
    assert!(table.len() >= 200, "{} cases", table.len());
    for Case { words, bytes } in table {
        let [name, expected, recipe] = words;
        let token = described(recipe, &bytes);
        assert_eq!(verdict(&keys, &token), expected, "{name}: {token}");
        // Only what is good but for its time is told apart.
        let told = keys.authenticate(
            Credential {
                source: Source::Bearer,
                value: &token,
            },
            NOW,
        );
        let expected = match expected {
            "accepted" => None,
            "Expired" => Some(AuthError::Expired),
            _ => Some(AuthError::Invalid),
        };
        assert_eq!(told.err(), expected, "{name}");
    }
}

#[test]
fn the_page_names_every_rule_that_refuses_a_token_here() {
    let page = include_str!("../../../../docs/tokens.md");
    let table: Vec<Case<3>> = cases(JWS);
    let count = format!("{} cases", table.len());
    assert!(page.contains(&count), "the page does not say: {count}");
    for Case { words, .. } in table {
        let [name, verdict, _] = words;
        assert!(page.contains(&format!("`{verdict}`")), "{name}: {verdict}");
    }
}

#[test]
fn the_text_of_a_token_is_three_parts_of_base64url_and_nothing_else() {
    let keys = all_keys();
    let good = with_claims(CLAIMS);
    let split: Vec<&str> = good.split('.').collect();
    let [h, c, s] = split.as_slice() else {
        panic!("three parts")
    };
    let json = format!(r#"{{"payload":"{c}","protected":"{h}","signature":"{s}"}}"#);
    let general =
        format!(r#"{{"payload":"{c}","signatures":[{{"protected":"{h}","signature":"{s}"}}]}}"#);
    let standard = c.replace('-', "+").replace('_', "/");
    let table = [
        ("as it is", good.clone(), "accepted"),
        ("nothing", String::new(), "Parts"),
        ("one part", (*h).to_owned(), "Parts"),
        ("two parts", format!("{h}.{c}"), "Parts"),
        ("no signature", format!("{h}.{c}."), "Parts"),
        ("no header", format!(".{c}.{s}"), "Parts"),
        ("no claims", format!("{h}..{s}"), "Parts"),
        ("four parts", format!("{h}.{c}.{s}.{s}"), "Parts"),
        (
            "five parts, as of a JWE",
            format!("{h}.AA.AA.{c}.{s}"),
            "Parts",
        ),
        (
            "five parts, some empty",
            format!("{h}..AA.{c}.{s}"),
            "Parts",
        ),
        ("a point in front", format!(".{good}"), "Parts"),
        ("a point behind", format!("{good}."), "Parts"),
        ("JSON, flattened", json, "Parts"),
        ("JSON, general", general, "Parts"),
        ("padded", format!("{good}="), "Encoding"),
        ("padded twice", format!("{good}=="), "Encoding"),
        ("padding in the header", format!("{h}=.{c}.{s}"), "Encoding"),
        ("padding, encoded", format!("{good}%3D"), "Encoding"),
        ("a space in front", format!(" {good}"), "Encoding"),
        ("a space behind", format!("{good} "), "Encoding"),
        ("a line end behind", format!("{good}\n"), "Encoding"),
        ("a line end inside", format!("{h}.\r\n{c}.{s}"), "Encoding"),
        ("a tab inside", format!("{h}.{c}.\t{s}"), "Encoding"),
        ("a NUL behind", format!("{good}\0"), "Encoding"),
        ("a NUL and more behind", format!("{good}\0AAAA"), "Encoding"),
        (
            "a byte order mark in front",
            format!("\u{feff}{good}"),
            "Encoding",
        ),
        (
            "the word Bearer in front",
            format!("Bearer {good}"),
            "Encoding",
        ),
        ("in quotes", format!("\"{good}\""), "Encoding"),
        (
            "a comma and another",
            format!("{h}.{c}.{s},{s}"),
            "Encoding",
        ),
        (
            "a letter of another script",
            format!("{h}.{c}.\u{410}{s}"),
            "Encoding",
        ),
        (
            "the other alphabet",
            format!("{h}.{c}.+{}", &s[1..]),
            "Encoding",
        ),
        ("one character too many", format!("{good}A"), "Signature"),
        (
            "one character too few",
            good[..good.len() - 1].to_owned(),
            "Encoding",
        ),
        (
            "the header cut",
            format!("{}.{c}.{s}", &h[..h.len() - 1]),
            "Encoding",
        ),
        (
            "another header",
            format!("{}.{c}.{s}", encode(r#"{"alg":"HS256","kid":"secret"}"#)),
            "Signature",
        ),
        (
            "another user",
            format!("{h}.{}.{s}", encode(r#"{"sub":"root","exp":1764000060}"#)),
            "Signature",
        ),
        (
            "header and claims the wrong way round",
            format!("{c}.{h}.{s}"),
            "HeaderUnknown",
        ),
        (
            "signature and claims the wrong way round",
            format!("{h}.{s}.{c}"),
            "Signature",
        ),
        (
            "too long by one byte",
            format!("{h}.{c}.{}", "A".repeat(4096 - h.len() - c.len() - 1)),
            "Length",
        ),
    ];
    assert_eq!(standard, *c, "these claims look alike in both alphabets");
    for (what, token, expected) in table {
        assert_eq!(verdict(&keys, &token), expected, "{what}: {token:?}");
    }
}

#[test]
fn a_claim_that_nobody_knows_is_read_as_strictly_as_a_message() {
    let keys = all_keys();
    let table: Vec<Case<3>> = cases(JSON);
    for Case { words, bytes } in table {
        let [_, name, verdict_of_messages] = words;
        let claims = [br#"{"sub":"a","exp":1764000060,"x":"#, &bytes[..], b"}"].concat();
        let message = format!("{}.{}", encode(header("HS256")), encode(claims));
        let token = format!("{message}.{}", encode(sign("HS256", &message)));
        let expected = match verdict_of_messages {
            "accepted" => "accepted",
            // Inside of what nobody looks at; and one level more, since the claims themselves are not counted.
            "duplicate_field" | "too_many_fields" => "accepted",
            "too_deep" if name.ends_with("one-deeper") => "accepted",
            _ => "Claims(Syntax)",
        };
        // The longest of these are longer than a token may be.
        let expected = if token.len() > 4096 {
            "Length"
        } else {
            expected
        };
        assert_eq!(verdict(&keys, &token), expected, "{name}");
    }
}
