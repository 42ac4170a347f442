//! What a peer may try once the handshake is done: another one, new keys without end, a message that never ends.

use std::io::{ErrorKind, Write as _};

use rustls::version::{TLS12, TLS13};

use super::Secure;
use super::sealed::{ALERT, APPLICATION, HANDSHAKE, SealedClient};

const REQUEST: &[u8] = b"HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
/// RFC 8446 §5.1.
const RECORD_HEADER_BYTES: usize = 5;
/// The head of a handshake message (RFC 8446 §4): a ClientHello of 60,000 bytes.
const PROMISE: [u8; 4] = [1, 0, 0xea, 0x60];
const PROMISED_BYTES: usize = 60_000;
/// Three records' worth: a server that keeps more of a message which nobody needs keeps anything.
const SENT_BYTES_MAX: usize = 48 * 1024;

#[test]
fn a_renegotiation_is_declined_once_and_then_ends_the_connection() {
    let secure = Secure::serve("", "");
    let before = secure.server.figures();
    let mut client = SealedClient::connect(&secure, &TLS12);
    let hello = super::hostile::hello(&secure).split_off(RECORD_HEADER_BYTES);
    let again = client.seal(HANDSHAKE, &hello);
    assert!(client.send(&again));
    assert_eq!(client.next_kind(), Some(ALERT), "no_renegotiation");
    let request = client.seal(APPLICATION, REQUEST);
    assert!(client.send(&request));
    assert_eq!(
        client.next_kind(),
        Some(APPLICATION),
        "the session itself goes on"
    );
    // Whoever insists, insists a thousand times.
    let hellos: Vec<u8> = (0..1000)
        .flat_map(|_| client.seal(HANDSHAKE, &hello))
        .collect();
    client.send(&hellos);
    while client.next_kind().is_some() {}
    secure.server.settled(before.descriptors);
}

#[test]
fn a_message_after_the_handshake_that_never_ends_is_cut_off_in_whatever_pieces_it_comes() {
    // No deadline comes to help.
    let secure = Secure::serve("", "[deadlines]\nhead = \"1m\"\n");
    let before = secure.server.figures();
    let mut message = PROMISE.to_vec();
    message.resize(PROMISED_BYTES, 0);
    for (version, piece) in [(&TLS13, 1), (&TLS13, 1000), (&TLS12, 1), (&TLS12, 1000)] {
        for _ in 0..10 {
            let mut client = SealedClient::connect(&secure, version);
            let mut sent = 0;
            for piece in message.chunks(piece) {
                let record = client.seal(HANDSHAKE, piece);
                sent += record.len();
                // All but the last would wait for the rest of it for ever.
                if sent > SENT_BYTES_MAX || !client.send(&record) {
                    break;
                }
            }
            while client.next_kind().is_some() {}
        }
    }
    let after = secure.server.settled(before.descriptors);
    let growth = after.resident_kib.saturating_sub(before.resident_kib);
    assert!(growth <= crate::server::GROWTH_KIB_MAX, "{growth} KiB");
}

#[test]
fn keys_are_renewed_between_messages_and_nobody_may_ask_for_that_without_end() {
    let secure = Secure::serve("", "");
    let before = secure.server.figures();
    let mut alice = secure.join("alice");
    for round in 0..50 {
        alice.tls().refresh_traffic_keys().expect("TLS 1.3");
        alice.say(&format!("{{\"message\":\"{round}\"}}"));
        while alice.notice()["message"] != round.to_string().as_str() {}
    }
    let mut bob = secure.join("bob");
    for _ in 0..1000 {
        alice.tls().refresh_traffic_keys().expect("TLS 1.3");
    }
    alice.flush();
    let words = "User alice has left the chat.";
    while bob.notice()["message"] != words {}
    alice.try_rest().expect_err("no end in order");
    drop((alice, bob));
    secure.server.settled(before.descriptors);
}

#[test]
fn whoever_says_a_byte_for_twenty_renewals_of_keys_is_cut_off_as_well() {
    // No deadline comes to help.
    let secure = Secure::serve("", "[deadlines]\nhead = \"1m\"\n");
    let before = secure.server.figures();
    let mut mallory = secure.connect();
    for byte in &REQUEST[..5] {
        for _ in 0..20 {
            mallory.tls().refresh_traffic_keys().expect("TLS 1.3");
        }
        mallory.tls().writer().write_all(&[*byte]).expect("a queue");
    }
    mallory.flush();
    let end = mallory.try_rest().expect_err("no end in order");
    let is_awaited = matches!(end.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    assert!(!is_awaited, "{end}");
    drop(mallory);
    secure.server.settled(before.descriptors);
}
