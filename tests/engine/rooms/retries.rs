//! A message that is sent again with its key: the same message, whatever has come in between.

use serde_json::{Value, json};
use wardroom::config::Rate;
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::{act, ask, durable, heard, join, made, member, reply, send, verdict};
use crate::{roomy_with, seconds, stay};

fn keyed(message: &str, key: &str) -> Value {
    json!({"type": "send", "id": 1, "room": "den", "message": message, "key": key})
}

fn update(world: &mut World, owner: ConnectionId, settings: &Value) {
    let mut update = json!({"type": "update", "id": 1, "room": "den"});
    for (name, value) in settings.as_object().expect("settings") {
        update[name] = value.clone();
    }
    assert_eq!(verdict(world, owner, &update), "ok", "{update}");
}

/// What keeps somebody from saying more.
type Obstacle = fn(&mut World, ConnectionId, ConnectionId);

#[test]
fn whatever_keeps_somebody_from_saying_more_their_message_is_told_to_be_there() {
    let rows: &[(&str, Obstacle)] = &[
        ("rate_limited", |world, owner, _| {
            update(world, owner, &json!({"messages_per_minute": 1}));
            assert_eq!(verdict(world, owner, &send("den", "one")), "ok");
        }),
        ("rate_limited", |world, owner, guest| {
            update(world, owner, &json!({"messages_per_minute_per_member": 1}));
            assert_eq!(verdict(world, guest, &send("den", "one")), "ok");
        }),
        ("rate_limited", |world, owner, guest| {
            update(world, owner, &json!({"slow_mode_ms": 60_000}));
            assert_eq!(verdict(world, guest, &send("den", "one")), "ok");
        }),
        ("rate_limited", |world, owner, guest| {
            update(world, owner, &json!({"cooldown_ms": 60_000}));
            let leave = json!({"type": "leave", "id": 1, "room": "den"});
            assert_eq!(verdict(world, guest, &leave), "ok");
            assert_eq!(verdict(world, guest, &join("den")), "ok");
        }),
        ("rate_limited", |world, _, guest| {
            while verdict(world, guest, &send("den", "more")) == "ok" {}
        }),
        ("message_too_long", |world, owner, _| {
            update(world, owner, &json!({"message_characters_max": 2}));
        }),
        ("muted", |world, owner, _| {
            act(world, owner, "mute", "den", "guest");
        }),
        ("room_locked", |world, owner, _| {
            update(world, owner, &json!({"locked": true}));
        }),
        ("room_archived", |world, owner, _| {
            let affiliate = json!({"type": "affiliate", "id": 1, "room": "den", "user": "guest", "affiliation": "member"});
            assert_eq!(verdict(world, owner, &affiliate), "ok");
            let archive = json!({"type": "archive", "id": 1, "room": "den", "archived": true});
            assert_eq!(verdict(world, owner, &archive), "ok");
        }),
        ("not_in_room", |world, owner, _| {
            act(world, owner, "kick", "den", "guest");
        }),
    ];
    for (index, (code, obstacle)) in rows.iter().enumerate() {
        let mut world = roomy_with(|config| {
            config.limits.messages_per_user = Rate::new(5, seconds(600));
        });
        let owner = made(&mut world, "owner", "den", "public");
        let guest = member(&mut world, "guest", "den");
        let first = reply(&mut world, guest, &keyed("hello", "k"));
        assert_eq!(first["seq"], 1);
        stay(&mut world, guest, seconds(2));
        obstacle(&mut world, owner, guest);
        heard(&mut world, owner);
        for _ in 0..3 {
            let again = reply(&mut world, guest, &keyed("hello", "k"));
            assert_eq!(
                (&again["type"], &again["seq"], &again["timestamp"]),
                (&json!("ok"), &first["seq"], &first["timestamp"]),
                "{code}, row {index}: {again}"
            );
        }
        let other = verdict(&mut world, guest, &keyed("hello", "other"));
        assert_eq!(
            other, *code,
            "row {index}: what is not kept is refused as ever"
        );
        assert_eq!(heard(&mut world, owner), [], "nothing is heard anew");
    }
}

