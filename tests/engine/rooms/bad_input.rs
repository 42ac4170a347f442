//! Bad input for every request about a room, by table: a request that is added has no row missing, because the rows are made from what it takes.

use serde_json::{Map, Value, json};
use wardroom::id::ConnectionId;
use wardroom::protocol::command::Field;
use wardroom::protocol::command::v1::{COMMANDS, Shape};
use wardroom::simulation::World;

use super::{durable, made, member, reply, send, verdict};

/// Every request that names a room.
pub fn about_rooms() -> impl Iterator<Item = &'static Shape> {
    let is_about_room = |shape: &&Shape| shape.required.contains(&Field::Room);
    COMMANDS.iter().filter(is_about_room)
}

/// A request with all that it needs and nothing else.
pub fn least(shape: &Shape) -> Map<String, Value> {
    let fields = shape.required.iter();
    let mut request: Map<String, Value> = fields
        .map(|field| (field.name().to_owned(), good(*field)))
        .collect();
    request.insert("type".to_owned(), shape.name.into());
    request
}

fn good(field: Field) -> Value {
    match field {
        Field::Room => "den".into(),
        Field::User => "bob".into(),
        Field::Affiliation => "member".into(),
        Field::Message => "hi".into(),
        Field::Seq => 1.into(),
        Field::ForMs => 1000.into(),
        Field::Archived => true.into(),
        other => panic!("no request needs {other:?}"),
    }
}

fn long(bytes: usize) -> Value {
    "x".repeat(bytes).into()
}

/// Values that a field of this request can not have, each with the code that says so.
pub fn wrong(command: &str, field: Field) -> Vec<(Value, &'static str)> {
    let mut rows: Vec<(Value, &'static str)> = [json!(null), json!([]), json!({"a": 1})]
        .map(|value| (value, "wrong_type"))
        .into();
    let (texts, numbers, flags) = (
        [json!(7), json!(true)],
        [json!("1"), json!(true)],
        [json!(1), json!("true")],
    );
    let mut all = |values: &[Value], code| {
        rows.extend(values.iter().map(|value| (value.clone(), code)));
    };
    let unsafe_integer = json!(9_007_199_254_740_992_u64);
    match field {
        Field::Room => {
            all(&texts, "wrong_type");
            let bad = ["", "-den", "d en", "den\u{0}", "d\u{435}n", "../den"];
            all(&bad.map(Value::from), "invalid_room");
            all(&[long(65)], "invalid_room");
        }
        Field::User => {
            all(&texts, "wrong_type");
            let bad = ["", " bob", "bob ", "bob\u{202e}", "bo\u{200b}b", "bob\u{7}"];
            all(&bad.map(Value::from), "invalid_value");
            all(&[long(129)], "invalid_value");
        }
        Field::Reason | Field::Topic => {
            all(&texts, "wrong_type");
            let bytes_max = if field == Field::Reason { 256 } else { 1024 };
            all(
                &[
                    long(bytes_max + 1),
                    "\u{e9}".repeat(bytes_max / 2 + 1).into(),
                ],
                "too_long",
            );
            all(
                &["\u{7}", "\u{85}", "a\u{0}"].map(Value::from),
                "invalid_characters",
            );
        }
        Field::Name => {
            all(&texts, "wrong_type");
            all(&[long(129)], "too_long");
            all(&["\u{7}".into()], "invalid_characters");
            let bad = [
                "System",
                "5yst\u{435}m",
                "l\u{43e}bby",
                "a  b",
                " a",
                "a\u{202e}b",
                "a\u{200b}b",
            ];
            all(&bad.map(Value::from), "invalid_value");
        }
        Field::Message => {
            all(&texts, "wrong_type");
            all(&["", " \n"].map(Value::from), "message_empty");
            all(&[long(501)], "message_too_long");
            all(&["\u{7}".into()], "invalid_characters");
        }
        Field::Body => {
            all(&texts, "wrong_type");
            let bad = ["", "A", "eA==", "e+A/", "e A"];
            all(&bad.map(Value::from), "invalid_value");
        }
        Field::Key => {
            all(&texts, "wrong_type");
            all(&["".into()], "invalid_value");
            all(&[long(65)], "too_long");
            all(&["\u{7}".into()], "invalid_characters");
        }
        Field::Affiliation | Field::Kind | Field::JoinRule => {
            all(&texts, "wrong_type");
            let bad = ["", "banned", "admin", "Owner", "PUBLIC", "open "];
            all(&bad.map(Value::from), "invalid_value");
        }
        Field::Archived | Field::Locked | Field::Ephemeral => all(&flags, "wrong_type"),
        Field::ForMs | Field::SlowModeMs | Field::CooldownMs => {
            all(&numbers, "wrong_type");
            let bad = [
                json!(-1),
                json!(0.5),
                json!(31_622_400_001_u64),
                json!(1e300),
            ];
            all(&bad, "invalid_value");
            if field == Field::ForMs && command != "raid" {
                all(&[json!(0)], "invalid_value");
            }
        }
        Field::Since | Field::After | Field::Before | Field::RetentionMs => {
            all(&numbers, "wrong_type");
            all(&[json!(-1), json!(1.5), unsafe_integer], "invalid_value");
        }
        Field::Seq | Field::Limit => {
            all(&numbers, "wrong_type");
            all(
                &[json!(0), json!(-1), json!(1.5), unsafe_integer],
                "invalid_value",
            );
        }
        Field::MessageCharactersMax
        | Field::MembersMax
        | Field::RetentionMessages
        | Field::MessagesPerMinute
        | Field::MessagesPerMinutePerMember
        | Field::BytesPerSecond
        | Field::JoinsPerMinute => {
            all(&numbers, "wrong_type");
            let bad = [
                json!(-1),
                json!(1.5),
                json!(4_294_967_296_u64),
                json!(1e300),
            ];
            all(&bad, "invalid_value");
        }
        other => panic!("nothing is known of {other:?}"),
    }
    rows
}

/// Asks, and gives the code and the field of the refusal.
fn refused(
    world: &mut World,
    owner: ConnectionId,
    request: &Map<String, Value>,
) -> (String, String) {
    let told = reply(world, owner, &Value::Object(request.clone()));
    let word = |name: &str| told[name].as_str().unwrap_or("-").to_owned();
    (word("code"), word("field"))
}

fn owned(code: &str, field: &str) -> (String, String) {
    (code.to_owned(), field.to_owned())
}

#[test]
fn every_field_of_every_request_about_a_room_is_refused_by_its_name_and_nothing_is_done() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    assert_eq!(verdict(&mut world, owner, &send("den", "one")), "ok");
    let mut rows = 0;
    for shape in about_rooms() {
        for field in shape.required.iter().chain(shape.optional) {
            for (value, code) in wrong(shape.name, *field) {
                let mut request = least(shape);
                if *field == Field::Body {
                    request.remove("message");
                }
                request.insert(field.name().to_owned(), value);
                let told = refused(&mut world, owner, &request);
                assert_eq!(told, owned(code, field.name()), "{request:?}");
                rows += 1;
            }
        }
        for field in shape.required {
            let mut request = least(shape);
            request.remove(field.name());
            let told = refused(&mut world, owner, &request);
            assert_eq!(told, owned("missing_field", field.name()), "{request:?}");
        }
        let mut request = least(shape);
        request.insert("evil".to_owned(), 1.into());
        assert_eq!(
            refused(&mut world, owner, &request),
            owned("unknown_field", "-")
        );
        // A field of another request is as unknown.
        let takes =
            |field: &Field| shape.required.contains(field) || shape.optional.contains(field);
        for field in Field::ALL.iter().filter(|field| !takes(field)) {
            if matches!(field, Field::Type | Field::Id) {
                continue;
            }
            let mut request = least(shape);
            request.insert(field.name().to_owned(), 1.into());
            let told = refused(&mut world, owner, &request);
            assert_eq!(told, owned("unknown_field", field.name()), "{request:?}");
        }
    }
    assert!(rows > 1000, "{rows}");
    let log = reply(
        &mut world,
        owner,
        &json!({"type": "log", "id": 1, "room": "den"}),
    );
    assert_eq!(log["head"]["number"], 1, "{log}");
    let page = reply(
        &mut world,
        owner,
        &json!({"type": "history", "id": 1, "room": "den"}),
    );
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(1), "{page}");
}

