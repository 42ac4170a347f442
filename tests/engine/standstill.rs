//! A process that stood still: whoever did in time what they were to do is heard, and whoever did not is found out.

use std::time::Duration;

use wardroom::config::Config;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, masked, text};

use crate::clock::pings;
use crate::{ask, chat_request, closed, lines, message, millis, outcome, roomy_with, seconds};

/// Nobody is listened to for so long; then what waits in the sockets is read.
fn stand_still(world: &mut World, time: Duration) {
    let woken = world.now().instant + time;
    world.set_instant(woken);
    world.settle();
}

#[test]
fn whoever_has_answered_while_the_process_stood_still_is_heard_and_the_dead_are_found_a_second_later()
 {
    let mut world = roomy_with(|_| {});
    let [alice, bob] =
        [("alice", "10.0.0.1"), ("bob", "10.0.0.2")].map(|(user, peer)| world.join(user, peer));
    world.advance(seconds(31));
    assert_eq!([alice, bob].map(|id| pings(&mut world, id)), [1, 1]);
    world.queue(alice, &masked(0x8A, b""));
    let woken = world.now().instant + seconds(100);
    world.set_instant(woken);
    world.settle();
    assert_eq!([alice, bob].map(|id| closed(&mut world, id)), [None, None]);
    world.advance(seconds(1));
    let gone = Some((1001, "no answer to ping".to_owned()));
    assert_eq!([alice, bob].map(|id| closed(&mut world, id)), [None, gone]);
}

#[test]
fn whoever_is_silent_is_listened_to_for_longer_only_where_that_was_noticed_more_than_a_tenth_of_a_second_late()
 {
    let dead = Some((1001, "no answer to ping".to_owned()));
    for (late, expected) in [(millis(100), dead), (millis(101), None)] {
        let mut world = roomy_with(|_| {});
        let alice = world.join("alice", "10.0.0.1");
        world.advance(seconds(30));
        assert_eq!(pings(&mut world, alice), 1);
        let woken = world.now().instant + seconds(20) + late;
        world.set_instant(woken);
        world.settle();
        assert_eq!(closed(&mut world, alice), expected, "{late:?} late");
    }
}

#[test]
fn a_head_that_came_while_the_process_stood_still_is_answered_and_one_that_did_not_is_refused_a_second_later()
 {
    let mut world = roomy_with(|_| {});
    let request = chat_request("?token=alice", "");
    let (first, rest) = request.split_at(request.len() / 2);
    let [alice, silent] = ["10.0.0.1", "10.0.0.2"].map(|peer| {
        let id = world.connect(peer).expect("let in");
        world.send(id, first.as_bytes());
        id
    });
    world.advance(seconds(5));
    world.queue(alice, rest.as_bytes());
    stand_still(&mut world, seconds(100));
    assert_eq!(outcome(&mut world, alice), "in as alice");
    assert_eq!(world.client(silent).take_response(), None, "listened to");
    world.advance(seconds(1));
    assert_eq!(outcome(&mut world, silent), "408 request_timeout");
}

