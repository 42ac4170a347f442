//! Limits that are rehearsed: what they would have refused is counted and logged, and nobody is refused for it.

use serde_json::json;
use wardroom::config::{Config, Rate, SHADOWABLE, Shadow};
use wardroom::simulation::{Ending, World, masked, text};

use crate::{knock, message, millis, per_second, roomy, seconds};

/// What a world's clients did: whoever was refused at the door, how many of alice's frames were answered and how many told, and whether she is
/// there still.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    knocks: Vec<String>,
    errors: usize,
    messages: usize,
    paused: bool,
    ending: Ending,
}

/// Nothing is limited but what `limit` names, of which there is very little; rehearsed or in earnest.
fn config(limit: &str, is_shadowed: bool) -> Config {
    let mut config = roomy();
    let limits = &mut config.limits;
    limits.pauses_max = 1000;
    limits.refreshes_per_connection = per_second(1000);
    let little = Rate::new(3, seconds(600));
    match limit {
        "connections_per_user" => limits.connections_per_user = 1,
        "connections_per_address" => limits.connections_per_address = 1,
        "handshakes_per_address" => limits.handshakes_per_address = little,
        "failed_authentications_per_address" => limits.failed_authentications_per_address = little,
        "offences_per_address" => limits.offences_per_address = little,
        "commands_per_user" => limits.commands_per_user = little,
        "messages_per_user" => limits.messages_per_user = little,
        "messages_per_connection" => limits.messages_per_connection = little,
        "messages_per_address" => limits.messages_per_address = little,
        "bytes_per_connection" => limits.bytes_per_connection = Rate::new(300, seconds(60)),
        "bytes_per_address" => limits.bytes_per_address = Rate::new(1500, seconds(60)),
        "frames_per_connection" => limits.frames_per_connection = little,
        "control_frames_per_connection" => limits.control_frames_per_connection = little,
        "glitches_per_connection" => limits.glitches_per_connection = Rate::new(20, seconds(60)),
        "refreshes_per_connection" => limits.refreshes_per_connection = little,
        other => panic!("{other} is not rehearsed here"),
    }
    if is_shadowed {
        limits.shadow = Shadow::of([limit]).expect("it can be rehearsed");
    }
    config
}

