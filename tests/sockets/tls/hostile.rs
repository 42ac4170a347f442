//! Handshakes that are none: plain, garbled, slow, torn, endless.

use std::time::{Duration, Instant};

use rustls::ClientConnection;

use super::Secure;
use crate::peer::Peer;

const HANDSHAKE_TIME: Duration = Duration::from_millis(700);
const SHORT: &str = "[deadlines]\nhandshake = \"700ms\"\n";
/// RFC 8446 §6: content type, two bytes of version, two of length, then level and description.
const ALERT: u8 = 21;

/// The first flight of a client that means well.
pub fn hello(secure: &Secure) -> Vec<u8> {
    let name = "chat.example".try_into().expect("a name");
    let mut client = ClientConnection::new(secure.client(), name).expect("a configuration");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("a vector");
    hello
}

#[test]
fn plain_http_is_answered_400_in_plain_words() {
    let secure = Secure::serve("", "");
    let before = secure.server.figures();
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
    ] {
        let mut peer = Peer::connect(secure.server.address);
        peer.send(request.as_bytes());
        let answer = String::from_utf8(peer.rest()).expect("plain text");
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{answer}"
        );
        assert!(answer.contains("this port speaks TLS"), "{answer}");
        assert!(!answer.contains("Strict-Transport"), "{answer}");
    }
    secure.server.settled(before.descriptors);
}

#[test]
fn what_is_no_tls_is_answered_by_an_alert_and_the_end() {
    let secure = Secure::serve("", "");
    let before = secure.server.figures();
    let cases: [&[u8]; 5] = [
        &[0; 64],
        &[0x80, 0x2e, 1, 0, 2, 0, 21, 0, 0, 0, 16],
        &[22, 3, 1, 0xff, 0xff, 1, 2, 3],
        &[22, 3, 1, 0, 4, 99, 0, 0, 0],
        &[23, 3, 3, 0, 1, 0],
    ];
    for garbage in cases {
        let mut peer = Peer::connect(secure.server.address);
        peer.send(garbage);
        let answer = peer.rest();
        assert_eq!(answer.first(), Some(&ALERT), "{garbage:?}: {answer:?}");
        assert_eq!(answer.len(), 7, "{garbage:?}: {answer:?}");
        assert_eq!(answer[5], 2, "fatal: {answer:?}");
    }
    secure.server.settled(before.descriptors);
}

#[test]
fn a_handshake_ends_at_its_deadline_whatever_arrives_meanwhile() {
    let secure = Secure::serve("", SHORT);
    let before = secure.server.figures();
    let hello = hello(&secure);
    let begun = Instant::now();
    let mut peers: Vec<Peer> = (0..30)
        .map(|_| Peer::connect(secure.server.address))
        .collect();
    let (half, rest) = peers.split_at_mut(10);
    for peer in half {
        peer.send(&hello[..hello.len() / 2]);
    }
    let (done, dribbling) = rest.split_at_mut(5);
    for peer in done {
        // The whole first flight, and never the second.
        peer.send(&hello);
    }
    let (silent, dribbling) = dribbling.split_first_mut().expect("fifteen are left");
    let mut bytes = hello.iter();
    while silent.read_for(Duration::from_millis(5)) {
        let byte = bytes
            .next()
            .expect("the deadline comes before the last byte");
        for peer in dribbling.iter_mut() {
            peer.try_send(&[*byte]);
        }
    }
    let elapsed = begun.elapsed();
    assert!(elapsed >= HANDSHAKE_TIME, "{elapsed:?}");
    secure.server.settled(before.descriptors);
    assert_eq!(secure.connect().get("/healthz"), "200");
}

#[test]
fn a_handshake_torn_anywhere_leaves_nothing_behind() {
    let secure = Secure::serve("", "");
    let before = secure.server.figures();
    let hello = hello(&secure);
    for end in (0..hello.len()).step_by(7) {
        let mut peer = Peer::connect(secure.server.address);
        peer.send(&hello[..end]);
        if end % 2 == 0 {
            peer.reset();
        } else {
            peer.shut();
            assert_eq!(peer.rest(), b"", "{end} bytes");
        }
    }
    secure.server.settled(before.descriptors);
}

#[test]
fn a_handshake_without_end_is_cut_off_at_its_bound() {
    let secure = Secure::serve("", "");
    let before = secure.server.figures();
    for _ in 0..50 {
        let mut peer = Peer::connect(secure.server.address);
        // A hello of 60,000 bytes, said to come in records of 1,000 each.
        let mut sent = 0;
        let mut record = [&[22, 3, 1, 3, 232, 1, 0, 0xea, 0x60][..], &[0; 996]].concat();
        while sent < 64 * 1024 && peer.try_send(&record) {
            sent += record.len();
            record = [&[22, 3, 1, 3, 232][..], &[0; 1000]].concat();
        }
        assert_eq!(peer.rest(), b"");
    }
    let after = secure.server.settled(before.descriptors);
    let growth = after.resident_kib.saturating_sub(before.resident_kib);
    assert!(growth <= crate::server::GROWTH_KIB_MAX, "{growth} KiB");
}

#[test]
fn many_handshakes_at_once_are_all_served_though_few_fit_into_a_turn() {
    let secure = Secure::serve("", "[turn]\ntls_handshakes_max = 1\n");
    let (address, client) = (secure.server.address, secure.client());
    let serve = || {
        for _ in 0..25 {
            let peer = Peer::secure(address, &client, "chat.example").expect("a handshake");
            assert_eq!(peer.get("/healthz"), "200");
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(serve);
        }
    });
}
