//! Both protocols' commands, read by way of a tree that keeps every field, and serde_json's own verdict on syntax.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::protocol::name;

const LEVELS_MAX: usize = 16;
const FIELDS_MAX: usize = 32;
const CHARACTERS_MAX: usize = 500;
const BODY_BYTES_MAX: usize = 4096;
/// What a double holds exactly.
const COUNT_MAX: u64 = 9_007_199_254_740_991;
/// 366 days in milliseconds.
const LONG_MS: u64 = 31_622_400_000;
const SMALL_MAX: u64 = 4_294_967_295;

/// The requests of `wardroom.v1` and their fields, in the order in which they are looked at. `!`: it must be there.
/// `message` may be `body`, `place` is `after` or `before`.
const COMMANDS: [(&str, &str); 33] = [
    ("send", "room! message key"),
    ("join", "room! since"),
    ("leave", "room!"),
    ("members", "room!"),
    ("typing", "room!"),
    ("refresh", "token!"),
    ("ping", ""),
    ("rooms", "after limit"),
    (
        "create",
        "room! kind join_rule name topic ephemeral locked \
         slow_mode_ms cooldown_ms message_characters_max members_max retention_messages retention_ms \
         messages_per_minute messages_per_minute_per_member bytes_per_second joins_per_minute",
    ),
    ("describe", "room!"),
    (
        "update",
        "room! kind join_rule name topic locked \
         slow_mode_ms cooldown_ms message_characters_max members_max retention_messages retention_ms \
         messages_per_minute messages_per_minute_per_member bytes_per_second joins_per_minute",
    ),
    ("archive", "room! archived!"),
    ("delete", "room!"),
    ("history", "room! place limit"),
    ("edit", "room! seq! message"),
    ("delete_message", "room! seq! reason"),
    ("purge", "room! user! reason"),
    ("seen", "room! seq!"),
    ("invite", "room! user!"),
    ("withdraw", "room! user!"),
    ("knock", "room!"),
    ("approve", "room! user!"),
    ("affiliate", "room! user! affiliation!"),
    ("transfer", "room! user!"),
    ("resign", "room!"),
    ("kick", "room! user! reason"),
    ("ban", "room! user! for_ms reason"),
    ("unban", "room! user!"),
    ("mute", "room! user! for_ms reason"),
    ("unmute", "room! user!"),
    ("raid", "room! for_ms!"),
    ("explain", "room! user"),
    ("log", "room! place limit"),
];

const NUMBERS: [(&str, RangeInclusive<u64>); 14] = [
    ("since", 0..=COUNT_MAX),
    ("limit", 1..=COUNT_MAX),
    ("seq", 1..=COUNT_MAX),
    ("for_ms", 1..=LONG_MS),
    ("slow_mode_ms", 0..=LONG_MS),
    ("cooldown_ms", 0..=LONG_MS),
    ("retention_ms", 0..=COUNT_MAX),
    ("message_characters_max", 0..=SMALL_MAX),
    ("members_max", 0..=SMALL_MAX),
    ("retention_messages", 0..=SMALL_MAX),
    ("messages_per_minute", 0..=SMALL_MAX),
    ("messages_per_minute_per_member", 0..=SMALL_MAX),
    ("bytes_per_second", 0..=SMALL_MAX),
    ("joins_per_minute", 0..=SMALL_MAX),
];

/// Bytes of other texts.
const TEXTS: [(&str, usize); 4] = [("key", 64), ("reason", 256), ("name", 128), ("topic", 1024)];

/// A command: its type, its id, and its other fields as they stood.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    pub kind: String,
    pub id: Option<Value>,
    pub fields: BTreeMap<String, Value>,
}

/// The code of the refusal.
pub type Code = &'static str;

/// The fields of an object, in order.
pub(super) type Object = [(String, Tree)];

/// Any JSON value, its fields in order and with repetitions.
pub enum Tree {
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
    Leaf(Value),
}

/// What `wardroom.v1` makes of a text.
///
/// # Errors
/// The code of the refusal.
pub fn v1(text: &str) -> Result<Asked, Code> {
    let fields = object(text)?;
    let get = |name: &str| fields.iter().find(|(known, _)| known == name);
    let id = match get("id") {
        None => None,
        Some((_, Tree::Leaf(Value::String(id)))) if id.len() <= 64 => Some(id.clone().into()),
        Some((_, Tree::Leaf(id))) if id.is_i64() => Some(id.clone()),
        Some(_) => return Err("invalid_id"),
    };
    let kind = match get("type") {
        None => return Err("missing_type"),
        Some((_, Tree::Leaf(Value::String(kind)))) => kind.clone(),
        Some(_) => return Err("wrong_type"),
    };
    let shape = shape_of(&kind).ok_or("unknown_type")?;
    read(&fields, (kind, id), shape, vec!["type", "id"])
}

