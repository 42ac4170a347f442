//! What one user or address has used of each limit, told to whoever has the key.

use serde_json::{Value, json};
use wardroom::config::{Rate, Shadow};
use wardroom::simulation::{World, masked, text};

use super::{enter, get, private_world, request};
use crate::{knock, message, seconds};

/// Entries of a list whose field has this value.
fn of<'a>(answer: &'a Value, list: &str, field: &str, value: &str) -> Vec<&'a Value> {
    let entries = answer[list].as_array().expect("a list").iter();
    entries.filter(|entry| entry[field] == value).collect()
}

/// `used of burst` of this limit in a list.
fn used(answer: &Value, list: &str, limit: &str) -> Vec<String> {
    let found = of(answer, list, "limit", &format!("limits.{limit}"));
    let told = |entry: &Value| format!("{} of {}", entry["used"], entry["burst"]);
    found.into_iter().map(told).collect()
}

fn crowd() -> World {
    let mut world = private_world(|config| {
        let limits = &mut config.limits;
        limits.messages_per_user = Rate::new(5, seconds(1000));
        limits.messages_per_connection = Rate::new(10, seconds(1000));
        limits.messages_per_address = Rate::new(50, seconds(1000));
        limits.connections_per_user = 3;
        limits.connections_per_address = 5;
        limits.shadow = Shadow::of(["bytes_per_address"]).expect("it can be rehearsed");
    });
    let alice = world.join("alice", "10.0.0.1");
    world.join_v1("alice", "10.0.0.2");
    let bob = world.join("bob", "10.0.0.2");
    world.join("carol", "10.0.0.3");
    for _ in 0..3 {
        world.say(alice, &message("hi"));
    }
    world.say(bob, &message("hi"));
    world
}

