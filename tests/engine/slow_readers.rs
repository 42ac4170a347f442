//! Who is behind with reading: what they go without, when they are closed, and how they get what they missed.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, masked, text};

use crate::{closed, default_config, millis, roomy_with, seconds};

/// What may wait for one connection; a quarter of it is where leaving out begins.
const QUEUE: usize = 20_000;

fn world() -> World {
    roomy_with(|config| {
        config.limits.outbound_bytes_per_connection_max = QUEUE;
        config.rooms.durable = vec!["lobby".to_owned()];
    })
}

/// One in the full protocol who has read everything, and whose socket takes nothing from now on.
fn stalled(world: &mut World, user: &str, peer: &str) -> ConnectionId {
    let id = world.join_v1(user, peer);
    world.client(id).take_frames();
    world.client(id).set_window(0);
    id
}

fn catch_up(world: &mut World, id: ConnectionId) -> Vec<Value> {
    world.client(id).set_window(usize::MAX);
    world.settle();
    world.client(id).take_notices()
}

fn say(world: &mut World, id: ConnectionId, words: &str) {
    world.say(
        id,
        &json!({"type": "send", "room": "lobby", "message": words}).to_string(),
    );
}

fn type_in_lobby(world: &mut World, id: ConnectionId) {
    world.say(id, r#"{"type":"typing","room":"lobby"}"#);
}

fn of_type<'a>(told: &'a [Value], kind: &str) -> Vec<&'a Value> {
    told.iter()
        .filter(|notice| notice["type"] == kind)
        .collect()
}

/// The number behind this line of the metrics.
fn metric(world: &World, line: &str) -> u64 {
    let metrics = world.metrics();
    let found = metrics.lines().find_map(|found| found.strip_prefix(line));
    found.and_then(|rest| rest.trim().parse().ok()).expect(line)
}

#[test]
fn whoever_is_behind_goes_without_typing_and_presence_but_has_every_message_and_hears_later_how_many_are_there()
 {
    let mut world = world();
    let alice = world.join_v1("alice", "10.0.0.1");
    let slow = stalled(&mut world, "slow", "10.0.0.2");
    for n in 0..20 {
        say(&mut world, alice, &format!("{n} {}", "x".repeat(300)));
    }
    let waiting = world.census().outbound_bytes;
    assert!(waiting > QUEUE / 4 && waiting < QUEUE, "{waiting}");
    type_in_lobby(&mut world, alice);
    let bob = world.join_v1("bob", "10.0.0.3");
    let carol = world.join_v1("carol", "10.0.0.4");
    world.hang_up(carol);
    world.settle();
    assert_eq!(
        world.census().outbound_bytes,
        waiting,
        "nothing of it is queued"
    );
    assert_eq!(metric(&world, "wardroom_notices_left_out_total"), 4);
    say(&mut world, bob, "last");

    let told = catch_up(&mut world, slow);
    let messages = of_type(&told, "message");
    let numbers: Vec<_> = messages
        .iter()
        .map(|notice| notice["seq"].as_u64())
        .collect();
    assert_eq!(numbers, (1..=21).map(Some).collect::<Vec<_>>());
    for kind in ["typing", "joined", "left"] {
        assert_eq!(of_type(&told, kind), [&Value::Null; 0], "{kind}");
    }
    let presence = told.last().expect("a notice");
    let expected = json!({"type": "presence", "room": "lobby", "count": 3, "joined": 2, "left": 1,
        "timestamp": presence["timestamp"]});
    assert_eq!(*presence, expected);
    assert_eq!(of_type(&told, "presence").len(), 1);
    type_in_lobby(&mut world, alice);
    let told = world.client(slow).take_notices();
    assert_eq!(
        of_type(&told, "typing").len(),
        1,
        "it is told again of everything"
    );
}

