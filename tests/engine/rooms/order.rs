//! Changes of one room wait for each other, and those who moderate wait for nobody else's.

use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::{durable, made, member, send, told, verdict};
use crate::roomy_with;

fn edit(id: u64, seq: u64) -> Value {
    json!({"type": "edit", "id": id, "room": "den", "seq": seq, "message": "other words"})
}

fn about(kind: &str, user: &str) -> Value {
    json!({"type": kind, "id": kind, "room": "den", "user": user})
}

/// Somebody in the room who has said something; its number.
fn speaker(world: &mut World, user: &str) -> (ConnectionId, u64) {
    let id = member(world, user, "den");
    let said = super::reply(world, id, &send("den", "hi"));
    (id, said["seq"].as_u64().expect("a number"))
}

/// Lets the store answer so many questions.
fn answer(world: &mut World, questions: usize) {
    for _ in 0..questions {
        world.answer_one();
        world.settle();
    }
}

/// `ok` or the code of each reply that somebody got, with the request's id.
fn replies(notices: &[Value]) -> Vec<(Value, String)> {
    let is_reply = |notice: &&Value| notice["type"] == "ok" || notice["type"] == "error";
    let short = |notice: &Value| {
        let code = notice["code"].as_str().unwrap_or("ok").to_owned();
        (notice["id"].clone(), code)
    };
    notices.iter().filter(is_reply).map(short).collect()
}

fn count(replies: &[(Value, String)], code: &str) -> usize {
    replies.iter().filter(|(_, found)| found == code).count()
}

#[test]
fn a_ban_is_in_force_at_once_however_many_edits_its_victim_has_asked_for() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let (victim, seq) = speaker(&mut world, "victim");
    told(&mut world, owner);
    told(&mut world, victim);
    world.answers_held = true;
    for id in 0..100 {
        world.say(victim, &edit(id, seq).to_string());
    }
    world.say(owner, &about("ban", "victim").to_string());
    let refused = replies(&told(&mut world, victim));
    assert_eq!(count(&refused, "busy"), 95, "one is on its way, four wait");
    answer(&mut world, 2);
    let heard = told(&mut world, owner);
    assert_eq!(replies(&heard), [(json!("ban"), "ok".to_owned())]);
    let changes = heard.iter().filter(|notice| notice["type"] == "changed");
    assert_eq!(changes.count(), 1, "the one that was on its way: {heard:?}");
    world.answers_held = false;
    world.settle();
    let after = told(&mut world, owner);
    assert!(
        after.iter().all(|notice| notice["type"] != "changed"),
        "{after:?}"
    );
    assert_eq!(world.census().changes, 0);
}

#[test]
fn one_persons_edits_leave_places_for_others_and_a_crowds_for_those_who_moderate() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let crowd: Vec<_> = (0..6)
        .map(|number| speaker(&mut world, &format!("member{number}")))
        .collect();
    world.answers_held = true;
    let mut accepted = Vec::new();
    for (member, seq) in &crowd {
        told(&mut world, *member);
        for id in 0..10 {
            world.say(*member, &edit(id, *seq).to_string());
        }
        accepted.push(10 - count(&replies(&told(&mut world, *member)), "busy"));
    }
    assert_eq!(accepted, [5, 4, 4, 4, 0, 0], "one on its way, sixteen wait");
    told(&mut world, owner);
    for (kind, user) in [("mute", "member0"), ("kick", "member1"), ("ban", "member2")] {
        world.say(owner, &about(kind, user).to_string());
    }
    answer(&mut world, 4);
    let done = replies(&told(&mut world, owner));
    assert_eq!((done.len(), count(&done, "ok")), (3, 3), "{done:?}");
    world.answers_held = false;
    world.settle();
    assert_eq!(world.census().changes, 0);
}

#[test]
fn edits_of_somebody_who_moderates_leave_places_too_and_their_own_order_stays() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let (moderator, seq) = speaker(&mut world, "moderator");
    let appoint = json!({"type": "affiliate", "id": 1, "room": "den", "user": "moderator", "affiliation": "moderator"});
    assert_eq!(verdict(&mut world, owner, &appoint), "ok");
    told(&mut world, moderator);
    told(&mut world, owner);
    world.answers_held = true;
    for id in 0..20 {
        world.say(moderator, &edit(id, seq).to_string());
    }
    let delete = json!({"type": "delete_message", "id": "delete", "room": "den", "seq": seq});
    world.say(moderator, &delete.to_string());
    world.say(owner, &about("ban", "moderator").to_string());
    world.answers_held = false;
    world.settle();
    let done = replies(&told(&mut world, moderator));
    assert_eq!(
        (count(&done, "busy"), count(&done, "ok")),
        (15, 6),
        "{done:?}"
    );
    assert_eq!(done.last(), Some(&(json!("delete"), "ok".to_owned())));
    assert_eq!(
        replies(&told(&mut world, owner)),
        [(json!("ban"), "ok".to_owned())]
    );
}

