//! Calls that change something: publish, disconnect, mint a ticket.

use serde_json::Value;
use wardroom::config::Config;
use wardroom::simulation::Ending;

use super::{enter, get, post, private_world, request, told};
use crate::rooms::member;
use crate::{closed, knock};

const PUBLISH: &str = "/api/v1/rooms/lobby/messages";

#[test]
fn what_is_published_in_a_name_is_heard_exactly_as_if_it_had_been_said_in_both_protocols() {
    let mut world = private_world(|_| {});
    let bob = world.join_v1("bob", "10.0.0.1");
    let old = world.join("carol", "10.0.0.2");
    let new = world.join_v1("dave", "10.0.0.3");
    let heard = |world: &mut wardroom::simulation::World| {
        [bob, old, new].map(|id| {
            let mut notices = world.client(id).take_notices();
            notices.retain(|notice| notice["message"] == "hi");
            assert_eq!(notices.len(), 1, "{notices:?}");
            notices.remove(0)
        })
    };
    world.say(bob, r#"{"type":"send","room":"lobby","message":"hi"}"#);
    let said = heard(&mut world);
    let response = post(
        &mut world,
        PUBLISH,
        r#"{"message":"hi","as":{"user":"bob"}}"#,
    );
    assert_eq!(response.json()["seq"], 2);
    assert_eq!(response.json()["timestamp"], said[0]["timestamp"]);
    let mut published = heard(&mut world);
    assert_eq!(published[0]["seq"], 2, "numbers have no hole");
    for notice in &mut published {
        if let Some(seq) = notice.get_mut("seq") {
            *seq = Value::from(1);
        }
    }
    assert_eq!(published, said);
}

#[test]
fn the_system_speaks_under_a_name_that_no_user_can_have() {
    let mut world = private_world(|_| {});
    let old = world.join("carol", "10.0.0.2");
    let new = world.join_v1("dave", "10.0.0.3");
    post(&mut world, PUBLISH, r#"{"message":"maintenance at noon"}"#);
    let last = |notices: Vec<Value>| notices.into_iter().next_back().expect("a notice");
    let heard = last(world.client(old).take_notices());
    assert_eq!(heard["sender"], "System");
    assert_eq!(heard["message"], "maintenance at noon");
    let heard = last(world.client(new).take_notices());
    assert_eq!(heard["type"], "message");
    assert_eq!(heard["sender"], "System");
    assert_eq!(heard["name"], "System");
    assert_eq!(heard["seq"], 1);
}

#[test]
fn a_name_from_outside_is_cleaned_as_a_tokens_would_be() {
    let mut world = private_world(|_| {});
    let dave = world.join_v1("dave", "10.0.0.3");
    let body = "{\"message\":\"hi\",\"as\":{\"user\":\"u-1\",\"name\":\"  A\u{202e}da   L \"}}";
    assert_eq!(post(&mut world, PUBLISH, body).status, 200);
    let heard = world.client(dave).take_notices().pop().expect("a notice");
    assert_eq!(heard["sender"], "u-1");
    assert_eq!(heard["name"], "Ada L");
}

#[test]
fn a_disconnected_user_is_told_why_in_the_same_turn_and_hears_nothing_more() {
    let mut world = private_world(|_| {});
    let new = world.join_v1("mallory", "10.0.0.1");
    let old = world.join("mallory", "10.0.0.2");
    let alice = world.join("alice", "10.0.0.3");
    let idle = enter(&mut world);
    for id in [new, old, alice] {
        world.client(id).take_frames();
    }
    // In one turn: somebody speaks, and the operator disconnects. Slots are served in order, so alice's words come first.
    world.queue(
        alice,
        &wardroom::simulation::text(r#"{"message":"secret plans"}"#),
    );
    let body = r#"{"user":"mallory","reason":"see the house rules"}"#;
    world.queue(
        idle,
        request("POST /api/v1/disconnect", "", body).as_bytes(),
    );
    world.turn();
    assert_eq!(
        world.census().user_connections,
        1,
        "the sessions are over in this turn"
    );
    assert_eq!(world.census().seats, 1);
    let response = world.client(idle).take_whole_response().expect("an answer");
    assert_eq!(response.json()["disconnected"], 2);
    let received = String::from_utf8_lossy(world.client(new).received()).into_owned();
    assert!(!received.contains("secret plans"), "{received}");
    let bye = world.client(new).take_notices();
    assert_eq!(bye[0]["type"], "bye");
    assert_eq!(bye[0]["code"], 1008);
    assert_eq!(bye[0]["reason"], "see the house rules");
    assert!(bye[0].get("reconnect_after_ms").is_none(), "not unasked");
    let expected = Some((1008, "see the house rules".to_owned()));
    assert_eq!(closed(&mut world, old), expected);
    world.settle();
    let heard = crate::lines(&world.client(alice).take_notices());
    assert_eq!(
        heard,
        [
            "alice: secret plans",
            "System: User mallory has left the chat."
        ]
    );
}

#[test]
fn what_waited_for_a_disconnected_user_is_dropped() {
    let mut world = private_world(|_| {});
    let mallory = world.join("mallory", "10.0.0.1");
    let alice = world.join("alice", "10.0.0.3");
    world.client(mallory).take_frames();
    world.client(mallory).set_window(0);
    for n in 0..5 {
        world.say(
            alice,
            &format!(r#"{{"message":"secret {n} {}"}}"#, "x".repeat(400)),
        );
    }
    assert!(world.census().outbound_bytes > 2000);
    assert_eq!(
        post(&mut world, "/api/v1/disconnect", r#"{"user":"mallory"}"#).json()["disconnected"],
        1
    );
    assert!(world.census().outbound_bytes < 200, "{:?}", world.census());
    world.client(mallory).set_window(usize::MAX);
    world.settle();
    let expected = Some((1008, "disconnected by the operator".to_owned()));
    assert_eq!(closed(&mut world, mallory), expected);
}

#[test]
fn disconnecting_somebody_who_is_not_there_is_fine_and_disconnects_nobody_else() {
    let mut world = private_world(|_| {});
    let alice = world.join("alice", "10.0.0.3");
    for user in ["bob", "Alice", "alice ", "ali"] {
        let body = serde_json::json!({ "user": user }).to_string();
        let response = post(&mut world, "/api/v1/disconnect", &body);
        assert_eq!(response.json()["disconnected"], 0, "{user}");
    }
    assert_eq!(world.client(alice).ending(), Ending::Open);
}

#[test]
fn a_minted_ticket_opens_the_chat_once_as_the_named_user_and_from_the_named_page() {
    let origin = "https://chat.example";
    let mut world = private_world(|config| {
        config.origins.allow = vec![origin.to_owned(), "https://other.example".to_owned()];
    });
    let body = format!(r#"{{"user":"u-7","name":"Ada","origin":"{origin}"}}"#);
    for (page, expected) in [
        (origin, "in as u-7"),
        ("https://other.example", "1008 invalid credentials"),
    ] {
        let minted = post(&mut world, "/api/v1/tickets", &body);
        assert_eq!(minted.json()["expires_in_ms"], 30_000);
        let ticket = minted.json()["ticket"].as_str().expect("one").to_owned();
        let fields = format!(
            "Origin: {page}\r\nSec-WebSocket-Protocol: wardroom.v1, wardroom.ticket.{ticket}\r\n"
        );
        assert_eq!(knock(&mut world, "10.0.0.2", "", &fields), expected);
        assert_eq!(
            knock(&mut world, "10.0.0.2", "", &fields),
            "1008 invalid credentials"
        );
    }
    let members = get(&mut world, "/api/v1/rooms/lobby").json();
    assert_eq!(members["members"][0]["name"], "Ada");
}

#[test]
fn tickets_are_bounded_for_a_user_and_in_all() {
    let mut world = private_world(|config| {
        config.auth.ticket.tickets_per_user_max = 2;
        config.auth.ticket.tickets_max = 3;
    });
    let mint = |world: &mut _, user: &str| {
        let response = post(world, "/api/v1/tickets", &format!(r#"{{"user":"{user}"}}"#));
        let limit = response.json()["limit"].as_str().unwrap_or("-").to_owned();
        format!("{} {limit}", told(&response))
    };
    assert_eq!(mint(&mut world, "a"), "200 -");
    assert_eq!(mint(&mut world, "a"), "200 -");
    assert_eq!(
        mint(&mut world, "a"),
        "429 too-many auth.ticket.tickets_per_user_max"
    );
    assert_eq!(mint(&mut world, "b"), "200 -");
    assert_eq!(
        mint(&mut world, "c"),
        "503 server-full auth.ticket.tickets_max"
    );
}

#[test]
fn what_was_kept_is_told_to_be_whatever_has_changed_meanwhile() {
    let durable = |config: &mut Config| config.rooms.durable = vec!["general".to_owned()];
    let mut world = private_world(durable);
    let reader = member(&mut world, "reader", "general");
    let asking = enter(&mut world);
    world.answers_held = true;
    let line = "POST /api/v1/rooms/general/messages";
    world.send(
        asking,
        request(line, "", r#"{"message":"hello"}"#).as_bytes(),
    );
    let mut config = crate::roomy();
    config.private.key = Some(super::key());
    durable(&mut config);
    config.limits.message_characters_max = 1;
    world.reconfigure(config);
    world.advance(crate::seconds(1));
    world.answers_held = false;
    while world.turn() {}
    let response = world
        .client(asking)
        .take_whole_response()
        .expect("an answer");
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.json()["seq"], 1);
    let notices = world.client(reader).take_notices();
    let heard = notices.iter().find(|notice| notice["message"] == "hello");
    assert_eq!(
        heard.map(|notice| &notice["timestamp"]),
        Some(&response.json()["timestamp"])
    );
}
