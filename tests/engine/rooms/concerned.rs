//! Whom something is done to hears of it on every connection, in the room or not, and learns nothing that they could not find out by asking.

use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::{act, ask, durable, join, made, member, message, send, told, verdict};

/// Has `who` do something about a user, which must be allowed.
fn does(world: &mut World, who: ConnectionId, request: Value) {
    assert_eq!(verdict(world, who, &request), "ok", "{request}");
}

fn about(kind: &str, user: &str, more: Value) -> Value {
    let mut request = json!({"type": kind, "id": 1, "room": "den", "user": user});
    let more = more.as_object().expect("fields").clone();
    request.as_object_mut().expect("an object").extend(more);
    request
}

/// What two connections of one user were told, which is the same: types with what they say of it.
fn both(world: &mut World, pair: [ConnectionId; 2]) -> Vec<Value> {
    let [one, other] = pair.map(|id| told(world, id));
    assert_eq!(one, other, "every connection is told");
    one
}

/// The words of what somebody was told, `action` of a `moderation` and `code` of a `removed` behind the type.
fn words(told: &[Value]) -> Vec<String> {
    let word = |notice: &Value| {
        let detail = notice["action"].as_str().or(notice["code"].as_str());
        let kind = notice["type"].as_str().expect("a type");
        detail.map_or_else(|| kind.to_owned(), |detail| format!("{kind} {detail}"))
    };
    told.iter().map(word).collect()
}

#[test]
fn whoever_is_connected_and_not_in_the_room_is_told_what_is_done_to_them() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let pair = [1, 2].map(|_| world.join_v1("guest", "10.0.0.5"));
    for id in pair {
        told(&mut world, id);
    }
    let give = |affiliation: &str| about("affiliate", "guest", json!({"affiliation": affiliation}));
    let rows = [
        (about("invite", "guest", json!({})), vec!["invited", "room"]),
        (
            about("withdraw", "guest", json!({})),
            vec!["moderation withdraw", "room"],
        ),
        (give("member"), vec!["moderation affiliate", "room"]),
        (give("moderator"), vec!["moderation affiliate", "room"]),
        (give("member"), vec!["moderation affiliate", "room"]),
        (give("none"), vec!["moderation affiliate", "room"]),
        (
            about(
                "mute",
                "guest",
                json!({"for_ms": 60_000, "reason": "noise"}),
            ),
            vec!["moderation mute", "room"],
        ),
        (
            about("unmute", "guest", json!({})),
            vec!["moderation unmute", "room"],
        ),
        (
            about("kick", "guest", json!({})),
            vec!["moderation kick", "room"],
        ),
        (
            about("purge", "guest", json!({})),
            vec!["moderation purge", "room"],
        ),
        (
            about(
                "ban",
                "guest",
                json!({"for_ms": 60_000, "reason": "enough"}),
            ),
            vec!["removed banned"],
        ),
        (
            about("ban", "guest", json!({"reason": "for good"})),
            vec!["removed banned"],
        ),
        (
            about("unban", "guest", json!({})),
            vec!["moderation unban", "room"],
        ),
    ];
    for (request, expected) in rows {
        does(&mut world, owner, request.clone());
        let told = both(&mut world, pair);
        assert_eq!(words(&told), expected, "{request}");
        let first = &told[0];
        for field in ["reason", "user"] {
            let is_said = first.get(field).is_some() && request.get(field).is_some();
            assert!(
                !is_said || first[field] == request[field],
                "{request}: {first}"
            );
        }
        let for_ms = request.get("for_ms").is_some();
        assert_eq!(first.get("until").is_some(), for_ms, "{request}: {first}");
        if request["type"] == "affiliate" {
            let given = request["affiliation"].as_str().expect("a word");
            assert_eq!(first["details"], format!("affiliation={given}"));
            assert_eq!(told[1]["affiliation"], given);
        }
    }
}

