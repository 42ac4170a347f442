//! Limits that a room has of its own, beside those of the operator and of the user.

use serde_json::{Value, json};
use wardroom::config::Rate;
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::{durable, join, made, member, reply, send, verdict};
use crate::{millis, roomy_with, seconds, stay};

fn set(world: &mut World, owner: ConnectionId, field: &str, value: u64) {
    let mut update = json!({"type": "update", "id": 1, "room": "den"});
    update[field] = json!(value);
    assert_eq!(verdict(world, owner, &update), "ok");
}

fn told(reply: &Value) -> (&str, &str, &str) {
    let word = |name: &str| reply[name].as_str().unwrap_or("-");
    (word("code"), word("limit"), word("scope"))
}

#[test]
fn each_of_a_rooms_limits_bites_and_says_which_and_whose_it_is() {
    let rows = [
        ("messages_per_minute", 1, "room"),
        ("bytes_per_second", 1, "room"),
        ("messages_per_minute_per_member", 1, "member"),
        ("slow_mode_ms", 60_000, "member"),
    ];
    for (field, value, scope) in rows {
        let mut world = durable();
        let owner = made(&mut world, "owner", "den", "public");
        let guest = member(&mut world, "guest", "den");
        set(&mut world, owner, field, value);
        assert_eq!(
            verdict(&mut world, guest, &send("den", "one")),
            "ok",
            "{field}"
        );
        let refused = reply(&mut world, guest, &send("den", "two"));
        assert_eq!(told(&refused), ("rate_limited", field, scope));
        let wait = refused["retry_after_ms"].as_u64().expect("a wait");
        stay(&mut world, guest, millis(wait));
        assert_eq!(
            verdict(&mut world, guest, &send("den", "three")),
            "ok",
            "{field}"
        );
    }
}

#[test]
fn slow_mode_is_not_for_those_who_moderate_but_everything_else_is() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    set(&mut world, owner, "slow_mode_ms", 60_000);
    for _ in 0..3 {
        assert_eq!(verdict(&mut world, owner, &send("den", "hi")), "ok");
    }
    set(&mut world, owner, "messages_per_minute", 1);
    assert_eq!(verdict(&mut world, owner, &send("den", "hi")), "ok");
    assert_eq!(
        verdict(&mut world, owner, &send("den", "hi")),
        "rate_limited"
    );
}

#[test]
fn who_is_new_waits_before_they_speak() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    set(&mut world, owner, "cooldown_ms", 10_000);
    let guest = member(&mut world, "guest", "den");
    let refused = reply(&mut world, guest, &send("den", "hi"));
    assert_eq!(told(&refused), ("rate_limited", "cooldown_ms", "member"));
    // Going and coming does not begin it anew, nor end it.
    assert_eq!(
        verdict(
            &mut world,
            guest,
            &json!({"type": "leave", "id": 1, "room": "den"})
        ),
        "ok"
    );
    stay(&mut world, guest, seconds(5));
    assert_eq!(verdict(&mut world, guest, &join("den")), "ok");
    assert_eq!(
        verdict(&mut world, guest, &send("den", "hi")),
        "rate_limited"
    );
    stay(&mut world, guest, seconds(6));
    assert_eq!(verdict(&mut world, guest, &send("den", "hi")), "ok");
}

#[test]
fn a_room_is_full_and_joins_have_a_rate() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    set(&mut world, owner, "members_max", 2);
    let guest = member(&mut world, "guest", "den");
    let third = world.join_v1("third", "10.0.0.3");
    assert_eq!(
        told(&reply(&mut world, third, &join("den"))),
        ("room_full", "members_max", "room")
    );
    let tab = world.join_v1("guest", "10.0.0.3");
    assert_eq!(
        verdict(&mut world, tab, &join("den")),
        "ok",
        "a second tab is nobody new"
    );
    world.reset(tab);
    world.reset(guest);
    set(&mut world, owner, "members_max", 0);
    set(&mut world, owner, "joins_per_minute", 1);
    assert_eq!(verdict(&mut world, third, &join("den")), "ok");
    let fourth = world.join_v1("fourth", "10.0.0.4");
    assert_eq!(
        told(&reply(&mut world, fourth, &join("den"))),
        ("rate_limited", "joins_per_minute", "room")
    );
}

