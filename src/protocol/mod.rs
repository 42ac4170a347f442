//! Bytes to types and back. No state, no sockets, no policy.

pub mod command;
pub mod json;
pub mod notice;
