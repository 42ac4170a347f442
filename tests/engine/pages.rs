//! Plain HTTP beside the WebSocket: routes, methods, keep-alive, and what becomes of bytes after a head.

use wardroom::simulation::{Ending, World, text, upgrade_request};

use crate::{ask, closed, lines, message, millis, roomy_with, world};

fn request(method: &str, path: &str, fields: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n{fields}\r\n")
}

#[test]
fn every_route_answers_its_methods_and_names_them_to_the_others() {
    let rows = [
        ("GET", "/", 200, None),
        ("GET", "/messages.css", 200, None),
        ("GET", "/healthz", 200, None),
        ("GET", "/healthz?x=1", 200, None),
        ("POST", "/", 405, Some("GET, HEAD")),
        ("POST", "/healthz", 405, Some("GET, HEAD")),
        ("OPTIONS", "/app.js", 405, Some("GET, HEAD")),
        ("GET", "/ticket", 405, Some("POST, OPTIONS")),
        ("HEAD", "/ticket", 405, Some("POST, OPTIONS")),
        ("POST", "/ws/chat", 405, Some("GET")),
        ("HEAD", "/ws/chat", 405, Some("GET")),
        ("GET", "/ws/chat", 426, None),
        ("GET", "/nowhere", 404, None),
        ("POST", "/nowhere", 404, None),
        ("GET", "/healthz/", 404, None),
        ("GET", "/%68ealthz", 404, None),
        ("GET", "/ws/echo", 404, None),
        ("get", "/", 405, Some("GET, HEAD")),
    ];
    for (method, path, status, allow) in rows {
        let mut world = world();
        let id = ask(&mut world, "10.0.0.1", &request(method, path, ""));
        let response = world.client(id).take_head().expect("an answer");
        assert_eq!(response.status, status, "{method} {path}");
        assert_eq!(response.field("Allow"), allow, "{method} {path}");
        let kept = response.field("Connection") == Some("keep-alive");
        assert_eq!(kept, status == 200, "{method} {path}");
        let ending = if kept {
            Ending::Open
        } else {
            Ending::HalfClosed
        };
        assert_eq!(world.client(id).ending(), ending, "{method} {path}");
    }
}

#[test]
fn what_is_no_good_upgrade_names_what_would_be() {
    let good = upgrade_request("/ws/chat?token=alice", "");
    let rows = [
        ("version 13", "version: 13", 101),
        (
            "Sec-WebSocket-Version: 13\r\n",
            "Sec-WebSocket-Version: 8\r\n",
            426,
        ),
        ("Sec-WebSocket-Version: 13\r\n", "", 426),
        ("Upgrade: websocket\r\n", "", 426),
        ("Connection: Upgrade\r\n", "", 426),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ==", 400),
        ("Host: 127.0.0.1:8080\r\n", "", 400),
        ("HTTP/1.1", "HTTP/1.0", 400),
    ];
    for (from, to, status) in rows {
        let mut world = world();
        let id = ask(&mut world, "10.0.0.1", &good.replace(from, to));
        let response = world.client(id).take_head().expect("an answer");
        assert_eq!(response.status, status, "{from:?} {to:?}");
        if status == 426 {
            assert_eq!(response.field("Sec-WebSocket-Version"), Some("13"));
            assert_eq!(response.field("Upgrade"), Some("websocket"));
        }
    }
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    for path in ["/", "/messages.css", "/healthz", "/nowhere"] {
        let mut world = world();
        let got = ask(&mut world, "10.0.0.1", &request("GET", path, ""));
        let headed = ask(&mut world, "10.0.0.1", &request("HEAD", path, ""));
        let response = world.client(got).take_whole_response().expect("an answer");
        assert!(!response.body.is_empty());
        assert_eq!(world.client(headed).received(), response.head.as_bytes());
    }
}

#[test]
fn the_page_is_strict_about_what_it_may_load() {
    let mut world = world();
    let id = ask(&mut world, "10.0.0.1", &request("GET", "/", ""));
    let response = world.client(id).take_whole_response().expect("the page");
    let policy = response.field("Content-Security-Policy").unwrap_or("");
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
    assert_eq!(response.field("X-Content-Type-Options"), Some("nosniff"));
    assert!(response.body.contains("<!doctype html>") || response.body.contains("<!DOCTYPE html>"));
}

#[test]
fn a_body_where_none_belongs_is_refused() {
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/healthz"),
        ("POST", "/ticket"),
        ("GET", "/ws/chat"),
    ] {
        let mut world = world();
        let fields = "Authorization: Bearer alice\r\nContent-Length: 2\r\n";
        let id = ask(
            &mut world,
            "10.0.0.1",
            &format!("{}hi", request(method, path, fields)),
        );
        let response = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(response.status, 400, "{path}");
        assert_eq!(
            world.client(id).take_whole_response(),
            None,
            "the body is no request"
        );
    }
}

