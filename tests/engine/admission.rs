//! Limits at the door: connections in all, of an address, not signed in; handshakes and failed sign-ins.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wardroom::access::{AuthError, Authenticator, Credential, Identity};
use wardroom::config::{Config, Rate};
use wardroom::protocol::response::Refusal;
use wardroom::simulation::{Ending, Names, World};
use wardroom::time::Now;

use crate::{ask, chat_request, closed, knock, message, millis, seconds, world_with};

/// Status, limit and wait of a refusal at accept.
fn refused(refusal: Result<impl Sized, Refusal>) -> Option<(u16, &'static str, u64)> {
    let refusal = refusal.err()?;
    match refusal {
        Refusal::TooMany {
            limit, retry_after, ..
        }
        | Refusal::Full { limit, retry_after } => {
            Some((refusal.status(), limit, retry_after.as_secs()))
        }
        _ => None,
    }
}

#[test]
fn five_connections_of_an_address_and_three_of_a_user_by_default() {
    let mut world = world_with(|_| {});
    for n in 0..3 {
        let query = format!("?token=alice&n={n}");
        assert_eq!(knock(&mut world, "10.0.0.1", &query, ""), "in as alice");
    }
    assert_eq!(
        knock(&mut world, "10.0.0.2", "?token=alice", ""),
        "1008 too many connections for this user"
    );
    for user in ["bob", "carol"] {
        let query = format!("?token={user}");
        assert_eq!(
            knock(&mut world, "10.0.0.1", &query, ""),
            format!("in as {user}")
        );
    }
    assert_eq!(
        knock(&mut world, "10.0.0.1", "?token=dave", ""),
        "1008 too many connections from this address"
    );
    assert_eq!(
        knock(&mut world, "10.0.0.2", "?token=dave", ""),
        "in as dave"
    );
    // An IPv6 network is one address, and loopback is not special.
    for (n, user) in ["e", "f", "g", "h", "i"].into_iter().enumerate() {
        let peer = format!("[2001:db8::{n}]");
        assert_eq!(
            knock(&mut world, &peer, &format!("?token={user}"), ""),
            format!("in as {user}")
        );
        assert_eq!(
            knock(&mut world, "127.0.0.1", &format!("?token=l{user}"), ""),
            format!("in as l{user}")
        );
    }
    for peer in ["[2001:db8::ffff]", "127.0.0.1"] {
        assert_eq!(
            knock(&mut world, peer, "?token=zoe", ""),
            "1008 too many connections from this address"
        );
    }
}

#[test]
fn an_address_that_has_its_share_is_refused_the_next_and_admitted_again_when_one_has_gone() {
    let mut world = world_with(|config| config.limits.plain_per_address = 4);
    let ids: Vec<_> = (0..4)
        .map(|_| world.connect("10.0.0.1").expect("room"))
        .collect();
    let before = world.census();
    let (status, limit, _) = refused(world.connect("10.0.0.1")).expect("no room");
    assert_eq!((status, limit), (429, "plain_per_address"));
    assert_eq!(
        world.census(),
        before,
        "a refused connection is not counted"
    );
    world.connect("10.0.0.2").expect("room for a neighbour");
    world.hang_up(ids[0]);
    world.connect("10.0.0.1").expect("room again");
}

#[test]
fn a_server_full_of_sessions_refuses_and_admits_again_when_one_has_gone() {
    let mut world = world_with(|config| {
        config.limits.connections_max = 4;
        config.limits.unauthenticated_max = 2;
    });
    let ids: Vec<_> = (0..4)
        .map(|n| world.join(&format!("user{n}"), &format!("10.0.0.{n}")))
        .collect();
    let before = world.census();
    let (status, limit, _) = refused(world.connect("10.0.0.9")).expect("no room");
    assert_eq!((status, limit), (503, "connections_max"));
    assert_eq!(world.census(), before);
    world.reset(ids[0]);
    world.join("user9", "10.0.0.9");
}

#[test]
fn when_all_places_are_taken_the_oldest_of_the_most_frequent_address_makes_room() {
    for change in [
        |config: &mut Config| config.limits.unauthenticated_max = 4,
        |config: &mut Config| {
            config.limits.connections_max = 4;
            config.limits.unauthenticated_max = 4;
        },
    ] {
        let mut world = world_with(change);
        let honest = world.connect("10.0.0.1").expect("room");
        let flood: Vec<_> = (0..3)
            .map(|_| world.connect("10.9.0.1").expect("room"))
            .collect();
        let newcomer = world.connect("10.0.0.2").expect("a place is made");
        world.settle();
        assert_eq!(world.client(flood[0]).ending(), Ending::Closed);
        assert!(world.metrics().contains("scope=\"server\"} 1"), "counted");
        for id in [honest, newcomer] {
            world.send(id, chat_request("?token=alice", "").as_bytes());
            assert_eq!(crate::outcome(&mut world, id), "in as alice");
        }
        for id in &flood[1..] {
            assert_eq!(world.client(*id).ending(), Ending::Open);
        }
    }
}

