//! Slow and obvious readings of the standards, to hold the quick ones to: nothing here is shared with them.

pub mod addresses;
pub mod bodies;
pub mod commands;
pub mod frames;
pub mod handshakes;
pub mod heads;
pub mod requests;
