//! Both protocols' commands, read by way of a tree that keeps every field, and serde_json's own verdict on syntax.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

const LEVELS_MAX: usize = 16;
const FIELDS_MAX: usize = 32;
const CHARACTERS_MAX: usize = 500;

/// A command: its type, and its id, room and message as far as it has them.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    pub kind: String,
    pub id: Option<Value>,
    pub room: Option<String>,
    pub message: Option<String>,
    pub token: Option<String>,
}

/// The code of the refusal.
pub type Code = &'static str;

/// Any JSON value, its fields in order and with repetitions.
enum Tree {
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
    let string = |name: &str| match get(name) {
        None => Err("missing_field"),
        Some((_, Tree::Leaf(Value::String(text)))) => Ok(text.clone()),
        Some(_) => Err("wrong_type"),
    };
    let kind = string("type").map_err(|code| match code {
        "missing_field" => "missing_type",
        other => other,
    })?;
    let mut known = vec!["type", "id"];
    known.extend(match &*kind {
        "send" => &["room", "message"][..],
        "join" | "leave" | "members" | "typing" => &["room"],
        "refresh" => &["token"],
        "ping" => &[],
        _ => return Err("unknown_type"),
    });
    let mut asked = Asked {
        kind,
        id,
        room: None,
        message: None,
        token: None,
    };
    if known.contains(&"room") {
        asked.room = Some(string("room")?);
        check_room(asked.room.as_deref(), "_.:-")?;
    }
    if known.contains(&"message") {
        asked.message = Some(string("message")?);
        check_message(asked.message.as_deref())?;
    }
    if known.contains(&"token") {
        asked.token = Some(string("token")?);
    }
    if fields.iter().all(|(name, _)| known.contains(&&**name)) {
        Ok(asked)
    } else {
        Err("unknown_field")
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
    Ok(Asked {
        kind: "send".to_owned(),
        id: None,
        room,
        message,
        token: None,
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

fn object(text: &str) -> Result<Vec<(String, Tree)>, Code> {
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
