//! Scenarios of the whole engine in virtual time: what a client sees, and what the server holds afterwards.

mod admission;
mod chat;
mod clock;
mod counted;
mod credentials;
mod deadlines;
mod drain;
mod earned;
mod endings;
mod fairness;
mod fan_out;
mod floods;
mod full_protocol;
mod glitches;
mod hook;
mod interleavings;
mod many_networks;
mod memory;
mod metrics;
mod pages;
mod penalties;
mod pieces;
mod private;
mod proxied;
mod rates;
mod reconfigure;
mod redirect;
mod refusals;
mod replay;
mod rooms;
mod security_log;
mod sessions;
mod shadow;
mod slices;
mod slow_reader_model;
mod slow_readers;
mod standstill;
mod tickets;
mod tls;
mod tokens;
mod tutorial;

use std::time::Duration;

use serde_json::Value;
use wardroom::config::{Config, Rate};
use wardroom::id::ConnectionId;
use wardroom::simulation::{World, masked, upgrade_request};

/// The default configuration, but that whoever goes has gone at once: that they may come back is tested in `rooms::people`.
pub fn default_config() -> Config {
    let mut config = Config::default();
    config.rooms.return_time_max = Duration::ZERO;
    config
}

/// A world with the default configuration.
pub fn world() -> World {
    World::new(default_config())
}

/// A world with a default configuration that `change` has changed.
pub fn world_with(change: impl FnOnce(&mut Config)) -> World {
    let mut config = default_config();
    change(&mut config);
    World::new(config)
}

/// A configuration whose limits are out of the way, for tests of something else.
pub fn roomy() -> Config {
    let mut config = default_config();
    let plenty = Rate::new(1_000_000_000, Duration::from_secs(1));
    let limits = &mut config.limits;
    limits.connections_per_user = 100;
    limits.connections_per_address = 1000;
    limits.plain_per_address = 1000;
    for rate in [
        &mut limits.commands_per_user,
        &mut limits.messages_per_user,
        &mut limits.messages_per_connection,
        &mut limits.messages_per_address,
        &mut limits.bytes_per_connection,
        &mut limits.bytes_per_address,
        &mut limits.control_frames_per_connection,
        &mut limits.glitches_per_connection,
        &mut limits.frames_per_connection,
        &mut limits.handshakes_per_address,
        &mut limits.failed_authentications_per_address,
        &mut limits.offences_per_address,
        &mut limits.error_replies_per_connection,
    ] {
        *rate = plenty;
    }
    config
}

/// The same as a world, changed by `change`.
pub fn roomy_with(change: impl FnOnce(&mut Config)) -> World {
    let mut config = roomy();
    change(&mut config);
    World::new(config)
}

/// `limit` tokens in every second.
pub fn per_second(limit: u64) -> Rate {
    Rate::new(limit, Duration::from_secs(1))
}

pub const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Sends `request` on a connection of its own from `peer`.
pub fn ask(world: &mut World, peer: &str, request: &str) -> ConnectionId {
    let id = world.connect(peer).expect("room for a connection");
    world.send(id, request.as_bytes());
    id
}

/// Asks for a chat in the full protocol, with a query (from its `?` on) and more field lines.
pub fn knock(world: &mut World, peer: &str, query: &str, fields: &str) -> String {
    let request = chat_request(query, fields);
    let id = ask(world, peer, &request);
    outcome(world, id)
}

/// A request for a chat in the full protocol, unless `fields` offer a subprotocol themselves.
pub fn chat_request(query: &str, fields: &str) -> String {
    let offer = if fields.contains("Sec-WebSocket-Protocol") {
        ""
    } else {
        "Sec-WebSocket-Protocol: wardroom.v1\r\n"
    };
    upgrade_request(&format!("/ws/chat{query}"), &format!("{fields}{offer}"))
}

/// What became of a request for a chat: `in as USER`, `STATUS code` or `CLOSE CODE reason`.
pub fn outcome(world: &mut World, id: ConnectionId) -> String {
    let client = world.client(id);
    let Some(response) = client.take_whole_response() else {
        return "no answer".to_owned();
    };
    if response.status != 101 {
        let code = response.json()["code"].as_str().unwrap_or("?").to_owned();
        return format!("{} {code}", response.status);
    }
    let Some(frame) = client.take_frame() else {
        return "in, and told nothing".to_owned();
    };
    match frame.payload.as_slice() {
        [high, low, reason @ ..] if frame.opcode == 8 => format!(
            "{} {}",
            u16::from_be_bytes([*high, *low]),
            String::from_utf8_lossy(reason)
        ),
        json => {
            let hello: Value = serde_json::from_slice(json).expect("the server speaks JSON");
            format!("in as {}", hello["user"].as_str().unwrap_or("?"))
        }
    }
}

/// A message of the tutorial's protocol.
pub fn message(text: &str) -> String {
    serde_json::json!({ "message": text }).to_string()
}

/// Lets time pass while the client gives signs of life.
pub fn stay(world: &mut World, id: ConnectionId, duration: Duration) {
    let until = world.now().instant + duration;
    while world.now().instant < until {
        world.send(id, &masked(0x8A, b""));
        world.advance(until.since(world.now().instant).min(seconds(20)));
    }
}

/// Code and reason of the close frame a client has got, if any.
pub fn closed(world: &mut World, id: ConnectionId) -> Option<(u16, String)> {
    world.client(id).take_close()
}

/// `sender: message` of each notice, as the tutorial's page prints them; errors as `! error`.
pub fn lines(notices: &[Value]) -> Vec<String> {
    notices
        .iter()
        .map(|notice| match notice["error"].as_str() {
            Some(error) => format!("! {error}"),
            None => format!(
                "{}: {}",
                notice["sender"].as_str().unwrap_or("?"),
                notice["message"].as_str().unwrap_or("?")
            ),
        })
        .collect()
}