#[test]
fn whoever_is_in_the_room_hears_what_is_done_to_others_there_and_not_who_is_asked_in() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let bystander = world.join_v1("ann", "10.0.0.5");
    assert_eq!(verdict(&mut world, bystander, &join("den")), "ok");
    told(&mut world, bystander);
    for (kind, is_told) in [
        ("invite", false),
        ("withdraw", false),
        ("mute", true),
        ("unmute", true),
        ("kick", true),
        ("ban", true),
        ("unban", true),
    ] {
        does(&mut world, owner, about(kind, "guest", json!({})));
        let heard = words(&told(&mut world, bystander));
        let expected = is_told.then(|| format!("moderation {kind}"));
        assert_eq!(heard, Vec::from_iter(expected), "{kind}");
    }
}

#[test]
fn whoever_belonged_to_a_closed_room_is_told_that_it_is_over_and_a_stranger_nothing() {
    for kind in ["members", "private"] {
        let mut world = durable();
        let owner = made(&mut world, "owner", "den", kind);
        let pair = [1, 2].map(|_| world.join_v1("guest", "10.0.0.5"));
        for id in pair {
            told(&mut world, id);
        }
        let give =
            |affiliation: &str| about("affiliate", "guest", json!({"affiliation": affiliation}));
        // Somebody who never knew of the room does not get to know of it by being kept out.
        for request in [
            about(
                "ban",
                "guest",
                json!({"reason": "for what they did elsewhere"}),
            ),
            about("ban", "guest", json!({})),
            about("unban", "guest", json!({})),
            about("mute", "guest", json!({})),
            about("unmute", "guest", json!({})),
            about("kick", "guest", json!({})),
            about("purge", "guest", json!({})),
        ] {
            does(&mut world, owner, request.clone());
            assert_eq!(both(&mut world, pair), [] as [Value; 0], "{kind} {request}");
        }
        for (request, expected) in [
            (about("invite", "guest", json!({})), vec!["invited", "room"]),
            (
                about("withdraw", "guest", json!({})),
                vec!["removed forbidden"],
            ),
            (give("member"), vec!["moderation affiliate", "room"]),
            (give("none"), vec!["removed forbidden"]),
            (give("moderator"), vec!["moderation affiliate", "room"]),
            (
                about("ban", "guest", json!({"reason": "enough"})),
                vec!["removed banned"],
            ),
            // It is for those who know the room, and that is over.
            (about("unban", "guest", json!({})), vec![]),
        ] {
            does(&mut world, owner, request.clone());
            let told = both(&mut world, pair);
            assert_eq!(words(&told), expected, "{kind} {request}");
        }
        assert_eq!(verdict(&mut world, pair[0], &join("den")), "unknown_room");
    }
}

#[test]
fn whoever_only_sees_a_room_is_told_how_it_is_for_them_and_not_who_did_it() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "members");
    does(
        &mut world,
        owner,
        json!({"type": "update", "id": 1, "room": "den", "join_rule": "knock"}),
    );
    let guest = world.join_v1("guest", "10.0.0.5");
    does(
        &mut world,
        guest,
        json!({"type": "knock", "id": 1, "room": "den"}),
    );
    told(&mut world, guest);
    for request in [
        about("withdraw", "guest", json!({})),
        about("mute", "guest", json!({"reason": "noise"})),
        about("unmute", "guest", json!({})),
    ] {
        does(&mut world, owner, request.clone());
        let told = told(&mut world, guest);
        assert_eq!(words(&told), ["room"], "{request}");
        assert!(!told[0]["can"].to_string().contains("send"));
    }
    // What goes on in there is not told either, nor how much of it.
    does(&mut world, owner, send("den", "between us"));
    let seen = ask(
        &mut world,
        guest,
        &json!({"type": "describe", "id": 1, "room": "den"}),
    );
    let listed = ask(&mut world, guest, &json!({"type": "rooms", "id": 1}));
    let rooms = listed[0]["rooms"].as_array().expect("rooms");
    let of_den = rooms.iter().find(|room| room["room"] == "den");
    for description in [&seen[0], of_den.expect("it is listed")] {
        for field in ["count", "last_seq", "unread"] {
            assert_eq!(description.get(field), None, "{description}");
        }
    }
    act(&mut world, owner, "invite", "den", "guest");
    does(&mut world, guest, join("den"));
    let seen = ask(
        &mut world,
        guest,
        &json!({"type": "describe", "id": 1, "room": "den"}),
    );
    for (field, value) in [("count", 2), ("last_seq", 1), ("unread", 1)] {
        assert_eq!(seen[0][field], value, "{seen:?}");
    }
}

