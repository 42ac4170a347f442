//! `wardroom.v1`: every command, every notice, every error.

use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use crate::{lines, roomy, roomy_with, world};

/// Sends a request and takes everything the sender is told.
fn request(world: &mut World, id: ConnectionId, request: &Value) -> Vec<Value> {
    world.client(id).take_frames();
    world.say(id, &request.to_string());
    world.client(id).take_notices()
}

fn told(world: &mut World, id: ConnectionId) -> Vec<Value> {
    world.client(id).take_notices()
}

const NOW: f64 = 1_764_000_000.0;

#[test]
fn hello_says_who_where_what_is_allowed_and_the_time() {
    let mut world = world();
    let id = world.join_v1("alice", "10.0.0.1");
    let joined = json!({"type": "joined", "room": "lobby", "user": "alice", "name": "alice", "timestamp": NOW});
    let hello = json!({
        "type": "hello",
        "user": "alice",
        "name": "alice",
        "lobby": "lobby",
        "rooms": ["lobby", "general", "random"],
        "limits": {
            "messages": {"burst": 5, "per_ms": 5000},
            "message_characters_max": 500,
            "message_bytes_max": 8192,
            "connections_per_user": 3,
            "rooms_per_connection_max": 32,
        },
        "timestamp": NOW,
    });
    assert_eq!(told(&mut world, id), [hello, joined]);
}

#[test]
fn hello_says_when_the_sign_in_expires() {
    let mut world = world();
    let request = crate::chat_request("?token=alice@60", "");
    let id = crate::ask(&mut world, "10.0.0.1", &request);
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(
        response.field("Sec-WebSocket-Protocol"),
        Some("wardroom.v1")
    );
    assert_eq!(told(&mut world, id)[0]["expires_in_ms"], 60_000);
}

#[test]
fn a_message_reaches_every_member_in_the_order_of_its_numbers_and_the_sender_gets_its_ok() {
    let mut world = World::new(roomy());
    let alice = world.join_v1("alice", "10.0.0.1");
    let bob = world.join_v1("bob", "10.0.0.2");
    let carol = world.join("carol", "10.0.0.3");
    for id in [bob, carol] {
        world.client(id).take_frames();
    }
    for seq in 1..4 {
        let send = json!({"type": "send", "id": seq, "room": "lobby", "message": "hi"});
        let message = json!({"type": "message", "room": "lobby", "seq": seq, "sender": "alice",
            "name": "alice", "message": "hi", "timestamp": NOW});
        let ok = json!({"type": "ok", "id": seq, "seq": seq, "timestamp": NOW});
        assert_eq!(request(&mut world, alice, &send), [ok, message.clone()]);
        assert_eq!(told(&mut world, bob), [message]);
        assert_eq!(lines(&told(&mut world, carol)), ["alice: hi"]);
    }
}

#[test]
fn rooms_are_joined_left_and_told_of() {
    let mut world = World::new(roomy());
    let alice = world.join_v1("alice", "10.0.0.1");
    let bob = world.join_v1("bob", "10.0.0.2");
    let ok = |id: u64| json!({"type": "ok", "id": id, "room": "general"});
    let presence = |kind: &str, user: &str| json!({"type": kind, "room": "general", "user": user, "name": user, "timestamp": NOW});
    let join = |id: u64| json!({"type": "join", "id": id, "room": "general"});
    let leave = |id: u64| json!({"type": "leave", "id": id, "room": "general"});
    assert_eq!(
        request(&mut world, alice, &join(1)),
        [ok(1), presence("joined", "alice")]
    );
    assert_eq!(
        request(&mut world, alice, &join(2)),
        [ok(2)],
        "already there"
    );
    told(&mut world, bob);
    request(&mut world, bob, &join(3));
    assert_eq!(told(&mut world, alice), [presence("joined", "bob")]);
    assert_eq!(request(&mut world, bob, &leave(4)), [ok(4)]);
    assert_eq!(told(&mut world, alice), [presence("left", "bob")]);
    let again = request(&mut world, bob, &leave(5));
    assert_eq!(again[0]["code"], "not_in_room");
    let send = json!({"type": "send", "room": "general", "message": "alone"});
    request(&mut world, alice, &send);
    assert_eq!(told(&mut world, bob), [] as [Value; 0]);
}

#[test]
fn members_are_listed_once_each_up_to_a_bound() {
    let mut world = roomy_with(|config| config.limits.members_listed_max = 2);
    let alice = world.join_v1("alice", "10.0.0.1");
    world.join_v1("alice", "10.0.0.2");
    let members = json!({"type": "members", "id": "m", "room": "lobby"});
    let seated = |user: &str, connections: u32| json!({"user": user, "name": user, "affiliation": "none", "connections": connections});
    let person = |user: &str| seated(user, if user == "alice" { 2 } else { 1 });
    let reply = |listed: &[Value], count: usize| {
        json!({"type": "ok", "id": "m", "room": "lobby", "members": listed, "count": count,
            "truncated": listed.len() < count})
    };
    assert_eq!(
        request(&mut world, alice, &members),
        [reply(&[person("alice")], 1)]
    );
    let bob = world.join("bob", "10.0.0.3");
    let two = [person("alice"), person("bob")];
    assert_eq!(request(&mut world, alice, &members), [reply(&two, 2)]);
    world.join("carol", "10.0.0.4");
    assert_eq!(request(&mut world, alice, &members), [reply(&two, 3)]);
    world.hang_up(bob);
    let rest = [person("alice"), person("carol")];
    assert_eq!(request(&mut world, alice, &members), [reply(&rest, 2)]);
}

