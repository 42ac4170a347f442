use crate::protocol::notice::tests::{ALICE, AT, error, hello, presence, said, tutorial};
use crate::protocol::notice::{
    Announcement, Bye, ErrorReply, MembersReply, Notice, OkReply, Removed, Typing,
};
use crate::protocol::vocabulary::Removal;

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
                members: &[],
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
fn whoever_is_put_out_is_told_in_a_sentence() {
    let removed = Removed {
        room: "lobby",
        code: Removal::Banned,
        reason: "noise",
        until: None,
        timestamp: AT,
    };
    let expected = r#"{"sender":"System","message":"You are not in this room any more: banned.","timestamp":1764000000.123,"room_id":"lobby"}"#;
    assert_eq!(
        tutorial(Notice::Removed(removed)).as_deref(),
        Some(expected)
    );
}
