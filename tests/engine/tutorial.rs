//! The tutorial's protocol: exact texts, exact bounds, who hears what.

use serde_json::{Value, json};

use crate::rooms::{act, made, send};
use crate::{lines, message, roomy, roomy_with, seconds, world};
use wardroom::simulation::World;

#[test]
fn a_message_has_exactly_the_tutorials_fields_and_the_room() {
    let mut world = world();
    let id = world.join("alice", "10.0.0.1");
    world.client(id).take_frames();
    world.advance(crate::millis(5));
    world.say(id, &message("hi \u{1F44B} \"there\""));
    let frame = world.client(id).take_frame().expect("a message");
    assert_eq!(
        String::from_utf8_lossy(&frame.payload),
        "{\"sender\":\"alice\",\"message\":\"hi \u{1F44B} \\\"there\\\"\",\
         \"timestamp\":1764000000.005,\"room_id\":\"lobby\"}"
    );
}

/// A text and what its sender is told: `sender: message`, or `! error` and its code.
fn answers() -> Vec<(String, String, Option<&'static str>)> {
    const JSON: &str = "! Invalid JSON format";
    const EMPTY: &str = "! Message cannot be empty";
    const LONG: &str = "! Message too long (max 500 characters)";
    const ROOM: &str = "! Room ID must be alphanumeric";
    let four_bytes = "\u{1F600}";
    let said = |text: &str| (message(text), format!("alice: {text}"), None);
    let mut rows = vec![
        said("x"),
        said(&"x".repeat(500)),
        said(&four_bytes.repeat(500)),
        said(&"\u{0301}".repeat(500)),
        said("line one\nline two\tand a tab"),
        said("  inside  "),
    ];
    let refused = [
        (message(&"x".repeat(501)), LONG, "message_too_long"),
        (message(&four_bytes.repeat(501)), LONG, "message_too_long"),
        (message(""), EMPTY, "message_empty"),
        (message("   "), EMPTY, "message_empty"),
        (message("\u{3000}\n"), EMPTY, "message_empty"),
        ("{}".into(), EMPTY, "message_empty"),
        (r#"{"text":"hi"}"#.into(), EMPTY, "message_empty"),
        ("nonsense".into(), JSON, "invalid_json"),
        (String::new(), JSON, "invalid_json"),
        ("{\"message\": \"hi\"".into(), JSON, "invalid_json"),
        (r#"{"message":"hi"} {}"#.into(), JSON, "invalid_json"),
        (r#"{"message":"\ud800"}"#.into(), JSON, "invalid_json"),
        (
            r#"{"x":"\ud800","message":"hi"}"#.into(),
            JSON,
            "invalid_json",
        ),
        ("[]".into(), JSON, "not_an_object"),
        ("\"hi\"".into(), JSON, "not_an_object"),
        (
            r#"{"message":"a","message":"b"}"#.into(),
            JSON,
            "duplicate_field",
        ),
        (
            format!("{{\"x\":{}{}}}", "[".repeat(400), "]".repeat(400)),
            JSON,
            "too_deep",
        ),
        (
            r#"{"message":1}"#.into(),
            "! Message must be a string",
            "wrong_type",
        ),
        (
            message("a\u{0}b"),
            "! Message contains control characters",
            "invalid_characters",
        ),
        (
            r#"{"message":"hi","room_id":"a b"}"#.into(),
            ROOM,
            "invalid_room",
        ),
        (
            r#"{"message":"hi","room_id":""}"#.into(),
            ROOM,
            "invalid_room",
        ),
        (
            r#"{"message":"hi","room_id":"../x"}"#.into(),
            ROOM,
            "invalid_room",
        ),
        (
            json!({"message": "hi", "room_id": "r".repeat(65)}).to_string(),
            ROOM,
            "invalid_room",
        ),
        (r#"{"message":"hi","room_id":7}"#.into(), ROOM, "wrong_type"),
        (
            r#"{"message":"hi","room_id":"nowhere"}"#.into(),
            "! There is no such room.",
            "unknown_room",
        ),
    ];
    rows.extend(refused.map(|(text, told, code)| (text, told.to_owned(), Some(code))));
    rows.push((
        r#"{"message":"hi","room_id":null,"unknown":[1,{}]}"#.into(),
        "alice: hi".into(),
        None,
    ));
    rows
}

#[test]
fn every_text_gets_its_exact_answer_and_errors_are_told_to_their_sender_alone() {
    let mut world = World::new(roomy());
    let alice = world.join("alice", "10.0.0.1");
    let bob = world.join("bob", "10.0.0.2");
    for (text, told, code) in answers() {
        for id in [alice, bob] {
            world.client(id).take_frames();
        }
        world.say(alice, &text);
        let notices = world.client(alice).take_notices();
        assert_eq!(lines(&notices), [told.as_str()], "{text}");
        assert_eq!(notices[0]["code"].as_str(), code, "{text}");
        let heard = lines(&world.client(bob).take_notices());
        let expected: Vec<String> = code.is_none().then_some(told).into_iter().collect();
        assert_eq!(heard, expected, "{text}");
    }
}

#[test]
fn characters_and_bytes_have_their_bounds_at_the_exact_edge() {
    // JSON may escape what it need not: bytes on the wire are bounded apart from characters.
    let shell = message("").len();
    for (bytes, is_taken) in [(8192, true), (8193, false)] {
        let mut world = World::new(roomy());
        let id = world.join("alice", "10.0.0.1");
        world.client(id).take_frames();
        let text = format!("{}{}", message("x"), " ".repeat(bytes - shell - 1));
        assert_eq!(text.len(), bytes);
        world.say(id, &text);
        if is_taken {
            assert_eq!(lines(&world.client(id).take_notices()), ["alice: x"]);
        } else {
            let close = crate::closed(&mut world, id);
            assert_eq!(close, Some((1009, "message too big".to_owned())));
        }
    }
}

#[test]
fn a_room_is_joined_by_speaking_in_it_and_heard_by_its_members_only() {
    let mut world = World::new(roomy());
    let alice = world.join("alice", "10.0.0.1");
    let bob = world.join("bob", "10.0.0.2");
    let told = |world: &mut World, id| -> Vec<(String, Value)> {
        let notices = world.client(id).take_notices();
        let rooms = notices.iter().map(|n| n["room_id"].clone());
        lines(&notices).into_iter().zip(rooms).collect()
    };
    told(&mut world, alice);
    told(&mut world, bob);
    let in_general = |text: &str| json!({"message": text, "room_id": "general"}).to_string();
    world.say(alice, &in_general("one"));
    let joined = |name: &str| {
        let text = format!("System: User {name} has joined the chat.");
        (text, Value::from("general"))
    };
    let general = |text: &str| (text.to_owned(), Value::from("general"));
    assert_eq!(
        told(&mut world, alice),
        [joined("alice"), general("alice: one")]
    );
    assert_eq!(told(&mut world, bob), []);
    world.say(bob, &in_general("two"));
    let seen = [joined("bob"), general("bob: two")];
    assert_eq!(told(&mut world, alice), seen);
    assert_eq!(told(&mut world, bob), seen);
    world.say(bob, &in_general("three"));
    assert_eq!(told(&mut world, alice), [general("bob: three")]);
}

#[test]
fn joining_and_leaving_are_told_once_for_a_person_and_not_for_a_tab() {
    let mut world = World::new(roomy());
    let witness = world.join("witness", "10.0.0.9");
    world.client(witness).take_frames();
    let heard = |world: &mut World| lines(&world.client(witness).take_notices());
    let first = world.join("alice", "10.0.0.1");
    assert_eq!(
        heard(&mut world),
        ["System: User alice has joined the chat."]
    );
    let second = world.join("alice", "10.0.0.2");
    assert_eq!(heard(&mut world), [] as [&str; 0]);
    world.hang_up(first);
    assert_eq!(heard(&mut world), [] as [&str; 0]);
    world.reset(second);
    assert_eq!(heard(&mut world), ["System: User alice has left the chat."]);
    world.advance(seconds(60));
}

#[test]
fn a_connection_sits_in_so_many_rooms_and_no_more() {
    let mut world = roomy_with(|config| config.limits.rooms_per_connection_max = 2);
    let id = world.join("alice", "10.0.0.1");
    world.client(id).take_frames();
    world.say(id, r#"{"message":"one","room_id":"general"}"#);
    world.client(id).take_frames();
    world.say(id, r#"{"message":"two","room_id":"random"}"#);
    let notices = world.client(id).take_notices();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0]["code"], "too_many_rooms");
    assert_eq!(notices[0]["limit"], "rooms_per_connection_max");
    assert_eq!(notices[0]["scope"], "connection");
    world.say(id, r#"{"message":"three","room_id":"general"}"#);
    assert_eq!(lines(&world.client(id).take_notices()), ["alice: three"]);
}

#[test]
fn whoever_is_put_out_is_told_why_and_hears_nothing_more_until_they_speak_there_again() {
    let mut world = roomy_with(|_| {});
    let owner = made(&mut world, "owner", "den", "public");
    let guest = world.join("guest", "10.0.0.9");
    let say = r#"{"message":"hello","room_id":"den"}"#;
    for (verdict, word) in [("kick", "kicked"), ("ban", "banned")] {
        world.say(guest, say);
        world.client(guest).take_notices();
        act(&mut world, owner, verdict, "den", "guest");
        world.say(owner, &send("den", "among us").to_string());
        let told = world.client(guest).take_notices();
        let why = format!("System: You are not in this room any more: {word}.");
        assert_eq!(lines(&told), [why]);
        assert_eq!(told[0]["room_id"], "den");
    }
}
