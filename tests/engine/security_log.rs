//! Lines of the security log, in virtual time: what each event says, how often, and what no line ever says.

use wardroom::config::{LogFormat, Rate, RefuseWith, Shadow};
use wardroom::simulation::{World, masked, text, upgrade_request};

use crate::{ask, knock, message, roomy, roomy_with, seconds, world, world_with};

const BAD: &str = "Authorization: Bearer bad\r\n";

/// The lines without date and name.
fn events(world: &mut World) -> Vec<String> {
    let lines = world.security_log();
    let event = |line: String| {
        let (date, event) = line
            .split_once(" wardroom security: ")
            .expect("a line's beginning");
        assert_eq!(date.len(), "2025-11-24T16:00:00.000Z".len());
        event.strip_suffix('\n').expect("one line").to_owned()
    };
    lines.into_iter().map(event).collect()
}

#[test]
fn every_event_of_a_request_says_who_where_and_why() {
    let line = |rest: &str| format!("event={rest}");
    for (request, expected) in [
        (
            upgrade_request("/ws/chat?token=bad", ""),
            "sign_in_failed address=192.0.2.1 reason=invalid_credentials path=\"/ws/chat\"",
        ),
        (
            upgrade_request("/ws/chat", "Authorization: Bearer expired\r\n"),
            "sign_in_failed address=192.0.2.1 reason=token_expired path=\"/ws/chat\"",
        ),
        (
            upgrade_request("/ws/chat?token=alice", ""),
            "signed_in address=192.0.2.1 path=\"/ws/chat\" user=\"alice\"",
        ),
        (
            upgrade_request("/ws/chat", "Origin: https://evil.example\r\n"),
            "origin_refused address=192.0.2.1 reason=\"origin not allowed\" path=\"/ws/chat\"",
        ),
        (
            format!("POST /ticket HTTP/1.1\r\nHost: a\r\n{BAD}\r\n"),
            "sign_in_failed address=192.0.2.1 reason=invalid_credentials path=\"/ticket\"",
        ),
        (
            "GET /a?b HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
            "request_refused address=192.0.2.1 code=malformed_request reason=\"a field stands twice that may stand once\" path=\"/a\"",
        ),
    ] {
        let mut world = world();
        ask(&mut world, "192.0.2.1", &request);
        assert_eq!(events(&mut world), [line(expected)]);
    }
    for request in [
        "GET /favicon.png HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut world = world();
        ask(&mut world, "192.0.2.1", request);
        assert_eq!(events(&mut world), [""; 0], "nobody's attack");
    }
}

#[test]
fn a_refusal_is_one_event_whether_it_is_told_as_a_status_or_a_close() {
    for refuse_with in [RefuseWith::Http, RefuseWith::Close] {
        let mut world = world_with(|config| {
            config.auth.refuse_with = refuse_with;
            config.limits.connections_per_user = 1;
        });
        knock(&mut world, "192.0.2.1", "", BAD);
        world.join("alice", "192.0.2.2");
        knock(
            &mut world,
            "192.0.2.3",
            "",
            "Authorization: Bearer alice\r\n",
        );
        assert_eq!(
            events(&mut world),
            [
                "event=sign_in_failed address=192.0.2.1 reason=invalid_credentials path=\"/ws/chat\"",
                "event=signed_in address=192.0.2.2 path=\"/ws/chat\" user=\"alice\"",
                "event=limited address=192.0.2.3 limit=connections_per_user scope=user path=\"/ws/chat\"",
            ]
        );
    }
}

