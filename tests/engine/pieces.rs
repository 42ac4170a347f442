//! What many do at once is cut into pieces: whoever is served between two of them does not wait for all.

use wardroom::config::Config;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, text};

use crate::rooms::{join, message, send, told};
use crate::{ask, chat_request, closed, outcome, roomy_with, seconds};

/// Seats given up at a time are at most 96, and those of one session more; a turn has four such times.
const ENDED_IN_A_TURN_MAX: usize = 4 * (96 + 33);
/// Bytes that may wait for one person where many fall behind.
const OUTBOX: usize = 20_000;

fn rooms(config: &mut Config) {
    config.rooms.public = (0..31).map(|n| format!("room-{n}")).collect();
    config.limits.rooms_per_connection_max = 32;
}

/// Somebody in the lobby and in 31 more rooms, for a minute.
fn everywhere(world: &mut World, n: usize) -> ConnectionId {
    let request = chat_request(&format!("?token=user{n}@60"), "");
    let id = ask(world, "10.1.0.1", &request);
    assert_eq!(outcome(world, id), format!("in as user{n}"));
    for n in 0..31 {
        world.send(id, &text(&join(&format!("room-{n}")).to_string()));
    }
    id
}

/// Somebody who stays, and forty who read nothing from now on.
fn forty_who_do_not_read() -> (World, ConnectionId, Vec<ConnectionId>) {
    let mut world = roomy_with(|config| {
        rooms(config);
        config.limits.outbound_bytes_per_connection_max = OUTBOX;
    });
    let stays = world.join_v1("stays", "10.0.0.1");
    let many: Vec<_> = (0..40).map(|n| everywhere(&mut world, n)).collect();
    world.settle();
    for id in &many {
        world.client(*id).forget_received();
        world.client(*id).set_window(0);
    }
    world.client(stays).forget_received();
    (world, stays, many)
}