#[test]
fn a_message_sent_again_costs_the_room_and_its_sender_nothing() {
    let mut world = roomy_with(|config| {
        config.limits.messages_per_user = Rate::new(4, seconds(600));
    });
    let owner = made(&mut world, "owner", "den", "public");
    let guest = member(&mut world, "guest", "den");
    let limits = json!({"messages_per_minute": 2, "messages_per_minute_per_member": 2, "bytes_per_second": 12});
    update(&mut world, owner, &limits);
    assert_eq!(verdict(&mut world, guest, &keyed("hello", "k")), "ok");
    for _ in 0..10 {
        assert_eq!(verdict(&mut world, guest, &keyed("hello", "k")), "ok");
    }
    assert_eq!(verdict(&mut world, guest, &keyed("two", "l")), "ok");
    let refused = reply(&mut world, guest, &keyed("three", "m"));
    assert_eq!(refused["code"], "rate_limited", "{refused}");
    // Whoever waited long enough in slow mode speaks, although they asked first what became of their last words.
    let unlimited = json!({"messages_per_minute": 0, "messages_per_minute_per_member": 0, "bytes_per_second": 0, "slow_mode_ms": 60_000});
    update(&mut world, owner, &unlimited);
    stay(&mut world, guest, seconds(60));
    assert_eq!(verdict(&mut world, guest, &keyed("three", "m")), "ok");
    stay(&mut world, guest, seconds(60));
    assert_eq!(verdict(&mut world, guest, &keyed("three", "m")), "ok");
    assert_eq!(verdict(&mut world, guest, &keyed("four", "n")), "ok");
    let refused = reply(&mut world, guest, &keyed("five", "o"));
    assert_eq!(refused["code"], "rate_limited", "{refused}");
}

#[test]
fn a_flood_of_retries_meets_the_limit_on_commands() {
    let mut world = roomy_with(|config| {
        config.limits.commands_per_user = Rate::new(10, seconds(600));
    });
    made(&mut world, "owner", "den", "public");
    let guest = member(&mut world, "guest", "den");
    let verdicts: Vec<_> = (0..12)
        .map(|_| reply(&mut world, guest, &keyed("hello", "k")))
        .collect();
    assert!(verdicts[8]["seq"] == 1, "{verdicts:?}");
    assert_eq!(verdicts[11]["limit"], "commands_per_user", "{verdicts:?}");
}

#[test]
fn whoever_is_banned_or_may_not_know_of_the_room_learns_nothing_from_a_key() {
    for kind in ["public", "members"] {
        let mut world = durable();
        let owner = made(&mut world, "owner", "den", kind);
        act(&mut world, owner, "invite", "den", "guest");
        let guest = member(&mut world, "guest", "den");
        assert_eq!(verdict(&mut world, guest, &keyed("hello", "k")), "ok");
        world.answers_held = true;
        let ban = json!({"type": "ban", "id": 2, "room": "den", "user": "guest"});
        world.say(owner, &ban.to_string());
        // The ban is on its way.
        let told = ask(&mut world, guest, &keyed("hello", "k"));
        assert_eq!(told[0]["code"], "busy", "{told:?}");
        world.answers_held = false;
        world.settle();
        let known = reply(&mut world, guest, &keyed("hello", "k"));
        let unknown = reply(&mut world, guest, &keyed("hello", "l"));
        assert_eq!(known, unknown);
        let expected = if kind == "public" {
            "banned"
        } else {
            "unknown_room"
        };
        assert_eq!(known["code"], expected);
    }
}

#[test]
fn who_asks_from_outside_while_they_are_banned_is_told_of_the_ban() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let guest = member(&mut world, "guest", "den");
    assert_eq!(verdict(&mut world, guest, &keyed("hello", "k")), "ok");
    act(&mut world, owner, "kick", "den", "guest");
    world.answers_held = true;
    let ban = json!({"type": "ban", "id": 2, "room": "den", "user": "guest"});
    world.say(owner, &ban.to_string());
    world.client(guest).take_frames();
    world.say(guest, &keyed("hello", "k").to_string());
    world.answers_held = false;
    world.settle();
    let told = world.client(guest).take_notices();
    let reply = told
        .iter()
        .find(|notice| notice["id"] == 1)
        .expect("a reply");
    assert_eq!(reply["code"], "banned", "{told:?}");
}

#[test]
fn a_retry_that_overtakes_its_message_waits_for_it() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let guest = member(&mut world, "guest", "den");
    update(&mut world, owner, &json!({"slow_mode_ms": 60_000}));
    world.answers_held = true;
    world.say(guest, &keyed("hello", "k").to_string());
    world.reset(guest);
    world.answers_held = false;
    let again = member(&mut world, "guest", "den");
    assert_eq!(reply(&mut world, again, &keyed("hello", "k"))["seq"], 1);
}

#[test]
fn a_store_that_is_busy_is_told_to_be_instead_of_refusing_what_it_may_have_kept() {
    let mut world = roomy_with(|config| config.rooms.pending_max = 1);
    let owner = made(&mut world, "owner", "den", "public");
    let guest = member(&mut world, "guest", "den");
    assert_eq!(verdict(&mut world, guest, &keyed("hello", "k")), "ok");
    act(&mut world, owner, "mute", "den", "guest");
    world.answers_held = true;
    world.say(owner, &send("den", "one that waits").to_string());
    assert_eq!(verdict(&mut world, guest, &keyed("hello", "k")), "busy");
    world.answers_held = false;
    world.settle();
    assert_eq!(verdict(&mut world, guest, &keyed("hello", "k")), "ok");
}
