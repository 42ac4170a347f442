//! The numbers that the engine has at hand, in the text format of Prometheus 0.0.4.

use std::fmt::Write as _;

use super::super::Engine;
use super::Answer;

impl Engine {
    /// What `/metrics` answers.
    pub(super) fn metrics(&self) -> Answer {
        let census = self.census();
        let gauges = [
            ("connections", "Connections of any kind.", census.connections),
            ("connections_plain", "Connections at the public door that are no open session.", census.plain_connections),
            ("connections_private", "Connections at the private door.", census.private_connections),
            ("sessions", "Open sessions.", census.user_connections),
            ("seats", "Seats in rooms: sessions times the rooms each is in.", census.seats),
            ("outbound_bytes", "Bytes that wait to be written.", census.outbound_bytes),
            ("tickets", "Tickets that were given and not shown yet.", self.tickets.len()),
        ];
        let mut text = String::new();
        for (name, help, value) in gauges {
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "# HELP wardroom_{name} {help}\n# TYPE wardroom_{name} gauge\nwardroom_{name} {value}\n"
            );
        }
        Answer {
            content_type: "text/plain; version=0.0.4; charset=utf-8",
            body: text.into(),
        }
    }
}