/// Turns until no more seats are given up, in each of which somebody says something, asks something and is answered; how many seats each has freed
/// at most, and how many bytes waited for each of the others, while they are many.
fn most_ended_in_a_turn(world: &mut World, bystander: ConnectionId) -> (usize, usize) {
    let (mut most, mut waited, mut unchanged) = (0, 0, 0);
    let mut seats = world.census().seats;
    while unchanged < 3 {
        world.queue(bystander, &text(&long_message()));
        world.queue(bystander, &text(r#"{"type":"ping","id":7}"#));
        world.turn();
        let now = world.census().seats;
        let census = world.census();
        if census.user_connections > 10 {
            waited = waited.max(census.outbound_bytes / (census.user_connections - 1));
        }
        most = most.max(seats - now);
        let answered = told(world, bystander);
        assert!(answered.iter().any(|told| told["id"] == 7), "{answered:?}");
        unchanged = if now == seats { unchanged + 1 } else { 0 };
        seats = now;
    }
    (most, waited)
}

fn long_message() -> String {
    send("lobby", &"x".repeat(400)).to_string()
}

#[test]
fn sessions_that_end_at_once_in_many_rooms_each_end_a_few_at_a_time() {
    let mut world = roomy_with(rooms);
    let stays = world.join_v1("stays", "10.0.0.1");
    let many: Vec<_> = (0..40).map(|n| everywhere(&mut world, n)).collect();
    assert_eq!(world.census().seats, 40 * 32 + 1);
    world.client(stays).forget_received();
    let end = world.now().instant + seconds(60);
    world.set_instant(end);
    for id in &many {
        world.client(*id).forget_received();
    }
    let (most, _) = most_ended_in_a_turn(&mut world, stays);
    assert!((33..=ENDED_IN_A_TURN_MAX).contains(&most), "{most} seats");
    for id in many {
        let frames = world.client(id).take_frames();
        let last = frames.last().expect("all of them have ended");
        assert_eq!(
            (last.opcode, &last.payload[..2]),
            (8, &1008_u16.to_be_bytes()[..])
        );
        let said = |payload: &[u8]| String::from_utf8_lossy(payload).contains("\"message\":\"x");
        let heard = frames.iter().filter(|frame| said(&frame.payload)).count();
        assert_eq!(heard, 0, "messages after their end");
    }
}

#[test]
fn however_many_fall_behind_by_one_message_they_are_closed_a_few_at_a_time_and_told_nothing_more() {
    let (mut world, stays, many) = forty_who_do_not_read();
    let seats = world.census().seats;
    while world.census().outbound_bytes < 40 * OUTBOX {
        world.send(stays, &text(&long_message()));
        assert_eq!(world.census().seats, seats, "none is too far behind");
    }
    world.client(stays).forget_received();
    let (most, waited) = most_ended_in_a_turn(&mut world, stays);
    assert!((33..=ENDED_IN_A_TURN_MAX).contains(&most), "{most} seats");
    // What was too much, and what their goodbyes take.
    assert!(waited < OUTBOX + 1300, "{waited} bytes");
    assert_eq!(world.census().seats, 1);
    for id in many {
        world.client(id).set_window(usize::MAX);
        world.settle();
        let last = closed(&mut world, id);
        assert_eq!(last, Some((1008, "reading too slowly".to_owned())));
    }
}

#[test]
fn nobody_goes_for_what_waits_for_those_who_go_already() {
    // Of one who reads slowly, and of ten who are a message behind.
    const SLOW: usize = 18_000;
    const OTHERS_MAX: usize = SLOW + 13 * MESSAGE;
    const MESSAGE: usize = 480;
    let mut world = roomy_with(|config| {
        rooms(config);
        config.rooms.public.push("aside".to_owned());
        config.limits.outbound_bytes_per_connection_max = OUTBOX;
        config.limits.outbound_bytes_max = 40 * (OUTBOX + MESSAGE) + OTHERS_MAX;
    });
    let stays = world.join_v1("stays", "10.0.0.1");
    let in_aside: Vec<_> = (0..12)
        .map(|n| {
            let id = world.join_v1(&format!("aside{n}"), "10.0.0.1");
            world.send(id, &text(&join("aside").to_string()));
            world.send(id, &text(r#"{"type":"leave","room":"lobby"}"#));
            id
        })
        .collect();
    let [aside, slow, ..] = in_aside[..] else {
        unreachable!("twelve");
    };
    let many: Vec<_> = (0..40).map(|n| everywhere(&mut world, n)).collect();
    let many_and_all = world.census().user_connections;
    let said_aside = text(&send("aside", &"x".repeat(400)).to_string());
    world.client(slow).set_window(0);
    while world.census().outbound_bytes < SLOW {
        world.send(aside, &said_aside);
    }
    for id in in_aside[2..].iter().chain(&many) {
        world.client(*id).set_window(0);
    }
    world.send(aside, &said_aside);
    let others = world.census().outbound_bytes;
    assert!(
        (OTHERS_MAX - 3 * MESSAGE..OTHERS_MAX).contains(&others),
        "{others}"
    );
    while world.census().outbound_bytes < 40 * OUTBOX + others {
        world.send(stays, &text(&long_message()));
    }
    assert_eq!(world.census().user_connections, many_and_all);
    // By the first of these the forty are too far behind.
    world.queue(stays, &text(&long_message()));
    world.queue(aside, &said_aside);
    world.settle();
    assert!(world.census().user_connections < 20, "they have gone");
    world.client(slow).set_window(usize::MAX);
    world.settle();
    assert_eq!(closed(&mut world, slow), None);
    assert_eq!(world.client(slow).ending(), Ending::Open);
}

#[test]
fn whoever_was_too_far_behind_and_reads_on_before_they_are_closed_has_no_hole_in_what_they_heard() {
    let (mut world, stays, many) = forty_who_do_not_read();
    while world.census().user_connections == 41 {
        world.queue(stays, &text(&long_message()));
        world.turn();
    }
    let last = many[30];
    assert_eq!(closed(&mut world, last), None, "others go first");
    world.client(last).set_window(usize::MAX);
    world.queue(stays, &text(&long_message()));
    world.turn();
    let leave = r#"{"type":"leave","room":"lobby"}"#;
    for request in [&*send("lobby", "I read on").to_string(), leave] {
        world.queue(last, &text(request));
    }
    world.queue(stays, &text(&long_message()));
    world.settle();
    let heard: Vec<u64> = told(&mut world, last)
        .iter()
        .filter_map(message)
        .map(|(seq, _)| seq)
        .collect();
    let first = heard[0];
    let whole: Vec<u64> = (first..first + heard.len() as u64).collect();
    assert_eq!(heard, whole);
    let words = "I read on";
    let said = told(&mut world, stays);
    assert!(!said.iter().any(|notice| notice["message"] == words));
}

#[test]
fn rooms_with_thousands_of_hearers_in_all_are_told_one_after_the_other_and_nobody_is_left_out() {
    let mut world = roomy_with(|config| {
        rooms(config);
        config.limits.connections_per_address = 1000;
        config.turn.writes_max = 10_000;
    });
    let many: Vec<_> = (0..280).map(|n| everywhere(&mut world, n)).collect();
    world.advance(seconds(29));
    for id in &many {
        world.client(*id).forget_received();
    }
    for (n, id) in many.iter().enumerate().take(31) {
        let room = format!("room-{n}");
        world.queue(*id, &text(&send(&room, "hello").to_string()));
    }
    let heard = |world: &mut World| -> Vec<usize> {
        let mut heard = |id: &ConnectionId| told(world, *id).iter().filter_map(message).count();
        many.iter().map(&mut heard).collect()
    };
    world.turn();
    let first = heard(&mut world);
    world.settle();
    let rest = heard(&mut world);
    assert!(rest.iter().sum::<usize>() > 0, "not all in one piece");
    for (first, rest) in first.iter().zip(rest) {
        assert_eq!(first + rest, 31, "each hears of every room once");
    }
}
