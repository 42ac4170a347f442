//! What is wrong with a frame's header.

use super::*;

pub fn reserved_bits() -> Vec<Row> {
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

pub fn reserved_opcodes() -> Vec<Row> {
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

pub fn masks() -> Vec<Row> {
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

pub fn control_frames() -> Vec<Row> {
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

pub fn lengths() -> Vec<Row> {
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
