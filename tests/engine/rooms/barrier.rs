//! A kick, ban, mute or change of rights is a barrier: once it is acknowledged nothing of the room leaves for whom it was about, and nothing
//! of theirs is heard.

use proptest::prelude::*;
use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::{act, ask, durable, join, made, member, message, send, told, verdict};

#[test]
fn what_waits_for_somebody_who_is_banned_is_taken_back() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    let other = member(&mut world, "victim", "random");
    // Nothing leaves for the victim any more: everything waits.
    world.client(victim).set_window(0);
    for number in 0..5 {
        world.say(owner, &send("den", &format!("secret {number}")).to_string());
    }
    let ban = json!({"type": "ban", "id": 9, "room": "den", "user": "victim", "reason": "noise"});
    assert_eq!(verdict(&mut world, owner, &ban), "ok");
    world.client(victim).set_window(usize::MAX);
    world.settle();
    let told = told(&mut world, victim);
    assert!(told.iter().filter_map(message).next().is_none(), "{told:?}");
    let removed = told
        .iter()
        .find(|notice| notice["type"] == "removed")
        .expect("why");
    assert_eq!(
        (&removed["code"], &removed["reason"]),
        (&json!("banned"), &json!("noise"))
    );
    assert_eq!(verdict(&mut world, victim, &join("den")), "banned");
    assert_eq!(verdict(&mut world, victim, &send("den", "hi")), "banned");
    // Elsewhere they are as they were.
    assert_eq!(verdict(&mut world, other, &send("random", "hi")), "ok");
}

#[test]
fn what_waits_for_somebody_who_has_hung_up_and_reads_on_is_taken_back_by_a_ban() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    world.client(victim).set_window(0);
    world.say(owner, &send("den", "secret").to_string());
    world.hang_up(victim);
    act(&mut world, owner, "ban", "den", "victim");
    world.client(victim).set_window(usize::MAX);
    world.settle();
    let told = told(&mut world, victim);
    assert!(
        told.iter().all(|notice| notice["room"] != "den"),
        "{told:?}"
    );
}

#[test]
fn a_reply_that_is_taken_back_with_its_room_is_told_as_not_in_room() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    world.say(owner, &send("den", "secret").to_string());
    told(&mut world, victim);
    world.client(victim).set_window(0);
    // Something else waits first, and stays.
    world.say(victim, &json!({"type": "ping", "id": "p"}).to_string());
    for request in [
        json!({"type": "members", "id": 1, "room": "den"}),
        json!({"type": "history", "id": "two", "room": "den"}),
        json!({"type": "join", "id": 3, "room": "den", "since": 0}),
        json!({"type": "history", "room": "den"}),
    ] {
        world.say(victim, &request.to_string());
    }
    act(&mut world, owner, "ban", "den", "victim");
    world.client(victim).set_window(usize::MAX);
    world.settle();
    let told = told(&mut world, victim);
    let kinds: Vec<_> = told.iter().map(|notice| &notice["type"]).collect();
    assert_eq!(kinds, ["ok", "error", "error", "error", "error", "removed"]);
    let ids: Vec<_> = told.iter().map(|notice| &notice["id"]).collect();
    let null = Value::Null;
    assert_eq!(
        ids,
        [
            &json!("p"),
            &json!(1),
            &json!("two"),
            &json!(3),
            &null,
            &null
        ]
    );
    let refused = |notice: &Value| notice["code"] == "not_in_room" && notice["room"].is_null();
    assert!(told[1..5].iter().all(refused), "{told:?}");
    let secret = |notice: &Value| notice.to_string().contains("secret");
    assert!(!told.iter().any(secret), "{told:?}");
}

/// Somebody who has left a room by themselves, with something said there before that they have not read.
fn gone_and_behind(world: &mut World, room: &str) -> [ConnectionId; 2] {
    let owner = made(world, "owner", room, "public");
    let guest = member(world, "guest", room);
    world.client(guest).set_window(0);
    world.say(owner, &send(room, "secret").to_string());
    world.say(guest, &json!({"type": "leave", "room": room}).to_string());
    [owner, guest]
}

fn hears_nothing_more_of(world: &mut World, id: ConnectionId, room: &str) {
    world.client(id).set_window(usize::MAX);
    world.settle();
    let told = told(world, id);
    let is_of_it = |notice: &Value| notice["room"] == room && notice["type"] == "message";
    assert!(!told.iter().any(is_of_it), "{told:?}");
}

