//! Whatever a limit refuses is counted once, by that limit's name and whose it is, wherever it is refused.

use serde_json::{Value, json};
use wardroom::config::{Config, Rate, RefuseWith};
use wardroom::engine::Door;
use wardroom::simulation::{Ending, World, upgrade_request};

use crate::private::{enter, get, post, private_world, request};
use crate::rooms::{act, join, made, member, reply, send, verdict};
use crate::{ask, knock, roomy_with, seconds};

/// What was counted of limits since the world began, as `limit of scope: count`.
pub fn limits(world: &World) -> Vec<String> {
    let metrics = world.metrics();
    let rows = metrics.lines().filter_map(|line| {
        let (labels, count) = line
            .strip_prefix("wardroom_limited_total{")?
            .split_once('}')?;
        let words: Vec<_> = labels.split('"').skip(1).step_by(2).collect();
        let count = count.trim();
        (count != "0").then(|| format!("{}: {count}", words.join(" of ")))
    });
    rows.collect()
}

/// The same of what `act` has added.
fn added(world: &mut World, act: impl FnOnce(&mut World)) -> Vec<String> {
    let before = limits(world);
    act(world);
    let mut after = limits(world);
    after.retain(|row| !before.contains(row));
    after
}

#[test]
fn time_to_sign_in_that_ends_between_two_requests_is_counted_and_the_wait_for_one_more_is_not() {
    let settings = |config: &mut Config| {
        config.deadlines.sign_in = seconds(15);
        config.deadlines.keep_alive = seconds(10);
    };
    let page = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut world = roomy_with(settings);
    let late = ask(&mut world, "192.0.2.1", page);
    world.advance(seconds(8));
    world.send(late, page.as_bytes());
    world.client(late).forget_received();
    world.advance(seconds(7));
    assert_ne!(world.client(late).ending(), Ending::Open);
    assert_eq!(world.client(late).take_response(), None, "nothing is asked");
    assert_eq!(limits(&world), ["deadlines.sign_in of connection: 1"]);

    let mut world = roomy_with(settings);
    let idle = ask(&mut world, "192.0.2.1", page);
    world.advance(seconds(10));
    assert_ne!(world.client(idle).ending(), Ending::Open);
    assert_eq!(limits(&world), [""; 0]);
}

/// What is sent at the private door, how long nothing more comes, and what that is answered and counted as.
type Call = (String, u64, u16, &'static str, &'static str);

#[test]
fn limits_that_hold_at_the_private_door_too_are_told_and_counted_there() {
    let wide = "X: y\r\n".repeat(16);
    let calls: [Call; 6] = [
        (String::new(), 10, 408, "deadlines.head", "connection"),
        (
            "GET /heal".to_owned(),
            10,
            408,
            "deadlines.head",
            "connection",
        ),
        (
            request("POST /api/v1/tickets", "", "{}").replace("Length: 2", "Length: 9"),
            10,
            408,
            "deadlines.head",
            "connection",
        ),
        (
            format!("GET /healthz HTTP/1.1\r\nX: {}\r\n", "y".repeat(2048)),
            0,
            431,
            "head_bytes_max",
            "connection",
        ),
        (
            request("GET /healthz", &wide, ""),
            0,
            431,
            "head_fields_max",
            "connection",
        ),
        (
            request("POST /api/v1/tickets", "", &"x".repeat(9000)),
            0,
            413,
            "private.body_bytes_max",
            "connection",
        ),
    ];
    for (bytes, wait, status, limit, scope) in calls {
        let mut world = private_world(|config| {
            config.limits.head_bytes_max = 2048;
            config.limits.head_fields_max = 16;
            config.private.body_bytes_max = 8192;
        });
        let id = enter(&mut world);
        world.send(id, bytes.as_bytes());
        world.advance(seconds(wait));
        let refused = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(
            (refused.status, &refused.json()["limit"]),
            (status, &json!(limit))
        );
        assert_eq!(limits(&world), [format!("{limit} of {scope}: 1")]);
    }
    // Whoever asks whether there is room is refused nothing, and a kept connection that is not used ends as it does everywhere.
    let mut world = private_world(|config| config.limits.connections_max = 1);
    world.join("alice", "10.0.0.1");
    assert_eq!(get(&mut world, "/readyz").status, 503);
    let id = enter(&mut world);
    world.send(id, request("GET /healthz", "", "").as_bytes());
    world.advance(seconds(20));
    assert_ne!(world.client(id).ending(), Ending::Open);
    assert_eq!(limits(&world), [""; 0]);
}

