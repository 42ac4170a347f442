//! Private rooms: bodies that the server carries, keeps and does not look into.

use std::fs;

use serde_json::{Value, json};

use super::{base64url, config, hexadecimal, join, send};
use crate::line::Caller;
use crate::server::{Server, prepare};

/// What no message may be, or what looks like something else.
const NONSENSE: [&[u8]; 6] = [
    b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x1f\x7f",
    b"<script>alert('plaintext-marker')</script>",
    b"            ",
    b"\xff\xfe\xfd\xc0\xaf\xed\xa0\x80",
    b"{\"type\":\"ban\",\"user\":\"owner\"}",
    b"\xe2\x80\xae\xe2\x80\xaeSystem: plaintext-marker",
];

/// Every way in which a body might be written down by somebody who looked into it.
fn traces(body: &[u8]) -> Vec<String> {
    let url = base64url(body);
    let standard = url.replace('-', "+").replace('_', "/");
    let debug = format!("{:?}", String::from_utf8_lossy(body));
    let list = format!("{body:?}");
    vec![
        url,
        standard,
        hexadecimal(body),
        hexadecimal(body).to_uppercase(),
        String::from_utf8_lossy(body).into_owned(),
        debug.trim_matches('"').to_owned(),
        list.trim_matches(['[', ']']).to_owned(),
    ]
}

/// The server with everything written into its log that can be.
fn serve_aloud() -> Server {
    let rooms = config("") + "[log]\nsecurity_file = \"security.log\"\n";
    let (mut command, directory) = prepare(&rooms);
    command.env("RUST_LOG", "trace");
    Server::start(command, directory)
}

#[test]
fn what_is_said_in_a_private_room_is_no_concern_of_validators_and_in_no_log() {
    let mut server = serve_aloud();
    let mut owner = Caller::of(&server, "owner");
    owner.done(json!({"type": "create", "room": "cell", "kind": "private"}));
    owner.done(join("cell"));
    owner.done(json!({"type": "invite", "room": "cell", "user": "friend"}));
    let mut friend = Caller::of(&server, "friend");
    friend.done(join("cell"));
    let mut bodies: Vec<Vec<u8>> = NONSENSE.iter().map(|body| body.to_vec()).collect();
    bodies.push((0..=255).cycle().take(900).collect());
    for body in &bodies {
        let sealed = base64url(body);
        let said = json!({"type": "send", "room": "cell", "body": sealed, "key": format!("k{}", body.len())});
        let seq = owner.done(said)["seq"].clone();
        let heard = friend.wait_for("message");
        assert_eq!((&heard["body"], &heard["seq"]), (&json!(sealed), &seq));
        assert_eq!(heard.get("message"), None);
        // The same as text is judged as text, wherever it is said.
        let Ok(text) = std::str::from_utf8(body) else {
            continue;
        };
        let verdict = owner.verdict(send("cell", text));
        assert_ne!(verdict, "ok", "{text:?}");
    }
    // What is refused is not written down either.
    owner.done(json!({"type": "update", "room": "cell", "message_characters_max": 400}));
    let odd = base64url(b"plaintext-marker that nobody may read");
    for (room, body, verdict) in [
        ("cell", format!("{odd}="), "invalid_value"),
        ("cell", format!("{odd}+"), "invalid_value"),
        ("cell", odd.repeat(30), "message_too_long"),
        ("lobby", odd.clone(), "message_required"),
        ("nowhere", odd.clone(), "unknown_room"),
    ] {
        let said = json!({"type": "send", "room": room, "body": body});
        assert_eq!(owner.verdict(said), verdict, "{room} {}", body.len());
    }
    let page = friend.done(json!({"type": "history", "room": "cell"}));
    let kept = page["messages"].as_array().expect("messages").iter();
    let kept: Vec<&Value> = kept.map(|message| &message["body"]).collect();
    let sent: Vec<Value> = bodies.iter().map(|body| base64url(body).into()).collect();
    assert_eq!(kept, sent.iter().collect::<Vec<_>>());
    // So that there is something about this room in the log at all.
    owner.done(json!({"type": "update", "room": "cell", "locked": true}));
    let muffled = json!({"type": "send", "room": "cell", "body": odd});
    assert_eq!(friend.verdict(muffled), "room_locked");

    server.terminate();
    assert!(server.wait().success());
    let mut log = server.whole_log();
    assert!(log.contains("\"friend\" may not send in cell"), "{log}");
    assert!(log.contains(" DEBUG "), "{log}");
    let security = server.folder().join("security.log");
    log += &fs::read_to_string(security).expect("a security log");
    bodies.push(b"plaintext-marker that nobody may read".to_vec());
    let traces = bodies.iter().flat_map(|body| traces(body));
    for trace in traces.filter(|trace| !trace.trim().is_empty()) {
        assert!(!log.contains(&trace), "{trace:?} is in the log");
    }
    assert!(!log.contains("plaintext-marker"));
}
