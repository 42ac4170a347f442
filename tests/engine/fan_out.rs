//! One message to many: slow readers are cut off, and nobody else notices.

use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, masked, text};

use crate::{closed, lines, message, millis, roomy, roomy_with, seconds, world};

/// Says `count` messages of about `bytes` bytes.
fn talk(world: &mut World, id: ConnectionId, count: usize, bytes: usize) {
    for _ in 0..count {
        world.say(id, &message(&"x".repeat(bytes)));
    }
}

fn messages_heard(world: &mut World, id: ConnectionId) -> usize {
    let notices = world.client(id).take_notices();
    notices.iter().filter(|n| n["sender"] != "System").count()
}

#[test]
fn a_slow_reader_is_closed_before_it_costs_more_than_its_outbox_and_nobody_else_notices() {
    const OUTBOX: usize = 20_000;
    let mut world = roomy_with(|config| {
        config.limits.outbound_bytes_per_connection_max = OUTBOX;
    });
    let alice = world.join("alice", "10.0.0.1");
    let slow = world.join("slow", "10.0.0.2");
    let bob = world.join("bob", "10.0.0.3");
    world.client(slow).take_frames();
    world.client(slow).set_window(100);
    talk(&mut world, alice, 30, 400);
    assert_eq!(world.census().user_connections, 3);
    let waiting = world.census().outbound_bytes;
    assert!(waiting > 10_000 && waiting <= OUTBOX, "{waiting}");
    talk(&mut world, alice, 30, 400);
    assert_eq!(world.census().user_connections, 2);
    let waiting = world.census().outbound_bytes;
    assert!(
        waiting < 1000,
        "{waiting}: what it did not read is thrown away"
    );
    let seen = lines(&world.client(bob).take_notices());
    let left = "System: User slow has left the chat.";
    assert_eq!(seen.iter().filter(|line| *line == left).count(), 1);
    assert_eq!(seen.iter().filter(|l| l.starts_with("alice: ")).count(), 60);
    world.client(slow).set_window(usize::MAX);
    world.settle();
    assert_eq!(
        closed(&mut world, slow),
        Some((1008, "reading too slowly".to_owned()))
    );
    world.advance(seconds(3));
    assert_eq!(world.client(slow).ending(), Ending::Closed);
    assert_eq!(messages_heard(&mut world, alice), 60);
}

#[test]
fn a_slow_reader_that_catches_up_in_time_has_missed_nothing() {
    let mut world = World::new(roomy());
    let alice = world.join("alice", "10.0.0.1");
    let slow = world.join("slow", "10.0.0.2");
    world.client(slow).take_frames();
    world.client(slow).set_window(0);
    talk(&mut world, alice, 100, 400);
    for _ in 0..2000 {
        world.client(slow).set_window(37);
        world.settle();
    }
    assert_eq!(messages_heard(&mut world, slow), 100);
    assert_eq!(world.census().outbound_bytes, 0);
}

#[test]
fn when_all_that_waits_is_too_much_those_who_hold_the_most_go_and_readers_stay() {
    const IN_ALL: usize = 60_000;
    let mut world = roomy_with(|config| {
        config.limits.outbound_bytes_per_connection_max = 1_000_000;
        config.limits.outbound_bytes_max = IN_ALL;
    });
    let alice = world.join("alice", "10.0.0.1");
    let slow: Vec<_> = (0..3)
        .map(|n| {
            let id = world.join(&format!("slow{n}"), &format!("10.0.1.{n}"));
            world.client(id).take_frames();
            world.client(id).set_window(0);
            id
        })
        .collect();
    let readers: Vec<_> = (0..5)
        .map(|n| world.join(&format!("reader{n}"), &format!("10.0.2.{n}")))
        .collect();
    let mut present = world.census().user_connections;
    for _ in 0..100 {
        talk(&mut world, alice, 1, 400);
        let census = world.census();
        let waiting = census.outbound_bytes;
        assert!(waiting < IN_ALL + 3 * 600, "{waiting} bytes wait");
        if census.user_connections < present {
            assert!(
                waiting < IN_ALL * 3 / 4,
                "{waiting}: what they held is free"
            );
        }
        present = census.user_connections;
    }
    for id in readers.into_iter().chain([alice]) {
        assert_eq!(messages_heard(&mut world, id), 100);
        assert_eq!(world.client(id).ending(), Ending::Open);
    }
    assert!(world.census().user_connections < 9, "somebody had to go");
    for id in slow {
        world.client(id).set_window(usize::MAX);
        world.settle();
        let reason = closed(&mut world, id);
        let overloaded = Some((1013, "overloaded, try again later".to_owned()));
        assert!(reason.is_none() || reason == overloaded, "{reason:?}");
    }
    assert_eq!(world.census().outbound_bytes, 0);
}

