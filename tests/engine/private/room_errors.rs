//! What calls about rooms are refused for, each by its name.

use serde_json::json;
use wardroom::simulation::World;

use super::{enter, get, post, private_world, request, told};
use crate::rooms::made;

/// A world with a private door, a durable room of the configuration and one that `owner` has made.
fn world() -> World {
    let mut world = private_world(|config| {
        config.rooms.durable = vec!["general".to_owned()];
        config.rooms.retention_messages_max = 1000;
    });
    made(&mut world, "owner", "den", "public");
    world
}

/// `STATUS kind field-limit-or-code` of a refusal.
fn refused(world: &mut World, path: &str, body: &str) -> String {
    let response = post(world, path, body);
    let json = response.json();
    let about = ["field", "limit", "code"];
    let about = about.iter().find_map(|name| json[*name].as_str());
    format!("{} {}", told(&response), about.unwrap_or("-"))
}

const ROOMS: &str = "/api/v1/rooms";
const DEN: &str = "/api/v1/rooms/den/changes";

#[test]
fn a_wrong_body_is_refused_and_its_field_named() {
    let long = "x".repeat(257);
    let long = format!(r#"{{"action":"kick","user":"a","reason":"{long}"}}"#);
    let rows = [
        (ROOMS, "{}", "room"),
        (ROOMS, r#"{"room":"a b","owner":"o"}"#, "room"),
        (ROOMS, r#"{"room":"-a","owner":"o"}"#, "room"),
        (ROOMS, r#"{"room":7,"owner":"o"}"#, "room"),
        (ROOMS, r#"{"room":"team"}"#, "owner"),
        (ROOMS, r#"{"room":"team","owner":""}"#, "owner"),
        (ROOMS, r#"{"room":"team","owner":"a\u200bb"}"#, "owner"),
        (
            ROOMS,
            r#"{"room":"team","owner":"o","kind":"secret"}"#,
            "kind",
        ),
        (
            ROOMS,
            r#"{"room":"team","owner":"o","kind":"private","join_rule":"open"}"#,
            "join_rule",
        ),
        (
            ROOMS,
            r#"{"room":"team","owner":"o","slow_mode_ms":-1}"#,
            "slow_mode_ms",
        ),
        (
            ROOMS,
            r#"{"room":"team","owner":"o","slow_mode_ms":1e300}"#,
            "slow_mode_ms",
        ),
        (
            ROOMS,
            r#"{"room":"team","owner":"o","retention_messages":1001}"#,
            "retention_messages",
        ),
        (
            ROOMS,
            r#"{"room":"team","owner":"o","name":"a\u202eb"}"#,
            "name",
        ),
        (
            ROOMS,
            r#"{"room":"team","owner":"o","archived":true}"#,
            "archived",
        ),
        (ROOMS, r#"{"room":"team","owner":"o","<evil>":1}"#, "-"),
        (DEN, "{}", "action"),
        (DEN, r#"{"action":"transfer","user":"a"}"#, "action"),
        (DEN, r#"{"action":"resign"}"#, "action"),
        (DEN, r#"{"action":"send","message":"a"}"#, "action"),
        (DEN, r#"{"action":"ban"}"#, "user"),
        (DEN, r#"{"action":"ban","user":" a"}"#, "user"),
        (DEN, r#"{"action":"ban","user":"a","for_ms":0}"#, "for_ms"),
        (DEN, r#"{"action":"ban","user":"a","for_ms":-5}"#, "for_ms"),
        (
            DEN,
            r#"{"action":"ban","user":"a","for_ms":31622400001}"#,
            "for_ms",
        ),
        (
            DEN,
            r#"{"action":"ban","user":"a","for_ms":"1d"}"#,
            "for_ms",
        ),
        (DEN, &long, "reason"),
        (
            DEN,
            r#"{"action":"kick","user":"a","reason":"a\nb\u0000"}"#,
            "reason",
        ),
        (DEN, r#"{"action":"kick","user":"a","for_ms":5}"#, "for_ms"),
        (
            DEN,
            r#"{"action":"affiliate","user":"a","affiliation":"banned"}"#,
            "affiliation",
        ),
        (DEN, r#"{"action":"affiliate","user":"a"}"#, "affiliation"),
        (DEN, r#"{"action":"delete_message","seq":0}"#, "seq"),
        (DEN, r#"{"action":"archive"}"#, "archived"),
        (DEN, r#"{"action":"raid"}"#, "for_ms"),
        (DEN, r#"{"action":"update","kind":"private"}"#, "kind"),
        (DEN, r#"{"action":"update","ephemeral":true}"#, "ephemeral"),
        (
            DEN,
            r#"{"action":"update","members_max":4294967296}"#,
            "members_max",
        ),
        (
            DEN,
            r#"{"action":"update","retention_messages":1001}"#,
            "retention_messages",
        ),
        (
            DEN,
            r#"{"action":"unban","user":"a","room":"lobby"}"#,
            "room",
        ),
    ];
    let mut world = world();
    for (path, body, field) in rows {
        assert_eq!(
            refused(&mut world, path, body),
            format!("400 invalid-field {field}"),
            "{body}"
        );
    }
    for body in [
        "",
        "[]",
        "{",
        r#"{"action":"ban","action":"ban"}"#,
        r#"{"room":"\ud800"}"#,
    ] {
        assert_eq!(
            refused(&mut world, DEN, body),
            "400 invalid-json -",
            "{body}"
        );
    }
    assert_eq!(
        get(&mut world, "/api/v1/rooms/den").json()["log"]["number"],
        1,
        "nothing was done"
    );
}

#[test]
fn what_the_room_does_not_allow_is_told_by_the_protocols_code() {
    let mut world = world();
    let done =
        |world: &mut World, body: &str| assert_eq!(post(world, DEN, body).status, 200, "{body}");
    done(&mut world, r#"{"action":"ban","user":"eve"}"#);
    let rows = [
        (
            ROOMS,
            r#"{"room":"den","owner":"o"}"#,
            "409 conflict room_exists",
        ),
        // People would take it for the other.
        (
            ROOMS,
            r#"{"room":"DEN","owner":"o"}"#,
            "409 conflict room_exists",
        ),
        (
            ROOMS,
            r#"{"room":"l0bby","owner":"o"}"#,
            "409 conflict room_exists",
        ),
        (
            ROOMS,
            r#"{"room":"team","owner":"o","name":"L0bby"}"#,
            "409 conflict room_exists",
        ),
        (
            DEN,
            r#"{"action":"update","name":"General"}"#,
            "409 conflict room_exists",
        ),
        (
            DEN,
            r#"{"action":"unban","user":"bob"}"#,
            "409 conflict already",
        ),
        (
            DEN,
            r#"{"action":"unmute","user":"bob"}"#,
            "409 conflict already",
        ),
        (
            DEN,
            r#"{"action":"approve","user":"bob"}"#,
            "409 conflict already",
        ),
        (
            DEN,
            r#"{"action":"withdraw","user":"bob"}"#,
            "409 conflict already",
        ),
        (
            DEN,
            r#"{"action":"archive","archived":false}"#,
            "409 conflict already",
        ),
        (
            DEN,
            r#"{"action":"update","topic":""}"#,
            "409 conflict already",
        ),
        (
            DEN,
            r#"{"action":"affiliate","user":"owner","affiliation":"owner"}"#,
            "409 conflict already",
        ),
        (
            DEN,
            r#"{"action":"affiliate","user":"eve","affiliation":"member"}"#,
            "409 conflict target_banned",
        ),
        (
            DEN,
            r#"{"action":"invite","user":"eve"}"#,
            "409 conflict target_banned",
        ),
        (
            DEN,
            r#"{"action":"delete_message","seq":7}"#,
            "404 unknown-message -",
        ),
        (
            "/api/v1/rooms/lobby/changes",
            r#"{"action":"purge","user":"a"}"#,
            "409 conflict not_kept",
        ),
        (
            "/api/v1/rooms/lobby/changes",
            r#"{"action":"delete"}"#,
            "409 conflict fixed",
        ),
        (
            "/api/v1/rooms/general/changes",
            r#"{"action":"delete"}"#,
            "409 conflict fixed",
        ),
        (
            "/api/v1/rooms/nowhere/changes",
            r#"{"action":"ban","user":"a"}"#,
            "404 unknown-room -",
        ),
        (
            "/api/v1/rooms/nowhere/messages",
            r#"{"message":"a"}"#,
            "404 unknown-room -",
        ),
    ];
    for (path, body, expected) in rows {
        assert_eq!(refused(&mut world, path, body), expected, "{body}");
    }
    // The operator may leave a room without an owner.
    done(
        &mut world,
        r#"{"action":"affiliate","user":"owner","affiliation":"none"}"#,
    );
}

#[test]
fn pages_that_there_are_not_and_wrong_parameters_are_refused() {
    let mut world = world();
    for (path, expected, field) in [
        ("lobby/messages", "409 conflict", None),
        ("nowhere/messages", "404 unknown-room", None),
        ("nowhere/log", "404 unknown-room", None),
        ("nowhere/people", "404 unknown-room", None),
        (
            "den/messages?after=1&before=2",
            "400 invalid-field",
            Some("before"),
        ),
        ("den/messages?after=-1", "400 invalid-field", Some("after")),
        (
            "den/log?before=9007199254740992",
            "400 invalid-field",
            Some("before"),
        ),
        ("den/log?limit=0", "400 invalid-field", Some("limit")),
        ("den/log?limit=1001", "400 invalid-field", Some("limit")),
        ("den/log?cursor=1", "400 invalid-field", None),
        ("den/people?after=1", "400 invalid-field", None),
    ] {
        let response = get(&mut world, &format!("/api/v1/rooms/{path}"));
        assert_eq!(told(&response), expected, "{path}");
        assert_eq!(response.json()["field"].as_str(), field, "{path}");
    }
}

#[test]
fn bounds_on_rooms_and_people_are_told_by_name() {
    let mut world = private_world(|config| {
        config.rooms.rooms_max = 4;
        config.rooms.people_max = 1;
    });
    let new = |room: &str| json!({"room": room, "owner": "o"}).to_string();
    // The configuration has three already.
    assert_eq!(post(&mut world, ROOMS, &new("den")).status, 200);
    assert_eq!(
        refused(&mut world, ROOMS, &new("team")),
        "409 bound-reached rooms.rooms_max"
    );
    let affiliate = r#"{"action":"affiliate","user":"a","affiliation":"member"}"#;
    assert_eq!(
        refused(&mut world, DEN, affiliate),
        "409 bound-reached rooms.people_max"
    );
    let ban = r#"{"action":"ban","user":"a"}"#;
    assert_eq!(
        post(&mut world, DEN, ban).status,
        200,
        "a full room keeps nobody from a ban"
    );
}

#[test]
fn a_store_that_takes_no_question_is_503_with_a_time_to_come_back() {
    let mut world = world();
    world.works_max = 0;
    for (path, body) in [
        (DEN, r#"{"action":"ban","user":"a"}"#),
        (ROOMS, r#"{"room":"team","owner":"o"}"#),
    ] {
        let response = post(&mut world, path, body);
        assert_eq!(told(&response), "503 store-unavailable", "{body}");
        assert_eq!(response.field("Retry-After"), Some("1"));
    }
    for path in ["/api/v1/rooms/den/messages", "/api/v1/rooms/den/log"] {
        assert_eq!(told(&get(&mut world, path)), "503 store-unavailable");
    }
}

#[test]
fn more_changes_of_one_room_than_may_wait_are_503_and_those_before_are_made() {
    let mut world = private_world(|config| config.rooms.changes_waiting_max = 1);
    made(&mut world, "owner", "den", "public");
    world.answers_held = true;
    let asked = ["a", "b", "c"].map(|user| {
        let id = enter(&mut world);
        let body = json!({"action": "ban", "user": user}).to_string();
        let line = format!("POST {DEN}");
        world.send(id, request(&line, "", &body).as_bytes());
        id
    });
    let refused = world.client(asked[2]).take_whole_response();
    let refused = refused.expect("an answer at once");
    assert_eq!(told(&refused), "503 store-unavailable");
    assert_eq!(refused.field("Retry-After"), Some("1"));
    world.answers_held = false;
    world.settle();
    for id in &asked[..2] {
        let response = world.client(*id).take_whole_response();
        assert_eq!(response.expect("an answer").status, 200);
    }
    let page = get(&mut world, "/api/v1/rooms/den/people").json();
    let users: Vec<_> = page["people"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|person| &person["user"])
        .collect();
    assert_eq!(users, ["a", "b", "owner"]);
}