#[test]
fn whoever_leaves_takes_no_newcomers_place_and_goes_before_them_when_there_is_no_room() {
    let mut world = world_with(|config| {
        config.limits.connections_max = 6;
        config.limits.unauthenticated_max = 3;
    });
    let leaving: Vec<_> = (0..3)
        .map(|n| world.join(&format!("user{n}"), &format!("10.0.0.{n}")))
        .collect();
    let newcomers: Vec<_> = (3..6)
        .map(|n| {
            world.advance(millis(1));
            world.connect(&format!("10.0.0.{n}")).expect("a place")
        })
        .collect();
    for id in &leaving {
        // A frame that is not masked ends a session.
        world.send(*id, &[0x81, 0x00]);
    }
    for id in leaving.iter().chain(&newcomers) {
        assert_ne!(world.client(*id).ending(), Ending::Closed);
    }
    assert!(
        world
            .metrics()
            .contains("wardroom_connections{state=\"closing\"} 3")
    );
    // A fourth newcomer takes the place of the first, whoever else is there.
    let fourth = world.connect("10.0.0.9").expect("a place");
    world.settle();
    assert_eq!(world.client(newcomers[0]).ending(), Ending::Closed);
    for id in &leaving {
        assert_eq!(closed(&mut world, *id).map(|(code, _)| code), Some(1002));
    }
    // Without any room at all, those who leave go first.
    world.send(fourth, chat_request("?token=nine", "").as_bytes());
    let fifth = world.connect("10.0.0.10").expect("a place");
    world.settle();
    assert_eq!(world.client(leaving[0]).ending(), Ending::Closed);
    for id in [newcomers[1], newcomers[2], fifth] {
        assert_eq!(world.client(id).ending(), Ending::Open);
    }
}

#[test]
fn a_flood_of_connections_that_never_sign_in_competes_with_itself() {
    let mut world = world_with(|config| {
        config.limits.connections_max = 20;
        config.limits.unauthenticated_max = 10;
    });
    let alice = world.join("alice", "10.0.0.1");
    let bob = world.join("bob", "10.0.0.2");
    let mut newcomers = Vec::new();
    for n in 0..200 {
        world.connect(&format!("10.1.0.{n}")).expect("a place");
        if n % 20 == 0 {
            let newcomer = world.connect(&format!("10.0.1.{n}")).expect("a place");
            newcomers.push(newcomer);
        }
        assert!(world.census().plain_connections <= 10);
        if n % 20 == 9 {
            let newcomer = newcomers.pop().expect("one that came nine ago");
            let request = chat_request(&format!("?token=user{n}"), "");
            world.send(newcomer, request.as_bytes());
            assert_eq!(
                crate::outcome(&mut world, newcomer),
                format!("in as user{n}"),
                "who came in the middle of it"
            );
        }
    }
    world.client(bob).take_frames();
    world.say(alice, &message("hi"));
    assert_eq!(
        crate::lines(&world.client(bob).take_notices()),
        ["alice: hi"]
    );
    // The head's deadline, and the time to be told of it, free every place.
    world.advance(seconds(13));
    let census = world.census();
    assert_eq!((census.plain_connections, census.waiting), (0, 0));
}

#[test]
fn handshakes_of_an_address_are_counted_and_the_next_is_told_when() {
    let mut world = world_with(|config| {
        config.limits.handshakes_per_address = Rate::new(3, seconds(9));
        config.limits.connections_per_user = 100;
        config.limits.connections_per_address = 100;
    });
    for _ in 0..3 {
        assert_eq!(
            knock(&mut world, "10.0.0.1", "?token=alice", ""),
            "in as alice"
        );
    }
    let id = ask(&mut world, "10.0.0.1", &chat_request("?token=alice", ""));
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(response.status, 429);
    assert_eq!(response.json()["limit"], "handshakes_per_address");
    assert_eq!(response.json()["scope"], "address");
    assert_eq!(response.json()["retry_after_ms"], 3000);
    assert_eq!(response.field("Retry-After"), Some("3"));
    assert_eq!(
        knock(&mut world, "10.0.0.2", "?token=alice", ""),
        "in as alice"
    );
    world.advance(seconds(3) - millis(1));
    assert_eq!(
        knock(&mut world, "10.0.0.1", "?token=alice", ""),
        "429 too_many"
    );
    world.advance(millis(1));
    assert_eq!(
        knock(&mut world, "10.0.0.1", "?token=alice", ""),
        "in as alice"
    );
}

