//! What a scrape gives, in virtual time: that each thing which happens is counted, once and under its name.

use std::collections::BTreeMap;

use wardroom::config::{Config, Rate, RefuseWith};
use wardroom::engine::Unready;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, masked, text, upgrade_request};

use crate::{ask, knock, message, per_second, roomy, roomy_with, seconds, world, world_with};

/// Every sample of a scrape, by name and labels.
fn samples(world: &World) -> BTreeMap<String, f64> {
    let text = world.metrics();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a sample");
            (name.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

/// What `act` changes, as `name{labels} +difference`.
fn changes(world: &mut World, act: impl FnOnce(&mut World)) -> Vec<String> {
    let before = samples(world);
    act(world);
    let after = samples(world);
    assert_eq!(before.len(), after.len(), "no series comes or goes");
    let changed = after
        .iter()
        .filter(|(name, value)| before[*name] != **value);
    changed
        .map(|(name, value)| format!("{name} {:+}", value - before[name]))
        .collect()
}

fn assert_changes(world: &mut World, expected: &[&str], act: impl FnOnce(&mut World)) {
    let changed = changes(world, act);
    for line in expected {
        assert!(
            changed.iter().any(|found| found == line),
            "{line} in {changed:#?}"
        );
    }
}

#[test]
fn every_outcome_of_a_handshake_is_counted_under_its_name() {
    let http = |config: &mut Config| config.auth.refuse_with = RefuseWith::Http;
    type Case = (&'static str, &'static str, &'static str);
    let told_either_way: [Case; 3] = [
        ("upgraded", "", "Authorization: Bearer alice\r\n"),
        ("invalid_credentials", "", "Authorization: Bearer bad\r\n"),
        ("credentials_required", "", ""),
    ];
    for (outcome, query, fields) in told_either_way {
        let line = format!("wardroom_handshakes_total{{outcome=\"{outcome}\"}} +1");
        for mut world in [world(), world_with(http)] {
            let changed = changes(&mut world, |world| {
                knock(world, "192.0.2.1", query, fields);
            });
            let outcomes = changed
                .iter()
                .filter(|line| line.starts_with("wardroom_handshakes"));
            assert_eq!(outcomes.collect::<Vec<_>>(), [&line]);
        }
    }
    for (outcome, request) in [
        (
            "malformed_request",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ),
        ("not_found", "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("method_not_allowed", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "upgrade_required",
            "GET /ws/chat HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
    ] {
        let line = format!("wardroom_handshakes_total{{outcome=\"{outcome}\"}} +1");
        assert_changes(&mut world(), &[&line], |world| {
            ask(world, "192.0.2.1", request);
        });
    }
    let origin = "Origin: https://evil.example\r\nAuthorization: Bearer alice\r\n";
    assert_changes(
        &mut world(),
        &["wardroom_handshakes_total{outcome=\"origin_forbidden\"} +1"],
        |world| {
            knock(world, "192.0.2.1", "", origin);
        },
    );
}

#[test]
fn a_message_is_counted_once_and_its_deliveries_for_each_who_hears_it() {
    let mut world = World::new(roomy());
    let alice = world.join("alice", "192.0.2.1");
    for n in 0..9 {
        world.join_v1(&format!("user{n}"), "192.0.2.2");
    }
    assert_changes(
        &mut world,
        &[
            "wardroom_messages_received_total{endpoint=\"chat\"} +1",
            "wardroom_messages_said_total +1",
            "wardroom_deliveries_total +10",
            "wardroom_frames_received_total{opcode=\"text\"} +1",
            "wardroom_fan_out_connections_count +1",
            "wardroom_fan_out_connections_sum +10",
            "wardroom_fan_out_connections_bucket{le=\"10.0\"} +1",
        ],
        |world| world.send(alice, &text(&message("hi"))),
    );
    let frame = text(&message("hi"));
    let changed = changes(&mut world, |world| world.send(alice, &frame));
    let received = format!("wardroom_received_bytes_total +{}", frame.len());
    assert!(changed.contains(&received), "{changed:#?}");
    assert!(
        changed
            .iter()
            .any(|line| line.starts_with("wardroom_sent_bytes_total +"))
    );
}

#[test]
fn every_end_of_a_session_is_counted_by_its_reason() {
    type Act = fn(&mut World, wardroom::id::ConnectionId);
    let cases: [(&str, Act); 7] = [
        ("closed_by_peer", |world, id| {
            world.send(id, &masked(0x88, &[3, 232]))
        }),
        ("end_of_input", |world, id| world.hang_up(id)),
        ("broken", |world, id| world.reset(id)),
        ("protocol_error", |world, id| world.send(id, &[0xFF, 0xFF])),
        ("invalid_utf8", |world, id| {
            world.send(id, &masked(0x81, &[0xFF]))
        }),
        ("binary_not_accepted", |world, id| {
            world.send(id, &masked(0x82, b"x"))
        }),
        ("going_away", |world, _| world.stop()),
    ];
    for (reason, act) in cases {
        let mut world = world();
        let id = world.join("alice", "192.0.2.1");
        let changed = changes(&mut world, |world| act(world, id));
        let closes = changed
            .iter()
            .filter(|line| line.starts_with("wardroom_closes"));
        let line = format!("wardroom_closes_total{{reason=\"{reason}\"}} +1");
        assert_eq!(closes.collect::<Vec<_>>(), [&line], "{reason}");
    }
}

#[test]
fn every_ping_is_counted() {
    let mut world = world();
    let id = world.join("alice", "192.0.2.1");
    for _ in 0..2 {
        assert_changes(&mut world, &["wardroom_pings_sent_total +1"], |world| {
            world.advance(seconds(30));
        });
        world.send(id, &masked(0x8A, b""));
    }
}

#[test]
fn every_no_of_a_limit_is_counted_with_its_scope() {
    let limited = |limit: &str, scope: &str| {
        format!("wardroom_limited_total{{limit=\"{limit}\",scope=\"{scope}\"}} +1")
    };
    let mut rates = roomy_with(|config| {
        config.limits.messages_per_user = per_second(1);
        config.limits.rooms_per_connection_max = 1;
        config.limits.control_frames_per_connection = Rate::new(2, seconds(60));
        config.limits.connections_per_user = 1;
        config.limits.plain_per_address = 2;
    });
    let id = rates.join_v1("alice", "192.0.2.1");
    let send = text(r#"{"type":"send","room":"lobby","message":"hi"}"#);
    rates.send(id, &send);
    let told = "wardroom_errors_told_total{code=\"rate_limited\"} +1";
    let line = limited("messages_per_user", "user");
    // An error's first occurrence is a new series: codes are the program's own.
    rates.send(id, &send);
    assert_changes(&mut rates, &[&line, told], |world| world.send(id, &send));
    let join = text(r#"{"type":"join","room":"general"}"#);
    rates.send(id, &join);
    assert_changes(
        &mut rates,
        &[&limited("rooms_per_connection_max", "connection")],
        |world| {
            world.send(id, &join);
        },
    );
    assert_changes(
        &mut rates,
        &[&limited("connections_per_user", "user")],
        |world| {
            knock(world, "192.0.2.9", "", "Authorization: Bearer alice\r\n");
        },
    );
    let line = limited("control_frames_per_connection", "connection");
    assert_changes(
        &mut rates,
        &[&line, "wardroom_closes_total{reason=\"rate_limited\"} +1"],
        |world| {
            world.send(id, &masked(0x89, b"").repeat(3));
        },
    );
    let line = limited("plain_per_address", "address");
    assert_changes(
        &mut rates,
        &[&line, "wardroom_handshakes_total{outcome=\"too_many\"} +1"],
        |world| {
            for _ in 0..2 {
                world.connect("203.0.113.1").expect("room");
            }
            world.connect("203.0.113.1").expect_err("two are the limit");
        },
    );
}

/// What was counted of limits since the world began, as `limit count`.
fn limits(world: &World) -> Vec<String> {
    let all = samples(world);
    let rows = all.iter().filter(|(_, count)| **count > 0.0);
    let rows = rows.filter_map(|(name, count)| {
        let row = name.strip_prefix("wardroom_limited_total{limit=\"")?;
        Some(format!("{} {count}", row.split('"').next()?))
    });
    rows.collect()
}

#[test]
fn heads_that_are_refused_are_told_and_counted_by_the_limit_that_refused_them() {
    let settings = |config: &mut Config| {
        config.limits.head_bytes_max = 2048;
        config.limits.head_fields_max = 16;
        config.deadlines.head = seconds(10);
        config.deadlines.sign_in = seconds(15);
    };
    let head = "GET /healthz HTTP/1.1\r\nHost: a\r\n";
    let long = format!("{head}X: {}\r\n\r\n", "x".repeat(2048));
    let wide = format!("{head}{}\r\n", "X: y\r\n".repeat(16));
    for (limit, request) in [("head_bytes_max", long), ("head_fields_max", wide)] {
        let mut world = world_with(settings);
        let id = ask(&mut world, "192.0.2.1", &request);
        let refused = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(refused.status, 431);
        assert_eq!(refused.json()["code"], "head_too_large");
        assert_eq!(refused.json()["limit"], limit);
        assert_eq!(refused.json()["scope"], "connection");
        assert_eq!(limits(&world), [format!("{limit} 1")]);
    }
    let mut world = world_with(settings);
    let slow = ask(&mut world, "192.0.2.1", head);
    world.advance(seconds(10));
    let refused = world.client(slow).take_whole_response().expect("an answer");
    assert_eq!(refused.status, 408);
    assert_eq!(refused.json()["limit"], "deadlines.head");
    assert_eq!(limits(&world), ["deadlines.head 1"]);

    // One request after another, until there is no more time to sign in.
    let mut world = world_with(settings);
    let late = ask(&mut world, "192.0.2.1", &format!("{head}\r\n"));
    for _ in 0..3 {
        world.send(late, format!("{head}\r\n{head}").as_bytes());
        world.advance(seconds(4));
        world.send(late, b"\r\n");
    }
    world.send(late, head.as_bytes());
    world.client(late).forget_received();
    world.advance(seconds(3));
    let refused = world.client(late).take_whole_response().expect("an answer");
    assert_eq!(refused.status, 408);
    assert_eq!(refused.json()["limit"], "deadlines.sign_in");
    assert_eq!(limits(&world), ["deadlines.sign_in 1"]);

    // Nobody is refused anything whose connection ends for want of a further request.
    let mut world = world_with(|config| config.deadlines.keep_alive = seconds(5));
    let idle = ask(&mut world, "192.0.2.1", &format!("{head}\r\n"));
    world.advance(seconds(6));
    assert_ne!(world.client(idle).ending(), Ending::Open);
    assert_eq!(limits(&world), [""; 0]);
}

#[test]
fn sessions_that_end_by_a_limit_are_counted_by_its_name() {
    type Case = (&'static str, &'static str, fn(&mut World, ConnectionId));
    let cases: [Case; 6] = [
        ("deadlines.first_message", "/ws/chat", |world, _| {
            world.advance(seconds(5));
        }),
        ("deadlines.idle", "/ws/chat", |world, id| {
            world.send(id, &text("{}"));
            for _ in 0..4 {
                world.advance(seconds(5));
                world.send(id, &masked(0x8A, b""));
            }
        }),
        ("deadlines.pong", "/ws/chat", |world, id| {
            world.send(id, &text("{}"));
            world.advance(seconds(18));
        }),
        ("message_bytes_max", "/ws/chat", |world, id| {
            world.send(id, &text(&"x".repeat(20_000)));
        }),
        ("echo.message_bytes_max", "/ws/echo", |world, id| {
            world.send(id, &text(&"x".repeat(20_000)));
        }),
        ("fragments_per_message_max", "/ws/chat", |world, id| {
            world.send(id, &masked(0x01, b"a"));
            for _ in 0..20 {
                world.send(id, &masked(0x00, b"long enough to be no glitch"));
            }
        }),
    ];
    for (limit, path, act) in cases {
        let mut world = roomy_with(|config| {
            config.echo.enabled = true;
            config.echo.message_bytes_max = 8192;
            config.limits.message_bytes_max = 16_384;
            config.limits.fragments_per_message_max = 16;
            config.deadlines.first_message = seconds(5);
            config.deadlines.idle = seconds(20);
            config.deadlines.ping = seconds(8);
            config.deadlines.pong = seconds(10);
        });
        let id = world.open(path, "alice", "192.0.2.1", "");
        act(&mut world, id);
        assert_eq!(limits(&world), [format!("{limit} 1")]);
    }
}

#[test]
fn requests_that_a_connection_may_not_have_more_of_are_counted() {
    let mut world = world_with(|config| config.limits.requests_per_connection_max = 3);
    let request = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let id = ask(&mut world, "192.0.2.1", &request.repeat(5));
    let answers: Vec<_> = std::iter::from_fn(|| world.client(id).take_whole_response()).collect();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[2].field("Connection"), Some("close"));
    assert_eq!(limits(&world), ["requests_per_connection_max 1"]);
    let own = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    ask(&mut world, "192.0.2.1", &format!("{request}{request}{own}"));
    assert_eq!(limits(&world), ["requests_per_connection_max 1"]);
}

#[test]
fn connections_are_counted_by_what_they_are_doing() {
    let mut world = roomy_with(|config| config.echo.enabled = true);
    world.connect("192.0.2.1").expect("room");
    world.join("alice", "192.0.2.2");
    world.join_v1("bob", "192.0.2.3");
    world.open("/ws/echo", "carol", "192.0.2.4", "");
    ask(&mut world, "192.0.2.5", &upgrade_request("/ws/chat", ""));
    let samples = samples(&world);
    let state = |name: &str| samples[&format!("wardroom_connections{{state=\"{name}\"}}")];
    assert_eq!(
        ["head", "tutorial", "v1", "echo", "closing", "ending"].map(state),
        [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    );
    assert_eq!(samples["wardroom_connections_accepted_total"], 5.0);
    assert_eq!(samples["wardroom_seats"], 2.0);
}

#[test]
fn nothing_that_a_peer_chooses_becomes_a_label() {
    let mut world = World::new(roomy());
    let id = world.join_v1("alice", "192.0.2.1");
    world.send(id, &text("nonsense"));
    world.send(id, &text(r#"{"type":"join","room":"a-room-of-my-own"}"#));
    let series = |world: &World| samples(world).into_keys().collect::<Vec<_>>();
    let before = series(&world);
    for n in 0..200 {
        let peer = format!("198.51.100.{n}");
        ask(
            &mut world,
            &peer,
            &format!("GET /strange-{n} HTTP/1.1\r\nHost: h{n}\r\n\r\n"),
        );
        let strange =
            format!("Authorization: Bearer strange-{n}\r\nOrigin: https://strange-{n}.example\r\n");
        knock(&mut world, &peer, "", &strange);
        world.join_v1(&format!("strange-{n}"), &peer);
        world.send(
            id,
            &text(&format!(r#"{{"type":"join","room":"strange-{n}"}}"#)),
        );
    }
    assert_eq!(series(&world), before);
    assert!(!world.metrics().contains("strange-"));
}

#[test]
fn a_server_is_ready_until_its_stop_while_there_is_room() {
    let mut world = world_with(|config| config.limits.connections_max = 1);
    assert_eq!(world.unready(), []);
    assert!(world.metrics().contains("\nwardroom_ready 1\n"));
    let id = world.join("alice", "192.0.2.1");
    assert_eq!(world.unready(), [Unready::Full]);
    world.hang_up(id);
    assert_eq!(world.unready(), []);
    world.stop();
    assert_eq!(world.unready(), [Unready::Stopping]);
    assert!(world.metrics().contains("\nwardroom_ready 0\n"));
}
