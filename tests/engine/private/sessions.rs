//! Sessions and revocations over the private door: made, listed, taken back, and what happens while the store is slow.

use serde_json::Value;
use wardroom::simulation::{Ending, World};

use super::{enter, get, post, private_world, request, told};
use crate::{closed, knock, millis, seconds};

const SESSIONS: &str = "/api/v1/sessions";
const REVOCATIONS: &str = "/api/v1/revocations";

fn make(world: &mut World, user: &str) -> Value {
    let response = post(world, SESSIONS, &format!(r#"{{"user":"{user}"}}"#));
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

/// Shows a session's value to the chat.
fn show(world: &mut World, session: &Value) -> String {
    let value = session["value"].as_str().expect("a value");
    knock(
        world,
        "10.0.0.2",
        "",
        &format!("Authorization: Bearer {value}\r\n"),
    )
}

#[test]
fn a_session_that_is_made_opens_the_chat_until_it_expires() {
    let mut world = private_world(|_| {});
    let body = r#"{"user":"u-7","name":"Ada","label":"laptop","lifetime_ms":60000}"#;
    let made = post(&mut world, SESSIONS, body).json();
    assert_eq!(made["user"], "u-7");
    assert_eq!(made["name"], "Ada");
    assert_eq!(made["label"], "laptop");
    assert_eq!(made["created"], 1_764_000_000.0);
    assert_eq!(made["expires"], 1_764_000_060.0);
    assert_eq!(show(&mut world, &made), "in as u-7");
    world.advance(seconds(61));
    assert_eq!(show(&mut world, &made), "1008 token expired");
}

#[test]
fn lists_name_sessions_without_their_value() {
    let mut world = private_world(|_| {});
    let made: Vec<Value> = ["a", "b", "a"].map(|user| make(&mut world, user)).into();
    let list = get(&mut world, SESSIONS);
    assert!(!list.body.contains("wrs_"), "{}", list.body);
    assert_eq!(list.json()["total"], 3);
    let of_a = get(&mut world, &format!("{SESSIONS}?user=a&limit=1")).json();
    assert_eq!(of_a["total"], 2);
    assert_eq!(of_a["sessions"].as_array().map(Vec::len), Some(1));
    let name = &of_a["sessions"][0]["session"];
    assert!(name == &made[0]["session"] || name == &made[2]["session"]);
}

#[test]
fn what_is_taken_back_lets_nobody_in_any_more_and_ends_who_is_inside() {
    for kind in ["session", "user"] {
        let mut world = private_world(|_| {});
        let session = make(&mut world, "mallory");
        let value = session["value"].as_str().expect("a value");
        let inside = world.join(value, "10.0.0.2");
        let alice = world.join("alice", "10.0.0.3");
        let body = match kind {
            "user" => r#"{"user":"mallory"}"#.to_owned(),
            _ => format!(r#"{{"session":{}}}"#, session["session"]),
        };
        let revoked = post(&mut world, REVOCATIONS, &body).json();
        assert_eq!(revoked["revoked"], kind);
        assert_eq!(revoked["sessions_ended"], 1);
        assert_eq!(
            closed(&mut world, inside),
            Some((1008, "revoked".to_owned()))
        );
        assert_eq!(world.client(alice).ending(), Ending::Open);
        assert_ne!(show(&mut world, &session), "in as mallory");
        assert_eq!(get(&mut world, SESSIONS).json()["total"], 0);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let rows = [
        (SESSIONS, r#"{}"#, Some("user")),
        (
            SESSIONS,
            r#"{"user":"a","lifetime_ms":0}"#,
            Some("lifetime_ms"),
        ),
        (
            SESSIONS,
            r#"{"user":"a","lifetime_ms":-1}"#,
            Some("lifetime_ms"),
        ),
        (
            SESSIONS,
            r#"{"user":"a","lifetime_ms":1.5}"#,
            Some("lifetime_ms"),
        ),
        (
            SESSIONS,
            r#"{"user":"a","lifetime_ms":99999999999999}"#,
            Some("lifetime_ms"),
        ),
        (SESSIONS, r#"{"user":"System"}"#, Some("name")),
        (SESSIONS, r#"{"user":"a","value":"wrs_mine"}"#, None),
        (REVOCATIONS, r#"{}"#, None),
        (REVOCATIONS, r#"{"user":"a","token_id":"b"}"#, None),
        (REVOCATIONS, r#"{"session":"xyz"}"#, Some("session")),
        (REVOCATIONS, r#"{"token_id":7}"#, Some("token_id")),
    ];
    for (path, body, field) in rows {
        let response = post(&mut private_world(|_| {}), path, body);
        assert_eq!(told(&response), "400 invalid-field", "{body}");
        assert_eq!(response.json()["field"].as_str(), field, "{body}");
    }
    let response = get(&mut private_world(|_| {}), "/api/v1/sessions?cursor=1");
    assert_eq!(told(&response), "400 invalid-field");
}

#[test]
fn bounds_on_what_is_kept_are_told_by_name() {
    let mut world = private_world(|config| {
        config.auth.session.sessions_per_user_max = 1;
        config.auth.session.sessions_max = 2;
        config.auth.revocations_max = 1;
    });
    let asks = [
        (SESSIONS, r#"{"user":"a"}"#, "200 -"),
        (
            SESSIONS,
            r#"{"user":"a"}"#,
            "409 bound-reached auth.session.sessions_per_user_max",
        ),
        (SESSIONS, r#"{"user":"b"}"#, "200 -"),
        (
            SESSIONS,
            r#"{"user":"c"}"#,
            "409 bound-reached auth.session.sessions_max",
        ),
        (REVOCATIONS, r#"{"user":"z"}"#, "200 -"),
        (
            REVOCATIONS,
            r#"{"user":"y"}"#,
            "409 bound-reached auth.revocations_max",
        ),
    ];
    for (path, body, expected) in asks {
        let response = post(&mut world, path, body);
        let limit = response.json()["limit"].as_str().unwrap_or("-").to_owned();
        assert_eq!(
            format!("{} {limit}", told(&response)),
            expected,
            "{path} {body}"
        );
    }
}

#[test]
fn a_store_that_takes_no_question_is_503_and_one_that_never_answers_408() {
    let mut world = private_world(|_| {});
    world.works_max = 0;
    let refused = post(&mut world, SESSIONS, r#"{"user":"a"}"#);
    assert_eq!(told(&refused), "503 store-unavailable");
    assert_eq!(refused.field("Retry-After"), Some("1"));
    world.works_max = 10;
    world.answers_held = true;
    let before = world.census();
    let id = enter(&mut world);
    world.send(
        id,
        request(&format!("POST {SESSIONS}"), "", r#"{"user":"a"}"#).as_bytes(),
    );
    assert!(world.client(id).untaken().is_empty());
    world.advance(seconds(10));
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(told(&response), "408 request-timeout");
    world.advance(seconds(5));
    // The answer comes to nobody.
    world.answer_one();
    world.settle();
    assert_eq!(world.census(), before);
}

#[test]
fn requests_behind_one_that_waits_are_answered_after_it_and_in_order() {
    for size in [1, 50, 100_000] {
        let mut world = private_world(|_| {});
        world.read_bytes_max = size;
        world.answers_held = true;
        let id = enter(&mut world);
        world.queue(id, request(&format!("GET {SESSIONS}"), "", "").as_bytes());
        world.queue(id, request("GET /api/v1/rooms", "", "").as_bytes());
        world.settle();
        assert!(world.client(id).untaken().is_empty(), "{size}");
        assert_eq!(world.works_waiting(), 1, "it is asked once");
        world.answer_one();
        world.settle();
        let first = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(first.json()["total"], 0);
        let second = world.client(id).take_whole_response().expect("another");
        assert!(second.json()["rooms"].is_array(), "{second:?}");
    }
}

#[test]
fn a_revocation_is_acknowledged_after_the_store_has_it_and_its_sockets_have_gone() {
    let mut world = private_world(|_| {});
    let victim = world.join("mallory", "10.0.0.1");
    world.client(victim).take_notices();
    world.answers_held = true;
    let operator = enter(&mut world);
    let body = r#"{"user":"mallory"}"#;
    let asked = request("POST /api/v1/revocations", "", body);
    world.send(operator, asked.as_bytes());
    assert!(world.client(operator).take_whole_response().is_none());
    assert_eq!(closed(&mut world, victim), None);
    world.answer_one();
    let census = world.census();
    assert_eq!(census.user_connections, 0, "before a byte of the answer");
    world.settle();
    let revoked = world.client(operator).take_whole_response();
    assert_eq!(revoked.expect("an answer").json()["revoked"], "user");
    let told = Some((1008, "revoked".to_owned()));
    assert_eq!(closed(&mut world, victim), told);
}

#[test]
fn what_was_revoked_is_revoked_though_whoever_asked_has_gone() {
    let mut world = private_world(|_| {});
    let victim = world.join("mallory", "10.0.0.1");
    world.answers_held = true;
    let operator = enter(&mut world);
    let body = r#"{"user":"mallory"}"#;
    let asked = request("POST /api/v1/revocations", "", body);
    world.send(operator, asked.as_bytes());
    world.reset(operator);
    world.answer_one();
    world.settle();
    let told = Some((1008, "revoked".to_owned()));
    assert_eq!(closed(&mut world, victim), told);
    assert_eq!(world.census().pending_answers, 0);
}

#[test]
fn a_ticket_minted_after_a_revocation_of_its_user_opens_the_chat_and_one_from_before_does_not() {
    let mut world = private_world(|_| {});
    let mint = |world: &mut World| {
        let minted = post(world, "/api/v1/tickets", r#"{"user":"alice"}"#).json();
        let ticket = minted["ticket"].as_str().expect("a ticket").to_owned();
        format!("Sec-WebSocket-Protocol: wardroom.v1, wardroom.ticket.{ticket}\r\n")
    };
    let before = mint(&mut world);
    let revoked = post(&mut world, "/api/v1/revocations", r#"{"user":"alice"}"#);
    assert_eq!(revoked.status, 200);
    world.advance(millis(1));
    let after = mint(&mut world);
    assert_eq!(knock(&mut world, "10.0.0.1", "", &before), "1008 revoked");
    assert_eq!(knock(&mut world, "10.0.0.1", "", &after), "in as alice");
}
