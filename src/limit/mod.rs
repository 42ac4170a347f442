//! How much: token buckets, the table of address prefixes, and what a refusal by a limit says.
//!
//! Decides on numbers alone. It knows neither sockets nor messages.

pub mod deficit;
pub mod earned;
pub mod forwarders;
pub mod glitch;
pub mod majority;
pub mod memory;
pub mod offenders;
pub mod penalty;
pub mod prefix;
pub mod prefix_table;
pub mod token_bucket;
pub mod waiting_room;

use std::time::Duration;

pub use deficit::Deficit;
pub use earned::Earned;
pub use forwarders::Forwarders;
pub use glitch::Glitch;
pub use majority::Majority;
pub use penalty::{Penalties, Penalty};
pub use prefix::Prefix;
pub use prefix_table::{Kept, PrefixKey, PrefixTable};
pub use token_bucket::TokenBucket;
pub use waiting_room::WaitingRoom;

/// Whose limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Connection,
    User,
    Address,
}

impl Scope {
    /// The word told to the client.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Connection => "connection",
            Scope::User => "user",
            Scope::Address => "address",
        }
    }
}

/// A limit said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("limit {limit} of this {} is reached", scope.as_str())]
pub struct Limited {
    /// The setting's name under `[limits]`.
    pub limit: &'static str,
    pub scope: Scope,
    /// When to try again.
    pub retry_after: Duration,
}

impl Limited {
    /// The limit and whose it is, as they are counted.
    pub fn words(&self) -> [&'static str; 2] {
        [self.limit, self.scope.as_str()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_limit_and_whose_it_is() {
        for (scope, word) in [
            (Scope::Connection, "connection"),
            (Scope::User, "user"),
            (Scope::Address, "address"),
        ] {
            let limited = Limited {
                limit: "messages_per_user",
                scope,
                retry_after: Duration::ZERO,
            };
            assert_eq!(limited.words(), ["messages_per_user", word]);
            let text = format!("limit messages_per_user of this {word} is reached");
            assert_eq!(limited.to_string(), text);
        }
    }
}