#[test]
fn a_page_that_waits_for_somebody_outside_does_not_leave_after_their_ban() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    does(&mut world, owner, send("den", "secret"));
    let guest = world.join_v1("guest", "10.0.0.5");
    world.client(guest).take_frames();
    world.client(guest).set_window(0);
    let history = json!({"type": "history", "id": 1, "room": "den"});
    world.say(guest, &history.to_string());
    act(&mut world, owner, "ban", "den", "guest");
    world.client(guest).set_window(usize::MAX);
    world.settle();
    let told = told(&mut world, guest);
    let expected = ["error not_in_room", "removed banned"];
    assert_eq!(words(&told), expected, "{told:?}");
    assert!(told.iter().filter_map(message).next().is_none());
}

#[test]
fn a_raid_that_is_over_is_not_told_any_more() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    does(
        &mut world,
        owner,
        json!({"type": "raid", "id": 1, "room": "den", "for_ms": 60_000}),
    );
    let describe = json!({"type": "describe", "id": 1, "room": "den"});
    let during = ask(&mut world, owner, &describe);
    assert!(during[0]["raid_until"].is_number(), "{during:?}");
    crate::stay(&mut world, owner, crate::seconds(61));
    let after = ask(&mut world, owner, &describe);
    assert_eq!(after[0].get("raid_until"), None, "{after:?}");
    let update = json!({"type": "update", "id": 1, "room": "den", "topic": "quiet again"});
    let told = ask(&mut world, owner, &update);
    let rooms = told
        .iter()
        .filter(|notice| notice["topic"] == "quiet again");
    assert_eq!(
        rooms.clone().count(),
        2,
        "the reply and the notice: {told:?}"
    );
    assert!(
        rooms.clone().all(|room| room.get("raid_until").is_none()),
        "{told:?}"
    );
}

#[test]
fn an_archived_room_is_as_unknown_to_the_banned_as_to_every_stranger() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    act(&mut world, owner, "ban", "den", "guest");
    let guests = ["guest", "stranger"].map(|user| world.join_v1(user, "10.0.0.5"));
    assert_eq!(verdict(&mut world, guests[0], &join("den")), "banned");
    does(
        &mut world,
        owner,
        json!({"type": "archive", "id": 1, "room": "den", "archived": true}),
    );
    let answers = guests.map(|guest| {
        ["join", "describe", "history", "knock"].map(|kind| {
            let request = json!({"type": kind, "id": 1, "room": "den"});
            verdict(&mut world, guest, &request)
        })
    });
    assert_eq!(answers[0], ["unknown_room"; 4]);
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn when_a_rooms_settings_change_everybody_there_is_told_how_it_is_for_them() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let many = ["moderator", "one", "two", "reader", "three"].map(|user| {
        let id = member(&mut world, user, "den");
        (user, id)
    });
    let promote = about(
        "affiliate",
        "moderator",
        json!({"affiliation": "moderator"}),
    );
    does(&mut world, owner, promote);
    assert_eq!(verdict(&mut world, owner, &send("den", "hello")), "ok");
    let reader = many[3].1;
    let read = json!({"type": "seen", "id": 1, "room": "den", "seq": 1});
    assert_eq!(verdict(&mut world, reader, &read), "ok");
    for (_, id) in many {
        told(&mut world, id);
    }
    let update = json!({"type": "update", "id": 1, "room": "den", "topic": "other things"});
    assert_eq!(verdict(&mut world, owner, &update), "ok");
    for (user, id) in many {
        let told = told(&mut world, id);
        let room = told.iter().find(|notice| notice["type"] == "room");
        let room = room.unwrap_or_else(|| panic!("{user} is told: {told:?}"));
        assert_eq!(room["topic"], "other things", "{user}");
        let can = room["can"].as_array().expect("what they may do");
        let moderates = can.iter().any(|capability| capability == "moderate");
        assert_eq!(moderates, user == "moderator", "{user}");
        assert_eq!(room["unread"], u64::from(user != "reader"), "{user}");
    }
}
