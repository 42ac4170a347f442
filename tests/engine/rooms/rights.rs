//! Who may do what, over the wire: kinds of rooms, claims, invitations, knocks, and rooms that are not to be known of.

use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::{act, durable, join, made, member, reply, send, told, verdict};
use crate::roomy_with;

#[test]
fn rooms_that_somebody_may_not_know_of_are_told_like_rooms_that_do_not_exist() {
    let mut world = durable();
    made(&mut world, "owner", "den", "members");
    made(&mut world, "owner", "cell", "private");
    let stranger = world.join_v1("stranger", "10.0.0.5");
    for room in ["den", "cell", "nowhere"] {
        for request in [
            join(room),
            send(room, "hi"),
            json!({"type": "describe", "id": 1, "room": room}),
            json!({"type": "history", "id": 1, "room": room}),
            json!({"type": "members", "id": 1, "room": room}),
            json!({"type": "knock", "id": 1, "room": room}),
            json!({"type": "log", "id": 1, "room": room}),
            json!({"type": "explain", "id": 1, "room": room}),
            json!({"type": "ban", "id": 1, "room": room, "user": "owner"}),
            json!({"type": "update", "id": 1, "room": room, "topic": "x"}),
        ] {
            let mut refused = reply(&mut world, stranger, &request);
            assert_eq!(refused["code"], "unknown_room", "{request}");
            refused.as_object_mut().expect("an object").remove("id");
            assert_eq!(
                refused.as_object().expect("an object").len(),
                3,
                "{refused}"
            );
        }
    }
    let rooms = reply(&mut world, stranger, &json!({"type": "rooms", "id": 1}));
    let names: Vec<&Value> = rooms["rooms"]
        .as_array()
        .expect("rooms")
        .iter()
        .map(|room| &room["room"])
        .collect();
    assert_eq!(names, ["general", "lobby", "random"]);
}

#[test]
fn somebody_invited_joins_and_belongs_to_the_room_from_then_on() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "members");
    let guest = world.join_v1("guest", "10.0.0.5");
    assert_eq!(verdict(&mut world, guest, &join("den")), "unknown_room");
    told(&mut world, guest);
    act(&mut world, owner, "invite", "den", "guest");
    let invited = told(&mut world, guest);
    assert!(
        invited
            .iter()
            .any(|notice| notice["type"] == "invited" && notice["room"] == "den"),
        "{invited:?}"
    );
    assert_eq!(verdict(&mut world, guest, &join("den")), "ok");
    assert_eq!(verdict(&mut world, guest, &send("den", "hello")), "ok");
    assert_eq!(
        verdict(
            &mut world,
            guest,
            &json!({"type": "leave", "id": 1, "room": "den"})
        ),
        "ok"
    );
    assert_eq!(
        verdict(&mut world, guest, &join("den")),
        "ok",
        "members come back"
    );
    assert_eq!(
        verdict(
            &mut world,
            owner,
            &json!({"type": "affiliate", "id": 1, "room": "den", "user": "guest", "affiliation": "none"})
        ),
        "ok"
    );
    assert!(
        told(&mut world, guest)
            .iter()
            .any(|notice| notice["type"] == "removed")
    );
    assert_eq!(verdict(&mut world, guest, &join("den")), "unknown_room");
}

#[test]
fn somebody_knocks_and_is_let_in_by_a_moderator() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "members");
    let update = json!({"type": "update", "id": 1, "room": "den", "join_rule": "knock"});
    assert_eq!(verdict(&mut world, owner, &update), "ok");
    let guest = world.join_v1("guest", "10.0.0.5");
    assert_eq!(verdict(&mut world, guest, &join("den")), "knock_required");
    told(&mut world, owner);
    assert_eq!(
        verdict(
            &mut world,
            guest,
            &json!({"type": "knock", "id": 1, "room": "den"})
        ),
        "ok"
    );
    let knocked = told(&mut world, owner);
    assert!(
        knocked
            .iter()
            .any(|notice| notice["type"] == "knock" && notice["user"] == "guest"),
        "{knocked:?}"
    );
    assert_eq!(verdict(&mut world, guest, &join("den")), "knock_required");
    act(&mut world, owner, "approve", "den", "guest");
    assert_eq!(verdict(&mut world, guest, &join("den")), "ok");
    assert_eq!(verdict(&mut world, guest, &send("den", "hello")), "ok");
}

