//! Addresses that do nothing but offend are kept out at accept, for a time that grows and is forgotten.

use serde_json::json;
use wardroom::config::{Config, Rate};
use wardroom::protocol::response::Refusal;
use wardroom::simulation::{World, masked};

use crate::private::{get, post, private_world};
use crate::{chat_request, knock, message, roomy, seconds};

/// Five offences are borne, and nothing else is limited.
fn strict(change: impl FnOnce(&mut Config)) -> World {
    let mut config = roomy();
    config.limits.offences_per_address = Rate::new(5, seconds(600));
    change(&mut config);
    World::new(config)
}

/// How long this address is kept out; `None` when it is let in.
fn kept_out(world: &mut World, peer: &str) -> Option<u64> {
    match world.connect(peer) {
        Err(Refusal::TooMany {
            limit: "offences_per_address",
            retry_after,
            ..
        }) => Some(retry_after.as_secs()),
        Err(other) => panic!("{other}"),
        Ok(id) => {
            world.reset(id);
            None
        }
    }
}

fn nonsense(world: &mut World, peer: &str) {
    let id = world.connect(peer).expect("room");
    world.send(id, b"NONSENSE\r\n\r\n");
    world.hang_up(id);
}

#[test]
fn each_kind_of_offence_keeps_its_address_out_and_no_other() {
    type Offence = fn(&mut World, &str);
    let rows: [(&str, Offence); 8] = [
        ("a request that is none", nonsense),
        ("a head too large", |world, peer| {
            let id = world.connect(peer).expect("room");
            let line = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(9000));
            world.send(id, line.as_bytes());
            world.hang_up(id);
        }),
        ("a head that never ends", |world, peer| {
            let id = world.connect(peer).expect("room");
            world.send(id, b"GET / HT");
            world.advance(seconds(11));
            world.hang_up(id);
        }),
        ("a head that is left half said", |world, peer| {
            let id = world.connect(peer).expect("room");
            world.send(id, b"GET / HT");
            world.hang_up(id);
        }),
        ("a head that a reset cuts off", |world, peer| {
            let id = world.connect(peer).expect("room");
            world.send(id, b"GET / HT");
            world.reset(id);
        }),
        ("a bad token", |world, peer| {
            assert_eq!(
                knock(world, peer, "?token=bad", ""),
                "1008 invalid credentials"
            );
        }),
        ("a frame that is none", |world, peer| {
            let id = world.join("mallory", peer);
            world.send(id, &masked(0xF3, b""));
            world.hang_up(id);
        }),
        ("a text that is none", |world, peer| {
            let id = world.join("mallory", peer);
            world.send(id, &masked(0x81, &[0xFF, 0xFE]));
            world.hang_up(id);
        }),
    ];
    for (name, offend) in rows {
        let mut world = strict(|config| {
            config.limits.offences_per_address.per = seconds(60_000);
            config.deadlines.ping = seconds(600);
        });
        let inside = world.join("alice", "10.0.0.1");
        let borne = (0..9).take_while(|_| {
            let is_in = kept_out(&mut world, "10.0.0.1").is_none();
            if is_in {
                offend(&mut world, "10.0.0.1");
            }
            is_in
        });
        // The first sign-in had nothing to give back.
        assert!((5..=6).contains(&borne.count()), "{name}");
        assert_eq!(kept_out(&mut world, "10.0.0.2"), None, "{name}");
        world.client(inside).take_frames();
        world.say(inside, &message("still here"));
        assert_eq!(world.client(inside).take_frames().len(), 1, "{name}");
    }
}

#[test]
fn a_penalty_doubles_up_to_its_bound_and_is_forgotten_in_time() {
    let mut world = strict(|config| config.limits.penalty_max = seconds(40));
    for _ in 0..5 {
        nonsense(&mut world, "10.0.0.1");
    }
    for expected in [10, 20, 40, 40] {
        assert_eq!(kept_out(&mut world, "10.0.0.1"), None);
        nonsense(&mut world, "10.0.0.1");
        assert_eq!(kept_out(&mut world, "10.0.0.1"), Some(expected));
        world.advance(seconds(expected - 1));
        assert_eq!(kept_out(&mut world, "10.0.0.1"), Some(1));
        world.advance(seconds(1));
    }
    world.advance(seconds(10 * 600));
    for _ in 0..5 {
        nonsense(&mut world, "10.0.0.1");
        assert_eq!(kept_out(&mut world, "10.0.0.1"), None);
    }
    nonsense(&mut world, "10.0.0.1");
    assert_eq!(kept_out(&mut world, "10.0.0.1"), Some(10));
}

#[test]
fn a_sign_in_makes_up_for_one_mistake() {
    let mut world = strict(|_| {});
    for n in 0..40 {
        let query = if n % 2 == 0 {
            "?token=bad"
        } else {
            "?token=alice"
        };
        let id = world.connect("10.0.0.1").expect("never kept out");
        world.send(id, chat_request(query, "").as_bytes());
        world.reset(id);
    }
    assert_eq!(kept_out(&mut world, "10.0.0.1"), None);
}

/// Three failed sign-ins are borne, and then nobody of the address is looked at for minutes.
fn guessed_at() -> World {
    private_world(|config| {
        config.limits.offences_per_address = Rate::new(5, seconds(600));
        config.limits.failed_authentications_per_address = Rate::new(3, seconds(600));
    })
}