#[test]
fn everybody_in_a_full_room_hears_everybody() {
    let mut world = World::new(roomy());
    let ids: Vec<_> = (0..200)
        .map(|n| world.join(&format!("u{n}"), &format!("10.0.0.{n}")))
        .collect();
    for id in &ids {
        world.client(*id).take_frames();
    }
    for id in ids.iter().step_by(10) {
        world.say(*id, &message("hi"));
    }
    for id in &ids {
        assert_eq!(messages_heard(&mut world, *id), 20);
    }
}

#[test]
fn stopping_says_goodbye_to_all_and_admits_nobody_to_a_room() {
    let mut world = world();
    let tutorial = world.join("alice", "10.0.0.1");
    let full = world.join_v1("bob", "10.0.0.2");
    let page = crate::ask(
        &mut world,
        "10.0.0.3",
        "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n",
    );
    let half = crate::ask(&mut world, "10.0.0.4", "GET / HT");
    for id in [tutorial, full] {
        world.client(id).take_frames();
    }
    world.stop();
    let going_away = Some((1001, "server is going away".to_owned()));
    let frames = world.client(full).take_frames();
    let mut bye: serde_json::Value = frames
        .iter()
        .rev()
        .find(|frame| frame.opcode == 1)
        .and_then(|frame| serde_json::from_slice(&frame.payload).ok())
        .unwrap_or_default();
    let delay = bye["reconnect_after_ms"].take();
    assert!(delay.as_u64().is_some_and(|delay| delay < 5000), "{delay}");
    let expected = serde_json::json!({"type": "bye", "code": 1001, "reason": "server is going away", "reconnect_after_ms": null});
    assert_eq!(bye, expected);
    let close = frames.last().expect("a close frame");
    assert_eq!((close.opcode, &close.payload[..2]), (8, &[0x03, 0xE9][..]));
    assert_eq!(closed(&mut world, tutorial), going_away);
    assert_eq!(world.client(page).ending(), Ending::HalfClosed);
    assert_eq!(
        world.client(half).ending(),
        Ending::Open,
        "it may still ask"
    );
    assert_eq!(world.census().user_connections, 0);
    world.advance(seconds(3));
    assert_eq!(world.census(), Census::default());
}

/// A lobby of so many people, who have read all they were told, under this bound on what waits for all.
fn full_lobby(people: usize, outbound_bytes_max: usize) -> (World, Vec<ConnectionId>) {
    let mut world = roomy_with(|config| {
        config.limits.outbound_bytes_max = outbound_bytes_max;
        config.rooms.announced_people_max = people;
    });
    let ids: Vec<_> = (0..people)
        .map(|n| {
            world.join_v1(
                &format!("user-{n}"),
                &format!("10.0.{}.{}", n / 250, n % 250),
            )
        })
        .collect();
    for id in &ids {
        world.client(*id).forget_received();
    }
    (world, ids)
}

#[test]
fn a_burst_to_a_full_lobby_closes_nobody_who_reads() {
    let (mut world, ids) = full_lobby(100, 64 * 1024);
    let long = "\u{1F6A2}".repeat(500);
    let send = text(&format!(
        r#"{{"type":"send","room":"lobby","message":"{long}"}}"#
    ));
    world.send(ids[0], &send.repeat(4));
    for id in &ids {
        let told = world.client(*id).take_notices();
        let messages = told.iter().filter(|notice| notice["type"] == "message");
        assert_eq!(messages.count(), 4);
    }
    assert_eq!(world.census().user_connections, 100);
}

#[test]
fn a_hundred_goodbyes_in_one_turn_close_nobody_else() {
    let (mut world, ids) = full_lobby(300, 64 * 1024);
    let (going, staying) = ids.split_at(100);
    for id in going {
        world.queue(*id, &masked(0x88, &[0x03, 0xE8]));
    }
    // So many are told who comes and goes a little later, all at once.
    world.advance(millis(30));
    assert_eq!(world.census().user_connections, staying.len());
    for id in staying {
        let told = world.client(*id).take_notices();
        assert_eq!(
            told.iter()
                .filter(|notice| notice["type"] == "left")
                .count(),
            100
        );
    }
}

#[test]
fn after_a_leave_is_answered_nothing_of_the_room_follows() {
    let (mut world, ids) = full_lobby(2, 64 * 1024);
    world.queue(
        ids[0],
        &text(r#"{"type":"send","room":"lobby","message":"before"}"#),
    );
    world.queue(ids[1], &text(r#"{"type":"leave","id":1,"room":"lobby"}"#));
    world.settle();
    world.say(
        ids[0],
        r#"{"type":"send","room":"lobby","message":"after"}"#,
    );
    let told = world.client(ids[1]).take_notices();
    assert_eq!(told[0]["message"], "before");
    assert_eq!(
        told.last().map(|notice| notice["type"].clone()),
        Some("ok".into())
    );
}
