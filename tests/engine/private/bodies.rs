//! Requests with a body: how it is framed, how long it may be, how it arrives, and what it must hold.

use wardroom::simulation::Ending;

use super::{KEY, answer, enter, get, post, private_world, request, told};
use crate::{millis, seconds};

const PUBLISH: &str = "/api/v1/rooms/lobby/messages";

/// A POST with these field lines about its body.
fn framed(fields: &str, body: &str) -> String {
    format!(
        "POST {PUBLISH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n{fields}\r\n{body}"
    )
}

#[test]
fn a_body_that_comes_byte_by_byte_is_the_same_body() {
    let bytes = request(&format!("POST {PUBLISH}"), "", r#"{"message":"hi"}"#);
    let mut world = private_world(|_| {});
    world.read_bytes_max = 1;
    let alice = world.join("alice", "10.0.0.1");
    let id = enter(&mut world);
    for byte in bytes.as_bytes() {
        assert_eq!(world.client(id).received_bytes(), 0);
        world.send(id, &[*byte]);
        world.advance(millis(1));
    }
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(response.json()["seq"], 1);
    let heard = crate::lines(&world.client(alice).take_notices());
    assert_eq!(heard.last().map(String::as_str), Some("System: hi"));
}

#[test]
fn requests_follow_each_other_on_one_connection_however_they_are_cut() {
    let three = [
        request(&format!("POST {PUBLISH}"), "", r#"{"message":"one"}"#),
        request("GET /api/v1/rooms/lobby", "", ""),
        request(&format!("POST {PUBLISH}"), "", r#"{"message":"two"}"#),
    ];
    for size in [1, 7, 200, 100_000] {
        let mut world = private_world(|_| {});
        world.read_bytes_max = size;
        let id = enter(&mut world);
        for request in &three {
            world.send(id, request.as_bytes());
            let response = world.client(id).take_whole_response().expect("an answer");
            assert_eq!(response.status, 200);
            assert_eq!(response.field("Connection"), Some("keep-alive"));
        }
        assert_eq!(get(&mut world, "/api/v1/rooms/lobby").json()["seq"], 2);
        world.hang_up(id);
        assert_eq!(world.client(id).ending(), Ending::Closed);
    }
}

#[test]
fn one_who_does_not_read_its_answer_gets_no_third_one() {
    let mut world = private_world(|_| {});
    let id = enter(&mut world);
    let once = request("GET /api/v1/limits", "", "");
    world.send(id, once.repeat(50).as_bytes());
    let mut answers = Vec::new();
    while let Some(response) = world.client(id).take_whole_response() {
        answers.push(response.field("Connection").map(str::to_owned));
    }
    assert_eq!(answers.len(), 2, "what waits is bounded: {answers:?}");
    assert_eq!(answers[1].as_deref(), Some("close"));
}

#[test]
fn how_a_body_is_framed_decides_before_any_of_it_is_read() {
    const JSON: &str = "Content-Type: application/json\r\n";
    let rows: [(&str, String, &str, &str); 21] = [
        (
            "plain",
            format!("{JSON}Content-Length: 16\r\n"),
            r#"{"message":"hi"}"#,
            "200",
        ),
        (
            "with charset",
            "Content-Type: Application/JSON; charset=UTF-8\r\nContent-Length: 16\r\n".into(),
            r#"{"message":"hi"}"#,
            "200",
        ),
        ("no length", JSON.into(), "", "411 length-required"),
        (
            "in chunks",
            format!("{JSON}Transfer-Encoding: chunked\r\n"),
            "0\r\n\r\n",
            "411 length-required",
        ),
        (
            "in chunks and not",
            format!("{JSON}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
            "{}",
            "411 length-required",
        ),
        (
            "two lengths",
            format!("{JSON}Content-Length: 2\r\nContent-Length: 2\r\n"),
            "{}",
            "400 malformed-request",
        ),
        (
            "no number",
            format!("{JSON}Content-Length: +2\r\n"),
            "{}",
            "400 malformed-request",
        ),
        (
            "empty",
            format!("{JSON}Content-Length: 0\r\n"),
            "",
            "400 invalid-json",
        ),
        (
            "no type",
            "Content-Length: 2\r\n".into(),
            "{}",
            "415 not-json",
        ),
        (
            "a form",
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\n".into(),
            "{}",
            "415 not-json",
        ),
        (
            "text, which pages may send",
            "Content-Type: text/plain\r\nContent-Length: 2\r\n".into(),
            "{}",
            "415 not-json",
        ),
        (
            "another charset",
            "Content-Type: application/json; charset=utf-16\r\nContent-Length: 2\r\n".into(),
            "{}",
            "415 not-json",
        ),
        (
            "packed",
            format!("{JSON}Content-Encoding: gzip\r\nContent-Length: 2\r\n"),
            "{}",
            "415 not-json",
        ),
        (
            "the longest",
            format!("{JSON}Content-Length: 65536\r\n"),
            "",
            "nothing yet",
        ),
        (
            "too long",
            format!("{JSON}Content-Length: 65537\r\n"),
            "",
            "413 body-too-large",
        ),
        (
            "far too long",
            format!("{JSON}Content-Length: 18446744073709551615\r\n"),
            "",
            "413 body-too-large",
        ),
        (
            "beyond numbers",
            format!("{JSON}Content-Length: 18446744073709551616\r\n"),
            "",
            "400 malformed-request",
        ),
        (
            "a wonder",
            format!("{JSON}Content-Length: 2\r\nExpect: a-wonder\r\n"),
            "{}",
            "417 expectation-failed",
        ),
        (
            "two wonders",
            format!("{JSON}Content-Length: 2\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n"),
            "{}",
            "417 expectation-failed",
        ),
        (
            "bytes that are no text",
            format!("{JSON}Content-Length: 1\r\n"),
            "\u{0}",
            "400 invalid-json",
        ),
        (
            "two values",
            format!("{JSON}Content-Length: 4\r\n"),
            "{}{}",
            "400 invalid-json",
        ),
    ];
    for (name, fields, body, expected) in rows {
        let mut world = private_world(|_| {});
        let before = world.census();
        let id = enter(&mut world);
        world.send(id, framed(&fields, body).as_bytes());
        let response = world.client(id).take_whole_response();
        let found = response
            .as_ref()
            .map_or_else(|| "nothing yet".to_owned(), told);
        assert_eq!(found, expected, "{name}");
        world.reset(id);
        assert_eq!(world.census(), before, "{name} leaves something behind");
    }
}

#[test]
fn a_get_has_no_body() {
    let asked = request("GET /api/v1/rooms", "Content-Length: 2\r\n", "{}");
    assert_eq!(
        told(&answer(&mut private_world(|_| {}), &asked)),
        "400 malformed-request"
    );
}

#[test]
fn a_client_that_waits_to_be_told_is_told_to_go_on_only_when_its_head_is_in_order() {
    let expect = "Content-Type: application/json\r\nContent-Length: 16\r\nExpect: 100-Continue\r\n";
    let mut world = private_world(|_| {});
    let id = enter(&mut world);
    world.send(id, framed(expect, "").as_bytes());
    assert_eq!(
        world.client(id).received(),
        b"HTTP/1.1 100 Continue\r\n\r\n"
    );
    world.client(id).take_head();
    world.send(id, br#"{"message":"hi"}"#);
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(response.status, 200);

    let stranger = framed(expect, "").replace(KEY, "nobody");
    assert_eq!(told(&answer(&mut world, &stranger)), "401 key-invalid");
    let long = framed(&expect.replace("16", "99999"), "");
    assert_eq!(told(&answer(&mut world, &long)), "413 body-too-large");
}

#[test]
fn a_body_that_does_not_come_within_the_heads_deadline_is_408_though_bytes_keep_coming() {
    let mut world = private_world(|_| {});
    let id = enter(&mut world);
    let length = "Content-Type: application/json\r\nContent-Length: 1000\r\n";
    world.send(id, framed(length, "{").as_bytes());
    for _ in 0..9 {
        world.advance(seconds(1));
        world.send(id, b" ");
    }
    assert_eq!(world.client(id).received_bytes(), 0);
    world.advance(seconds(1));
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(told(&response), "408 request-timeout");
    world.advance(seconds(5));
    assert_eq!(world.census().private_connections, 0);
}

#[test]
fn a_field_that_is_wrong_is_named_and_one_that_is_unknown_is_not_repeated() {
    let rows = [
        (
            PUBLISH,
            r#"{"message":1}"#,
            "400 invalid-field",
            Some("message"),
        ),
        (PUBLISH, r#"{}"#, "400 invalid-field", Some("message")),
        (
            PUBLISH,
            r#"{"message":""}"#,
            "400 invalid-field",
            Some("message"),
        ),
        (
            PUBLISH,
            r#"{"message":" \t"}"#,
            "400 invalid-field",
            Some("message"),
        ),
        (
            PUBLISH,
            "{\"message\":\"a\\u0000\"}",
            "400 invalid-field",
            Some("message"),
        ),
        (PUBLISH, r#"{"message":"\ud800"}"#, "400 invalid-json", None),
        (
            PUBLISH,
            r#"{"message":"a","message":"b"}"#,
            "400 invalid-json",
            None,
        ),
        (
            PUBLISH,
            r#"{"message":"a","as":{"user":"b","user":"c"}}"#,
            "400 invalid-json",
            None,
        ),
        (PUBLISH, r#"["message"]"#, "400 invalid-json", None),
        (
            PUBLISH,
            r#"{"message":"a","as":"bob"}"#,
            "400 invalid-field",
            Some("as"),
        ),
        (
            PUBLISH,
            r#"{"message":"a","as":null}"#,
            "400 invalid-field",
            Some("as"),
        ),
        (
            PUBLISH,
            r#"{"message":"a","as":{}}"#,
            "400 invalid-field",
            Some("user"),
        ),
        (
            PUBLISH,
            r#"{"message":"a","as":{"user":""}}"#,
            "400 invalid-field",
            Some("user"),
        ),
        (
            PUBLISH,
            r#"{"message":"a","as":{"user":"a\u200bb"}}"#,
            "400 invalid-field",
            Some("user"),
        ),
        (
            PUBLISH,
            r#"{"message":"a","as":{"user":"System"}}"#,
            "400 invalid-field",
            Some("name"),
        ),
        (
            PUBLISH,
            r#"{"message":"a","as":{"user":"u","name":"5ystem"}}"#,
            "400 invalid-field",
            Some("name"),
        ),
        (
            PUBLISH,
            r#"{"message":"a","as":{"user":"u","role":"x"}}"#,
            "400 invalid-field",
            None,
        ),
        (
            PUBLISH,
            r#"{"message":"a","<evil>":1}"#,
            "400 invalid-field",
            None,
        ),
        (
            "/api/v1/rooms/nowhere/messages",
            r#"{"message":"a"}"#,
            "404 unknown-room",
            None,
        ),
        (
            "/api/v1/rooms/lobby/messages?x=1",
            r#"{"message":"a"}"#,
            "400 invalid-field",
            None,
        ),
        (
            "/api/v1/disconnect",
            r#"{"user":1}"#,
            "400 invalid-field",
            Some("user"),
        ),
        (
            "/api/v1/disconnect",
            r#"{"user":"a","reason":""}"#,
            "400 invalid-field",
            Some("reason"),
        ),
        (
            "/api/v1/disconnect",
            r#"{"user":"a","reason":"a\nb"}"#,
            "400 invalid-field",
            Some("reason"),
        ),
        (
            "/api/v1/pardons",
            r#"{"address":"10.0.0.0/24"}"#,
            "400 invalid-field",
            Some("address"),
        ),
        (
            "/api/v1/pardons",
            r#"{"address":7}"#,
            "400 invalid-field",
            Some("address"),
        ),
        (
            "/api/v1/pardons",
            r#"{"address":"10.0.0.1","for":1}"#,
            "400 invalid-field",
            None,
        ),
        (
            "/api/v1/tickets",
            r#"{"name":"A"}"#,
            "400 invalid-field",
            Some("user"),
        ),
        (
            "/api/v1/tickets",
            r#"{"user":"a","origin":"https://evil.example"}"#,
            "400 invalid-field",
            Some("origin"),
        ),
        (
            "/api/v1/tickets",
            r#"{"user":"a","origin":7}"#,
            "400 invalid-field",
            Some("origin"),
        ),
    ];
    for (path, body, expected, field) in rows {
        let response = post(&mut private_world(|_| {}), path, body);
        assert_eq!(told(&response), expected, "{body}");
        assert_eq!(response.json()["field"].as_str(), field, "{body}");
        assert!(!response.body.contains("evil"), "{body}: {}", response.body);
    }
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(501));
    let response = post(&mut private_world(|_| {}), PUBLISH, &long);
    assert_eq!(response.json()["field"], "message");
    let exact = format!(r#"{{"message":"{}"}}"#, "\u{1F600}".repeat(500));
    assert_eq!(
        post(&mut private_world(|_| {}), PUBLISH, &exact).status,
        200
    );
    let reason = format!(r#"{{"user":"a","reason":"{}"}}"#, "x".repeat(124));
    let response = post(&mut private_world(|_| {}), "/api/v1/disconnect", &reason);
    assert_eq!(response.json()["field"], "reason");
}

#[test]
fn methods_that_a_route_does_not_have_are_405_and_it_says_which_it_has() {
    for (line, allow) in [
        ("DELETE /api/v1/rooms", "GET, HEAD, POST"),
        ("POST /api/v1/connections", "GET, HEAD"),
        ("POST /metrics", "GET, HEAD"),
        ("GET /api/v1/disconnect", "POST"),
        ("HEAD /api/v1/tickets", "POST"),
        ("DELETE /api/v1/rooms/lobby", "GET, HEAD"),
        ("OPTIONS /api/v1/rooms/lobby/messages", "GET, HEAD, POST"),
        ("GET /api/v1/rooms/lobby/changes", "POST"),
    ] {
        let mut world = private_world(|_| {});
        let id = enter(&mut world);
        world.send(id, request(line, "", "{}").as_bytes());
        let response = match line.starts_with("HEAD") {
            true => world.client(id).take_head(),
            false => world.client(id).take_whole_response(),
        };
        let response = response.expect("an answer");
        assert_eq!(response.status, 405, "{line}");
        assert_eq!(response.field("Allow"), Some(allow), "{line}");
    }
}
