//! The tutorial's chat and the full protocol, as their clients see them.

use std::time::Duration;

use wardroom::simulation::{Ending, masked, text};

use crate::{lines, roomy_with, world};

#[test]
fn two_people_talk_in_the_tutorials_protocol() {
    let mut world = world();
    let alice = world.join("alice", "10.0.0.1");
    let bob = world.join("bob", "10.0.0.2");
    world.say(alice, r#"{"message": "hi"}"#);
    let seen = lines(&world.client(alice).take_notices());
    assert_eq!(
        seen,
        [
            "System: User alice has joined the chat.",
            "System: User bob has joined the chat.",
            "alice: hi",
        ]
    );
    let seen = lines(&world.client(bob).take_notices());
    assert_eq!(seen, ["System: User bob has joined the chat.", "alice: hi"]);
    world.hang_up(alice);
    let seen = lines(&world.client(bob).take_notices());
    assert_eq!(seen, ["System: User alice has left the chat."]);
    assert_eq!(world.client(alice).ending(), Ending::Closed);
}

#[test]
fn the_sixth_message_in_the_window_is_told_so_and_a_second_later_it_goes_through() {
    let mut world = world();
    let alice = world.join("alice", "10.0.0.1");
    for n in 0..6 {
        world.say(alice, &format!(r#"{{"message": "{n}"}}"#));
    }
    let notices = world.client(alice).take_notices();
    let refused = notices.last().expect("an answer");
    assert_eq!(
        refused["error"],
        "Rate limit exceeded. Please wait before sending more messages."
    );
    assert_eq!(refused["limit"], "messages_per_user");
    assert_eq!(refused["scope"], "user");
    assert_eq!(refused["retry_after_ms"], 1000);
    assert_eq!(notices.len(), 7);
    world.advance(Duration::from_secs(1));
    world.say(alice, r#"{"message": "again"}"#);
    assert_eq!(lines(&world.client(alice).take_notices()), ["alice: again"]);
}

#[test]
fn a_request_of_the_full_protocol_gets_one_reply_with_its_id() {
    let mut world = world();
    let alice = world.join_v1("alice", "10.0.0.1");
    let hello = &world.client(alice).take_notices()[0];
    assert_eq!(hello["type"], "hello");
    assert_eq!(hello["user"], "alice");
    assert_eq!(hello["lobby"], "lobby");
    world.say(
        alice,
        r#"{"type":"send","id":1,"room":"lobby","message":"hi"}"#,
    );
    let notices = world.client(alice).take_notices();
    let reply = notices.iter().find(|n| n["type"] == "ok").expect("a reply");
    assert_eq!(reply["id"], 1);
    assert_eq!(reply["seq"], 1);
    let message = notices
        .iter()
        .find(|n| n["type"] == "message")
        .expect("the message");
    assert_eq!(message["sender"], "alice");
    assert_eq!(message["seq"], 1);
}

#[test]
fn nobody_hears_what_was_said_before_they_came_though_it_was_in_the_same_turn() {
    let mut world = world();
    let alice = world.join_v1("alice", "10.0.0.1");
    let bob = world.join_v1("bob", "10.0.0.2");
    world.say(alice, r#"{"type":"join","room":"general"}"#);
    world.client(alice).take_notices();
    world.client(bob).take_notices();
    let said = [
        text(r#"{"type":"send","room":"general","message":"one"}"#),
        text(r#"{"type":"send","room":"general","message":"two"}"#),
    ]
    .concat();
    world.queue(alice, &said);
    world.queue(bob, &text(r#"{"type":"join","room":"general"}"#));
    world.queue(
        alice,
        &text(r#"{"type":"send","room":"general","message":"three"}"#),
    );
    world.settle();
    let kinds = |notices: Vec<serde_json::Value>| -> Vec<String> {
        let word = |notice: &serde_json::Value| match notice["type"].as_str() {
            Some("message") => notice["message"].as_str().unwrap_or("?").to_owned(),
            Some(kind) => kind.to_owned(),
            None => "?".to_owned(),
        };
        notices
            .iter()
            .map(word)
            .filter(|word| word != "ok")
            .collect()
    };
    assert_eq!(
        kinds(world.client(alice).take_notices()),
        ["one", "two", "three", "joined"]
    );
    assert_eq!(kinds(world.client(bob).take_notices()), ["joined"]);
}

#[test]
fn an_echo_exists_only_where_it_is_enabled_and_gives_back_text_and_binary_untouched() {
    let mut world = roomy_with(|config| config.echo.enabled = true);
    let id = world.open("/ws/echo", "alice", "10.0.0.1", "");
    let witness = world.join("bob", "10.0.0.2");
    world.client(witness).take_frames();
    for (first, payload) in [(0x81, &b"not JSON"[..]), (0x82, &[0, 255]), (0x81, b"")] {
        world.send(id, &masked(first, payload));
        let frame = world.client(id).take_frame().expect("an echo");
        assert_eq!((frame.opcode, &frame.payload[..]), (first & 0x0F, payload));
    }
    assert_eq!(world.client(witness).take_frames(), []);
    world.send(id, &masked(0x82, &vec![7; 65_536]));
    let frame = world.client(id).take_frame().expect("an echo");
    assert_eq!(frame.payload.len(), 65_536);
    world.send(id, &masked(0x82, &vec![7; 65_537]));
    let too_big = Some((1009, "message too big".to_owned()));
    assert_eq!(world.client(id).take_close(), too_big);
    assert_eq!(world.client(witness).take_frames(), []);
}