#[test]
fn what_waits_for_somebody_who_has_left_is_taken_back_when_the_room_is_deleted() {
    let mut world = durable();
    let [owner, guest] = gone_and_behind(&mut world, "den");
    world.say(owner, &json!({"type": "delete", "room": "den"}).to_string());
    hears_nothing_more_of(&mut world, guest, "den");
}

#[test]
fn what_waits_for_somebody_who_has_left_is_taken_back_when_they_are_banned() {
    let mut world = durable();
    let [owner, guest] = gone_and_behind(&mut world, "den");
    act(&mut world, owner, "ban", "den", "guest");
    hears_nothing_more_of(&mut world, guest, "den");
}

#[test]
fn what_waits_for_somebody_who_has_left_is_taken_back_when_the_room_closes_to_them() {
    for change in [
        json!({"type": "archive", "room": "den", "archived": true}),
        json!({"type": "update", "room": "den", "kind": "members", "join_rule": "invite"}),
    ] {
        let mut world = durable();
        let [owner, guest] = gone_and_behind(&mut world, "den");
        assert_eq!(verdict(&mut world, owner, &change), "ok");
        hears_nothing_more_of(&mut world, guest, "den");
    }
}

#[test]
fn what_a_victim_says_while_a_ban_is_on_its_way_is_not_taken() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    world.answers_held = true;
    world.say(victim, &send("den", "before").to_string());
    world.say(
        owner,
        &json!({"type": "ban", "id": 9, "room": "den", "user": "victim"}).to_string(),
    );
    let refused = ask(&mut world, victim, &send("den", "after"));
    assert_eq!(refused[0]["code"], "busy", "{refused:?}");
    world.client(owner).take_frames();
    world.answers_held = false;
    world.settle();
    let told = told(&mut world, owner);
    let order: Vec<&str> = told
        .iter()
        .filter_map(|notice| notice["type"].as_str())
        .collect();
    let at = |kind| order.iter().position(|found| *found == kind).expect(kind);
    assert!(at("message") < at("ok"), "{order:?}");
    assert_eq!(order.iter().filter(|kind| **kind == "message").count(), 1);
}

#[test]
fn a_kick_ends_presence_and_not_the_right_to_come_back() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    act(&mut world, owner, "kick", "den", "victim");
    assert!(
        told(&mut world, victim)
            .iter()
            .any(|notice| notice["code"] == "kicked")
    );
    assert_eq!(
        verdict(&mut world, victim, &send("den", "hi")),
        "not_in_room"
    );
    assert_eq!(verdict(&mut world, victim, &join("den")), "ok");
}

#[test]
fn a_mute_takes_the_word_and_leaves_the_ears() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    let mute = json!({"type": "mute", "id": 1, "room": "den", "user": "victim", "for_ms": 60_000});
    assert_eq!(verdict(&mut world, owner, &mute), "ok");
    assert_eq!(verdict(&mut world, victim, &send("den", "hi")), "muted");
    told(&mut world, victim);
    assert_eq!(verdict(&mut world, owner, &send("den", "quiet now")), "ok");
    assert!(
        told(&mut world, victim)
            .iter()
            .any(|notice| message(notice).is_some())
    );
    crate::stay(&mut world, victim, crate::seconds(61));
    assert_eq!(
        verdict(&mut world, victim, &send("den", "again")),
        "ok",
        "it has ended by itself"
    );
}

#[test]
fn a_change_that_is_not_kept_changes_nothing() {
    let mut world = crate::roomy_with(|config| config.rooms.pending_max = 1);
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    world.answers_held = true;
    world.say(owner, &send("den", "one that waits").to_string());
    assert_eq!(
        verdict(
            &mut world,
            owner,
            &json!({"type": "ban", "id": 9, "room": "den", "user": "victim"})
        ),
        "busy"
    );
    world.answers_held = false;
    world.settle();
    assert_eq!(
        verdict(&mut world, victim, &send("den", "still here")),
        "ok"
    );
    assert_eq!(world.census().changes, 0);
}

