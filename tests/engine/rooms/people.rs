//! People of rooms: lists, what is unread, and how those are told who are many.

use serde_json::{Value, json};

use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::{act, durable, join, made, member, reply, send, verdict};
use crate::{millis, roomy_with, seconds};

#[test]
fn members_are_listed_with_what_they_are_present_or_not() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    member(&mut world, "guest", "den");
    act(&mut world, owner, "invite", "den", "absent");
    act(&mut world, owner, "ban", "den", "banished");
    let affiliate = json!({"type": "affiliate", "id": 1, "room": "den", "user": "helper", "affiliation": "moderator"});
    assert_eq!(verdict(&mut world, owner, &affiliate), "ok");
    let list = |world: &mut _, id| {
        let reply = reply(
            world,
            id,
            &json!({"type": "members", "id": 1, "room": "den"}),
        );
        let members = reply["members"].as_array().expect("members").clone();
        assert_eq!(reply["count"], members.len(), "all are listed");
        let short = |member: &Value| {
            format!(
                "{} {} {}",
                member["user"], member["affiliation"], member["connections"]
            )
        };
        members.iter().map(short).collect::<Vec<_>>()
    };
    let everybody = [
        r#""owner" "owner" 1"#,
        r#""guest" "none" 1"#,
        r#""absent" "none" 0"#,
        r#""banished" "banned" 0"#,
        r#""helper" "moderator" 0"#,
    ];
    assert_eq!(list(&mut world, owner), everybody);
    let guest = member(&mut world, "guest", "den");
    let seen: Vec<String> = list(&mut world, guest);
    assert!(
        !seen
            .iter()
            .any(|line| line.contains("absent") || line.contains("banished")),
        "invitations are not for everybody: {seen:?}"
    );
}

#[test]
fn what_was_not_seen_is_counted_for_each_person() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    for _ in 0..3 {
        assert_eq!(verdict(&mut world, alice, &send("general", "hi")), "ok");
    }
    let unread = |world: &mut _, id| {
        reply(
            world,
            id,
            &json!({"type": "describe", "id": 1, "room": "general"}),
        )["unread"]
            .clone()
    };
    assert_eq!(unread(&mut world, bob), 3);
    assert_eq!(
        verdict(
            &mut world,
            bob,
            &json!({"type": "seen", "id": 1, "room": "general", "seq": 2})
        ),
        "ok"
    );
    assert_eq!(unread(&mut world, bob), 1);
    // It never goes back, nor beyond what there is.
    assert_eq!(
        verdict(
            &mut world,
            bob,
            &json!({"type": "seen", "id": 1, "room": "general", "seq": 1})
        ),
        "ok"
    );
    assert_eq!(unread(&mut world, bob), 1);
    assert_eq!(
        verdict(
            &mut world,
            bob,
            &json!({"type": "seen", "id": 1, "room": "general", "seq": 99})
        ),
        "ok"
    );
    assert_eq!(verdict(&mut world, alice, &send("general", "new")), "ok");
    assert_eq!(unread(&mut world, bob), 1);
}

#[test]
fn what_was_seen_stays_seen_while_a_change_of_standing_is_on_its_way() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let bob = member(&mut world, "bob", "den");
    for _ in 0..3 {
        assert_eq!(verdict(&mut world, owner, &send("den", "hi")), "ok");
    }
    world.answers_held = true;
    let promote = json!({"type": "affiliate", "id": 1, "room": "den", "user": "bob", "affiliation": "member"});
    let seen = json!({"type": "seen", "id": 1, "room": "den", "seq": 3});
    world.say(bob, &seen.to_string());
    world.say(owner, &promote.to_string());
    world.answers_held = false;
    world.settle();
    let describe = json!({"type": "describe", "id": 1, "room": "den"});
    assert_eq!(reply(&mut world, bob, &describe)["unread"], 0);
    let records = world.store().load_rooms().expect("rooms");
    let den = records
        .iter()
        .find(|record| &*record.id == "den")
        .expect("the room");
    let (_, standing) = den
        .standings
        .iter()
        .find(|(user, _)| &**user == "bob")
        .expect("bob");
    assert_eq!(standing.read, 3);
}

/// Words of comings and goings that somebody was told.
fn comings_and_goings(world: &mut World, id: ConnectionId) -> Vec<String> {
    let told = world.client(id).take_notices();
    let is_one = |notice: &&Value| notice["type"] == "joined" || notice["type"] == "left";
    let short = |notice: &Value| format!("{} {}", notice["user"], notice["type"]).replace('"', "");
    told.iter().filter(is_one).map(short).collect()
}

fn patient() -> World {
    roomy_with(|config| config.rooms.return_time_max = seconds(5))
}

#[test]
fn who_comes_back_at_once_has_not_been_away() {
    let mut world = patient();
    let watcher = member(&mut world, "watcher", "general");
    let alice = member(&mut world, "alice", "general");
    assert_eq!(
        comings_and_goings(&mut world, watcher),
        ["alice joined"; 2],
        "in two rooms"
    );
    world.reset(alice);
    world.advance(seconds(4));
    member(&mut world, "alice", "general");
    world.advance(seconds(20));
    assert_eq!(comings_and_goings(&mut world, watcher), [] as [&str; 0]);
}

/// A room that nobody new comes into: it is full, one has come in this hour, and joins are knocks.
fn shut(world: &mut World, owner: ConnectionId) {
    let update =
        json!({"type": "update", "id": 1, "room": "den", "members_max": 1, "joins_per_minute": 1});
    assert_eq!(verdict(world, owner, &update), "ok");
    let raid = json!({"type": "raid", "id": 1, "room": "den", "for_ms": 600_000});
    assert_eq!(verdict(world, owner, &raid), "ok");
    let stranger = world.join_v1("stranger", "10.0.0.9");
    assert_eq!(verdict(world, stranger, &join("den")), "knock_required");
}