#[test]
fn every_request_about_a_room_that_somebody_may_not_know_of_is_answered_as_about_none() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "members");
    made(&mut world, "owner", "cell", "private");
    made(&mut world, "owner", "attic", "public");
    let archive = json!({"type": "archive", "id": 1, "room": "attic", "archived": true});
    assert_eq!(verdict(&mut world, owner, &archive), "ok");
    for room in ["den", "cell", "attic"] {
        let ban = json!({"type": "ban", "id": 1, "room": room, "user": "banned"});
        assert_eq!(verdict(&mut world, owner, &ban), "ok");
    }
    let strangers = ["stranger", "banned"].map(|user| world.join_v1(user, "10.0.0.5"));
    for shape in about_rooms().filter(|shape| shape.name != "create") {
        for stranger in strangers {
            let mut answers = ["nowhere", "den", "cell", "attic"].map(|room| {
                let mut request = least(shape);
                request.insert("room".to_owned(), room.into());
                reply(&mut world, stranger, &Value::Object(request))
            });
            let of_nothing = answers[0].take();
            assert_eq!(of_nothing["code"], "unknown_room", "{}", shape.name);
            for answer in &answers[1..] {
                assert_eq!(*answer, of_nothing, "{}", shape.name);
            }
        }
    }
}

#[test]
fn nobody_does_to_themselves_or_to_owners_what_is_done_to_others() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    let moderator = member(&mut world, "moderator", "den");
    let promote = json!({"type": "affiliate", "id": 1, "room": "den", "user": "moderator", "affiliation": "moderator"});
    assert_eq!(verdict(&mut world, owner, &promote), "ok");
    let guest = member(&mut world, "guest", "den");
    let mut asked = 0;
    for shape in about_rooms().filter(|shape| shape.required.contains(&Field::User)) {
        let mut on = |who, user: &str| {
            let mut request = least(shape);
            request.insert("user".to_owned(), user.into());
            verdict(&mut world, who, &Value::Object(request))
        };
        let expected = match shape.name {
            "kick" | "ban" | "mute" => ["oneself", "outranked", "forbidden"],
            "unmute" => ["oneself", "outranked", "forbidden"],
            "unban" | "purge" => ["", "outranked", "forbidden"],
            "invite" => ["oneself", "already", "forbidden"],
            "transfer" => ["oneself", "forbidden", "forbidden"],
            "affiliate" => ["last_owner", "outranked", "forbidden"],
            // There is neither an invitation nor a knock of theirs.
            "withdraw" => ["already", "already", "forbidden"],
            "approve" => ["already", "already", "forbidden"],
            other => panic!("a request about a user without a row: {other}"),
        };
        if !expected[0].is_empty() {
            assert_eq!(on(owner, "owner"), expected[0], "{}", shape.name);
        }
        assert_eq!(on(moderator, "owner"), expected[1], "{}", shape.name);
        assert_eq!(on(guest, "moderator"), expected[2], "{}", shape.name);
        asked += 1;
    }
    assert_eq!(asked, 11);
}
