//! Rooms are written to in slices: whoever is in a small one, or asks something, does not wait for a large one, and each hears everything in its order.

use proptest::prelude::*;
use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, text};

use crate::rooms::{act, join, made, member, message, send, told};
use crate::{chat_request, millis, roomy_with};

fn request(what: &Value) -> Vec<u8> {
    text(&what.to_string())
}

/// People who are in `general` and have read all that they were told.
fn crowd(world: &mut World, people: usize) -> Vec<ConnectionId> {
    let mut come = |n| {
        let id = world.connect(&format!("10.0.{}.1", n % 250));
        let id = id.expect("room for a connection");
        let asks = chat_request(&format!("?token=user-{n}"), "");
        world.queue(id, asks.as_bytes());
        id
    };
    let ids: Vec<_> = (0..people).map(&mut come).collect();
    world.settle();
    for id in &ids {
        world.queue(*id, &request(&join("general")));
    }
    world.advance(millis(1000));
    assert_eq!(world.census().seats, 2 * people, "in the lobby and there");
    for id in &ids {
        world.client(*id).forget_received();
    }
    ids
}

/// How many of these have heard a message since they were last asked.
fn hearers(world: &mut World, ids: &[ConnectionId]) -> usize {
    let mut heard = 0;
    for id in ids {
        heard += told(world, *id).iter().filter_map(message).count();
    }
    heard
}

#[test]
fn a_room_of_two_does_not_wait_for_one_of_ten_thousand() {
    const MANY: usize = 10_000;
    let mut world = roomy_with(|config| {
        config.turn.writes_max = MANY;
        config.limits.connections_max = MANY + 2;
        config.limits.unauthenticated_max = MANY;
        config.limits.prefixes_max = MANY;
        config.memory = 256 << 20;
    });
    let many = crowd(&mut world, MANY);
    let two = ["alice", "bob"].map(|user| member(&mut world, user, "random"));
    world.advance(millis(1000));
    world.writes_max = 50;
    world.queue(many[0], &request(&send("general", "to thousands")));
    world.turn();
    world.queue(two[0], &request(&send("random", "to two")));
    world.turn();
    world.turn();
    assert_eq!(hearers(&mut world, &two), 2, "at once");
    let heard = hearers(&mut world, &many);
    assert!((1..300).contains(&heard), "a part of them: {heard}");
    world.writes_max = MANY;
    world.settle();
    assert_eq!(heard + hearers(&mut world, &many), MANY, "everybody, once");
}

#[test]
fn whoever_asks_something_does_not_wait_for_hundreds_who_go() {
    let mut world = roomy_with(|config| config.turn.writes_max = 8);
    let many = crowd(&mut world, 100);
    let stays = world.join_v1("stays", "10.1.0.1");
    world.advance(millis(1000));
    world.client(stays).forget_received();
    for id in &many {
        world.client(*id).end_input();
    }
    world.queue(stays, &request(&json!({"type": "ping", "id": 7})));
    world.turn();
    let answered = told(&mut world, stays);
    assert!(
        answered.iter().any(|notice| notice["id"] == 7),
        "{answered:?}"
    );
    world.settle();
    assert_eq!(world.census().connections, 1);
}

#[test]
fn whoever_asks_something_is_answered_while_hundreds_are_written_to() {
    let mut world = roomy_with(|config| config.turn.writes_max = 50);
    let many = crowd(&mut world, 400);
    world.queue(many[0], &request(&send("general", "to hundreds")));
    world.turn();
    // Their seat is the last.
    let asks = many[399];
    world.queue(asks, &request(&json!({"type": "ping", "id": 7})));
    world.turn();
    let answered = told(&mut world, asks);
    assert_eq!(
        answered
            .iter()
            .filter(|notice| notice["id"] == 7 || notice["type"] == "message")
            .count(),
        2,
        "the message that waited, and the answer behind it: {answered:?}"
    );
    assert!(hearers(&mut world, &many) < 300);
}