#[test]
fn who_is_there_opens_another_tab_and_comes_back_though_nobody_new_comes_in() {
    let mut world = patient();
    let owner = made(&mut world, "owner", "den", "public");
    let guest = member(&mut world, "guest", "den");
    shut(&mut world, owner);
    let tab = member(&mut world, "guest", "den");
    world.reset(tab);
    comings_and_goings(&mut world, owner);
    let mut last = guest;
    for _ in 0..3 {
        world.reset(last);
        world.advance(seconds(4));
        last = member(&mut world, "guest", "den");
    }
    assert_eq!(comings_and_goings(&mut world, owner), [] as [&str; 0]);
    let again = join("den");
    world.reset(last);
    world.advance(seconds(6));
    let late = world.join_v1("guest", "10.0.0.1");
    assert_eq!(verdict(&mut world, late, &again), "knock_required");
}

#[test]
fn who_was_put_out_or_has_left_comes_back_as_somebody_new() {
    for kind in ["kick", "ban", "leave"] {
        let mut world = patient();
        let owner = made(&mut world, "owner", "den", "public");
        let guest = member(&mut world, "guest", "den");
        let watcher = member(&mut world, "watcher", "den");
        shut(&mut world, owner);
        comings_and_goings(&mut world, watcher);
        if kind == "leave" {
            let leave = json!({"type": "leave", "id": 1, "room": "den"});
            assert_eq!(verdict(&mut world, guest, &leave), "ok");
        } else {
            world.reset(guest);
            act(&mut world, owner, kind, "den", "guest");
        }
        let gone = comings_and_goings(&mut world, watcher);
        assert_eq!(gone, ["guest left"], "{kind}");
        let again = world.join_v1("guest", "10.0.0.1");
        let expected = if kind == "ban" {
            "banned"
        } else {
            "knock_required"
        };
        assert_eq!(verdict(&mut world, again, &join("den")), expected, "{kind}");
    }
}

#[test]
fn who_may_not_be_there_any_more_does_not_come_back_either() {
    for (rule, expected) in [("invite", "unknown_room"), ("knock", "knock_required")] {
        let mut world = patient();
        let owner = made(&mut world, "owner", "den", "members");
        act(&mut world, owner, "invite", "den", "guest");
        let guest = member(&mut world, "guest", "den");
        if rule == "knock" {
            let update = json!({"type": "update", "id": 1, "room": "den", "join_rule": rule});
            assert_eq!(verdict(&mut world, owner, &update), "ok");
        }
        world.reset(guest);
        let dismiss = json!({"type": "affiliate", "id": 1, "room": "den", "user": "guest", "affiliation": "none"});
        assert_eq!(verdict(&mut world, owner, &dismiss), "ok");
        let again = world.join_v1("guest", "10.0.0.1");
        assert_eq!(verdict(&mut world, again, &join("den")), expected);
    }
}

#[test]
fn who_is_about_to_be_banned_does_not_come_back_meanwhile() {
    let mut world = patient();
    let owner = made(&mut world, "owner", "den", "public");
    let guest = member(&mut world, "guest", "den");
    world.reset(guest);
    let again = world.join_v1("guest", "10.0.0.1");
    world.answers_held = true;
    let ban = json!({"type": "ban", "id": 1, "room": "den", "user": "guest"});
    world.say(owner, &ban.to_string());
    assert_eq!(verdict(&mut world, again, &join("den")), "busy");
    world.answers_held = false;
    world.settle();
    assert_eq!(verdict(&mut world, again, &join("den")), "banned");
}

#[test]
fn who_does_not_come_back_is_told_of_when_the_time_is_over() {
    let mut world = patient();
    let watcher = member(&mut world, "watcher", "general");
    let alice = member(&mut world, "alice", "general");
    comings_and_goings(&mut world, watcher);
    world.reset(alice);
    world.advance(millis(4_999));
    assert_eq!(comings_and_goings(&mut world, watcher), [] as [&str; 0]);
    world.advance(millis(2));
    assert_eq!(comings_and_goings(&mut world, watcher), ["alice left"; 2]);
    assert_eq!(world.census().away, 0);
}

#[test]
fn who_leaves_says_so_and_has_gone_at_once() {
    let mut world = patient();
    let watcher = member(&mut world, "watcher", "general");
    let alice = member(&mut world, "alice", "general");
    comings_and_goings(&mut world, watcher);
    assert_eq!(
        verdict(
            &mut world,
            alice,
            &json!({"type": "leave", "id": 1, "room": "general"})
        ),
        "ok"
    );
    assert_eq!(comings_and_goings(&mut world, watcher), ["alice left"]);
}

#[test]
fn a_crowd_is_told_how_many_it_is_and_not_who() {
    let mut world = roomy_with(|config| config.rooms.announced_people_max = 3);
    let watcher = member(&mut world, "watcher", "general");
    for number in 0..10 {
        member(&mut world, &format!("user{number}"), "general");
    }
    world.advance(seconds(2));
    let told = world.client(watcher).take_notices();
    let of_general = |kind: &str| {
        let is_one = |notice: &&Value| notice["type"] == kind && notice["room"] == "general";
        told.iter().filter(is_one).cloned().collect::<Vec<_>>()
    };
    assert_eq!(of_general("joined").len(), 2, "as long as they were few");
    let presence = of_general("presence");
    assert_eq!(presence.len(), 1, "{presence:?}");
    assert_eq!(
        (&presence[0]["count"], &presence[0]["joined"]),
        (&json!(11), &json!(8))
    );
}
