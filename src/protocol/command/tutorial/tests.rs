use proptest::prelude::*;
use serde_json::json;

use super::*;

const BOUNDS: Bounds = Bounds {
    message_characters_max: 500,
    body_bytes_max: 4096,
};

fn tutorial_error(text: &str) -> CommandError {
    parse(text, &BOUNDS).expect_err(text)
}

#[test]
fn an_ordinary_message_of_the_tutorial_is_read() {
    let table = [
        (r#"{"message":"hi"}"#, "hi", None),
        (r#"{"message":" hi "}"#, " hi ", None),
        (r#"{"message":"hi","room_id":null}"#, "hi", None),
        (r#"{"message":"hi","room_id":"Room1"}"#, "hi", Some("Room1")),
        (
            r#"{"message":"hi","type":1,"id":[],"room":"-","x":{"y":"z"}}"#,
            "hi",
            None,
        ),
        (r#"{"m\u0065ssage":"\u0068i"}"#, "hi", None),
    ];
    for (text, message, room) in table {
        let read = parse(text, &BOUNDS).unwrap();
        assert_eq!((&*read.message, read.room.as_deref()), (message, room));
    }
    let room = "x".repeat(64);
    let text = json!({"message": "hi", "room_id": room}).to_string();
    assert_eq!(parse(&text, &BOUNDS).unwrap().room, Some(room.into()));
}

#[test]
fn the_tutorial_is_refused_in_its_own_words() {
    const JSON: &str = "Invalid JSON format";
    const EMPTY: &str = "Message cannot be empty";
    const ROOM: &str = "Room ID must be alphanumeric";
    const STRING: &str = "Message must be a string";
    let long = json!({"message": "x".repeat(501)}).to_string();
    let long_room = json!({"message": "hi", "room_id": "x".repeat(65)}).to_string();
    let table = [
        ("", "invalid_json", JSON),
        ("hi", "invalid_json", JSON),
        (r#"{"message":"hi","x":"\ud800"}"#, "invalid_json", JSON),
        (r#"{"message":"hi","\udc00":1}"#, "invalid_json", JSON),
        (r#"{"message":"hi","x":[1e999]}"#, "invalid_json", JSON),
        (r#"{"message":"hi"}{}"#, "invalid_json", JSON),
        ("[]", "not_an_object", JSON),
        (
            r#"{"message":"a","x":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"#,
            "too_deep",
            JSON,
        ),
        (r#"{"message":"a","message":"b"}"#, "duplicate_field", JSON),
        (
            r#"{"message":"a","x":{"y":1,"y":1}}"#,
            "duplicate_field",
            JSON,
        ),
        ("{}", "message_empty", EMPTY),
        (r#"{"room_id":"a"}"#, "message_empty", EMPTY),
        (r#"{"Message":"a"}"#, "message_empty", EMPTY),
        (r#"{"message":""}"#, "message_empty", EMPTY),
        (r#"{"message":" \n"}"#, "message_empty", EMPTY),
        (r#"{"message":null}"#, "wrong_type", STRING),
        (r#"{"message":1}"#, "wrong_type", STRING),
        (r#"{"message":["hi"]}"#, "wrong_type", STRING),
        (
            &long,
            "message_too_long",
            "Message too long (max 500 characters)",
        ),
        (
            r#"{"message":"\u0007"}"#,
            "invalid_characters",
            "Message contains control characters",
        ),
        (r#"{"message":"a","room_id":""}"#, "invalid_room", ROOM),
        (r#"{"message":"a","room_id":"a-b"}"#, "invalid_room", ROOM),
        (r#"{"message":"a","room_id":"é"}"#, "invalid_room", ROOM),
        (r#"{"message":"a","room_id":"../x"}"#, "invalid_room", ROOM),
        (&long_room, "invalid_room", ROOM),
        (r#"{"message":"a","room_id":1}"#, "wrong_type", ROOM),
        (r#"{"message":"a","room_id":{}}"#, "wrong_type", ROOM),
    ];
    for (text, code, words) in table {
        let error = tutorial_error(text);
        assert_eq!(error.code(), code, "{text}");
        assert_eq!(super::text(error), words, "{text}");
    }
    let seven = Bounds {
        message_characters_max: 7,
        ..BOUNDS
    };
    let error = parse(r#"{"message":"12345678"}"#, &seven).unwrap_err();
    assert_eq!(super::text(error), "Message too long (max 7 characters)");
}

proptest! {
    #[test]
    fn any_text_gets_a_message_or_a_listed_code(text in any::<String>()) {
        if let Err(error) = parse(&text, &BOUNDS) {
            prop_assert!(CommandError::CODES.contains(&error.code()));
        }
    }
}
