//! Bodies of the operator's calls about rooms, read by way of the same tree.

use serde_json::Value;

use super::commands::{Asked, Code, Tree, checked, object, read, shape_of};

const ACTIONS: &str = "update archive delete affiliate invite withdraw approve kick ban unban mute unmute \
                       delete_message purge raid";

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
