use std::io::IoSlice;

use super::*;
use crate::protocol::client::masked;

const MESSAGE_BYTES_MAX: usize = 20_000;

fn websocket() -> WebSocket {
    WebSocket::new(MESSAGE_BYTES_MAX)
}

/// What comes of these bytes, read as far as they go: messages in words, or why to close.
fn read_all(websocket: &mut WebSocket, bytes: &[u8]) -> Result<Vec<String>, CloseReason> {
    let (mut rest, mut outbox, mut found) = (bytes, Outbox::default(), Vec::new());
    while !rest.is_empty() {
        let measured = websocket.measure(rest)?;
        let (next, after) = rest.split_at(measured.taken);
        rest = after;
        found.extend(match websocket.read(next, &mut outbox)? {
            Some(Incoming::Text(text)) => Some(text.as_str().to_owned()),
            Some(Incoming::Binary(bytes)) => Some(format!("{} bytes", bytes.len())),
            Some(Incoming::Ping) => Some("ping".to_owned()),
            Some(Incoming::Pong) => Some("pong".to_owned()),
            Some(Incoming::Close) => Some("close".to_owned()),
            None => None,
        });
    }
    Ok(found)
}

fn waiting(outbox: &Outbox) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 8];
    let filled = outbox.fill(&mut slices);
    let parts = slices[..filled].iter().map(|slice| slice.to_vec());
    parts.collect::<Vec<_>>().concat()
}

#[test]
fn a_wrong_byte_of_a_text_is_noticed_before_its_frame_ends_however_little_is_missing() {
    let payload = [b"\xFF".as_slice(), &[b'x'; 200]].concat();
    let whole = masked(0x81, &payload);
    let in_pieces = [
        masked(0x01, "κό".as_bytes()),
        masked(0x89, b"\xFF"),
        masked(0x80, &payload),
    ];
    for bytes in [whole, in_pieces.concat()] {
        for missing in 0..20 {
            let come = &bytes[..bytes.len() - missing];
            let found = read_all(&mut websocket(), come);
            assert_eq!(found, Err(CloseReason::InvalidUtf8), "{missing} missing");
        }
    }
}

#[test]
fn text_however_it_is_cut_comes_whole_and_what_is_no_text_may_hold_anything() {
    let (long, wrong) = ("κ".repeat(6000), [0xFF; 300]);
    let frames = [
        masked(0x81, b"one"),
        masked(0x01, "tw\u{f6} κ".as_bytes()),
        masked(0x89, &wrong[..125]),
        masked(0x00, "\u{20ac}".as_bytes()),
        masked(0x80, b" parts"),
        masked(0x82, &wrong),
        masked(0x02, &wrong),
        masked(0x80, &wrong),
        masked(0x81, long.as_bytes()),
        masked(0x8A, b""),
        masked(0x88, b""),
    ];
    let all = frames.concat();
    let expected = [
        "one",
        "ping",
        "tw\u{f6} κ\u{20ac} parts",
        "300 bytes",
        "600 bytes",
        &long,
        "pong",
        "close",
    ];
    let inside_characters = all.len() - 12_020..all.len() - 12_000;
    for cut in (0..1100).chain(inside_characters) {
        let mut websocket = websocket();
        let (first, rest) = all.split_at(cut);
        let mut found = read_all(&mut websocket, first).expect("legal");
        found.extend(read_all(&mut websocket, rest).expect("legal"));
        assert_eq!(found, expected, "cut at {cut}");
    }
}

#[test]
fn a_ping_is_answered_at_once_and_a_close_when_it_is_acknowledged() {
    let (mut websocket, mut outbox) = (websocket(), Outbox::default());
    let found = websocket.read(&masked(0x89, b"here?"), &mut outbox);
    assert!(matches!(found, Ok(Some(Incoming::Ping))), "{found:?}");
    assert_eq!(waiting(&outbox), b"\x8A\x05here?");
    outbox.consume(7);
    let found = websocket.read(&masked(0x88, b"\x03\xE8"), &mut outbox);
    assert!(matches!(found, Ok(Some(Incoming::Close))), "{found:?}");
    assert!(outbox.is_empty(), "something may be said before");
    websocket.acknowledge_close(&mut outbox);
    assert_eq!(waiting(&outbox), b"\x88\x02\x03\xE8");
}

#[test]
fn what_is_too_much_and_what_is_no_frame_is_closed_with_its_own_reason() {
    let too_big = CloseReason::MessageTooBig;
    let half = vec![b'x'; MESSAGE_BYTES_MAX / 2];
    let more = vec![b'x'; MESSAGE_BYTES_MAX / 2 + 1];
    let longest = vec![b'x'; MESSAGE_BYTES_MAX];
    for (bytes, reason) in [
        (masked(0x81, &longest), None),
        ([masked(0x01, &half), masked(0x80, &half)].concat(), None),
        (
            [masked(0x01, &half), masked(0x80, &more)].concat(),
            Some(too_big),
        ),
        (masked(0x82, &[longest, vec![b'x']].concat()), Some(too_big)),
        (masked(0xC1, b"x"), Some(CloseReason::ProtocolError)),
        (masked(0x88, b"\x03"), Some(CloseReason::ProtocolError)),
        (masked(0x81, b"\xFF"), Some(CloseReason::InvalidUtf8)),
    ] {
        assert_eq!(read_all(&mut websocket(), &bytes).err(), reason);
    }
}

#[test]
fn what_leaves_is_a_frame_that_says_its_own_length() {
    for length in [0, 1, 125, 126, 0xFFFF, 0x1_0000] {
        let mut expected = Vec::new();
        write_header(&mut expected, Opcode::Text, length);
        expected.resize(expected.len() + length, b'x');
        let frame = text_frame(|payload| payload.resize(payload.len() + length, b'x'));
        assert_eq!(frame, expected, "{length} bytes shared");
        let mut outbox = Outbox::default();
        push_message(&mut outbox, Opcode::Text, vec![b'x'; length].into());
        assert_eq!(waiting(&outbox), expected, "{length} bytes to one");
    }
    let mut outbox = Outbox::default();
    push_ping(&mut outbox);
    push_close(&mut outbox, CloseReason::GoingAway, "bye");
    assert_eq!(waiting(&outbox), b"\x89\x00\x88\x05\x03\xE9bye");
}

/// The payload of the one text frame that these bytes are (RFC 6455 §5.2).
fn payload(frame: &[u8]) -> &[u8] {
    let (length, payload) = match frame {
        [0x81, 126, high, low, payload @ ..] => {
            (u64::from(u16::from_be_bytes([*high, *low])), payload)
        }
        [0x81, 127, rest @ ..] => {
            let (length, payload) = rest.split_first_chunk().expect("a length");
            (u64::from_be_bytes(*length), payload)
        }
        [0x81, length @ 0..=125, payload @ ..] => (u64::from(*length), payload),
        other => panic!("no text: {other:?}"),
    };
    assert_eq!(payload.len() as u64, length);
    payload
}

#[test]
fn a_text_is_one_frame_however_long_it_is() {
    for length in [0, 1, 125, 126, 65_535, 65_536, 100_000] {
        let text = "x".repeat(length);
        let frame = text_frame(|out| out.extend_from_slice(text.as_bytes()));
        assert_eq!(payload(&frame), text.as_bytes(), "{length}");
        let header = match length {
            0..126 => 2,
            126..65_536 => 4,
            _ => 10,
        };
        assert_eq!(frame.len(), header + length);
    }
}
