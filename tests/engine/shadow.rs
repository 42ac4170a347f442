//! Limits that are rehearsed: what they would have refused is counted and logged, and nobody is refused for it.

use serde_json::json;
use wardroom::config::{Config, ROOMS_PER_CONNECTION_MOST, Rate, SHADOWABLE, Shadow};
use wardroom::simulation::{Ending, World, masked, text};

use crate::private::{key, post};
use crate::{closed, knock, message, millis, per_second, roomy, seconds};

/// No limit: to see what a world is like in which nothing is refused.
const NONE: &str = "none";

/// What a world's clients did: whoever was refused at the door, how many requests one connection was answered, how many of alice's frames were
/// answered and how many told, in how many rooms she was, and whether she is there still.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    knocks: Vec<String>,
    answers: usize,
    errors: usize,
    messages: usize,
    rooms: usize,
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
        NONE => {}
        "plain_per_address" => limits.plain_per_address = 2,
        "message_characters_max" => limits.message_characters_max = 4,
        "fragments_per_message_max" => limits.fragments_per_message_max = 2,
        "requests_per_connection_max" => limits.requests_per_connection_max = 2,
        "rooms_per_connection_max" => limits.rooms_per_connection_max = 2,
        "error_replies_per_connection" => limits.error_replies_per_connection = little,
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

/// What comes to the door: credentials good and bad, connections that say nothing, and one that asks for more and more.
fn come(world: &mut World, peer: &str) -> (Vec<String>, usize) {
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
    let silent: Vec<_> = (0..4).map(|_| world.connect(peer)).collect();
    for come in silent {
        match come {
            Ok(id) => world.reset(id),
            Err(refusal) => knocks.push(refusal.to_string()),
        }
    }
    let Ok(id) = world.connect(peer) else {
        return (knocks, 0);
    };
    let request = "GET /healthz HTTP/1.1\r\nHost: chat.example\r\n\r\n";
    world.send(id, request.repeat(5).as_bytes());
    let answers = std::iter::from_fn(|| world.client(id).take_whole_response()).count();
    world.reset(id);
    (knocks, answers)
}

