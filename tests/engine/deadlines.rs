//! Everything that is waited for has its end, to the millisecond.

use std::time::Duration;

use proptest::prelude::*;
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, frame, masked, upgrade_request};
use wardroom::time::Wall;

use crate::{
    ask, chat_request, closed, lines, message, millis, outcome, seconds, stay, world, world_with,
};

const PLAIN: &str = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";

/// A sign of life: what it is, and how it is given.
type Life = (&'static str, fn(&mut World, ConnectionId));

#[test]
fn a_head_that_is_not_there_after_ten_seconds_gets_408_though_bytes_keep_coming() {
    let mut world = world();
    let id = world.connect("10.0.0.1").expect("room");
    let head = upgrade_request("/ws/chat?token=alice", "");
    for byte in head.as_bytes().iter().take(99) {
        world.send(id, &[*byte]);
        world.advance(millis(100));
    }
    world.advance(millis(99));
    assert_eq!(world.client(id).take_response(), None);
    world.advance(millis(1));
    let (status, _) = world.client(id).take_response().expect("an answer");
    assert_eq!(status, 408);
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);
    world.advance(millis(499));
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);
    world.advance(millis(1));
    assert_eq!(world.client(id).ending(), Ending::Closed);
    assert_eq!(world.census(), Census::default());
}

#[test]
fn a_silent_connection_gets_408_after_ten_seconds() {
    let mut world = world();
    let id = world.connect("10.0.0.1").expect("room");
    world.advance(seconds(10) - millis(1));
    assert_eq!(world.client(id).take_response(), None);
    world.advance(millis(1));
    assert_eq!(world.client(id).take_response().map(|r| r.0), Some(408));
}

#[test]
fn whoever_goes_on_asking_for_pages_has_a_minute_from_accept() {
    let mut world = world();
    let id = world.connect("10.0.0.1").expect("room");
    for _ in 0..10 {
        world.advance(seconds(5));
        world.send(id, PLAIN.as_bytes());
        assert_eq!(world.client(id).take_response().map(|r| r.0), Some(200));
    }
    world.advance(seconds(10) - millis(1));
    assert_eq!(world.client(id).ending(), Ending::Open);
    world.advance(millis(1));
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);

    // A request that is under way then is told.
    let id = world.connect("10.0.0.1").expect("room");
    for _ in 0..5 {
        world.send(id, PLAIN.as_bytes());
        world.client(id).take_response();
        world.advance(seconds(11));
    }
    world.send(id, b"GET / HT");
    world.advance(seconds(5) - millis(1));
    assert_eq!(world.client(id).take_response(), None);
    world.advance(millis(1));
    assert_eq!(world.client(id).take_response().map(|r| r.0), Some(408));

    // A session has its own deadlines, however late it was opened.
    let id = world.connect("10.0.0.1").expect("room");
    for _ in 0..5 {
        world.send(id, PLAIN.as_bytes());
        world.client(id).take_response();
        world.advance(seconds(11));
    }
    world.send(id, chat_request("?token=alice", "").as_bytes());
    world.advance(seconds(20));
    assert_eq!(outcome(&mut world, id), "in as alice");
}

#[test]
fn a_kept_connection_waits_fifteen_seconds_for_a_request_and_ten_for_its_head() {
    let mut world = world();
    let id = ask(&mut world, "10.0.0.1", PLAIN);
    // Late, and in two pieces: the head's own time begins with its first byte.
    world.advance(seconds(14));
    let (first, second) = PLAIN.split_at(9);
    world.send(id, first.as_bytes());
    world.advance(seconds(9));
    world.send(id, second.as_bytes());
    for _ in 0..2 {
        assert_eq!(world.client(id).take_response().map(|r| r.0), Some(200));
    }
    world.send(id, first.as_bytes());
    world.advance(seconds(10));
    assert_eq!(world.client(id).take_response().map(|r| r.0), Some(408));

    let id = ask(&mut world, "10.0.0.1", PLAIN);
    world.client(id).take_response();
    world.advance(seconds(15) - millis(1));
    assert_eq!(world.client(id).ending(), Ending::Open);
    world.advance(millis(1));
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);
    assert_eq!(
        world.client(id).take_response(),
        None,
        "nothing to complain of"
    );
}

