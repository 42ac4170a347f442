//! Every way a connection can end gives back everything it held.

use std::time::Duration;

use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, frame, masked};

use crate::{world, world_with};

/// A way for a connection to end.
type End = (&'static str, fn(&mut World, ConnectionId));

const ENDINGS: [End; 23] = [
    ("the client hangs up", |world, id| world.hang_up(id)),
    ("the connection breaks", |world, id| world.reset(id)),
    ("the client says goodbye", |world, id| {
        world.send(id, &masked(0x88, &[0x03, 0xE8]));
    }),
    ("an unmasked frame", |world, id| {
        world.send(id, &frame(0x81, 1, false))
    }),
    ("a reserved bit", |world, id| {
        world.send(id, &masked(0xC1, b"x"))
    }),
    ("invalid UTF-8", |world, id| {
        world.send(id, &masked(0x81, &[0xFF]))
    }),
    ("a giant frame", |world, id| {
        world.send(id, &frame(0x81, 1 << 40, true))
    }),
    ("a binary message", |world, id| {
        world.send(id, &masked(0x82, b"x"))
    }),
    ("a flood of pings", |world, id| {
        for _ in 0..100 {
            world.send(id, &masked(0x89, b""));
        }
    }),
    ("a flood of nonsense", |world, id| {
        for _ in 0..200 {
            world.say(id, "nonsense");
            world.advance(Duration::from_millis(100));
        }
    }),
    ("endless fragments", |world, id| {
        world.send(id, &masked(0x01, b""));
        for _ in 0..200 {
            world.send(id, &masked(0x00, b""));
        }
    }),
    ("no answer to a ping", |world, _| {
        world.advance(Duration::from_secs(51))
    }),
    ("the server stops", |world, _| world.stop()),
    ("half a frame, then a reset", |world, id| {
        world.send(id, &frame(0x81, 100, true));
        world.reset(id);
    }),
    ("half a message, then the end of input", |world, id| {
        world.send(id, &masked(0x01, b"half"));
        world.hang_up(id);
    }),
    (
        "goodbye, then a reset before the answer is read",
        |world, id| {
            world.client(id).set_window(0);
            world.send(id, &masked(0x88, &[0x03, 0xE8]));
            world.reset(id);
        },
    ),
    ("a violation, then a reset while it is told", |world, id| {
        world.client(id).set_window(0);
        world.send(id, &masked(0xC1, b"x"));
        world.reset(id);
    }),
    ("a violation, then the end of input", |world, id| {
        world.send(id, &masked(0xC1, b"x"));
        world.hang_up(id);
    }),
    ("two ends in one read", |world, id| {
        let mut bytes = masked(0x88, &[0x03, 0xE8]);
        bytes.extend(masked(0xC1, b"x"));
        bytes.extend(masked(0x88, &[]));
        world.send(id, &bytes);
    }),
    ("megabytes after the end", |world, id| {
        world.send(id, &masked(0xC1, b"x"));
        world.send(id, &vec![0; 1 << 20]);
    }),
    ("it reads nothing of what others say", |world, id| {
        world.client(id).set_window(0);
        let other = world.join("talker", "10.0.0.7");
        for _ in 0..600 {
            let long = crate::message(&"x".repeat(480));
            world.say(other, &long);
            if world.census().user_connections == 1 {
                break;
            }
            world.advance(Duration::from_secs(1));
            world.send(id, &masked(0x8A, b""));
        }
        world.reset(other);
    }),
    ("silence until it is idle", |world, id| {
        crate::stay(world, id, Duration::from_secs(8 * 60 * 60 + 1));
    }),
    ("half a frame, then silence", |world, id| {
        world.send(id, &frame(0x81, 100, true));
        world.advance(Duration::from_secs(51));
    }),
];

#[test]
fn every_way_to_end_gives_everything_back() {
    for (name, end) in ENDINGS {
        let mut world = world();
        let id = world.join("alice", "10.0.0.1");
        end(&mut world, id);
        let census = world.census();
        assert_eq!(
            census.user_connections, 0,
            "{name}: the user is free at once"
        );
        assert_eq!(
            census.prefix_connections.1, 0,
            "{name}: the address is free at once"
        );
        assert_eq!(census.seats, 0, "{name}: the seat is free at once");
        world.advance(Duration::from_secs(5));
        assert_eq!(world.client(id).ending(), Ending::Closed, "{name}");
        assert_eq!(world.census(), Census::default(), "{name}: nothing is left");
    }
}

/// How often `user` gets in from `peer`, at most `tries` times.
fn let_in(world: &mut World, user: &str, peer: &str, tries: usize) -> usize {
    (0..tries)
        .filter(|_| {
            let entered = crate::knock(world, peer, &format!("?token={user}"), "");
            entered == format!("in as {user}")
        })
        .count()
}

#[test]
fn every_way_to_end_frees_exactly_one_place_of_the_user_and_of_the_address() {
    for (name, end) in ENDINGS {
        let mut world = world_with(|config| config.limits.earned_per_address_max = 0);
        let id = world.join("alice", "10.0.0.1");
        end(&mut world, id);
        if name == "the server stops" {
            continue;
        }
        world.advance(Duration::from_secs(12));
        assert_eq!(let_in(&mut world, "alice", "10.0.0.1", 5), 3, "{name}");
        assert_eq!(let_in(&mut world, "bob", "10.0.0.1", 5), 2, "{name}");
    }
}

#[test]
fn in_a_full_house_every_quick_way_to_end_makes_room_for_one() {
    for (name, end) in ENDINGS {
        let mut world = world();
        let id = world.join("alice", "10.0.0.1");
        assert_eq!(let_in(&mut world, "alice", "10.0.0.1", 5), 2);
        assert_eq!(let_in(&mut world, "bob", "10.0.0.1", 5), 2);
        let begun = world.now().instant;
        end(&mut world, id);
        let took = world.now().instant.since(begun);
        if took > Duration::from_secs(29) || name == "the server stops" {
            // The others have gone meanwhile, too.
            continue;
        }
        world.advance(Duration::from_secs(29) - took);
        assert_eq!(let_in(&mut world, "alice", "10.0.0.1", 3), 1, "{name}");
        assert_eq!(let_in(&mut world, "carol", "10.0.0.1", 3), 0, "{name}");
    }
}

#[test]
fn whoever_hangs_up_while_the_last_word_waits_for_them_has_no_more_time_to_read_it() {
    let mut world = world();
    let id = world.join("dawdler", "10.0.0.1");
    world.client(id).set_window(0);
    // A violation ends it at once: from now on `deadlines.close` is left.
    world.send(id, &masked(0xC1, b"x"));
    world.advance(Duration::from_millis(1900));
    assert_eq!(world.client(id).ending(), Ending::Open);
    world.hang_up(id);
    world.advance(Duration::from_millis(100));
    assert_eq!(world.client(id).ending(), Ending::Closed);
    assert_eq!(world.census(), Census::default());
}

#[test]
fn whoever_loses_no_right_with_their_connection_still_reads_what_was_said_before_its_end() {
    let endings: [End; 3] = [
        ("a binary message", |world, id| {
            world.send(id, &masked(0x82, b"x"));
        }),
        ("a reserved bit", |world, id| {
            world.send(id, &masked(0xC1, b"x"));
        }),
        ("the server stops", |world, _| world.stop()),
    ];
    for (name, end) in endings {
        let mut world = world();
        let hearer = world.join("hearer", "10.0.0.1");
        let talker = world.join("talker", "10.0.0.7");
        world.client(hearer).take_frames();
        world.client(hearer).set_window(0);
        world.say(talker, &crate::message("before"));
        end(&mut world, hearer);
        world.client(hearer).set_window(usize::MAX);
        world.settle();
        let frames = world.client(hearer).take_frames();
        let first = String::from_utf8_lossy(&frames[0].payload);
        assert!(first.contains("before"), "{name}: {first}");
        let last = frames.last().map(|frame| frame.opcode);
        assert_eq!(last, Some(8), "{name}");
    }
}
