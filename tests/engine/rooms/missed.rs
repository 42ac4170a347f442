//! History, and what was missed.

use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::{ask, durable, heard, join, made, member, message, reply, send, told, verdict};
use crate::private::{post, private_world};
use crate::{roomy_with, seconds};

pub fn say_many(world: &mut World, id: ConnectionId, count: u64) {
    for number in 1..=count {
        world.say(id, &send("general", &format!("m{number}")).to_string());
    }
    world.client(id).take_frames();
}

pub fn page(world: &mut World, id: ConnectionId, fields: Value) -> (Vec<u64>, Value) {
    let mut request = json!({"type": "history", "id": 1, "room": "general"});
    for (name, value) in fields.as_object().expect("fields") {
        request[name] = value.clone();
    }
    let page = reply(world, id, &request);
    let messages = page["messages"].as_array().expect("messages").iter();
    (
        messages
            .map(|found| found["seq"].as_u64().expect("a number"))
            .collect(),
        page,
    )
}

#[test]
fn history_pages_both_ways() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    say_many(&mut world, alice, 10);
    let (seqs, page_) = page(&mut world, alice, json!({"limit": 3}));
    assert_eq!(seqs, [8, 9, 10]);
    assert_eq!(
        (&page_["first_seq"], &page_["last_seq"], &page_["truncated"]),
        (&json!(1), &json!(10), &json!(true))
    );
    assert_eq!(
        page(&mut world, alice, json!({"before": 8, "limit": 3})).0,
        [5, 6, 7]
    );
    let (seqs, first) = page(&mut world, alice, json!({"before": 3}));
    assert_eq!((seqs, &first["truncated"]), (vec![1, 2], &json!(false)));
    let (seqs, up) = page(&mut world, alice, json!({"after": 2, "limit": 2}));
    assert_eq!((seqs, &up["truncated"]), (vec![3, 4], &json!(true)));
    assert_eq!(
        page(&mut world, alice, json!({"after": 10})).0,
        [] as [u64; 0]
    );
    assert_eq!(
        page(&mut world, alice, json!({"before": 1})).0,
        [] as [u64; 0]
    );
}

#[test]
fn who_comes_back_is_told_what_they_missed_and_then_what_is_new_once_each() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    say_many(&mut world, alice, 5);
    let bob = world.join_v1("bob", "10.0.0.2");
    world.client(bob).take_frames();
    world.answers_held = true;
    // Before, between and behind the question.
    world.say(alice, &send("general", "m6").to_string());
    world.say(
        bob,
        &json!({"type": "join", "id": 2, "room": "general", "since": 3}).to_string(),
    );
    world.say(alice, &send("general", "m7").to_string());
    while world.works_waiting() > 0 {
        world.answer_one();
        world.settle();
    }
    let seqs: Vec<u64> = heard(&mut world, bob).iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, [4, 5, 6, 7]);
}

#[test]
fn the_reply_comes_before_what_was_missed_and_says_where_the_room_is() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    say_many(&mut world, alice, 4);
    let bob = world.join_v1("bob", "10.0.0.2");
    let told = ask(
        &mut world,
        bob,
        &json!({"type": "join", "id": 2, "room": "general", "since": 2}),
    );
    assert_eq!(
        told[0],
        json!({"type": "ok", "id": 2, "room": "general", "last_seq": 4})
    );
    assert!(
        told[1..]
            .iter()
            .filter_map(message)
            .map(|(seq, _)| seq)
            .eq([3, 4]),
        "{told:?}"
    );
}

#[test]
fn more_than_a_page_was_missed_and_the_rest_is_told_as_a_gap() {
    let mut world = roomy_with(|config| {
        config.rooms.durable = vec!["general".to_owned()];
        config.rooms.page_entries_max = 3;
    });
    let alice = member(&mut world, "alice", "general");
    say_many(&mut world, alice, 9);
    let bob = world.join_v1("bob", "10.0.0.2");
    let told = ask(
        &mut world,
        bob,
        &json!({"type": "join", "id": 2, "room": "general", "since": 2}),
    );
    assert_eq!(told[0]["gap"], json!({"from": 3, "to": 6}));
    assert!(
        told.iter()
            .filter_map(message)
            .map(|(seq, _)| seq)
            .eq([7, 8, 9])
    );
    let exactly = ask(
        &mut world,
        bob,
        &json!({"type": "join", "id": 3, "room": "general", "since": 6}),
    );
    assert_eq!(exactly[0].get("gap"), None, "{exactly:?}");
}

#[test]
fn what_a_room_does_not_keep_any_more_is_a_gap_too() {
    let mut world = roomy_with(|config| {
        config.rooms.durable = vec!["general".to_owned()];
        config.rooms.retention_messages_max = 10;
    });
    let alice = member(&mut world, "alice", "general");
    say_many(&mut world, alice, 200);
    world.settle();
    let (seqs, page_) = page(&mut world, alice, json!({}));
    assert_eq!(page_["first_seq"], 191, "{page_}");
    assert_eq!(seqs, (191..=200).collect::<Vec<u64>>());
    let bob = world.join_v1("bob", "10.0.0.2");
    let told = ask(
        &mut world,
        bob,
        &json!({"type": "join", "id": 2, "room": "general", "since": 1}),
    );
    assert_eq!(told[0]["gap"], json!({"from": 2, "to": 190}));
}

