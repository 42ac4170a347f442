//! Rooms that people run: what is kept, who may, and what a change does in the turn in which it is acknowledged.

pub mod bad_input;
mod barrier;
mod claims;
mod concerned;
mod kept;
mod limits;
mod making;
mod missed;
mod order;
mod people;
mod places;
mod reading;
mod retention;
mod retries;
mod rights;

use serde_json::{Value, json};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use crate::roomy_with;

/// A world in which `general` keeps its messages, and nothing limits anybody.
pub fn durable() -> World {
    roomy_with(|config| config.rooms.durable = vec!["general".to_owned()])
}

/// Sends a request and takes everything that the sender is told.
pub fn ask(world: &mut World, id: ConnectionId, request: &Value) -> Vec<Value> {
    world.client(id).take_frames();
    world.say(id, &request.to_string());
    world.client(id).take_notices()
}

/// The one reply to a request, among what else the sender is told.
pub fn reply(world: &mut World, id: ConnectionId, request: &Value) -> Value {
    let told = ask(world, id, request);
    let is_reply = |notice: &&Value| notice["type"] == "ok" || notice["type"] == "error";
    let replies: Vec<&Value> = told.iter().filter(is_reply).collect();
    assert_eq!(replies.len(), 1, "{request} got {told:?}");
    replies[0].clone()
}

/// `ok`, or the code of the error.
pub fn verdict(world: &mut World, id: ConnectionId, request: &Value) -> String {
    let reply = reply(world, id, request);
    match reply["code"].as_str() {
        Some(code) => code.to_owned(),
        None => "ok".to_owned(),
    }
}

/// Everything that somebody was told since they were last asked.
pub fn told(world: &mut World, id: ConnectionId) -> Vec<Value> {
    world.client(id).take_notices()
}

/// The texts of the messages that somebody was told, with their numbers.
pub fn heard(world: &mut World, id: ConnectionId) -> Vec<(u64, String)> {
    told(world, id).iter().filter_map(message).collect()
}

pub fn message(notice: &Value) -> Option<(u64, String)> {
    (notice["type"] == "message").then(|| {
        let text = notice["message"].as_str().unwrap_or("-").to_owned();
        (notice["seq"].as_u64().expect("a number"), text)
    })
}

pub fn send(room: &str, message: &str) -> Value {
    json!({"type": "send", "id": 1, "room": room, "message": message})
}

pub fn join(room: &str) -> Value {
    json!({"type": "join", "id": 1, "room": room})
}

/// Somebody who is in a room.
pub fn member(world: &mut World, user: &str, room: &str) -> ConnectionId {
    let id = world.join_v1(user, "10.0.0.1");
    assert_eq!(verdict(world, id, &join(room)), "ok");
    world.client(id).take_frames();
    id
}

/// A room of this kind that `owner` has made, and is in.
pub fn made(world: &mut World, owner: &str, room: &str, kind: &str) -> ConnectionId {
    let id = world.join_v1(owner, "10.0.0.1");
    let create = json!({"type": "create", "id": 1, "room": room, "kind": kind});
    assert_eq!(verdict(world, id, &create), "ok");
    assert_eq!(verdict(world, id, &join(room)), "ok");
    world.client(id).take_frames();
    id
}

/// Does something about a user in a room, which must be allowed.
pub fn act(world: &mut World, id: ConnectionId, kind: &str, room: &str, user: &str) {
    let request = json!({"type": kind, "id": 1, "room": room, "user": user});
    assert_eq!(verdict(world, id, &request), "ok", "{request}");
}
