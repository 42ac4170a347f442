//! A date that jumps by a day, forwards and back: dates follow it, and nothing else does.

use serde_json::Value;
use wardroom::simulation::{World, masked};
use wardroom::time::Wall;

use crate::{closed, knock, lines, message, millis, outcome, roomy_with, seconds, stay};

const DAY: i64 = 24 * 60 * 60 * 1000;

fn jump(world: &mut World, by: i64) {
    let date = world.now().wall.as_millis();
    world.jump_wall(Wall::from_millis(date.saturating_add_signed(by)));
}

pub fn pings(world: &mut World, id: wardroom::id::ConnectionId) -> usize {
    let frames = world.client(id).take_frames();
    frames.iter().filter(|frame| frame.opcode == 9).count()
}

#[test]
fn a_day_more_or_less_moves_no_deadline_and_loses_no_message() {
    for by in [DAY, -DAY] {
        let mut world = roomy_with(|_| {});
        let [alice, bob] =
            [("alice", "10.0.0.1"), ("bob", "10.0.0.2")].map(|(user, peer)| world.join(user, peer));
        let head = world.connect("10.0.0.3").unwrap();
        world.advance(seconds(4));
        jump(&mut world, by);
        world.advance(millis(5900));
        assert_eq!(
            world.client(head).take_response(),
            None,
            "{by}: its ten seconds are not over"
        );
        world.advance(millis(200));
        let refused = world.client(head).take_response().map(|(status, _)| status);
        assert_eq!(refused, Some(408), "{by}: now they are");
        for id in [alice, bob] {
            world.client(id).take_frames();
        }
        // Silent since they came: pinged at thirty seconds, and not before.
        world.advance(seconds(19));
        assert_eq!(pings(&mut world, bob), 0, "{by}");
        world.advance(seconds(2));
        assert_eq!(pings(&mut world, bob), 1, "{by}");
        for id in [alice, bob] {
            world.send(id, &masked(0x8A, b""));
            world.client(id).take_frames();
        }
        let date = world.now().wall.as_millis();
        world.say(alice, &message("what day is it?"));
        let heard: Vec<Value> = world.client(bob).take_notices();
        assert_eq!(lines(&heard), ["alice: what day is it?"]);
        let told = heard[0]["timestamp"].as_f64().expect("a date");
        assert!(
            (told * 1000.0 - date as f64).abs() < 1.0,
            "{by}: the date as it is now"
        );
    }
}

#[test]
fn a_rate_refills_with_time_and_not_with_the_date() {
    for by in [DAY, -DAY] {
        let mut world = crate::world();
        let alice = world.join("alice", "10.0.0.1");
        for _ in 0..5 {
            world.say(alice, &message("hi"));
        }
        jump(&mut world, by);
        world.client(alice).take_notices();
        world.say(alice, &message("one too many"));
        let told = world.client(alice).take_notices();
        assert_eq!(told[0]["code"], "rate_limited", "{by}");
        world.advance(seconds(2));
        world.say(alice, &message("in time"));
        assert_eq!(
            lines(&world.client(alice).take_notices()),
            ["alice: in time"],
            "{by}"
        );
    }
}

#[test]
fn a_token_is_good_until_its_date_whatever_way_the_date_came_about() {
    // Signed in for an hour when the date jumps: how the token fares, and a new one.
    let rows = [
        (DAY, Some((1008, "token expired".to_owned()))),
        (-DAY, None),
    ];
    for (by, expected) in rows {
        let mut world = roomy_with(|config| config.deadlines.idle = seconds(0));
        let id = crate::ask(
            &mut world,
            "10.0.0.1",
            &crate::chat_request("?token=alice@3600", ""),
        );
        assert_eq!(outcome(&mut world, id), "in as alice");
        jump(&mut world, by);
        // Looked at again at the next ping, at the latest.
        stay(&mut world, id, seconds(31));
        assert_eq!(closed(&mut world, id), expected, "{by}");
        assert_eq!(
            knock(&mut world, "10.0.0.2", "?token=bob@60", ""),
            "in as bob",
            "{by}"
        );
        if expected.is_none() {
            // An hour by the date is a day and an hour now.
            stay(&mut world, id, seconds(3600));
            assert_eq!(closed(&mut world, id), None);
            jump(&mut world, -by);
            stay(&mut world, id, seconds(31));
            assert_eq!(closed(&mut world, id).map(|(code, _)| code), Some(1008));
        }
    }
}
