//! The real program behind real sockets: broken frames, bad input, torn connections, and the first two commands.
//!
//! Everything waits for an event; a timeout is only ever a failure.

mod broken_frames;
mod frames;
mod honest;
mod peer;
mod server;
