//! What a credential says of rooms: an object of patterns to lists of capabilities, read strictly.

use super::token::json::Value;
use crate::protocol::vocabulary::{Capabilities, Capability, RoomClaims};

/// The claim in `value`; `None` when anything in it is not as it must be: a word that is no capability may be one that was misspelt, and
/// nobody can know which right was meant.
pub(super) fn read(value: Value<'_>) -> Option<RoomClaims> {
    let Value::Object(members) = value else {
        return None;
    };
    let mut patterns = Vec::new();
    for (pattern, value) in members {
        patterns.push((pattern.into(), capabilities(value)?));
    }
    RoomClaims::new(patterns)
}

fn capabilities(value: Value<'_>) -> Option<Capabilities> {
    let Value::Array(words) = value else {
        return None;
    };
    let mut capabilities = Capabilities::NONE;
    for word in words {
        let Value::Text(word) = word else {
            return None;
        };
        capabilities = capabilities.with(Capability::from_word(&word)?);
    }
    Some(capabilities)
}
