//! Pages that the store still reads: how many one user waits for, and all together.

use proptest::prelude::*;
use serde_json::{Value, json};
use wardroom::config::Config;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World};

use super::{durable, made, member, send, told, verdict};
use crate::counted::limits;
use crate::private::{enter, private_world, request};
use crate::{default_config, roomy_with};

const PAGES_PER_USER: usize = 4;

fn history(room: &str) -> Value {
    json!({"type": "history", "id": 7, "room": room})
}

fn log(room: &str) -> Value {
    json!({"type": "log", "id": 8, "room": room})
}

fn come(room: &str) -> Value {
    json!({"type": "join", "id": 9, "room": room, "since": 0})
}

/// Asks for something that may have to wait: the code of an error that comes at once, or nothing.
fn asked(world: &mut World, id: ConnectionId, request: &Value) -> Option<String> {
    world.client(id).take_frames();
    world.say(id, &request.to_string());
    let errors = told(world, id).into_iter();
    let mut codes = errors.filter_map(|notice| notice["code"].as_str().map(str::to_owned));
    codes.next()
}

/// What the store was asked is answered, and from now on at once.
fn answer_all(world: &mut World) {
    world.answers_held = false;
    world.settle();
}

fn replies(world: &mut World, id: ConnectionId) -> Vec<Value> {
    let told = told(world, id).into_iter();
    told.filter(|notice| notice["type"] == "ok").collect()
}

#[test]
fn pages_of_one_user_beyond_the_bound_are_busy_and_those_of_others_are_read() {
    assert_eq!(default_config().rooms.pages_per_user_max, PAGES_PER_USER);
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    let other = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    world.answers_held = true;
    for request in [history("general"), log("general")] {
        for id in [alice, other] {
            assert_eq!(asked(&mut world, id, &request), None, "{request}");
        }
    }
    for request in [history("general"), log("general")] {
        let told = asked(&mut world, other, &request);
        assert_eq!(told.as_deref(), Some("busy"), "{request}");
    }
    assert_eq!(limits(&world), ["pages_per_user_max of user: 2"]);
    assert_eq!(world.census().pages, 4);
    assert_eq!(asked(&mut world, bob, &history("general")), None);
    assert_eq!(asked(&mut world, bob, &send("general", "hi")), None);
    answer_all(&mut world);
    for (id, pages) in [(alice, 2), (other, 1), (bob, 2)] {
        assert!(replies(&mut world, id).len() >= pages);
    }
    assert_eq!(world.census().pages, 0);
    world.answers_held = true;
    for _ in 0..PAGES_PER_USER {
        assert_eq!(asked(&mut world, alice, &history("general")), None);
    }
    answer_all(&mut world);
    assert_eq!(limits(&world), ["pages_per_user_max of user: 2"]);
}

#[test]
fn whoever_goes_and_comes_back_waits_for_the_same_pages() {
    let mut world = durable();
    let first = member(&mut world, "alice", "general");
    let second = world.join_v1("alice", "10.0.0.1");
    world.answers_held = true;
    for _ in 0..PAGES_PER_USER {
        assert_eq!(asked(&mut world, first, &history("general")), None);
    }
    world.reset(first);
    let told = asked(&mut world, second, &history("general"));
    assert_eq!(told.as_deref(), Some("busy"));
    answer_all(&mut world);
    assert_eq!(world.census().pages, 0);
    assert_eq!(verdict(&mut world, second, &history("general")), "ok");
}

/// A world with ten rooms that keep what is said.
fn many_rooms(change: impl FnOnce(&mut Config)) -> (World, Vec<String>) {
    let rooms: Vec<String> = (0..10).map(|number| format!("room{number}")).collect();
    let world = roomy_with(|config| {
        config.rooms.public.clone_from(&rooms);
        config.rooms.durable.clone_from(&rooms);
        change(config);
    });
    (world, rooms)
}

#[test]
fn whoever_comes_back_to_all_their_rooms_at_once_is_let_in_however_little_they_may_read() {
    let (mut world, rooms) = many_rooms(|config| {
        config.rooms.pages_per_user_max = 1;
        config.limits.rooms_per_connection_max = 6;
        config.limits.connections_per_user = 2;
    });
    let tabs = ["alice"; 2].map(|user| world.join_v1(user, "10.0.0.1"));
    world.answers_held = true;
    assert_eq!(asked(&mut world, tabs[0], &history("room9")), None);
    for id in tabs {
        for room in &rooms[..5] {
            assert_eq!(asked(&mut world, id, &come(room)), None, "{room}");
        }
    }
    for room in &rooms[5..7] {
        assert_eq!(asked(&mut world, tabs[0], &come(room)), None, "{room}");
    }
    let told = asked(&mut world, tabs[0], &come("room7"));
    assert_eq!(told.as_deref(), Some("busy"));
    assert_eq!(limits(&world), ["pages_per_user_max of user: 1"]);
    answer_all(&mut world);
    assert_eq!(world.census().pages, 0);
    for id in tabs {
        for room in &rooms[..5] {
            assert_eq!(verdict(&mut world, id, &send(room, "here")), "ok");
        }
    }
}

