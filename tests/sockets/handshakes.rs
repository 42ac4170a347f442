//! Connections that never become sessions: too slow, torn at every byte, half shut, far too many.

use std::time::{Duration, Instant};

use wardroom::simulation::upgrade_request;

use crate::peer::Peer;
use crate::server::Server;

const HEAD_TIME: Duration = Duration::from_millis(700);

const CONFIG: &str = r#"
[limits]
connections_per_user = 3
connections_per_address = 5
offences_per_address = { burst = 100000, per = "1s" }
handshakes_per_address = { burst = 1000000, per = "1s" }
[deadlines]
head = "700ms"
"#;

/// A good request for a session of `user`.
fn request(server: &Server, user: &str) -> Vec<u8> {
    let fields = format!("Authorization: Bearer {}\r\n", server.token(user));
    upgrade_request("/ws/chat", &fields).into_bytes()
}

#[test]
fn a_head_that_takes_too_long_is_answered_408_whatever_arrives_meanwhile() {
    let server = Server::serve(CONFIG);
    let before = server.figures();
    let request = request(&server, "mallory");
    let begun = Instant::now();
    let mut peers: Vec<Peer> = (0..30).map(|_| Peer::connect(server.address)).collect();
    // One byte for each peer in every round; the last is silent.
    let mut rounds = request.iter();
    let mut waiting = true;
    while waiting {
        let byte = rounds
            .next()
            .expect("the deadline comes before the last byte");
        let (silent, slow) = peers.split_last_mut().expect("there are thirty");
        waiting = silent.read_for(Duration::from_millis(10));
        for peer in slow.iter_mut() {
            peer.try_send(&[*byte]);
        }
    }
    assert!(begun.elapsed() >= HEAD_TIME);
    for mut peer in peers {
        let head = peer.head().expect("an answer");
        assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
        peer.rest();
    }
    server.expect_unchanged(before, "mallory");
}

#[test]
fn a_reset_at_every_byte_of_the_handshake_leaves_nothing_behind() {
    let server = Server::serve(CONFIG);
    let before = server.figures();
    let request = request(&server, "mallory");
    for end in 0..=request.len() {
        let mut peer = Peer::connect(server.address);
        // So many heads begin that the address may have too many for a moment.
        peer.try_send(&request[..end]);
        peer.reset();
    }
    server.expect_unchanged(before, "mallory");
}

#[test]
fn a_half_close_at_every_byte_of_the_handshake_ends_in_order() {
    let server = Server::serve(CONFIG);
    let before = server.figures();
    let request = request(&server, "mallory");
    for end in 0..=request.len() {
        let mut peer = Peer::connect(server.address);
        peer.send(&request[..end]);
        peer.shut();
        let answer = String::from_utf8_lossy(&peer.rest()).into_owned();
        if end < request.len() {
            assert_eq!(answer, "", "{end} bytes of a request");
        } else {
            assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        }
        assert!(peer.kernel_error().is_none(), "{end} bytes");
    }
    server.expect_unchanged(before, "mallory");
}

#[test]
fn a_half_close_at_every_byte_of_a_message_ends_in_order() {
    let server = Server::serve(CONFIG);
    let before = server.figures();
    let token = server.token("mallory");
    let message = wardroom::simulation::text("{\"message\":\"hi\"}");
    for end in 0..=message.len() {
        let mut peer = Peer::open(&server, "/ws/chat", &token);
        peer.send(&message[..end]);
        peer.shut();
        peer.rest();
        assert!(peer.kernel_error().is_none(), "{end} bytes");
    }
    server.expect_unchanged(before, "mallory");
}

#[test]
fn two_hundred_connections_opened_and_dropped_at_once_leave_nothing_behind() {
    let server = Server::serve(CONFIG);
    let before = server.figures();
    for _ in 0..5 {
        let peers: Vec<Peer> = (0..200).map(|_| Peer::connect(server.address)).collect();
        drop(peers);
    }
    server.expect_unchanged(before, "mallory");
}
