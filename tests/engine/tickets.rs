//! `POST /ticket`: a one-time credential, its bounds, and what it is bound to.

use wardroom::simulation::{Response, World};

use crate::{ask, knock, millis, roomy_with, seconds, world};

const ORIGIN: &str = "Origin: https://chat.example\r\n";

fn ticket_world() -> World {
    roomy_with(|config| {
        config.auth.cookie = Some("session".to_owned());
        config.origins.allow = vec![
            "https://chat.example".to_owned(),
            "https://other.example".to_owned(),
        ];
    })
}

fn post(world: &mut World, fields: &str) -> Response {
    let request = format!("POST /ticket HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n{fields}\r\n");
    let id = ask(world, "10.0.0.1", &request);
    world.client(id).take_whole_response().expect("an answer")
}

/// A ticket for `user`, asked for by a request with these field lines.
fn ticket(world: &mut World, user: &str, fields: &str) -> String {
    let response = post(world, &format!("Authorization: Bearer {user}\r\n{fields}"));
    assert_eq!(response.status, 200);
    response.json()["ticket"].as_str().expect("a ticket").into()
}

fn show(world: &mut World, ticket: &str, fields: &str) -> String {
    let offer = format!("Sec-WebSocket-Protocol: wardroom.v1, wardroom.ticket.{ticket}\r\n");
    knock(world, "10.0.0.2", "", &format!("{fields}{offer}"))
}

#[test]
fn a_ticket_opens_the_chat_once() {
    let mut world = ticket_world();
    let ticket = ticket(&mut world, "alice", ORIGIN);
    assert_eq!(show(&mut world, &ticket, ORIGIN), "in as alice");
    assert_eq!(
        show(&mut world, &ticket, ORIGIN),
        "1008 invalid credentials"
    );
}

#[test]
fn a_ticket_says_how_long_it_is_good_for_and_may_not_be_kept_by_caches() {
    let mut world = ticket_world();
    let response = post(&mut world, "Authorization: Bearer alice\r\n");
    assert_eq!(response.json()["expires_in_ms"], 30_000);
    assert_eq!(response.field("Cache-Control"), Some("no-store"));
    assert_eq!(response.field("Content-Type"), Some("application/json"));
}

#[test]
fn a_page_that_offers_nothing_but_its_ticket_speaks_the_tutorials_protocol() {
    let mut world = ticket_world();
    let ticket = ticket(&mut world, "alice", "");
    let protocol = format!("wardroom.ticket.{ticket}");
    let request = crate::chat_request("", &format!("Sec-WebSocket-Protocol: {protocol}\r\n"));
    let id = ask(&mut world, "10.0.0.1", &request);
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(
        response.field("Sec-WebSocket-Protocol"),
        Some(protocol.as_str())
    );
    assert_eq!(
        crate::lines(&world.client(id).take_notices()),
        ["System: User alice has joined the chat."]
    );
}

#[test]
fn a_ticket_is_good_for_thirty_seconds_and_not_a_millisecond_more() {
    let rows = [
        (seconds(30) - millis(1), "in as alice"),
        (seconds(30), "1008 token expired"),
        (seconds(60), "1008 token expired"),
    ];
    for (age, expected) in rows {
        let mut world = ticket_world();
        let ticket = ticket(&mut world, "alice", ORIGIN);
        world.advance(age);
        assert_eq!(show(&mut world, &ticket, ORIGIN), expected, "{age:?}");
    }
}