#[test]
fn all_reading_leaves_places_for_those_who_come_in_and_all_pages_some_for_messages() {
    let (mut world, rooms) = many_rooms(|config| config.rooms.pending_max = 8);
    let writer = member(&mut world, "writer", &rooms[0]);
    world.answers_held = true;
    let readers = ["ann", "bob", "cid"].map(|user| world.join_v1(user, "10.0.0.1"));
    let read = |world: &mut World, request: &Value| {
        let told = readers.map(|id| asked(world, id, request));
        told.iter().filter(|told| told.is_none()).count()
    };
    let some = read(&mut world, &history(&rooms[0]));
    assert_eq!((some, read(&mut world, &history(&rooms[0]))), (3, 1));
    assert_eq!(limits(&world), ["pending_max of server: 2"]);
    assert_eq!(read(&mut world, &come(&rooms[1])), 2);
    assert_eq!(limits(&world), ["pending_max of server: 3"]);
    for _ in 0..2 {
        assert_eq!(asked(&mut world, writer, &send(&rooms[0], "hi")), None);
    }
    let told = asked(&mut world, writer, &send(&rooms[0], "one too many"));
    assert_eq!(told.as_deref(), Some("busy"));
    answer_all(&mut world);
    assert_eq!(verdict(&mut world, writer, &send(&rooms[0], "hi")), "ok");
    assert_eq!(world.census().pages, 0);
}