#[test]
fn typing_goes_to_others_only_and_is_answered() {
    let mut world = World::new(roomy());
    let alice = world.join_v1("alice", "10.0.0.1");
    let tab = world.join_v1("alice", "10.0.0.2");
    let bob = world.join_v1("bob", "10.0.0.3");
    let carol = world.join("carol", "10.0.0.4");
    for id in [tab, bob, carol] {
        world.client(id).take_frames();
    }
    let typing = json!({"type": "typing", "room": "lobby"});
    assert_eq!(request(&mut world, alice, &typing), [json!({"type": "ok"})]);
    let notice = json!({"type": "typing", "room": "lobby", "user": "alice", "name": "alice"});
    assert_eq!(told(&mut world, bob), [notice]);
    assert_eq!(
        told(&mut world, tab),
        [] as [Value; 0],
        "the typist's other tab"
    );
    assert_eq!(
        told(&mut world, carol),
        [] as [Value; 0],
        "the tutorial knows no typing"
    );
    let typing = json!({"type": "typing", "id": 1, "room": "lobby"});
    let ok = json!({"type": "ok", "id": 1});
    assert_eq!(request(&mut world, alice, &typing), [ok]);
}

#[test]
fn ping_is_answered_with_the_time() {
    let mut world = World::new(roomy());
    let id = world.join_v1("alice", "10.0.0.1");
    world.client(id).take_frames();
    world.advance(crate::millis(1250));
    let pong = json!({"type": "ok", "id": -7, "timestamp": NOW + 1.25});
    let ping = json!({"type": "ping", "id": -7});
    assert_eq!(request(&mut world, id, &ping), [pong]);
    let pong = json!({"type": "ok", "timestamp": NOW + 1.25});
    assert_eq!(request(&mut world, id, &json!({"type": "ping"})), [pong]);
}

#[test]
fn a_second_tab_is_not_told_of_as_a_person() {
    let mut world = World::new(roomy());
    let bob = world.join_v1("bob", "10.0.0.1");
    let alice = world.join_v1("alice", "10.0.0.2");
    told(&mut world, bob);
    let tab = world.join_v1("alice", "10.0.0.3");
    let hello = told(&mut world, tab);
    assert_eq!(hello.len(), 1, "{hello:?}");
    world.hang_up(tab);
    assert_eq!(told(&mut world, bob), [] as [Value; 0]);
    world.hang_up(alice);
    assert_eq!(told(&mut world, bob)[0]["type"], "left");
}

