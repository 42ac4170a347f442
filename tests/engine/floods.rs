//! What happens to a client that sends too much: bytes, frames, control frames, fragments, nonsense.

use wardroom::config::Rate;
use wardroom::simulation::{Ending, masked, text};

use crate::{closed, lines, message, millis, per_second, roomy_with, seconds, world, world_with};

#[test]
fn bytes_over_the_rate_are_read_later_and_none_is_lost() {
    const MESSAGES: usize = 60;
    let mut world = roomy_with(|config| {
        config.limits.bytes_per_connection = per_second(10_000);
    });
    let alice = world.join("alice", "10.0.0.1");
    let bob = world.join("bob", "10.0.0.2");
    world.client(bob).take_frames();
    let body = "x".repeat(490);
    let bytes: Vec<u8> = (0..MESSAGES)
        .flat_map(|n| text(&message(&format!("{n} {body}"))))
        .collect();
    world.read_bytes_max = 4096;
    world.send(alice, &bytes);
    let at_once = world.client(bob).take_notices().len();
    assert!(at_once > 10 && at_once < 30, "{at_once} of {MESSAGES}");
    assert!(world.unread_bytes(alice) > 10_000, "reading has stopped");
    world.advance(seconds(4));
    let rest = lines(&world.client(bob).take_notices());
    let expected: Vec<String> = (at_once..MESSAGES)
        .map(|n| format!("alice: {n} {body}"))
        .collect();
    assert_eq!(rest, expected);
    world.say(alice, &message("still here"));
    assert_eq!(
        lines(&world.client(bob).take_notices()),
        ["alice: still here"]
    );
}

#[test]
fn a_burst_far_over_the_rate_in_one_read_is_paid_for_once() {
    let mut world = roomy_with(|config| {
        config.limits.bytes_per_connection = Rate::new(1000, seconds(1));
        config.limits.message_bytes_max = 65_536;
        config.limits.message_characters_max = 65_536;
    });
    let alice = world.join("alice", "10.0.0.1");
    world.client(alice).take_frames();
    let bytes = text(&message(&"x".repeat(4000)));
    let debt = millis(bytes.len() as u64 - 1000);
    world.send(alice, &bytes);
    assert_eq!(world.client(alice).take_notices().len(), 0, "on debt");
    world.advance(debt - millis(1));
    assert_eq!(
        world.client(alice).take_notices().len(),
        0,
        "not repaid yet"
    );
    world.advance(millis(1));
    assert_eq!(world.client(alice).take_notices().len(), 1, "repaid");
}

#[test]
fn whoever_did_not_read_for_a_while_may_answer_every_ping_at_once_and_no_more_than_that() {
    let mut world = roomy_with(|config| {
        config.limits.control_frames_per_connection = Rate::new(2, seconds(10));
        config.deadlines.unread = seconds(0);
    });
    let alice = world.join("alice", "10.0.0.1");
    world.client(alice).take_frames();
    world.client(alice).set_window(0);
    for _ in 0..4 {
        world.advance(seconds(31));
        world.say(alice, &message("still here"));
    }
    world.client(alice).set_window(usize::MAX);
    world.settle();
    let frames = world.client(alice).take_frames();
    let pings = frames.iter().filter(|frame| frame.opcode == 9).count();
    assert_eq!(pings, 4);
    let pongs = |count| masked(0x8A, b"").repeat(count);
    world.send(alice, &pongs(4 + 2));
    assert_eq!(closed(&mut world, alice), None);
    world.send(alice, &pongs(1));
    let told = Some((1008, "rate limit exceeded".to_owned()));
    assert_eq!(closed(&mut world, alice), told, "nobody asked for that one");
}

#[test]
fn a_long_pause_for_bytes_is_not_taken_for_silence() {
    let mut world = roomy_with(|config| {
        config.limits.bytes_per_connection = Rate::new(100, seconds(10));
    });
    let alice = world.join("alice", "10.0.0.1");
    world.client(alice).take_frames();
    world.send(alice, &text(&message(&"x".repeat(490))));
    world.queue(alice, &masked(0x8A, b""));
    world.advance(seconds(40));
    assert_eq!(
        world.client(alice).take_frames(),
        [],
        "not read, not pinged"
    );
    world.advance(seconds(10));
    assert_eq!(
        world.client(alice).take_notices().len(),
        1,
        "said in the end"
    );
    assert_eq!(world.client(alice).ending(), Ending::Open);
}

#[test]
fn an_address_shares_its_bytes_and_its_neighbour_does_not_notice() {
    let mut world = roomy_with(|config| {
        config.limits.bytes_per_address = per_second(10_000);
    });
    let ids = [
        world.join("alice", "10.0.0.1"),
        world.join("bob", "10.0.0.1"),
        world.join("carol", "10.0.0.2"),
    ];
    world.send(ids[0], &text(&message(&"x".repeat(490))).repeat(30));
    for id in ids {
        world.client(id).take_frames();
    }
    world.say(ids[1], &message("bob"));
    assert_eq!(world.client(ids[2]).take_frames().len(), 0, "bob waits too");
    world.say(ids[2], &message("carol"));
    assert_eq!(
        lines(&world.client(ids[2]).take_notices()),
        ["carol: carol"]
    );
    world.advance(seconds(3));
    assert!(
        lines(&world.client(ids[2]).take_notices()).contains(&"bob: bob".to_owned()),
        "bob's turn has come"
    );
}