#[test]
fn a_room_that_is_deleted_is_gone_for_everybody_at_once() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let member_ = member(&mut world, "member", "den");
    world.client(member_).set_window(0);
    world.say(owner, &send("den", "secret").to_string());
    assert_eq!(
        verdict(
            &mut world,
            owner,
            &json!({"type": "delete", "id": 1, "room": "den"})
        ),
        "ok"
    );
    world.client(member_).set_window(usize::MAX);
    world.settle();
    let told = told(&mut world, member_);
    assert!(
        told.iter().all(|notice| message(notice).is_none()),
        "{told:?}"
    );
    assert!(
        told.iter()
            .any(|notice| notice["type"] == "removed" && notice["code"] == "deleted")
    );
    assert_eq!(verdict(&mut world, member_, &join("den")), "unknown_room");
    // Nobody takes over its id, and with it its log and who was banned.
    let again = json!({"type": "create", "id": 1, "room": "den"});
    for user in [owner, member_] {
        assert_eq!(verdict(&mut world, user, &again), "room_exists");
    }
}

#[test]
fn whoever_belongs_to_a_room_that_is_deleted_is_told_wherever_they_are() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "members");
    let member_ = world.join_v1("member", "10.0.0.2");
    let stranger = world.join_v1("stranger", "10.0.0.3");
    let affiliate = json!({"type": "affiliate", "id": 1, "room": "den", "user": "member", "affiliation": "member"});
    assert_eq!(verdict(&mut world, owner, &affiliate), "ok");
    for id in [member_, stranger] {
        world.client(id).take_frames();
    }
    let delete = json!({"type": "delete", "id": 1, "room": "den"});
    assert_eq!(verdict(&mut world, owner, &delete), "ok");
    let removed = told(&mut world, member_);
    assert_eq!(removed.len(), 1, "{removed:?}");
    assert_eq!(
        (
            &removed[0]["type"],
            &removed[0]["room"],
            &removed[0]["code"]
        ),
        (&json!("removed"), &json!("den"), &json!("deleted"))
    );
    assert!(told(&mut world, stranger).is_empty());
}

#[test]
fn an_edit_is_heard_only_of_those_who_may_speak_and_costs_a_message() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    for _ in 0..2 {
        assert_eq!(verdict(&mut world, victim, &send("den", "hi")), "ok");
    }
    let edit =
        |text: &str| json!({"type": "edit", "id": 1, "room": "den", "seq": 1, "message": text});
    assert_eq!(verdict(&mut world, victim, &edit("better")), "ok");
    let slow = json!({"type": "update", "id": 1, "room": "den", "slow_mode_ms": 60_000});
    assert_eq!(verdict(&mut world, owner, &slow), "ok");
    assert_eq!(verdict(&mut world, victim, &edit("once more")), "ok");
    assert_eq!(
        verdict(&mut world, victim, &edit("and again")),
        "rate_limited"
    );
    act(&mut world, owner, "kick", "den", "victim");
    assert_eq!(
        verdict(&mut world, victim, &edit("from outside")),
        "not_in_room"
    );
}

#[test]
fn edits_that_wait_behind_a_kick_are_not_heard() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    assert_eq!(verdict(&mut world, victim, &send("den", "hi")), "ok");
    world.answers_held = true;
    world.say(
        owner,
        &json!({"type": "update", "id": 1, "room": "den", "topic": "x"}).to_string(),
    );
    world.say(
        owner,
        &json!({"type": "kick", "id": 2, "room": "den", "user": "victim"}).to_string(),
    );
    for _ in 0..3 {
        let edit = json!({"type": "edit", "id": 1, "room": "den", "seq": 1, "message": "after"});
        world.say(victim, &edit.to_string());
    }
    world.client(owner).take_frames();
    world.answers_held = false;
    world.settle();
    let told = told(&mut world, owner);
    assert!(
        !told.iter().any(|notice| notice["type"] == "changed"),
        "{told:?}"
    );
}

#[test]
fn somebody_muted_does_not_type_either() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let victim = member(&mut world, "victim", "den");
    act(&mut world, owner, "mute", "den", "victim");
    let typing = json!({"type": "typing", "id": 1, "room": "den"});
    assert_eq!(verdict(&mut world, victim, &typing), "muted");
}

/// What happens in a random order.
#[derive(Debug, Clone, Copy)]
enum Step {
    OwnerSays,
    VictimSays,
    Act(&'static str),
    VictimJoins,
    AnswerOne,
    Blocked(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::OwnerSays),
        3 => Just(Step::VictimSays),
        4 => prop::sample::select(vec!["ban", "kick", "mute"]).prop_map(Step::Act),
        3 => prop::sample::select(vec!["unban", "unmute"]).prop_map(Step::Act),
        4 => Just(Step::VictimJoins),
        12 => Just(Step::AnswerOne),
        4 => any::<bool>().prop_map(Step::Blocked),
    ]
}