#[test]
fn a_session_that_breaks_the_rules_is_named_with_its_user() {
    for (bytes, expected) in [
        (
            vec![0xFF, 0xFF],
            "protocol_violation address=192.0.2.1 reason=protocol_error",
        ),
        (
            masked(0x81, &[0xFF]),
            "protocol_violation address=192.0.2.1 reason=invalid_utf8",
        ),
        (
            masked(0x82, b"x"),
            "protocol_violation address=192.0.2.1 reason=binary_not_accepted",
        ),
        (
            text(&message(&"x".repeat(9000))),
            "protocol_violation address=192.0.2.1 reason=message_too_big",
        ),
        (
            masked(0x89, b"").repeat(40),
            "flood address=192.0.2.1 reason=rate_limited",
        ),
    ] {
        let mut world = world();
        let id = world.join("alice", "192.0.2.1");
        events(&mut world);
        world.send(id, &bytes);
        let expected = format!("event={expected} path=\"/ws/chat\" user=\"alice\"");
        assert_eq!(events(&mut world), [expected]);
    }
    let mut quiet = world();
    let id = quiet.join("alice", "192.0.2.1");
    events(&mut quiet);
    quiet.send(id, &masked(0x88, &[3, 232]));
    assert_eq!(
        events(&mut quiet),
        [""; 0],
        "who says goodbye is nobody's concern"
    );
}

#[test]
fn a_connection_that_never_had_a_place_is_named_and_one_that_said_nothing_is_not() {
    let mut world = world_with(|config| config.limits.plain_per_address = 1);
    world.connect("192.0.2.1").expect("room");
    world.connect("192.0.2.1").expect_err("one is the limit");
    let limited = "event=limited address=192.0.2.1 limit=plain_per_address scope=address";
    assert_eq!(events(&mut world), [limited]);
    world.advance(seconds(30));
    assert_eq!(events(&mut world), [""; 0], "browsers connect in advance");
    ask(&mut world, "192.0.2.1", "GET / HTTP/1.1\r\n");
    world.advance(seconds(30));
    let slow = "event=request_refused address=192.0.2.1 code=request_timeout limit=deadlines.head reason=\"not complete in time\"";
    assert_eq!(events(&mut world), [slow]);
}

#[test]
fn a_request_that_is_too_large_or_too_slow_is_told_with_the_limit_that_says_so() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\n";
    let long = format!("{head}X: {}", "y".repeat(2048));
    let wide = format!("{head}{}\r\n", "X: y\r\n".repeat(16));
    for (request, code, limit, reason) in [
        (
            long,
            "head_too_large",
            "head_bytes_max",
            "too many bytes or fields",
        ),
        (
            wide,
            "head_too_large",
            "head_fields_max",
            "too many bytes or fields",
        ),
        (
            head.to_owned(),
            "request_timeout",
            "deadlines.head",
            "not complete in time",
        ),
        (
            format!("{head}\r\n{head}"),
            "request_timeout",
            "deadlines.sign_in",
            "not complete in time",
        ),
    ] {
        let mut world = world_with(|config| {
            config.limits.head_bytes_max = 2048;
            config.limits.head_fields_max = 16;
            config.deadlines.head = seconds(10);
            config.deadlines.sign_in = seconds(11);
        });
        let id = world.connect("192.0.2.1").expect("room");
        world.advance(seconds(5));
        world.send(id, request.as_bytes());
        world.advance(seconds(6));
        let log = events(&mut world);
        let line = format!(
            "event=request_refused address=192.0.2.1 code={code} limit={limit} reason=\"{reason}\""
        );
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].starts_with(&line), "{log:?}");
    }
}

#[test]
fn start_and_stop_are_told() {
    let mut world = world();
    world.start();
    world.join("alice", "192.0.2.1");
    world.stop();
    let lines = events(&mut world);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        lines[0],
        format!("event=started version={version} listen=127.0.0.1:8080")
    );
    assert_eq!(
        lines.last().map(String::as_str),
        Some("event=stopped connections=1")
    );
}

