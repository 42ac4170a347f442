//! The plain listener beside TLS: who asks for a page is sent to the same place over https.

use super::Engine;
use super::http::Served;
use crate::id::ConnectionId;
use crate::protocol::head::{Head, Method};
use crate::protocol::response::{Refusal, Response};
use crate::time::Now;

/// The port of https, which may be left out (RFC 9110 §4.2.2).
const HTTPS_PORT: u16 = 443;

impl Engine {
    /// Answers 308, so that method and body stay as they are (RFC 9110 §15.4.9). The host is the request's own: no page
    /// can choose it for somebody else, and a head without a valid one was refused.
    ///
    /// # Errors
    /// What programs ask is refused: one that shows its credential in the clear should be noticed, not sent on.
    pub(super) fn redirect(
        &mut self,
        id: ConnectionId,
        head: &Head<'_>,
        now: Now,
    ) -> Result<Served, Refusal> {
        if is_for_programs(head) {
            return Err(Refusal::Malformed(
                "this port only shows browsers the way: use https or wss",
            ));
        }
        let public_port = self.config.tls.public_port;
        let port = public_port.unwrap_or(self.config.listen.address.port());
        let location = location(head.host(), port, head.target());
        let fields = [("Location", location.as_str())];
        let response = Response {
            status: 308,
            ..Response::ok("text/plain", b"")
        };
        let response = response.with_fields(&fields).with_keep_alive(false);
        if let Some(connection) = self.connections.get_mut(id) {
            self.outbound.write(connection, |outbox| {
                outbox.append(|run| response.write(Method::Head, run));
            });
        }
        // A body may follow; it is read and thrown away.
        self.finish(id, now);
        Ok(Served::Ended)
    }
}

fn is_for_programs(head: &Head<'_>) -> bool {
    let is_read = matches!(head.method(), Method::Get | Method::Head);
    !is_read || head.path() == "/ticket" || head.path().starts_with("/ws/")
}

fn location(authority: &str, port: u16, target: &str) -> String {
    let end_of_literal = authority.find(']').unwrap_or(0);
    let colon = authority.rfind(':').filter(|at| *at >= end_of_literal);
    let host = colon
        .and_then(|at| authority.get(..at))
        .unwrap_or(authority);
    if port == HTTPS_PORT {
        format!("https://{host}{target}")
    } else {
        format!("https://{host}:{port}{target}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_https_keeps_host_and_target_and_takes_the_configured_port() {
        for (authority, port, target, expected) in [
            ("a.example", 443, "/", "https://a.example/"),
            ("a.example:80", 443, "/x?y=z", "https://a.example/x?y=z"),
            ("a.example:", 8443, "/", "https://a.example:8443/"),
            ("127.0.0.1:8080", 8443, "/", "https://127.0.0.1:8443/"),
            ("[::1]", 443, "/", "https://[::1]/"),
            (
                "[::1]:80",
                8443,
                "//b.example",
                "https://[::1]:8443//b.example",
            ),
        ] {
            assert_eq!(location(authority, port, target), expected);
        }
    }
}