/// Everything that meets one of the limits, from one address.
fn everything(world: &mut World) -> Seen {
    let peer = "10.0.0.1";
    let alice = world.join_v1("alice", peer);
    world.client(alice).take_frames();
    let mut knocks = Vec::new();
    for token in ["alice", "bob", "bad", "bad", "bad", "bad", "bad"] {
        let query = format!("?token={token}");
        match world.connect(peer) {
            Ok(id) => world.reset(id),
            Err(refusal) => {
                knocks.push(refusal.to_string());
                continue;
            }
        }
        let outcome = knock(world, peer, &query, "");
        if outcome != "1008 invalid credentials" && !outcome.starts_with("in as") {
            knocks.push(outcome);
        }
    }
    for n in 0..6 {
        let say = json!({"type": "send", "id": n, "room": "lobby", "message": "hello"});
        world.say(alice, &say.to_string());
        world.send(alice, &masked(0x89, b""));
        world.say(
            alice,
            &json!({"type": "refresh", "token": "alice"}).to_string(),
        );
    }
    let received = world.client(alice).received_bytes();
    world.say(alice, r#"{"type":"ping"}"#);
    let paused = world.client(alice).received_bytes() == received;
    let told = world.client(alice).take_notices();
    let of = |kind: &str| told.iter().filter(|notice| notice["type"] == kind).count();
    Seen {
        knocks,
        errors: of("error"),
        messages: of("message"),
        paused,
        ending: world.client(alice).ending(),
    }
}

/// The number in this family's row.
fn counted(world: &World, family: &str, limit: &str) -> u64 {
    let begins = format!("{family}{{limit=\"{limit}\"");
    let metrics = world.metrics();
    let rows = metrics.lines().filter(|line| line.starts_with(&begins));
    rows.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[test]
fn each_limit_that_is_rehearsed_counts_and_logs_what_it_would_have_refused_and_refuses_nothing() {
    let unlimited = Seen {
        knocks: Vec::new(),
        errors: 0,
        messages: 6,
        paused: false,
        ending: Ending::Open,
    };
    for limit in SHADOWABLE {
        let mut world = World::new(config(limit, false));
        assert_ne!(
            everything(&mut world),
            unlimited,
            "{limit} is met in earnest"
        );
        assert_eq!(
            counted(&world, "wardroom_shadowed_total", limit),
            0,
            "{limit}"
        );

        let mut world = World::new(config(limit, true));
        world.security_log();
        assert_eq!(everything(&mut world), unlimited, "{limit}");
        assert!(
            counted(&world, "wardroom_shadowed_total", limit) > 0,
            "{limit}"
        );
        assert_eq!(
            counted(&world, "wardroom_limited_total", limit),
            0,
            "{limit}"
        );
        let log = world.security_log();
        let scope = limit.rsplit('_').next().expect("a last word");
        let line = format!("event=shadowed address=10.0.0.1 limit={limit} scope={scope}");
        assert!(
            log.iter().any(|found| found.contains(&line)),
            "{limit}: {log:#?}"
        );
        assert!(
            !log.iter().any(|found| found.contains("event=limited")),
            "{limit}"
        );
    }
}

#[test]
fn a_rehearsal_counts_what_would_have_been_refused_in_earnest_and_no_more() {
    for limit in [
        "messages_per_user",
        "messages_per_connection",
        "messages_per_address",
    ] {
        let run = |is_shadowed| {
            let mut world = World::new(config(limit, is_shadowed));
            let alice = world.join("alice", "10.0.0.1");
            for n in 0..200 {
                world.say(alice, &message("hello"));
                world.advance(seconds(n % 20) + millis(700));
            }
            world
        };
        let (earnest, rehearsed) = (run(false), run(true));
        let refused = counted(&earnest, "wardroom_limited_total", limit);
        assert!(refused > 100 && refused < 200, "{limit}: {refused}");
        assert_eq!(
            counted(&rehearsed, "wardroom_shadowed_total", limit),
            refused,
            "{limit}"
        );
    }
}

#[test]
fn the_limits_beside_one_that_is_rehearsed_hold() {
    let mut config = config("messages_per_user", true);
    config.limits.messages_per_connection = Rate::new(5, seconds(600));
    let mut world = World::new(config);
    let alice = world.join_v1("alice", "10.0.0.1");
    world.client(alice).take_frames();
    for _ in 0..8 {
        world.say(alice, r#"{"type":"send","room":"lobby","message":"hello"}"#);
    }
    let told = world.client(alice).take_notices();
    let limits: Vec<_> = told
        .iter()
        .filter_map(|notice| notice["limit"].as_str())
        .collect();
    assert_eq!(limits, ["messages_per_connection"; 3]);
    assert_eq!(
        counted(&world, "wardroom_shadowed_total", "messages_per_user"),
        5
    );
}

#[test]
fn a_reload_begins_a_rehearsal_and_ends_it() {
    let mut world = World::new(config("messages_per_user", false));
    let alice = world.join_v1("alice", "10.0.0.1");
    world.client(alice).take_frames();
    let refused = |world: &mut World| {
        world.send(
            alice,
            &text(r#"{"type":"send","room":"lobby","message":"hello"}"#).repeat(4),
        );
        let told = world.client(alice).take_notices();
        told.iter()
            .filter(|notice| notice["type"] == "error")
            .count()
    };
    assert_eq!(refused(&mut world), 1);
    world.reconfigure(config("messages_per_user", true));
    assert_eq!(refused(&mut world), 0);
    world.reconfigure(config("messages_per_user", false));
    assert_eq!(refused(&mut world), 4, "nothing was forgiven");
}

#[test]
fn a_flood_that_is_overlooked_leaves_the_log_readable() {
    let mut config = config("messages_per_user", true);
    config.log.security_events = per_second(10);
    let mut world = World::new(config);
    let alice = world.join("alice", "10.0.0.1");
    world.security_log();
    world.send(alice, &text(&message("hello")).repeat(300));
    world.advance(seconds(2));
    let log = world.security_log();
    assert_eq!(log.len(), 11, "{log:#?}");
    assert!(
        log[10].contains("event=left_out kind=shadowed count=287"),
        "{}",
        log[10]
    );
}