#[test]
fn a_ticket_is_bound_to_the_origin_it_was_asked_from() {
    const OTHER: &str = "Origin: https://other.example\r\n";
    const EVIL: &str = "Origin: https://evil.example\r\n";
    let rows = [
        (ORIGIN, ORIGIN, "in as alice"),
        (ORIGIN, OTHER, "1008 invalid credentials"),
        (ORIGIN, "", "1008 invalid credentials"),
        (ORIGIN, EVIL, "403 origin_forbidden"),
        // A back end mints for a page it does not know yet.
        ("", OTHER, "in as alice"),
        ("", "", "in as alice"),
        ("", EVIL, "403 origin_forbidden"),
    ];
    for (minted, shown, expected) in rows {
        let mut world = ticket_world();
        let ticket = ticket(&mut world, "alice", minted);
        let found = show(&mut world, &ticket, shown);
        assert_eq!(found, expected, "{minted:?} {shown:?}");
    }
}

#[test]
fn a_ticket_shown_from_the_wrong_page_is_spent() {
    let mut world = ticket_world();
    let ticket = ticket(&mut world, "alice", ORIGIN);
    show(&mut world, &ticket, "");
    assert_eq!(
        show(&mut world, &ticket, ORIGIN),
        "1008 invalid credentials"
    );
}

#[test]
fn a_ticket_does_not_outlive_the_token_it_was_given_for() {
    let mut world = ticket_world();
    let response = post(&mut world, &format!("{ORIGIN}Cookie: session=alice@10\r\n"));
    let ticket = response.json()["ticket"].as_str().expect("one").to_owned();
    world.advance(seconds(10));
    assert_eq!(show(&mut world, &ticket, ORIGIN), "1008 token expired");
}

#[test]
fn tickets_are_asked_for_as_chats_are_and_refused_by_status() {
    let bearer = "Authorization: Bearer alice\r\n";
    let rows = [
        ("bearer", bearer.to_owned(), 200, None),
        (
            "cookie",
            format!("{ORIGIN}Cookie: session=alice\r\n"),
            200,
            None,
        ),
        (
            "empty body",
            format!("{bearer}Content-Length: 0\r\n"),
            200,
            None,
        ),
        ("nothing", String::new(), 401, Some("credentials_required")),
        (
            "a bad bearer",
            "Authorization: Bearer bad\r\n".to_owned(),
            401,
            Some("invalid_credentials"),
        ),
        (
            "an expired bearer",
            "Authorization: Bearer expired\r\n".to_owned(),
            401,
            Some("token_expired"),
        ),
        (
            "a cookie without Origin",
            "Cookie: session=alice\r\n".to_owned(),
            403,
            Some("origin_forbidden"),
        ),
        (
            "a cookie from another site",
            format!("{ORIGIN}Cookie: session=alice\r\nSec-Fetch-Site: cross-site\r\n"),
            403,
            Some("origin_forbidden"),
        ),
        (
            "a ticket for a ticket",
            "Sec-WebSocket-Protocol: wardroom.ticket.AAAA\r\n".to_owned(),
            401,
            Some("credentials_required"),
        ),
        (
            "a body",
            format!("{bearer}Content-Length: 2\r\n\r\nhi"),
            400,
            Some("malformed_request"),
        ),
        (
            "a body in chunks",
            format!("{bearer}Transfer-Encoding: chunked\r\n"),
            400,
            Some("malformed_request"),
        ),
    ];
    for (name, fields, status, code) in rows {
        let response = post(&mut ticket_world(), &fields);
        assert_eq!(response.status, status, "{name}");
        assert_eq!(response.json()["code"].as_str(), code, "{name}");
    }
}

#[test]
fn tickets_outstanding_are_bounded_for_a_user_and_in_all_and_each_that_goes_makes_room() {
    type Row = (
        &'static str,
        &'static str,
        u16,
        fn(&mut wardroom::config::Config),
    );
    let rows: [Row; 2] = [
        ("tickets_per_user_max", "user", 429, |config| {
            config.auth.ticket.tickets_per_user_max = 3;
        }),
        ("tickets_max", "server", 503, |config| {
            config.auth.ticket.tickets_max = 3;
        }),
    ];
    for (limit, scope, status, change) in rows {
        let mut world = roomy_with(change);
        let tickets: Vec<_> = (0..3).map(|_| ticket(&mut world, "alice", "")).collect();
        let refused = post(&mut world, "Authorization: Bearer alice\r\n");
        assert_eq!(refused.status, status);
        assert_eq!(refused.json()["limit"], limit);
        assert_eq!(refused.json()["scope"], scope);
        assert_eq!(refused.field("Retry-After"), Some("30"));
        assert_eq!(show(&mut world, &tickets[0], ""), "in as alice");
        ticket(&mut world, "alice", "");
        world.advance(seconds(30));
        ticket(&mut world, "alice", "");
    }
}

