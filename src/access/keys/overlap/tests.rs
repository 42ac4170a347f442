use std::time::Duration;

use aws_lc_rs::hmac;

use super::*;
use crate::access::test_keys::{encode, hmac_with, material, sign, source};
use crate::config::KeyMaterial;

const MESSAGE: &str = "header.claims";

/// Keys of one secret.
fn keys(letter: u8) -> Keys {
    let material = KeyMaterial::Secret(vec![letter; 32]);
    Keys::new(KeyRing::load(&[source(None, &["HS256"], material)]).unwrap())
}

/// The keys with `letter`, in the place of `before`.
fn successor(letter: u8, before: &Keys, until: Instant) -> Keys {
    let mut next = keys(letter);
    next.succeed(before.retire(), until);
    next
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

/// Which of the secrets a to e verify at this second.
fn good(keys: &Keys, seconds: u64) -> String {
    ('a'..='e')
        .filter(|letter| {
            let secret = [*letter as u8; 32];
            let signature = encode(hmac_with(hmac::HMAC_SHA256, &secret, MESSAGE.as_bytes()));
            let algorithm = Algorithm::from_name("HS256").unwrap();
            let message = MESSAGE.as_bytes();
            keys.check(None, algorithm, message, &signature, at(seconds))
                .is_ok()
        })
        .collect()
}

#[test]
fn replaced_keys_verify_to_the_end_of_their_overlap_and_not_a_moment_longer() {
    let keys = successor(b'b', &keys(b'a'), at(10));
    assert_eq!(good(&keys, 9), "ab");
    assert_eq!(good(&keys, 10), "b");
    let keys = successor(b'c', &keys, at(15));
    assert_eq!(good(&keys, 9), "abc");
    assert_eq!(good(&keys, 14), "bc");
    assert_eq!(good(&keys, 15), "c");
}

#[test]
fn a_reload_that_changes_no_key_neither_prolongs_nor_forgets_the_overlap() {
    let mut keys = successor(b'b', &keys(b'a'), at(10));
    for seconds in 11..111 {
        keys = successor(b'b', &keys, at(seconds));
    }
    assert_eq!(good(&keys, 9), "ab");
    assert_eq!(good(&keys, 10), "b");
    let back = successor(b'a', &keys, at(20));
    assert_eq!(
        (good(&back, 15).as_str(), good(&back, 20).as_str()),
        ("ab", "a")
    );
}

#[test]
fn a_shorter_overlap_ends_keys_that_were_replaced_before_too() {
    let keys = successor(b'b', &keys(b'a'), at(100));
    assert_eq!(keys.retired_until(), Some(at(100)));
    let shorter = successor(b'b', &keys, at(20));
    assert_eq!(
        (good(&shorter, 19).as_str(), good(&shorter, 20).as_str()),
        ("ab", "b")
    );
    let none = successor(b'c', &keys, at(10));
    assert_eq!(good(&none, 10), "c");
    assert_eq!(none.retired_until(), Some(at(10)));
    let longer = successor(b'c', &keys, at(200));
    assert_eq!(good(&longer, 99), "abc");
    assert_eq!(good(&longer, 100), "bc");
}

#[test]
fn so_many_rings_are_kept_and_no_more() {
    let mut present = keys(b'a');
    for letter in b'b'..=b'e' {
        present = successor(letter, &present, at(100));
    }
    assert_eq!(good(&present, 0), "cde");
}

#[test]
fn keys_of_a_set_and_of_files_overlap_in_the_same_way() {
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let ring = KeyRing::load(&[source(None, &[algorithm], material(algorithm))]).unwrap();
        let keys = successor(b'b', &Keys::new(ring), at(10));
        let signature = encode(sign(algorithm, MESSAGE));
        let algorithm = Algorithm::from_name(algorithm).unwrap();
        let check =
            |seconds| keys.check(None, algorithm, MESSAGE.as_bytes(), &signature, at(seconds));
        assert_eq!(check(9), Ok(()));
        assert_eq!(check(10), Err(NotSigned::NoKey(NoKey::Algorithm)));
    }
}
