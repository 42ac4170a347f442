//! What a room does not keep any more: nobody reads it from that moment on, whether the store has forgotten it or not.

use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::missed::{page, say_many};
use super::{ask, join, made, member, message, reply, send, verdict};
use crate::{millis, roomy_with, seconds, stay};

const HOUR: std::time::Duration = seconds(3600);

fn keeping(messages_max: usize) -> World {
    roomy_with(|config| {
        config.rooms.durable = vec!["general".to_owned()];
        config.rooms.retention_messages_max = messages_max;
    })
}

fn aging() -> World {
    roomy_with(|config| {
        config.rooms.durable = vec!["general".to_owned()];
        config.rooms.retention_max = HOUR;
    })
}

fn join_since(world: &mut World, id: ConnectionId, since: u64) -> (Value, Vec<u64>) {
    let request = json!({"type": "join", "id": 2, "room": "general", "since": since});
    let told = ask(world, id, &request);
    let missed = told.iter().filter_map(message).map(|(seq, _)| seq);
    (told[0].clone(), missed.collect())
}

fn unread(world: &mut World, id: ConnectionId) -> u64 {
    let told = reply(
        world,
        id,
        &json!({"type": "describe", "id": 1, "room": "general"}),
    );
    told["unread"].as_u64().unwrap_or_else(|| panic!("{told}"))
}

fn oldest_stored(world: &mut World) -> u64 {
    let rooms = world.store().load_rooms().expect("rooms");
    let general = rooms.iter().find(|room| &*room.id == "general");
    general.expect("it is stored").first_seq
}

#[test]
fn one_message_too_many_is_read_by_nobody_though_it_is_not_forgotten_yet() {
    let mut world = keeping(10);
    let alice = member(&mut world, "alice", "general");
    say_many(&mut world, alice, 15);
    assert_eq!(oldest_stored(&mut world), 1);
    let (seqs, told) = page(&mut world, alice, json!({}));
    assert_eq!(seqs, (6..=15).collect::<Vec<u64>>());
    assert_eq!(
        (&told["first_seq"], &told["truncated"]),
        (&json!(6), &json!(false))
    );
    let (seqs, _) = page(&mut world, alice, json!({"after": 0, "limit": 2}));
    assert_eq!(seqs, [6, 7]);
    let (seqs, told) = page(&mut world, alice, json!({"before": 6}));
    assert_eq!((seqs, &told["truncated"]), (vec![], &json!(false)));
    let bob = world.join_v1("bob", "10.0.0.2");
    let (entered, missed) = join_since(&mut world, bob, 1);
    assert_eq!(entered["gap"], json!({"from": 2, "to": 5}));
    assert_eq!(missed, (6..=15).collect::<Vec<u64>>());
    assert_eq!(unread(&mut world, bob), 10);
    let edit = |seq: u64| json!({"type": "edit", "id": 1, "room": "general", "seq": seq, "message": "new"});
    let delete =
        |seq: u64| json!({"type": "delete_message", "id": 1, "room": "general", "seq": seq});
    assert_eq!(verdict(&mut world, alice, &edit(5)), "unknown_message");
    assert_eq!(verdict(&mut world, alice, &delete(5)), "unknown_message");
    assert_eq!(verdict(&mut world, alice, &edit(6)), "ok");
    assert_eq!(verdict(&mut world, alice, &delete(6)), "ok");
}

