use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::protocol::command::Bounds;
use crate::protocol::head::Method;
use crate::protocol::problem::Problem;

#[test]
fn every_route_is_found_by_its_own_path_and_no_two_are_the_same() {
    let mut seen = BTreeSet::new();
    for row in &ROUTES {
        assert!(
            seen.insert((row.path, row.method == Method::Get)),
            "{}",
            row.path
        );
        let path = row.path.replace("{room}", "a%3Ab");
        let path = path.replace("{connection}", "a%3Ab");
        let found = find(row.method, &path).expect("a route");
        assert_eq!(found.operation, row.operation, "{path}");
        let expected = if path.contains("a%3Ab") { "a:b" } else { "" };
        assert_eq!(found.segment, expected);
        assert_eq!(is_open(row.path), !row.needs_key);
    }
}

#[test]
fn parameters_are_decoded_once_and_as_forms_write_them() {
    for (query, user) in [
        ("user=a%2Fb", Some("a/b")),
        ("user=a+b%2Bc", Some("a b+c")),
        ("user=%25%32%66", Some("%2f")),
        ("user=%C3%BC", Some("ü")),
        ("user=a=b", Some("a=b")),
        ("&&", None),
    ] {
        let parsed = ConnectionQuery::parse(Some(query)).expect("good");
        assert_eq!(parsed.user.as_deref(), user, "{query}");
    }
    for query in ["user=%C3", "user=%", "user=%4", "user=%zz", "User=a"] {
        let problem = ConnectionQuery::parse(Some(query)).expect_err("bad");
        assert_eq!(problem.kind().0, "invalid-field", "{query}");
    }
    let long = format!("user={}", "a".repeat(129));
    assert!(ConnectionQuery::parse(Some(&long)).is_err());
}

#[test]
fn every_action_of_the_operator_is_a_request_of_the_protocol_that_is_not_about_the_asker() {
    use crate::protocol::command::v1::COMMANDS;
    let of_asker = [
        "create", "describe", "history", "log", "edit", "seen", "knock", "resign", "transfer",
        "explain", "accept",
    ];
    for action in ACTIONS {
        assert!(
            COMMANDS.iter().any(|shape| shape.name == action),
            "{action}"
        );
        assert!(!of_asker.contains(&action), "{action}");
        let body = serde_json::json!({ "action": action, "<unknown>": 1 }).to_string();
        let problem = RoomChange::parse(body.as_bytes(), &Bounds::default()).expect_err("bad");
        assert_eq!(problem.kind().0, "invalid-field", "{action}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_reading_of_paths_queries_and_bodies(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = find(Method::Get, &text);
        let _ = ConnectionQuery::parse(Some(&text));
        let _ = Page::parse(Some(&text));
        let _ = Publish::parse(&bytes, &Bounds::default());
        let _ = Disconnect::parse(&bytes);
        let _ = TicketRequest::parse(&bytes);
        let _ = SessionRequest::parse(&bytes);
        let _ = Revoke::parse(&bytes);
        let _ = SessionQuery::parse(Some(&text));
        let _ = PeopleQuery::parse(Some(&text));
        let _ = PlaceQuery::parse(Some(&text));
        let _ = NewRoom::parse(&bytes, &Bounds::default());
        let _ = RoomChange::parse(&bytes, &Bounds::default());
    }

    #[test]
    fn what_was_percent_encoded_is_what_is_read(user in "\\PC{1,30}") {
        let encoded: String = user.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let parsed = ConnectionQuery::parse(Some(&format!("user={encoded}")));
        if user.len() <= 128 {
            prop_assert_eq!(parsed.map(|parsed| parsed.user), Ok(Some(user)));
        }
    }

    #[test]
    fn a_message_that_is_published_is_one_that_could_be_said(message in "\\PC{0,600}") {
        let body = serde_json::json!({ "message": message }).to_string();
        let send = serde_json::json!({ "type": "send", "room": "lobby", "message": message }).to_string();
        let said = crate::protocol::command::v1::parse(&send, &Bounds::default());
        let published = Publish::parse(body.as_bytes(), &Bounds::default());
        prop_assert_eq!(said.is_ok(), published.is_ok());
        if let Err(problem) = published {
            let is_about_message = matches!(problem, Problem::InvalidField { field: Some("message"), .. });
            prop_assert!(is_about_message);
        }
    }
}

#[test]
fn an_unknown_parameter_is_answered_with_those_that_there_are() {
    let detail = |found: Result<(), Problem>| match found {
        Err(Problem::InvalidField {
            field: None,
            detail,
        }) => detail.into_owned(),
        other => panic!("{other:?}"),
    };
    let unknown = ConnectionQuery::parse(Some("limit=3&User=a")).map(drop);
    assert_eq!(
        detail(unknown),
        "the parameters of this route are limit, cursor, user, room"
    );
    assert_eq!(
        detail(expect_none(Some("limit=3"))),
        "this route has no parameters"
    );
    assert_eq!(expect_none(Some("")), Ok(()));
}

#[test]
fn a_plus_in_a_path_is_a_plus() {
    let row = ROUTES.iter().find(|row| row.path.contains("{room}"));
    let row = row.expect("a route of a room");
    let path = row.path.replace("{room}", "a+b%20c");
    let found = find(row.method, &path).expect("a route");
    assert_eq!(found.segment, "a+b c");
}

#[test]
fn exactly_one_thing_is_taken_back_by_one_request() {
    let words = |body: &str| match Revoke::parse(body.as_bytes()) {
        Ok(Revoke::User(user)) => format!("user {user}"),
        Ok(Revoke::Token(token)) => format!("token {token}"),
        Ok(Revoke::Session(session)) => format!("session {session}"),
        Err(problem) => problem.kind().0.to_owned(),
    };
    for (body, expected) in [
        (r#"{"user":"a"}"#, "user a"),
        (r#"{"token_id":"b"}"#, "token b"),
        (r#"{"session":"c"}"#, "session c"),
        ("{}", "invalid-field"),
        (r#"{"user":"a","token_id":"b"}"#, "invalid-field"),
        (r#"{"user":"a","session":"c"}"#, "invalid-field"),
        (r#"{"token_id":"b","session":"c"}"#, "invalid-field"),
        (
            r#"{"user":"a","token_id":"b","session":"c"}"#,
            "invalid-field",
        ),
    ] {
        assert_eq!(words(body), expected, "{body}");
    }
}