#[test]
fn a_request_on_a_kept_connection_is_answered_though_its_time_was_over_while_the_process_stood_still()
 {
    let mut world = roomy_with(|_| {});
    let id = world.connect("10.0.0.1").expect("let in");
    for _ in 0..2 {
        world.queue(id, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stand_still(&mut world, seconds(20));
        let status = world.client(id).take_response().map(|(status, _)| status);
        assert_eq!(status, Some(200));
    }
}

#[test]
fn whoever_spoke_while_the_process_stood_still_is_not_closed_for_silence() {
    type Set = fn(&mut Config);

    let first_message = |config: &mut Config| config.deadlines.first_message = seconds(10);
    let idle = |config: &mut Config| config.deadlines.idle = seconds(10);
    let settings: [(Set, &str); 2] = [(first_message, "no message came"), (idle, "idle")];
    for (set, reason) in settings {
        let mut world = roomy_with(set);
        let [alice, bob] =
            [("alice", "10.0.0.1"), ("bob", "10.0.0.2")].map(|(user, peer)| world.join(user, peer));
        world.advance(seconds(1));
        world.queue(alice, &masked(0x81, message("in time").as_bytes()));
        stand_still(&mut world, seconds(15));
        assert_eq!([alice, bob].map(|id| closed(&mut world, id)), [None, None]);
        world.advance(seconds(1));
        let ends: [Option<(u16, String)>; 2] = [alice, bob].map(|id| closed(&mut world, id));
        assert_eq!(ends[0], None, "{reason}");
        let told = ends[1].as_ref().map(|(_, told)| told.as_str());
        assert_eq!(told, Some(reason));
    }
}

#[test]
fn whoever_has_read_on_when_the_process_goes_on_does_not_read_too_slowly() {
    let mut world = roomy_with(|_| {});
    let [reader, other, alice] = [("bob", 2), ("carol", 3), ("alice", 1)]
        .map(|(user, host)| world.join(user, &format!("10.0.0.{host}")));
    for id in [reader, other] {
        world.client(id).set_window(0);
    }
    world.say(alice, &message("does anybody read this?"));
    world.advance(millis(100));
    world.client(reader).set_window(usize::MAX);
    stand_still(&mut world, seconds(100));
    let heard = lines(&world.client(reader).take_notices());
    assert!(heard.contains(&"alice: does anybody read this?".to_owned()));
    // A second, and the time in which a close is to be answered.
    world.advance(seconds(6));
    assert!(is_connected(&mut world, reader));
    assert!(!is_connected(&mut world, other), "nothing was taken of it");
}

fn is_connected(world: &mut World, id: ConnectionId) -> bool {
    world.client(id).ending() == Ending::Open
}

#[test]
fn a_credential_ends_at_its_date_though_the_process_stood_still() {
    let mut world = roomy_with(|_| {});
    let id = ask(&mut world, "10.0.0.1", &chat_request("?token=alice@60", ""));
    assert_eq!(outcome(&mut world, id), "in as alice");
    stand_still(&mut world, seconds(100));
    assert_eq!(
        closed(&mut world, id),
        Some((1008, "token expired".to_owned()))
    );
}

#[test]
fn of_however_many_whose_credentials_end_at_once_nobody_says_anything_more() {
    let mut world = roomy_with(|_| {});
    let bob = world.join("bob", "10.1.0.1");
    let many = expiring(&mut world);
    for id in &many {
        world.queue(*id, &too_late());
    }
    stand_still(&mut world, seconds(61));
    assert_ended_unheard(&mut world, bob, many);
}

#[test]
fn nor_does_what_was_read_of_them_before_and_waited_for_its_turn_say_anything() {
    let mut world = roomy_with(|config| config.turn.frames_per_connection_max = 1);
    let bob = world.join("bob", "10.1.0.1");
    let many = expiring(&mut world);
    for id in &many {
        world.queue(*id, &[masked(0x89, b""), too_late()].concat());
    }
    world.turn();
    stand_still(&mut world, seconds(61));
    assert_ended_unheard(&mut world, bob, many);
}

#[test]
fn nor_is_a_page_told_that_was_read_for_them() {
    let mut world = roomy_with(|config| config.rooms.durable = vec!["lobby".to_owned()]);
    let bob = world.join("bob", "10.1.0.1");
    world.say(bob, &message("not for them"));
    let many = expiring(&mut world);
    world.answers_held = true;
    for id in &many[..200] {
        world.say(*id, r#"{"type":"history","id":1,"room":"lobby"}"#);
    }
    assert_eq!(world.census().pages, 200);
    world.answers_held = false;
    stand_still(&mut world, seconds(61));
    for id in many {
        let notices = world.client(id).take_notices();
        let mut told = notices.iter().map(|notice| notice.to_string());
        assert!(!told.any(|notice| notice.contains("not for them")));
    }
}

/// More than are looked at in a turn, in the lobby for a minute.
fn expiring(world: &mut World) -> Vec<ConnectionId> {
    let come = |n: usize| {
        let request = chat_request(&format!("?token=user{n}@60"), "");
        let id = ask(world, &format!("10.2.{}.1", n % 250), &request);
        assert_eq!(outcome(world, id), format!("in as user{n}"));
        id
    };
    let all: Vec<ConnectionId> = (0..300).map(come).collect();
    for id in &all {
        world.client(*id).take_frames();
    }
    all
}

fn too_late() -> Vec<u8> {
    text(r#"{"type":"send","room":"lobby","message":"too late"}"#)
}

fn assert_ended_unheard(world: &mut World, listener: ConnectionId, ended: Vec<ConnectionId>) {
    let told = world.client(listener).take_notices();
    assert!(!told.is_empty(), "who has gone");
    assert!(told.iter().all(|notice| notice["message"] != "too late"));
    for id in ended {
        let expired = Some((1008, "token expired".to_owned()));
        assert_eq!(closed(world, id), expired);
    }
}
