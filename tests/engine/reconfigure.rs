//! A configuration that changes under people who are there.

use serde_json::{Value, json};
use wardroom::config::Config;
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World};

use crate::{
    ask, chat_request, closed, knock, message, millis, outcome, per_second, roomy, seconds, stay,
};

/// Gives the world another configuration, made of `config` by `change`.
fn reload(world: &mut World, config: &Config, change: impl FnOnce(&mut Config)) {
    let mut config = config.clone();
    change(&mut config);
    world.reconfigure(config);
}

/// Asks for something in the full protocol and gives the type, and the code, of the reply.
fn reply(world: &mut World, id: ConnectionId, request: Value) -> String {
    world.client(id).take_notices();
    world.say(id, &request.to_string());
    let notices = world.client(id).take_notices();
    let reply = notices
        .iter()
        .find(|told| told["type"] == "ok" || told["type"] == "error");
    let reply = reply.expect("a reply");
    match reply["code"].as_str() {
        Some(code) => code.to_owned(),
        None => reply["type"].as_str().unwrap_or_default().to_owned(),
    }
}

fn join(room: &str) -> Value {
    json!({"type": "join", "room": room})
}

fn send(room: &str) -> Value {
    json!({"type": "send", "room": room, "message": "hi"})
}

/// The rooms that a newcomer is told of.
fn rooms_told(world: &mut World, peer: &str) -> Vec<String> {
    let id = world.join_v1("newcomer", peer);
    let hello = world.client(id).take_notices().remove(0);
    world.reset(id);
    let rooms = hello["rooms"].as_array().expect("a list");
    rooms
        .iter()
        .map(|room| room.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn limits_below_what_is_in_use_refuse_who_comes_and_send_nobody_away() {
    let config = roomy();
    let mut world = World::new(config.clone());
    let ids = [0, 1, 2, 3].map(|_| world.join_v1("alice", "10.0.0.1"));
    type Shrink = fn(&mut Config);
    let shrinks: [(&str, Shrink, &str); 4] = [
        ("connections_max", |c| c.limits.connections_max = 1, "503"),
        (
            "unauthenticated_max",
            |c| c.limits.unauthenticated_max = 0,
            "503",
        ),
        (
            "per_user",
            |c| c.limits.connections_per_user = 1,
            "1008 too many connections for this user",
        ),
        (
            "per_address",
            |c| c.limits.connections_per_address = 1,
            "1008 too many connections from this address",
        ),
    ];
    for (name, shrink, expected) in shrinks {
        reload(&mut world, &config, shrink);
        let refused = match world.connect("10.0.0.1") {
            Err(refusal) => refusal.status().to_string(),
            Ok(id) => {
                world.send(id, chat_request("?token=alice", "").as_bytes());
                outcome(&mut world, id)
            }
        };
        assert_eq!(refused, expected, "{name}");
        for id in ids {
            assert_eq!(reply(&mut world, id, send("lobby")), "ok", "{name}");
        }
        reload(&mut world, &config, |_| {});
        world.advance(seconds(5));
        assert_eq!(
            knock(&mut world, "10.0.0.1", "?token=alice", ""),
            "in as alice",
            "{name}"
        );
    }
}

#[test]
fn a_room_that_is_taken_off_the_list_keeps_who_is_in_it_and_lets_nobody_in() {
    let config = roomy();
    let mut world = World::new(config.clone());
    let [alice, bob] =
        [("alice", "10.0.0.1"), ("bob", "10.0.0.2")].map(|(user, peer)| world.join_v1(user, peer));
    let tutorial = world.join("carol", "10.0.0.3");
    assert_eq!(reply(&mut world, alice, join("random")), "ok");
    reload(&mut world, &config, |config| {
        config.rooms.public = vec!["general".to_owned(), "new".to_owned()];
    });
    assert_eq!(
        rooms_told(&mut world, "10.0.0.9"),
        ["lobby", "general", "new"]
    );
    assert_eq!(reply(&mut world, alice, send("random")), "ok", "she is in");
    assert_eq!(
        reply(&mut world, alice, join("random")),
        "ok",
        "and was before"
    );
    assert_eq!(reply(&mut world, bob, join("random")), "unknown_room");
    world.client(tutorial).take_notices();
    world.say(tutorial, r#"{"message":"hi","room_id":"random"}"#);
    assert_eq!(
        world.client(tutorial).take_notices()[0]["code"],
        "unknown_room"
    );
    assert_eq!(reply(&mut world, bob, join("new")), "ok");

    reload(&mut world, &config, |_| {});
    assert_eq!(
        rooms_told(&mut world, "10.0.0.9"),
        ["lobby", "general", "random"]
    );
    assert_eq!(reply(&mut world, bob, join("random")), "ok", "open again");
    assert_eq!(reply(&mut world, bob, send("new")), "ok", "he is in");
}

#[test]
fn rooms_that_come_and_go_take_the_places_of_those_that_are_empty() {
    let config = roomy();
    let mut world = World::new(config.clone());
    let alice = world.join_v1("alice", "10.0.0.1");
    assert_eq!(reply(&mut world, alice, join("random")), "ok");
    for n in 0..50 {
        let name = format!("room-{n}");
        reload(&mut world, &config, |config| {
            config.rooms.public = vec![name.clone()]
        });
        assert_eq!(rooms_told(&mut world, "10.0.0.9").len(), 2);
        assert_eq!(reply(&mut world, alice, join(&name)), "ok");
        assert_eq!(reply(&mut world, alice, send(&name)), "ok");
        assert_eq!(
            reply(&mut world, alice, json!({"type": "leave", "room": name})),
            "ok"
        );
        assert_eq!(
            reply(&mut world, alice, send("random")),
            "ok",
            "hers is left alone"
        );
    }
    assert_eq!(world.census().seats, 2);
    world.reset(alice);
    assert_eq!(world.census(), Census::default());
}

#[test]
fn what_is_owed_to_a_rate_stays_owed_at_the_new_one() {
    // Sent at five in an hour, then at another rate: how many more go at once.
    let rows = [(5, 0), (6, 1), (100, 95), (4, 0)];
    for (burst, more) in rows {
        let mut config = roomy();
        config.limits.messages_per_user = wardroom::config::Rate::new(5, seconds(3600));
        let mut world = World::new(config.clone());
        let alice = world.join_v1("alice", "10.0.0.1");
        for _ in 0..5 {
            assert_eq!(reply(&mut world, alice, send("lobby")), "ok");
        }
        assert_eq!(reply(&mut world, alice, send("lobby")), "rate_limited");
        reload(&mut world, &config, |config| {
            config.limits.messages_per_user = per_second(burst)
        });
        let sent = (0..burst).take_while(|_| reply(&mut world, alice, send("lobby")) == "ok");
        assert_eq!(sent.count(), more, "{burst} per second");
        world.advance(seconds(2));
        let sent = (0..burst).take_while(|_| reply(&mut world, alice, send("lobby")) == "ok");
        assert_eq!(
            sent.count() as u64,
            burst,
            "nothing of the old hour is left"
        );
    }
}

#[test]
fn shorter_deadlines_hold_for_those_who_wait_already() {
    let config = roomy();
    let mut world = World::new(config.clone());
    let head = world.connect("10.0.0.1").unwrap();
    let alice = world.join_v1("alice", "10.0.0.2");
    world.client(alice).take_frames();
    reload(&mut world, &config, |config| {
        config.deadlines.head = seconds(2);
        config.deadlines.ping = seconds(3);
        config.deadlines.pong = seconds(1);
    });
    world.advance(millis(2100));
    assert_eq!(
        world.client(head).take_response().map(|(status, _)| status),
        Some(408)
    );
    world.advance(millis(2000));
    let opcodes: Vec<u8> = world
        .client(alice)
        .take_frames()
        .iter()
        .map(|frame| frame.opcode)
        .collect();
    assert!(
        opcodes.contains(&9),
        "pinged after three seconds: {opcodes:?}"
    );
    assert!(
        opcodes.contains(&8),
        "given up on a second later: {opcodes:?}"
    );
}

#[test]
fn longer_deadlines_hold_too() {
    let config = roomy();
    let mut world = World::new(config.clone());
    let head = world.connect("10.0.0.1").unwrap();
    reload(&mut world, &config, |config| {
        config.deadlines.head = seconds(20)
    });
    world.advance(seconds(19));
    assert_eq!(world.client(head).ending(), Ending::Open);
    world.advance(seconds(2));
    assert_eq!(
        world.client(head).take_response().map(|(status, _)| status),
        Some(408)
    );
}

#[test]
fn a_route_and_an_origin_come_and_go() {
    let config = roomy();
    let mut world = World::new(config.clone());
    let echo = "GET /ws/echo HTTP/1.1\r\nHost: h\r\n\r\n";
    let status = |world: &mut World, fields: &str| {
        let request = echo.replace("Host: h\r\n", &format!("Host: h\r\n{fields}"));
        let id = ask(world, "10.0.0.1", &request);
        world.client(id).take_response().map(|(status, _)| status)
    };
    assert_eq!(status(&mut world, ""), Some(404));
    reload(&mut world, &config, |config| config.echo.enabled = true);
    assert_eq!(status(&mut world, ""), Some(426));
    let page = "Origin: https://chat.example\r\n";
    let forbidden = knock(&mut world, "10.0.0.2", "?token=alice", page);
    assert_eq!(forbidden, "403 origin_forbidden");
    reload(&mut world, &config, |config| {
        config.origins.allow = vec!["https://chat.example".to_owned()]
    });
    assert_eq!(
        knock(&mut world, "10.0.0.2", "?token=alice", page),
        "in as alice"
    );
    assert_eq!(status(&mut world, ""), Some(404));
}

#[test]
fn a_storm_of_reloads_changes_nothing_for_those_who_chat() {
    let config = roomy();
    let mut world = World::new(config.clone());
    let tutorial = world.join("alice", "10.0.0.1");
    let full = world.join_v1("bob", "10.0.0.2");
    for n in 0..300_usize {
        reload(&mut world, &config, |config| {
            config.limits.connections_max = 1 + n % 7;
            config.limits.outbound_bytes_max = 65_536 * (1 + n % 5);
            config.limits.messages_per_user = per_second(1000 + (n as u64) % 3);
            config.deadlines.ping = seconds(5 + (n as u64) % 30);
            config.rooms.public = (0..n % 4).map(|room| format!("room-{room}")).collect();
            config.turn.frames_per_connection_max = 1 + n % 9;
        });
        for id in [tutorial, full] {
            world.client(id).take_notices();
        }
        world.say(tutorial, &message(&format!("number {n}")));
        for id in [tutorial, full] {
            let heard = world.client(id).take_notices();
            assert_eq!(heard[0]["message"], format!("number {n}"));
        }
        stay(&mut world, full, millis(100));
    }
    assert_eq!(world.census().seats, 2);
    world.stop();
    reload(&mut world, &config, |config| {
        config.deadlines.close = seconds(60)
    });
    assert_eq!(
        closed(&mut world, tutorial).map(|(code, _)| code),
        Some(1001)
    );
    world.advance(seconds(3));
    assert_eq!(
        world.census(),
        Census::default(),
        "a reload prolongs no end"
    );
}