#[test]
fn a_message_is_read_to_the_last_moment_of_its_age_and_not_one_longer() {
    let mut world = aging();
    let alice = member(&mut world, "alice", "general");
    say_many(&mut world, alice, 2);
    stay(&mut world, alice, seconds(60));
    say_many(&mut world, alice, 1);
    stay(&mut world, alice, HOUR - seconds(60));
    // Nothing is forgotten from now on.
    world.works_max = 1;
    world.answers_held = true;
    let request = json!({"type": "history", "id": 1, "room": "general"});
    let first = ask(&mut world, alice, &request);
    assert_eq!(first.len(), 0, "{first:?}");
    world.answers_held = false;
    world.settle();
    let seqs = |world: &mut World| -> Vec<u64> {
        let told = world.client(alice).take_notices();
        let all = told.last().expect("a page")["messages"].as_array();
        let all = all.expect("messages").iter();
        all.filter_map(|found| found["seq"].as_u64()).collect()
    };
    assert_eq!(seqs(&mut world), [1, 2, 3]);
    // Asked for in time, and told too late.
    world.answers_held = true;
    world.say(alice, &request.to_string());
    world.advance(millis(1));
    world.answers_held = false;
    world.settle();
    assert_eq!(seqs(&mut world), [3]);
    assert_eq!(
        page(&mut world, alice, json!({"after": 0, "limit": 1})).0,
        [3]
    );
    let (before, _) = page(&mut world, alice, json!({"before": 3}));
    assert!(before.is_empty(), "{before:?}");
    let edit = json!({"type": "edit", "id": 1, "room": "general", "seq": 2, "message": "new"});
    assert_eq!(verdict(&mut world, alice, &edit), "unknown_message");
    let bob = world.join_v1("bob", "10.0.0.2");
    let (entered, missed) = join_since(&mut world, bob, 0);
    assert_eq!(
        (&entered["gap"], missed),
        (&json!({"from": 1, "to": 2}), vec![3])
    );
}

#[test]
fn what_is_past_its_age_is_forgotten_within_a_second_and_not_counted_as_unread() {
    let mut world = aging();
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    for _ in 0..5 {
        say_many(&mut world, alice, 3);
        stay(&mut world, alice, seconds(10));
        world.client(bob).take_frames();
    }
    assert_eq!(
        (unread(&mut world, alice), oldest_stored(&mut world)),
        (15, 1)
    );
    stay(&mut world, alice, HOUR - seconds(50) + millis(1001));
    assert_eq!(
        (unread(&mut world, alice), oldest_stored(&mut world)),
        (12, 4)
    );
    stay(&mut world, alice, seconds(60));
    assert_eq!(
        (unread(&mut world, alice), oldest_stored(&mut world)),
        (0, 16)
    );
}

#[test]
fn a_lower_bound_holds_for_what_was_said_before_it_from_the_moment_it_is_acknowledged() {
    let mut world = roomy_with(|_| {});
    let alice = made(&mut world, "alice", "den", "public");
    let say = |world: &mut World, count: u64| {
        for _ in 0..count {
            world.say(alice, &send("den", "x").to_string());
        }
        world.client(alice).take_frames();
    };
    let history = json!({"type": "history", "id": 1, "room": "den"});
    let first = |world: &mut World| reply(world, alice, &history)["first_seq"].clone();
    say(&mut world, 20);
    // The page is asked for before the change is kept, and told after it.
    world.answers_held = true;
    let update = json!({"type": "update", "id": 7, "room": "den", "retention_messages": 5});
    world.say(alice, &update.to_string());
    world.say(alice, &history.to_string());
    world.answers_held = false;
    world.settle();
    let told = world.client(alice).take_notices();
    let page = told.iter().find(|notice| notice["messages"].is_array());
    let page = page.expect("a page");
    assert_eq!(page["first_seq"], 16, "{page}");
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(5));
    // Nobody had to say anything for it.
    let stored = |world: &mut World| {
        let rooms = world.store().load_rooms().expect("rooms");
        rooms
            .iter()
            .find(|room| &*room.id == "den")
            .map(|room| room.first_seq)
    };
    assert_eq!(stored(&mut world), Some(16));
    stay(&mut world, alice, seconds(30));
    let update = json!({"type": "update", "id": 7, "room": "den", "retention_ms": 20_000});
    assert_eq!(verdict(&mut world, alice, &update), "ok");
    assert_eq!(
        (first(&mut world), stored(&mut world)),
        (json!(21), Some(21))
    );
}

