//! Every broken sequence of the table, whole, byte by byte, and with megabytes after it.

use std::collections::BTreeSet;

use wardroom::simulation::masked;

use crate::frames::{Row, table};
use crate::honest::Pair;
use crate::peer::Peer;
use crate::server::{GROWTH_KIB_MAX, Server};

/// Sent after a violation, before anything is read: far more than the server throws away.
const JUNK_BYTES: usize = 4 << 20;
/// Sequences up to this long are also sent one byte at a time.
const CUT_BYTES_MAX: usize = 64;
const CONFIG: &str = r#"
[echo]
enabled = true
message_bytes_max = 8192
[limits]
connections_per_user = 100
connections_per_address = 100
offences_per_address = { burst = 100000, per = "1s" }
plain_per_address = 1000
handshakes_per_address = { burst = 1000000, per = "1s" }
bytes_per_address = { burst = 1000000000, per = "1s" }
commands_per_user = { burst = 1000000, per = "1s" }
messages_per_user = { burst = 1000000, per = "1s" }
messages_per_connection = { burst = 1000000, per = "1s" }
messages_per_address = { burst = 1000000, per = "1s" }
[deadlines]
close = "300ms"
linger = "50ms"
"#;

/// How a sequence is sent.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    Whole,
    ByteByByte,
    /// Followed by bytes that are no frames.
    BeforeNoise,
    /// Followed by legal frames.
    BeforePings,
}

#[test]
fn every_protocol_error_is_answered_by_its_close_code_and_an_orderly_end() {
    let server = Server::serve(CONFIG);
    // The pair has a descriptor each; everybody else comes and goes.
    let descriptors = server.figures().descriptors + 2;
    let token = server.token("breaker");
    let pair = Pair::begin(&server);
    let rows = table();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "every row has a name of its own");
    assert!(rows.len() >= 60, "{} rows", rows.len());

    let noise = vec![0x5A; JUNK_BYTES];
    let pings = masked(0x89, b"ping").repeat(JUNK_BYTES / 10);
    let before = server.settled(descriptors);
    println!(
        "{:>5} {:>9} {:>8} {:>4}  sequence",
        "code", "RSS KiB", "CPU µs", "fds"
    );
    for row in &rows {
        let start = server.figures();
        for path in ["/ws/chat", "/ws/echo"] {
            if row.chat_only && path == "/ws/echo" {
                continue;
            }
            for delivery in deliveries(row) {
                let peer = Peer::open(&server, path, &token);
                let junk = match delivery {
                    Delivery::BeforeNoise => &noise,
                    _ => &pings,
                };
                check(
                    peer,
                    row,
                    delivery,
                    junk,
                    &format!("{} on {path}", row.name),
                );
            }
        }
        let end = server.figures();
        println!(
            "{:>5} {:>+9} {:>8} {:>4}  {}",
            row.code,
            end.resident_kib as i64 - start.resident_kib as i64,
            (end.cpu - start.cpu).as_micros(),
            end.descriptors,
            row.name
        );
    }
    let after = server.settled(descriptors);
    let talk = pair.end();
    println!(
        "{} rows\nbefore: {before:?}\nafter:  {after:?}\n{talk:?}",
        rows.len()
    );
    assert!(
        talk.messages > rows.len() as u64,
        "the pair talked all the while"
    );
    let growth = after.resident_kib.saturating_sub(before.resident_kib);
    assert!(growth <= GROWTH_KIB_MAX, "the server grew by {growth} KiB");
    assert_eq!(after.descriptors, descriptors);
}

fn deliveries(row: &Row) -> Vec<Delivery> {
    let mut deliveries = vec![
        Delivery::Whole,
        Delivery::BeforeNoise,
        Delivery::BeforePings,
    ];
    if row.bytes.len() <= CUT_BYTES_MAX {
        deliveries.push(Delivery::ByteByByte);
    }
    deliveries
}

fn check(mut peer: Peer, row: &Row, delivery: Delivery, junk: &[u8], name: &str) {
    match delivery {
        Delivery::Whole => {
            peer.send(&row.bytes);
        }
        Delivery::ByteByByte => {
            // The server may have answered and gone before the last byte.
            let _ = row.bytes.chunks(1).all(|byte| peer.try_send(byte));
        }
        Delivery::BeforeNoise | Delivery::BeforePings => {
            let _ = peer.try_send(&row.bytes) && peer.try_send(junk);
        }
    }
    assert_eq!(peer.close_code(), Some(row.code), "{name}, {delivery:?}");
    peer.expect_end();
    if let Delivery::Whole = delivery {
        let error = peer.kernel_error();
        assert!(error.is_none(), "{name}: {error:?}");
    }
}
