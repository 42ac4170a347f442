//! Ends: with close_notify both ways, without, and with a record that is broken.

use std::io::Write as _;

use super::Secure;
use crate::peer::Peer;

/// Reads until `peer` is told that `user` has left.
fn wait_until_left(peer: &mut Peer, user: &str) {
    let words = format!("User {user} has left the chat.");
    while peer.notice()["message"] != words.as_str() {}
}

#[test]
fn every_answer_that_is_the_last_ends_with_a_close_notify() {
    let secure = Secure::serve("", "");
    // Reading panics at an end without one.
    assert_eq!(secure.connect().get("/healthz"), "200");
    assert_eq!(secure.connect().get("/nowhere"), "404");
    let mut peer = secure.join("alice");
    peer.send(&[0x88, 0x80, 0, 0, 0, 0]);
    assert_eq!(peer.close_code(), Some(1005));
    peer.expect_end();
}

#[test]
fn a_close_notify_is_the_end_of_input_and_is_answered_by_one() {
    let secure = Secure::serve("", "");
    let mut bob = secure.join("bob");
    let mut alice = secure.join("alice");
    alice.say("{\"message\":\"last words\"}");
    alice.tls().send_close_notify();
    alice.flush();
    while bob.notice()["message"] != "last words" {}
    wait_until_left(&mut bob, "alice");
    // What was said to her before is still delivered, then the end in order.
    alice.rest();
}

#[test]
fn an_end_without_close_notify_ends_the_session_at_once() {
    let secure = Secure::serve("", "");
    let mut bob = secure.join("bob");
    let alice = secure.join("alice");
    alice.shut();
    wait_until_left(&mut bob, "alice");
}

#[test]
fn a_broken_record_is_answered_by_an_alert_and_ends_the_session() {
    let secure = Secure::serve("", "");
    let mut bob = secure.join("bob");
    let mut alice = secure.join("alice");
    let before = secure.server.figures();
    // Application data of 32 bytes that nobody sealed.
    let mut record = vec![23, 3, 3, 0, 32];
    record.write_all(&[7; 32]).expect("a vector");
    alice.send_raw(&record);
    wait_until_left(&mut bob, "alice");
    let error = alice.try_rest().expect_err("an alert").to_string();
    assert!(error.contains("BadRecordMac"), "{error}");
    drop(alice);
    secure.server.settled(before.descriptors - 1);
}