#[test]
fn whoever_says_nothing_at_first_is_closed_when_the_operator_wants_it() {
    let configure = |config: &mut wardroom::config::Config| {
        config.deadlines.first_message = seconds(40);
    };
    let mut world = world_with(configure);
    let silent = world.join("alice", "10.0.0.1");
    let talker = world.join("bob", "10.0.0.2");
    world.say(talker, &message("hi"));
    stay(&mut world, talker, millis(0));
    for id in [silent, talker] {
        world.send(id, &masked(0x8A, b""));
    }
    world.advance(seconds(20));
    for id in [silent, talker] {
        world.send(id, &masked(0x8A, b""));
    }
    world.advance(seconds(20) - millis(1));
    assert_eq!(closed(&mut world, silent), None);
    world.advance(millis(1));
    assert_eq!(
        closed(&mut world, silent),
        Some((1008, "no message came".to_owned()))
    );
    assert_eq!(world.client(talker).ending(), Ending::Open);
    assert_eq!(closed(&mut world, talker), None);
}

#[test]
fn a_connection_without_messages_is_closed_as_idle_though_it_answers_pings() {
    let mut world = world_with(|config| config.deadlines.idle = seconds(100));
    let id = world.join("alice", "10.0.0.1");
    stay(&mut world, id, seconds(70));
    world.say(id, &message("still here"));
    stay(&mut world, id, seconds(100) - millis(1));
    assert_eq!(closed(&mut world, id), None);
    world.advance(millis(1));
    assert_eq!(closed(&mut world, id), Some((1001, "idle".to_owned())));
}

#[test]
fn thirty_seconds_of_silence_are_answered_by_a_ping_and_twenty_more_by_a_close() {
    let mut world = world();
    let id = world.join("alice", "10.0.0.1");
    world.client(id).take_frames();
    world.advance(seconds(30) - millis(1));
    assert_eq!(world.client(id).take_frames(), []);
    world.advance(millis(1));
    let ping = world.client(id).take_frame().expect("a ping");
    assert_eq!((ping.opcode, ping.payload.len()), (9, 0));
    world.advance(seconds(20) - millis(1));
    assert_eq!(closed(&mut world, id), None);
    world.advance(millis(1));
    assert_eq!(
        closed(&mut world, id),
        Some((1001, "no answer to ping".to_owned()))
    );
}

#[test]
fn any_byte_counts_as_life() {
    let lives: [Life; 5] = [
        ("a pong", |world, id| world.send(id, &masked(0x8A, b""))),
        ("a ping", |world, id| world.send(id, &masked(0x89, b"x"))),
        ("a message", |world, id| world.say(id, &message("x"))),
        ("nonsense", |world, id| world.say(id, "nonsense")),
        ("half a header", |world, id| world.send(id, &[0x81])),
    ];
    for (name, live) in lives {
        let mut world = world();
        let id = world.join("alice", "10.0.0.1");
        world.advance(seconds(49));
        live(&mut world, id);
        world.client(id).take_frames();
        world.advance(seconds(30) - millis(1));
        assert_eq!(world.client(id).take_frames(), [], "{name}");
        world.advance(millis(1));
        let ping = world.client(id).take_frame().expect(name);
        assert_eq!(ping.opcode, 9, "{name}");
    }
}

#[test]
fn a_close_handshake_that_is_not_answered_ends_after_two_seconds_and_a_moment() {
    let mut world = world();
    let id = world.join("alice", "10.0.0.1");
    world.send(id, &masked(0x82, b"binary"));
    let reason = "binary messages are not accepted".to_owned();
    assert_eq!(closed(&mut world, id), Some((1003, reason)));
    world.advance(seconds(2) - millis(1));
    assert_eq!(world.client(id).ending(), Ending::Open);
    world.advance(millis(1));
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);
    world.advance(millis(499));
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);
    world.advance(millis(1));
    assert_eq!(world.client(id).ending(), Ending::Closed);
    assert_eq!(world.census(), Census::default());
}

#[test]
fn whoever_does_not_read_the_last_words_is_not_waited_for() {
    for (what, bytes) in [
        ("nothing is expected of it", frame(0x81, 1, false)),
        ("it is to answer", masked(0x82, b"binary")),
    ] {
        let mut world = world();
        let id = world.join("alice", "10.0.0.1");
        world.client(id).set_window(0);
        world.send(id, &bytes);
        world.advance(seconds(2) - millis(1));
        assert_eq!(world.client(id).ending(), Ending::Open, "{what}");
        world.advance(millis(1));
        assert_eq!(world.client(id).ending(), Ending::Closed, "{what}");
        assert_eq!(world.census(), Census::default(), "{what}");
    }
}