/// Follows what both are told, and judges it.
#[derive(Default)]
struct Watch {
    is_in: bool,
    is_out: bool,
    is_muted: bool,
    /// Messages that the owner has heard, and how many of them when the victim was last put out.
    heard: Vec<u64>,
    barrier: usize,
    out_of_order: Option<String>,
}

impl Watch {
    /// The owner's view: after a ban, kick or mute was acknowledged nothing of the victim's is heard until they are back, or have
    /// the word again.
    fn owner_is_told(&mut self, notices: &[Value]) {
        for notice in notices {
            match (notice["type"].as_str(), notice["id"].as_str()) {
                (Some("ok"), Some("ban" | "kick")) => {
                    (self.is_out, self.barrier) = (true, self.heard.len());
                }
                (Some("ok"), Some("mute")) => self.is_muted = true,
                (Some("ok"), Some("unmute")) => self.is_muted = false,
                (Some("joined"), _) if notice["user"] == "victim" => self.is_out = false,
                (Some("message"), _) if notice["sender"] == "victim" => {
                    if self.is_out || self.is_muted {
                        self.out_of_order = Some(format!("heard {notice} after the barrier"));
                    }
                    self.heard.extend(notice["seq"].as_u64());
                }
                (Some("message"), _) => self.heard.extend(notice["seq"].as_u64()),
                _ => {}
            }
        }
    }

    /// The victim's view: after `removed` nothing of the room comes until they joined again, and never what was said before
    /// (`barrier` messages were heard by others when it fell, in an earlier step).
    fn victim_is_told(&mut self, notices: &[Value], barrier: usize) {
        for notice in notices {
            match (notice["type"].as_str(), notice["id"].as_str()) {
                (Some("removed"), _) => self.is_in = false,
                (Some("ok"), Some("join")) => self.is_in = true,
                (Some("message"), _) => {
                    let seq = notice["seq"].as_u64().unwrap_or_default();
                    let is_late = self.heard.iter().take(barrier).any(|heard| *heard == seq);
                    if !self.is_in || is_late {
                        self.out_of_order = Some(format!("was told {notice} after the barrier"));
                    }
                }
                _ => {}
            }
        }
    }
}

fn carry_out(world: &mut World, owner: ConnectionId, victim: ConnectionId, step: Step) {
    match step {
        Step::OwnerSays => world.say(owner, &send("den", "from the owner").to_string()),
        Step::VictimSays => world.say(victim, &send("den", "from the victim").to_string()),
        Step::Act(kind) => {
            let act = json!({"type": kind, "id": kind, "room": "den", "user": "victim"});
            world.say(owner, &act.to_string());
        }
        Step::VictimJoins => {
            let join = json!({"type": "join", "id": "join", "room": "den"});
            world.say(victim, &join.to_string());
        }
        Step::AnswerOne => {
            world.answer_one();
            world.settle();
        }
        Step::Blocked(is_blocked) => {
            let window = if is_blocked { 0 } else { usize::MAX };
            world.client(victim).set_window(window);
            world.settle();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_the_order_nothing_passes_the_barrier_in_either_direction(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = durable();
        let owner = made(&mut world, "owner", "den", "public");
        let victim = member(&mut world, "victim", "den");
        told(&mut world, owner);
        let mut watch = Watch { is_in: true, ..Watch::default() };
        world.answers_held = true;
        for step in steps {
            let barrier = watch.barrier;
            carry_out(&mut world, owner, victim, step);
            let notices = told(&mut world, owner);
            watch.owner_is_told(&notices);
            let notices = told(&mut world, victim);
            watch.victim_is_told(&notices, barrier);
        }
        let barrier = watch.barrier;
        world.client(victim).set_window(usize::MAX);
        world.settle();
        let notices = told(&mut world, victim);
        watch.victim_is_told(&notices, barrier);
        world.answers_held = false;
        world.settle();
        let notices = told(&mut world, owner);
        watch.owner_is_told(&notices);
        let notices = told(&mut world, victim);
        watch.victim_is_told(&notices, barrier);
        prop_assert_eq!(watch.out_of_order, None);
        let census = world.census();
        prop_assert_eq!((census.changes, census.pending_answers), (0, 0));
    }
}
