//! Who makes a room, and goes on before they are told that it is there.

use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World};

use crate::{closed, seconds, stay};

use super::{durable, join, made, member, reply, send, told, verdict};

fn create(id: &str, room: &str) -> Value {
    json!({"type": "create", "id": id, "room": room})
}

fn with_id(mut request: Value, id: &str) -> Value {
    request["id"] = json!(id);
    request
}

/// The ids of the replies that somebody got, each with `ok` or its code.
fn replies(world: &mut World, id: ConnectionId) -> Vec<(String, String)> {
    let told = told(world, id);
    let is_reply = |notice: &&Value| notice["type"] == "ok" || notice["type"] == "error";
    let word = |value: &Value| value.as_str().unwrap_or("ok").to_owned();
    let short = |notice: &Value| (word(&notice["id"]), word(&notice["code"]));
    told.iter().filter(is_reply).map(short).collect()
}

fn oks(ids: &[&str]) -> Vec<(String, String)> {
    ids.iter()
        .map(|id| ((*id).to_owned(), "ok".to_owned()))
        .collect()
}

#[test]
fn what_is_asked_of_a_room_before_it_is_made_is_done_in_order_after_it() {
    let mut world = durable();
    let owner = world.join_v1("owner", "10.0.0.1");
    let other = member(&mut world, "other", "general");
    told(&mut world, owner);
    world.answers_held = true;
    for request in [
        create("one", "den"),
        create("two", "pub"),
        with_id(send("lobby", "elsewhere"), "elsewhere"),
        with_id(join("pub"), "join pub"),
        with_id(join("den"), "join den"),
        with_id(send("den", "hello"), "send"),
        json!({"type": "ping", "id": "ping"}),
    ] {
        world.say(owner, &request.to_string());
    }
    assert_eq!(replies(&mut world, owner), oks(&["elsewhere"]));
    assert_eq!(
        verdict(&mut world, other, &join("den")),
        "unknown_room",
        "it is not theirs"
    );
    world.answer_one();
    world.settle();
    assert_eq!(
        replies(&mut world, owner),
        oks(&["one"]),
        "the other is not made yet"
    );
    world.answers_held = false;
    world.settle();
    // A message is told when it is kept: what comes after it does not wait for that.
    let mut rest = replies(&mut world, owner);
    rest.sort_by_key(|(id, _)| id == "send");
    let expected = ["two", "join pub", "join den", "ping", "send"];
    assert_eq!(rest, oks(&expected));
    assert_eq!(reply(&mut world, owner, &send("den", "again"))["seq"], 2);
}

#[test]
fn what_is_asked_of_a_room_that_is_not_made_after_all_is_answered_for_what_there_is() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "members");
    let delete = json!({"type": "delete", "id": 1, "room": "den"});
    assert_eq!(verdict(&mut world, owner, &delete), "ok");
    let other = world.join_v1("other", "10.0.0.2");
    told(&mut world, other);
    // Its id is nobody's to use again, which the store knows.
    for request in [create("create", "den"), with_id(join("den"), "join")] {
        let frame = wardroom::simulation::masked(0x81, request.to_string().as_bytes());
        world.queue(other, &frame);
    }
    world.settle();
    let found = replies(&mut world, other);
    let expected = [("create", "room_exists"), ("join", "unknown_room")];
    assert_eq!(
        found,
        expected.map(|(id, code)| (id.to_owned(), code.to_owned()))
    );
    assert_eq!(verdict(&mut world, other, &send("lobby", "hi")), "ok");
}

#[test]
fn a_room_that_takes_long_to_be_made_leaves_nobody_unread_and_nobody_dead() {
    let mut world = durable();
    let owner = world.join_v1("owner", "10.0.0.1");
    told(&mut world, owner);
    world.answers_held = true;
    for request in [
        create("one", "den"),
        with_id(join("den"), "join den"),
        with_id(send("lobby", "elsewhere"), "elsewhere"),
        with_id(join("den"), "once more"),
    ] {
        world.say(owner, &request.to_string());
    }
    assert_eq!(replies(&mut world, owner), [], "they wait for the room");
    world.advance(seconds(30));
    let busy = |id: &str| (id.to_owned(), "busy".to_owned());
    let expected = [
        busy("join den"),
        oks(&["elsewhere"])[0].clone(),
        busy("once more"),
    ];
    assert_eq!(replies(&mut world, owner), expected);
    // Whose pong is read from then on.
    stay(&mut world, owner, seconds(300));
    assert_eq!(world.client(owner).ending(), Ending::Open);
    world.answers_held = false;
    world.settle();
    assert_eq!(replies(&mut world, owner), oks(&["one"]));
    assert_eq!(verdict(&mut world, owner, &join("den")), "ok");
}

