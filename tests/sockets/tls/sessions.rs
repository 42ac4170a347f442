//! Handshakes that succeed, and what is done over them.

use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, NamedGroup, ProtocolVersion};

use super::Secure;
use crate::peer::Peer;

#[test]
fn two_people_chat_over_tls() {
    let secure = Secure::serve("", "");
    let mut alice = secure.join("alice");
    let mut bob = secure.join("bob");
    alice.say("{\"message\":\"hi bob\"}");
    while bob.notice()["message"] != "hi bob" {}
    bob.say("{\"message\":\"hi alice\"}");
    while alice.notice()["message"] != "hi alice" {}
}

#[test]
fn both_versions_are_spoken_and_the_newer_with_a_hybrid_key_exchange() {
    let secure = Secure::serve("", "");
    let group = |peer: &mut Peer| {
        let group = peer.tls().negotiated_key_exchange_group();
        group.expect("a key exchange").name()
    };
    let mut newer = secure.connect();
    assert_eq!(
        newer.tls().protocol_version(),
        Some(ProtocolVersion::TLSv1_3)
    );
    assert_eq!(group(&mut newer), NamedGroup::X25519MLKEM768);
    let older = secure.authority.client(&[&TLS12]);
    let mut older = Peer::secure(secure.server.address, &older, "chat.example").expect("1.2");
    assert_eq!(
        older.tls().protocol_version(),
        Some(ProtocolVersion::TLSv1_2)
    );
    assert_eq!(group(&mut older), NamedGroup::X25519);
    for peer in [newer, older] {
        assert_eq!(peer.get("/healthz"), "200");
    }
}

#[test]
fn a_minimum_of_1_3_turns_1_2_away() {
    let secure = Secure::serve("minimum = \"1.3\"\n", "");
    let older = secure.authority.client(&[&TLS12]);
    let error = Peer::secure(secure.server.address, &older, "chat.example").err();
    let error = error.expect("no handshake").to_string();
    assert!(error.contains("ProtocolVersion"), "{error}");
    assert_eq!(secure.connect().get("/healthz"), "200");
}

#[test]
fn the_suite_is_the_first_of_the_servers_order_that_a_client_has_whatever_it_prefers() {
    use rustls::CipherSuite::{
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 as WEAK_1_2,
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 as STRONG_1_2,
        TLS13_AES_128_GCM_SHA256 as WEAK_1_3, TLS13_AES_256_GCM_SHA384 as STRONG_1_3,
    };
    let secure = Secure::serve("", "");
    for (version, weak, strong) in [
        (&TLS12, WEAK_1_2, STRONG_1_2),
        (&TLS13, WEAK_1_3, STRONG_1_3),
    ] {
        for (offered, expected) in [
            (vec![weak, strong], strong),
            (vec![strong, weak], strong),
            (vec![weak], weak),
        ] {
            let mut provider = rustls::crypto::aws_lc_rs::default_provider();
            let all = std::mem::take(&mut provider.cipher_suites);
            let named = |name| all.iter().find(|suite| suite.suite() == name).copied();
            provider.cipher_suites = offered.iter().copied().filter_map(named).collect();
            let client = Arc::new(secure.authority.client_with(provider, &[version], None));
            let mut peer =
                Peer::secure(secure.server.address, &client, "chat.example").expect("a handshake");
            let agreed = peer.tls().negotiated_cipher_suite().expect("a suite");
            assert_eq!(agreed.suite(), expected, "of {offered:?}");
        }
    }
}

#[test]
fn only_http_1_1_is_agreed_on() {
    let secure = Secure::serve("", "");
    let offering = |protocols: &[&str]| {
        let mut config = (*secure.client()).clone();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Peer::secure(secure.server.address, &Arc::new(config), "chat.example")
    };
    let mut both = offering(&["h2", "http/1.1"]).expect("a handshake");
    assert_eq!(both.tls().alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut none = offering(&[]).expect("a handshake");
    assert_eq!(none.tls().alpn_protocol(), None);
    let error = offering(&["h2"]).err().expect("no handshake").to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
}

#[test]
fn a_session_goes_on_with_a_ticket_in_both_versions() {
    let secure = Secure::serve("", "");
    for version in [&TLS12, &TLS13] {
        let client = secure.authority.client(&[version]);
        let kind = || {
            let mut peer =
                Peer::secure(secure.server.address, &client, "chat.example").expect("a handshake");
            let kind = peer.tls().handshake_kind();
            // Tickets come with the first answer.
            assert_eq!(peer.get("/healthz"), "200");
            kind
        };
        assert_eq!(kind(), Some(HandshakeKind::Full));
        assert_eq!(kind(), Some(HandshakeKind::Resumed));
        assert_eq!(kind(), Some(HandshakeKind::Resumed));
    }
}

#[test]
fn what_is_said_to_many_arrives_whole() {
    let secure = Secure::serve("", "");
    let token = secure.server.token("alice");
    let mut alice = secure.join("alice");
    let client = secure.client();
    let mut members: Vec<Peer> = (0..50)
        .map(|_| {
            let mut peer =
                Peer::secure(secure.server.address, &client, "chat.example").expect("a handshake");
            peer.upgrade("/ws/chat", &format!("Authorization: Bearer {token}\r\n"));
            peer
        })
        .collect();
    let words = "x".repeat(490);
    for round in 0..200 {
        alice.say(&format!("{{\"message\":\"{round} {words}\"}}"));
    }
    for member in &mut members {
        for round in 0..200 {
            let expected = format!("{round} {words}");
            let message = || member.notice()["message"].as_str().map(str::to_owned);
            let mut next = std::iter::from_fn(message);
            // Notices of those who came go before.
            let found = next.find(|text| text.ends_with('x'));
            assert_eq!(found.as_deref(), Some(expected.as_str()));
        }
    }
}

#[test]
fn a_long_echo_is_cut_into_records_and_arrives_whole() {
    let secure = Secure::serve("", "[echo]\nenabled = true\n");
    let token = secure.server.token("alice");
    let mut peer = secure.connect();
    peer.upgrade("/ws/echo", &format!("Authorization: Bearer {token}\r\n"));
    for length in [1, 16_383, 16_384, 16_385, 40_000, 65_536] {
        let text = "y".repeat(length);
        peer.say(&text);
        let echoed = peer.frame().expect("an echo").payload;
        assert_eq!(echoed.len(), length);
        assert_eq!(echoed, text.as_bytes());
    }
}
