//! The budget of memory: who goes when it runs short and in what order, what is refused, and that all of it is given back.

mod endings;
mod pieces;
mod remembered;
mod smaller;

use std::collections::BTreeMap;

use serde_json::json;
use wardroom::config::Config;
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, text};

use crate::rooms::verdict;
use crate::{chat_request, closed, knock, millis, outcome, roomy, seconds, stay};

/// No tables to speak of, so that people are what memory goes to.
fn config() -> Config {
    let mut config = roomy();
    config.limits.prefixes_max = 64;
    config.limits.outbound_bytes_per_connection_max = 1024 * 1024;
    config.deadlines.unread = seconds(0);
    config.deadlines.head = seconds(300);
    config
}

/// `class` or `mark` and its number.
fn numbers(world: &World, family: &str) -> BTreeMap<String, u64> {
    let metrics = world.metrics();
    let lines = metrics.lines().filter_map(|line| {
        let (label, number) = line.strip_prefix(family)?.split_once("\"} ")?;
        let label = label.split('"').nth(1)?;
        Some((label.to_owned(), number.parse().ok()?))
    });
    lines.collect()
}

fn drawn(world: &World) -> usize {
    let classes = numbers(world, "wardroom_memory_bytes");
    classes.values().sum::<u64>() as usize
}

fn shed(world: &World) -> [u64; 3] {
    let shed = numbers(world, "wardroom_memory_shed_total");
    ["unauthenticated", "slow_readers", "idle"].map(|class| shed[class])
}

/// Another budget, whose soft mark is `above` what is drawn now.
fn squeeze(world: &mut World, above: isize) {
    let soft = drawn(world).saturating_add_signed(above);
    let mut config = config();
    config.memory = soft / 3 * 4;
    world.reconfigure(config);
    world.advance(millis(100));
}

/// Another budget, whose hard mark is what is drawn now.
fn exhaust(world: &mut World) {
    let mut config = config();
    config.memory = drawn(world) / 15 * 16;
    world.reconfigure(config);
}

fn is_gone(world: &mut World, id: ConnectionId) -> bool {
    world.client(id).ending() == Ending::Closed
}