#[test]
fn honest_people_who_try_again_behind_the_address_of_one_who_guesses_are_no_offenders() {
    let mut world = guessed_at();
    for _ in 0..3 {
        knock(&mut world, "10.0.0.1", "?token=bad", "");
    }
    for _ in 0..15 {
        let answer = knock(&mut world, "10.0.0.1", "?token=alice", "");
        assert_eq!(answer, "429 too_many");
    }
    assert_eq!(kept_out(&mut world, "10.0.0.1"), None);
    for _ in 0..15 {
        knock(&mut world, "10.0.0.1", "?token=bad", "");
    }
    assert_eq!(kept_out(&mut world, "10.0.0.1"), Some(10), "who goes on");
}

#[test]
fn whoever_is_pardoned_may_sign_in_at_once() {
    let mut world = guessed_at();
    for _ in 0..4 {
        knock(&mut world, "10.0.0.1", "?token=bad", "");
    }
    let body = json!({"address": "10.0.0.1"}).to_string();
    post(&mut world, "/api/v1/pardons", &body);
    let answer = knock(&mut world, "10.0.0.1", "?token=alice", "");
    assert_eq!(answer, "in as alice");
}

#[test]
fn networks_that_the_operator_names_are_never_kept_out() {
    let exempt = vec!["10.0.0.0/24".parse().expect("a network")];
    let mut world = strict(|config| config.limits.penalty_exempt = exempt);
    for _ in 0..50 {
        nonsense(&mut world, "10.0.0.1");
    }
    assert_eq!(kept_out(&mut world, "10.0.0.1"), None);
    for _ in 0..6 {
        nonsense(&mut world, "10.0.1.1");
    }
    assert_eq!(kept_out(&mut world, "10.0.1.1"), Some(10));
}

#[test]
fn an_address_that_most_people_come_from_is_taken_for_a_proxy_and_not_kept_out() {
    for (people, expected) in [(30, None), (4, Some(10))] {
        let mut world = strict(|config| config.limits.connections_per_address = 5);
        for n in 0..30 {
            // Most of them find no room: the address has its share.
            let user = format!("?token=user{}", n % people);
            knock(&mut world, "10.0.0.1", &user, "");
        }
        for _ in 0..20 {
            if let Ok(id) = world.connect("10.0.0.1") {
                world.reset(id);
                nonsense(&mut world, "10.0.0.1");
            }
        }
        assert_eq!(kept_out(&mut world, "10.0.0.1"), expected, "{people}");
    }
}

#[test]
fn a_trusted_proxy_is_never_kept_out_and_its_client_is() {
    let trusted = vec!["10.0.0.1".parse::<std::net::IpAddr>().expect("one").into()];
    let mut world = strict(|config| config.proxy.trusted = trusted);
    let mut answers = Vec::new();
    for _ in 0..8 {
        let fields = "X-Forwarded-For: 203.0.113.7\r\n";
        answers.push(knock(&mut world, "10.0.0.1", "?token=bad", fields));
        nonsense(&mut world, "10.0.0.1");
    }
    assert_eq!(answers[5], "1008 invalid credentials");
    assert_eq!(answers[6], "429 too_many");
    let fields = "X-Forwarded-For: 203.0.113.8\r\n";
    assert_eq!(
        knock(&mut world, "10.0.0.1", "?token=alice", fields),
        "in as alice"
    );
}

#[test]
fn the_operator_sees_who_is_kept_out_and_lets_them_back_in() {
    let mut world = private_world(|config| {
        config.limits.offences_per_address = Rate::new(5, seconds(600));
    });
    for peer in ["10.0.0.1", "[2001:db8::7]"] {
        for _ in 0..6 {
            nonsense(&mut world, peer);
        }
        assert_eq!(kept_out(&mut world, peer), Some(10));
    }
    let penalties = get(&mut world, "/api/v1/limits").json()["penalties"].clone();
    let expected = json!([
        {"address": "10.0.0.1/32", "left_ms": 10_000},
        {"address": "2001:db8::/64", "left_ms": 10_000},
    ]);
    assert_eq!(penalties, expected);
    for (address, was_out) in [("2001:db8::9", true), ("2001:db8::7", false)] {
        let body = json!({ "address": address }).to_string();
        let answer = post(&mut world, "/api/v1/pardons", &body);
        let expected = json!({"address": "2001:db8::/64", "was_kept_out": was_out});
        assert_eq!(answer.json(), expected);
    }
    assert_eq!(kept_out(&mut world, "[2001:db8::7]"), None);
    assert_eq!(kept_out(&mut world, "10.0.0.1"), Some(10));
}

#[test]
fn a_reload_lifts_every_penalty() {
    let mut world = strict(|_| {});
    for _ in 0..6 {
        nonsense(&mut world, "10.0.0.1");
    }
    assert_eq!(kept_out(&mut world, "10.0.0.1"), Some(10));
    let mut config = roomy();
    config.limits.offences_per_address = Rate::new(5, seconds(600));
    world.reconfigure(config);
    assert_eq!(kept_out(&mut world, "10.0.0.1"), None);
}
