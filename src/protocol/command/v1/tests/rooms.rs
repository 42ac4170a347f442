use super::*;
use crate::protocol::command::rooms::{Place, RoomPatch};
use crate::protocol::vocabulary::{Affiliation, JoinRule, RoomKind};

fn asked(rest: &str) -> RoomCommand<'static> {
    let text = format!("{{\"room\":\"r\",{rest}}}");
    let request = v1(&text).expect(&text);
    let Command::Room { room, command } = request.command else {
        panic!("{text}");
    };
    assert_eq!(room, "r");
    // What was read borrows from the text: read it once more from one that lasts.
    drop(command);
    let text: &'static str = Box::leak(text.into_boxed_str());
    match parse(text, &Bounds::default()).expect(text).command {
        Command::Room { command, .. } => command,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_request_about_a_room_is_read() {
    let user = || Cow::Borrowed("bob");
    let reason = || Some(Cow::Borrowed("noise"));
    let table = [
        (r#""type":"describe""#, RoomCommand::Describe),
        (r#""type":"delete""#, RoomCommand::Delete),
        (r#""type":"knock""#, RoomCommand::Knock),
        (r#""type":"resign""#, RoomCommand::Resign),
        (
            r#""type":"archive","archived":false"#,
            RoomCommand::Archive { archived: false },
        ),
        (
            r#""type":"history""#,
            RoomCommand::History {
                from: Place::End,
                limit: None,
            },
        ),
        (
            r#""type":"history","after":0,"limit":1"#,
            RoomCommand::History {
                from: Place::After(0),
                limit: Some(1),
            },
        ),
        (
            r#""type":"log","before":9007199254740991"#,
            RoomCommand::Log {
                from: Place::Before(9_007_199_254_740_991),
                limit: None,
            },
        ),
        (
            r#""type":"edit","seq":3,"body":"eA""#,
            RoomCommand::Edit {
                seq: 3,
                said: Said::Body("eA".into()),
            },
        ),
        (
            r#""type":"delete_message","seq":3,"reason":"noise""#,
            RoomCommand::DeleteMessage {
                seq: 3,
                reason: reason(),
            },
        ),
        (r#""type":"seen","seq":1"#, RoomCommand::Seen { seq: 1 }),
        (
            r#""type":"purge","user":"bob","reason":"noise""#,
            RoomCommand::Purge {
                user: user(),
                reason: reason(),
            },
        ),
        (
            r#""type":"invite","user":"bob""#,
            RoomCommand::Invite { user: user() },
        ),
        (
            r#""type":"withdraw","user":"bob""#,
            RoomCommand::Withdraw { user: user() },
        ),
        (
            r#""type":"approve","user":"bob""#,
            RoomCommand::Approve { user: user() },
        ),
        (
            r#""type":"affiliate","user":"bob","affiliation":"none""#,
            RoomCommand::Affiliate {
                user: user(),
                affiliation: Affiliation::None,
            },
        ),
        (
            r#""type":"transfer","user":"bob""#,
            RoomCommand::Transfer { user: user() },
        ),
        (
            r#""type":"kick","user":"bob""#,
            RoomCommand::Kick {
                user: user(),
                reason: None,
            },
        ),
        (
            r#""type":"ban","user":"bob","for_ms":1,"reason":"noise""#,
            RoomCommand::Ban {
                user: user(),
                for_ms: Some(1),
                reason: reason(),
            },
        ),
        (
            r#""type":"mute","user":"bob""#,
            RoomCommand::Mute {
                user: user(),
                for_ms: None,
                reason: None,
            },
        ),
        (
            r#""type":"unban","user":"bob""#,
            RoomCommand::Unban { user: user() },
        ),
        (
            r#""type":"unmute","user":"bob""#,
            RoomCommand::Unmute { user: user() },
        ),
        (
            r#""type":"raid","for_ms":0"#,
            RoomCommand::Raid { for_ms: 0 },
        ),
        (r#""type":"explain""#, RoomCommand::Explain { user: None }),
        (
            r#""type":"explain","user":"bob""#,
            RoomCommand::Explain { user: Some(user()) },
        ),
    ];
    for (text, command) in table {
        assert_eq!(asked(text), command, "{text}");
    }
}

#[test]
fn settings_are_read_each_by_its_name() {
    let text = r#""type":"create","kind":"private","join_rule":"invite","name":"Pump","topic":"a\nb","ephemeral":true,"locked":false,"slow_mode_ms":1,"cooldown_ms":2,"message_characters_max":3,"members_max":4,"retention_messages":5,"retention_ms":6,"messages_per_minute":7,"messages_per_minute_per_member":8,"bytes_per_second":9,"joins_per_minute":10"#;
    let patch = RoomPatch {
        kind: Some(RoomKind::Private),
        join_rule: Some(JoinRule::Invite),
        name: Some("Pump".into()),
        topic: Some("a\nb".into()),
        ephemeral: Some(true),
        locked: Some(false),
        slow_mode_ms: Some(1),
        cooldown_ms: Some(2),
        message_characters_max: Some(3),
        members_max: Some(4),
        retention_messages: Some(5),
        retention_ms: Some(6),
        messages_per_minute: Some(7),
        messages_per_minute_per_member: Some(8),
        bytes_per_second: Some(9),
        joins_per_minute: Some(10),
    };
    assert_eq!(asked(text), RoomCommand::Create(Box::new(patch.clone())));
    let text = text
        .replace("create", "update")
        .replace("\"ephemeral\":true,", "");
    let patch = RoomPatch {
        ephemeral: None,
        ..patch
    };
    assert_eq!(asked(&text), RoomCommand::Update(Box::new(patch)));
}

#[test]
fn sends_and_joins_have_more_to_say() {
    let send = v1(r#"{"type":"send","room":"r","body":"AAEC_-8","key":"k"}"#).unwrap();
    let expected = Command::Send {
        room: "r".into(),
        said: Said::Body("AAEC_-8".into()),
        key: Some("k".into()),
    };
    assert_eq!(send.command, expected);
    let join = v1(r#"{"type":"join","room":"r","since":0}"#).unwrap();
    let expected = Command::Join {
        room: "r".into(),
        since: Some(0),
    };
    assert_eq!(join.command, expected);
    let rooms = v1(r#"{"type":"rooms","after":"a","limit":9}"#).unwrap();
    let expected = Command::Rooms {
        after: Some("a".into()),
        limit: Some(9),
    };
    assert_eq!(rooms.command, expected);
}

#[test]
fn what_no_field_can_hold_is_refused_by_its_name() {
    let many = |count: usize| format!("\"{}\"", "x".repeat(count));
    let (key, reason, name, topic) = (many(65), many(257), many(129), many(1025));
    let body = format!("\"{}\"", "A".repeat(4100));
    let user = many(129);
    let numbers = [
        "-1",
        "1.5",
        "1e3",
        "-0",
        "9007199254740992",
        "1e300",
        "18446744073709551616",
    ];
    let mut table: Vec<(String, &str, &str)> = Vec::new();
    for (kind, field) in [
        (r#""type":"join""#, "since"),
        (r#""type":"history""#, "after"),
        (r#""type":"history""#, "before"),
        (r#""type":"log""#, "limit"),
        (r#""type":"seen""#, "seq"),
        (r#""type":"delete_message""#, "seq"),
        (r#""type":"edit","message":"x""#, "seq"),
        (r#""type":"ban","user":"b""#, "for_ms"),
        (r#""type":"mute","user":"b""#, "for_ms"),
        (r#""type":"raid""#, "for_ms"),
        (r#""type":"create""#, "slow_mode_ms"),
        (r#""type":"update""#, "cooldown_ms"),
        (r#""type":"update""#, "retention_ms"),
        (r#""type":"update""#, "members_max"),
        (r#""type":"update""#, "messages_per_minute"),
    ] {
        for number in numbers {
            table.push((
                format!("{kind},\"{field}\":{number}"),
                "invalid_value",
                field,
            ));
        }
        for other in ["null", "\"1\"", "true", "[1]", "{}"] {
            table.push((format!("{kind},\"{field}\":{other}"), "wrong_type", field));
        }
    }
    for (rest, code, field) in [
        (r#""type":"history","limit":0"#, "invalid_value", "limit"),
        (r#""type":"seen","seq":0"#, "invalid_value", "seq"),
        (
            r#""type":"ban","user":"b","for_ms":0"#,
            "invalid_value",
            "for_ms",
        ),
        (
            r#""type":"ban","user":"b","for_ms":31622400001"#,
            "invalid_value",
            "for_ms",
        ),
        (
            r#""type":"raid","for_ms":31622400001"#,
            "invalid_value",
            "for_ms",
        ),
        (
            r#""type":"update","members_max":4294967296"#,
            "invalid_value",
            "members_max",
        ),
        (
            r#""type":"update","kind":"secret""#,
            "invalid_value",
            "kind",
        ),
        (
            r#""type":"update","join_rule":"Open""#,
            "invalid_value",
            "join_rule",
        ),
        (r#""type":"update","locked":"true""#, "wrong_type", "locked"),
        (r#""type":"update","locked":1"#, "wrong_type", "locked"),
        (
            r#""type":"update","ephemeral":true"#,
            "unknown_field",
            "ephemeral",
        ),
        (r#""type":"archive","archived":0"#, "wrong_type", "archived"),
        (
            r#""type":"affiliate","user":"b","affiliation":"banned""#,
            "invalid_value",
            "affiliation",
        ),
        (
            r#""type":"affiliate","user":"b","affiliation":"admin""#,
            "invalid_value",
            "affiliation",
        ),
        (
            r#""type":"affiliate","user":"b""#,
            "missing_field",
            "affiliation",
        ),
        (r#""type":"kick","user":"""#, "invalid_value", "user"),
        (r#""type":"kick","user":" b""#, "invalid_value", "user"),
        (r#""type":"kick","user":"b\u202e""#, "invalid_value", "user"),
        (r#""type":"kick","user":7"#, "wrong_type", "user"),
        (
            r#""type":"kick","user":"b","reason":"\u0007""#,
            "invalid_characters",
            "reason",
        ),
        (
            r#""type":"kick","user":"b","for_ms":5"#,
            "unknown_field",
            "for_ms",
        ),
        (
            r#""type":"update","topic":"\u0085""#,
            "invalid_characters",
            "topic",
        ),
        (
            r#""type":"send","message":"x","key":"""#,
            "invalid_value",
            "key",
        ),
        (
            r#""type":"send","message":"x","key":"\u0000""#,
            "invalid_characters",
            "key",
        ),
        (
            r#""type":"send","message":"x","body":"eA""#,
            "conflicting_fields",
            "body",
        ),
        (r#""type":"send","body":"""#, "invalid_value", "body"),
        (r#""type":"send","body":"A""#, "invalid_value", "body"),
        (r#""type":"send","body":"eA==""#, "invalid_value", "body"),
        (r#""type":"send","body":"e+A/""#, "invalid_value", "body"),
        (r#""type":"send","key":"k""#, "missing_field", "message"),
        (r#""type":"edit","seq":1"#, "missing_field", "message"),
        (
            r#""type":"edit","seq":1,"message":" ""#,
            "message_empty",
            "message",
        ),
        (
            r#""type":"history","after":1,"before":2"#,
            "conflicting_fields",
            "before",
        ),
    ] {
        table.push((rest.to_owned(), code, field));
    }
    for name in [
        "System",
        "5ystem",
        "\u{455}y\u{455}tem",
        "l\u{43e}bby",
        "\u{3bf}ps",
        "a\u{202e}b",
        "a\u{200b}b",
        " a",
        "a ",
        "a  b",
        "a\tb",
        "\u{2066}a\u{2069}",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}",
    ] {
        let rest = format!("\"type\":\"create\",\"name\":{}", json!(name));
        table.push((rest, "invalid_value", "name"));
    }
    for (field, value, kind) in [
        ("key", &key, r#""type":"send","message":"x""#),
        ("reason", &reason, r#""type":"kick","user":"b""#),
        ("name", &name, r#""type":"create""#),
        ("topic", &topic, r#""type":"create""#),
        ("body", &body, r#""type":"send""#),
    ] {
        table.push((format!("{kind},\"{field}\":{value}"), "too_long", field));
    }
    table.push((
        format!("\"type\":\"ban\",\"user\":{user}"),
        "invalid_value",
        "user",
    ));
    for (rest, code, field) in table {
        let error = error(&format!("{{\"room\":\"r\",{rest}}}"));
        assert_eq!((error.code(), error.field()), (code, Some(field)), "{rest}");
        assert!(error.text().ends_with('.') && error.text().len() < 100);
    }
    let error = error(r#"{"type":"rooms","after":"-"}"#);
    assert_eq!(error, CommandError::InvalidRoom(Field::After));
}

#[test]
fn names_of_every_script_are_names_of_rooms() {
    for name in [
        "General",
        "Бильярд",
        "開発 dev",
        "μTorrent",
        "Müllabfuhr",
        "kız kulesi",
        "العربية",
        "a-b (c)",
        "5 o'clock",
        "😀 fun",
    ] {
        let text = json!({"type": "create", "room": "r", "name": name}).to_string();
        assert!(v1(&text).is_ok(), "{name}");
    }
}
