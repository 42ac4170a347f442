//! Scenarios of the whole engine in virtual time: what a client sees, and what the server holds afterwards.

mod chat;
mod endings;

use std::time::Duration;

use serde_json::Value;
use wardroom::config::{Config, Rate};
use wardroom::simulation::World;

/// A world with the default configuration.
pub fn world() -> World {
    World::new(Config::default())
}

/// A configuration whose limits are out of the way, for tests of something else.
pub fn roomy() -> Config {
    let mut config = Config::default();
    let plenty = Rate::new(1_000_000_000, Duration::from_secs(1));
    let limits = &mut config.limits;
    limits.connections_per_user = 100;
    limits.connections_per_address = 1000;
    limits.plain_per_address = 1000;
    for rate in [
        &mut limits.commands_per_connection,
        &mut limits.messages_per_user,
        &mut limits.messages_per_connection,
        &mut limits.messages_per_address,
        &mut limits.bytes_per_connection,
        &mut limits.bytes_per_address,
        &mut limits.control_frames_per_connection,
        &mut limits.frames_per_connection,
        &mut limits.handshakes_per_address,
        &mut limits.failed_authentications_per_address,
    ] {
        *rate = plenty;
    }
    config
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