#[test]
fn bounds_on_what_is_kept_for_other_programs_are_counted() {
    let of = |user: &str| json!({ "user": user }).to_string();
    let mut world = private_world(|config| {
        config.auth.ticket.tickets_max = 2;
        config.auth.ticket.tickets_per_user_max = 1;
        config.auth.session.sessions_max = 2;
        config.auth.session.sessions_per_user_max = 1;
        config.auth.revocations_max = 1;
    });
    let cases = [
        ("tickets", of("alice"), "tickets_per_user_max of user: 1"),
        ("sessions", of("alice"), "sessions_per_user_max of user: 1"),
        ("tickets", of("bob"), ""),
        ("tickets", of("carol"), "tickets_max of server: 1"),
        ("sessions", of("bob"), ""),
        ("sessions", of("carol"), "sessions_max of server: 1"),
        ("revocations", of("dave"), ""),
        ("revocations", of("erin"), "revocations_max of server: 1"),
    ];
    for path in ["tickets", "sessions"] {
        assert_eq!(
            post(&mut world, &format!("/api/v1/{path}"), &of("alice")).status,
            200
        );
    }
    for (path, body, expected) in cases {
        let counted = added(&mut world, |world| {
            let response = post(world, &format!("/api/v1/{path}"), &body);
            let is_done = response.status == 200;
            assert_eq!(is_done, expected.is_empty(), "{path} {body}: {response:?}");
        });
        assert_eq!(counted.join(", "), expected, "{path} {body}");
    }
    let mut full = private_world(|config| config.limits.pending_answers_max = 1);
    full.answers_held = true;
    let waiting = enter(&mut full);
    full.send(waiting, request("GET /api/v1/sessions", "", "").as_bytes());
    assert_eq!(get(&mut full, "/api/v1/sessions").status, 503);
    assert_eq!(limits(&full), ["pending_answers_max of server: 1"]);
}

#[test]
fn a_message_that_is_too_long_is_counted_by_the_bound_of_the_operator_or_of_the_room() {
    let mut world = roomy_with(|config| {
        config.limits.message_characters_max = 20;
        config.rooms.durable = vec!["general".to_owned()];
    });
    let alice = made(&mut world, "alice", "den", "public");
    let long = "x".repeat(21);
    let edit = json!({"type": "edit", "id": 1, "room": "den", "seq": 1, "message": long});
    for request in [send("den", &long), edit] {
        let counted = added(&mut world, |world| {
            assert_eq!(verdict(world, alice, &request), "message_too_long");
        });
        assert_eq!(counted.len(), 1, "{counted:?}");
        assert!(counted[0].starts_with("message_characters_max of connection: "));
    }
    let tutorial = world.join("bob", "10.0.0.2");
    world.say(tutorial, &json!({ "message": long }).to_string());
    assert_eq!(limits(&world), ["message_characters_max of connection: 3"]);
    world.say(tutorial, "nonsense");
    assert_eq!(limits(&world), ["message_characters_max of connection: 3"]);

    let shorter = json!({"type": "update", "id": 1, "room": "den", "message_characters_max": 9});
    assert_eq!(verdict(&mut world, alice, &shorter), "ok");
    assert_eq!(verdict(&mut world, alice, &send("den", "short")), "ok");
    let ten = "x".repeat(10);
    let edit = json!({"type": "edit", "id": 1, "room": "den", "seq": 1, "message": ten});
    for (n, request) in [send("den", &ten), edit].into_iter().enumerate() {
        let counted = added(&mut world, |world| {
            assert_eq!(verdict(world, alice, &request), "message_too_long");
        });
        assert_eq!(
            counted,
            [format!("message_characters_max of room: {}", n + 1)]
        );
    }
}

