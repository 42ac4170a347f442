//! Calls that only look: connections, rooms, members, limits, metrics. Pages have bounds and join without a gap.

use std::collections::BTreeSet;

use serde_json::Value;
use wardroom::config::Rate;
use wardroom::simulation::World;

use super::{get, private_world, told};
use crate::{message, seconds};

/// Every entry of a list, page by page.
fn all(world: &mut World, path: &str, list: &str, limit: usize) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut cursor = String::new();
    let separator = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = get(world, &format!("{path}{separator}limit={limit}{cursor}")).json();
        let found = page[list].as_array().expect("a list").clone();
        assert!(found.len() <= limit);
        entries.extend(found);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return entries,
        }
    }
}

fn users(entries: &[Value]) -> BTreeSet<&str> {
    entries
        .iter()
        .filter_map(|entry| entry["user"].as_str())
        .collect()
}

#[test]
fn a_connection_is_told_of_with_everything_an_operator_asks() {
    let mut world = private_world(|_| {});
    let alice = world.join_v1("alice", "10.0.0.7");
    world.say(alice, r#"{"type":"join","room":"general"}"#);
    world.advance(seconds(3));
    let list = get(&mut world, "/api/v1/connections?user=alice").json();
    let expected = serde_json::json!({
        "id": list["connections"][0]["id"],
        "user": "alice",
        "name": "alice",
        "address": "10.0.0.7:40000",
        "door": "public",
        "state": "open",
        "protocol": "wardroom.v1",
        "rooms": ["lobby", "general"],
        "since": 1_764_000_000.0,
        "queued_bytes": 0,
    });
    assert_eq!(list["connections"], serde_json::json!([expected]));
    assert_eq!(list["next"], Value::Null);
}

#[test]
fn pages_of_connections_join_without_a_gap_and_filters_hold() {
    let mut world = private_world(|_| {});
    let mut names = Vec::new();
    for n in 0..25 {
        let name = format!("user-{n}");
        let id = world.join_v1(&name, "10.0.0.7");
        if n % 5 == 0 {
            world.say(id, r#"{"type":"join","room":"general"}"#);
        }
        names.push(name);
    }
    for limit in [1, 7, 25, 1000] {
        let entries = all(&mut world, "/api/v1/connections", "connections", limit);
        let found = users(&entries);
        assert_eq!(found.len(), 25, "{limit}");
        assert!(names.iter().all(|name| found.contains(name.as_str())));
    }
    let in_general = all(
        &mut world,
        "/api/v1/connections?room=general",
        "connections",
        2,
    );
    assert_eq!(
        users(&in_general),
        BTreeSet::from(["user-0", "user-10", "user-15", "user-20", "user-5"])
    );
    let nobody = all(
        &mut world,
        "/api/v1/connections?user=nobody",
        "connections",
        2,
    );
    assert!(nobody.is_empty());
}

/// Everybody is connected from the first page to the last, but for a crowd that goes after some pages.
#[test]
fn pages_of_connections_join_although_the_table_becomes_smaller_between_them() {
    for (pages, limit) in [(1, 1), (2, 2), (3, 40)] {
        let mut world = private_world(|_| {});
        let mut people = vec![world.join_v1("user-0", "10.0.0.1")];
        let mut guests = Vec::new();
        for n in 1..5 {
            guests
                .extend((0..50).map(|guest| world.join(&format!("guest-{n}-{guest}"), "10.0.0.2")));
            people.push(world.join_v1(&format!("user-{n}"), "10.0.0.1"));
        }
        guests.extend((5..55).map(|guest| world.join(&format!("guest-5-{guest}"), "10.0.0.2")));
        let mut entries = Vec::new();
        let mut cursor = String::new();
        let mut count = 0;
        loop {
            let path = format!("/api/v1/connections?limit={limit}{cursor}");
            let page = get(&mut world, &path).json();
            entries.extend(page["connections"].as_array().expect("a list").clone());
            count += 1;
            if count == pages {
                for guest in std::mem::take(&mut guests) {
                    world.hang_up(guest);
                }
                world.advance(seconds(10));
                assert!(world.shrunk() > 0, "much is free");
            }
            let Some(next) = page["next"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        let found = entries.iter().filter_map(|entry| entry["user"].as_str());
        let found: Vec<_> = found.filter(|user| user.starts_with("user-")).collect();
        assert_eq!(found, ["user-0", "user-1", "user-2", "user-3", "user-4"]);
        let beyond = get(&mut world, "/api/v1/connections?cursor=250").json();
        assert_eq!(
            beyond["connections"],
            serde_json::json!([]),
            "behind its end"
        );
        assert_eq!(beyond["next"], Value::Null);
        let entries = all(&mut world, "/api/v1/connections", "connections", limit);
        assert_eq!(users(&entries).len(), people.len());
    }
}

#[test]
fn a_page_is_bounded_in_bytes_whatever_is_asked() {
    let rooms: Vec<String> = (0..31).map(|n| format!("{n:064}")).collect();
    let mut world = private_world(|config| config.rooms.public = rooms.clone());
    for n in 0..100 {
        let id = world.join_v1(&format!("user-{n}"), "10.0.0.1");
        for room in &rooms {
            let join = serde_json::json!({"type": "join", "room": room});
            world.queue(id, &wardroom::simulation::text(&join.to_string()));
        }
    }
    world.settle();
    let page = get(&mut world, "/api/v1/connections?limit=1000");
    let bytes = page.body.len();
    assert!((128 * 1024..132 * 1024).contains(&bytes), "{bytes}");
    assert!(page.json()["next"].is_string());
    let entries = all(&mut world, "/api/v1/connections", "connections", 1000);
    assert_eq!(users(&entries).len(), 100);
}

#[test]
fn rooms_and_members_are_counted_as_people_and_as_connections() {
    let mut world = private_world(|_| {});
    for (user, peer) in [
        ("alice", "10.0.0.1"),
        ("alice", "10.0.0.2"),
        ("bob", "10.0.0.3"),
    ] {
        let id = world.join(user, peer);
        world.say(id, &message("hi"));
    }
    let rooms = all(&mut world, "/api/v1/rooms", "rooms", 2);
    assert_eq!(
        rooms[0],
        serde_json::json!({"room": "lobby", "members": 2, "connections": 3, "seq": 3})
    );
    assert_eq!(rooms.len(), 3);
    let room = get(&mut world, "/api/v1/rooms/lobby?limit=1").json();
    assert_eq!(room["count"], 2);
    assert_eq!(room["connections"], 3);
    assert_eq!(
        room["members"],
        serde_json::json!([{"user": "alice", "name": "alice", "connections": 2}])
    );
    let members = all(&mut world, "/api/v1/rooms/lobby", "members", 1);
    assert_eq!(users(&members), BTreeSet::from(["alice", "bob"]));
}

#[test]
fn parameters_are_read_strictly() {
    for (path, expected, field) in [
        ("/api/v1/rooms?limit=0", "400 invalid-field", Some("limit")),
        (
            "/api/v1/rooms?limit=1001",
            "400 invalid-field",
            Some("limit"),
        ),
        ("/api/v1/rooms?limit=+1", "400 invalid-field", Some("limit")),
        ("/api/v1/rooms?limit=", "400 invalid-field", Some("limit")),
        (
            "/api/v1/rooms?limit=1&limit=1",
            "400 invalid-field",
            Some("limit"),
        ),
        (
            "/api/v1/rooms?cursor=x",
            "400 invalid-field",
            Some("cursor"),
        ),
        (
            "/api/v1/rooms?cursor=99999999999999999999",
            "400 invalid-field",
            Some("cursor"),
        ),
        ("/api/v1/rooms?cursor=18446744073709551615", "200", None),
        (
            "/api/v1/rooms/lobby?cursor=18446744073709551615",
            "200",
            None,
        ),
        (
            "/api/v1/connections?cursor=18446744073709551615",
            "200",
            None,
        ),
        ("/api/v1/rooms?user=a", "400 invalid-field", None),
        ("/api/v1/limits?x", "400 invalid-field", None),
        ("/api/v1/limits?user=nobody", "200", None),
        ("/api/v1/limits?address=2001:db8::1", "200", None),
        ("/api/v1/limits?address=%3A%3A1", "200", None),
        (
            "/api/v1/limits?address=10.0.0.0/24",
            "400 invalid-field",
            Some("address"),
        ),
        ("/healthz?x", "400 invalid-field", None),
        (
            "/api/v1/connections?user=%ff",
            "400 invalid-field",
            Some("user"),
        ),
        ("/api/v1/connections?user=a%2Fb+c%2B", "200", None),
        ("/api/v1/connections?room=nowhere", "404 unknown-room", None),
        ("/api/v1/rooms/nowhere", "404 unknown-room", None),
        ("/api/v1/rooms/lob%62y", "200", None),
        ("/api/v1/rooms/", "404 no-such-route", None),
        ("/api/v1/rooms/lobby/", "404 no-such-route", None),
        ("/api/v1//rooms", "404 no-such-route", None),
        ("/api/v1/rooms/%ff", "404 no-such-route", None),
        ("/api/v1/{room}", "404 no-such-route", None),
    ] {
        let response = get(&mut private_world(|_| {}), &path.replace(['{', '}'], "x"));
        assert_eq!(told(&response), expected, "{path}");
        assert_eq!(response.json()["field"].as_str(), field, "{path}");
    }
}

#[test]
fn limits_are_told_with_units_what_is_in_use_and_who_has_used_most() {
    let mut world = private_world(|config| {
        config.limits.messages_per_user = Rate::new(5, seconds(5));
        config.limits.messages_per_address = Rate::new(100, seconds(50));
    });
    let alice = world.join("alice", "10.0.0.1");
    let bob = world.join(
        "bob",
        "2001:db8:1:2::3"
            .replace("2001:db8:1:2::3", "10.0.0.2")
            .as_str(),
    );
    for (id, times) in [(alice, 3), (bob, 1)] {
        for _ in 0..times {
            world.say(id, &message("hi"));
        }
    }
    let limits = get(&mut world, "/api/v1/limits").json();
    assert_eq!(
        limits["settings"]["limits.messages_per_user"],
        serde_json::json!({"burst": 5, "per_ms": 5000, "unit": "messages"})
    );
    assert_eq!(
        limits["settings"]["deadlines.head"],
        serde_json::json!({"value": 10_000, "unit": "ms"})
    );
    assert_eq!(limits["in_use"]["limits.connections_max"], 2);
    assert_eq!(limits["in_use"]["private.connections_max"], 1);
    let slow = |entry: &&Value| entry["limit"] == "limits.messages_per_user";
    let users: Vec<Value> = limits["users"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(slow)
        .cloned()
        .collect();
    let row = |user: &str, used: u64| {
        serde_json::json!({
            "user": user, "limit": "limits.messages_per_user", "used": used, "burst": 5, "full_in_ms": used * 1000,
        })
    };
    assert_eq!(users, [row("alice", 3), row("bob", 1)]);
    let address = limits["addresses"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|entry| {
            entry["limit"] == "limits.messages_per_address" && entry["address"] == "10.0.0.1/32"
        });
    assert_eq!(address.expect("alice's")["used"], 3);
    world.advance(seconds(10));
    let limits = get(&mut world, "/api/v1/limits").json();
    assert_eq!(
        limits["users"],
        serde_json::json!([]),
        "nothing is owed any more"
    );
}

#[test]
fn a_crowd_that_owes_makes_the_answer_no_longer_than_its_bound() {
    let mut world =
        private_world(|config| config.limits.messages_per_user = Rate::new(5, seconds(500)));
    for n in 0..500 {
        let id = world.join(&format!("user-{n}"), "10.0.0.1");
        for _ in 0..=(n % 5) {
            world.say(id, &message("x"));
        }
        world.reset(id);
    }
    let limits = get(&mut world, "/api/v1/limits").json();
    let users = limits["users"].as_array().expect("a list");
    assert_eq!(users.len(), 100);
    assert!(
        users.iter().all(|user| user["used"] == 5),
        "the worst come first"
    );
}

#[test]
fn metrics_are_text_that_prometheus_reads() {
    let mut world = private_world(|_| {});
    world.join("alice", "10.0.0.1");
    let metrics = get(&mut world, "/metrics");
    let kind = metrics.field("Content-Type").expect("a type");
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let mut samples = 0;
    for line in metrics.body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        let known = name.starts_with("wardroom_") || name.starts_with("process_");
        assert!(known, "{line}");
        value.parse::<f64>().expect("a number");
        samples += 1;
    }
    assert!(samples > 3, "{}", metrics.body);
}

#[test]
fn a_store_that_leaves_questions_without_an_answer_is_told_of_until_it_has_answered() {
    let mut world = private_world(|_| {});
    let health = |world: &mut World| get(world, "/healthz").body;
    assert_eq!(health(&mut world), "ok\nstore: ok\n");
    let alice = world.join_v1("alice", "10.0.0.1");
    world.answers_held = true;
    world.say(alice, r#"{"type":"create","id":1,"room":"den"}"#);
    assert_eq!(world.works_waiting(), 1);
    assert_eq!(
        health(&mut world),
        "ok\nstore: ok\n",
        "so far it is only slow"
    );
    world.advance(seconds(1));
    assert_eq!(health(&mut world), "ok\nstore: the store does not answer\n");
    world.answers_held = false;
    world.settle();
    assert_eq!(health(&mut world), "ok\nstore: ok\n");
}

#[test]
fn a_page_that_waits_behind_what_is_kept_in_time_is_no_silence_of_the_store() {
    let mut world = private_world(|config| config.rooms.durable = vec!["general".to_owned()]);
    let health = |world: &mut World| get(world, "/healthz").body;
    let alice = world.join_v1("alice", "10.0.0.1");
    world.say(alice, r#"{"type":"join","id":1,"room":"general"}"#);
    (world.answers_held, world.pages_wait) = (true, true);
    world.say(alice, r#"{"type":"history","id":2,"room":"general"}"#);
    for _ in 0..4 {
        world.say(
            alice,
            r#"{"type":"send","id":3,"room":"general","message":"hi"}"#,
        );
        world.advance(seconds(1) / 2);
        world.answer_one();
        assert_eq!(health(&mut world), "ok\nstore: ok\n");
    }
    assert_eq!(world.works_waiting(), 1, "the page");
    world.advance(seconds(1));
    assert_eq!(health(&mut world), "ok\nstore: the store does not answer\n");
}