/// Counts how often it is asked.
struct Counting(Arc<AtomicUsize>);

impl Authenticator for Counting {
    fn authenticate(&self, credential: Credential<'_>, now: Now) -> Result<Identity, AuthError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Names.authenticate(credential, now)
    }
}

#[test]
fn after_ten_failed_sign_ins_no_signature_of_that_address_is_looked_at_until_a_token_is_back() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = || asked.load(Ordering::Relaxed);
    let authenticator = Box::new(Counting(Arc::clone(&asked)));
    let mut world = World::with_authenticator(Config::default(), authenticator, [7; 32]);
    for _ in 0..10 {
        assert_eq!(
            knock(&mut world, "10.0.0.1", "?token=bad", ""),
            "1008 invalid credentials"
        );
    }
    assert_eq!(count(), 10);
    for query in ["?token=bad", "?token=alice"] {
        let id = ask(&mut world, "10.0.0.1", &chat_request(query, ""));
        let response = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(response.status, 429);
        assert_eq!(
            response.json()["limit"],
            "failed_authentications_per_address"
        );
        assert_eq!(response.json()["retry_after_ms"], 6000);
    }
    assert_eq!(count(), 10, "nothing was looked at");
    assert_eq!(
        knock(&mut world, "10.0.0.2", "?token=alice", ""),
        "in as alice"
    );
    world.advance(seconds(6) - millis(1));
    assert_eq!(
        knock(&mut world, "10.0.0.1", "?token=alice", ""),
        "429 too_many"
    );
    world.advance(millis(1));
    assert_eq!(
        knock(&mut world, "10.0.0.1", "?token=alice", ""),
        "in as alice"
    );
    assert_eq!(count(), 12);
}

#[test]
fn a_good_sign_in_is_no_failed_one() {
    let mut world = world_with(|config| {
        config.limits.failed_authentications_per_address = Rate::new(1, seconds(60));
    });
    for _ in 0..20 {
        let id = ask(&mut world, "10.0.0.1", &chat_request("?token=alice", ""));
        assert_eq!(crate::outcome(&mut world, id), "in as alice");
        world.reset(id);
        world.advance(seconds(1));
    }
}

#[test]
fn requests_cost_their_address_bytes_too_and_are_answered_429_past_the_rate() {
    let mut world = world_with(|config| {
        config.limits.bytes_per_address = Rate::new(16_384, seconds(4));
    });
    let long = format!(
        "GET /healthz HTTP/1.1\r\nHost: h\r\nX-Pad: {}\r\n\r\n",
        "x".repeat(8000)
    );
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let id = ask(&mut world, "10.0.0.1", &long);
        let response = world.client(id).take_whole_response().expect("an answer");
        statuses.push(response.status);
        if response.status == 429 {
            assert_eq!(response.json()["limit"], "bytes_per_address");
            assert_eq!(response.json()["scope"], "address");
        }
    }
    assert_eq!(statuses, [200, 200, 429, 429]);
    let elsewhere = ask(&mut world, "10.0.0.2", &long);
    let response = world.client(elsewhere).take_whole_response();
    assert_eq!(response.map(|found| found.status), Some(200));
    world.advance(seconds(8));
    let id = ask(&mut world, "10.0.0.1", &long);
    let response = world.client(id).take_whole_response();
    assert_eq!(response.map(|found| found.status), Some(200), "recovered");
}

#[test]
fn who_is_refused_before_a_signature_uses_none_up() {
    let mut world = world_with(|config| {
        config.turn.signature_checks_max = 1;
        config.origins.allow = vec!["https://good.example".to_owned()];
    });
    let evil = chat_request("?token=mallory", "Origin: https://evil.example\r\n");
    let nobody = chat_request("", "");
    let mut strangers = Vec::new();
    for n in 0..4 {
        let id = world.connect(&format!("10.0.1.{n}")).expect("room");
        world.queue(id, if n % 2 == 0 { &evil } else { &nobody }.as_bytes());
        strangers.push(id);
    }
    let alice = world.connect("10.0.0.1").expect("room");
    world.queue(alice, chat_request("?token=alice", "").as_bytes());
    world.turn();
    assert_eq!(
        world.census().user_connections,
        1,
        "alice is in, in the first turn"
    );
    world.settle();
    for id in strangers {
        assert!(world.client(id).received_bytes() > 0);
    }
}
