//! What was said, later: told once each, with no gap and no repeat.

use serde_json::{Value, json};

use super::{act, config, join, send, with};
use crate::line::Caller;
use crate::server::Server;

fn numbers(messages: &[Value]) -> Vec<u64> {
    let numbers = messages.iter().map(|message| message["seq"].as_u64());
    numbers.map(|number| number.expect("a number")).collect()
}

#[test]
fn a_retry_after_a_lost_connection_is_the_same_message() {
    let mut server = Server::serve(&config(""));
    let said = with(send("general", "only once"), json!({"key": "k1"}));
    let mut alice = Caller::of(&server, "alice");
    alice.done(join("general"));
    let first = alice.done(said.clone());
    drop(alice);
    server.kill_and_start_again();
    let mut alice = Caller::of(&server, "alice");
    alice.done(join("general"));
    let again = alice.done(said.clone());
    assert_eq!(again["seq"], first["seq"]);
    assert_eq!(alice.done(with(said, json!({"key": "k2"})))["seq"], 2);
    let page = alice.done(json!({"type": "history", "room": "general"}));
    assert_eq!(
        numbers(page["messages"].as_array().expect("messages")),
        [1, 2]
    );
}

#[test]
fn a_retry_is_the_same_message_whatever_keeps_its_sender_from_saying_more() {
    let mut server = Server::serve(&config(""));
    let mut owner = Caller::of(&server, "owner");
    owner.done(json!({"type": "create", "room": "den"}));
    let mut alice = Caller::of(&server, "alice");
    alice.done(join("den"));
    let said = with(send("den", "only once"), json!({"key": "k1"}));
    let first = alice.done(said.clone());
    owner.done(json!({"type": "update", "room": "den", "slow_mode_ms": 600_000}));
    owner.done(act("mute", "den", "alice"));
    drop(alice);
    server.kill_and_start_again();
    let mut alice = Caller::of(&server, "alice");
    let before = alice.done(said.clone());
    alice.done(join("den"));
    let after = alice.done(said.clone());
    for again in [before, after] {
        assert_eq!(
            [&again["seq"], &again["timestamp"]],
            [&first["seq"], &first["timestamp"]]
        );
    }
    assert_eq!(
        alice.verdict(with(said.clone(), json!({"key": "k2"}))),
        "muted"
    );
    let mut owner = Caller::of(&server, "owner");
    owner.done(act("ban", "den", "alice"));
    assert_eq!(alice.verdict(said), "banned");
}

#[test]
fn who_was_away_is_told_what_they_missed_and_goes_on_with_what_is_new() {
    let server = Server::serve(&config("page_entries_max = 50"));
    let mut alice = Caller::of(&server, "alice");
    alice.done(join("general"));
    for number in 1..=80 {
        alice.done(send("general", &format!("m{number}")));
    }
    // While others talk on, so that there is a seam to fall into.
    for number in 81..=120 {
        alice.request(send("general", &format!("m{number}")));
    }
    let mut bob = Caller::of(&server, "bob");
    let entered = bob.done(with(join("general"), json!({"since": 70})));
    let mut expected = entered["gap"]["to"].as_u64().unwrap_or(70) + 1;
    assert!(expected <= 71, "{entered}");
    while expected <= 120 {
        assert_eq!(bob.wait_for("message")["seq"], expected);
        expected += 1;
    }
    let mut carol = Caller::of(&server, "carol");
    let entered = carol.done(with(join("general"), json!({"since": 10})));
    assert_eq!(entered["gap"], json!({"from": 11, "to": 70}), "{entered}");
    assert_eq!(carol.wait_for("message")["seq"], 71);
}