#[test]
fn requests_in_one_go_are_answered_in_order_and_an_upgrade_may_be_the_last() {
    for read_bytes_max in [1, 2, 3, 7, 65_536] {
        let mut world = world();
        world.read_bytes_max = read_bytes_max;
        let requests = [
            request("GET", "/healthz", ""),
            request("GET", "/layout.css", ""),
            request("GET", "/healthz", ""),
            upgrade_request("/ws/chat?token=alice", ""),
        ];
        let mut bytes = requests.concat().into_bytes();
        bytes.extend(text(&message("early")));
        let id = world.connect("10.0.0.1").expect("room");
        world.send(id, &bytes);
        for expected in [3, 8_000, 3] {
            let (status, body) = world.client(id).take_response().expect("an answer");
            assert_eq!(status, 200);
            assert!(body.len() >= expected);
        }
        assert_eq!(world.client(id).take_head().map(|r| r.status), Some(101));
        assert_eq!(
            lines(&world.client(id).take_notices()),
            ["System: User alice has joined the chat.", "alice: early"]
        );
    }
}

#[test]
fn early_frames_keep_the_rules_of_frames() {
    let mut world = world();
    let mut bytes = upgrade_request("/ws/chat?token=alice", "").into_bytes();
    bytes.extend(b"\x81\x02hi");
    let id = world.connect("10.0.0.1").expect("room");
    world.send(id, &bytes);
    assert_eq!(world.client(id).take_head().map(|r| r.status), Some(101));
    assert_eq!(
        closed(&mut world, id),
        Some((1002, "protocol error".to_owned()))
    );
}

#[test]
fn nothing_is_answered_after_a_refusal_or_after_connection_close() {
    let rows = [
        request("GET", "/nowhere", ""),
        request("GET", "/healthz", "Connection: close\r\n"),
        "nonsense\r\n\r\n".to_owned(),
    ];
    for first in rows {
        let mut world = world();
        let both = format!("{first}{}", request("GET", "/healthz", ""));
        let id = ask(&mut world, "10.0.0.1", &both);
        let response = world.client(id).take_whole_response().expect("an answer");
        assert_eq!(response.field("Connection"), Some("close"));
        assert_eq!(world.client(id).take_whole_response(), None, "{first}");
        assert_eq!(world.client(id).ending(), Ending::HalfClosed);
        world.advance(millis(500));
        assert_eq!(world.client(id).ending(), Ending::Closed);
    }
}

fn answers(world: &mut World, id: wardroom::id::ConnectionId) -> Vec<Option<String>> {
    std::iter::from_fn(|| world.client(id).take_whole_response())
        .map(|response| response.field("Connection").map(str::to_owned))
        .collect()
}

#[test]
fn a_connection_serves_so_many_requests_and_says_which_is_the_last() {
    let mut world = roomy_with(|config| config.limits.requests_per_connection_max = 3);
    let id = ask(
        &mut world,
        "10.0.0.1",
        &request("GET", "/healthz", "").repeat(9),
    );
    let keep = Some("keep-alive".to_owned());
    let expected = [keep.clone(), keep, Some("close".to_owned())];
    assert_eq!(answers(&mut world, id), expected);
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);
}

#[test]
fn a_client_that_asks_and_does_not_read_costs_two_pages_and_no_more() {
    let mut world = world();
    let id = world.connect("10.0.0.1").expect("room");
    world.client(id).set_window(0);
    world.send(id, request("GET", "/app.js", "").repeat(90).as_bytes());
    let waiting = world.census().outbound_bytes;
    assert!((16_384..40_000).contains(&waiting), "{waiting} bytes wait");
    world.client(id).set_window(usize::MAX);
    world.settle();
    let answers = answers(&mut world, id);
    assert_eq!(answers.last(), Some(&Some("close".to_owned())));
    assert_eq!(world.client(id).ending(), Ending::HalfClosed);
}

#[test]
fn whoever_half_closes_after_the_request_still_gets_the_answer() {
    let mut world = world();
    let id = world.connect("10.0.0.1").expect("room");
    world.client(id).set_window(10);
    world.send(id, request("GET", "/", "").as_bytes());
    world.hang_up(id);
    assert_eq!(world.client(id).ending(), Ending::Open);
    world.client(id).set_window(usize::MAX);
    world.settle();
    assert_eq!(world.client(id).take_response().map(|r| r.0), Some(200));
    assert_eq!(world.client(id).ending(), Ending::Closed);
}