#[test]
fn bounds_on_a_room_are_counted_by_name_whoever_meets_them() {
    let mut world = private_world(|config| {
        config.limits.message_characters_max = 20;
        config.rooms.people_max = 3;
        config.rooms.retention_messages_max = 100;
        config.rooms.retention_max = seconds(3600);
    });
    let owner = made(&mut world, "owner", "den", "public");
    for (setting, value, limit) in [
        ("message_characters_max", 21, "message_characters_max"),
        ("members_max", 4, "people_max"),
        ("retention_messages", 101, "retention_messages_max"),
        ("retention_ms", 3_600_001, "retention_max"),
    ] {
        let update = json!({"type": "update", "id": 1, "room": "den", setting: value});
        let counted = added(&mut world, |world| {
            assert_eq!(verdict(world, owner, &update), "above_ceiling");
        });
        assert_eq!(counted, [format!("{limit} of room: 1")], "by its owner");
        let create =
            json!({"type": "create", "id": 1, "room": "team", "kind": "public", setting: value});
        let counted = added(&mut world, |world| {
            assert_eq!(verdict(world, owner, &create), "above_ceiling");
        });
        assert_eq!(
            counted,
            [format!("{limit} of room: 2")],
            "by whoever makes one"
        );
        let new = json!({"room": "team", "owner": "o", setting: value}).to_string();
        let counted = added(&mut world, |world| {
            assert_eq!(post(world, "/api/v1/rooms", &new).status, 400);
        });
        assert_eq!(counted, [format!("{limit} of room: 3")], "by a program");
    }
    act(&mut world, owner, "invite", "den", "ann");
    act(&mut world, owner, "invite", "den", "bob");
    let invite = json!({"type": "invite", "id": 1, "room": "den", "user": "cid"});
    let counted = added(&mut world, |world| {
        assert_eq!(verdict(world, owner, &invite), "room_full");
    });
    assert_eq!(counted, ["people_max of room: 4"]);
    let reader = member(&mut world, "reader", "den");
    assert_eq!(verdict(&mut world, owner, &send("den", "hi")), "ok");
    let seen = json!({"type": "seen", "id": 1, "room": "den", "seq": 1});
    let counted = added(&mut world, |world| {
        assert_eq!(verdict(world, reader, &seen), "room_full");
    });
    assert_eq!(counted, ["people_max of room: 5"]);
    let places = json!({"type": "update", "id": 1, "room": "den", "members_max": 1});
    assert_eq!(verdict(&mut world, owner, &places), "ok");
    let stranger = world.join_v1("stranger", "10.0.0.2");
    let counted = added(&mut world, |world| {
        assert_eq!(verdict(world, stranger, &join("den")), "room_full");
    });
    assert_eq!(counted, ["members_max of room: 1"]);
}

#[test]
fn whoever_is_told_that_a_room_is_busy_is_counted_by_what_it_is_busy_with() {
    let ban = |user: &str| json!({"type": "ban", "id": 1, "room": "den", "user": user});
    let invite = json!({"type": "invite", "id": 1, "room": "den", "user": "x"});
    type Change = fn(&mut Config);
    let cases: [(&str, Change); 2] = [
        ("pending_max of server: 1", |config| {
            config.rooms.pending_max = 1
        }),
        ("pending_answers_max of server: 1", |config| {
            config.limits.pending_answers_max = 1;
        }),
    ];
    for (expected, change) in cases {
        let mut world = roomy_with(|config| {
            config.rooms.durable = vec!["general".to_owned()];
            change(config);
        });
        let alice = member(&mut world, "alice", "general");
        world.answers_held = true;
        for _ in 0..2 {
            world.say(alice, &send("general", "hi").to_string());
        }
        assert_eq!(limits(&world), [expected]);
    }
    let mut world = roomy_with(|config| {
        config.rooms.changes_waiting_max = 2;
        config.rooms.own_changes_waiting_max = 1;
    });
    let owner = made(&mut world, "owner", "den", "public");
    let other = member(&mut world, "other", "den");
    world.answers_held = true;
    for user in ["a", "b", "c"] {
        world.say(owner, &ban(user).to_string());
    }
    assert_eq!(limits(&world), [""; 0]);
    world.say(owner, &ban("d").to_string());
    assert_eq!(limits(&world), ["changes_waiting_max of room: 1"]);
    for _ in 0..2 {
        world.say(other, &invite.to_string());
    }
    assert_eq!(
        limits(&world),
        [
            "changes_waiting_max of room: 1",
            "own_changes_waiting_max of member: 1"
        ]
    );
}

