//! Messages of durable rooms: numbered, kept, acknowledged after that.

use serde_json::json;

use super::{act, ask, durable, heard, made, member, message, reply, send, told, verdict};

#[test]
fn nobody_hears_a_message_and_nobody_is_told_ok_before_it_is_kept() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    world.answers_held = true;
    world.client(alice).take_frames();
    world.say(alice, &send("general", "hi").to_string());
    assert!(told(&mut world, alice).is_empty() && told(&mut world, bob).is_empty());
    world.answer_one();
    world.settle();
    assert_eq!(heard(&mut world, bob), [(1, "hi".to_owned())]);
    let mine = told(&mut world, alice);
    assert!(
        mine.iter()
            .any(|notice| notice["type"] == "ok" && notice["seq"] == 1),
        "{mine:?}"
    );
    assert!(mine.iter().filter_map(message).eq([(1, "hi".to_owned())]));
}

#[test]
fn messages_are_numbered_without_hole_or_repeat_however_many_wait_together() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    world.answers_held = true;
    for number in 0..20 {
        let sender = if number % 3 == 0 { bob } else { alice };
        world.say(sender, &send("general", &number.to_string()).to_string());
    }
    world.answers_held = false;
    world.settle();
    let expected: Vec<_> = (0..20)
        .map(|number| (number + 1, number.to_string()))
        .collect();
    assert_eq!(heard(&mut world, alice), expected);
    assert_eq!(heard(&mut world, bob), expected);
}

#[test]
fn a_message_sent_again_with_its_key_is_the_same_message() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    let keyed =
        json!({"type": "send", "id": 1, "room": "general", "message": "once", "key": "k-1"});
    assert_eq!(reply(&mut world, alice, &keyed)["seq"], 1);
    // The connection is lost before the answer came, so to speak; another one tries again.
    let again = member(&mut world, "alice", "general");
    assert_eq!(reply(&mut world, again, &keyed)["seq"], 1);
    assert_eq!(heard(&mut world, bob), [(1, "once".to_owned())]);
    let of_bob =
        json!({"type": "send", "id": 1, "room": "general", "message": "mine", "key": "k-1"});
    assert_eq!(
        reply(&mut world, bob, &of_bob)["seq"],
        2,
        "a key is its sender's own"
    );
}

#[test]
fn too_much_at_once_is_told_as_busy_and_what_was_taken_is_kept() {
    let mut world = crate::roomy_with(|config| {
        config.rooms.durable = vec!["general".to_owned()];
        config.rooms.pending_max = 2;
    });
    let alice = member(&mut world, "alice", "general");
    world.answers_held = true;
    for _ in 0..3 {
        world.say(alice, &send("general", "hi").to_string());
    }
    let refused = told(&mut world, alice);
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0]["code"], "busy");
    assert!(refused[0]["retry_after_ms"].as_u64() > Some(0));
    world.answers_held = false;
    world.settle();
    assert_eq!(heard(&mut world, alice).len(), 2);
    assert_eq!(verdict(&mut world, alice, &send("general", "again")), "ok");
    assert_eq!(world.census().pending_answers, 0);
}

#[test]
fn an_ephemeral_room_waits_for_nothing() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "random");
    world.answers_held = true;
    let told = ask(&mut world, alice, &send("random", "hi"));
    assert!(told.iter().any(|notice| notice["seq"] == 1), "{told:?}");
    let history = json!({"type": "history", "id": 1, "room": "random"});
    assert_eq!(verdict(&mut world, alice, &history), "not_kept");
}

#[test]
fn a_message_is_kept_though_its_sender_has_gone() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    world.answers_held = true;
    world.say(alice, &send("general", "last words").to_string());
    world.reset(alice);
    world.answers_held = false;
    world.settle();
    assert!(heard(&mut world, bob).contains(&(1, "last words".to_owned())));
}

#[test]
fn a_message_of_the_tutorials_protocol_is_kept_too() {
    let mut world = durable();
    let bob = member(&mut world, "bob", "general");
    let old = world.join("old", "10.0.0.9");
    world.say(old, r#"{"message":"hello","room_id":"general"}"#);
    assert_eq!(heard(&mut world, bob), [(1, "hello".to_owned())]);
    let history = json!({"type": "history", "id": 1, "room": "general"});
    let page = reply(&mut world, bob, &history);
    assert_eq!(page["messages"][0]["message"], "hello");
}

#[test]
fn whoever_is_invited_and_speaks_the_tutorials_protocol_belongs_to_the_room_from_their_first_word_on()
 {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "members");
    let old = world.join("old", "10.0.0.9");
    act(&mut world, owner, "invite", "den", "old");
    let say = r#"{"message":"hello","room_id":"den"}"#;
    world.say(old, say);
    let told = world.client(old).take_notices();
    let last = told.last().expect("an answer");
    assert_eq!(last["code"], "busy", "{told:?}");
    world.client(owner).take_frames();
    world.say(old, say);
    assert_eq!(heard(&mut world, owner), [(1, "hello".to_owned())]);
    let members = reply(
        &mut world,
        owner,
        &json!({"type": "members", "id": 1, "room": "den"}),
    );
    let found = members["members"].as_array().expect("a list");
    let old = found.iter().find(|member| member["user"] == "old");
    assert_eq!(old.expect("there")["affiliation"], "member");
    assert_eq!(old.expect("there").get("invited"), None);
}
