//! What one user or address has used of each limit, told to whoever has the key.

use serde_json::{Value, json};
use wardroom::config::{Rate, Shadow};
use wardroom::simulation::World;

use super::{get, private_world};
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