#[test]
fn a_flood_of_one_kind_is_bounded_and_counted_and_hides_no_other_kind() {
    let mut world = roomy_with(|config| config.log.security_events = Rate::new(5, seconds(10)));
    let id = world.join("alice", "192.0.2.1");
    events(&mut world);
    for _ in 0..50 {
        knock(&mut world, "192.0.2.2", "", BAD);
    }
    world.send(id, &[0xFF, 0xFF]);
    let lines = events(&mut world);
    let of = |kind: &str| lines.iter().filter(|line| line.starts_with(kind)).count();
    assert_eq!(of("event=sign_in_failed"), 5);
    assert_eq!(of("event=protocol_violation"), 1);
    assert_eq!(lines.len(), 6);
    // Nobody does anything any more, and still it is told.
    world.advance(seconds(10));
    assert_eq!(
        events(&mut world),
        ["event=left_out kind=sign_in_failed count=45"]
    );
    world.advance(seconds(100));
    assert_eq!(events(&mut world), [""; 0]);
    assert!(
        world
            .metrics()
            .contains("wardroom_security_events_total{event=\"sign_in_failed\"} 50\n")
    );
    assert!(
        world
            .metrics()
            .contains("wardroom_security_events_left_out_total 45\n")
    );
    knock(&mut world, "192.0.2.2", "", BAD);
    assert_eq!(events(&mut world).len(), 1);
}

#[test]
fn a_limit_that_is_met_again_and_again_hides_no_other_limit() {
    let mut world = roomy_with(|config| {
        config.log.security_events = Rate::new(5, seconds(10));
        config.limits.messages_per_user = Rate::new(1, seconds(600));
        config.limits.connections_per_user = 1;
        config.limits.shadow =
            Shadow::of(["messages_per_user", "connections_per_user"]).expect("they can be");
    });
    let id = world.join("alice", "192.0.2.1");
    for _ in 0..50 {
        world.say(id, &message("hi"));
    }
    knock(&mut world, "192.0.2.2", "?token=alice", "");
    let lines = events(&mut world);
    let of = |limit: &str| {
        lines
            .iter()
            .filter(|line| line.contains(&format!("limit={limit} ")))
            .count()
    };
    assert_eq!(of("messages_per_user"), 5, "{lines:?}");
    assert_eq!(of("connections_per_user"), 1, "{lines:?}");
}

#[test]
fn json_lines_have_the_same_fields() {
    let mut world = world_with(|config| config.log.format = LogFormat::Json);
    knock(&mut world, "[2001:db8::1]", "", BAD);
    let lines = world.security_log().concat();
    assert_eq!(
        lines,
        "{\"time\":\"2025-11-24T16:00:00.000Z\",\"event\":\"sign_in_failed\",\"address\":\"2001:db8::1\",\
         \"reason\":\"invalid_credentials\",\"path\":\"/ws/chat\"}\n"
    );
}

#[test]
fn no_credential_and_no_message_is_in_the_security_log() {
    let mut world = World::new(roomy());
    let secret = "s3cret-s3cret";
    let id = world.open(
        "/ws/chat",
        "alice",
        "192.0.2.1",
        &format!("Cookie: chat={secret}\r\n"),
    );
    world.send(id, &text(&message(secret)));
    for request in [
        upgrade_request(&format!("/ws/chat?token={secret}@0"), ""),
        upgrade_request(&format!("/ws/chat%3ftoken={secret}"), BAD),
        upgrade_request(&format!("/ws/chat;token={secret}"), ""),
        upgrade_request(
            "/ws/chat",
            &format!("Sec-WebSocket-Protocol: wardroom.ticket.{secret}\r\n"),
        ),
        format!("GET /?{secret} HTTP/1.1\r\nHost: {secret}\r\nHost: {secret}\r\n\r\n"),
        format!("GET /#{secret} HTTP/9.9\r\nHost: a\r\n\r\n"),
        format!("{secret} / HTTP/1.1\r\n\r\n"),
    ] {
        ask(&mut world, "192.0.2.2", &request);
    }
    let log = world.security_log().concat();
    assert!(log.lines().count() > 4, "{log}");
    assert!(
        !log.replace("user=\"s3cret-s3cret\"", "").contains(secret),
        "{log}"
    );
}