#[test]
fn what_waits_already_and_is_of_use_for_a_moment_only_is_taken_back_first() {
    let mut world = world();
    let alice = world.join_v1("alice", "10.0.0.1");
    let slow = stalled(&mut world, "slow", "10.0.0.2");
    // The first frame is begun, and will be finished.
    world.client(slow).set_window(3);
    type_in_lobby(&mut world, alice);
    type_in_lobby(&mut world, alice);
    world.join_v1("bob", "10.0.0.3");
    for n in 0..20 {
        say(&mut world, alice, &format!("{n} {}", "x".repeat(300)));
    }
    assert_eq!(metric(&world, "wardroom_notices_left_out_total"), 2);
    let told = catch_up(&mut world, slow);
    let kinds: Vec<_> = told
        .iter()
        .filter_map(|notice| notice["type"].as_str())
        .collect();
    let mut expected = vec!["typing"];
    expected.extend(["message"; 20]);
    expected.push("presence");
    assert_eq!(kinds, expected);
    assert_eq!(
        told.last().map(|last| (&last["joined"], &last["count"])),
        Some((&json!(1), &json!(3)))
    );
}

#[test]
fn a_message_told_in_the_same_turn_as_a_coming_is_told_to_whoever_is_behind_without_it() {
    let mut world = world();
    let alice = world.join_v1("alice", "10.0.0.1");
    let bob = world.join_v1("bob", "10.0.0.3");
    let slow = stalled(&mut world, "slow", "10.0.0.2");
    for n in 0..20 {
        say(&mut world, alice, &format!("{n} {}", "x".repeat(300)));
    }
    world.queue(
        alice,
        &text(r#"{"type":"send","room":"general","message":"no"}"#),
    );
    world.queue(
        alice,
        &text(r#"{"type":"send","room":"lobby","message":"before"}"#),
    );
    world.queue(bob, &masked(0x88, &[0x03, 0xE8]));
    world.queue(
        alice,
        &text(r#"{"type":"send","room":"lobby","message":"after"}"#),
    );
    world.settle();
    let told = catch_up(&mut world, slow);
    let words: Vec<_> = of_type(&told, "message")
        .iter()
        .map(|notice| notice["message"].clone())
        .collect();
    assert_eq!(
        words.get(20..),
        Some(&[json!("before"), json!("after")][..])
    );
    assert_eq!(of_type(&told, "left").len(), 0);
    assert_eq!(of_type(&told, "presence").len(), 1);
}

#[test]
fn a_client_of_the_tutorial_that_is_behind_goes_without_presence_and_has_every_message() {
    let mut world = world();
    let alice = world.join_v1("alice", "10.0.0.1");
    let slow = world.join("slow", "10.0.0.2");
    world.client(slow).take_frames();
    world.client(slow).set_window(0);
    for n in 0..20 {
        say(&mut world, alice, &format!("{n} {}", "x".repeat(300)));
    }
    world.join("bob", "10.0.0.3");
    let told = catch_up(&mut world, slow);
    assert_eq!(told.len(), 20, "{told:?}");
}

#[test]
fn one_that_takes_nothing_is_closed_when_the_oldest_frame_is_too_old_however_little_waits() {
    let mut world = world();
    let alice = world.join_v1("alice", "10.0.0.1");
    let slow = stalled(&mut world, "slow", "10.0.0.2");
    let begun = world.now().instant;
    say(&mut world, alice, "hello?");
    // It speaks, so that it is not taken for gone.
    for _ in 0..29 {
        world.advance(seconds(1));
        world.say(slow, r#"{"type":"ping"}"#);
    }
    assert_eq!(world.census().user_connections, 2);
    world.advance(seconds(1) - millis(1));
    assert_eq!(world.census().user_connections, 2);
    world.advance(millis(1));
    assert_eq!(world.now().instant.since(begun), seconds(30));
    assert_eq!(world.census().user_connections, 1);
    world.client(slow).set_window(usize::MAX);
    world.settle();
    assert_eq!(
        closed(&mut world, slow),
        Some((1008, "reading too slowly".to_owned()))
    );
    world.advance(seconds(3));
    world.hang_up(alice);
    world.advance(seconds(3));
    assert_eq!(world.census(), Census::default());
    let of = |limit: &str| {
        let line = format!("wardroom_limited_total{{limit=\"{limit}\",scope=\"connection\"}}");
        metric(&world, &line)
    };
    assert_eq!(of("deadlines.unread"), 1);
    assert_eq!(of("outbound_bytes_per_connection_max"), 0);
}

#[test]
fn a_reader_that_takes_everything_within_the_time_is_kept_though_something_always_waits() {
    let mut world = world();
    let alice = world.join_v1("alice", "10.0.0.1");
    let slow = stalled(&mut world, "slow", "10.0.0.2");
    let mut waiting = 0;
    for n in 0..120 {
        say(&mut world, alice, "hello");
        // What came in twenty seconds waits; the same again is taken in the next twenty.
        if n % 4 == 0 {
            world.client(slow).set_window(waiting);
            world.settle();
            waiting = world.census().outbound_bytes;
            assert!(waiting > 0);
        }
        world.advance(seconds(5));
        world.say(slow, r#"{"type":"ping"}"#);
    }
    assert_eq!(world.census().user_connections, 2);
    assert_eq!(world.client(slow).ending(), Ending::Open);
}

#[test]
fn a_reader_that_falls_behind_step_by_step_is_closed_within_twice_the_time() {
    let mut world = world();
    let alice = world.join_v1("alice", "10.0.0.1");
    let slow = stalled(&mut world, "slow", "10.0.0.2");
    let mut said = 0;
    while world.census().user_connections == 2 {
        say(&mut world, alice, &"x".repeat(30));
        world.client(slow).set_window(20);
        world.settle();
        world.advance(seconds(1));
        said += 1;
    }
    assert!((30..=60).contains(&said), "{said}");
}

#[test]
fn another_time_counts_from_the_reload_on_and_none_is_none() {
    let mut config = default_config();
    config.deadlines.unread = seconds(0);
    config.deadlines.ping = seconds(3600);
    let mut world = World::new(config.clone());
    let alice = world.join_v1("alice", "10.0.0.1");
    let slow = stalled(&mut world, "slow", "10.0.0.2");
    say(&mut world, alice, "hello?");
    world.advance(seconds(600));
    assert_eq!(world.census().user_connections, 2);
    config.deadlines.unread = seconds(700);
    world.reconfigure(config);
    world.advance(seconds(99));
    assert_eq!(world.census().user_connections, 2);
    world.advance(seconds(1));
    assert_eq!(world.census().user_connections, 1);
    assert_eq!(
        world.client(slow).ending(),
        Ending::Open,
        "its close frame waits"
    );
}

#[test]
fn a_reader_that_nobody_would_have_looked_at_is_closed_in_time() {
    let mut world = roomy_with(|config| config.deadlines.ping = seconds(3600));
    let alice = world.join_v1("alice", "10.0.0.1");
    stalled(&mut world, "slow", "10.0.0.2");
    world.advance(seconds(100));
    say(&mut world, alice, "hello?");
    world.advance(seconds(30) - millis(1));
    assert_eq!(world.census().user_connections, 2);
    world.advance(millis(1));
    assert_eq!(world.census().user_connections, 1);
}

/// Takes note of the messages among what was told: how often each number was heard.
fn hear(heard: &mut BTreeMap<u64, u32>, told: &[Value]) {
    for notice in of_type(told, "message") {
        let seq = notice["seq"].as_u64().expect("a number");
        *heard.entry(seq).or_default() += 1;
    }
}

#[test]
fn whoever_was_closed_for_reading_too_slowly_comes_back_and_has_every_message_once() {
    let mut world = world();
    let alice = world.join_v1("alice", "10.0.0.1");
    let slow = world.join_v1("slow", "10.0.0.2");
    world.join_v1("bob", "10.0.0.3");
    let mut heard = BTreeMap::new();
    let mut said = 0;
    let mut talk = |world: &mut World| {
        say(world, alice, &"x".repeat(300));
        type_in_lobby(world, alice);
        said += 1;
        said
    };
    talk(&mut world);
    let told = world.client(slow).take_notices();
    hear(&mut heard, &told);
    world.client(slow).set_window(1000);
    while talk(&mut world) < 40 {}
    assert_eq!(world.census().user_connections, 3);
    assert!(metric(&world, "wardroom_notices_left_out_total") > 20);
    while world.census().user_connections == 3 {
        talk(&mut world);
    }
    let told = catch_up(&mut world, slow);
    hear(&mut heard, &told);
    assert_eq!(
        of_type(&told, "typing").len(),
        2,
        "those that had begun or gone"
    );
    let bye = told.last().expect("a last word");
    assert_eq!(
        *bye,
        json!({"type": "bye", "code": 1008, "reason": "reading too slowly"})
    );
    world.advance(seconds(3));
    assert_eq!(world.client(slow).ending(), Ending::Closed);

    let latest = *heard.keys().last().expect("it heard something");
    let missed = talk(&mut world) - latest;
    assert!(missed > 40, "{missed}");
    let back = world.join_v1("slow", "10.0.0.2");
    world.client(back).take_frames();
    let join = json!({"type": "join", "id": 1, "room": "lobby", "since": latest});
    world.say(back, &join.to_string());
    let said = talk(&mut world);
    let told = world.client(back).take_notices();
    hear(&mut heard, &told);
    // More than one page was missed: it is told at once which numbers are not in this one, and asked for.
    let gap = &of_type(&told, "ok")[0]["gap"];
    let (from, to) = (gap["from"].as_u64(), gap["to"].as_u64());
    assert_eq!(from, Some(latest + 1));
    let mut after = latest;
    while Some(after) < to {
        let ask = json!({"type": "history", "id": 2, "room": "lobby", "after": after, "limit": 7});
        world.say(back, &ask.to_string());
        let told = world.client(back).take_notices();
        let page = told[0]["messages"].as_array().expect("a page");
        for seq in page.iter().filter_map(|message| message["seq"].as_u64()) {
            after = seq;
            if Some(seq) <= to {
                *heard.entry(seq).or_default() += 1;
            }
        }
    }
    assert_eq!(heard, (1..=said).map(|seq| (seq, 1)).collect());
}

#[test]
fn what_the_store_answers_after_a_long_silence_has_waited_for_nobody_yet() {
    let mut world = roomy_with(|config| {
        config.deadlines.unread = seconds(3);
        config.rooms.durable = vec!["lobby".to_owned()];
    });
    let alice = world.join_v1("alice", "10.0.0.1");
    let bob = world.join_v1("bob", "10.0.0.2");
    world.answers_held = true;
    say(&mut world, alice, "hi");
    // Nothing happens meanwhile, not even a turn.
    let later = world.now().instant + seconds(5);
    world.set_instant(later);
    world.answers_held = false;
    world.settle();
    for id in [alice, bob] {
        assert_eq!(world.client(id).ending(), Ending::Open);
        let told = world.client(id).take_notices();
        assert_eq!(of_type(&told, "message").len(), 1, "{told:?}");
        assert!(of_type(&told, "bye").is_empty(), "{told:?}");
    }
}

#[test]
fn what_is_taken_back_gives_whoever_reads_nothing_no_more_time_for_the_rest() {
    let mut world = world();
    let speaker = world.join_v1("speaker", "10.0.0.2");
    let sleeper = stalled(&mut world, "sleeper", "10.0.0.1");
    say(&mut world, speaker, "hi");
    for second in 0..29_u32 {
        // Who comes and goes is taken back whenever it is more than a quarter of the queue.
        for number in 0..10 {
            let peer = format!("10.{}.{number}.1", 100 + second);
            let passer = world.join_v1(&format!("passer{second}x{number}"), &peer);
            world.reset(passer);
        }
        world.advance(seconds(1));
    }
    let left_out = metric(&world, "wardroom_notices_left_out_total");
    assert!(left_out > 0, "nothing was taken back");
    assert_eq!(world.census().user_connections, 2);
    world.advance(seconds(1));
    // It has waited for 30 seconds.
    assert_eq!(world.census().user_connections, 1);
    let told = catch_up(&mut world, sleeper);
    assert_eq!(
        told,
        [json!({"type": "bye", "code": 1008, "reason": "reading too slowly"})]
    );
}
