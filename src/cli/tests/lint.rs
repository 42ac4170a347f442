//! `wardroom lint-message` says what a server would.

use super::*;
use crate::simulation::{World, masked, text, upgrade_request};

/// The lines it prints, and its exit code.
fn lint(arguments: &[&str], input: &[u8]) -> (String, u8) {
    let arguments: Vec<&str> = ["lint-message"].iter().chain(arguments).copied().collect();
    let outcome = wardroom_told(&arguments, input);
    (outcome.output.trim_end().to_owned(), outcome.exit_code())
}

#[test]
fn a_message_is_accepted_or_refused_with_code_field_and_rule() {
    let long = format!(
        r#"{{"type":"send","room":"lobby","message":"{}"}}"#,
        "x".repeat(501)
    );
    let huge = " ".repeat(8193);
    let rows: [(&[&str], &[u8], &str, u8); 9] = [
        (&[], br#"{"type":"ping"}"#, "accepted", 0),
        (
            &[],
            br#"{"type":"send","room":"lobby","message":""}"#,
            "refused code=message_empty field=message rule=\"The message is empty.\"",
            1,
        ),
        (
            &[],
            br#"{"type":"ping","type":"ping"}"#,
            "refused code=duplicate_field field=type rule=\"A field is given twice.\"",
            1,
        ),
        (
            &[],
            long.as_bytes(),
            "refused code=message_too_long field=message rule=\"The message is longer than 500 characters.\"",
            1,
        ),
        (
            &["--set", "limits.message_characters_max=501"],
            long.as_bytes(),
            "accepted",
            0,
        ),
        (&[], b"\xFF", "refused code=1007 rule=\"invalid UTF-8\"", 1),
        (
            &[],
            huge.as_bytes(),
            "refused code=1009 rule=\"message too big\"",
            1,
        ),
        (
            &["--protocol", "tutorial"],
            br#"{"message":"hi","mood":7}"#,
            "accepted",
            0,
        ),
        (
            &["--protocol", "tutorial"],
            br#"{"message":"hi","room_id":"a b"}"#,
            "refused code=invalid_room field=room_id rule=\"A room id is 1 to 64 of A-Z a-z 0-9 _ . : - and begins with a letter or digit.\"",
            1,
        ),
    ];
    for (arguments, input, expected, code) in rows {
        let found = lint(arguments, input);
        let input = String::from_utf8_lossy(input);
        assert_eq!(found, (expected.to_owned(), code), "{input:.60}");
    }
}

#[test]
fn frames_are_judged_as_a_server_judges_them() {
    let said = text(r#"{"type":"ping"}"#);
    let rows: [(&str, Vec<u8>); 9] = [
        ("a message", said.clone()),
        (
            "nonsense, and a message",
            [text("{"), said.clone()].concat(),
        ),
        ("a ping", masked(0x89, b"x")),
        ("binary", masked(0x82, b"x")),
        ("reserved bits", masked(0xC1, b"x")),
        ("not masked", b"\x81\x01x".to_vec()),
        ("no UTF-8", masked(0x81, b"\xFF")),
        (
            "too much declared",
            [&b"\x81\xFF"[..], &[0x7F; 12]].concat(),
        ),
        (
            "too many fragments",
            (0..129)
                .flat_map(|n| masked(if n == 0 { 0x01 } else { 0x00 }, b"x"))
                .collect(),
        ),
    ];
    for (name, bytes) in rows {
        let (lines, code) = lint(&["--frames"], &bytes);
        let mut world = World::new(Config::default());
        let id = world.join_v1("alice", "10.0.0.1");
        world.client(id).take_frames();
        world.send(id, &bytes);
        let frames = world.client(id).take_frames();
        let close = frames.iter().find(|frame| frame.opcode == 8);
        let error = frames.iter().find(|frame| {
            frame.opcode == 1 && String::from_utf8_lossy(&frame.payload).contains("\"error\"")
        });
        let last = lines.lines().last().unwrap();
        let expected = match (close, error) {
            (Some(close), _) => {
                let code = u16::from_be_bytes([close.payload[0], close.payload[1]]);
                let reason = String::from_utf8_lossy(&close.payload[2..]).into_owned();
                format!("refused code={code} rule={reason:?}")
            }
            (None, Some(error)) => {
                let error: Value = serde_json::from_slice(&error.payload).unwrap();
                let code = error["code"].as_str().unwrap();
                format!("refused code={code} rule={}", error["error"])
            }
            (None, None) => "accepted".to_owned(),
        };
        assert_eq!(last, expected, "{name}");
        assert_eq!(code, u8::from(last != "accepted"), "{name}");
    }
    let (lines, _) = lint(&["--frames"], &[text("{"), said].concat());
    let expected = "text: refused code=invalid_json rule=\"The message is not valid JSON.\"\ntext: accepted\n\
                    refused code=invalid_json rule=\"The message is not valid JSON.\"";
    assert_eq!(lines, expected);
}

#[test]
fn a_head_is_judged_as_a_server_judges_it() {
    let good = upgrade_request("/ws/chat", "");
    let rows = [
        (good.clone(), "accepted", 0),
        (good[..good.len() - 2].to_owned(), "incomplete", 1),
        (
            good.replace("13", "12"),
            "refused code=version_unsupported status=426",
            1,
        ),
        (
            good.replace("Host", "Host: b\r\nHost"),
            "refused code=malformed_request status=400",
            1,
        ),
        (
            good.replace("Upgrade: websocket", &format!("X: {}", "x".repeat(9000))),
            "refused code=head_too_large status=431",
            1,
        ),
    ];
    for (head, expected, code) in rows {
        let (line, found) = lint(&["--upgrade"], head.as_bytes());
        assert!(line.starts_with(expected), "{line}");
        assert_eq!(found, code, "{line}");
    }
}

#[test]
fn more_than_can_be_read_is_an_error_and_no_verdict() {
    let (lines, code) = lint(&[], &vec![b' '; 16 * 1024 * 1024 + 1]);
    assert_eq!((lines.as_str(), code), ("", 1));
}
