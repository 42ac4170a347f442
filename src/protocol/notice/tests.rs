use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::protocol::command::{Bounds, tutorial as tutorial_command, v1 as v1_command};

const ALICE: Person<'static> = Person {
    user: "alice",
    name: "Alice",
};
const AT: Wall = Wall::from_millis(1_764_000_000_123);

fn v1(notice: Notice<'_>) -> String {
    let mut out = Vec::new();
    notice.write_v1(&mut out);
    String::from_utf8(out).unwrap()
}

fn tutorial(notice: Notice<'_>) -> Option<String> {
    let mut out = Vec::new();
    let written = notice.write_tutorial(&mut out);
    assert_eq!(written, !out.is_empty());
    written.then(|| String::from_utf8(out).unwrap())
}

fn said(message: &str) -> Notice<'_> {
    Notice::Message(Message {
        room: "lobby",
        seq: 7,
        sender: ALICE,
        message,
        timestamp: AT,
    })
}

fn presence() -> Presence<'static> {
    Presence {
        room: "lobby",
        person: ALICE,
        timestamp: AT,
    }
}

fn error() -> ErrorReply<'static> {
    ErrorReply {
        id: None,
        code: "some_code",
        error: "Some words.",
        field: None,
        limit: None,
        scope: None,
        retry_after_ms: None,
    }
}

fn hello() -> Hello<'static> {
    Hello {
        person: ALICE,
        lobby: "lobby",
        rooms: &["lobby", "general"],
        limits: HelloLimits {
            messages: Rate::new(5, Duration::from_secs(5)),
            message_characters_max: 500,
            message_bytes_max: 4096,
            connections_per_user: 3,
            rooms_per_connection_max: 32,
        },
        timestamp: AT,
        expires_in_ms: Some(60_000),
    }
}

