//! `limits.shadow`: limits that are rehearsed. They count and log what they would have refused, and refuse nothing.

use toml::de::DeValue;

use super::contradictions::characters_that_fit;
use super::suggest::closest;
use super::{Limits, text};

/// Rooms that one connection is in at most, whatever is configured, and while that is rehearsed: each takes memory.
pub const ROOMS_PER_CONNECTION_MOST: usize = 1024;

/// What can be rehearsed: how often, how many and how long, of one connection, user or address. Bounds on memory, on the whole server and of the protocol
/// can not: without them there is no server to rehearse on.
pub const SHADOWABLE: [&str; 22] = [
    "connections_per_user",
    "connections_per_address",
    "plain_per_address",
    "handshakes_per_address",
    "failed_authentications_per_address",
    "offences_per_address",
    "commands_per_user",
    "messages_per_user",
    "messages_per_connection",
    "messages_per_address",
    "bytes_per_connection",
    "bytes_per_address",
    "frames_per_connection",
    "control_frames_per_connection",
    "glitches_per_connection",
    "refreshes_per_connection",
    "error_replies_per_connection",
    "pauses_max",
    "message_characters_max",
    "fragments_per_message_max",
    "requests_per_connection_max",
    "rooms_per_connection_max",
];

/// The limits that are rehearsed, by the names that refusals tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shadow {
    limits: Vec<&'static str>,
}

impl Shadow {
    /// Those of this list; `None` when one can not be rehearsed, or stands in it twice.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut limits = Vec::new();
        for name in names {
            let known = SHADOWABLE.into_iter().find(|known| *known == name)?;
            if limits.contains(&known) {
                return None;
            }
            limits.push(known);
        }
        Some(Shadow { limits })
    }

    /// Whether this limit is rehearsed.
    pub fn has(&self, limit: &str) -> bool {
        self.limits.contains(&limit)
    }

    /// Every one of them, in the order of the configuration.
    pub fn names(&self) -> &[&'static str] {
        &self.limits
    }
}

impl Limits {
    /// Characters of a message that is taken: while that is rehearsed, as many as `message_bytes_max` lets it be set to.
    pub fn message_characters_taken(&self) -> usize {
        let fitting = match self.shadow.has("message_characters_max") {
            true => characters_that_fit(self),
            false => 0,
        };
        self.message_characters_max.max(fitting)
    }
}

pub(super) fn read(value: &DeValue<'_>) -> Option<Shadow> {
    let list = value.as_array()?;
    let names: Vec<&str> = list
        .iter()
        .map(|entry| entry.get_ref().as_str())
        .collect::<Option<_>>()?;
    Shadow::of(names)
}

pub(super) fn show(shadow: &Shadow) -> String {
    let names: Vec<String> = shadow
        .limits
        .iter()
        .map(|name| text::quoted(name))
        .collect();
    format!("[{}]", names.join(", "))
}

pub(super) fn allowed() -> String {
    format!("different ones of {}", SHADOWABLE.join(", "))
}

/// What is allowed instead of `value`, which is not: the name that was meant, if that can be guessed.
pub(super) fn allowed_instead(value: &DeValue<'_>) -> String {
    let entries = value.as_array().into_iter().flatten();
    let meant = entries
        .filter_map(|entry| entry.get_ref().as_str())
        .filter(|name| !SHADOWABLE.contains(name))
        .find_map(|name| {
            let name = name.strip_prefix("limits.").unwrap_or(name);
            closest(name, SHADOWABLE.into_iter())
        });
    meant.map_or_else(allowed, |meant| format!("did you mean {meant}?"))
}