#[test]
fn a_token_ends_its_connection_by_the_date_however_the_date_moves() {
    const MINUTE: u64 = 60_000;
    // How far the date jumps, and the longest the connection may outlive the token's date then.
    let rows: [(i64, Duration); 4] = [
        (0, millis(0)),
        (-30_000, millis(0)),
        (30_000, seconds(30)),
        (600_000, seconds(30)),
    ];
    for (jump, late_max) in rows {
        let mut world = world();
        let expires = world.now().wall.as_millis() + MINUTE;
        let request = crate::chat_request("?token=alice@60", "");
        let id = ask(&mut world, "10.0.0.1", &request);
        assert_eq!(outcome(&mut world, id), "in as alice");
        stay(&mut world, id, seconds(10));
        let date = world.now().wall.as_millis();
        world.jump_wall(Wall::from_millis(date.saturating_add_signed(jump)));
        let early = expires.saturating_sub(world.now().wall.as_millis());
        if early > 0 {
            stay(&mut world, id, millis(early - 1));
            assert_eq!(closed(&mut world, id), None, "{jump}: not before");
            world.advance(millis(1));
        }
        stay(&mut world, id, late_max);
        let expected = Some((1008, "token expired".to_owned()));
        assert_eq!(closed(&mut world, id), expected, "{jump}");
    }
}

/// What a client does, in the order of a random run.
#[derive(Debug, Clone, Copy)]
enum Habit {
    Silent,
    HalfHead,
    Page,
    Joins,
    JoinsAndStays,
    Closes,
    ReadsNothing,
}

fn habit() -> impl Strategy<Value = Habit> {
    prop::sample::select(vec![
        Habit::Silent,
        Habit::HalfHead,
        Habit::Page,
        Habit::Joins,
        Habit::JoinsAndStays,
        Habit::Closes,
        Habit::ReadsNothing,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Clients come at random times and never go by themselves: every one is closed when its time is up.
    #[test]
    fn no_deadline_is_lost(
        arrivals in prop::collection::vec((habit(), 0u64..5000), 1..60),
    ) {
        let mut world = World::new(crate::roomy());
        let mut staying = Vec::new();
        for (n, (habit, wait)) in arrivals.into_iter().enumerate() {
            for id in &staying {
                world.send(*id, &masked(0x8A, b""));
            }
            world.advance(millis(wait));
            let (user, peer) = (format!("u{n}"), format!("10.0.0.{n}"));
            match habit {
                Habit::Silent => { world.connect(&peer).expect("room"); }
                Habit::HalfHead => { ask(&mut world, &peer, "GET /ws/chat HTT"); }
                Habit::Page => { ask(&mut world, &peer, PLAIN); }
                Habit::Joins => { world.join(&user, &peer); }
                Habit::JoinsAndStays => staying.push(world.join(&user, &peer)),
                Habit::Closes => {
                    let id = world.join(&user, &peer);
                    world.send(id, &masked(0x88, &[]));
                }
                Habit::ReadsNothing => {
                    let id = world.join(&user, &peer);
                    world.client(id).set_window(0);
                }
            }
        }
        // Ping, pong, close handshake, last words to one who does not read.
        let longest = seconds(30 + 20 + 2 + 2) + millis(500);
        let until = world.now().instant + longest;
        while world.now().instant < until {
            for id in &staying {
                world.send(*id, &masked(0x8A, b""));
            }
            world.advance(until.since(world.now().instant).min(seconds(7)));
        }
        prop_assert_eq!(world.census().connections, staying.len());
        prop_assert_eq!(world.census().deadlines, staying.len());
        world.advance(longest);
        prop_assert_eq!(world.census(), Census::default());
    }
}

#[test]
fn a_thousand_silent_clients_go_in_one_instant_and_those_who_talk_stay() {
    let mut world = World::new(crate::roomy());
    let talker = world.join("talker", "10.9.9.9");
    let ids: Vec<_> = (0..1000)
        .map(|n| {
            world
                .connect(&format!("10.0.{}.{}", n / 250, n % 250))
                .is_ok()
        })
        .collect();
    assert!(ids.iter().all(|admitted| *admitted));
    world.advance(seconds(10) + millis(500));
    assert_eq!(world.census().connections, 1);
    world.client(talker).take_frames();
    world.say(talker, &message("hi"));
    assert_eq!(lines(&world.client(talker).take_notices()), ["talker: hi"]);
}
