//! Handshakes as an operator sees them.

use rustls::version::{TLS12, TLS13};

use super::{Authority, Secure};
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

/// A certificate that has ended is refused by everybody's clients, time after time; once it is renewed they must get in.
#[test]
fn an_address_whose_clients_do_not_trust_the_certificate_is_not_kept_out() {
    let limits = "[limits]\noffences_per_address = { burst = 3, per = \"1h\" }\n";
    let secure = Secure::serve_within(limits, "", "");
    // Another authority, and one that took the name of the one before: the alert is another.
    for trusted in [Authority::named("Somebody else"), Authority::new()] {
        for versions in [&[&TLS12], &[&TLS13]] {
            let client = trusted.client(versions);
            for _ in 0..10 {
                let refused = Peer::secure(secure.server.address, &client, "chat.example");
                assert!(refused.is_err(), "it did not sign the certificate");
            }
        }
    }
    let line = secure.server.wait_for_line("event=tls_failed");
    assert!(line.ends_with("reason=\"certificate_refused\""), "{line}");
    assert_eq!(secure.connect().get("/healthz"), "200");
    let samples = scrape(&secure.server);
    let name = "wardroom_tls_failures_total{reason=\"certificate_refused\"}";
    assert_eq!(samples.get(name), Some(&40.0), "{samples:#?}");
}
