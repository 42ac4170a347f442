//! The table of broken frame sequences, each with the close code that RFC 6455 §7.4.1 or our limits call for.

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
        reserved_bits(),
        reserved_opcodes(),
        masks(),
        control_frames(),
        lengths(),
        fragmentation(),
        closes(),
        utf8(),
        sizes(),
        floods(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn reserved_bits() -> Vec<Row> {
    let named = |(bits, name)| row(name, 1002, masked(FIN | bits | TEXT, b"x"));
    let mut rows: Vec<Row> = [
        (0x40, "RSV1, as if compressed"),
        (0x20, "RSV2"),
        (0x10, "RSV3"),
        (0x60, "RSV1 and RSV2"),
        (0x50, "RSV1 and RSV3"),
        (0x30, "RSV2 and RSV3"),
        (0x70, "all reserved bits"),
    ]
    .map(named)
    .into();
    rows.push(row("RSV1 on a ping", 1002, masked(FIN | 0x40 | PING, b"")));
    rows.push(row(
        "RSV1 on a close",
        1002,
        masked(FIN | 0x40 | CLOSE, b""),
    ));
    let second = [masked(TEXT, b"a"), masked(FIN | 0x40, b"b")].concat();
    rows.push(row("RSV1 on a continuation", 1002, second));
    rows
}

fn reserved_opcodes() -> Vec<Row> {
    let opcodes = (0x3..=0x7).chain(0xB..=0xF);
    let mut rows: Vec<Row> = opcodes
        .map(|opcode| {
            let name = format!("reserved opcode {opcode:X}");
            row(name, 1002, masked(FIN | opcode, b"x"))
        })
        .collect();
    let inside = [masked(TEXT, b"a"), masked(0x3, b"b")].concat();
    rows.push(row("reserved opcode inside a message", 1002, inside));
    rows
}

fn masks() -> Vec<Row> {
    let kinds = [
        ("text", TEXT),
        ("binary", BINARY),
        ("close", CLOSE),
        ("ping", PING),
        ("pong", PONG),
    ];
    let mut rows: Vec<Row> = kinds
        .map(|(kind, opcode)| {
            let name = format!("unmasked {kind}");
            row(name, 1002, unmasked(FIN | opcode, b""))
        })
        .into();
    let second = [masked(TEXT, b"a"), unmasked(FIN, b"b")].concat();
    rows.push(row("unmasked continuation", 1002, second));
    let long = unmasked(FIN | TEXT, &[b'x'; 300]);
    rows.push(row("unmasked text of 300 bytes", 1002, long));
    rows
}

fn control_frames() -> Vec<Row> {
    let kinds = [("close", CLOSE), ("ping", PING), ("pong", PONG)];
    let broken = |(kind, opcode): (&str, u8)| {
        [
            row(format!("fragmented {kind}"), 1002, masked(opcode, b"")),
            row(
                format!("{kind} of 126 bytes"),
                1002,
                masked(FIN | opcode, &[b'x'; 126]),
            ),
            row(
                format!("{kind} with a needless 16-bit length"),
                1002,
                in_16_bits(FIN | opcode, b"xx"),
            ),
            row(
                format!("{kind} of 65536 bytes, declared"),
                1002,
                in_64_bits(FIN | opcode, 65_536),
            ),
        ]
    };
    kinds.into_iter().flat_map(broken).collect()
}

fn lengths() -> Vec<Row> {
    vec![
        row("empty text in 16 bits", 1002, in_16_bits(FIN | TEXT, b"")),
        row(
            "125 bytes in 16 bits",
            1002,
            in_16_bits(FIN | TEXT, &[b'x'; 125]),
        ),
        row("5 bytes in 64 bits", 1002, in_64_bits(FIN | TEXT, 5)),
        row("126 bytes in 64 bits", 1002, in_64_bits(FIN | TEXT, 126)),
        row(
            "65535 bytes in 64 bits",
            1002,
            in_64_bits(FIN | TEXT, 65_535),
        ),
        row(
            "a 64-bit length with the top bit",
            1002,
            in_64_bits(FIN | TEXT, 1 << 63),
        ),
        row("the largest 64-bit number", 1002, in_64_bits(FIN, u64::MAX)),
        row(
            "a frame that declares 2^40 bytes",
            1009,
            in_64_bits(FIN | TEXT, 1 << 40),
        ),
        row(
            "a frame that declares 2^63 - 1 bytes",
            1009,
            in_64_bits(FIN | TEXT, (1 << 63) - 1),
        ),
    ]
}

fn fragmentation() -> Vec<Row> {
    let begun = || masked(TEXT, b"a");
    vec![
        row("a continuation of nothing", 1002, masked(FIN, b"x")),
        row(
            "an unfinished continuation of nothing",
            1002,
            masked(0, b"x"),
        ),
        row(
            "a continuation after a whole message",
            1002,
            [masked(FIN | PONG, b""), masked(FIN, b"x")].concat(),
        ),
        row(
            "a continuation after a message in fragments",
            1002,
            [fragments(&[b"[", b"]"]), masked(FIN, b"x")].concat(),
        ),
        row(
            "a text inside a message",
            1002,
            [begun(), masked(FIN | TEXT, b"b")].concat(),
        ),
        row(
            "the beginning of a text inside a message",
            1002,
            [begun(), begun()].concat(),
        ),
        row(
            "a binary inside a message",
            1002,
            [begun(), masked(FIN | BINARY, b"b")].concat(),
        ),
        row(
            "a text inside a message, after a ping",
            1002,
            [begun(), masked(FIN | PING, b""), masked(FIN | TEXT, b"b")].concat(),
        ),
    ]
}

fn closes() -> Vec<Row> {
    let bad_codes = [
        0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65_535,
    ];
    let mut rows: Vec<Row> = bad_codes
        .map(|code| row(format!("close with code {code}"), 1002, closing(code, b"")))
        .into();
    rows.extend([
        row(
            "close with a body of one byte",
            1002,
            masked(FIN | CLOSE, b"\x03"),
        ),
        row(
            "close with a reason that is not UTF-8",
            1007,
            closing(1000, b"\xFF"),
        ),
        row(
            "close with a reason cut inside a character",
            1007,
            closing(1000, b"caf\xC3"),
        ),
        row(
            "a text after close",
            1000,
            [closing(1000, b"bye"), masked(FIN | TEXT, b"x")].concat(),
        ),
        row(
            "pings after close",
            1001,
            [closing(1001, b""), masked(FIN | PING, b"x").repeat(50)].concat(),
        ),
        row(
            "a second close",
            3000,
            [closing(3000, b""), closing(4000, b"")].concat(),
        ),
        row(
            "a broken frame after close",
            4999,
            [closing(4999, b""), unmasked(0x73, b"x")].concat(),
        ),
        row(
            "close without a code inside a message, then the rest of it",
            1005,
            [
                masked(TEXT, b"a"),
                masked(FIN | CLOSE, b""),
                masked(FIN, b"b"),
            ]
            .concat(),
        ),
    ]);
    rows
}

fn utf8() -> Vec<Row> {
    let wrong: [(&str, &[u8]); 14] = [
        ("a byte that never stands in UTF-8", b"\xFF"),
        ("a lone continuation byte", b"a\x80b"),
        ("overlong slash in 2 bytes", b"\xC0\xAF"),
        ("overlong slash in 3 bytes", b"\xE0\x80\xAF"),
        ("overlong slash in 4 bytes", b"\xF0\x80\x80\xAF"),
        ("overlong NUL", b"\xC0\x80"),
        ("the first surrogate", b"\xED\xA0\x80"),
        ("the last surrogate", b"\xED\xBF\xBF"),
        ("a surrogate pair", b"\xED\xA0\xBD\xED\xB8\x80"),
        ("the code point after U+10FFFF", b"\xF4\x90\x80\x80"),
        ("a sequence of 5 bytes", b"\xF8\x88\x80\x80\x80"),
        ("cut inside 2 bytes", b"abc\xC3"),
        ("cut inside 3 bytes", b"\xE2\x82"),
        ("cut inside 4 bytes", b"\xF0\x9F\x98"),
    ];
    let mut rows = Vec::new();
    for (name, bytes) in wrong {
        let (front, back) = bytes.split_at(bytes.len() / 2);
        rows.push(row(
            format!("UTF-8: {name}"),
            1007,
            masked(FIN | TEXT, bytes),
        ));
        rows.push(row(
            format!("UTF-8: {name}, split across fragments"),
            1007,
            fragments(&[front, back]),
        ));
        rows.push(row(
            format!("UTF-8: {name}, split around a ping"),
            1007,
            interleaved(&[b"fine: ", front, back], &masked(FIN | PING, b"p")),
        ));
    }
    rows.push(row(
        "UTF-8: a bad byte in a fragment of an unfinished message",
        1007,
        masked(TEXT, b"\xFF"),
    ));
    rows
}

fn sizes() -> Vec<Row> {
    let half = vec![b'x'; MESSAGE_BYTES_MAX / 2 + 1];
    vec![
        row(
            "one byte too big, in one frame",
            1009,
            masked(FIN | TEXT, &vec![b'x'; MESSAGE_BYTES_MAX + 1]),
        ),
        row(
            "a megabyte in one frame",
            1009,
            masked(FIN | TEXT, &vec![b'x'; 1 << 20]),
        ),
        row(
            "one byte too big, declared only",
            1009,
            frame(FIN | TEXT, MESSAGE_BYTES_MAX as u64 + 1, true),
        ),
        row("too big in two fragments", 1009, fragments(&[&half, &half])),
        row(
            "too big in two fragments around a ping",
            1009,
            interleaved(&[&half, &half], &masked(FIN | PING, b"p")),
        ),
        row(
            "too big by a continuation that declares it",
            1009,
            [masked(TEXT, b"a"), in_64_bits(FIN, 1 << 20)].concat(),
        ),
        Row {
            chat_only: true,
            ..row("a binary message on chat", 1003, masked(FIN | BINARY, b"x"))
        },
        Row {
            chat_only: true,
            ..row(
                "an empty binary message on chat",
                1003,
                masked(FIN | BINARY, b""),
            )
        },
        Row {
            chat_only: true,
            ..row(
                "a binary message in fragments on chat",
                1003,
                [masked(BINARY, b"x"), masked(FIN, b"y")].concat(),
            )
        },
    ]
}

fn floods() -> Vec<Row> {
    let endless = |piece: &[u8]| {
        [
            masked(TEXT, b""),
            masked(CONTINUATION, piece).repeat(FRAGMENTS_MAX),
        ]
        .concat()
    };
    let around = masked(FIN | PING, b"p").repeat(2 * CONTROL_FRAMES_MAX);
    vec![
        row("endless empty fragments", 1008, endless(b"")),
        row("endless fragments of one byte", 1008, endless(b"x")),
        row(
            "a flood of pings",
            1008,
            masked(FIN | PING, b"").repeat(2 * CONTROL_FRAMES_MAX),
        ),
        row(
            "a flood of full pings",
            1008,
            masked(FIN | PING, &[b'x'; 125]).repeat(2 * CONTROL_FRAMES_MAX),
        ),
        row(
            "a flood of pongs nobody asked for",
            1008,
            masked(FIN | PONG, b"x").repeat(2 * CONTROL_FRAMES_MAX),
        ),
        row(
            "a flood of pings inside a message",
            1008,
            interleaved(&[b"a", b"b"], &around),
        ),
    ]
}
