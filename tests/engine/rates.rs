//! Message rates: of a user, a connection, an address; what a refusal says, and that it keeps its word.

use proptest::prelude::*;
use serde_json::Value;
use wardroom::config::{Config, Rate};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use crate::{lines, message, millis, roomy_with, seconds, stay, world, world_with};

/// Refusals among the notices: limit, scope, milliseconds to wait.
fn refusals(notices: &[Value]) -> Vec<(String, String, u64)> {
    notices
        .iter()
        .filter(|notice| notice["code"] == "rate_limited")
        .map(|notice| {
            (
                notice["limit"].as_str().unwrap_or("?").to_owned(),
                notice["scope"].as_str().unwrap_or("?").to_owned(),
                notice["retry_after_ms"].as_u64().unwrap_or(u64::MAX),
            )
        })
        .collect()
}

/// Says something until it is refused; how often it went through, and the refusal.
fn say_until_refused(world: &mut World, id: ConnectionId) -> (usize, (String, String, u64)) {
    for said in 0..1000 {
        world.client(id).take_frames();
        world.say(id, &message("x"));
        let notices = world.client(id).take_notices();
        if let Some(refusal) = refusals(&notices).pop() {
            return (said, refusal);
        }
        assert_eq!(notices.len(), 1, "a message is either said or refused");
    }
    panic!("never refused");
}

fn goes_through(world: &mut World, id: ConnectionId) -> bool {
    world.client(id).take_frames();
    world.say(id, &message("again"));
    refusals(&world.client(id).take_notices()).is_empty()
}

#[test]
fn each_rate_refuses_at_its_bound_and_lets_through_exactly_when_it_said() {
    type Row = (&'static str, &'static str, usize, fn(&mut Config));
    let rows: [Row; 4] = [
        ("messages_per_user", "user", 5, |config| {
            config.limits.messages_per_user = Rate::new(5, seconds(5));
        }),
        ("messages_per_connection", "connection", 7, |config| {
            config.limits.messages_per_connection = Rate::new(7, seconds(3));
        }),
        ("messages_per_address", "address", 9, |config| {
            config.limits.messages_per_address = Rate::new(9, millis(1100));
        }),
        ("commands_per_user", "user", 11, |config| {
            config.limits.commands_per_user = Rate::new(11, seconds(7));
        }),
    ];
    for (limit, scope, burst, change) in rows {
        let mut world = roomy_with(change);
        let id = world.join("alice", "10.0.0.1");
        for round in 0..3 {
            let (said, refusal) = say_until_refused(&mut world, id);
            let (found, whose, retry_after_ms) = refusal;
            assert_eq!((found.as_str(), whose.as_str()), (limit, scope));
            assert_eq!(said, if round == 0 { burst } else { 0 }, "{limit}");
            world.advance(millis(retry_after_ms - 1));
            assert!(!goes_through(&mut world, id), "{limit}: not before");
            world.advance(millis(1));
            assert!(goes_through(&mut world, id), "{limit}: exactly then");
        }
    }
}

#[test]
fn whoever_is_refused_by_several_limits_is_told_when_all_of_them_let_through() {
    let mut world = roomy_with(|config| {
        config.limits.messages_per_user = Rate::new(3, seconds(3));
        config.limits.messages_per_connection = Rate::new(3, seconds(6));
        config.limits.messages_per_address = Rate::new(3, seconds(30));
    });
    let id = world.join("alice", "10.0.0.1");
    let (said, (limit, _, retry_after_ms)) = say_until_refused(&mut world, id);
    assert_eq!(said, 3);
    assert_eq!(
        (limit.as_str(), retry_after_ms),
        ("messages_per_address", 10_000)
    );
    world.advance(millis(retry_after_ms));
    assert!(goes_through(&mut world, id));
}

#[test]
fn a_users_rate_counts_all_their_connections_and_nobody_elses() {
    let mut world = world();
    let first = world.join("alice", "10.0.0.1");
    let second = world.join("alice", "10.0.0.2");
    let other = world.join("bob", "10.0.0.1");
    for id in [first, second, first, second, first] {
        assert!(goes_through(&mut world, id));
    }
    assert!(!goes_through(&mut world, first));
    assert!(!goes_through(&mut world, second));
    assert!(goes_through(&mut world, other));
    world.advance(seconds(1));
    assert!(goes_through(&mut world, second));
    assert!(!goes_through(&mut world, first));
}

#[test]
fn coming_back_does_not_refill_a_users_bucket() {
    let mut world = world();
    let id = world.join("alice", "10.0.0.1");
    for _ in 0..5 {
        assert!(goes_through(&mut world, id));
    }
    world.reset(id);
    let id = world.join("alice", "10.0.0.9");
    assert!(!goes_through(&mut world, id));
}