#[test]
fn messages_past_their_age_are_forgotten_without_anybody_asking() {
    let mut world = roomy_with(|config| {
        config.rooms.durable = vec!["general".to_owned()];
        config.rooms.retention_max = seconds(3600);
    });
    let alice = member(&mut world, "alice", "general");
    say_many(&mut world, alice, 3);
    crate::stay(&mut world, alice, seconds(3000));
    say_many(&mut world, alice, 1);
    assert_eq!(page(&mut world, alice, json!({})).0, [1, 2, 3, 4]);
    crate::stay(&mut world, alice, seconds(700));
    assert_eq!(page(&mut world, alice, json!({})).0, [4]);
}

#[test]
fn edited_and_deleted_messages_are_told_as_such_now_and_later() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    say_many(&mut world, alice, 3);
    told(&mut world, bob);
    let edit = json!({"type": "edit", "id": 1, "room": "general", "seq": 2, "message": "better"});
    assert_eq!(verdict(&mut world, alice, &edit), "ok");
    assert_eq!(verdict(&mut world, bob, &edit), "not_yours");
    let delete = json!({"type": "delete_message", "id": 1, "room": "general", "seq": 3});
    assert_eq!(verdict(&mut world, bob, &delete), "not_yours");
    assert_eq!(verdict(&mut world, alice, &delete), "ok");
    let (_, page_) = page(&mut world, bob, json!({}));
    let messages = &page_["messages"];
    assert_eq!(messages[1]["message"], "better");
    assert!(messages[1]["edited"].is_number(), "{messages}");
    assert_eq!(messages[2].get("message"), None);
    assert!(messages[2]["deleted"].is_number(), "{messages}");
    let unknown = json!({"type": "edit", "id": 1, "room": "general", "seq": 99, "message": "x"});
    assert_eq!(verdict(&mut world, alice, &unknown), "unknown_message");
}

#[test]
fn a_number_that_the_room_has_not_come_to_is_of_another_life_of_it_and_told_as_a_gap() {
    let mut world = roomy_with(|config| {
        config.rooms.durable = vec!["general".to_owned()];
        config.rooms.page_entries_max = 3;
    });
    let alice = member(&mut world, "alice", "general");
    let bob = world.join_v1("bob", "10.0.0.2");
    let come = |world: &mut World, since: u64| {
        let leave = json!({"type": "leave", "id": 1, "room": "general"});
        world.say(bob, &leave.to_string());
        let join = json!({"type": "join", "id": 2, "room": "general", "since": since});
        let told = ask(world, bob, &join);
        let seqs = told.iter().filter_map(message).map(|(seq, _)| seq);
        (told[0]["gap"].clone(), seqs.collect::<Vec<_>>())
    };
    let gap = |from: u64, to: u64| json!({"from": from, "to": to});
    assert_eq!(come(&mut world, 7), (gap(1, 7), vec![]));
    say_many(&mut world, alice, 2);
    assert_eq!(come(&mut world, 7), (gap(3, 7), vec![1, 2]));
    assert_eq!(come(&mut world, 3), (gap(3, 3), vec![1, 2]));
    assert_eq!(come(&mut world, 2), (Value::Null, vec![]));
    assert_eq!(come(&mut world, 0), (Value::Null, vec![1, 2]));
    say_many(&mut world, alice, 3);
    assert_eq!(come(&mut world, 7), (gap(1, 7), vec![3, 4, 5]));
    assert_eq!(come(&mut world, 0), (gap(1, 2), vec![3, 4, 5]));
}

#[test]
fn who_was_in_a_room_before_it_was_deleted_and_made_anew_does_not_take_it_for_the_same() {
    let mut world = private_world(|_| {});
    let owner = made(&mut world, "owner", "den", "public");
    let bob = member(&mut world, "bob", "den");
    for number in 1..=5 {
        assert_eq!(
            verdict(&mut world, owner, &send("den", &number.to_string())),
            "ok"
        );
    }
    let delete = json!({"type": "delete", "id": 1, "room": "den"});
    assert_eq!(verdict(&mut world, owner, &delete), "ok");
    let again = post(
        &mut world,
        "/api/v1/rooms",
        r#"{"room":"den","owner":"owner"}"#,
    );
    assert_eq!(again.status, 200);
    assert_eq!(verdict(&mut world, owner, &join("den")), "ok");
    assert_eq!(verdict(&mut world, owner, &send("den", "anew")), "ok");
    let come = json!({"type": "join", "id": 2, "room": "den", "since": 5});
    let told = ask(&mut world, bob, &come);
    assert_eq!(told[0]["gap"], json!({"from": 2, "to": 5}), "{told:?}");
    assert_eq!(told.iter().find_map(message), Some((1, "anew".to_owned())));
}

#[test]
fn what_is_said_while_somebody_who_is_there_asks_for_what_they_missed_comes_behind_it_once() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    world.answers_held = true;
    world.say(alice, &send("general", "now").to_string());
    let come = json!({"type": "join", "id": 2, "room": "general", "since": 0});
    world.say(bob, &come.to_string());
    // Both answers come in one turn.
    world.answers_held = false;
    world.settle();
    let told = told(&mut world, bob);
    let reply = told.iter().position(|notice| notice["id"] == 2);
    let behind = told.iter().skip(reply.expect("a reply"));
    let heard: Vec<_> = behind.filter_map(message).collect();
    assert_eq!(heard, [(1, "now".to_owned())], "{told:?}");
}