/// A text, and of its one reply: code, field, id.
fn errors() -> Vec<(String, &'static str, Option<&'static str>, Value)> {
    let long = "x".repeat(501);
    let many: String = (0..200).map(|n| format!(",\"f{n}\":1")).collect();
    let row = |text: &str, code, field: &'static str, id: Value| {
        let field = (!field.is_empty()).then_some(field);
        (text.to_owned(), code, field, id)
    };
    let send = |message: &str| {
        json!({"type": "send", "id": 1, "room": "lobby", "message": message}).to_string()
    };
    let deep = format!("{{\"id\":1,\"x\":{}{}}}", "[".repeat(99), "]".repeat(99));
    vec![
        row("nonsense", "invalid_json", "", Value::Null),
        row(r#"{"type":"ping"} x"#, "invalid_json", "", Value::Null),
        row(&deep, "too_deep", "", Value::Null),
        row("[1]", "not_an_object", "", Value::Null),
        row(
            &format!("{{\"id\":1{many}}}"),
            "too_many_fields",
            "",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"ping","type":"ping"}"#,
            "duplicate_field",
            "type",
            json!(1),
        ),
        row(
            r#"{"type":"ping","id":1,"id":2}"#,
            "duplicate_field",
            "id",
            Value::Null,
        ),
        row(
            r#"{"type":"ping","id":1.5}"#,
            "invalid_id",
            "id",
            Value::Null,
        ),
        row(
            r#"{"type":"ping","id":null}"#,
            "invalid_id",
            "id",
            Value::Null,
        ),
        row(
            &json!({"type": "ping", "id": "i".repeat(65)}).to_string(),
            "invalid_id",
            "id",
            Value::Null,
        ),
        row(r#"{"id":1}"#, "missing_type", "type", json!(1)),
        row(
            r#"{"id":1,"type":"pang"}"#,
            "unknown_type",
            "type",
            json!(1),
        ),
        row(r#"{"id":1,"type":7}"#, "wrong_type", "type", json!(1)),
        row(
            r#"{"id":"a","type":"join"}"#,
            "missing_field",
            "room",
            json!("a"),
        ),
        row(
            r#"{"id":1,"type":"send","room":"lobby"}"#,
            "missing_field",
            "message",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"ping","room":"lobby"}"#,
            "unknown_field",
            "room",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"ping","colour":"red"}"#,
            "unknown_field",
            "",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"join","room":5}"#,
            "wrong_type",
            "room",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"join","room":"-x"}"#,
            "invalid_room",
            "room",
            json!(1),
        ),
        row(
            &json!({"id": 1, "type": "join", "room": "r".repeat(65)}).to_string(),
            "invalid_room",
            "room",
            json!(1),
        ),
        row(&send(" "), "message_empty", "message", json!(1)),
        row(&send(&long), "message_too_long", "message", json!(1)),
        row(&send("\u{7}"), "invalid_characters", "message", json!(1)),
        row(
            r#"{"id":1,"type":"join","room":"nowhere"}"#,
            "unknown_room",
            "",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"leave","room":"nowhere"}"#,
            "unknown_room",
            "",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"leave","room":"general"}"#,
            "not_in_room",
            "",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"members","room":"general"}"#,
            "not_in_room",
            "",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"typing","room":"general"}"#,
            "not_in_room",
            "",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"send","room":"general","message":"x"}"#,
            "not_in_room",
            "",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"join","room":"random"}"#,
            "too_many_rooms",
            "",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"history","room":"lobby","limit":0}"#,
            "invalid_value",
            "limit",
            json!(1),
        ),
        row(
            &format!(
                r#"{{"id":1,"type":"kick","room":"lobby","user":"bob","reason":"{}"}}"#,
                "x".repeat(999)
            ),
            "too_long",
            "reason",
            json!(1),
        ),
        row(
            r#"{"id":1,"type":"history","room":"lobby","after":1,"before":2}"#,
            "conflicting_fields",
            "before",
            json!(1),
        ),
    ]
}

#[test]
fn every_error_is_one_reply_with_its_code_its_field_and_the_requests_id() {
    let mut world = roomy_with(|config| config.limits.rooms_per_connection_max = 1);
    let id = world.join_v1("alice", "10.0.0.1");
    let witness = world.join_v1("bob", "10.0.0.2");
    world.client(witness).take_frames();
    for (text, code, field, request) in errors() {
        world.client(id).take_frames();
        world.say(id, &text);
        let replies = told(&mut world, id);
        let [reply] = replies.as_slice() else {
            panic!("{text}: {replies:?}");
        };
        assert_eq!(reply["type"], "error", "{text}");
        assert_eq!(reply["code"], code, "{text}");
        assert_eq!(reply["field"].as_str(), field, "{text}");
        assert_eq!(reply["id"], request, "{text}");
        assert!(
            reply["error"].as_str().is_some_and(|e| e.ends_with('.')),
            "{text}"
        );
    }
    assert_eq!(
        world.client(witness).take_frames(),
        [],
        "errors are nobody else's business"
    );
}

#[test]
fn every_code_of_the_parser_is_in_the_table() {
    let seen: Vec<_> = errors().into_iter().map(|(_, code, ..)| code).collect();
    for code in wardroom::protocol::command::CommandError::CODES {
        assert!(seen.contains(&code), "{code}");
    }
}

#[test]
fn bye_is_the_last_notice_before_our_close_frame_and_says_the_same() {
    let mut world = world();
    let request = crate::chat_request("?token=alice@20", "");
    let id = crate::ask(&mut world, "10.0.0.1", &request);
    world.client(id).take_response().expect("an upgrade");
    world.client(id).take_frames();
    world.advance(crate::seconds(21));
    let frames = world.client(id).take_frames();
    let [bye, close] = frames.as_slice() else {
        panic!("{frames:?}");
    };
    let told: Value = serde_json::from_slice(&bye.payload).expect("JSON");
    assert_eq!(
        told,
        json!({"type": "bye", "code": 1008, "reason": "token expired"})
    );
    assert_eq!(close.opcode, 8);
    assert_eq!(
        close.payload,
        [&1008u16.to_be_bytes()[..], b"token expired"].concat()
    );
}

#[test]
fn the_operators_welcome_reaches_everybody_who_connects_in_both_protocols() {
    let mut world = roomy_with(|config| config.rooms.welcome = Some("Mind the step.".to_owned()));
    let alice = world.join_v1("alice", "10.0.0.1");
    let notice = json!({"type": "notice", "message": "Mind the step.", "timestamp": NOW});
    assert!(told(&mut world, alice).contains(&notice));
    let bob = world.join("bob", "10.0.0.2");
    let heard = lines(&told(&mut world, bob));
    assert!(
        heard.contains(&"System: Mind the step.".to_owned()),
        "{heard:?}"
    );
}
