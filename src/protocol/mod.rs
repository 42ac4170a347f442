//! Bytes to types and back. No state beyond one connection's place in its bytes, no clock, no policy.

pub mod api;
pub mod client;
pub mod close;
pub mod command;
pub mod frame;
pub mod head;
pub mod json;
pub mod name;
pub mod notice;
pub mod outbox;
pub mod problem;
pub mod proxy;
pub mod refusal;
pub mod response;
pub mod upgrade;
mod utf8;
pub mod vocabulary;
pub mod websocket;
