//! Slow and obvious readings of the standards, to hold the quick ones to: nothing here is shared with them.

pub mod addresses;
pub mod base64;
pub mod bodies;
pub mod commands;
pub mod credentials;
pub mod forwarding;
pub mod frames;
pub mod handshakes;
pub mod heads;
pub mod origins;
pub mod proxies;
pub mod requests;
pub mod tickets;
pub mod tokens;