#[test]
fn nobody_acts_on_their_like_and_the_last_owner_stays() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let first = member(&mut world, "first", "den");
    let second = member(&mut world, "second", "den");
    let promote = |user: &str, to: &str| json!({"type": "affiliate", "id": 1, "room": "den", "user": user, "affiliation": to});
    for user in ["first", "second"] {
        assert_eq!(
            verdict(&mut world, owner, &promote(user, "moderator")),
            "ok"
        );
    }
    for kind in ["kick", "ban", "mute"] {
        let on = |user: &str| json!({"type": kind, "id": 1, "room": "den", "user": user});
        assert_eq!(verdict(&mut world, first, &on("second")), "outranked");
        assert_eq!(verdict(&mut world, first, &on("owner")), "outranked");
        assert_eq!(verdict(&mut world, first, &on("first")), "oneself");
    }
    assert_eq!(
        verdict(&mut world, first, &promote("third", "moderator")),
        "forbidden"
    );
    assert_eq!(
        verdict(
            &mut world,
            owner,
            &json!({"type": "resign", "id": 1, "room": "den"})
        ),
        "last_owner"
    );
    assert_eq!(
        verdict(&mut world, owner, &promote("owner", "member")),
        "last_owner"
    );
    act(&mut world, owner, "transfer", "den", "second");
    assert_eq!(
        verdict(
            &mut world,
            second,
            &json!({"type": "kick", "id": 1, "room": "den", "user": "owner"})
        ),
        "ok"
    );
    assert_eq!(
        verdict(
            &mut world,
            owner,
            &json!({"type": "resign", "id": 1, "room": "den"})
        ),
        "ok"
    );
}

#[test]
fn a_private_room_takes_bodies_and_nothing_else() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "cell", "private");
    assert_eq!(
        verdict(&mut world, owner, &send("cell", "clear text")),
        "body_required"
    );
    let sealed = json!({"type": "send", "id": 1, "room": "cell", "body": "c2VhbGVk"});
    assert_eq!(verdict(&mut world, owner, &sealed), "ok");
    let history = reply(
        &mut world,
        owner,
        &json!({"type": "history", "id": 1, "room": "cell"}),
    );
    assert_eq!(history["messages"][0]["body"], "c2VhbGVk");
    assert_eq!(history["messages"][0].get("message"), None);
    let elsewhere = json!({"type": "send", "id": 1, "room": "lobby", "body": "c2VhbGVk"});
    assert_eq!(verdict(&mut world, owner, &elsewhere), "message_required");
}

#[test]
fn everybody_reads_the_log_who_reads_the_room_and_it_is_a_chain() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let member_ = member(&mut world, "member", "den");
    act(&mut world, owner, "mute", "den", "somebody");
    act(&mut world, owner, "unmute", "den", "somebody");
    let log = reply(
        &mut world,
        member_,
        &json!({"type": "log", "id": 1, "room": "den"}),
    );
    let entries = log["entries"].as_array().expect("entries");
    let actions: Vec<&Value> = entries.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["create", "mute", "unmute"]);
    assert_eq!(entries[2]["hash"], log["head"]["hash"]);
    assert_eq!(log["head"]["number"], 3);
}

#[test]
fn who_may_make_rooms_and_how_many_is_the_operators() {
    let mut world = roomy_with(|config| config.rooms.created_per_user_max = 2);
    let alice = world.join_v1("alice", "10.0.0.1");
    let create = |room: &str| json!({"type": "create", "id": 1, "room": room});
    assert_eq!(verdict(&mut world, alice, &create("one")), "ok");
    assert_eq!(verdict(&mut world, alice, &create("two")), "ok");
    let refused = reply(&mut world, alice, &create("three"));
    assert_eq!(
        (&refused["code"], &refused["limit"]),
        (
            &json!("too_many_rooms_created"),
            &json!("created_per_user_max")
        )
    );
    let bob = world.join_v1("bob", "10.0.0.1");
    for taken in ["one", "ONE", "0ne", "lobby", "l0bby", "Iobby"] {
        assert_eq!(
            verdict(&mut world, bob, &create(taken)),
            "room_exists",
            "{taken}"
        );
    }
    let mut closed =
        roomy_with(|config| config.rooms.create = wardroom::config::WhoCreates::Nobody);
    let alice = closed.join_v1("alice", "10.0.0.1");
    assert_eq!(verdict(&mut closed, alice, &create("one")), "forbidden");
}