#[test]
fn the_dead_are_not_waited_for_longer_because_of_a_room_that_is_not_made() {
    let mut world = durable();
    let owner = world.join_v1("owner", "10.0.0.1");
    world.answers_held = true;
    for request in [create("one", "den"), join("den")] {
        world.say(owner, &request.to_string());
    }
    world.advance(seconds(49));
    assert_eq!(closed(&mut world, owner), None);
    world.advance(seconds(1));
    let reason = "no answer to ping".to_owned();
    assert_eq!(closed(&mut world, owner), Some((1001, reason)));
}

#[test]
fn whoever_goes_while_their_room_is_made_leaves_nothing_behind() {
    let mut world = durable();
    let owner = world.join_v1("owner", "10.0.0.1");
    world.answers_held = true;
    world.say(owner, &create("create", "den").to_string());
    world.say(owner, &with_id(join("den"), "join").to_string());
    world.reset(owner);
    world.answers_held = false;
    world.settle();
    assert_eq!(world.census().connections, 0);
    let again = world.join_v1("owner", "10.0.0.1");
    assert_eq!(verdict(&mut world, again, &join("den")), "ok");
}

#[test]
fn quiet_and_cooldown_last_a_year_at_most() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    for field in ["slow_mode_ms", "cooldown_ms"] {
        for (value, expected) in [
            (31_622_400_000_u64, "ok"),
            (31_622_400_001, "invalid_value"),
        ] {
            let mut update = json!({"type": "update", "id": 1, "room": "den"});
            update[field] = json!(value);
            assert_eq!(verdict(&mut world, owner, &update), expected, "{field}");
        }
        let describe = json!({"type": "describe", "id": 1, "room": "den"});
        assert_eq!(
            reply(&mut world, owner, &describe)[field],
            31_622_400_000_u64
        );
    }
}

#[test]
fn rooms_that_are_made_or_renamed_at_the_same_moment_look_no_more_alike_than_others() {
    let mut world = durable();
    let one = made(&mut world, "one", "first", "public");
    let two = made(&mut world, "two", "second", "public");
    let named = |kind: &str, room: &str, name: &str, of: &str| json!({"type": kind, "id": room, "room": room, "name": name, "kind": of});
    let rename = |room: &str| json!({"type": "update", "id": room, "room": room, "name": "Hall"});
    world.answers_held = true;
    for (who, request) in [
        (one, create("team-x", "team-x")),
        (one, create("team_x", "team_x")),
        (two, create("TEAM.X", "TEAM.X")),
        (one, named("create", "a", "Board", "public")),
        (two, named("create", "b", "B0ARD", "public")),
        (one, rename("first")),
        (two, rename("second")),
        // What strangers do not see is theirs to take.
        (one, named("create", "c", "Den", "private")),
        (two, named("create", "d", "Den", "private")),
    ] {
        world.say(who, &request.to_string());
    }
    world.answers_held = false;
    world.settle();
    let expect = |found: Vec<(String, String)>, expected: &[(&str, &str)]| {
        let mut found: Vec<_> = found.iter().map(|(id, code)| (&**id, &**code)).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    };
    let first = [
        ("a", "ok"),
        ("c", "ok"),
        ("first", "ok"),
        ("team-x", "ok"),
        ("team_x", "room_exists"),
    ];
    expect(replies(&mut world, one), &first);
    let second = [
        ("TEAM.X", "room_exists"),
        ("b", "room_exists"),
        ("d", "ok"),
        ("second", "room_exists"),
    ];
    expect(replies(&mut world, two), &second);
}

#[test]
fn rooms_that_others_are_making_count_as_nobody_elses() {
    let mut world = crate::roomy_with(|config| config.rooms.created_per_user_max = 2);
    let crowd: Vec<_> = (0..3)
        .map(|number| world.join_v1(&format!("other{number}"), "10.0.0.1"))
        .collect();
    let one = world.join_v1("one", "10.0.0.1");
    told(&mut world, one);
    world.answers_held = true;
    for (number, other) in crowd.iter().enumerate() {
        world.say(*other, &create("create", &format!("o{number}")).to_string());
    }
    for room in ["a", "b", "c"] {
        world.say(one, &create(room, room).to_string());
    }
    world.answers_held = false;
    world.settle();
    let mut found = replies(&mut world, one);
    found.sort_unstable();
    let expected = [("a", "ok"), ("b", "ok"), ("c", "too_many_rooms_created")];
    let expected = expected.map(|(id, code)| (id.to_owned(), code.to_owned()));
    assert_eq!(found, expected);
}
