//! The server goes: what everybody is told, who is waited for, and for how long.

use serde_json::{Value, json};
use wardroom::config::RefuseWith;
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, text};

use crate::{ask, chat_request, closed, millis, roomy_with, seconds, world, world_with};

/// When a client was asked to come back, in milliseconds.
fn reconnect_after(world: &mut World, id: ConnectionId) -> u64 {
    let notices = world.client(id).take_notices();
    let bye = notices.last().expect("a notice");
    assert_eq!(bye["type"], "bye", "{bye}");
    bye["reconnect_after_ms"].as_u64().expect("a time")
}

/// Many people in one room, all of whom have read what they were told.
fn crowd(world: &mut World, count: usize) -> Vec<ConnectionId> {
    let ids: Vec<_> = (0..count)
        .map(|n| world.join_v1(&format!("u{n}"), &format!("10.0.{}.{}", n / 250, n % 250)))
        .collect();
    for id in &ids {
        world.client(*id).take_frames();
    }
    ids
}

fn send(id: u64) -> Vec<u8> {
    text(&json!({"type": "send", "id": id, "room": "lobby", "message": "hi"}).to_string())
}

#[test]
fn those_who_are_sent_away_come_back_spread_over_the_window() {
    const WINDOW: u64 = 20_000;
    let mut world = roomy_with(|config| config.drain.window = millis(WINDOW));
    let ids = crowd(&mut world, 1000);
    world.stop();
    let mut tenths = [0; 10];
    for id in ids {
        let delay = reconnect_after(&mut world, id);
        assert!(delay < WINDOW, "{delay}");
        tenths[(delay * 10 / WINDOW) as usize] += 1;
    }
    println!("of 1000, in each tenth of the window: {tenths:?}");
    assert!(
        tenths.iter().all(|count| (60..150).contains(count)),
        "{tenths:?}"
    );
}

#[test]
fn whoever_asks_while_the_server_goes_is_told_to_come_back_and_costs_no_signature() {
    let mut world = world();
    let [fresh, half] = ["10.0.0.1", "10.0.0.2"].map(|peer| world.connect(peer).unwrap());
    let request = chat_request("?token=bad", "");
    let (first, rest) = request.split_at(20);
    world.send(half, first.as_bytes());
    world.stop();
    // From the listener's queue, after the others were told.
    let late = ask(&mut world, "10.0.0.3", &request);
    world.send(fresh, request.as_bytes());
    world.send(half, rest.as_bytes());
    for id in [fresh, half, late] {
        let response = world.client(id).take_response();
        assert_eq!(response.map(|(status, _)| status), Some(101));
        assert!(reconnect_after(&mut world, id) < 5000);
    }
    world.advance(seconds(3));
    assert_eq!(world.census(), Census::default());
}

#[test]
fn who_is_told_by_status_is_told_when_to_come_back_by_a_field() {
    let mut world = world_with(|config| config.auth.refuse_with = RefuseWith::Http);
    let id = world.connect("10.0.0.1").unwrap();
    world.stop();
    world.send(id, chat_request("?token=alice", "").as_bytes());
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(response.status, 503);
    assert_eq!(response.json()["limit"], "stopping");
    let after: u64 = response.field("retry-after").unwrap().parse().unwrap();
    assert!((1..=5).contains(&after), "{after}");
}

#[test]
fn a_page_is_still_answered_and_not_kept() {
    let mut world = world();
    let id = world.connect("10.0.0.1").unwrap();
    world.stop();
    world.send(id, b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(response.status, 200);
    assert_eq!(response.field("connection"), Some("close"));
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);
}

#[test]
fn one_who_never_asks_is_not_waited_for_as_long_as_in_peace() {
    let mut world = world();
    let id = world.connect("10.0.0.1").unwrap();
    world.advance(seconds(1));
    world.stop();
    world.advance(millis(900));
    assert_eq!(world.client(id).ending(), Ending::Open);
    world.advance(seconds(1));
    assert_eq!(
        world.client(id).take_response().map(|(status, _)| status),
        Some(408)
    );
    world.advance(seconds(1));
    assert_eq!(world.census(), Census::default());
}

#[test]
fn what_was_acknowledged_is_heard_by_all_and_nothing_is_acknowledged_any_more() {
    // More than are sent away by the call and by the turn after it: some are there when bytes are read again.
    const CROWD: usize = 2100;
    let mut world = roomy_with(|config| config.limits.unauthenticated_max = CROWD);
    let ids = crowd(&mut world, CROWD);
    let last = *ids.last().unwrap();
    world.queue(ids[0], &send(1));
    world.turn();
    world.queue(ids[1], &send(2));
    world.queue(last, &send(3));
    world.stop();
    for (n, id) in ids.iter().enumerate() {
        let notices = world.client(*id).take_notices();
        let types: Vec<&str> = notices
            .iter()
            .filter_map(|told| told["type"].as_str())
            .collect();
        let expected: &[&str] = if n == 0 {
            &["ok", "message", "bye"]
        } else {
            &["message", "bye"]
        };
        assert_eq!(types, expected, "client {n}");
        let numbers: Vec<&Value> = notices.iter().map(|told| &told["seq"]).collect();
        assert!(numbers.contains(&&json!(1)), "{notices:?}");
        assert_eq!(
            closed(&mut world, *id).map(|(code, _)| code),
            None,
            "taken with the notices"
        );
    }
    world.advance(seconds(3));
    assert_eq!(world.census(), Census::default());
}

#[test]
fn those_who_do_not_read_and_those_who_do_not_answer_are_gone_after_their_deadlines() {
    let mut world = roomy_with(|_| {});
    let ids = crowd(&mut world, 300);
    for (n, id) in ids.iter().enumerate() {
        match n % 3 {
            0 => world.client(*id).set_window(0),
            1 => world.client(*id).set_window(1),
            _ => {}
        }
    }
    world.send(ids[2], &send(1));
    world.stop();
    assert_eq!(
        world.census().user_connections,
        0,
        "sessions are over at once"
    );
    // deadlines.close for the close frame that does not come back, and deadlines.linger.
    world.advance(millis(4600));
    assert_eq!(world.census(), Census::default());
}

#[test]
fn being_stopped_twice_is_being_stopped_once() {
    let mut world = world();
    let id = world.join_v1("alice", "10.0.0.1");
    world.stop();
    world.stop();
    let byes = world.client(id).take_notices();
    let byes = byes.iter().filter(|notice| notice["type"] == "bye");
    assert_eq!(byes.count(), 1);
}