#[test]
fn no_room_is_called_what_another_is_called_or_looks_like() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let rename = |name: &str| json!({"type": "update", "id": 1, "room": "den", "name": name});
    assert_eq!(verdict(&mut world, owner, &rename("Bilge pumps")), "ok");
    let other = made(&mut world, "other", "hall", "public");
    let asked = |world: &mut World, who: ConnectionId, kind: &str, room: &str, more: Value| {
        let mut request = json!({"type": kind, "id": 1, "room": room});
        let more = more.as_object().expect("settings").clone();
        request.as_object_mut().expect("an object").extend(more);
        let told = reply(world, who, &request);
        let word = |name: &str| told[name].as_str().unwrap_or("ok").to_owned();
        (word("code"), word("field"))
    };
    let taken = |field: &str| ("room_exists".to_owned(), field.to_owned());
    let fine = ("ok".to_owned(), "ok".to_owned());
    for name in [
        "Bilge pumps",
        "bilge-pumps",
        "BILGE PUMPS",
        "Bi1ge purnps",
        "lobby",
        "Lobby",
        "L0bby",
        "den",
    ] {
        let named = json!({"name": name});
        assert_eq!(
            asked(&mut world, other, "update", "hall", named.clone()),
            taken("name"),
            "{name}"
        );
        for kind in ["public", "members", "private"] {
            let named = json!({"name": name, "kind": kind});
            let made = asked(&mut world, other, "create", "fresh", named);
            assert_eq!(made, taken("name"), "{kind} {name}");
        }
    }
    // Neither is an id what another is called.
    assert_eq!(
        asked(&mut world, other, "create", "bilge-pumps", json!({})),
        taken("room")
    );
    // One's own names are one's own, in whatever letters.
    for name in ["Hall", "HALL", "The hall", "The hal1", ""] {
        let named = json!({"name": name});
        assert_eq!(
            asked(&mut world, other, "update", "hall", named),
            fine,
            "{name}"
        );
    }
    // What a room is not called any more is free.
    assert_eq!(verdict(&mut world, owner, &rename("Engine")), "ok");
    let named = json!({"name": "Bilge pumps"});
    assert_eq!(asked(&mut world, other, "update", "hall", named), fine);
    // Who may not know of a room does not find out what it is called; when strangers come to see it, it needs a name of its own.
    let hidden = json!({"name": "Board", "kind": "members"});
    assert_eq!(asked(&mut world, owner, "create", "b1", hidden), fine);
    assert_eq!(
        asked(
            &mut world,
            other,
            "update",
            "hall",
            json!({"name": "Board"})
        ),
        fine
    );
    for more in [json!({"kind": "public"}), json!({"join_rule": "knock"})] {
        assert_eq!(
            asked(&mut world, owner, "update", "b1", more),
            taken("name")
        );
    }
    let both = json!({"kind": "public", "name": "Board of two"});
    assert_eq!(asked(&mut world, owner, "update", "b1", both), fine);
    assert_eq!(
        asked(&mut world, other, "update", "hall", json!({"topic": "x"})),
        fine
    );
}

#[test]
fn a_changed_right_acts_on_the_open_connection() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let member_ = member(&mut world, "member", "den");
    let lock =
        |is_locked: bool| json!({"type": "update", "id": 1, "room": "den", "locked": is_locked});
    assert_eq!(verdict(&mut world, owner, &lock(true)), "ok");
    assert_eq!(
        verdict(&mut world, member_, &send("den", "hi")),
        "room_locked"
    );
    assert_eq!(verdict(&mut world, owner, &send("den", "hi")), "ok");
    assert_eq!(verdict(&mut world, owner, &lock(false)), "ok");
    assert_eq!(verdict(&mut world, member_, &send("den", "hi")), "ok");
    let archive = json!({"type": "archive", "id": 1, "room": "den", "archived": true});
    assert_eq!(verdict(&mut world, owner, &archive), "ok");
    assert!(
        told(&mut world, member_)
            .iter()
            .any(|notice| notice["type"] == "removed" && notice["code"] == "archived")
    );
    assert_eq!(
        verdict(&mut world, owner, &send("den", "hi")),
        "room_archived"
    );
    let explained = reply(
        &mut world,
        owner,
        &json!({"type": "explain", "id": 1, "room": "den"}),
    );
    let rights = explained["rights"].as_array().expect("rights");
    let of_send = rights
        .iter()
        .find(|right| right["capability"] == "send")
        .expect("send");
    assert_eq!(
        (&of_send["allowed"], &of_send["reason"]),
        (&json!(false), &json!("archived"))
    );
}

#[test]
fn a_list_that_goes_on_past_rooms_that_nobody_may_know_of_names_none_of_them() {
    let mut world = roomy_with(|config| config.rooms.created_per_user_max = 10_000);
    let owner = world.join_v1("owner", "10.0.0.1");
    for number in 0..1_100 {
        let create =
            json!({"type": "create", "room": format!("hidden{number:04}"), "kind": "private"});
        world.say(owner, &create.to_string());
    }
    assert_eq!(
        verdict(
            &mut world,
            owner,
            &json!({"type": "create", "id": 1, "room": "z"})
        ),
        "ok"
    );
    let guest = world.join_v1("guest", "10.0.0.2");
    for begin in [None, Some("hidden0050")] {
        let (mut found, mut after) = (Vec::new(), begin.map(str::to_owned));
        for page in 0.. {
            assert!(page < 6, "it comes to an end");
            let mut request = json!({"type": "rooms", "id": 1});
            if let Some(after) = &after {
                request["after"] = json!(after);
            }
            let told = reply(&mut world, guest, &request);
            let rooms = told["rooms"].as_array().expect("rooms");
            found.extend(
                rooms
                    .iter()
                    .map(|room| room["room"].as_str().expect("an id").to_owned()),
            );
            assert_eq!(told["truncated"], told["next"].is_string());
            after = told["next"].as_str().map(str::to_owned);
            let Some(next) = &after else { break };
            assert!(!next.starts_with("hidden") || begin == Some(next), "{next}");
        }
        let all = ["general", "lobby", "random", "z"];
        let expected: Vec<_> = all
            .into_iter()
            .filter(|room| begin.is_none_or(|begin| *room > begin))
            .collect();
        assert_eq!(found, expected);
    }
}
