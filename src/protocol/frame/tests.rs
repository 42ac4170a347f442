use super::*;

const PAYLOAD_BYTES_MAX: usize = 70_000;

fn measure(bytes: &[u8]) -> Result<Measured, CloseReason> {
    FrameMeter::default().measure(bytes, PAYLOAD_BYTES_MAX)
}

/// A whole masked frame, its payload's length written in the shortest form.
fn frame(first: u8, payload_bytes: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_header(&mut bytes, Opcode::Text, payload_bytes);
    bytes[0] = first;
    bytes[1] |= 0x80;
    bytes.extend_from_slice(&[1, 2, 3, 4]);
    bytes.resize(bytes.len() + payload_bytes, b'x');
    bytes
}

#[test]
fn what_no_client_may_send_is_refused_at_the_byte_that_says_so() {
    let reserved = [0xC1, 0xA1, 0x91, 0xF1].map(|first| vec![first]);
    let unknown = [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF].map(|bits| vec![0x80 | bits]);
    let control_in_pieces = [0x08, 0x09, 0x0A].map(|first| vec![first]);
    let other: [&[u8]; 8] = [
        &[0x81, 0x00],
        &[0x81, 0x7D],
        &[0x89, 0xFE, 0, 126],
        &[0x88, 0xFE, 1, 0],
        // Lengths that a shorter form would have said, and one that no form says.
        &[0x81, 0xFE, 0, 125],
        &[0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0x81, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
        &[0x81, 0xFF, 0x80, 0, 0, 0, 0, 1, 0, 0],
    ];
    let other = other.map(<[u8]>::to_vec);
    for bytes in [&reserved[..], &unknown, &control_in_pieces, &other].concat() {
        assert_eq!(
            measure(&bytes),
            Err(CloseReason::ProtocolError),
            "{bytes:x?}"
        );
        let (_, before) = bytes.split_last().expect("a byte");
        let more_to_come = Measured {
            taken: before.len(),
            header: None,
            payload_bytes: 0,
        };
        assert_eq!(measure(before), Ok(more_to_come), "{bytes:x?}");
    }
}

#[test]
fn every_kind_and_length_of_frame_is_measured_and_one_byte_more_than_allowed_refused() {
    let opcodes = [
        (0x01, Opcode::Text, false),
        (0x81, Opcode::Text, true),
        (0x02, Opcode::Binary, false),
        (0x82, Opcode::Binary, true),
        (0x88, Opcode::Close, true),
        (0x89, Opcode::Ping, true),
        (0x8A, Opcode::Pong, true),
    ];
    for (first, opcode, fin) in opcodes {
        for length in [
            0,
            1,
            125,
            126,
            127,
            128,
            0xFFFF,
            0x1_0000,
            PAYLOAD_BYTES_MAX,
        ] {
            if opcode.is_control() && length > 125 {
                continue;
            }
            let bytes = [frame(first, length), vec![0xFF; 3]].concat();
            let mut meter = FrameMeter::default();
            let header = FrameHeader {
                fin,
                opcode,
                payload_bytes: length as u64,
                mask: [1, 2, 3, 4],
            };
            let whole = Measured {
                taken: bytes.len() - 3,
                header: Some(header),
                payload_bytes: length,
            };
            assert_eq!(meter.measure(&bytes, PAYLOAD_BYTES_MAX), Ok(whole));
            assert_eq!(meter.in_control_frame(), opcode.is_control());
        }
    }
    let too_much = frame(0x81, PAYLOAD_BYTES_MAX + 1);
    for bytes in [&too_much[..], &too_much[..10]] {
        assert_eq!(measure(bytes), Err(CloseReason::MessageTooBig));
    }
}

#[test]
fn a_continuation_needs_a_message_begun_and_anything_else_none() {
    let verdict = |frames: &[u8]| {
        let mut meter = FrameMeter::default();
        let each = frames.iter().map(|first| frame(*first, 1));
        let mut measured = each.map(|bytes| meter.measure(&bytes, PAYLOAD_BYTES_MAX));
        measured.all(|measured| measured.is_ok())
    };
    for good in [
        &[0x81, 0x82, 0x81][..],
        &[0x01, 0x00, 0x00, 0x80, 0x81],
        &[0x02, 0x89, 0x00, 0x8A, 0x80, 0x01, 0x80],
    ] {
        assert!(verdict(good), "{good:x?}");
    }
    for bad in [
        &[0x80][..],
        &[0x00],
        &[0x81, 0x80],
        &[0x01, 0x81],
        &[0x01, 0x89, 0x02],
    ] {
        assert!(!verdict(bad), "{bad:x?}");
    }
}

#[test]
fn however_frames_are_cut_the_same_headers_and_payloads_are_found() {
    let frames = [
        frame(0x01, 3),
        frame(0x89, 0),
        frame(0x80, 200),
        frame(0x82, 0x1_0000),
    ];
    let all = frames.concat();
    let lengths = [3, 0, 200, 0x1_0000];
    for cut in (0..400).chain([all.len() - 1]) {
        let mut meter = FrameMeter::default();
        let (mut headers, mut payload) = (Vec::new(), 0);
        for piece in [&all[..cut], &all[cut..]] {
            let mut rest = piece;
            while !rest.is_empty() {
                let measured = meter.measure(rest, PAYLOAD_BYTES_MAX).expect("legal");
                assert!((1..=rest.len()).contains(&measured.taken));
                headers.extend(measured.header.map(|header| header.payload_bytes));
                payload += measured.payload_bytes;
                rest = &rest[measured.taken..];
            }
        }
        assert_eq!(headers, lengths, "cut at {cut}");
        assert_eq!(payload as u64, lengths.iter().sum::<u64>(), "cut at {cut}");
    }
}

#[test]
fn what_is_begun_ends_with_its_frame_or_where_no_whole_frame_is_with_everything() {
    let mut frames = Vec::new();
    for length in [0, 300, 5] {
        write_header(&mut frames, Opcode::Text, length);
        frames.resize(frames.len() + length, b'x');
    }
    for (written, end) in [(0, 0), (1, 2), (2, 2), (3, 306), (306, 306), (307, 313)] {
        assert_eq!(end_of_frame(&frames, written), end, "{written}");
    }
    let cut = &frames[..310];
    for (written, end) in [(306, 306), (307, 310), (310, 310)] {
        assert_eq!(end_of_frame(cut, written), end, "{written} of a part");
    }
    assert_eq!(end_of_frame(b"<!doctype html>", 3), 15, "no frames");
}