#[test]
fn a_call_of_the_private_door_reads_though_nobody_else_may() {
    let mut world = private_world(|config| {
        config.rooms.durable = vec!["general".to_owned()];
        config.rooms.pending_max = 8;
        config.rooms.pages_per_user_max = 100;
    });
    let alice = member(&mut world, "alice", "general");
    world.answers_held = true;
    for _ in 0..4 {
        assert_eq!(asked(&mut world, alice, &history("general")), None);
    }
    let told = asked(&mut world, alice, &history("general"));
    assert_eq!(told.as_deref(), Some("busy"));
    let operator = enter(&mut world);
    let call = request("GET /api/v1/rooms/general/messages", "", "");
    world.send(operator, call.as_bytes());
    assert_eq!(world.census().pages, 4);
    answer_all(&mut world);
    let answer = world.client(operator).take_whole_response();
    assert_eq!(answer.map(|answer| answer.status), Some(200));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Come(usize),
    History(usize),
    Log(usize),
    Join(usize),
    Go(usize),
    Answer,
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0usize..3;
    prop_oneof![
        2 => user().prop_map(Step::Come),
        6 => user().prop_map(Step::History),
        2 => user().prop_map(Step::Log),
        3 => user().prop_map(Step::Join),
        1 => user().prop_map(Step::Go),
        4 => Just(Step::Answer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_are_never_more_than_may_be_and_none_is_left(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = roomy_with(|config| {
            config.rooms.durable = vec!["general".to_owned()];
            config.rooms.pages_per_user_max = 2;
            config.limits.rooms_per_connection_max = 2;
            config.limits.connections_per_user = 2;
        });
        world.answers_held = true;
        let mut here: [Vec<ConnectionId>; 3] = Default::default();
        for step in steps {
            let (user, request) = match step {
                Step::Come(user) => {
                    here[user].push(world.join_v1(&format!("user{user}"), "10.0.0.1"));
                    continue;
                }
                Step::Go(user) => {
                    if let Some(id) = here[user].pop() {
                        world.reset(id);
                    }
                    continue;
                }
                Step::Answer => {
                    world.answer_one();
                    continue;
                }
                Step::History(user) => (user, history("general")),
                Step::Log(user) => (user, log("general")),
                Step::Join(user) => (user, come("general")),
            };
            let Some(id) = here[user].last().copied() else {
                continue;
            };
            if world.client(id).ending() == Ending::Open {
                world.say(id, &request.to_string());
            }
            let pages = world.census().pages;
            // Two of each user, and joins of two rooms on two connections.
            prop_assert!(pages <= 3 * (2 + 4) && pages <= world.works_waiting());
        }
        answer_all(&mut world);
        prop_assert_eq!((world.census().pages, world.census().pending_answers), (0, 0));
    }
}

#[test]
fn whoever_is_kicked_while_what_they_missed_is_read_for_them_is_out() {
    for pages_wait in [false, true] {
        let mut world = durable();
        let owner = made(&mut world, "owner", "den", "public");
        let victim = member(&mut world, "victim", "den");
        let tab = world.join_v1("victim", "10.0.0.1");
        let bob = world.join_v1("bob", "10.0.0.1");
        (world.answers_held, world.pages_wait) = (true, pages_wait);
        for id in [victim, tab, bob] {
            assert_eq!(asked(&mut world, id, &come("den")), None);
        }
        let kick = json!({"type": "kick", "id": 1, "room": "den", "user": "victim"});
        assert_eq!(asked(&mut world, owner, &kick), None);
        answer_all(&mut world);
        for id in [victim, tab] {
            let told = told(&mut world, id);
            let error = told.iter().find(|notice| notice["type"] == "error");
            assert_eq!(error.expect("an answer")["code"], "busy", "{told:?}");
            assert_eq!(verdict(&mut world, id, &send("den", "hi")), "not_in_room");
            assert_eq!(
                verdict(&mut world, id, &come("den")),
                "ok",
                "a moment later"
            );
        }
        assert_eq!(verdict(&mut world, bob, &send("den", "hi")), "ok");
    }
}

#[test]
fn whoever_is_there_already_reads_what_they_missed_as_they_read_history() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    world.answers_held = true;
    for _ in 0..PAGES_PER_USER {
        assert_eq!(asked(&mut world, alice, &come("general")), None);
    }
    let told = asked(&mut world, alice, &come("general"));
    assert_eq!(told.as_deref(), Some("busy"));
    answer_all(&mut world);
    assert_eq!(world.census().pages, 0);
}

#[test]
fn what_is_forgotten_while_it_waits_to_be_read_leaves_a_page_that_goes_on() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let keep = json!({"type": "update", "id": 1, "room": "den", "retention_messages": 10});
    assert_eq!(verdict(&mut world, owner, &keep), "ok");
    for _ in 0..5 {
        assert_eq!(verdict(&mut world, owner, &send("den", "old")), "ok");
    }
    (world.answers_held, world.pages_wait) = (true, true);
    let first = json!({"type": "history", "id": 7, "room": "den", "after": 0, "limit": 2});
    assert_eq!(asked(&mut world, owner, &first), None);
    for _ in 0..15 {
        assert_eq!(asked(&mut world, owner, &send("den", "new")), None);
    }
    answer_all(&mut world);
    let told = replies(&mut world, owner);
    let page = told.iter().find(|reply| reply["id"] == 7).expect("a page");
    assert_eq!(page["messages"], json!([]), "{page}");
    assert_eq!(
        (&page["truncated"], &page["last_seq"]),
        (&json!(true), &json!(20))
    );
}

#[test]
fn whoever_comes_back_to_the_lobby_comes_in_and_does_not_read_though_they_are_there_already() {
    let mut world = roomy_with(|config| config.rooms.durable = vec!["lobby".to_owned()]);
    let alice = world.join_v1("alice", "10.0.0.1");
    world.answers_held = true;
    for _ in 0..PAGES_PER_USER {
        assert_eq!(asked(&mut world, alice, &history("lobby")), None);
    }
    assert_eq!(asked(&mut world, alice, &come("lobby")), None);
    answer_all(&mut world);
    assert_eq!(world.census().pages, 0);
}

#[test]
fn whoever_asks_again_to_come_in_before_they_are_reads() {
    let (mut world, rooms) = many_rooms(|_| {});
    let alice = world.join_v1("alice", "10.0.0.1");
    world.answers_held = true;
    for room in &rooms[..3] {
        assert_eq!(asked(&mut world, alice, &come(room)), None);
    }
    for _ in 0..PAGES_PER_USER {
        assert_eq!(asked(&mut world, alice, &come("room0")), None);
    }
    let told = asked(&mut world, alice, &come("room1"));
    assert_eq!(told.as_deref(), Some("busy"));
    assert_eq!(asked(&mut world, alice, &come("room3")), None, "once");
    answer_all(&mut world);
    assert_eq!(world.census().pages, 0);
    for room in &rooms[..4] {
        assert_eq!(verdict(&mut world, alice, &send(room, "here")), "ok");
    }
}
