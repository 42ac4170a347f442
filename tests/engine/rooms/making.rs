//! Who makes a room, and goes on before they are told that it is there.

use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

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
fn two_rooms_that_look_alike_are_not_made_or_named_at_once_either() {
    let mut world = durable();
    let mallory = made(&mut world, "mallory", "hall", "public");
    let other = made(&mut world, "other", "attic", "public");
    told(&mut world, mallory);
    told(&mut world, other);
    let named = |id: &str, kind: &str, room: &str, name: &str| json!({"type": kind, "id": id, "room": room, "name": name});
    let asked = |world: &mut World, first: Value, second: Value| {
        world.answers_held = true;
        world.say(mallory, &first.to_string());
        world.say(other, &second.to_string());
        world.answers_held = false;
        world.settle();
        [mallory, other].map(|id| replies(world, id).remove(0).1)
    };
    for (first, second) in [
        (create("1", "team-1"), create("2", "team.l")),
        (create("1", "pumps"), named("2", "create", "p2", "Purnps")),
        (named("1", "update", "hall", "Crew"), create("2", "crew")),
        (
            named("1", "update", "hall", "Engine"),
            named("2", "update", "attic", "Eng1ne"),
        ),
    ] {
        let again = second.clone();
        assert_eq!(asked(&mut world, first, second), ["ok", "busy"]);
        assert_eq!(verdict(&mut world, other, &again), "room_exists", "{again}");
    }
    // What comes to nothing is nobody's: the id of a room that was deleted is not given again, and claims no name.
    made(&mut world, "owner", "den", "members");
    let delete = json!({"type": "delete", "id": 1, "room": "den"});
    let owner = world.join_v1("owner", "10.0.0.1");
    assert_eq!(verdict(&mut world, owner, &delete), "ok");
    let (vain, wanted) = (
        named("1", "create", "den", "Galley"),
        named("2", "create", "g1", "Galley"),
    );
    let expected = ["room_exists", "busy"];
    assert_eq!(asked(&mut world, vain, wanted.clone()), expected);
    assert_eq!(verdict(&mut world, other, &wanted), "ok");
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
