use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::protocol::command::rooms::REASON_BYTES_MAX;

mod rooms;

fn v1(text: &str) -> Result<Request<'_>, Refused<'_>> {
    parse(text, &Bounds::default())
}

fn error(text: &str) -> CommandError {
    v1(text).expect_err(text).error
}

fn send(message: &str) -> String {
    json!({"type": "send", "room": "lobby", "message": message}).to_string()
}

#[test]
fn every_command_is_read() {
    let room = || Cow::Borrowed("a.b:c_d-E9");
    let table = [
        (
            r#"{"type":"send","room":"a.b:c_d-E9","message":"hi"}"#,
            Command::Send {
                room: room(),
                said: Said::Message("hi".into()),
                key: None,
            },
        ),
        (
            r#"{"room":"a.b:c_d-E9","type":"join"}"#,
            Command::Join {
                room: room(),
                since: None,
            },
        ),
        (
            r#"{"type":"leave","room":"a.b:c_d-E9"}"#,
            Command::Leave { room: room() },
        ),
        (
            r#"{"type":"members","room":"a.b:c_d-E9"}"#,
            Command::Members { room: room() },
        ),
        (
            r#"{"type":"typing","room":"a.b\u003ac_d-E9"}"#,
            Command::Typing { room: room() },
        ),
        (r#" {"t\u0079pe":"pin\u0067"} "#, Command::Ping),
    ];
    for (text, command) in table {
        assert_eq!(v1(text), Ok(Request { id: None, command }), "{text}");
    }
}

/// Something that this field takes in this command.
fn sample(kind: &str, field: Field) -> Value {
    match field {
        Field::Archived | Field::Ephemeral | Field::Locked => json!(true),
        Field::Kind => json!("members"),
        Field::JoinRule => json!("knock"),
        Field::Affiliation => json!("moderator"),
        Field::After if kind == "rooms" => json!("general"),
        Field::Room | Field::Message | Field::Token | Field::Key | Field::User => json!("x"),
        Field::Reason | Field::Name | Field::Topic => json!("words"),
        Field::Body => json!("eA"),
        _ => json!(7),
    }
}

/// Fields of which a command takes one only.
fn excludes(field: Field) -> Option<Field> {
    match field {
        Field::Body => Some(Field::Message),
        Field::Before => Some(Field::After),
        _ => None,
    }
}

#[test]
fn the_table_of_commands_is_what_the_parser_takes() {
    for shape in COMMANDS {
        let mut object = serde_json::Map::new();
        object.insert("type".into(), shape.name.into());
        let text =
            |object: &serde_json::Map<String, Value>| Value::Object(object.clone()).to_string();
        for field in shape.required {
            let missing = error(&text(&object));
            assert_eq!(missing, CommandError::MissingField(*field), "{object:?}");
            object.insert(field.name().into(), json!([]));
            let mistyped = error(&text(&object));
            assert_eq!(mistyped, CommandError::WrongType(*field), "{object:?}");
            object.insert(field.name().into(), sample(shape.name, *field));
        }
        assert!(v1(&text(&object)).is_ok(), "{object:?}");
        for field in shape.optional {
            let mut with = object.clone();
            if let Some(other) = excludes(*field) {
                with.insert(other.name().into(), sample(shape.name, other));
                with.insert(field.name().into(), sample(shape.name, *field));
                let both = error(&text(&with));
                assert_eq!(both, CommandError::ConflictingFields(*field), "{with:?}");
                with.remove(other.name());
            }
            with.insert(field.name().into(), Value::Null);
            assert_eq!(error(&text(&with)), CommandError::WrongType(*field));
            with.insert(field.name().into(), sample(shape.name, *field));
            assert!(v1(&text(&with)).is_ok(), "{with:?}");
        }
        for field in Field::ALL {
            let is_common = matches!(field, Field::Type | Field::Id);
            if !is_common && !shape.required.contains(field) && !shape.optional.contains(field) {
                let mut with = object.clone();
                with.insert(field.name().into(), sample(shape.name, *field));
                let unknown = error(&text(&with));
                assert_eq!(
                    unknown,
                    CommandError::UnknownField(Some(*field)),
                    "{with:?}"
                );
            }
        }
    }
}

#[test]
fn every_shape_that_is_no_command_has_its_code_and_field() {
    let table = [
        ("", "invalid_json", None),
        ("hi", "invalid_json", None),
        (r#"{"type":"ping"}{"type":"ping"}"#, "invalid_json", None),
        (r#"{"type":"ping","x":"\ud800"}"#, "invalid_json", None),
        (r#"{"type":"nope","id":[1e999]}"#, "invalid_json", None),
        (
            r#"{"x":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"#,
            "too_deep",
            None,
        ),
        (r#"[{"type":"ping"}]"#, "not_an_object", None),
        (r#""ping""#, "not_an_object", None),
        ("{}", "missing_type", Some("type")),
        (r#"{"id":1,"room":"a"}"#, "missing_type", Some("type")),
        (r#"{"Type":"ping"}"#, "missing_type", Some("type")),
        (r#"{"typ":"ping"}"#, "missing_type", Some("type")),
        (r#"{"type":null}"#, "wrong_type", Some("type")),
        (r#"{"type":1}"#, "wrong_type", Some("type")),
        (r#"{"type":["ping"]}"#, "wrong_type", Some("type")),
        (r#"{"type":""}"#, "unknown_type", Some("type")),
        (r#"{"type":"PING"}"#, "unknown_type", Some("type")),
        (r#"{"type":"ping "}"#, "unknown_type", Some("type")),
        (r#"{"type":"pin"}"#, "unknown_type", Some("type")),
        (r#"{"type":"message"}"#, "unknown_type", Some("type")),
        (r#"{"type":"ping","x":1}"#, "unknown_field", None),
        (r#"{"type":"ping","ID":1}"#, "unknown_field", None),
        (r#"{"type":"ping","<script>":1}"#, "unknown_field", None),
        (
            r#"{"type":"join","room":"a","message":"b"}"#,
            "unknown_field",
            Some("message"),
        ),
        (
            r#"{"type":"send","roo":"a","message":"b"}"#,
            "missing_field",
            Some("room"),
        ),
        (
            r#"{"type":"send","room":"a"}"#,
            "missing_field",
            Some("message"),
        ),
        (r#"{"type":"join","room":null}"#, "wrong_type", Some("room")),
        (
            r#"{"type":"join","room":["a"]}"#,
            "wrong_type",
            Some("room"),
        ),
        (
            r#"{"type":"send","room":"a","message":{"a":"b"}}"#,
            "wrong_type",
            Some("message"),
        ),
        (r#"{"type":"join","room":""}"#, "invalid_room", Some("room")),
        (
            r#"{"type":"send","room":"a","message":" \n\t"}"#,
            "message_empty",
            Some("message"),
        ),
        (
            r#"{"type":"send","room":"a","message":"\u0000"}"#,
            "invalid_characters",
            Some("message"),
        ),
        (
            r#"{"type":"ping","type":"ping"}"#,
            "duplicate_field",
            Some("type"),
        ),
        (
            r#"{"type":"ping","t\u0079pe":"x"}"#,
            "duplicate_field",
            Some("type"),
        ),
        (r#"{"type":"ping","x":1,"x":1}"#, "duplicate_field", None),
        (
            r#"{"type":"ping","x":{"type":1,"type":1}}"#,
            "duplicate_field",
            None,
        ),
        (
            r#"{"type":"ping","id":1,"id":1}"#,
            "duplicate_field",
            Some("id"),
        ),
    ];
    for (text, code, field) in table {
        let error = error(text);
        assert_eq!((error.code(), error.field()), (code, field), "{text}");
    }
    let many: Vec<_> = (0..100_000).map(|n| format!("\"{n}\":0")).collect();
    let many = format!("{{\"type\":\"ping\",{}}}", many.join(","));
    assert_eq!(error(&many), CommandError::TooManyFields);
    let long = "x".repeat(501);
    assert_eq!(
        error(&send(&long)),
        CommandError::MessageTooLong {
            characters_max: 500
        }
    );
}

#[test]
fn ids_are_given_back_exactly() {
    let text = |id: &str| format!("{{\"id\":{id},\"type\":\"ping\"}}");
    for id in [0, 1, -1, i64::MAX, i64::MIN] {
        let text = text(&id.to_string());
        assert_eq!(v1(&text).unwrap().id, Some(RequestId::Integer(id)));
    }
    for id in ["", "a", "0", "\u{1f600}\n\0\u{202e}\"\\", &"x".repeat(64)] {
        let text = text(&json!(id).to_string());
        assert_eq!(v1(&text).unwrap().id, Some(RequestId::Text(id.into())));
    }
}

#[test]
fn an_id_of_another_shape_is_refused() {
    let long = format!("\"{}\"", "x".repeat(65));
    let long_in_bytes = format!("\"{}\"", "\u{e9}".repeat(33));
    for id in [
        "null",
        "true",
        "[1]",
        "{}",
        "1.0",
        "1.5",
        "-0",
        "1e3",
        "9223372036854775808",
        "-9223372036854775809",
        "1000000000000000000000000000000000000000",
        &long,
        &long_in_bytes,
    ] {
        let text = format!("{{\"type\":\"nope\",\"id\":{id}}}");
        let expected = Refused {
            id: None,
            error: CommandError::InvalidId,
        };
        assert_eq!(v1(&text), Err(expected), "{id}");
    }
}

#[test]
fn a_refusal_carries_the_id_when_it_is_beyond_doubt() {
    let seven = Some(RequestId::Integer(7));
    let table = [
        (r#"{"id":7}"#, seven.clone()),
        (r#"{"id":7,"type":1}"#, seven.clone()),
        (r#"{"id":7,"type":"nope"}"#, seven.clone()),
        (r#"{"id":7,"type":"join"}"#, seven.clone()),
        (r#"{"type":"join","room":"!","id":7}"#, seven.clone()),
        (r#"{"type":"ping","x":1,"id":7}"#, seven.clone()),
        (r#"{"type":"ping","type":"ping","id":7}"#, seven.clone()),
        (r#"{"x":{"a":1,"a":1},"id":7}"#, seven),
        (r#"{"type":"ping","id":7,"id":7}"#, None),
        (r#"{"a":1,"a":1,"id":7,"id":8}"#, None),
        (r#"{"a":1,"a":1,"id":null}"#, None),
        (r#"{"id":7,"type":"ping""#, None),
        (r#"{"id":7,"x":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"#, None),
        (r#"[{"id":7}]"#, None),
    ];
    for (text, id) in table {
        assert_eq!(v1(text).expect_err(text).id, id, "{text}");
    }
}

/// Requests that are right, or nearly.
fn nearly_a_request() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        4 => prop::sample::select(vec!["type", "id", "room", "message", "room_id"]).prop_map(str::to_owned),
        // Never `key`, of which the plain reference below knows nothing.
        1 => "[a-j]{0,3}",
    ];
    let value = prop_oneof![
        3 => prop::sample::select(vec!["send", "join", "leave", "members", "typing", "ping", "lobby"])
            .prop_map(Value::from),
        2 => any::<String>().prop_map(Value::from),
        1 => "[A-Za-z0-9_.:\\- ]{0,66}".prop_map(Value::from),
        1 => "\\PC{0,80}".prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!([{}])),
    ];
    let kind = prop::sample::select(vec!["send", "join", "leave", "members", "typing", "ping"]);
    (
        prop::option::weighted(0.8, kind),
        prop::option::weighted(0.8, "[a-z]{0,4}"),
        prop::option::weighted(0.6, "\\PC{0,8}"),
        prop::collection::btree_map(name, value, 0..3),
    )
        .prop_map(|(kind, room, message, more)| {
            let mut object = serde_json::Map::from_iter(more);
            for (name, value) in [("room", room), ("message", message)] {
                if let Some(value) = value {
                    object.insert(name.into(), value.into());
                }
            }
            if let Some(kind) = kind {
                object.insert("type".into(), kind.into());
            }
            Value::Object(object).to_string()
        })
}

/// Slow and plain: the code of a text that is one JSON object without duplicates.
fn reference(object: &serde_json::Map<String, Value>) -> Result<(), &'static str> {
    let id_is_fine = match object.get("id") {
        None => true,
        Some(Value::String(id)) => id.len() <= 64,
        Some(id) => id.is_i64(),
    };
    if !id_is_fine {
        return Err("invalid_id");
    }
    let kind = object.get("type").ok_or("missing_type")?;
    let kind = kind.as_str().ok_or("wrong_type")?;
    let needed: &[&str] = match kind {
        "send" => &["room", "message"],
        "join" | "leave" | "members" | "typing" => &["room"],
        "ping" => &[],
        _ => return Err("unknown_type"),
    };
    for name in needed {
        let value = object.get(*name).ok_or("missing_field")?;
        let value = value.as_str().ok_or("wrong_type")?;
        if *name == "room" {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
            let good = !value.is_empty() && value.len() <= 64 && value.chars().all(allowed);
            if !good || "_.:-".contains(&value[..1]) {
                return Err("invalid_room");
            }
        } else if value.trim().is_empty() {
            return Err("message_empty");
        } else if value.chars().count() > 500 {
            return Err("message_too_long");
        } else if value
            .replace(['\n', '\r', '\t'], "")
            .contains(char::is_control)
        {
            return Err("invalid_characters");
        }
    }
    let known = |name: &String| name == "type" || name == "id" || needed.contains(&name.as_str());
    if object.keys().all(known) {
        Ok(())
    } else {
        Err("unknown_field")
    }
}

proptest! {
    #[test]
    fn any_text_gets_a_command_or_a_listed_code(text in any::<String>()) {
        if let Err(refused) = v1(&text) {
            prop_assert!(CommandError::CODES.contains(&refused.error.code()));
        }
    }

    #[test]
    fn a_request_gets_the_verdict_of_a_plain_reference(text in nearly_a_request()) {
        let object: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
        let ours = v1(&text).map(drop).map_err(|refused| refused.error.code());
        prop_assert_eq!(ours, reference(&object), "{}", text);
    }
}

#[test]
fn words_and_bodies_are_taken_up_to_their_last_byte() {
    let reason = |length: usize| {
        let reason = "r".repeat(length);
        json!({"type": "kick", "room": "den", "user": "bob", "reason": reason}).to_string()
    };
    let body = |length: usize| {
        json!({"type": "send", "room": "den", "body": "A".repeat(length)}).to_string()
    };
    let body_bytes_max = Bounds::default().body_bytes_max;
    // No whole number of bytes is written in a length like this.
    assert_ne!(body_bytes_max % 4, 1);
    for good in [reason(REASON_BYTES_MAX), body(body_bytes_max)] {
        assert!(v1(&good).is_ok(), "{good}");
    }
    for long in [reason(REASON_BYTES_MAX + 1), body(body_bytes_max + 1)] {
        assert!(matches!(error(&long), CommandError::TooLong { .. }));
    }
}