#[test]
fn replies_have_the_published_shape() {
    let one = RequestId::Integer(1);
    let text = RequestId::Text("a\"b".into());
    let table = [
        (Notice::Ok(OkReply::default()), r#"{"type":"ok"}"#),
        (
            Notice::Ok(OkReply {
                id: Some(&one),
                room: None,
                seq: Some(7),
                timestamp: Some(AT),
            }),
            r#"{"type":"ok","id":1,"seq":7,"timestamp":1764000000.123}"#,
        ),
        (
            Notice::Ok(OkReply {
                id: Some(&text),
                room: Some("general"),
                ..OkReply::default()
            }),
            r#"{"type":"ok","id":"a\"b","room":"general"}"#,
        ),
        (
            Notice::Members(MembersReply {
                id: Some(&one),
                room: "lobby",
                members: &[
                    ALICE,
                    Person {
                        user: "b",
                        name: "B",
                    },
                ],
                count: 2,
            }),
            r#"{"type":"ok","id":1,"room":"lobby","members":[{"user":"alice","name":"Alice"},{"user":"b","name":"B"}],"count":2,"truncated":false}"#,
        ),
        (
            Notice::Members(MembersReply {
                id: None,
                room: "lobby",
                members: &[],
                count: 1,
            }),
            r#"{"type":"ok","room":"lobby","members":[],"count":1,"truncated":true}"#,
        ),
        (
            Notice::Error(error()),
            r#"{"type":"error","code":"some_code","error":"Some words."}"#,
        ),
        (
            Notice::Error(ErrorReply {
                id: Some(&one),
                field: Some("room"),
                limit: Some("limits.messages_per_user"),
                scope: Some("user"),
                retry_after_ms: Some(999),
                ..error()
            }),
            r#"{"type":"error","id":1,"code":"some_code","error":"Some words.","field":"room","limit":"limits.messages_per_user","scope":"user","retry_after_ms":999}"#,
        ),
    ];
    for (notice, expected) in table {
        assert_eq!(v1(notice), expected);
        assert_eq!(
            notice.kind(),
            serde_json::from_str::<Value>(expected).unwrap()["type"]
        );
    }
}

#[test]
fn notices_have_the_published_shape() {
    let table = [
        (
            said("hi"),
            r#"{"type":"message","room":"lobby","seq":7,"sender":"alice","name":"Alice","message":"hi","timestamp":1764000000.123}"#,
        ),
        (
            Notice::Joined(presence()),
            r#"{"type":"joined","room":"lobby","user":"alice","name":"Alice","timestamp":1764000000.123}"#,
        ),
        (
            Notice::Left(presence()),
            r#"{"type":"left","room":"lobby","user":"alice","name":"Alice","timestamp":1764000000.123}"#,
        ),
        (
            Notice::Typing(Typing {
                room: "lobby",
                person: ALICE,
            }),
            r#"{"type":"typing","room":"lobby","user":"alice","name":"Alice"}"#,
        ),
        (
            Notice::Announcement(Announcement {
                room: None,
                message: "soon",
                timestamp: AT,
            }),
            r#"{"type":"notice","message":"soon","timestamp":1764000000.123}"#,
        ),
        (
            Notice::Announcement(Announcement {
                room: Some("lobby"),
                message: "soon",
                timestamp: AT,
            }),
            r#"{"type":"notice","room":"lobby","message":"soon","timestamp":1764000000.123}"#,
        ),
        (
            Notice::Hello(hello()),
            r#"{"type":"hello","user":"alice","name":"Alice","lobby":"lobby","rooms":["lobby","general"],"limits":{"messages":{"burst":5,"per_ms":5000},"message_characters_max":500,"message_bytes_max":4096,"connections_per_user":3,"rooms_per_connection_max":32},"timestamp":1764000000.123,"expires_in_ms":60000}"#,
        ),
        (
            Notice::Bye(Bye {
                code: 1001,
                reason: "going away",
                reconnect_after_ms: Some(250),
            }),
            r#"{"type":"bye","code":1001,"reason":"going away","reconnect_after_ms":250}"#,
        ),
        (
            Notice::Bye(Bye {
                code: 1008,
                reason: "kicked",
                reconnect_after_ms: None,
            }),
            r#"{"type":"bye","code":1008,"reason":"kicked"}"#,
        ),
    ];
    for (notice, expected) in table {
        assert_eq!(v1(notice), expected);
        assert_eq!(
            notice.kind(),
            serde_json::from_str::<Value>(expected).unwrap()["type"]
        );
    }
}

#[test]
fn the_tutorial_hears_only_what_its_protocol_has() {
    let reply = ErrorReply {
        field: Some("message"),
        limit: Some("limits.messages_per_user"),
        scope: Some("user"),
        retry_after_ms: Some(999),
        ..error()
    };
    let table = [
        (
            said("hi"),
            Some(
                r#"{"sender":"Alice","message":"hi","timestamp":1764000000.123,"room_id":"lobby"}"#,
            ),
        ),
        (
            Notice::Joined(presence()),
            Some(
                r#"{"sender":"System","message":"User Alice has joined the chat.","timestamp":1764000000.123,"room_id":"lobby"}"#,
            ),
        ),
        (
            Notice::Left(presence()),
            Some(
                r#"{"sender":"System","message":"User Alice has left the chat.","timestamp":1764000000.123,"room_id":"lobby"}"#,
            ),
        ),
        (
            Notice::Announcement(Announcement {
                room: None,
                message: "soon",
                timestamp: AT,
            }),
            Some(r#"{"sender":"System","message":"soon","timestamp":1764000000.123}"#),
        ),
        (
            Notice::Error(error()),
            Some(r#"{"error":"Some words.","code":"some_code"}"#),
        ),
        (
            Notice::Error(reply),
            Some(
                r#"{"error":"Some words.","code":"some_code","limit":"limits.messages_per_user","scope":"user","retry_after_ms":999}"#,
            ),
        ),
        (Notice::Ok(OkReply::default()), None),
        (
            Notice::Members(MembersReply {
                id: None,
                room: "lobby",
                members: &[ALICE],
                count: 1,
            }),
            None,
        ),
        (
            Notice::Typing(Typing {
                room: "lobby",
                person: ALICE,
            }),
            None,
        ),
        (Notice::Hello(hello()), None),
        (
            Notice::Bye(Bye {
                code: 1001,
                reason: "going away",
                reconnect_after_ms: None,
            }),
            None,
        ),
    ];
    for (notice, expected) in table {
        assert_eq!(tutorial(notice).as_deref(), expected);
    }
}

#[test]
fn a_timestamp_has_three_decimals_and_is_exact() {
    for (millis, expected) in [
        (0, "0.000"),
        (1, "0.001"),
        (10, "0.010"),
        (999, "0.999"),
        (1000, "1.000"),
        (1_764_000_000_120, "1764000000.120"),
        (u64::MAX, "18446744073709551.615"),
    ] {
        let reply = OkReply {
            timestamp: Some(Wall::from_millis(millis)),
            ..OkReply::default()
        };
        let expected = format!("{{\"type\":\"ok\",\"timestamp\":{expected}}}");
        assert_eq!(v1(Notice::Ok(reply)), expected);
    }
}

#[test]
fn numbers_are_written_to_their_ends() {
    for seq in [0, 9, 10, u64::MAX] {
        let id = RequestId::Integer((seq / 2) as i64);
        let negative = RequestId::Integer(i64::MIN);
        for id in [&id, &negative] {
            let reply = OkReply {
                id: Some(id),
                seq: Some(seq),
                ..OkReply::default()
            };
            let RequestId::Integer(id) = id else {
                unreachable!()
            };
            let value: Value = serde_json::from_str(&v1(Notice::Ok(reply))).unwrap();
            assert_eq!(value, json!({"type": "ok", "id": id, "seq": seq}));
        }
    }
}

#[test]
fn nothing_that_was_said_can_end_its_string() {
    let hostile = "\",\"sender\":\"System\",\"x\":\"\\\u{0}\u{1f}\u{7f}\u{2028}\u{2029}\u{1f600}</script>\r\n\t\u{8}\u{c}";
    let person = Person {
        user: hostile,
        name: hostile,
    };
    let id = RequestId::Text(hostile.into());
    let at = presence();
    for notice in [
        Notice::Message(Message {
            room: hostile,
            seq: 1,
            sender: person,
            message: hostile,
            timestamp: AT,
        }),
        Notice::Joined(Presence {
            room: hostile,
            person,
            ..at
        }),
        Notice::Typing(Typing {
            room: hostile,
            person,
        }),
        Notice::Members(MembersReply {
            id: Some(&id),
            room: hostile,
            members: &[person],
            count: 1,
        }),
        Notice::Announcement(Announcement {
            room: Some(hostile),
            message: hostile,
            timestamp: AT,
        }),
        Notice::Hello(Hello {
            person,
            lobby: hostile,
            rooms: &[hostile],
            ..hello()
        }),
        Notice::Bye(Bye {
            code: 1008,
            reason: hostile,
            reconnect_after_ms: None,
        }),
    ] {
        let value: Value = serde_json::from_str(&v1(notice)).unwrap();
        for name in ["room", "user", "name", "message", "id", "lobby", "reason"] {
            let said = value.get(name).and_then(Value::as_str);
            assert!(said.is_none_or(|said| said == hostile), "{value}");
        }
        assert_eq!(value["type"], notice.kind());
        if let Some(text) = tutorial(notice) {
            let value: Value = serde_json::from_str(&text).unwrap();
            assert!(value["message"].as_str().unwrap().contains(hostile));
        }
    }
}

#[test]
fn a_notice_is_appended_to_what_is_there() {
    let mut out = b"head".to_vec();
    Notice::Ok(OkReply::default()).write_v1(&mut out);
    assert!(said("x").write_tutorial(&mut out));
    assert!(out.starts_with(b"head{\"type\":\"ok\"}{\"sender\""));
}

#[test]
fn a_buffer_that_is_large_enough_is_not_replaced() {
    let notice = said("hello there");
    let mut out = Vec::with_capacity(256);
    let before = out.as_ptr();
    notice.write_v1(&mut out);
    assert_eq!(out.as_ptr(), before);
}

proptest! {
    #[test]
    fn strings_are_written_as_serde_json_writes_them(text in any::<String>(), low in "[\\x00-\\x7f]{0,40}") {
        for text in [&text, &low] {
            let mut out = Vec::new();
            encode::push_string(&mut out, text);
            let back: String = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(&back, text);
            // serde_json has short forms for U+0008 and U+000C too; every other byte is the same.
            let theirs = serde_json::to_string(text).unwrap();
            let theirs = if text.contains('\\') {
                None
            } else {
                Some(theirs.replace("\\b", "\\u0008").replace("\\f", "\\u000c"))
            };
            if let Some(theirs) = theirs {
                prop_assert_eq!(String::from_utf8(out).unwrap(), theirs);
            }
        }
    }

    #[test]
    fn a_message_that_is_taken_is_told_unchanged(said_text in "(\\PC|[\\n\\r\\t\u{202e}\u{2028}]){0,60}", id in any::<i64>()) {
        let bounds = Bounds::default();
        let asked = json!({"type": "send", "id": id, "room": "lobby", "message": said_text}).to_string();
        if let Ok(request) = v1_command::parse(&asked, &bounds) {
            let v1_command::Command::Send { message, .. } = &request.command else {
                return Err(TestCaseError::fail("another command"));
            };
            let told: Value = serde_json::from_str(&v1(said(message))).unwrap();
            prop_assert_eq!(&told["message"], &Value::from(&*said_text));
            let reply = OkReply { id: request.id.as_ref(), ..OkReply::default() };
            let reply: Value = serde_json::from_str(&v1(Notice::Ok(reply))).unwrap();
            prop_assert_eq!(&reply["id"], &Value::from(id));
        } else {
            prop_assert!(said_text.trim().is_empty());
        }
        let asked = json!({"message": said_text}).to_string();
        if let Ok(asked) = tutorial_command::parse(&asked, &bounds) {
            let told = tutorial(said(&asked.message)).unwrap();
            let told: Value = serde_json::from_str(&told).unwrap();
            prop_assert_eq!(&told["message"], &Value::from(&*said_text));
        }
    }
}