#[test]
fn a_ticket_is_given_for_a_header_or_a_cookie_and_not_for_an_address() {
    let mut world = world();
    let request = "POST /ticket?token=alice HTTP/1.1\r\nHost: h\r\n\r\n";
    let id = ask(&mut world, "10.0.0.1", request);
    let response = world.client(id).take_whole_response().expect("an answer");
    assert_eq!(response.status, 401);
    assert_eq!(response.json()["code"], "credentials_required");
}

fn preflight(origin: &str, method: &str) -> Response {
    let mut world = ticket_world();
    let request = format!(
        "OPTIONS /ticket HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nOrigin: {origin}\r\n\
         Access-Control-Request-Method: {method}\r\nAccess-Control-Request-Headers: authorization\r\n\r\n"
    );
    let id = ask(&mut world, "10.0.0.1", &request);
    world.client(id).take_whole_response().expect("an answer")
}

#[test]
fn a_page_of_an_allowed_origin_elsewhere_may_ask_for_a_ticket_and_read_the_answer() {
    let allowed = preflight("https://chat.example", "POST");
    assert_eq!(allowed.status, 200);
    for (name, value) in [
        ("Access-Control-Allow-Origin", "https://chat.example"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "POST"),
        ("Access-Control-Allow-Headers", "Authorization"),
        ("Vary", "Origin"),
    ] {
        assert_eq!(allowed.field(name), Some(value), "{name}");
    }
    for (fields, status) in [
        ("Authorization: Bearer alice\r\n", 200),
        ("Authorization: Bearer expired\r\n", 401),
        ("", 401),
    ] {
        let response = post(&mut ticket_world(), &format!("{fields}{ORIGIN}"));
        assert_eq!(response.status, status, "{fields}");
        let readable = response.field("Access-Control-Allow-Origin");
        assert_eq!(readable, Some("https://chat.example"), "{fields}");
        assert_eq!(response.field("Vary"), Some("Origin"), "{fields}");
    }
}

#[test]
fn a_page_of_any_other_origin_may_neither_ask_for_a_ticket_nor_read_why_not() {
    for origin in [
        "https://evil.example",
        "null",
        "*",
        "https://chat.example.evil",
    ] {
        let refused = preflight(origin, "POST");
        assert_eq!(refused.status, 403, "{origin}");
        assert_eq!(
            refused.field("Access-Control-Allow-Origin"),
            None,
            "{origin}"
        );
        let fields = format!("Authorization: Bearer alice\r\nOrigin: {origin}\r\n");
        let response = post(&mut ticket_world(), &fields);
        assert_eq!(response.status, 403, "{origin}");
        assert_eq!(
            response.field("Access-Control-Allow-Origin"),
            None,
            "{origin}"
        );
    }
    assert_eq!(preflight("https://chat.example", "DELETE").status, 405);
    let twice = post(
        &mut ticket_world(),
        &format!("Authorization: Bearer alice\r\n{ORIGIN}{ORIGIN}"),
    );
    assert_eq!(twice.field("Access-Control-Allow-Origin"), None);
}

#[test]
fn what_is_not_asked_by_a_page_names_no_origin() {
    let response = post(&mut ticket_world(), "Authorization: Bearer alice\r\n");
    assert_eq!(response.status, 200);
    assert_eq!(response.field("Access-Control-Allow-Origin"), None);
}
