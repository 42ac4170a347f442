use serde_json::{Value, json};

use super::*;
use crate::protocol::notice::tests::{ALICE, AT, error, hello, presence, said, v1};
use crate::protocol::vocabulary::Affiliation;
use crate::time::Wall;

mod rooms;

const BOB: Person<'static> = Person {
    user: "b",
    name: "B",
};

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
                expires_in_ms: None,
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
            Notice::Ok(OkReply {
                id: Some(&one),
                expires_in_ms: Some(1500),
                ..OkReply::default()
            }),
            r#"{"type":"ok","id":1,"expires_in_ms":1500}"#,
        ),
        (
            Notice::Members(MembersReply {
                id: Some(&one),
                room: "lobby",
                members: &[
                    Member::present(ALICE, Affiliation::Owner, 2),
                    Member {
                        is_muted: true,
                        is_invited: true,
                        is_knocking: true,
                        ..Member::present(BOB, Affiliation::None, 0)
                    },
                ],
                count: 2,
            }),
            r#"{"type":"ok","id":1,"room":"lobby","members":[{"user":"alice","name":"Alice","affiliation":"owner","connections":2},{"user":"b","name":"B","affiliation":"none","connections":0,"muted":true,"invited":true,"knocking":true}],"count":2,"truncated":false}"#,
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
                until: Some(AT),
                reason: Some("noise"),
                ..error()
            }),
            r#"{"type":"error","id":1,"code":"some_code","error":"Some words.","field":"room","limit":"limits.messages_per_user","scope":"user","retry_after_ms":999,"until":1764000000.123,"reason":"noise"}"#,
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