/// A flood: what is configured, the bytes of the n-th frame, how many pass, and how it ends.
struct Flood {
    name: &'static str,
    configure: fn(&mut wardroom::config::Config),
    frame: fn(usize) -> Vec<u8>,
    allowed: usize,
    end: (u16, &'static str),
}

const RATE_LIMITED: (u16, &str) = (1008, "rate limit exceeded");

const FLOODS: [Flood; 5] = [
    Flood {
        name: "pings",
        configure: |_| {},
        frame: |_| masked(0x89, b"x"),
        allowed: 30,
        end: RATE_LIMITED,
    },
    Flood {
        name: "pongs nobody asked for",
        configure: |_| {},
        frame: |_| masked(0x8A, b""),
        allowed: 30,
        end: RATE_LIMITED,
    },
    Flood {
        name: "frames",
        configure: |config| {
            let plenty = per_second(1_000_000);
            config.limits.frames_per_connection = Rate::new(50, seconds(10));
            config.limits.control_frames_per_connection = plenty;
        },
        frame: |_| masked(0x89, b""),
        allowed: 50,
        end: RATE_LIMITED,
    },
    Flood {
        name: "fragments of one message",
        configure: |_| {},
        frame: |n| masked(if n == 0 { 0x01 } else { 0x00 }, b"x"),
        allowed: 128,
        end: (1008, "too many fragments"),
    },
    Flood {
        name: "empty fragments",
        configure: |config| config.limits.fragments_per_message_max = 7,
        frame: |n| masked(if n == 0 { 0x01 } else { 0x00 }, b""),
        allowed: 7,
        end: (1008, "too many fragments"),
    },
];

#[test]
fn a_flood_of_frames_is_closed_at_its_bound_in_an_orderly_way_however_it_is_cut() {
    for flood in FLOODS {
        for read_bytes_max in [1, 2, 3, 7, 65_536] {
            let mut world = world_with(flood.configure);
            world.read_bytes_max = read_bytes_max;
            let id = world.join("alice", "10.0.0.1");
            world.client(id).take_frames();
            let name = flood.name;
            for n in 0..flood.allowed {
                world.send(id, &(flood.frame)(n));
            }
            assert_eq!(closed(&mut world, id), None, "{name}: allowed");
            let mut bytes = (flood.frame)(flood.allowed);
            bytes.extend(masked(0x89, b"after the end"));
            world.send(id, &bytes);
            let (code, reason) = flood.end;
            assert_eq!(
                closed(&mut world, id),
                Some((code, reason.to_owned())),
                "{name} by {read_bytes_max}"
            );
            assert_eq!(
                world.client(id).ending(),
                Ending::HalfClosed,
                "{name} by {read_bytes_max}: nothing more is read from who floods"
            );
            world.hang_up(id);
            assert_eq!(world.client(id).ending(), Ending::Closed, "{name}");
        }
    }
}

#[test]
fn fragments_and_frames_below_their_bounds_do_no_harm() {
    let mut world = world();
    let id = world.join("alice", "10.0.0.1");
    for round in 0..3 {
        world.client(id).take_frames();
        let json = message("in pieces");
        let pieces: Vec<_> = json.bytes().collect();
        let last = pieces.len() - 1;
        for (n, piece) in pieces.into_iter().enumerate() {
            let first = u8::from(n == 0) | if n == last { 0x80 } else { 0 };
            world.send(id, &masked(first, &[piece]));
            if n == 3 {
                world.send(id, &masked(0x89, b"between"));
            }
        }
        let frames = world.client(id).take_frames();
        assert_eq!(frames.len(), 2, "round {round}: a pong and the message");
        assert_eq!((frames[0].opcode, frames[1].opcode), (10, 1));
        world.advance(seconds(10));
    }
}

#[test]
fn nonsense_gets_a_few_replies_then_silence_then_1008() {
    let mut world = world();
    let id = world.join("alice", "10.0.0.1");
    world.client(id).take_frames();
    let mut replies = 0;
    let mut silent = 0;
    let mut end = None;
    for _ in 0..1000 {
        world.say(id, "nonsense");
        let frames = world.client(id).take_frames();
        if let Some(close) = frames.iter().find(|frame| frame.opcode == 8) {
            end = Some(String::from_utf8_lossy(&close.payload[2..]).into_owned());
            break;
        }
        replies += frames.len();
        silent += usize::from(frames.is_empty());
        world.advance(millis(10));
    }
    assert_eq!(end.as_deref(), Some("rate limit exceeded"));
    assert!((10..=16).contains(&replies), "{replies} replies");
    assert!(silent > 100, "{silent} met silence");
}

#[test]
fn whoever_met_silence_and_then_behaves_is_heard_again() {
    let mut world = world();
    let id = world.join("alice", "10.0.0.1");
    for _ in 0..12 {
        world.say(id, "nonsense");
    }
    world.client(id).take_frames();
    world.say(id, "nonsense");
    assert_eq!(world.client(id).take_frames(), [], "silence");
    world.advance(seconds(15));
    world.client(id).take_frames();
    world.say(id, &message("sorry"));
    assert_eq!(lines(&world.client(id).take_notices()), ["alice: sorry"]);
    // What was before counts no more after a minute: the same again ends in the same silence, not in a close.
    world.advance(seconds(45));
    assert_eq!(world.client(id).ending(), Ending::Open);
}
