//! The real program behind real sockets: broken frames, bad input, torn connections, and the first two commands.
//!
//! Everything waits for an event; a timeout is only ever a failure.

mod bad_input;
mod broken_frames;
mod commands;
mod frames;
mod handshakes;
mod honest;
mod logs;
mod never_reads;
mod peer;
mod server;
mod sessions;
