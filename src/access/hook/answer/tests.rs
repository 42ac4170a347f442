use super::*;
use crate::protocol::vocabulary::{Capabilities, Capability};

const JSON: Option<&str> = Some("application/json");

fn reply(body: &str) -> Answer {
    read(Reply {
        status: 200,
        content_type: JSON,
        body: body.as_bytes(),
    })
}

fn fault(body: &str) -> AnswerFault {
    match reply(body) {
        Answer::Unusable(fault) => fault,
        other => panic!("{body} was read as {other:?}"),
    }
}

#[test]
fn a_good_answer_names_the_user() {
    for (body, user, name, expires) in [
        (r#"{"user":"u1"}"#, "u1", "u1", None),
        (r#"{"user":"u1","name":"Alice"}"#, "u1", "Alice", None),
        (
            r#"{"user":"u1","name":null,"expires":null,"expires_in":null}"#,
            "u1",
            "u1",
            None,
        ),
        (
            r#"{"user":"u1","expires":1764000000}"#,
            "u1",
            "u1",
            Some(Expiry::At(Wall::from_millis(1_764_000_000_000))),
        ),
        (
            "{\"expires_in\" : 900 ,\r\n \"user\":\"\\u0075\\u0031\"}\n",
            "u1",
            "u1",
            Some(Expiry::In(Duration::from_secs(900))),
        ),
    ] {
        let expected = Answer::Known {
            identity: Identity::new(user, name, None).expect("a good name"),
            expires,
        };
        assert_eq!(reply(body), expected, "{body}");
    }
}

#[test]
fn what_is_counted_of_an_answer_is_what_came_of_it() {
    for (status, body, word) in [
        (200, r#"{"user":"u1"}"#, "known"),
        (403, "", "refused"),
        (200, "[]", "unusable"),
        (500, "", "unusable"),
    ] {
        let answer = read(Reply {
            status,
            content_type: JSON,
            body: body.as_bytes(),
        });
        assert_eq!(answer.word(), word, "{status} {body}");
    }
    assert_eq!(Answer::Silent(Silence::TooSlow).word(), "silent");
}

#[test]
fn an_answer_may_say_what_they_may_do_in_rooms() {
    let Answer::Known { identity, .. } =
        reply(r#"{"user":"u1","rooms":{"team-*":["join","send"],"audit":["read"]}}"#)
    else {
        panic!("not known");
    };
    let rooms = identity.rooms.expect("a claim");
    let joined = Capabilities::of(&[Capability::Join, Capability::Send]);
    assert_eq!(rooms.about("team-a"), Some(joined));
    assert_eq!(rooms.about("other"), None);
    let Answer::Known { identity, .. } = reply(r#"{"user":"u1","rooms":null}"#) else {
        panic!("not known");
    };
    assert_eq!(identity.rooms, None);
    for rooms in [
        "[]",
        "1",
        r#""*""#,
        r#"{"*":"join"}"#,
        r#"{"*":["Join"]}"#,
        r#"{"*":[1]}"#,
        r#"{"*":{"join":true}}"#,
        r#"{"a*b":[]}"#,
        r#"{"":[]}"#,
    ] {
        let body = format!("{{\"user\":\"u1\",\"rooms\":{rooms}}}");
        assert_eq!(fault(&body), AnswerFault::Rooms, "{body}");
    }
}

#[test]
fn an_answer_that_is_not_exactly_the_agreed_object_lets_nobody_in() {
    for (body, expected) in [
        ("", AnswerFault::Json(JsonError::Syntax)),
        ("<html>", AnswerFault::Json(JsonError::Syntax)),
        (r#"{"user":"u1""#, AnswerFault::Json(JsonError::Syntax)),
        (r#"{"user":"u1"}}"#, AnswerFault::Json(JsonError::Syntax)),
        (r#"{"user":"\ud800"}"#, AnswerFault::Json(JsonError::Syntax)),
        (r#"["u1"]"#, AnswerFault::Json(JsonError::NotAnObject)),
        ("true", AnswerFault::Json(JsonError::NotAnObject)),
        (
            r#"{"user":"u1","user":"admin"}"#,
            AnswerFault::Json(JsonError::DuplicateField),
        ),
        (
            r#"{"user":"u1","us\u0065r":"u1"}"#,
            AnswerFault::Json(JsonError::DuplicateField),
        ),
        ("{}", AnswerFault::NoUser),
        (r#"{"user":null}"#, AnswerFault::NoUser),
        (r#"{"User":"u1"}"#, AnswerFault::NoUser),
        (r#"{"user":1}"#, AnswerFault::NotAString("user")),
        (r#"{"user":["u1"]}"#, AnswerFault::NotAString("user")),
        (
            r#"{"user":"u1","name":{}}"#,
            AnswerFault::NotAString("name"),
        ),
        (
            r#"{"user":"u1","expires":"tomorrow"}"#,
            AnswerFault::NotSeconds("expires"),
        ),
        (
            r#"{"user":"u1","expires":1764000000.5}"#,
            AnswerFault::NotSeconds("expires"),
        ),
        (
            r#"{"user":"u1","expires":0}"#,
            AnswerFault::NotSeconds("expires"),
        ),
        (
            r#"{"user":"u1","expires":1764000000000}"#,
            AnswerFault::NotSeconds("expires"),
        ),
        (
            r#"{"user":"u1","expires_in":-1}"#,
            AnswerFault::NotSeconds("expires_in"),
        ),
        (
            r#"{"user":"u1","expires":1764000000,"expires_in":60}"#,
            AnswerFault::TwoExpiries,
        ),
        (r#"{"user":"u1","admin":true}"#, AnswerFault::UnknownField),
    ] {
        assert_eq!(fault(body), expected, "{body}");
    }
}

#[test]
fn a_name_that_nobody_may_have_is_a_refusal_and_no_fault_of_the_hook() {
    let long = format!(r#"{{"user":"{}"}}"#, "u".repeat(129));
    for body in [
        r#"{"user":""}"#,
        r#"{"user":" u1"}"#,
        r#"{"user":"System"}"#,
        r#"{"user":"u1","name":"Ѕystem"}"#,
        r#"{"user":"a\u0000b"}"#,
        &long,
    ] {
        assert_eq!(reply(body), Answer::Refused, "{body}");
    }
}

#[test]
fn only_200_lets_in_and_only_401_and_403_refuse() {
    for (status, expected) in [
        (401, Answer::Refused),
        (403, Answer::Refused),
        (201, Answer::Unusable(AnswerFault::Status(201))),
        (204, Answer::Unusable(AnswerFault::Status(204))),
        (302, Answer::Unusable(AnswerFault::Status(302))),
        (400, Answer::Unusable(AnswerFault::Status(400))),
        (404, Answer::Unusable(AnswerFault::Status(404))),
        (429, Answer::Unusable(AnswerFault::Status(429))),
        (500, Answer::Unusable(AnswerFault::Status(500))),
        (502, Answer::Silent(Silence::Gateway(502))),
        (503, Answer::Silent(Silence::Gateway(503))),
        (504, Answer::Silent(Silence::Gateway(504))),
    ] {
        let reply = Reply {
            status,
            content_type: JSON,
            body: br#"{"user":"u1"}"#,
        };
        assert_eq!(read(reply), expected, "{status}");
    }
}

#[test]
fn an_answer_of_another_type_or_too_long_lets_nobody_in() {
    let body = br#"{"user":"u1"}"#;
    fn read_as(content_type: Option<&str>, body: &[u8]) -> Answer {
        read(Reply {
            status: 200,
            content_type,
            body,
        })
    }
    for content_type in [
        "application/json; charset=utf-8",
        "Application/JSON ;charset=x",
    ] {
        assert!(
            matches!(read_as(Some(content_type), body), Answer::Known { .. }),
            "{content_type}"
        );
    }
    for content_type in [
        None,
        Some("text/html"),
        Some("text/plain; application/json"),
        Some(""),
    ] {
        assert_eq!(
            read_as(content_type, body),
            Answer::Unusable(AnswerFault::ContentType)
        );
    }
    let padded = |length: usize| [&body[..], &vec![b' '; length - body.len()]].concat();
    assert!(matches!(
        read_as(JSON, &padded(BODY_BYTES_MAX)),
        Answer::Known { .. }
    ));
    assert_eq!(
        read_as(JSON, &padded(BODY_BYTES_MAX + 1)),
        Answer::Unusable(AnswerFault::Length)
    );
    assert_eq!(
        read_as(JSON, b"{\"user\":\"\xff\"}"),
        Answer::Unusable(AnswerFault::Utf8)
    );
}

#[test]
fn an_expiry_in_seconds_counts_from_the_answer() {
    let now = Wall::from_millis(1_764_000_000_500);
    assert_eq!(
        Expiry::In(Duration::from_secs(60)).date(now),
        Wall::from_millis(1_764_000_060_500)
    );
    assert_eq!(
        Expiry::At(Wall::from_millis(7_000)).date(now),
        Wall::from_millis(7_000)
    );
}
