//! Handshakes as an operator sees them.

use rustls::version::TLS12;

use super::Secure;
use crate::peer::Peer;
use crate::telemetry::scrape;

#[test]
fn handshakes_are_counted_by_what_was_agreed_on_and_failures_are_security_events() {
    let secure = Secure::serve("", "");
    let client = secure.client();
    for _ in 0..2 {
        // The second goes on with the first's session.
        let peer = Peer::secure(secure.server.address, &client, "chat.example").expect("1.3");
        assert_eq!(peer.get("/healthz"), "200");
    }
    let older = secure.authority.client(&[&TLS12]);
    let older = Peer::secure(secure.server.address, &older, "chat.example").expect("1.2");
    assert_eq!(older.get("/healthz"), "200");
    let mut garbage = Peer::connect(secure.server.address);
    garbage.send(&[0; 64]);
    garbage.rest();
    let line = secure.server.wait_for_line("event=tls_failed");
    assert!(
        line.ends_with("event=tls_failed address=127.0.0.1 reason=\"handshake_failed\""),
        "{line}"
    );
    let mut samples = scrape(&secure.server);
    samples.retain(|name, _| name.starts_with("wardroom_tls_"));
    for (name, value) in [
        (
            "wardroom_tls_handshakes_total{version=\"1.3\",group=\"X25519MLKEM768\"}",
            2.0,
        ),
        (
            "wardroom_tls_handshakes_total{version=\"1.2\",group=\"x25519\"}",
            1.0,
        ),
        ("wardroom_tls_resumptions_total", 1.0),
        (
            "wardroom_tls_failures_total{reason=\"handshake_failed\"}",
            1.0,
        ),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} in {samples:#?}");
    }
}
