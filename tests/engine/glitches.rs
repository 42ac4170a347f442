//! The glitch score: what is odd and breaks no rule costs points, and who does little else is read from more and more seldom until it is over.

use wardroom::config::{Config, Rate};
use wardroom::id::ConnectionId;
use wardroom::simulation::{World, masked, text};

use crate::{closed, lines, message, millis, roomy_with, seconds, world};

const END: (u16, &str) = (1008, "too many glitches");

/// A world in which nothing else is in the way of whoever is odd.
fn strict(change: impl FnOnce(&mut Config)) -> World {
    roomy_with(|config| {
        config.limits.glitches_per_connection = Rate::new(100, seconds(10));
        config.limits.pauses_max = 2;
        change(config);
    })
}

/// A fragment, the first of a message or a later one, and more to come.
fn fragment(is_first: bool, payload: &[u8]) -> Vec<u8> {
    masked(u8::from(is_first), payload)
}

fn said_no(world: &World) -> u64 {
    let metrics = world.metrics();
    let row = r#"wardroom_limited_total{limit="glitches_per_connection",scope="connection"} "#;
    let value = metrics.lines().find_map(|line| line.strip_prefix(row));
    value.expect("a counter").parse().expect("a number")
}

/// Does something odd again and again, in one write each, until it is over; how often it was read.
fn go_on(world: &mut World, id: ConnectionId, odd: impl Fn(usize) -> Vec<u8>) -> usize {
    for n in 0..10_000 {
        if world.unread_bytes(id) > 0 {
            world.advance(seconds(1));
        }
        if let Some((code, reason)) = closed(world, id) {
            assert_eq!((code, &*reason), END);
            return n;
        }
        world.send(id, &odd(n));
    }
    panic!("it went on for ever");
}

#[test]
fn whoever_does_nothing_but_what_is_odd_is_paused_and_then_closed_with_words_of_its_own() {
    type Odd = fn(usize) -> Vec<u8>;
    // How many of them are a hundred points.
    let rows: [(&str, Odd, usize); 6] = [
        ("pings", |_| masked(0x89, b""), 9),
        ("pongs", |_| masked(0x8A, b""), 50),
        ("empty fragments", |n| fragment(n == 0, b""), 12),
        ("tiny fragments", |n| fragment(n == 0, b"abc"), 50),
        (
            "reads of one byte",
            |n| {
                let bytes = text(&message("hi"));
                vec![bytes[n % bytes.len()]]
            },
            100,
        ),
        ("what is no command", |_| text("nonsense"), 5),
    ];
    for (name, odd, free) in rows {
        let mut world = strict(|_| {});
        let id = world.join("alice", "10.0.0.1");
        for n in 0..free {
            world.send(id, &odd(n));
        }
        assert_eq!(
            (said_no(&world), closed(&mut world, id)),
            (0, None),
            "{name}"
        );
        let more = go_on(&mut world, id, |n| odd(n + free));
        assert!(more > 1, "{name}: it was paused first");
        assert!(said_no(&world) >= 3, "{name}: two pauses and the end");
        world.advance(seconds(3));
        assert_eq!(world.census().connections, 0, "{name}");
    }
}

#[test]
fn whoever_leaves_much_unread_and_talks_on_is_odd_too() {
    let mut world = strict(|config| {
        config.limits.outbound_bytes_per_connection_max = 4000;
        config.limits.pauses_max = 100;
    });
    let id = world.join_v1("alice", "10.0.0.1");
    world.client(id).set_window(0);
    let ping = text(r#"{"type":"ping"}"#);
    // A quarter of what may wait.
    while world.census().outbound_bytes <= 1000 {
        world.send(id, &ping);
    }
    assert_eq!(said_no(&world), 0);
    for _ in 0..7 {
        world.send(id, &ping);
    }
    assert!(said_no(&world) > 0, "twenty points for each");
    assert!(
        world.unread_bytes(id) > 0,
        "nothing is read of it for a while"
    );
}

#[test]
fn a_pause_for_glitches_lasts_until_they_are_made_up_for_and_nothing_is_lost() {
    let mut world = strict(|_| {});
    let id = world.join("alice", "10.0.0.1");
    world.send(id, &masked(0x89, b"").repeat(11));
    world.send(id, &text(&message("after the pings")));
    let heard = |world: &mut World| lines(&world.client(id).take_notices());
    assert!(!heard(&mut world).contains(&"alice: after the pings".to_owned()));
    world.advance(seconds(6));
    assert!(heard(&mut world).contains(&"alice: after the pings".to_owned()));
    assert_eq!(closed(&mut world, id), None);
}

#[test]
fn in_turns_that_last_too_long_everything_odd_costs_four_times_as_much() {
    let pongs = |late: u64| {
        let mut world = strict(|_| {});
        let id = world.join("alice", "10.0.0.1");
        world.observe_turn(millis(late));
        let mut pongs = 0;
        while said_no(&world) == 0 {
            world.send(id, &masked(0x8A, b""));
            pongs += 1;
        }
        pongs
    };
    assert_eq!((pongs(1), pongs(20)), (51, 13));
}

#[test]
fn with_the_default_honest_people_with_odd_habits_never_meet_it() {
    let mut world = world();
    let slow = world.join("slow", "10.0.0.1");
    let cut = world.join("cut", "10.0.0.2");
    let keen = world.join("keen", "10.0.0.3");
    world.observe_turn(millis(20));
    for round in 0..30 {
        // One byte every 20 ms.
        for byte in text(&message("byte by byte")) {
            world.send(slow, &[byte]);
            world.advance(millis(20));
        }
        // A text in fragments of a byte.
        let words = message(&format!("in pieces {round}"));
        let (last, first) = words.as_bytes().split_last().expect("words");
        for (n, byte) in first.iter().enumerate() {
            world.send(cut, &fragment(n == 0, &[*byte]));
        }
        world.send(cut, &masked(0x80, &[*last]));
        world.send(keen, &masked(0x89, b"still there?"));
        world.advance(seconds(1));
    }
    assert_eq!(said_no(&world), 0);
    assert_eq!(world.census().user_connections, 3);
}
