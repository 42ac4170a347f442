//! The tutorial's chat and the full protocol, as their clients see them.

use std::time::Duration;

use wardroom::simulation::{Ending, text};

use crate::{lines, world};

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