#[test]
fn what_is_said_while_a_room_is_written_to_reaches_everybody_in_one_more_round() {
    let mut world = roomy_with(|config| config.turn.writes_max = 20);
    let many = crowd(&mut world, 200);
    let mut turns = 0;
    for (n, id) in many.iter().enumerate().take(8) {
        world.queue(*id, &request(&send("general", &n.to_string())));
        world.turn();
        turns += 1;
    }
    while world.turn() {
        turns += 1;
    }
    for id in &many {
        let heard: Vec<String> = told(&mut world, *id)
            .iter()
            .filter_map(message)
            .map(|(_, text)| text)
            .collect();
        assert_eq!(heard, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    }
    // Two shares a turn: three rounds of two hundred and some more are fifteen turns or so; eight rounds would be forty.
    assert!(turns < 26, "{turns} turns");
}

#[test]
fn what_is_said_does_not_wait_until_everybody_knows_who_types() {
    let mut world = roomy_with(|config| config.turn.writes_max = 50);
    let many = crowd(&mut world, 400);
    // The room has been told how many came, and rests.
    world.advance(millis(100));
    world.queue(
        many[399],
        &request(&json!({"type": "typing", "room": "general"})),
    );
    world.turn();
    assert_eq!(told(&mut world, many[0]).len(), 1, "the round is under way");
    world.queue(many[0], &request(&send("general", "hi")));
    world.turn();
    assert_eq!(hearers(&mut world, &many[..2]), 2, "who was told already");
    world.settle();
    let last: Vec<Value> = told(&mut world, many[398]);
    let told: Vec<_> = last.iter().map(|notice| notice["type"].as_str()).collect();
    assert_eq!(told, [Some("typing"), Some("message")]);
    assert_eq!(hearers(&mut world, &many[2..398]), 396);
}

#[test]
fn who_is_put_out_hears_nothing_that_was_not_written_yet() {
    let mut world = roomy_with(|_| {});
    let owner = made(&mut world, "owner", "den", "public");
    let others: Vec<_> = (0..100)
        .map(|n| member(&mut world, &format!("user-{n}"), "den"))
        .collect();
    let victim = others[99];
    world.advance(millis(1000));
    world.client(victim).forget_received();
    world.say(owner, &send("den", "before").to_string());
    assert_eq!(hearers(&mut world, &[victim]), 1);
    hearers(&mut world, &others);
    world.writes_max = 3;
    world.queue(others[0], &request(&send("den", "too late for them")));
    let kick = json!({"type": "kick", "id": "kick", "room": "den", "user": "user-99"});
    world.queue(owner, &request(&kick));
    world.client(owner).forget_received();
    let is_done = |notice: &Value| notice["id"] == "kick";
    while !told(&mut world, owner).iter().any(is_done) {
        assert!(world.turn());
    }
    assert!(
        hearers(&mut world, &others[..99]) < 99,
        "the round is under way"
    );
    world.settle();
    let last = told(&mut world, victim);
    assert_eq!(last.len(), 1, "{last:?}");
    assert_eq!(last[0]["code"], "kicked");
    act(&mut world, owner, "mute", "den", "user-98");
}

#[test]
fn whoever_came_first_is_written_to_first_whoever_has_gone_since() {
    let mut world = roomy_with(|config| config.turn.writes_max = 50);
    let many = crowd(&mut world, 400);
    for id in &many[..300] {
        world.send(*id, &request(&json!({"type": "leave", "room": "general"})));
        world.send(*id, &request(&join("general")));
    }
    world.advance(millis(1000));
    for id in &many {
        world.client(*id).forget_received();
    }
    world.queue(many[0], &request(&send("general", "to hundreds")));
    world.turn();
    world.turn();
    let heard = hearers(&mut world, &many[300..]);
    assert_eq!(heard, 100, "who stayed");
    world.settle();
    assert_eq!(hearers(&mut world, &many[..300]), 300);
}

#[test]
fn what_is_said_goes_once_before_what_is_still_written_to_hundreds() {
    let mut world = roomy_with(|config| config.turn.writes_max = 50);
    let many = crowd(&mut world, 400);
    for (n, at_once) in [1, 1, 0].into_iter().enumerate() {
        world.queue(many[n], &request(&send("general", &n.to_string())));
        world.turn();
        assert_eq!(hearers(&mut world, &many[..1]), at_once, "of message {n}");
    }
    world.settle();
    assert_eq!(hearers(&mut world, &many[..1]), 1, "the third in its turn");
    for id in &many[1..] {
        let heard: Vec<String> = told(&mut world, *id)
            .iter()
            .filter_map(message)
            .map(|(_, text)| text)
            .collect();
        assert_eq!(heard, ["0", "1", "2"]);
    }
}

#[test]
fn whoever_came_last_does_not_wait_for_the_end_of_what_two_people_say_without_a_pause() {
    let mut world = roomy_with(|config| config.turn.writes_max = 20);
    let many = crowd(&mut world, 200);
    let last = many[199];
    // Two shares a turn: the whole room is written to in five, and once some turns more for what went before the rest.
    for round in 0..4 {
        for turn in 0..14 {
            let who = many[turn % 2];
            world.queue(who, &request(&send("general", &format!("{round}.{turn}"))));
            world.turn();
        }
        assert!(hearers(&mut world, &[last]) > 0, "in round {round}");
    }
    world.settle();
}

#[test]
fn whoever_shuts_their_side_before_they_are_written_to_hears_what_was_said_and_is_gone_at_once() {
    let mut world = roomy_with(|config| config.turn.writes_max = 50);
    let many = crowd(&mut world, 400);
    let goes = many[399];
    world.queue(many[0], &request(&send("general", "to hundreds")));
    world.turn();
    world.hang_up(goes);
    assert_eq!(hearers(&mut world, &[goes]), 1);
    assert_eq!(world.client(goes).ending(), Ending::Closed);
}

#[test]
fn typing_is_told_once_to_everybody_else_and_a_little_later_when_it_is_told_often() {
    let mut world = roomy_with(|_| {});
    let many = crowd(&mut world, 100);
    let typing = request(&json!({"type": "typing", "room": "general"}));
    for id in &many[..3] {
        world.queue(*id, &typing.repeat(2));
    }
    world.settle();
    let typists = |notices: &[Value]| -> Vec<String> {
        let typing = notices.iter().filter(|notice| notice["type"] == "typing");
        typing.map(|notice| notice["user"].to_string()).collect()
    };
    let own = told(&mut world, many[1]);
    assert_eq!(typists(&own), ["\"user-0\"", "\"user-2\""]);
    let all = told(&mut world, many[50]);
    assert_eq!(typists(&all), ["\"user-0\"", "\"user-1\"", "\"user-2\""]);
    // The room rests now, but what is said takes what waits along.
    world.send(many[0], &typing);
    assert_eq!(typists(&told(&mut world, many[50])), [""; 0]);
    world.send(many[1], &request(&send("general", "hi")));
    let both = told(&mut world, many[50]);
    assert_eq!(typists(&both), ["\"user-0\""]);
    assert_eq!(both.len(), 2);
}

#[test]
fn a_room_is_written_to_although_others_ask_more_in_every_turn_than_it_has_time_for() {
    let mut world = roomy_with(|config| config.turn.writes_max = 8);
    let many = crowd(&mut world, 40);
    let askers: Vec<_> = (0..40)
        .map(|n| world.join_v1(&format!("asker-{n}"), &format!("10.1.{n}.1")))
        .collect();
    world.advance(millis(1000));
    world.queue(many[0], &request(&send("general", "hi")));
    let (mut turns, mut heard) = (0, 0);
    // Three turns' writes, each after sixteen of others.
    while heard < 40 && turns < 60 {
        for id in &askers {
            world.queue(*id, &request(&json!({"type": "ping", "id": turns})));
        }
        world.turn();
        turns += 1;
        heard += hearers(&mut world, &many);
    }
    assert_eq!(heard, 40, "after {turns} turns");
}

/// Something that happens between two slices.
#[derive(Debug, Clone, Copy)]
enum Step {
    Say { who: usize },
    Type { who: usize },
    Join { who: usize },
    Leave { who: usize },
    Reset { who: usize },
    Revoke { who: usize },
    Turns { turns: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0usize..PEOPLE;
    prop_oneof![
        8 => who().prop_map(|who| Step::Say { who }),
        3 => who().prop_map(|who| Step::Type { who }),
        4 => who().prop_map(|who| Step::Join { who }),
        4 => who().prop_map(|who| Step::Leave { who }),
        1 => who().prop_map(|who| Step::Reset { who }),
        1 => who().prop_map(|who| Step::Revoke { who }),
        3 => (1usize..4).prop_map(|turns| Step::Turns { turns }),
    ]
}

const PEOPLE: usize = 40;

/// What a naive model knows of somebody.
#[derive(Debug, Default, Clone)]
struct Known {
    is_here: bool,
    is_gone: bool,
    /// The numbers of the messages that were said while they were there.
    expected: Vec<u64>,
    heard: Vec<u64>,
}

impl Known {
    fn hear(&mut self, world: &mut World, id: ConnectionId) {
        let notices = told(world, id);
        self.heard
            .extend(notices.iter().filter_map(message).map(|(seq, _)| seq));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whoever_comes_and_goes_between_slices_each_hears_what_was_said_meanwhile_in_its_order(
        steps in prop::collection::vec(step(), 1..120),
        writes_max in 1usize..12,
    ) {
        let mut world = roomy_with(|_| {});
        let ids = crowd(&mut world, PEOPLE);
        let mut known = vec![Known { is_here: true, ..Known::default() }; PEOPLE];
        let mut said = 0;
        world.writes_max = writes_max;
        for step in steps {
            let (who, what) = match step {
                Step::Say { who } => (who, send("general", "hi")),
                Step::Type { who } => (who, json!({"type": "typing", "room": "general"})),
                Step::Join { who } => (who, join("general")),
                Step::Leave { who } => (who, json!({"type": "leave", "room": "general"})),
                Step::Reset { who } | Step::Revoke { who } => (who, Value::Null),
                Step::Turns { turns } => {
                    for _ in 0..turns {
                        world.turn();
                    }
                    continue;
                }
            };
            if known[who].is_gone {
                continue;
            }
            match step {
                Step::Say { .. } if known[who].is_here => {
                    said += 1;
                    for person in known.iter_mut().filter(|person| person.is_here) {
                        person.expected.push(said);
                    }
                }
                Step::Join { .. } => known[who].is_here = true,
                Step::Leave { .. } => known[who].is_here = false,
                Step::Reset { .. } | Step::Revoke { .. } => {
                    known[who].is_here = false;
                    known[who].is_gone = true;
                }
                _ => {}
            }
            match step {
                Step::Reset { .. } => world.reset(ids[who]),
                Step::Revoke { .. } => {
                    world.revoke_user(&format!("user-{who}"));
                    known[who].hear(&mut world, ids[who]);
                    let before = known[who].heard.len();
                    world.settle();
                    known[who].hear(&mut world, ids[who]);
                    prop_assert_eq!(known[who].heard.len(), before, "nothing follows");
                }
                _ => {
                    world.queue(ids[who], &request(&what));
                    world.turn();
                }
            }
        }
        world.advance(millis(1000));
        for (who, person) in known.iter_mut().enumerate() {
            person.hear(&mut world, ids[who]);
            let whole = person.expected.get(..person.heard.len());
            prop_assert_eq!(whole, Some(person.heard.as_slice()), "of {}", who);
            prop_assert!(person.is_gone || person.heard.len() == person.expected.len(), "{}", who);
        }
    }
}
