//! The table of broken frame sequences, each with the close code that RFC 6455 §7.4.1 or our limits call for.

mod headers;
mod messages;

use wardroom::simulation::{frame, masked};

/// The largest message of either endpoint, as configured for this table.
const MESSAGE_BYTES_MAX: usize = 8192;
/// `limits.fragments_per_message_max` and the burst of `limits.control_frames_per_connection`, by default.
const FRAGMENTS_MAX: usize = 128;
const CONTROL_FRAMES_MAX: usize = 30;

const FIN: u8 = 0x80;
const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// A broken sequence.
pub struct Row {
    pub name: String,
    pub bytes: Vec<u8>,
    pub code: u16,
    /// Legal on the echo endpoint.
    pub chat_only: bool,
}

fn row(name: impl Into<String>, code: u16, bytes: Vec<u8>) -> Row {
    Row {
        name: name.into(),
        bytes,
        code,
        chat_only: false,
    }
}

/// A frame as it should not be: without a mask.
fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    [frame(first, payload.len() as u64, false), payload.to_vec()].concat()
}

/// A masked frame that says its length in 16 bits, needed or not.
fn in_16_bits(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    [&[first, 0x80 | 126], &length[..], &[0; 4], payload].concat()
}

/// A masked header that says its length in 64 bits, needed or not.
fn in_64_bits(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0x80 | 127], &length.to_be_bytes()[..], &[0; 4]].concat()
}

/// A close frame's payload (RFC 6455 §5.5.1).
fn closing(code: u16, reason: &[u8]) -> Vec<u8> {
    masked(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// A text message in these fragments.
fn fragments(pieces: &[&[u8]]) -> Vec<u8> {
    interleaved(pieces, &[])
}

/// The same with `between` after every fragment but the last.
fn interleaved(pieces: &[&[u8]], between: &[u8]) -> Vec<u8> {
    let last = pieces.len() - 1;
    let piece = |(at, piece): (usize, &&[u8])| {
        let opcode = if at == 0 { TEXT } else { CONTINUATION };
        let fin = if at == last { FIN } else { 0 };
        let after = if at == last { &[] } else { between };
        [&masked(fin | opcode, piece), after].concat()
    };
    pieces.iter().enumerate().flat_map(piece).collect()
}

/// Every row.
pub fn table() -> Vec<Row> {
    [
        headers::reserved_bits(),
        headers::reserved_opcodes(),
        headers::masks(),
        headers::control_frames(),
        headers::lengths(),
        messages::fragmentation(),
        messages::closes(),
        messages::utf8(),
        messages::sizes(),
        messages::floods(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