#[test]
fn an_ipv6_network_of_64_bits_and_an_ipv4_address_are_one_source_each() {
    // Two addresses, and whether they share what one of them may send.
    let rows = [
        ("[2001:db8::1]", "[2001:db8::ffff:2]", true),
        ("[2001:db8::1]", "[2001:db8::a:b:c:d]", true),
        ("[2001:db8:0:1::1]", "[2001:db8:0:2::1]", false),
        ("[2001:db8::1]", "[2001:db9::1]", false),
        ("10.0.0.1", "10.0.0.1", true),
        ("10.0.0.1", "10.0.0.2", false),
        ("10.0.0.1", "[::ffff:10.0.0.1]", true),
    ];
    for (one, other, shared) in rows {
        let mut world =
            roomy_with(|config| config.limits.messages_per_address = Rate::new(4, seconds(4)));
        let first = world.join("alice", one);
        let second = world.join("bob", other);
        for _ in 0..4 {
            assert!(goes_through(&mut world, first));
        }
        assert!(!goes_through(&mut world, first));
        assert_eq!(goes_through(&mut world, second), !shared, "{one} {other}");
    }
}

#[test]
fn the_full_protocol_repeats_the_id_of_a_request_it_has_no_room_for() {
    let mut world = roomy_with(|config| {
        config.limits.commands_per_user = Rate::new(3, seconds(3));
        config.limits.messages_per_user = Rate::new(1, seconds(4));
    });
    let id = world.join_v1("alice", "10.0.0.1");
    let send = r#"{"type":"send","id":"a","room":"lobby","message":"x"}"#;
    world.say(id, send);
    world.client(id).take_frames();
    world.say(id, send);
    world.say(id, send);
    world.say(id, r#"{"type":"ping","id":7}"#);
    let notices = world.client(id).take_notices();
    let told: Vec<_> = notices
        .iter()
        .map(|n| {
            (
                n["id"].clone(),
                n["limit"].as_str().unwrap_or("?").to_owned(),
            )
        })
        .collect();
    let expected = [
        (Value::from("a"), "messages_per_user".to_owned()),
        (Value::from("a"), "messages_per_user".to_owned()),
        (Value::from(7), "commands_per_user".to_owned()),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        notices[0]["error"],
        "Too much at once: wait before sending more."
    );
}

#[test]
fn an_invalid_message_costs_more_than_a_valid_one() {
    let spend = |text: &str| {
        let mut world = world_with(|config| {
            config.limits.commands_per_user = Rate::new(10, seconds(10));
        });
        let id = world.join_v1("alice", "10.0.0.1");
        world.client(id).take_frames();
        (0..20)
            .take_while(|_| {
                world.say(id, text);
                refusals(&world.client(id).take_notices()).is_empty()
            })
            .count()
    };
    assert_eq!(spend(r#"{"type":"ping"}"#), 10);
    assert_eq!(spend(r#"{"type":"pang"}"#), 5);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Five messages at first, then never more often than one in a second, over one or two connections.
    #[test]
    fn an_honest_client_at_its_rate_is_never_refused(
        pauses in prop::collection::vec(1000u64..4000, 1..40),
        uses_second in prop::collection::vec(any::<bool>(), 45),
    ) {
        let mut world = world();
        let tabs = [world.join("alice", "10.0.0.1"), world.join("alice", "10.0.0.1")];
        let pauses = [0; 5].into_iter().chain(pauses);
        for (pause, second) in pauses.zip(uses_second) {
            for tab in tabs {
                stay(&mut world, tab, millis(0));
            }
            world.advance(millis(pause));
            let tab = tabs[usize::from(second)];
            world.client(tab).take_frames();
            world.say(tab, &message("x"));
            prop_assert_eq!(lines(&world.client(tab).take_notices()), ["alice: x"]);
        }
    }
}

#[test]
fn coming_back_does_not_refill_a_users_commands() {
    let mut world = roomy_with(|config| {
        config.limits.commands_per_user = Rate::new(4, seconds(40));
    });
    let hop = |world: &mut World, id| {
        world.say(id, r#"{"type":"leave","id":1,"room":"lobby"}"#);
        world.say(id, r#"{"type":"join","id":2,"room":"lobby"}"#);
    };
    let witness = world.join_v1("bob", "10.0.0.9");
    world.client(witness).take_frames();
    let mut noises = 0;
    for _ in 0..5 {
        let id = world.join_v1("alice", "10.0.0.1");
        world.client(witness).take_frames();
        hop(&mut world, id);
        noises += world.client(witness).take_notices().len();
        world.hang_up(id);
    }
    assert_eq!(noises, 4, "two hops, however often alice comes back");
}