#[test]
fn a_long_deletion_lets_moderation_pass_and_is_finished_after_it() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let (author, _) = speaker(&mut world, "author");
    for _ in 0..1200 {
        world.say(author, &send("den", "much").to_string());
    }
    told(&mut world, owner);
    told(&mut world, author);
    world.answers_held = true;
    world.say(author, &about("purge", "author").to_string());
    for kind in ["ban", "unban"] {
        world.say(owner, &about(kind, "author").to_string());
    }
    answer(&mut world, 3);
    let done = replies(&told(&mut world, owner));
    assert_eq!((done.len(), count(&done, "ok")), (2, 2), "{done:?}");
    assert_eq!(
        replies(&told(&mut world, author)),
        [],
        "there is more to delete"
    );
    world.answers_held = false;
    world.settle();
    assert_eq!(
        replies(&told(&mut world, author)),
        [(json!("purge"), "ok".to_owned())]
    );
    let history = json!({"type": "history", "id": 1, "room": "den", "after": 0});
    let page = super::reply(&mut world, owner, &history);
    let messages = page["messages"].as_array().expect("messages");
    assert!(
        messages
            .iter()
            .all(|message| message["deleted"].is_number()),
        "{page}"
    );
    assert_eq!(world.census().changes, 0);
}

/// The owner of a room deletes what three people said, so much that each takes three steps; each has begun, and answers are held.
fn begin_to_purge_three(world: &mut World) -> ConnectionId {
    let owner = made(world, "owner", "den", "public");
    let authors = ["one", "two", "three"];
    for user in authors {
        let (author, _) = speaker(world, user);
        for _ in 0..600 {
            world.say(author, &send("den", "much").to_string());
        }
        world.reset(author);
    }
    told(world, owner);
    world.answers_held = true;
    for user in authors {
        world.say(owner, &about("purge", user).to_string());
    }
    answer(world, 4);
    owner
}

#[test]
fn several_long_deletions_go_on_in_turns_and_let_moderation_pass_between_their_steps() {
    let mut world = durable();
    let owner = begin_to_purge_three(&mut world);
    // Each has begun, and none is done: there are three steps of each.
    world.say(owner, &about("ban", "one").to_string());
    answer(&mut world, 2);
    let done = replies(&told(&mut world, owner));
    assert_eq!(done, [(json!("ban"), "ok".to_owned())]);
    world.answers_held = false;
    world.settle();
    let done = replies(&told(&mut world, owner));
    assert_eq!((done.len(), count(&done, "ok")), (3, 3), "{done:?}");
    assert_eq!(world.census().changes, 0);
}

#[test]
fn long_deletions_that_have_begun_leave_a_place_for_a_ban_and_none_for_one_more_of_their_kind() {
    let mut world = roomy_with(|config| config.rooms.changes_waiting_max = 2);
    let owner = begin_to_purge_three(&mut world);
    world.say(owner, &about("purge", "four").to_string());
    world.say(owner, &about("ban", "one").to_string());
    answer(&mut world, 2);
    let done = replies(&told(&mut world, owner));
    let expected = [("purge", "busy"), ("ban", "ok")];
    assert_eq!(
        done,
        expected.map(|(kind, code)| (json!(kind), code.to_owned()))
    );
    world.answers_held = false;
    world.settle();
    let done = replies(&told(&mut world, owner));
    assert_eq!((done.len(), count(&done, "ok")), (3, 3), "{done:?}");
}

#[test]
fn whoever_deletes_all_of_their_own_leaves_nothing_in_the_log_and_what_they_say_after_it_stays() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    world.say(owner, &super::join("den").to_string());
    let (author, _) = speaker(&mut world, "author");
    told(&mut world, owner);
    let log = json!({"type": "log", "id": 1, "room": "den"});
    let head = super::reply(&mut world, owner, &log)["head"].clone();
    for _ in 0..3 {
        assert_eq!(verdict(&mut world, author, &about("purge", "author")), "ok");
    }
    let heard = told(&mut world, owner);
    assert_eq!(super::reply(&mut world, owner, &log)["head"], head);
    let of = |kind: &str| -> Vec<&Value> {
        let is_it = |notice: &&Value| notice["type"] == kind;
        heard.iter().filter(is_it).collect()
    };
    assert_eq!(of("moderation"), Vec::<&Value>::new());
    assert_eq!(of("changed").len(), 1, "{heard:?}");
    assert_eq!(of("changed")[0]["user"], "author");
    // Two who moderate delete the same: what is said once the first is done stays, whoever finishes.
    for _ in 0..600 {
        world.say(author, &send("den", "much").to_string());
    }
    world.answers_held = true;
    for _ in 0..2 {
        world.say(owner, &about("purge", "author").to_string());
    }
    // The first step of each, and what is left of the second.
    answer(&mut world, 2);
    world.say(author, &send("den", "sorry").to_string());
    world.answers_held = false;
    world.settle();
    let history = json!({"type": "history", "id": 1, "room": "den", "limit": 1});
    let page = super::reply(&mut world, owner, &history);
    assert_eq!(page["messages"][0]["message"], "sorry", "{page}");
}

#[test]
fn a_room_that_is_deleted_meanwhile_leaves_nothing_of_a_long_deletion_behind() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let (author, _) = speaker(&mut world, "author");
    for _ in 0..600 {
        world.say(author, &send("den", "much").to_string());
    }
    told(&mut world, author);
    world.answers_held = true;
    world.say(author, &about("purge", "author").to_string());
    world.say(
        owner,
        &json!({"type": "delete", "id": 1, "room": "den"}).to_string(),
    );
    world.answers_held = false;
    world.settle();
    let done = replies(&told(&mut world, author));
    assert_eq!(done, [(json!("purge"), "unknown_room".to_owned())]);
    let census = world.census();
    assert_eq!((census.changes, census.pending_answers), (0, 0));
}