/// The fields of a request of this type.
pub(super) fn shape_of(kind: &str) -> Option<&'static str> {
    let found = COMMANDS.iter().find(|(name, _)| *name == kind);
    found.map(|(_, shape)| *shape)
}

/// Reads the fields of `shape`, beside the `known` ones that were looked at.
pub(super) fn read(
    fields: &Object,
    (kind, id): (String, Option<Value>),
    shape: &'static str,
    mut known: Vec<&'static str>,
) -> Result<Asked, Code> {
    let get = |name: &str| fields.iter().find(|(known, _)| known == name);
    let mut asked = Asked {
        kind,
        id,
        fields: BTreeMap::new(),
    };
    let asks = |name: &str| get(name).is_some();
    for word in shape.split_whitespace() {
        let (name, is_required) = word
            .strip_suffix('!')
            .map_or((word, false), |name| (name, true));
        if name == "message" {
            known.extend(["message", "body"]);
            said(asks("message"), asks("body"), &get, &mut asked.fields)?;
            continue;
        }
        if name == "place" {
            known.extend(["after", "before"]);
            place(&get, &mut asked.fields)?;
            continue;
        }
        known.push(name);
        match get(name) {
            Some((_, value)) => {
                let value = checked(rule(&asked.kind, name), value)?;
                asked.fields.insert(name.to_owned(), value);
            }
            None if is_required => return Err("missing_field"),
            None => {}
        }
    }
    let is_known = |(name, _): &(String, Tree)| known.contains(&&**name);
    let is_all = fields.iter().all(is_known);
    is_all.then_some(asked).ok_or("unknown_field")
}

/// The rooms' `after` is a room, everybody else's a number, and a raid may last no time.
fn rule<'a>(kind: &str, name: &'a str) -> &'a str {
    match (kind, name) {
        ("rooms", "after") => "room",
        ("raid", "for_ms") => "slow_mode_ms",
        _ => name,
    }
}

fn place(get: &Get<'_>, into: &mut BTreeMap<String, Value>) -> Result<(), Code> {
    for name in ["after", "before"] {
        if let Some((_, value)) = get(name) {
            into.insert(name.to_owned(), checked("since", value)?);
        }
    }
    let is_both = get("after").is_some() && get("before").is_some();
    if is_both {
        Err("conflicting_fields")
    } else {
        Ok(())
    }
}

type Get<'a> = dyn Fn(&str) -> Option<&'a (String, Tree)> + 'a;

fn said(
    has_message: bool,
    has_body: bool,
    get: &Get<'_>,
    into: &mut BTreeMap<String, Value>,
) -> Result<(), Code> {
    for name in ["message", "body"] {
        match get(name) {
            Some((_, Tree::Leaf(Value::String(_)))) | None => {}
            Some(_) => return Err("wrong_type"),
        }
    }
    let name = match (has_message, has_body) {
        (true, true) => return Err("conflicting_fields"),
        (true, false) => "message",
        (false, true) => "body",
        (false, false) => return Err("missing_field"),
    };
    if let Some((_, value)) = get(name) {
        into.insert(name.to_owned(), checked(name, value)?);
    }
    Ok(())
}

/// The value of a field, by the rule of that name.
pub(super) fn checked(rule: &str, value: &Tree) -> Result<Value, Code> {
    let Tree::Leaf(value) = value else {
        return Err("wrong_type");
    };
    match rule {
        "archived" | "ephemeral" | "locked" if value.is_boolean() => {}
        "archived" | "ephemeral" | "locked" => return Err("wrong_type"),
        _ if NUMBERS.iter().any(|(name, _)| *name == rule) => {
            if !value.is_number() {
                return Err("wrong_type");
            }
            let (_, range) = NUMBERS
                .iter()
                .find(|(name, _)| *name == rule)
                .expect("found");
            let is_fine = value.as_u64().is_some_and(|number| range.contains(&number));
            if !is_fine {
                return Err("invalid_value");
            }
        }
        _ => check_text(rule, value.as_str().ok_or("wrong_type")?)?,
    }
    Ok(value.clone())
}

fn check_text(rule: &str, text: &str) -> Result<(), Code> {
    let is_one_of = |words: &[&str]| {
        if words.contains(&text) {
            Ok(())
        } else {
            Err("invalid_value")
        }
    };
    match rule {
        "room" => check_room(Some(text), "_.:-"),
        "message" => check_message(Some(text)),
        "token" => Ok(()),
        "kind" => is_one_of(&["public", "members", "private"]),
        "join_rule" => is_one_of(&["open", "invite", "knock"]),
        "affiliation" => is_one_of(&["owner", "moderator", "member", "none"]),
        // What is seen and what is not is the business of the tables of Unicode, and has its own tests.
        "user" if name::is_user(text) => Ok(()),
        "user" => Err("invalid_value"),
        "body" if text.len() > BODY_BYTES_MAX => Err("too_long"),
        "body" => {
            let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let whole = [0, 2, 3].contains(&(text.chars().count() % 4));
            let is_body = !text.is_empty() && whole && text.chars().all(is_fine);
            is_body.then_some(()).ok_or("invalid_value")
        }
        _ => {
            let (_, bytes_max) = TEXTS
                .iter()
                .find(|(name, _)| *name == rule)
                .expect("a text");
            if text.len() > *bytes_max {
                return Err("too_long");
            }
            if text.contains(|c: char| c.is_control() && !"\n\r\t".contains(c)) {
                return Err("invalid_characters");
            }
            let is_refused = match rule {
                "key" => text.is_empty(),
                "name" => !text.is_empty() && !name::is_room_name(text),
                _ => false,
            };
            if is_refused {
                Err("invalid_value")
            } else {
                Ok(())
            }
        }
    }
}

