//! The private door: who may ask, what is answered, and that neither door's crowd is felt at the other.

mod admission;
mod bodies;
mod calls;
mod document;
mod explain;
mod lists;
mod properties;
mod room_errors;
mod room_tables;
mod rooms;
mod sessions;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use wardroom::config::{Config, PrivateKey};
use wardroom::engine::Door;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Response, World};

use crate::roomy;

pub const KEY: &str = "8c1f5b7d20a94e3e6c0d7f2b91e8a4c35d6e7f8091a2b3c4d5e6f708192a3b4c";

/// The key as the program reads it: from a file.
pub fn key() -> PrivateKey {
    key_of(KEY)
}

/// Another key in the same way.
pub fn key_of(text: &str) -> PrivateKey {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .expect("a file");
    file.write_all(text.as_bytes()).expect("a key");
    PrivateKey::from_file(&path).expect("a good key")
}

/// A world whose limits are out of the way and whose private door has a key.
pub fn private_world(change: impl FnOnce(&mut Config)) -> World {
    let mut config = roomy();
    config.private.key = Some(key());
    change(&mut config);
    World::new(config)
}

/// A connection at the private door.
pub fn enter(world: &mut World) -> ConnectionId {
    world
        .connect_at(Door::Private, "127.0.0.1")
        .expect("room at the private door")
}

/// A request with the key; `fields` are further lines.
pub fn request(line: &str, fields: &str, body: &str) -> String {
    let length = if line.starts_with("POST") {
        format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        )
    } else {
        String::new()
    };
    format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1:8090\r\nAuthorization: Bearer {KEY}\r\n{fields}{length}\r\n{body}"
    )
}

/// What a request of these bytes is answered, on a connection of its own.
pub fn answer(world: &mut World, bytes: &str) -> Response {
    let id = enter(world);
    world.send(id, bytes.as_bytes());
    let response = world.client(id).take_whole_response();
    world.reset(id);
    response.unwrap_or_else(|| panic!("no answer to {bytes:?}"))
}

pub fn get(world: &mut World, path: &str) -> Response {
    answer(world, &request(&format!("GET {path}"), "", ""))
}

pub fn post(world: &mut World, path: &str, body: &str) -> Response {
    answer(world, &request(&format!("POST {path}"), "", body))
}

/// `STATUS kind` of a problem, or `STATUS` alone.
pub fn told(response: &Response) -> String {
    let json = response.json();
    let kind = json["type"]
        .as_str()
        .and_then(|kind| kind.strip_prefix("urn:wardroom:problem:"));
    match kind {
        Some(kind) => {
            assert_eq!(json["status"], response.status, "{response:?}");
            assert_eq!(
                response.field("Content-Type"),
                Some("application/problem+json")
            );
            assert_eq!(response.field("Connection"), Some("close"));
            format!("{} {kind}", response.status)
        }
        None => response.status.to_string(),
    }
}