/// One in the full protocol who leaves so many answers unread.
fn unread(world: &mut World, user: &str, peer: &str, answers: usize) -> ConnectionId {
    let id = world.join_v1(user, peer);
    world.client(id).set_window(0);
    for _ in 0..answers {
        world.say(id, r#"{"type":"rooms"}"#);
    }
    id
}

#[test]
fn over_the_soft_mark_strangers_go_then_the_slowest_readers_then_whoever_was_silent_longest() {
    let mut world = World::new(config());
    let silent = world.join_v1("silent", "10.0.0.1");
    stay(&mut world, silent, seconds(5));
    let quiet = world.join_v1("quiet", "10.0.0.2");
    for _ in 0..4 {
        stay(&mut world, silent, seconds(16));
        stay(&mut world, quiet, seconds(1));
    }
    let busy = world.join_v1("busy", "10.0.0.3");
    let stranger = world.connect("10.0.1.1").expect("room");
    let slow = unread(&mut world, "slow", "10.0.0.4", 100);
    let slower = unread(&mut world, "slower", "10.0.0.5", 200);
    world.advance(millis(1500));
    squeeze(&mut world, -4);
    assert!(is_gone(&mut world, stranger), "a stranger goes first");
    for (gone, id) in [slower, slow, silent, quiet].into_iter().enumerate() {
        squeeze(&mut world, -4);
        assert_eq!(world.census().user_connections, 4 - gone, "one at a time");
        world.client(id).set_window(usize::MAX);
        world.settle();
        let told = Some((1013, "short of memory, try again later".to_owned()));
        assert_eq!(closed(&mut world, id), told, "number {gone}");
        // Nobody goes for the memory of somebody who is still on their way out.
        world.advance(seconds(1));
        assert_eq!(world.census().user_connections, 4 - gone, "still one");
        world.reset(id);
        world.advance(seconds(2));
    }
    squeeze(&mut world, -4);
    world.advance(seconds(1));
    assert_eq!(closed(&mut world, busy), None, "whoever speaks is not shed");
    assert_eq!(shed(&world), [1, 2, 2], "each is counted once");
}

#[test]
fn as_long_as_there_are_strangers_to_let_go_nobody_who_is_in_goes() {
    const STRANGERS: usize = 300;
    let mut world = World::new(config());
    let quiet = world.join_v1("quiet", "10.0.0.1");
    stay(&mut world, quiet, seconds(70));
    let slow = unread(&mut world, "slow", "10.0.0.2", 200);
    let before = drawn(&world);
    for n in 0..STRANGERS {
        let peer = format!("10.1.{}.{}", n / 200, n % 200);
        world.connect(&peer).expect("room");
    }
    let of_each = (drawn(&world) - before) / STRANGERS;
    world.advance(millis(1500));
    // More than go at a time.
    squeeze(&mut world, -((of_each * 290) as isize));
    world.advance(seconds(1));
    assert_eq!(shed(&world)[1..], [0, 0]);
    assert!(shed(&world)[0] >= 290, "{:?}", shed(&world));
    for id in [quiet, slow] {
        assert_eq!(world.client(id).ending(), Ending::Open);
    }
}

#[test]
fn strangers_who_read_nothing_cost_nobody_a_seat() {
    let mut config = Config::default();
    config.limits.earned_per_address_max = 0;
    let mut world = World::new(config);
    let people: Vec<_> = (0..50)
        .map(|n| world.join_v1(&format!("user{n}"), &format!("10.1.{n}.1")))
        .collect();
    for _ in 0..5 {
        world.advance(seconds(13));
        people
            .iter()
            .for_each(|id| stay(&mut world, *id, millis(1)));
    }
    let requests = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(85);
    for n in 0..900 {
        let Ok(id) = world.connect(&format!("10.2.0.{}", n % 29)) else {
            continue;
        };
        world.client(id).set_window(0);
        world.queue(id, requests.as_bytes());
    }
    for _ in 0..30 {
        world.advance(millis(100));
        assert!(drawn(&world) < 60 << 20, "{} bytes", drawn(&world));
    }
    assert_eq!(world.census().user_connections, people.len());
}

#[test]
fn a_stranger_has_a_second_to_sign_in_before_they_are_let_go() {
    let mut world = World::new(config());
    let honest = world.join_v1("honest", "10.0.0.1");
    squeeze(&mut world, -4);
    let newcomer = world.connect("10.0.0.2").expect("below the hard mark");
    world.advance(millis(900));
    world.send(newcomer, chat_request("?token=newcomer", "").as_bytes());
    assert_eq!(outcome(&mut world, newcomer), "in as newcomer");
    let idler = world.connect("10.0.0.3").expect("below the hard mark");
    world.advance(millis(1200));
    assert!(is_gone(&mut world, idler));
    assert_eq!(closed(&mut world, honest), None);
    assert_eq!(shed(&world), [1, 0, 0]);
}

#[test]
fn between_the_marks_strangers_make_room_for_each_other_and_what_is_left_is_kept_for_those_who_are_in()
 {
    let mut world = World::new(config());
    let member = world.join_v1("member", "10.0.0.1");
    for n in 0..20 {
        world.connect(&format!("10.0.1.{n}")).expect("room");
    }
    squeeze(&mut world, -4);
    let before = world.census().waiting;
    for n in 0..200 {
        world.connect(&format!("10.0.2.{n}")).expect("another goes");
    }
    assert_eq!(world.census().waiting, before);
    assert_eq!(closed(&mut world, member), None);
}

#[test]
fn over_the_hard_mark_what_would_take_more_is_refused_and_a_reload_with_more_ends_that() {
    let mut world = World::new(config());
    let alice = world.join_v1("alice", "10.0.0.1");
    let on_the_way = world.connect("10.0.0.2").expect("room");
    exhaust(&mut world);
    let send = json!({"type": "send", "room": "lobby", "message": "hi"});
    let join = json!({"type": "join", "room": "general"});
    for request in [&send, &join, &json!({"type": "members", "room": "lobby"})] {
        assert_eq!(verdict(&mut world, alice, request), "busy", "{request}");
    }
    assert_eq!(
        verdict(
            &mut world,
            alice,
            &json!({"type": "leave", "room": "lobby"})
        ),
        "ok"
    );
    world.send(on_the_way, chat_request("?token=bob", "").as_bytes());
    let refused = "1013 short of memory, try again later";
    assert_eq!(outcome(&mut world, on_the_way), refused);
    world.advance(seconds(10));
    assert_eq!(world.census().waiting, 0);
    exhaust(&mut world);
    let full = world.connect("10.0.0.3").expect_err("nobody can make room");
    assert_eq!(full.status(), 503);
    assert!(
        world
            .metrics()
            .contains("wardroom_limited_total{limit=\"memory\",scope=\"server\"}")
    );

    let mut config = config();
    config.memory = 64 * 1024 * 1024;
    world.reconfigure(config);
    assert_eq!(knock(&mut world, "10.0.0.4", "?token=bob", ""), "in as bob");
    assert_eq!(verdict(&mut world, alice, &join), "ok");
}

#[test]
fn over_the_soft_mark_nobody_is_read_far_ahead_of_what_they_may_say() {
    let held = |world: &World| numbers(world, "wardroom_memory_bytes")["held"];
    let mut flood = text("nonsense").repeat(4000);
    flood.truncate(50_000);
    let mut config = config();
    config.limits.error_replies_per_connection = crate::per_second(1);
    config.deadlines.pause = seconds(60);
    for (is_short, most) in [(false, 64 * 1024), (true, 4 * 1024)] {
        let mut world = World::new(config.clone());
        let flooder = world.join_v1("flooder", "10.0.0.1");
        if is_short {
            let mut config = config.clone();
            config.memory = (drawn(&world) - 4) / 3 * 4;
            world.reconfigure(config);
            world.advance(millis(100));
        }
        world.send(flooder, &flood);
        assert!(
            held(&world) > most / 2 && held(&world) <= most,
            "{}",
            held(&world)
        );
        world.reset(flooder);
        assert_eq!(held(&world), 0);
    }
}

#[test]
fn what_members_of_a_room_hold_together_is_drawn_once() {
    let mut world = World::new(config());
    let queues = |world: &World| numbers(world, "wardroom_memory_bytes")["queues"];
    let ids: Vec<ConnectionId> = (0..100)
        .map(|n| world.join_v1(&format!("u{n}"), &format!("10.0.0.{n}")))
        .collect();
    for id in &ids {
        world.client(*id).set_window(0);
    }
    let words = "x".repeat(500);
    world.say(
        ids[0],
        &json!({"type": "send", "room": "lobby", "message": words}).to_string(),
    );
    let drawn = queues(&world);
    assert!(
        (500..40_000).contains(&drawn),
        "{drawn} bytes for a hundred"
    );
    for id in &ids {
        world.client(*id).set_window(usize::MAX);
    }
    world.settle();
    assert_eq!(queues(&world), 0);
    for id in ids {
        world.hang_up(id);
    }
    world.advance(seconds(60));
    assert_eq!(world.census(), Census::default());
}