#[test]
fn a_sign_in_that_there_is_no_room_for_is_counted_whichever_way_it_is_told() {
    for refuse_with in [RefuseWith::Close, RefuseWith::Http] {
        let mut world = roomy_with(|config| {
            config.auth.refuse_with = refuse_with;
            config.limits.pending_answers_max = 1;
        });
        let inside = world.join_v1("alice", "10.0.0.3");
        world.answers_held = true;
        let bearer = format!("Authorization: Bearer wrs_{}\r\n", "A".repeat(43));
        let request = upgrade_request("/ws/chat", &bearer);
        ask(&mut world, "10.0.0.1", &request);
        world.security_log();
        let told = knock(&mut world, "10.0.0.2", "", &bearer);
        assert!(
            told == "503 server_full" || told.starts_with("1013 "),
            "{told}"
        );
        assert_eq!(limits(&world), ["pending_answers_max of server: 1"]);
        let log = world.security_log().concat();
        let line = "event=limited address=10.0.0.2 limit=pending_answers_max scope=server";
        assert!(log.contains(line), "{refuse_with:?}: {log}");
        let token = format!("wrs_{}", "A".repeat(43));
        let refresh = json!({"type": "refresh", "id": 1, "token": token});
        assert_eq!(verdict(&mut world, inside, &refresh), "busy");
        assert_eq!(limits(&world), ["pending_answers_max of server: 2"]);
    }
}

#[test]
fn a_credential_that_this_turn_has_no_check_left_for_is_counted() {
    let mut world = roomy_with(|config| config.turn.signature_checks_max = 1);
    let alice = world.join_v1("alice", "10.0.0.1");
    let refresh = json!({"type": "refresh", "id": 1, "token": "alice"}).to_string();
    let frames = wardroom::simulation::text(&refresh).repeat(2);
    world.client(alice).take_frames();
    world.send(alice, &frames);
    let told: Vec<Value> = world.client(alice).take_notices();
    assert_eq!(told[1]["code"], "busy", "{told:?}");
    assert_eq!(limits(&world), ["turn.signature_checks_max of server: 1"]);
}

#[test]
fn requests_at_the_private_door_beyond_its_own_rate_are_counted_once() {
    let mut world = private_world(|config| config.private.requests = crate::per_second(1));
    assert_eq!(get(&mut world, "/api/v1/rooms").status, 200);
    assert_eq!(get(&mut world, "/api/v1/rooms").status, 429);
    assert_eq!(limits(&world), ["private.requests of server: 1"]);
    let mut world = private_world(|config| config.private.connections_max = 1);
    enter(&mut world);
    let refused = world.connect_at(Door::Private, "127.0.0.1");
    assert!(refused.is_err());
    assert_eq!(limits(&world), ["private.connections_max of server: 1"]);
}

#[test]
fn of_two_limits_that_say_no_the_one_that_is_told_is_counted() {
    for (of_user, of_member, told_of) in [(60, 1, "messages_per_user"), (1, 60, "slow_mode_ms")] {
        let mut world = roomy_with(|config| {
            config.limits.messages_per_user = Rate::new(1, seconds(of_user));
        });
        let owner = made(&mut world, "owner", "den", "public");
        let slow =
            json!({"type": "update", "id": 1, "room": "den", "slow_mode_ms": of_member * 1000});
        assert_eq!(verdict(&mut world, owner, &slow), "ok");
        let somebody = member(&mut world, "somebody", "den");
        assert_eq!(verdict(&mut world, somebody, &send("den", "one")), "ok");
        let refused = reply(&mut world, somebody, &send("den", "two"));
        assert_eq!(refused["limit"], told_of);
        let scope = refused["scope"].as_str().unwrap_or_default();
        assert_eq!(limits(&world), [format!("{told_of} of {scope}: 1")]);
    }
}

#[test]
fn a_message_with_a_key_that_a_rate_refuses_is_counted_again_where_the_store_can_not_be_asked_for_it()
 {
    let mut world = roomy_with(|config| {
        config.rooms.durable = vec!["general".to_owned()];
        config.rooms.pending_max = 1;
        config.limits.messages_per_user = Rate::new(1, seconds(60));
    });
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    world.say(bob, &send("general", "first").to_string());
    world.advance(seconds(1));
    world.answers_held = true;
    world.say(alice, &send("general", "hi").to_string());
    let mut again = send("general", "hi");
    again["key"] = json!("k");
    assert_eq!(verdict(&mut world, alice, &again), "busy");
    assert_eq!(
        limits(&world),
        ["messages_per_user of user: 1", "pending_max of server: 1"]
    );
}