#[test]
fn a_lower_ceiling_of_the_operators_holds_from_the_reload_on() {
    let mut world = keeping(100);
    let alice = member(&mut world, "alice", "general");
    say_many(&mut world, alice, 20);
    let mut config = crate::roomy();
    config.rooms.durable = vec!["general".to_owned()];
    config.rooms.retention_messages_max = 4;
    world.works_max = 0;
    world.reconfigure(config);
    world.works_max = 1024;
    assert_eq!(unread(&mut world, alice), 4);
    assert_eq!(page(&mut world, alice, json!({})).0, [17, 18, 19, 20]);
    stay(&mut world, alice, seconds(11));
    assert_eq!(oldest_stored(&mut world), 17);
}

#[test]
fn hundreds_of_rooms_are_rid_of_what_is_too_old_in_a_few_seconds_and_few_at_once() {
    let names: Vec<String> = (0..300).map(|number| format!("room-{number}")).collect();
    let mut world = roomy_with(|config| {
        config.rooms.public.clone_from(&names);
        config.rooms.durable.clone_from(&names);
        config.rooms.retention_max = HOUR;
        config.limits.rooms_per_connection_max = 400;
    });
    let alice = world.join_v1("alice", "10.0.0.1");
    for name in &names {
        assert_eq!(verdict(&mut world, alice, &join(name)), "ok");
        world.say(alice, &send(name, "old").to_string());
    }
    world.client(alice).take_frames();
    let left = |world: &mut World| {
        let rooms = world.store().load_rooms().expect("rooms");
        let has = rooms
            .iter()
            .filter(|room| room.last_seq == 1 && room.first_seq == 1);
        has.count()
    };
    stay(&mut world, alice, HOUR - seconds(5));
    assert_eq!(left(&mut world), 300);
    world.answers_held = true;
    world.advance(seconds(20));
    assert!(world.works_waiting() <= 32, "{}", world.works_waiting());
    world.answers_held = false;
    world.advance(seconds(2));
    assert_eq!(left(&mut world), 0);
}

#[test]
fn what_retention_has_passed_does_not_come_back_when_a_room_is_to_keep_more() {
    let mut world = keeping(2000);
    let alice = made(&mut world, "alice", "den", "public");
    let keep = |messages: u64| json!({"type": "update", "id": messages, "room": "den", "retention_messages": messages});
    let first = |world: &mut World| {
        let history = json!({"type": "history", "id": 1, "room": "den", "after": 0});
        let told = reply(world, alice, &history);
        told["first_seq"].as_u64().expect("a number")
    };
    let say = |world: &mut World, messages: usize| {
        for _ in 0..messages {
            world.say(alice, &send("den", "hi").to_string());
        }
    };
    assert_eq!(verdict(&mut world, alice, &keep(10)), "ok");
    say(&mut world, 15);
    assert_eq!(first(&mut world), 6);
    assert_eq!(verdict(&mut world, alice, &keep(1000)), "ok");
    assert_eq!(first(&mut world), 6);
    say(&mut world, 900);
    // By age, and then by a number that takes several steps.
    let age = |retention_ms: u64| json!({"type": "update", "id": 1, "room": "den", "retention_ms": retention_ms});
    assert_eq!(
        verdict(&mut world, alice, &age(HOUR.as_millis() as u64)),
        "ok"
    );
    assert_eq!(verdict(&mut world, alice, &age(0)), "ok");
    assert_eq!(first(&mut world), 6);
    world.answers_held = true;
    world.say(alice, &keep(5).to_string());
    // It is in force, and then the first step is done.
    for _ in 0..2 {
        world.answer_one();
        world.settle();
        world.client(alice).take_frames();
        assert_eq!(verdict(&mut world, alice, &keep(1500)), "busy");
    }
    world.answers_held = false;
    world.settle();
    assert_eq!(verdict(&mut world, alice, &keep(1500)), "ok");
    assert_eq!(first(&mut world), 911);
}
