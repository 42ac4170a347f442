//! Rooms of the real program: who comes in, who moderates, what the server does not see, and what outlives the process.

mod crash;
mod faults;
mod history;
mod limits;
mod permissions;
mod private;
mod purge;
mod sandboxed;
mod takeover;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::line::Caller;

/// Limits that people who talk without pause do not meet.
pub const UNLIMITED: &str = "[limits]
connections_per_user = 1000
connections_per_address = 1000
offences_per_address = { burst = 100000, per = \"1s\" }
plain_per_address = 1000
unauthenticated_max = 1000
commands_per_user = { burst = 1000000, per = \"1s\" }
messages_per_user = { burst = 1000000, per = \"1s\" }
messages_per_connection = { burst = 1000000, per = \"1s\" }
messages_per_address = { burst = 1000000, per = \"1s\" }
bytes_per_connection = { burst = \"64MiB\", per = \"1s\" }
bytes_per_address = { burst = \"640MiB\", per = \"1s\" }
frames_per_connection = { burst = 1000000, per = \"1s\" }
control_frames_per_connection = { burst = 1000000, per = \"1s\" }
handshakes_per_address = { burst = 1000000, per = \"1s\" }
failed_authentications_per_address = { burst = 1000000, per = \"1s\" }
error_replies_per_connection = { burst = 1000000, per = \"1s\" }
outbound_bytes_per_connection_max = \"64MiB\"
";

/// The store stands in the server's own directory, and `general` keeps its messages.
pub const KEPT: &str = "[store]\ndirectory = \"data\"\n";

/// A configuration of those two, with these lines for rooms.
pub fn config(rooms: &str) -> String {
    format!("{UNLIMITED}{KEPT}[rooms]\ndurable = [\"general\"]\n{rooms}\n")
}

pub fn join(room: &str) -> Value {
    json!({"type": "join", "room": room})
}

pub fn leave(room: &str) -> Value {
    json!({"type": "leave", "room": room})
}

pub fn send(room: &str, message: &str) -> Value {
    json!({"type": "send", "room": room, "message": message})
}

/// What is done to somebody.
pub fn act(kind: &str, room: &str, user: &str) -> Value {
    json!({"type": kind, "room": room, "user": user})
}

/// The same with more fields.
pub fn with(mut request: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().expect("fields") {
        request[name] = value.clone();
    }
    request
}

/// Asks until the server is not busy with what came before; the verdict.
pub fn patiently(caller: &mut Caller, request: Value) -> String {
    loop {
        match caller.verdict(request.clone()).as_str() {
            "busy" => std::thread::yield_now(),
            other => return other.to_owned(),
        }
    }
}

/// The texts that somebody was told up to now, of one room.
pub fn heard(caller: &mut Caller, room: &str) -> Vec<String> {
    let told = caller.told_by_now();
    let said = told
        .iter()
        .filter(|notice| notice["type"] == "message" && notice["room"] == room);
    said.map(|notice| notice["message"].as_str().unwrap_or("-").to_owned())
        .collect()
}

/// Bytes as an encoder without padding writes them (RFC 4648 §5).
pub fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let value = three
            .iter()
            .fold(0, |value, byte| value << 8 | usize::from(*byte))
            << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(DIGITS[value >> (18 - 6 * place) & 63]));
        }
    }
    text
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
