//! `json.txt` as messages of both protocols, through the WebSocket layer.

use wardroom::protocol::command::{Bounds, tutorial, v1};
use wardroom::protocol::outbox::Outbox;
use wardroom::protocol::websocket::{Incoming, WebSocket};
use wardroom::simulation::masked;

use super::read::{Case, cases};

const FILE: &str = include_str!("json.txt");
/// Far more than the server takes by default: what is looked at is the reader, not the bound on messages.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

type Protocol = fn(&str) -> String;

fn in_v1(text: &str) -> String {
    match v1::parse(text, &Bounds::default()) {
        Ok(_) => "accepted".to_owned(),
        Err(refused) => refused.error.code().to_owned(),
    }
}

fn in_tutorial(text: &str) -> String {
    match tutorial::parse(text, &Bounds::default()) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

/// What a client is told that sends these bytes as one text message.
fn said_to(bytes: &[u8], protocol: Protocol) -> String {
    let mut websocket = WebSocket::new(MESSAGE_BYTES_MAX);
    let mut outbox = Outbox::default();
    let frame = masked(0x81, bytes);
    let mut rest = &frame[..];
    while !rest.is_empty() {
        let read = websocket.measure(rest).and_then(|measured| {
            let (now, later) = rest.split_at(measured.taken);
            rest = later;
            websocket.read(now, &mut outbox)
        });
        match read {
            Ok(Some(Incoming::Text(text))) => return protocol(text.as_str()),
            Ok(Some(_)) => panic!("something else than a text"),
            Ok(None) => {}
            Err(reason) => return reason.code().to_string(),
        }
    }
    panic!("no message came")
}

fn as_field(before: &str, bytes: &[u8]) -> Vec<u8> {
    [before.as_bytes(), bytes, b"}"].concat()
}

fn all() -> Vec<Case<3>> {
    let all = cases(FILE);
    assert!(all.len() >= 400, "{} cases", all.len());
    all
}

#[test]
fn a_text_in_a_field_that_nobody_knows_has_the_documented_verdict_in_both_protocols() {
    for Case { words, bytes } in all() {
        let [_, name, verdict] = words;
        let ignored = as_field(r#"{"message":"hi","x":"#, &bytes);
        assert_eq!(said_to(&ignored, in_tutorial), verdict, "{name}");
        // What is JSON is read to its end, and then complained of because there is no such field.
        let unknown = as_field(r#"{"type":"ping","x":"#, &bytes);
        let expected = match verdict {
            "accepted" => "unknown_field",
            other => other,
        };
        assert_eq!(said_to(&unknown, in_v1), expected, "{name}");
    }
}

#[test]
fn a_text_that_is_the_whole_message_has_the_documented_verdict() {
    for Case { words, bytes } in all() {
        let [_, name, verdict] = words;
        let is_object = bytes.trim_ascii_start().starts_with(b"{");
        let (v1, tutorial) = match verdict {
            "accepted" if is_object => ("missing_type", "message_empty"),
            // Alone it is nested one less deep than in a field, and no object: read all the same.
            "accepted" => ("not_an_object", "not_an_object"),
            "too_deep" if name.ends_with("one-deeper") && is_object => {
                ("missing_type", "message_empty")
            }
            "too_deep" if name.ends_with("one-deeper") => ("not_an_object", "not_an_object"),
            "too_many_fields" | "duplicate_field" if !is_object => {
                ("not_an_object", "not_an_object")
            }
            other => (other, other),
        };
        assert_eq!(said_to(&bytes, in_v1), v1, "{name}");
        assert_eq!(said_to(&bytes, in_tutorial), tutorial, "{name}");
    }
}

#[test]
fn what_every_reader_must_take_is_taken_and_what_none_may_take_is_not() {
    let (mut taken, mut refused, mut decided) = (0, 0, 0);
    for Case { words, .. } in all() {
        let [class, name, verdict] = words;
        match class {
            "y" => {
                assert_eq!(verdict, "accepted", "{name}");
                taken += 1;
            }
            "n" => {
                assert_ne!(verdict, "accepted", "{name}");
                refused += 1;
            }
            "i" => decided += 1,
            other => panic!("{name} is of class {other:?}"),
        }
    }
    let page = include_str!("../../docs/json.md");
    let counts = format!("{taken} of class `y`, {refused} of class `n`, {decided} of class `i`");
    assert!(page.contains(&counts), "the page does not say: {counts}");
}

#[test]
fn every_decision_of_ours_has_its_reason_in_the_document() {
    let page = include_str!("../../docs/json.md");
    for Case { words, .. } in all() {
        let [class, name, verdict] = words;
        if class == "i" {
            let row = page
                .lines()
                .find(|line| line.contains(&format!("`{name}`")));
            let row = row.unwrap_or_else(|| panic!("{name} is not in docs/json.md"));
            assert!(row.contains(&format!("| `{verdict}` |")), "{name}: {row}");
        }
    }
}

/// A value of `id`, and what the reply repeats; `None`: refused.
const IDS: [(&str, Option<v1::RequestId<'static>>); 25] = [
    ("0", Some(v1::RequestId::Integer(0))),
    ("-1", Some(v1::RequestId::Integer(-1))),
    (
        "9007199254740993",
        Some(v1::RequestId::Integer(9_007_199_254_740_993)),
    ),
    (
        "9223372036854775807",
        Some(v1::RequestId::Integer(i64::MAX)),
    ),
    (
        "-9223372036854775808",
        Some(v1::RequestId::Integer(i64::MIN)),
    ),
    ("9223372036854775808", None),
    ("-9223372036854775809", None),
    ("18446744073709551615", None),
    ("18446744073709551616", None),
    ("100000000000000000000000", None),
    ("-0", None),
    ("0.0", None),
    ("1.0", None),
    ("1e0", None),
    ("1E2", None),
    ("1e-400", None),
    ("null", None),
    ("true", None),
    ("[1]", None),
    ("{}", None),
    (r#""""#, Some(text(""))),
    (r#""1""#, Some(text("1"))),
    (r#""\u0000""#, Some(text("\0"))),
    (r#""\ud83d\ude00""#, Some(text("\u{1f600}"))),
    (r#""\uffff""#, Some(text("\u{ffff}"))),
];

const fn text(text: &'static str) -> v1::RequestId<'static> {
    v1::RequestId::Text(std::borrow::Cow::Borrowed(text))
}

#[test]
fn an_id_is_repeated_exactly_or_refused() {
    for (value, expected) in IDS {
        let request = format!(r#"{{"type":"ping","id":{value}}}"#);
        let read = v1::parse(&request, &Bounds::default());
        match (read, expected) {
            (Ok(request), Some(id)) => assert_eq!(request.id, Some(id), "{value}"),
            (Err(refused), None) => {
                assert_eq!(refused.error.code(), "invalid_id", "{value}");
                assert_eq!(refused.id, None, "{value}");
            }
            (read, expected) => panic!("{value}: {read:?} instead of {expected:?}"),
        }
    }
}
