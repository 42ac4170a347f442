//! Attacks by frames, made by people who have signed in.

use std::time::Duration;

use super::super::attack::{Attack, MEMBERS, Outcome, Pace};
use super::super::reach::Need;
use super::SLOWED;
use crate::protocol::client::{frame, masked, text};

/// One frame that breaks the protocol, and its close code.
const BREACH: Attack = Attack {
    shots: 1,
    ..MEMBERS
};

pub(super) const ATTACKS: [Attack; 11] = [
    Attack {
        name: "ping-flood",
        what: "Pings as fast as they go",
        limits: &["limits.control_frames_per_connection"],
        signs: &["limited:control_frames_per_connection"],
        shot: |_, out| out.extend(masked(0x89, b"ping")),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "pong-flood",
        what: "Pongs that nobody asked for",
        limits: &["limits.control_frames_per_connection"],
        signs: &["limited:control_frames_per_connection"],
        shot: |_, out| out.extend(masked(0x8A, b"pong")),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "tiny-fragments",
        what: "Messages in fragments of one byte, as many as a message may have",
        needs: &[Need::AtLeast("limits.fragments_per_message_max", 100)],
        limits: &["limits.glitches_per_connection"],
        signs: &["limited:glitches_per_connection"],
        // A good request, so that nothing but the number of frames is at fault.
        shot: |aim, out| {
            let at = (aim.shot % 100) as usize;
            let first = match at {
                0 => 0x01,
                99 => 0x80,
                _ => 0x00,
            };
            let byte = b"{\"type\":\"ping\"}".get(at).copied().unwrap_or(b' ');
            out.extend(masked(first, &[byte]));
        },
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "many-frames",
        what: "The same where oddness alone is no fault",
        needs: &[Need::AtLeast("limits.fragments_per_message_max", 100)],
        limits: &["limits.frames_per_connection"],
        changes: &[(
            "limits.glitches_per_connection",
            "{ burst = 1000000, per = \"1s\" }",
        )],
        signs: &["limited:frames_per_connection"],
        // A good request, so that nothing but the number of frames is at fault.
        shot: |aim, out| {
            let at = (aim.shot % 100) as usize;
            let first = match at {
                0 => 0x01,
                99 => 0x80,
                _ => 0x00,
            };
            let byte = b"{\"type\":\"ping\"}".get(at).copied().unwrap_or(b' ');
            out.extend(masked(first, &[byte]));
        },
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "byte-by-byte",
        what: "Good requests, one byte at a time",
        limits: &["limits.glitches_per_connection"],
        signs: &["limited:glitches_per_connection"],
        changes: &[(
            "limits.glitches_per_connection",
            "{ burst = 200, per = \"10s\" }",
        )],
        shot: |aim, out| {
            let request = text("{\"type\":\"ping\"}");
            let at = aim.shot as usize % request.len();
            out.extend(request.get(at));
        },
        pace: Pace::Every(Duration::from_millis(1)),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "endless-fragments",
        what: "One message whose fragments never end",
        limits: &["limits.fragments_per_message_max"],
        signs: &["limited:fragments_per_message_max"],
        shot: |aim, out| out.extend(masked(u8::from(aim.shot == 0), b"x")),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "empty-fragments",
        what: "The same with nothing in them",
        limits: &["limits.fragments_per_message_max"],
        signs: &["limited:fragments_per_message_max"],
        shot: |aim, out| out.extend(masked(u8::from(aim.shot == 0), b"")),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "giant-frame",
        what: "The header of a frame of a terabyte",
        limits: &["limits.message_bytes_max"],
        signs: &["limited:message_bytes_max"],
        shot: |_, out| out.extend(frame(0x81, 1 << 40, true)),
        expect: &[
            Outcome::Close(1009),
            Outcome::Status(429),
            Outcome::Close(1008),
        ],
        ..BREACH
    },
    Attack {
        name: "unmasked",
        what: "Frames without a mask",
        signs: &["closes:protocol_error"],
        shot: |_, out| out.extend_from_slice(b"\x81\x05hello"),
        expect: BROKEN,
        ..BREACH
    },
    Attack {
        name: "reserved-bits",
        what: "Frames with reserved bits and opcodes",
        signs: &["closes:protocol_error"],
        shot: |aim, out| {
            out.extend(masked(
                if aim.connection % 2 == 0 { 0xF1 } else { 0x83 },
                b"hello",
            ))
        },
        expect: BROKEN,
        ..BREACH
    },
    Attack {
        name: "invalid-utf8",
        what: "Text that is not UTF-8",
        signs: &["closes:invalid_utf8"],
        shot: |_, out| out.extend(masked(0x81, b"{\"type\":\"\xff\xfe\"}")),
        expect: &[
            Outcome::Close(1007),
            Outcome::Status(429),
            Outcome::Close(1008),
        ],
        ..BREACH
    },
];

const BROKEN: &[Outcome] = &[
    Outcome::Close(1002),
    Outcome::Status(429),
    Outcome::Close(1008),
];
