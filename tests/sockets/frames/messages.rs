//! What is wrong with whole frames: their order, their payload, their number.

use super::*;

pub fn fragmentation() -> Vec<Row> {
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

pub fn closes() -> Vec<Row> {
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

pub fn utf8() -> Vec<Row> {
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

pub fn sizes() -> Vec<Row> {
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

pub fn floods() -> Vec<Row> {
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