#[test]
fn a_user_is_told_of_with_every_bucket_and_count_and_with_those_of_their_connections_and_addresses()
{
    let mut world = crowd();
    let told = get(&mut world, "/api/v1/limits?user=alice").json();
    assert_eq!(used(&told, "users", "messages_per_user"), ["3 of 5"]);
    assert_eq!(used(&told, "users", "connections_per_user"), ["2 of 3"]);
    assert_eq!(of(&told, "users", "user", "alice").len(), 3);
    assert_eq!(told["users"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        used(&told, "addresses", "connections_per_address"),
        ["1 of 5", "2 of 5"]
    );
    assert_eq!(
        used(&told, "addresses", "messages_per_address"),
        ["3 of 50", "1 of 50"]
    );
    assert_eq!(
        used(&told, "connections", "messages_per_connection"),
        ["3 of 10", "0 of 10"]
    );
    assert_eq!(
        used(&told, "connections", "outbound_bytes_per_connection_max"),
        ["0 of 262144"; 2]
    );
    let connection = &told["connections"][0];
    let id = connection["connection"].as_str().expect("an id");
    let list = get(&mut world, "/api/v1/connections?user=alice").json();
    assert_eq!(list["connections"][0]["id"], id);
    assert_eq!(connection["address"], "10.0.0.1:40000");
    assert_eq!(told["shadow"], json!(["bytes_per_address"]));
    assert_eq!(told["penalties"], json!([]));
}

#[test]
fn an_address_is_told_of_with_whoever_comes_from_it() {
    let mut world = crowd();
    let told = get(&mut world, "/api/v1/limits?address=10.0.0.2").json();
    assert_eq!(
        used(&told, "addresses", "connections_per_address"),
        ["2 of 5"]
    );
    assert_eq!(of(&told, "addresses", "address", "10.0.0.2/32").len(), 7);
    assert_eq!(
        used(&told, "users", "messages_per_user"),
        ["3 of 5", "1 of 5"]
    );
    let both = get(&mut world, "/api/v1/limits?address=10.0.0.2&user=alice").json();
    assert_eq!(
        used(&both, "connections", "messages_per_connection"),
        ["0 of 10"]
    );
    let none = get(&mut world, "/api/v1/limits?user=nobody").json();
    for list in ["users", "addresses", "connections", "penalties"] {
        assert_eq!(none[list], json!([]), "{list}");
    }
    let other = get(&mut world, "/api/v1/limits").json();
    assert_eq!(other["connections"], json!([]), "only of who was asked for");
}

#[test]
fn what_keeps_an_address_out_is_told_of_it_alone() {
    let mut world = private_world(|config| {
        config.limits.offences_per_address.burst = 2;
        config.limits.failed_authentications_per_address.burst = 100;
    });
    for peer in ["10.0.0.1", "10.0.0.9"] {
        for _ in 0..3 {
            knock(&mut world, peer, "?token=bad", "");
        }
    }
    let told = get(&mut world, "/api/v1/limits?address=10.0.0.9").json();
    let expected = json!([{"address": "10.0.0.9/32", "left_ms": 10_000}]);
    assert_eq!(told["penalties"], expected);
    assert_eq!(
        used(&told, "addresses", "failed_authentications_per_address"),
        ["3 of 100"]
    );
    assert_eq!(used(&told, "addresses", "offences_per_address"), ["2 of 2"]);
}

/// The `id` of each connection in the list, by this query.
fn ids(world: &mut World, query: &str) -> Vec<String> {
    let list = get(world, &format!("/api/v1/connections{query}")).json();
    let entries = list["connections"].as_array().expect("a list").iter();
    let id = |entry: &Value| entry["id"].as_str().expect("an id").to_owned();
    entries.map(id).collect()
}

/// What is told of this connection.
fn explained(world: &mut World, id: &str) -> Value {
    let response = get(world, &format!("/api/v1/connections/{id}"));
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

/// The time left of each deadline in an answer.
fn deadlines(told: &Value) -> Vec<(&str, u64)> {
    let all = told["deadlines"].as_array().expect("a list").iter();
    let one = |entry: &'_ Value| entry["left_ms"].as_u64().expect("a number");
    all.map(|entry| (entry["deadline"].as_str().expect("a name"), one(entry)))
        .collect()
}

#[test]
fn a_session_is_told_of_with_its_own_buckets_its_deadlines_and_what_waits_for_it() {
    let mut world = private_world(|config| {
        config.limits.messages_per_connection = Rate::new(10, seconds(1000));
        config.limits.glitches_per_connection = Rate::new(100, seconds(1000));
        config.limits.error_replies_per_connection = Rate::new(2, seconds(1000));
        config.deadlines.ping = seconds(25);
        config.deadlines.idle = seconds(300);
        config.deadlines.first_message = seconds(0);
        config.deadlines.unread = seconds(30);
        config.deadlines.pause = seconds(5);
    });
    let alice = world.join_v1("alice", "10.0.0.1");
    let id = ids(&mut world, "?user=alice").remove(0);
    for _ in 0..3 {
        world.say(alice, r#"{"type":"send","room":"lobby","message":"hi"}"#);
    }
    world.advance(seconds(2));
    let told = explained(&mut world, &id);
    assert_eq!(told["connection"]["id"], json!(id));
    assert_eq!(told["connection"]["user"], "alice");
    assert_eq!(told["connection"]["state"], "open");
    assert_eq!(told["prefix"], "10.0.0.1/32");
    assert_eq!(told["is_secure"], false);
    assert_eq!(told["accepted"], told["connection"]["since"]);
    assert!(told["memory_bytes"].as_u64() > Some(2000), "{told}");
    assert_eq!(told.get("unread_since"), None);
    assert_eq!(
        used(&told, "limits", "messages_per_connection"),
        ["3 of 10"]
    );
    assert_eq!(
        used(&told, "limits", "glitches_per_connection"),
        ["0 of 100"]
    );
    assert_eq!(
        used(&told, "limits", "rooms_per_connection_max"),
        ["1 of 32"]
    );
    assert_eq!(used(&told, "limits", "pauses_max"), ["0 of 5"]);
    assert_eq!(
        deadlines(&told),
        [
            ("deadlines.ping", 23_000),
            ("deadlines.idle", 298_000),
            ("limits.earned_after", 28_000)
        ]
    );
    assert_eq!(told["session"]["paused_for_ms"], 0);

    // Nothing is taken any more, and nothing but nonsense is said.
    world.client(alice).set_window(0);
    let nonsense = [text("[]").repeat(3), text(r#"{"type":"ping"}"#)].concat();
    world.send(alice, &nonsense);
    world.advance(seconds(1));
    let told = explained(&mut world, &id);
    assert_eq!(
        used(&told, "limits", "error_replies_per_connection"),
        ["2 of 2"]
    );
    assert_eq!(
        used(&told, "limits", "glitches_per_connection"),
        ["60 of 100"]
    );
    assert_eq!(used(&told, "limits", "pauses_max"), ["1 of 5"]);
    assert_eq!(told["session"]["pauses"], 1);
    assert_eq!(told["session"]["paused_for_ms"], 4000);
    let since = told["accepted"].as_f64().expect("a date") + 2.0;
    assert!((told["unread_since"].as_f64().expect("a date") - since).abs() < 0.01);
    assert!(told["connection"]["queued_bytes"].as_u64() > Some(100));
    assert_eq!(told["held_bytes"], text(r#"{"type":"ping"}"#).len());
    let left = deadlines(&told);
    assert!(left.contains(&("pause", 4000)), "{left:?}");
    assert!(left.contains(&("deadlines.unread", 29_000)), "{left:?}");
    assert!(left.iter().all(|(name, _)| *name != "deadlines.ping"));

    // A pause is forgotten after a minute without another.
    world.client(alice).set_window(usize::MAX);
    for _ in 0..7 {
        world.advance(seconds(10));
        world.send(alice, &masked(0x8A, b""));
    }
    let told = explained(&mut world, &id);
    assert_eq!(used(&told, "limits", "pauses_max"), ["0 of 5"]);
    assert_eq!(told["session"]["pauses"], 0);
}

#[test]
fn what_is_no_session_is_told_of_with_how_long_it_may_take() {
    let mut world = private_world(|config| {
        config.deadlines.head = seconds(10);
        config.deadlines.keep_alive = seconds(20);
        config.deadlines.sign_in = seconds(25);
    });
    let slow = world.connect("10.0.0.7").expect("room");
    world.send(slow, b"GET / HTT");
    world.advance(seconds(3));
    let id = ids(&mut world, "").remove(0);
    let told = explained(&mut world, &id);
    assert_eq!(told["connection"]["state"], "request");
    assert_eq!(told["connection"]["address"], "10.0.0.7:40000");
    assert_eq!(told.get("session"), None);
    assert_eq!(
        deadlines(&told),
        [("deadlines.head", 7000), ("deadlines.sign_in", 22_000)]
    );
    world.send(slow, b"P/1.1\r\nHost: chat.example\r\n\r\n");
    let told = explained(&mut world, &id);
    assert_eq!(told["connection"]["state"], "idle");
    assert_eq!(
        used(&told, "limits", "requests_per_connection_max"),
        ["1 of 100"]
    );
    assert_eq!(
        deadlines(&told),
        [
            ("deadlines.keep_alive", 20_000),
            ("deadlines.sign_in", 22_000)
        ]
    );
}

#[test]
fn a_connection_that_is_not_there_or_has_ended_is_404_and_its_id_is_no_others() {
    let mut world = crowd();
    let all = ids(&mut world, "?user=bob");
    let [bob] = all.as_slice() else {
        panic!("bob is here once");
    };
    let gone = wardroom::id::ConnectionId::parse(bob).expect("an id");
    world.reset(gone);
    world.settle();
    world.join("dora", "10.0.0.4");
    let slot = bob.split('-').next().expect("a slot");
    let dora = ids(&mut world, "?user=dora").remove(0);
    assert!(
        dora.starts_with(&format!("{slot}-")),
        "the slot is used again"
    );
    assert_eq!(explained(&mut world, &dora)["connection"]["user"], "dora");
    let odd = format!("0{dora}");
    for id in [
        bob.as_str(),
        "77-0",
        "x",
        "-",
        "%2B0-0",
        "4294967296-0",
        &odd,
    ] {
        let response = get(&mut world, &format!("/api/v1/connections/{id}"));
        assert_eq!(response.status, 404, "{id}");
        let told = response.json();
        assert_eq!(told["type"], "urn:wardroom:problem:unknown-connection");
    }
}

#[test]
fn one_that_came_through_a_proxy_is_told_of_with_it_and_the_operators_own_without_a_prefix() {
    let mut world = private_world(|config| {
        config.proxy.trusted = vec!["10.9.0.0/16".parse().expect("a network")];
    });
    let id = world.connect("10.9.0.1").expect("room");
    world.send(
        id,
        crate::chat_request("?token=alice", "X-Forwarded-For: 192.0.2.7\r\n").as_bytes(),
    );
    let alice = ids(&mut world, "?user=alice").remove(0);
    let told = explained(&mut world, &alice);
    assert_eq!(told["prefix"], "192.0.2.7/32");
    assert_eq!(told["proxy"], "10.9.0.1:40000");
    assert_eq!(told["connection"]["address"], "192.0.2.7");
    let own = enter(&mut world);
    let line = format!("GET /api/v1/connections/{own}");
    world.send(own, request(&line, "", "").as_bytes());
    let response = world.client(own).take_whole_response().expect("an answer");
    let told = response.json();
    assert_eq!(told["connection"]["door"], "private");
    assert_eq!(told.get("prefix"), None);
    let names: Vec<_> = deadlines(&told).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["deadlines.head"], "it never signs in");
}
