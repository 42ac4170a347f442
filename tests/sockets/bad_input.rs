//! Bad input on the chat endpoint: each with its answer, on a connection that goes on where it may.

use wardroom::simulation::{masked, text};

use crate::peer::Peer;
use crate::server::Server;

/// No more than the tutorial's own limits on connections; rates are not the question here.
const CONFIG: &str = r#"
[limits]
connections_per_user = 3
connections_per_address = 5
offences_per_address = { burst = 100000, per = "1s" }
handshakes_per_address = { burst = 1000000, per = "1s" }
bytes_per_connection = { burst = 1000000000, per = "1s" }
bytes_per_address = { burst = 1000000000, per = "1s" }
commands_per_user = { burst = 1000000, per = "1s" }
messages_per_user = { burst = 1000000, per = "1s" }
messages_per_connection = { burst = 1000000, per = "1s" }
messages_per_address = { burst = 1000000, per = "1s" }
"#;

const V1: &str = "Sec-WebSocket-Protocol: wardroom.v1\r\n";

/// What the server does about it.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// One error with this code; the connection goes on.
    Error(&'static str),
    /// Close with this code, and the end.
    Close(u16),
}
use Answer::{Close, Error};

/// A name, the bytes, the answer in the tutorial's protocol, the answer in `wardroom.v1`.
type Case = (&'static str, Vec<u8>, Answer, Answer);

fn cases() -> Vec<Case> {
    let nested = |levels: usize| {
        let (open, shut) = ("[".repeat(levels), "]".repeat(levels));
        format!(r#"{{"type":"send","room":"lobby","message":"hi","x":{open}{shut}}}"#)
    };
    let said = |message: &str| {
        text(&format!(
            r#"{{"type":"send","room":"lobby","message":"{message}"}}"#
        ))
    };
    let same = |name, sent, code| (name, sent, Error(code), Error(code));
    vec![
        same("nothing", text(""), "invalid_json"),
        same("no JSON", text("hello there"), "invalid_json"),
        same("half an object", text(r#"{"message":"hi""#), "invalid_json"),
        same("two objects", text(r#"{"message":"hi"}{}"#), "invalid_json"),
        same(
            "a number no double holds",
            text(r#"{"a":1e999}"#),
            "invalid_json",
        ),
        same("an array", text(r#"[{"message":"hi"}]"#), "not_an_object"),
        same("a string", text(r#""hi""#), "not_an_object"),
        (
            "an empty object",
            text("{}"),
            Error("message_empty"),
            Error("missing_type"),
        ),
        (
            "a message that is a number",
            text(r#"{"type":"send","room":"lobby","message":5}"#),
            Error("wrong_type"),
            Error("wrong_type"),
        ),
        same("17 levels", text(&nested(17)), "too_deep"),
        same("3000 levels", text(&nested(3000)), "too_deep"),
        same(
            "3000 levels, never shut",
            text(&"[".repeat(3000)),
            "too_deep",
        ),
        same(
            "the message twice",
            text(r#"{"message":"hi","message":"ho"}"#),
            "duplicate_field",
        ),
        same(
            "the message twice, once escaped",
            text(r#"{"message":"hi","m\u0065ssage":"ho"}"#),
            "duplicate_field",
        ),
        same(
            "a field twice, deep inside",
            text(r#"{"message":"hi","x":[{"a":1,"a":2}]}"#),
            "duplicate_field",
        ),
        same("a lone high surrogate", said(r"\ud800"), "invalid_json"),
        same("a lone low surrogate", said(r"\udc00"), "invalid_json"),
        same("two high surrogates", said(r"\ud83d\ud83d"), "invalid_json"),
        same("an escaped NUL", said(r"a\u0000b"), "invalid_characters"),
        same("a NUL in a string", said("a\0b"), "invalid_json"),
        same("a NUL behind the object", text("{}\0"), "invalid_json"),
        same(
            "an escape sequence for terminals",
            said(r"\u001b[2J"),
            "invalid_characters",
        ),
        same(
            "nothing but white space",
            said(r" \n\u2003"),
            "message_empty",
        ),
        same("501 characters", said(&"é".repeat(501)), "message_too_long"),
        (
            "a megabyte of text",
            text(&"x".repeat(1 << 20)),
            Close(1009),
            Close(1009),
        ),
        (
            "a megabyte of spaces before an object",
            text(&format!("{}{{}}", " ".repeat(1 << 20))),
            Close(1009),
            Close(1009),
        ),
        (
            "a binary message",
            masked(0x82, br#"{"message":"hi"}"#),
            Close(1003),
            Close(1003),
        ),
        (
            "text that is not UTF-8",
            masked(0x81, b"{\"message\":\"\xFF\"}"),
            Close(1007),
            Close(1007),
        ),
    ]
}

#[test]
fn bad_input_is_answered_and_leaves_the_server_as_it_was() {
    let server = Server::serve(CONFIG);
    let before = server.figures();
    let token = server.token("mallory");
    for (name, bytes, tutorial, v1) in cases() {
        for (fields, answer) in [("", tutorial), (V1, v1)] {
            let peer = Peer::open_with(&server, "/ws/chat", &token, fields);
            check(peer, &bytes, answer, &format!("{name}, {fields:?}"));
        }
    }
    server.expect_unchanged(before, "mallory");
}

fn check(mut peer: Peer, bytes: &[u8], answer: Answer, name: &str) {
    peer.send(bytes);
    match answer {
        Error(code) => {
            assert_eq!(next_error(&mut peer), code, "{name}");
            peer.say("still here");
            assert_eq!(next_error(&mut peer), "invalid_json", "{name}: it goes on");
            peer.send(&masked(0x88, &[0x03, 0xE8]));
            assert_eq!(peer.close_code(), Some(1000), "{name}");
        }
        Close(code) => assert_eq!(peer.close_code(), Some(code), "{name}"),
    }
    peer.expect_end();
}

/// The code of the next error; hello and notices of people coming and going have none.
fn next_error(peer: &mut Peer) -> String {
    loop {
        if let Some(code) = peer.notice()["code"].as_str() {
            return code.to_owned();
        }
    }
}
