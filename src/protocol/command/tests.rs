use super::*;

const BOUNDS: Bounds = Bounds {
    message_characters_max: 500,
    body_bytes_max: 4096,
};

#[test]
fn a_room_id_begins_with_a_letter_or_digit_and_has_at_most_64_bytes() {
    for room in ["a", "Z", "0", "a-", "a_.:-Z9", &"x".repeat(64)] {
        assert!(is_room_id(room), "{room}");
    }
    for room in [
        "",
        "-a",
        "_a",
        ".a",
        ":a",
        "a b",
        " a",
        "a ",
        "a/b",
        "a\0",
        "a\n",
        "\u{e9}",
        "a\u{e9}",
        "\u{ff11}",
        "a\u{202e}",
        &"x".repeat(65),
    ] {
        assert!(!is_room_id(room), "{room:?}");
    }
}

#[test]
fn the_length_of_a_message_is_counted_in_scalar_values() {
    let too_long = CommandError::MessageTooLong {
        characters_max: 500,
    };
    for character in ["x", "\u{e9}", "\u{20ac}", "\u{1f600}", "\u{301}"] {
        for (count, expected) in [(499, Ok(())), (500, Ok(())), (501, Err(too_long))] {
            let message = character.repeat(count);
            assert_eq!(
                check_message(&message, &BOUNDS),
                expected,
                "{character} {count}"
            );
        }
    }
    let one = Bounds {
        message_characters_max: 1,
        ..BOUNDS
    };
    assert_eq!(check_message("\u{1f600}", &one), Ok(()));
    assert_eq!(
        check_message("ab", &one).map_err(CommandError::text),
        Err("The message is longer than 1 characters.".into())
    );
}

#[test]
fn a_message_of_white_space_alone_is_empty() {
    for message in [
        "",
        " ",
        "\t\r\n",
        "\u{a0}",
        "\u{2003}\u{3000}",
        "\u{85}",
        "\u{2028}\u{2029}",
    ] {
        assert_eq!(
            check_message(message, &BOUNDS),
            Err(CommandError::MessageEmpty),
            "{message:?}"
        );
    }
    assert_eq!(
        check_message(&" ".repeat(501), &BOUNDS),
        Err(CommandError::MessageEmpty)
    );
    for message in [" x ", "\u{200b}", "\u{feff}"] {
        assert_eq!(check_message(message, &BOUNDS), Ok(()), "{message:?}");
    }
}

#[test]
fn control_characters_are_refused_and_bidi_ones_are_not() {
    for code in (0..=0x1f).chain(0x7f..=0x9f) {
        let character = char::from_u32(code).unwrap();
        let expected = match character {
            '\n' | '\r' | '\t' => Ok(()),
            _ => Err(CommandError::InvalidCharacters(Field::Message)),
        };
        let message = format!("a{character}b");
        assert_eq!(check_message(&message, &BOUNDS), expected, "{code:x}");
        let doubled = format!("{message}{character}");
        assert_eq!(check_message(&doubled, &BOUNDS), expected, "twice {code:x}");
    }
    for character in char::MIN..=char::MAX {
        let mut buffer = [0; 4];
        let expected = character.is_control() && !matches!(character, '\n' | '\r' | '\t');
        let text = character.encode_utf8(&mut buffer);
        assert_eq!(holds_control_characters(text), expected, "{text:?}");
    }
    assert!(holds_control_characters("\u{1}\u{85}"), "of both kinds");
    for message in [
        " ~",
        "\u{a0}x",
        "\u{202e}x\u{202c}",
        "\u{200f}",
        "\u{2066}x\u{2069}",
        "\u{fffe}",
        "\u{10ffff}",
        "\u{e000}",
    ] {
        assert_eq!(check_message(message, &BOUNDS), Ok(()), "{message:?}");
    }
}

#[test]
fn every_error_has_a_listed_code_and_one_sentence() {
    let errors = [
        CommandError::InvalidJson,
        CommandError::TooDeep,
        CommandError::NotAnObject,
        CommandError::TooManyFields,
        CommandError::DuplicateField(None),
        CommandError::InvalidId,
        CommandError::MissingType,
        CommandError::UnknownType,
        CommandError::MissingField(Field::Room),
        CommandError::UnknownField(None),
        CommandError::WrongType(Field::Room),
        CommandError::InvalidRoom(Field::Room),
        CommandError::MessageEmpty,
        CommandError::MessageTooLong { characters_max: 1 },
        CommandError::InvalidCharacters(Field::Message),
        CommandError::InvalidValue(Field::Name),
        CommandError::TooLong {
            field: Field::Topic,
            bytes_max: 1,
        },
        CommandError::ConflictingFields(Field::Body),
    ];
    assert_eq!(errors.map(CommandError::code), CommandError::CODES);
    for error in errors {
        let text = error.text();
        assert!(
            text.starts_with(char::is_uppercase) && text.ends_with('.'),
            "{text}"
        );
        assert!(text.len() < 100, "{text}");
        assert!(!tutorial::text(error).is_empty());
    }
}
