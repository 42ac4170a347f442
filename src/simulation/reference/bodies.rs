//! Bodies of the operator's calls, read by way of the same tree.

use std::collections::BTreeMap;

use serde_json::Value;

use super::addresses;
use super::commands::{Asked, Code, Object, Tree, checked, object, read, shape_of};

const ACTIONS: &str = "update archive delete affiliate invite withdraw approve kick ban unban mute unmute \
                       delete_message purge raid";

/// The calls that are not about rooms, and the fields of their bodies. `!`: it must be there.
pub const CALLS: [(&str, &str); 6] = [
    ("publish", "message! as"),
    ("disconnect", "user! reason"),
    ("pardon", "address!"),
    ("ticket", "user! name origin"),
    ("session", "user! name label lifetime_ms"),
    ("revoke", "user token_id session"),
];
/// In whose name something is said.
const AUTHOR: &str = "user! name";
/// Bytes of texts that may not be empty, and hold no control characters.
const TEXTS: [(&str, usize); 6] = [
    ("user", 128),
    ("name", 1024),
    ("reason", 123),
    ("origin", 267),
    ("label", 64),
    ("token_id", 256),
];

/// What one of [`CALLS`] makes of a body: its fields.
///
/// # Errors
/// `json`: it is none that is taken; `field`: one of it is not what it has to be.
pub fn call(kind: &str, text: &str) -> Result<BTreeMap<String, Value>, Code> {
    let fields = object(text).map_err(|_| "json")?;
    let (_, shape) = CALLS
        .iter()
        .find(|(name, _)| *name == kind)
        .expect("a call");
    let asked = all_of(&fields, shape)?;
    match kind {
        // One thing at a time.
        "revoke" if asked.len() != 1 => Err("field"),
        _ => Ok(asked),
    }
}

fn all_of(fields: &Object, shape: &str) -> Result<BTreeMap<String, Value>, Code> {
    let known = || shape.split(' ').map(|word| word.trim_end_matches('!'));
    let mut asked = BTreeMap::new();
    for (name, value) in fields {
        if !known().any(|known| known == name) {
            return Err("field");
        }
        asked.insert(name.clone(), one(name, value)?);
    }
    let mut required = shape.split(' ').filter_map(|word| word.strip_suffix('!'));
    let is_all = required.all(|name| asked.contains_key(name));
    is_all.then_some(asked).ok_or("field")
}

fn one(name: &str, value: &Tree) -> Result<Value, Code> {
    match (name, value) {
        ("message", _) => checked("message", value).map_err(|_| "field"),
        ("as", Tree::Object(author)) => {
            let author = all_of(author, AUTHOR)?;
            Ok(author.into_iter().collect())
        }
        ("lifetime_ms", Tree::Leaf(time)) if time.is_u64() => Ok(time.clone()),
        ("address", Tree::Leaf(Value::String(text))) => {
            let address = addresses::v4(text).map(|address| address.to_string());
            let address =
                address.or_else(|| addresses::v6(text).map(|address| address.to_string()));
            address.map(Value::from).ok_or("field")
        }
        ("session", Tree::Leaf(Value::String(text))) => Ok(text.as_str().into()),
        (_, Tree::Leaf(Value::String(text))) => {
            let bound = TEXTS.iter().find(|(known, _)| *known == name);
            let (_, bytes_max) = bound.ok_or("field")?;
            let is_fine = !text.is_empty()
                && text.len() <= *bytes_max
                && !text.contains(|c: char| c.is_control());
            is_fine.then(|| text.as_str().into()).ok_or("field")
        }
        _ => Err("field"),
    }
}

/// What `POST /api/v1/rooms/ROOM/changes` makes of a body.
///
/// # Errors
/// `json`: it is none that is taken; `field`: one of it is not what it has to be.
pub fn change(text: &str) -> Result<Asked, Code> {
    let fields = object(text).map_err(|_| "json")?;
    let action = fields.iter().find(|(name, _)| name == "action");
    let Some((_, Tree::Leaf(Value::String(action)))) = action else {
        return Err("field");
    };
    if !ACTIONS.split_whitespace().any(|known| known == action) {
        return Err("field");
    }
    let shape = shape_of(action).expect("a request");
    let beside = shape.strip_prefix("room!").expect("it is about a room");
    let asked = read(&fields, (action.clone(), None), beside, vec!["action"]);
    asked.map_err(|_| "field")
}

/// What `POST /api/v1/rooms` makes of one.
///
/// # Errors
/// As [`change`].
pub fn new_room(text: &str) -> Result<Asked, Code> {
    let fields = object(text).map_err(|_| "json")?;
    let mut first = Vec::new();
    for (name, rule) in [("room", "room"), ("owner", "user")] {
        let found = fields.iter().find(|(known, _)| known == name);
        let (_, value) = found.ok_or("field")?;
        let value = checked(rule, value).map_err(|_| "field")?;
        first.push((name.to_owned(), value));
    }
    let shape = shape_of("create").expect("a request");
    let beside = shape.strip_prefix("room!").expect("it is about a room");
    let create = ("create".to_owned(), None);
    let asked = read(&fields, create, beside, vec!["room", "owner"]);
    let mut asked = asked.map_err(|_| "field")?;
    asked.fields.extend(first);
    Ok(asked)
}
