//! Budgets of a turn: whoever has much to say goes on in the next turn, and others get theirs in between.

use wardroom::simulation::{World, text};

use crate::{chat_request, lines, message, outcome, roomy_with, seconds, world_with};

#[test]
fn frames_over_the_budget_are_handled_in_later_turns_in_order_and_others_come_in_between() {
    const BUDGET: usize = 10;
    const MESSAGES: usize = 55;
    let mut world = roomy_with(|config| config.turn.frames_per_connection_max = BUDGET);
    let alice = world.join("alice", "10.0.0.1");
    let bob = world.join("bob", "10.0.0.2");
    let witness = world.join("witness", "10.0.0.3");
    world.client(witness).take_frames();
    let many: Vec<u8> = (0..MESSAGES)
        .flat_map(|n| text(&message(&n.to_string())))
        .collect();
    world.queue(alice, &many);
    world.queue(bob, &text(&message("me too")));
    let mut heard: Vec<String> = Vec::new();
    let mut turns = 0;
    while world.turn() {
        turns += 1;
        let before = heard.len();
        heard.extend(lines(&world.client(witness).take_notices()));
        let handled = heard.len() - before;
        assert!(handled <= BUDGET + 1, "turn {turns}: {handled} messages");
    }
    assert!(turns >= MESSAGES / BUDGET);
    let place = heard.iter().position(|line| line == "bob: me too");
    assert!(place.is_some_and(|place| place <= BUDGET), "{place:?}");
    heard.retain(|line| line.starts_with("alice: "));
    let expected: Vec<String> = (0..MESSAGES).map(|n| format!("alice: {n}")).collect();
    assert_eq!(heard, expected);
}

#[test]
fn signature_checks_over_the_budget_wait_for_later_turns_and_all_get_in() {
    let mut world = roomy_with(|config| config.turn.signature_checks_max = 2);
    let ids: Vec<_> = (0..7)
        .map(|n| world.connect(&format!("10.0.0.{n}")).expect("room"))
        .collect();
    for (n, id) in ids.iter().enumerate() {
        let request = chat_request(&format!("?token=u{n}"), "");
        world.queue(*id, request.as_bytes());
        // Those who wait may have more to say meanwhile.
        world.queue(*id, &text(r#"{"type":"ping","id":1}"#));
    }
    let mut open = Vec::new();
    while world.turn() {
        open.push(world.census().user_connections);
    }
    assert_eq!(open.get(..4), Some([2, 4, 6, 7].as_slice()));
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(outcome(&mut world, id), format!("in as u{n}"));
        let notices = world.client(id).take_notices();
        assert!(notices.iter().any(|notice| notice["id"] == 1));
    }
}

#[test]
fn a_crowd_that_waits_for_signatures_does_not_delay_those_who_talk() {
    let mut world: World = roomy_with(|config| config.turn.signature_checks_max = 1);
    let alice = world.join("alice", "10.0.0.1");
    let bob = world.join("bob", "10.0.0.2");
    for n in 0..50 {
        let id = world.connect(&format!("10.1.0.{n}")).expect("room");
        world.queue(id, chat_request("?token=bad", "").as_bytes());
    }
    world.turn();
    world.client(bob).take_frames();
    world.queue(alice, &text(&message("hi")));
    world.turn();
    assert_eq!(lines(&world.client(bob).take_notices()), ["alice: hi"]);
}

#[test]
fn a_pause_that_begins_with_frames_put_off_to_a_later_turn_ends_in_time() {
    let mut world = world_with(|config| config.turn.frames_per_connection_max = 4);
    let id = world.join("alice", "10.0.0.1");
    let mut bytes = text("nonsense").repeat(11);
    bytes.extend(text(r#"{"type":"?","message":"heard"}"#));
    world.send(id, &bytes);
    let told = lines(&world.client(id).take_notices());
    assert!(!told.contains(&"alice: heard".to_owned()), "paused");
    world.advance(seconds(1));
    let told = lines(&world.client(id).take_notices());
    assert_eq!(told.last().map(String::as_str), Some("alice: heard"));
}

/// A request that says nothing in five thousand bytes.
fn padded_ping(id: usize) -> Vec<u8> {
    let request = format!(r#"{{"type":"ping","id":{id}}}"#);
    text(&format!("{request:<5000}"))
}

#[test]
fn bytes_that_are_read_as_json_have_an_eighth_of_what_is_only_handed_on() {
    const MESSAGES: usize = 12;
    let mut world = roomy_with(|config| config.echo.enabled = true);
    let alice = world.join_v1("alice", "10.0.0.1");
    let bob = world.open("/ws/echo", "bob", "10.0.0.2", "");
    world.client(alice).take_frames();
    let many: Vec<u8> = (0..MESSAGES).flat_map(padded_ping).collect();
    world.queue(alice, &many);
    world.queue(bob, &many);
    let mut answered = Vec::new();
    let mut turns = 0;
    while world.turn() {
        turns += 1;
        let before = answered.len();
        let notices = world.client(alice).take_notices();
        answered.extend(notices.iter().filter_map(|notice| notice["id"].as_u64()));
        // 64 KiB are worth 8 KiB of JSON: the second text begins within them.
        assert!(answered.len() - before <= 2, "turn {turns}");
        if turns == 3 {
            assert_eq!(world.client(bob).take_frames().len(), MESSAGES);
        }
    }
    let expected: Vec<u64> = (0..MESSAGES as u64).collect();
    assert_eq!(answered, expected);
    assert!(turns >= MESSAGES / 2, "{turns} turns");
}
