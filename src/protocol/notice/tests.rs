use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::protocol::command::{Bounds, tutorial as tutorial_command, v1 as v1_command};

pub(super) const ALICE: Person<'static> = Person {
    user: "alice",
    name: "Alice",
};

pub(super) const AT: Wall = Wall::from_millis(1_764_000_000_123);

pub(super) fn v1(notice: Notice<'_>) -> String {
    let mut out = Vec::new();
    notice.write_v1(&mut out);
    String::from_utf8(out).unwrap()
}

pub(super) fn tutorial(notice: Notice<'_>) -> Option<String> {
    let mut out = Vec::new();
    let written = notice.write_tutorial(&mut out);
    assert_eq!(written, !out.is_empty());
    written.then(|| String::from_utf8(out).unwrap())
}

pub(super) fn said(message: &str) -> Notice<'_> {
    Notice::Message(Message {
        room: "lobby",
        seq: 7,
        sender: ALICE,
        content: Content::Text(message),
        timestamp: AT,
        edited: None,
    })
}

pub(super) fn presence() -> Presence<'static> {
    Presence {
        room: "lobby",
        person: ALICE,
        timestamp: AT,
    }
}

pub(super) fn error() -> ErrorReply<'static> {
    ErrorReply {
        id: None,
        code: "some_code",
        error: "Some words.",
        field: None,
        limit: None,
        scope: None,
        retry_after_ms: None,
        until: None,
        reason: None,
    }
}

pub(super) fn hello() -> Hello<'static> {
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
            content: Content::Text(hostile),
            timestamp: AT,
            edited: None,
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
            members: &[Member::present(person, Affiliation::None, 1)],
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
    fn a_message_that_is_taken_is_told_unchanged(said_text in "(\\PC|[\\n\\r\\t\u{202e}\u{2028}]){0,60}", id in any::<i64>()) {
        let bounds = Bounds::default();
        let asked = json!({"type": "send", "id": id, "room": "lobby", "message": said_text}).to_string();
        if let Ok(request) = v1_command::parse(&asked, &bounds) {
            let v1_command::Command::Send { said: v1_command::Said::Message(message), .. } = &request.command else {
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

#[test]
fn who_goes_without_what_is_of_use_for_a_moment_is_told_later_what_it_told_of() {
    let crowd = rooms::Crowd {
        room: "lobby",
        count: 9,
        joined: 3,
        left: 2,
        timestamp: AT,
    };
    let typing = Typing {
        room: "lobby",
        person: ALICE,
    };
    for (notice, expected) in [
        (Notice::Typing(typing), Some((0, 0))),
        (Notice::Joined(presence()), Some((1, 0))),
        (Notice::Left(presence()), Some((0, 1))),
        (Notice::Presence(crowd), Some((3, 2))),
        (said("hi"), None),
    ] {
        let passing = notice
            .passing()
            .map(|passing| (passing.joined, passing.left));
        assert_eq!(passing, expected);
    }
}