#[test]
fn who_comes_and_goes_all_the_time_uses_up_their_own_joins_and_not_those_of_others() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    set(&mut world, owner, "joins_per_minute", 3);
    let guest = member(&mut world, "guest", "den");
    let leave = json!({"type": "leave", "id": 1, "room": "den"});
    for _ in 0..2 {
        assert_eq!(verdict(&mut world, guest, &leave), "ok");
        assert_eq!(verdict(&mut world, guest, &join("den")), "ok");
    }
    assert_eq!(verdict(&mut world, guest, &leave), "ok");
    let refused = reply(&mut world, guest, &join("den"));
    assert_eq!(
        told(&refused),
        ("rate_limited", "joins_per_minute", "member")
    );
    for name in ["first", "second"] {
        member(&mut world, name, "den");
    }
    let wait = refused["retry_after_ms"].as_u64().expect("a wait");
    stay(&mut world, guest, millis(wait));
    assert_eq!(verdict(&mut world, guest, &join("den")), "ok");
}

#[test]
fn whoever_knocks_and_takes_it_back_again_and_again_fills_no_log() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let update = json!({"type": "update", "id": 1, "room": "den", "join_rule": "knock"});
    assert_eq!(verdict(&mut world, owner, &update), "ok");
    let guest = world.join_v1("guest", "10.0.0.2");
    let knock = json!({"type": "knock", "id": 1, "room": "den"});
    let withdraw = json!({"type": "withdraw", "id": 1, "room": "den", "user": "guest"});
    for _ in 0..3 {
        assert_eq!(verdict(&mut world, guest, &knock), "ok");
        assert_eq!(
            verdict(&mut world, guest, &knock),
            "already",
            "and costs none"
        );
        assert_eq!(verdict(&mut world, guest, &withdraw), "ok");
    }
    let log = json!({"type": "log", "id": 1, "room": "den"});
    let before = reply(&mut world, owner, &log)["head"].clone();
    let refused = reply(&mut world, guest, &knock);
    assert_eq!(
        told(&refused),
        ("rate_limited", "knocks_per_user", "member")
    );
    for _ in 0..20 {
        verdict(&mut world, guest, &knock);
        verdict(&mut world, guest, &withdraw);
    }
    assert_eq!(reply(&mut world, owner, &log)["head"], before);
    let other = world.join_v1("other", "10.0.0.3");
    assert_eq!(verdict(&mut world, other, &knock), "ok");
    let wait = refused["retry_after_ms"].as_u64().expect("a wait");
    stay(&mut world, guest, millis(wait));
    assert_eq!(verdict(&mut world, guest, &knock), "ok");
}

#[test]
fn the_longest_wait_of_room_and_user_is_told_and_nothing_is_charged_for_a_refusal() {
    let mut world = roomy_with(|config| {
        config.limits.messages_per_user = Rate::new(2, seconds(120));
    });
    let owner = made(&mut world, "owner", "den", "public");
    let guest = member(&mut world, "guest", "den");
    set(&mut world, owner, "slow_mode_ms", 5_000);
    assert_eq!(verdict(&mut world, guest, &send("den", "one")), "ok");
    let by_room = reply(&mut world, guest, &send("den", "two"));
    assert_eq!(told(&by_room), ("rate_limited", "slow_mode_ms", "member"));
    stay(&mut world, guest, seconds(5));
    assert_eq!(
        verdict(&mut world, guest, &send("den", "two")),
        "ok",
        "the refusal cost nothing"
    );
    let by_user = reply(&mut world, guest, &send("den", "three"));
    assert_eq!(
        told(&by_user),
        ("rate_limited", "messages_per_user", "user")
    );
}

#[test]
fn who_speaks_the_tutorials_protocol_is_told_in_its_words() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    set(&mut world, owner, "slow_mode_ms", 60_000);
    let old = world.join("old", "10.0.0.9");
    let say = r#"{"message":"hi","room_id":"den"}"#;
    world.say(old, say);
    world.client(old).take_frames();
    world.say(old, say);
    let told = world.client(old).take_notices();
    assert_eq!(
        told[0]["error"],
        "Rate limit exceeded. Please wait before sending more messages."
    );
    assert_eq!(told[0]["limit"], "slow_mode_ms");
}
