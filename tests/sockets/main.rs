//! The real program behind real sockets: broken frames, bad input, torn connections, and the first two commands.
//!
//! Everything waits for an event; a timeout is only ever a failure.

mod backend;
mod bad_input;
mod broken_frames;
mod commands;
mod date;
mod descriptors;
mod drain;
mod frames;
mod handshakes;
mod honest;
mod hook;
mod line;
mod logs;
mod memory;
mod never_reads;
mod peer;
mod reload;
mod room_commands;
mod rooms;
mod sandbox;
mod server;
mod server_api;
mod sessions;
mod siege;
mod start;
mod takeover;
mod telemetry;
mod tls;
mod turns;
