//! Calls that make, change and read rooms: the operator's authority, and that it is told to nobody before it is kept.

use serde_json::{Value, json};
use wardroom::config::Config;
use wardroom::simulation::World;

use super::{enter, get, post, private_world, request, told};
use crate::rooms::{act, heard, join, made, member, reply, send, told as notices, verdict};
use crate::seconds;

/// A world with a private door in which `general` keeps its messages.
fn world() -> World {
    private_world(durable)
}

fn durable(config: &mut Config) {
    config.rooms.durable = vec!["general".to_owned()];
}

fn changes(room: &str) -> String {
    format!("/api/v1/rooms/{room}/changes")
}

/// Does something to a room, which must be done; gives the number of its entry in the log.
fn change(world: &mut World, room: &str, body: &Value) -> u64 {
    let response = post(world, &changes(room), &body.to_string());
    assert_eq!(response.status, 200, "{body}: {response:?}");
    let done = response.json();
    assert_eq!(done["room"], room);
    assert_eq!(done["action"], body["action"]);
    done["number"].as_u64().expect("a number")
}

fn people(world: &mut World, room: &str) -> Vec<Value> {
    let response = get(world, &format!("/api/v1/rooms/{room}/people"));
    response.json()["people"]
        .as_array()
        .expect("a list")
        .clone()
}

#[test]
fn a_room_is_made_for_an_owner_who_was_never_here_and_is_described() {
    let mut world = world();
    let body = json!({"room": "team", "owner": "olga", "kind": "members", "topic": "Plans", "slow_mode_ms": 500});
    let made = post(&mut world, "/api/v1/rooms", &body.to_string()).json();
    assert_eq!(made["created_by"], "olga");
    assert_eq!(made["settings"]["kind"], "members");
    assert_eq!(made["settings"]["topic"], "Plans");
    assert_eq!(made["settings"]["slow_mode_ms"], 500);
    assert_eq!(made["log"]["number"], 1);
    let page = get(&mut world, "/api/v1/rooms/team").json();
    assert_eq!(page["settings"], made["settings"]);
    assert_eq!(page["members"], json!([]));
    let log = get(&mut world, "/api/v1/rooms/team/log").json();
    let entry = &log["entries"][0];
    assert_eq!(
        (&entry["action"], &entry["user"]),
        (&json!("create"), &json!("olga"))
    );
    assert_eq!(entry["authority"], "operator");
    assert_eq!(entry["actor"], Value::Null);

    let stranger = world.join_v1("eve", "10.0.0.1");
    assert_eq!(verdict(&mut world, stranger, &join("team")), "unknown_room");
    let owner = world.join_v1("olga", "10.0.0.1");
    assert_eq!(verdict(&mut world, owner, &join("team")), "ok");
    act(&mut world, owner, "invite", "team", "eve");
    assert_eq!(verdict(&mut world, stranger, &join("team")), "ok");
}

#[test]
fn a_room_of_the_configuration_gets_an_owner_from_the_operator() {
    for room in ["lobby", "general"] {
        let mut world = world();
        let alice = world.join_v1("alice", "10.0.0.1");
        let mute = json!({"type": "mute", "id": 1, "room": room, "user": "bob"});
        assert_eq!(verdict(&mut world, alice, &mute), "forbidden", "{room}");
        let body = json!({"action": "affiliate", "user": "alice", "affiliation": "owner"});
        change(&mut world, room, &body);
        assert_eq!(verdict(&mut world, alice, &mute), "ok", "{room}");
        let listed = people(&mut world, room);
        assert_eq!(listed[0]["affiliation"], "owner");
        assert_eq!(listed[1]["mute"]["by"], "alice");
        assert_eq!(listed[1]["mute"]["authority"], "room");
    }
}