/// What the tutorial's protocol makes of a text.
///
/// # Errors
/// The code of the refusal.
pub fn tutorial(text: &str) -> Result<Asked, Code> {
    let fields = object(text)?;
    let get = |name: &str| fields.iter().find(|(known, _)| known == name);
    let message = match get("message") {
        None => return Err("message_empty"),
        Some((_, Tree::Leaf(Value::String(message)))) => Some(message.clone()),
        Some(_) => return Err("wrong_type"),
    };
    check_message(message.as_deref())?;
    let room = match get("room_id") {
        None | Some((_, Tree::Leaf(Value::Null))) => None,
        Some((_, Tree::Leaf(Value::String(room)))) => Some(room.clone()),
        Some(_) => return Err("wrong_type"),
    };
    check_room(room.as_deref(), "")?;
    let texts = [("message", message), ("room_id", room)];
    let fields = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), text?.into())));
    Ok(Asked {
        kind: "send".to_owned(),
        id: None,
        fields: fields.collect(),
    })
}

fn check_room(room: Option<&str>, inside: &str) -> Result<(), Code> {
    let Some(room) = room else {
        return Ok(());
    };
    let is_fine = |c: char| c.is_ascii_alphanumeric() || inside.contains(c);
    let begins = room
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric());
    if begins && room.len() <= 64 && room.chars().all(is_fine) {
        Ok(())
    } else {
        Err("invalid_room")
    }
}

fn check_message(message: Option<&str>) -> Result<(), Code> {
    let message = message.unwrap_or_default();
    let is_bad = |c: char| c.is_control() && !"\n\r\t".contains(c);
    if message.trim().is_empty() {
        Err("message_empty")
    } else if message.chars().count() > CHARACTERS_MAX {
        Err("message_too_long")
    } else if message.contains(is_bad) {
        Err("invalid_characters")
    } else {
        Ok(())
    }
}

pub(super) fn object(text: &str) -> Result<Vec<(String, Tree)>, Code> {
    if let Some(end) = first_too_deep(text) {
        // Only what stands before decides whether it was JSON up to there.
        let before = serde_json::from_str::<Value>(&text[..end]);
        return match before {
            Err(error) if error.is_eof() => Err("too_deep"),
            _ => Err("invalid_json"),
        };
    }
    serde_json::from_str::<Value>(text).map_err(|_| "invalid_json")?;
    match serde_json::from_str(text).expect("the same text") {
        Tree::Object(fields) => match first_fault_of_outermost(&fields) {
            Some(code) => Err(code),
            None => Ok(fields),
        },
        Tree::Array(_) | Tree::Leaf(_) => Err("not_an_object"),
    }
}

/// The end of the first bracket that opens one level too many.
fn first_too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > LEVELS_MAX {
            return Some(at + 1);
        }
    }
    None
}

/// A field of the outermost object is judged when its value has been read.
fn first_fault_of_outermost(fields: &[(String, Tree)]) -> Option<Code> {
    (0..fields.len()).find_map(|at| first_fault(&fields[at].1).or(fault_of_name(fields, at)))
}

/// A field inside is judged when its name has been read.
fn first_fault(tree: &Tree) -> Option<Code> {
    match tree {
        Tree::Object(fields) => (0..fields.len())
            .find_map(|at| fault_of_name(fields, at).or_else(|| first_fault(&fields[at].1))),
        Tree::Array(values) => values.iter().find_map(first_fault),
        Tree::Leaf(_) => None,
    }
}

fn fault_of_name(fields: &[(String, Tree)], at: usize) -> Option<Code> {
    let name = &fields[at].0;
    if fields[..at].iter().any(|(earlier, _)| earlier == name) {
        Some("duplicate_field")
    } else if at >= FIELDS_MAX {
        Some("too_many_fields")
    } else {
        None
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Tree, D::Error> {
        json.deserialize_any(AnyTree)
    }
}

struct AnyTree;

impl<'de> Visitor<'de> for AnyTree {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Tree, A::Error> {
        let mut array = Vec::new();
        while let Some(value) = values.next_element()? {
            array.push(value);
        }
        Ok(Tree::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Tree::Object(object))
    }
}
