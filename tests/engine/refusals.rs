//! Why nobody gets in, said as a close frame that a page can read or as a status.

use wardroom::config::RefuseWith;
use wardroom::simulation::{Ending, World, masked};

use crate::{ask, chat_request, knock, millis, outcome, seconds, world_with};

fn refusing(with: RefuseWith) -> World {
    world_with(|config| {
        config.auth.refuse_with = with;
        config.limits.connections_per_user = 1;
        config.limits.connections_per_address = 2;
    })
}

/// A reason: the query and field lines that lead to it, as a close frame and as a status.
const REASONS: [(&str, &str, &str, &str); 6] = [
    (
        "",
        "",
        "1008 credentials required",
        "401 credentials_required",
    ),
    (
        "?token=bad",
        "",
        "1008 invalid credentials",
        "401 invalid_credentials",
    ),
    (
        "?token=expired",
        "",
        "1008 token expired",
        "401 token_expired",
    ),
    (
        "?token=alice",
        "",
        "1008 too many connections for this user",
        "429 too_many",
    ),
    (
        "?token=carol",
        "",
        "1008 too many connections from this address",
        "429 too_many",
    ),
    // No page needs to tell this one apart: always a status.
    (
        "?token=dave",
        "Origin: https://evil.example\r\n",
        "403 origin_forbidden",
        "403 origin_forbidden",
    ),
];

#[test]
fn each_reason_has_its_close_code_and_text_and_its_status() {
    for (query, fields, as_close, as_status) in REASONS {
        for (with, expected) in [(RefuseWith::Close, as_close), (RefuseWith::Http, as_status)] {
            let mut world = refusing(with);
            assert_eq!(
                knock(&mut world, "10.0.0.1", "?token=alice", ""),
                "in as alice"
            );
            assert_eq!(knock(&mut world, "10.0.0.1", "?token=bob", ""), "in as bob");
            let before = world.census();
            assert_eq!(knock(&mut world, "10.0.0.1", query, fields), expected);
            let after = world.census();
            assert_eq!(after.user_connections, before.user_connections);
            assert_eq!(after.seats, before.seats);
            assert_eq!(after.prefix_connections.1, before.prefix_connections.1);
        }
    }
}

#[test]
fn a_status_of_a_limit_says_which_whose_and_when_to_come_back() {
    let mut world = refusing(RefuseWith::Http);
    knock(&mut world, "10.0.0.1", "?token=alice", "");
    knock(&mut world, "10.0.0.1", "?token=bob", "");
    let rows = [
        ("?token=alice", "connections_per_user", "user"),
        ("?token=carol", "connections_per_address", "address"),
    ];
    for (query, limit, scope) in rows {
        let id = ask(&mut world, "10.0.0.1", &chat_request(query, ""));
        let response = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(response.json()["limit"], limit);
        assert_eq!(response.json()["scope"], scope);
        assert_eq!(response.json()["retry_after_ms"], 2000);
        assert_eq!(response.field("Retry-After"), Some("2"));
        assert_eq!(response.field("Connection"), Some("close"));
    }
}

#[test]
fn a_status_of_a_credential_names_the_scheme() {
    let rows = [
        ("", "Bearer"),
        ("?token=bad", "Bearer error=\"invalid_token\""),
        ("?token=expired", "Bearer error=\"invalid_token\""),
    ];
    for (query, expected) in rows {
        let mut world = refusing(RefuseWith::Http);
        let id = ask(&mut world, "10.0.0.1", &chat_request(query, ""));
        let response = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(response.field("WWW-Authenticate"), Some(expected));
    }
}

#[test]
fn a_page_that_is_turned_away_gets_a_close_handshake_and_what_it_says_meanwhile_is_not_heard() {
    let mut world = refusing(RefuseWith::Close);
    let witness = world.join("witness", "10.0.0.9");
    world.client(witness).take_frames();
    let id = ask(&mut world, "10.0.0.1", &chat_request("?token=bad", ""));
    world.say(id, r#"{"type":"send","room":"lobby","message":"x"}"#);
    assert_eq!(outcome(&mut world, id), "1008 invalid credentials");
    assert_eq!(world.client(id).ending(), Ending::Open);
    world.send(id, &masked(0x88, &[0x03, 0xF0]));
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);
    world.advance(millis(500));
    assert_eq!(world.client(id).ending(), Ending::Closed);
    assert_eq!(world.client(witness).take_frames(), []);
}

#[test]
fn a_place_that_becomes_free_is_given_to_the_next() {
    let mut world = refusing(RefuseWith::Close);
    let alice = world.join("alice", "10.0.0.1");
    let refused = "1008 too many connections for this user";
    assert_eq!(knock(&mut world, "10.0.0.2", "?token=alice", ""), refused);
    world.hang_up(alice);
    assert_eq!(
        knock(&mut world, "10.0.0.2", "?token=alice", ""),
        "in as alice"
    );
    world.advance(seconds(60));
    assert_eq!(
        knock(&mut world, "10.0.0.2", "?token=alice", ""),
        "in as alice"
    );
}