#[test]
fn an_owner_can_not_lift_what_the_operator_decided_and_the_operator_can() {
    let mut world = world();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    let ban = json!({"action": "ban", "user": "victim", "for_ms": 60_000, "reason": "spam"});
    change(&mut world, "den", &ban);
    let told = notices(&mut world, victim);
    let removed = told.iter().find(|notice| notice["type"] == "removed");
    assert_eq!(removed.expect("why")["reason"], "spam");
    let unban = json!({"type": "unban", "id": 1, "room": "den", "user": "victim"});
    assert_eq!(verdict(&mut world, owner, &unban), "operator_ban");
    let shorter = json!({"type": "ban", "id": 1, "room": "den", "user": "victim", "for_ms": 1});
    assert_eq!(verdict(&mut world, owner, &shorter), "operator_ban");
    assert_eq!(verdict(&mut world, victim, &join("den")), "banned");

    change(
        &mut world,
        "den",
        &json!({"action": "unban", "user": "victim"}),
    );
    assert_eq!(verdict(&mut world, victim, &join("den")), "ok");

    change(
        &mut world,
        "den",
        &json!({"action": "mute", "user": "victim"}),
    );
    let unmute = json!({"type": "unmute", "id": 1, "room": "den", "user": "victim"});
    assert_eq!(verdict(&mut world, owner, &unmute), "operator_ban");
    assert_eq!(verdict(&mut world, victim, &send("den", "hi")), "muted");
    change(
        &mut world,
        "den",
        &json!({"action": "unmute", "user": "victim"}),
    );
    assert_eq!(verdict(&mut world, victim, &send("den", "hi")), "ok");
}

#[test]
fn the_operator_acts_on_owners_too_and_on_people_who_were_never_here() {
    let mut world = world();
    let owner = made(&mut world, "owner", "den", "public");
    change(
        &mut world,
        "den",
        &json!({"action": "kick", "user": "owner"}),
    );
    let told = notices(&mut world, owner);
    assert!(
        told.iter().any(|notice| notice["code"] == "kicked"),
        "{told:?}"
    );
    for user in ["owner", "stranger"] {
        change(&mut world, "den", &json!({"action": "ban", "user": user}));
    }
    assert_eq!(verdict(&mut world, owner, &join("den")), "banned");
    let stranger = world.join_v1("stranger", "10.0.0.3");
    assert_eq!(verdict(&mut world, stranger, &join("den")), "banned");
    let listed = people(&mut world, "den");
    let of = |user: &str| {
        listed
            .iter()
            .find(|person| person["user"] == user)
            .expect("listed")
    };
    for user in ["owner", "stranger"] {
        assert_eq!(of(user)["affiliation"], "banned");
        assert_eq!(of(user)["ban"]["authority"], "operator");
        assert_eq!(of(user)["ban"]["by"], Value::Null);
    }
}

#[test]
fn a_ban_is_acknowledged_when_it_is_kept_and_nothing_of_the_victims_is_heard_after_it() {
    let mut world = world();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    world.answers_held = true;
    let operator = enter(&mut world);
    let body = json!({"action": "ban", "user": "victim"}).to_string();
    world.send(
        operator,
        request(&format!("POST {}", changes("den")), "", &body).as_bytes(),
    );
    assert!(world.client(operator).take_whole_response().is_none());
    world.say(victim, &send("den", "too late").to_string());
    world.answers_held = false;
    world.settle();
    let response = world
        .client(operator)
        .take_whole_response()
        .expect("an answer");
    assert_eq!(response.status, 200);
    assert!(heard(&mut world, owner).is_empty());
    assert_eq!(verdict(&mut world, victim, &send("den", "again")), "banned");
}