/// Everything that meets one of the limits, from one address.
fn everything(world: &mut World) -> Seen {
    let peer = "10.0.0.1";
    let alice = world.join_v1("alice", peer);
    world.client(alice).take_frames();
    let (knocks, answers) = come(world, peer);
    for room in ["general", "random"] {
        world.say(alice, &json!({"type": "join", "room": room}).to_string());
    }
    let say = r#"{"type":"send","room":"lobby","message":"hello"}"#.as_bytes();
    for (first, part) in say.chunks(12).enumerate() {
        let opcode = if first == 0 { 0x01 } else { 0x00 };
        let is_last = (first + 1) * 12 >= say.len();
        world.send(
            alice,
            &masked(if is_last { 0x80 } else { 0 } | opcode, part),
        );
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
    for _ in 0..5 {
        world.say(alice, "[]");
    }
    let received = world.client(alice).received_bytes();
    world.say(alice, r#"{"type":"ping"}"#);
    let paused = world.client(alice).received_bytes() == received;
    let told = world.client(alice).take_notices();
    let of = |kind: &str| told.iter().filter(|notice| notice["type"] == kind).count();
    Seen {
        knocks,
        answers,
        errors: of("error"),
        messages: of("message"),
        rooms: told
            .iter()
            .filter(|notice| notice["type"] == "joined" && notice["room"] != "lobby")
            .count(),
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
    let unlimited = everything(&mut World::new(config(NONE, false)));
    let everybody = Seen {
        knocks: Vec::new(),
        answers: 5,
        errors: 5,
        messages: 7,
        rooms: 2,
        paused: false,
        ending: Ending::Open,
    };
    assert_eq!(unlimited, everybody);
    // Without pauses none is too many: that has a test of its own.
    for limit in SHADOWABLE
        .into_iter()
        .filter(|limit| *limit != "pauses_max")
    {
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
        let scope = match limit {
            "message_characters_max" | "fragments_per_message_max" => "connection",
            _ => {
                let whose = limit.trim_end_matches("_max").rsplit('_').next();
                whose.expect("a last word")
            }
        };
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

#[test]
fn whoever_would_be_closed_after_too_many_pauses_is_counted_once_for_each_time_and_waits_on() {
    let run = |is_shadowed| {
        let mut config = config("error_replies_per_connection", false);
        config.limits.pauses_max = 2;
        if is_shadowed {
            config.limits.shadow = Shadow::of(["pauses_max"]).expect("it can be rehearsed");
        }
        config.deadlines.pause = millis(100);
        let mut world = World::new(config);
        let alice = world.join_v1("alice", "10.0.0.1");
        let mut pauses = 0;
        for _ in 0..3 + 9 {
            world.say(alice, "[]");
            let received = world.client(alice).received_bytes();
            world.say(alice, r#"{"type":"ping"}"#);
            pauses += usize::from(world.client(alice).received_bytes() == received);
            world.advance(millis(101));
        }
        let closed = closed(&mut world, alice);
        let counts = ["wardroom_limited_total", "wardroom_shadowed_total"];
        (
            pauses,
            closed,
            counts.map(|family| counted(&world, family, "pauses_max")),
        )
    };
    let (_, ending, counts) = run(false);
    assert_eq!(ending, Some((1008, "rate limit exceeded".to_owned())));
    assert_eq!(counts, [1, 0]);
    let (pauses, ending, counts) = run(true);
    assert_eq!((pauses, ending), (9, None));
    assert_eq!(counts, [0, 3], "every third would have been the end");
}

#[test]
fn each_message_of_too_many_fragments_is_counted_once_and_every_so_many_requests_once() {
    let mut config = config("fragments_per_message_max", false);
    config.limits.requests_per_connection_max = 3;
    config.limits.shadow =
        Shadow::of(["fragments_per_message_max", "requests_per_connection_max"]).expect("they can");
    let mut world = World::new(config);
    let alice = world.join("alice", "10.0.0.1");
    world.client(alice).take_frames();
    for _ in 0..2 {
        world.send(alice, &masked(0x01, br#"{"message""#));
        for _ in 0..5 {
            world.send(alice, &masked(0x00, b"      "));
        }
        world.send(alice, &masked(0x80, br#":"hello"}"#));
    }
    assert_eq!(world.client(alice).take_notices().len(), 2);
    let id = world.connect("10.0.0.1").expect("room");
    let request = "GET /healthz HTTP/1.1\r\nHost: chat.example\r\n\r\n";
    world.send(id, request.repeat(8).as_bytes());
    let shadowed = |limit| counted(&world, "wardroom_shadowed_total", limit);
    assert_eq!(shadowed("fragments_per_message_max"), 2);
    assert_eq!(shadowed("requests_per_connection_max"), 2);
}

#[test]
fn a_client_of_a_trusted_proxy_is_overlooked_too() {
    let mut config = config("plain_per_address", true);
    config.proxy.trusted = vec!["10.9.0.0/16".parse().expect("a network")];
    let mut world = World::new(config);
    world.security_log();
    let request = "GET /healthz HTTP/1.1\r\nHost: chat.example\r\nX-Forwarded-For: 192.0.2.7\r\n";
    for _ in 0..5 {
        // A head that is not whole is nobody's yet.
        let id = world.connect("10.9.0.1").expect("room");
        world.send(id, format!("{request}Connection: close\r\n\r\n").as_bytes());
        let response = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(response.status, 200);
    }
    assert_eq!(
        counted(&world, "wardroom_shadowed_total", "plain_per_address"),
        3
    );
    assert!(
        world.security_log()[0]
            .contains("event=shadowed address=192.0.2.7 limit=plain_per_address")
    );
}

#[test]
fn a_rehearsed_bound_on_rooms_ends_where_every_configuration_does() {
    let mut config = config("rooms_per_connection_max", true);
    config.rooms.rooms_max = 2000;
    config.rooms.public = (0..ROOMS_PER_CONNECTION_MOST + 5)
        .map(|n| format!("room-{n}"))
        .collect();
    let names = config.rooms.public.clone();
    let mut world = World::new(config);
    let alice = world.join_v1("alice", "10.0.0.1");
    for name in &names {
        world.say(alice, &json!({"type": "join", "room": name}).to_string());
    }
    let told = world.client(alice).take_notices();
    let refused = told.iter().filter(|notice| notice["type"] == "error");
    assert_eq!(refused.count(), 6, "the lobby is one of her rooms");
    assert_eq!(
        counted(&world, "wardroom_limited_total", "rooms_per_connection_max"),
        6
    );
    assert_eq!(
        counted(
            &world,
            "wardroom_shadowed_total",
            "rooms_per_connection_max"
        ),
        ROOMS_PER_CONNECTION_MOST as u64 - 2
    );
}

#[test]
fn while_lengths_are_rehearsed_clients_are_told_what_is_taken_and_no_more_than_fits_is() {
    let mut config = config("message_characters_max", true);
    // 256 characters and their envelope.
    config.limits.message_bytes_max = 4096;
    config.private.key = Some(key());
    let mut world = World::new(config);
    let alice = world.join_v1("alice", "10.0.0.1");
    let hello = &world.client(alice).take_notices()[0];
    assert_eq!(hello["limits"]["message_characters_max"], 256);
    let say = |characters: usize| {
        let message = "x".repeat(characters);
        json!({"type": "send", "room": "lobby", "message": message}).to_string()
    };
    for (characters, refused, counts) in [
        (4, false, [0, 0]),
        (5, false, [0, 1]),
        (256, false, [0, 2]),
        (257, true, [1, 2]),
    ] {
        world.say(alice, &say(characters));
        let told = world.client(alice).take_notices();
        let is_refused = told
            .iter()
            .any(|notice| notice["code"] == "message_too_long");
        assert_eq!(is_refused, refused, "{characters}");
        let families = ["wardroom_limited_total", "wardroom_shadowed_total"];
        let found = families.map(|family| counted(&world, family, "message_characters_max"));
        assert_eq!(found, counts, "{characters}");
    }
    let bob = world.join("bob", "10.0.0.2");
    world.say(bob, &message("hello"));
    let den = json!({"type": "create", "room": "den", "kind": "public"});
    world.say(alice, &den.to_string());
    let edit = json!({"type": "edit", "room": "den", "seq": 1, "message": "other"});
    world.say(alice, &edit.to_string());
    assert_eq!(
        counted(&world, "wardroom_shadowed_total", "message_characters_max"),
        4
    );
    // What other programs say is nobody's habit that there would be something to learn of.
    let publish = json!({"message": "hello"}).to_string();
    let refused = post(&mut world, "/api/v1/rooms/lobby/messages", &publish);
    assert_eq!(refused.status, 400);
}