#[test]
fn a_change_that_waits_behind_another_is_asked_once_however_much_comes_after_it() {
    let mut world = world();
    made(&mut world, "owner", "den", "public");
    world.answers_held = true;
    let [first, second] = [(); 2].map(|()| enter(&mut world));
    let line = format!("POST {}", changes("den"));
    for (id, user) in [(first, "a"), (second, "b")] {
        let body = json!({"action": "ban", "user": user}).to_string();
        world.send(id, request(&line, "", &body).as_bytes());
    }
    // Each look at the second could ask again.
    for byte in request("GET /api/v1/rooms/den/log", "", "").as_bytes() {
        world.send(second, &[*byte]);
    }
    assert_eq!(world.works_waiting(), 1);
    world.answers_held = false;
    world.settle();
    for (id, number) in [(first, 2), (second, 3)] {
        let response = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(response.json()["number"], number);
    }
    let log = world
        .client(second)
        .take_whole_response()
        .expect("the log")
        .json();
    let users: Vec<&Value> = log["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| &entry["user"])
        .collect();
    assert_eq!(users[1..], [&json!("a"), &json!("b")]);
    assert_eq!(world.census().pending_answers, 0);
}

#[test]
fn a_change_is_made_though_whoever_asked_has_gone() {
    let mut world = world();
    let owner = made(&mut world, "owner", "den", "public");
    world.answers_held = true;
    let operator = enter(&mut world);
    let line = format!("POST {}", changes("den"));
    let body = json!({"action": "update", "topic": "Quiet please"}).to_string();
    world.send(operator, request(&line, "", &body).as_bytes());
    world.advance(seconds(10));
    let late = world
        .client(operator)
        .take_whole_response()
        .expect("an answer");
    assert_eq!(told(&late), "408 request-timeout");
    world.answers_held = false;
    world.settle();
    let described = reply(
        &mut world,
        owner,
        &json!({"type": "describe", "id": 1, "room": "den"}),
    );
    assert_eq!(described["topic"], "Quiet please");
    assert_eq!(world.census().pending_answers, 0);
}

#[test]
fn settings_locks_and_archives_act_at_once_and_are_told() {
    let mut world = world();
    made(&mut world, "owner", "den", "public");
    let guest = member(&mut world, "guest", "den");
    change(
        &mut world,
        "den",
        &json!({"action": "update", "locked": true, "topic": "Hush"}),
    );
    let told = notices(&mut world, guest);
    let room = told
        .iter()
        .find(|notice| notice["type"] == "room")
        .expect("told");
    assert_eq!(
        (&room["locked"], &room["topic"]),
        (&json!(true), &json!("Hush"))
    );
    assert_eq!(
        verdict(&mut world, guest, &send("den", "hi")),
        "room_locked"
    );
    change(
        &mut world,
        "den",
        &json!({"action": "update", "locked": false}),
    );
    assert_eq!(verdict(&mut world, guest, &send("den", "hi")), "ok");
    change(
        &mut world,
        "den",
        &json!({"action": "archive", "archived": true}),
    );
    assert_eq!(
        get(&mut world, "/api/v1/rooms/den").json()["settings"]["archived"],
        true
    );
    assert_ne!(verdict(&mut world, guest, &send("den", "hi")), "ok");
    change(
        &mut world,
        "den",
        &json!({"action": "archive", "archived": false}),
    );
    change(
        &mut world,
        "den",
        &json!({"action": "raid", "for_ms": 60_000}),
    );
    let newcomer = world.join_v1("newcomer", "10.0.0.4");
    assert_eq!(
        verdict(&mut world, newcomer, &join("den")),
        "knock_required"
    );
    let knock = json!({"type": "knock", "id": 1, "room": "den"});
    assert_eq!(verdict(&mut world, newcomer, &knock), "ok");
    let listed = people(&mut world, "den");
    assert!(listed[0]["knocked"].is_number(), "{listed:?}");
    change(
        &mut world,
        "den",
        &json!({"action": "approve", "user": "newcomer"}),
    );
    assert_eq!(verdict(&mut world, newcomer, &join("den")), "ok");
    let raid = |world: &mut World| {
        get(world, "/api/v1/rooms/den").json()["settings"]["raid_until"].is_number()
    };
    assert!(raid(&mut world));
    crate::stay(&mut world, newcomer, crate::seconds(61));
    assert!(!raid(&mut world), "it is over");
}

#[test]
fn a_deleted_room_is_gone_for_everybody() {
    let mut world = world();
    let owner = made(&mut world, "owner", "den", "public");
    change(&mut world, "den", &json!({"action": "delete"}));
    assert!(
        notices(&mut world, owner)
            .iter()
            .any(|notice| notice["code"] == "deleted")
    );
    assert_eq!(
        told(&get(&mut world, "/api/v1/rooms/den")),
        "404 unknown-room"
    );
    assert_eq!(verdict(&mut world, owner, &join("den")), "unknown_room");
}

#[test]
fn messages_are_read_in_pages_and_deleted_one_by_one_or_all_of_a_user() {
    let mut world = world();
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    for number in 1..=10 {
        let sender = if number % 2 == 0 { bob } else { alice };
        assert_eq!(
            verdict(&mut world, sender, &send("general", &format!("m{number}"))),
            "ok"
        );
    }
    let path = "/api/v1/rooms/general/messages";
    let seqs = |world: &mut World, query: &str| {
        let page = get(world, &format!("{path}?{query}")).json();
        let messages = page["messages"].as_array().expect("a list");
        let seqs: Vec<u64> = messages
            .iter()
            .filter_map(|found| found["seq"].as_u64())
            .collect();
        (seqs, page["truncated"].as_bool().expect("a flag"))
    };
    assert_eq!(seqs(&mut world, "limit=3"), (vec![8, 9, 10], true));
    assert_eq!(seqs(&mut world, "limit=3&before=4"), (vec![1, 2, 3], false));
    assert_eq!(seqs(&mut world, "limit=3&after=7"), (vec![8, 9, 10], false));
    assert_eq!(seqs(&mut world, "limit=3&after=6"), (vec![7, 8, 9], true));
    assert_eq!(seqs(&mut world, "after=10"), (vec![], false));

    world.client(alice).take_frames();
    change(
        &mut world,
        "general",
        &json!({"action": "delete_message", "seq": 3, "reason": "address"}),
    );
    let told = notices(&mut world, alice);
    assert!(
        told.iter()
            .any(|notice| notice["type"] == "changed" && notice["seq"] == 3),
        "{told:?}"
    );
    change(
        &mut world,
        "general",
        &json!({"action": "purge", "user": "bob"}),
    );
    let page = get(&mut world, path).json();
    for message in page["messages"].as_array().expect("a list") {
        let seq = message["seq"].as_u64().expect("a number");
        let is_gone = seq == 3 || seq.is_multiple_of(2);
        assert_eq!(message["deleted"].is_number(), is_gone, "{message}");
        assert_eq!(message.get("message").is_none(), is_gone, "{message}");
    }
}

#[test]
fn a_purge_of_more_than_one_step_is_answered_when_all_is_gone() {
    let mut world = world();
    let path = "/api/v1/rooms/general/messages";
    for _ in 0..300 {
        let said = r#"{"message":"spam","as":{"user":"bot"}}"#;
        assert_eq!(post(&mut world, path, said).status, 200);
        world.advance(crate::millis(20));
    }
    let number = change(
        &mut world,
        "general",
        &json!({"action": "purge", "user": "bot"}),
    );
    let page = get(&mut world, &format!("{path}?limit=1&after=0")).json();
    assert!(page["messages"][0]["deleted"].is_number(), "{page}");
    let log = get(&mut world, "/api/v1/rooms/general/log").json();
    assert_eq!(
        log["head"]["number"], number,
        "one entry, whatever the steps"
    );
}

#[test]
fn a_private_rooms_messages_are_told_as_they_are_and_none_is_put_there_in_the_clear() {
    let mut world = world();
    let owner = made(&mut world, "owner", "vault", "private");
    let body = json!({"type": "send", "id": 1, "room": "vault", "body": "c2VjcmV0"});
    assert_eq!(verdict(&mut world, owner, &body), "ok");
    let path = "/api/v1/rooms/vault/messages";
    let page = get(&mut world, path).json();
    assert_eq!(page["messages"][0]["body"], "c2VjcmV0");
    assert_eq!(page["messages"][0].get("message"), None);
    let refused = post(&mut world, path, r#"{"message":"in the clear"}"#);
    assert_eq!(told(&refused), "409 conflict");
    assert_eq!(refused.json()["code"], "body_required");
}

#[test]
fn people_are_listed_in_pages_by_identifier_and_only_those_about_whom_there_is_something() {
    let mut world = world();
    let owner = made(&mut world, "owner", "den", "public");
    let reader = member(&mut world, "reader", "den");
    assert_eq!(verdict(&mut world, owner, &send("den", "hi")), "ok");
    let seen = json!({"type": "seen", "id": 1, "room": "den", "seq": 1});
    assert_eq!(verdict(&mut world, reader, &seen), "ok");
    let long = json!({"action": "ban", "user": "b&d=\"ü\""});
    change(&mut world, "den", &long);
    let short = json!({"action": "mute", "user": "c", "for_ms": 5000});
    change(&mut world, "den", &short);
    act(&mut world, owner, "invite", "den", "d");
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(
            &mut world,
            &format!("/api/v1/rooms/den/people?limit=1{cursor}"),
        )
        .json();
        let found = page["people"].as_array().expect("a list");
        listed.extend(
            found
                .iter()
                .map(|person| person["user"].as_str().expect("a name").to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        let encoded: String = next.bytes().map(|byte| format!("%{byte:02x}")).collect();
        cursor = format!("&cursor={encoded}");
    }
    assert_eq!(listed, ["b&d=\"ü\"", "c", "d", "owner"]);
    world.advance(seconds(6));
    let users: Vec<_> = people(&mut world, "den")
        .iter()
        .map(|person| person["user"].clone())
        .collect();
    assert!(
        !users.contains(&json!("c")),
        "a mute that has ended says nothing: {users:?}"
    );
}
