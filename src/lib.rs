//! Wardroom: a real-time chat server over WebSocket that assumes hostile clients. This library is the whole server;
//! the binary hands it the command line.
//!
//! ```text
//!   sockets, clock, signals             no sockets, no clock, no threads
//!  +-----------------------+   bytes   +------------------------------------------+
//!  | reactor               | --------> | engine                                   |
//!  | one thread, one poll: |    Now    |   protocol   bytes to types and back     |
//!  | accept, read, writev  | <-------- |   access     who may                     |
//!  |                       |  effects  |   limit      how much                    |
//!  +-----------------------+           |   rooms      who hears whom              |
//!                                      +------------------------------------------+
//! ```
//!
//! A layer imports only those before it: [`time`], [`hash`], [`id`], [`fault`], [`config`], then [`protocol`], then [`access`],
//! [`limit`], [`rooms`] and [`telemetry`], which do not know each other, then [`engine`] and [`store`], then [`reactor`],
//! then [`cli`].
//! `siege` attacks a running server from outside: it knows [`protocol`] and no other layer of it.
//! `simulation` (feature of that name) puts the same engine into a world without sockets, in virtual time.
//!
//! To read the code in five minutes: this page, [`engine::Effect`], [`engine::Engine::receive`] down to the function
//! `tell` in `engine/fan_out.rs`, and the function `turn` in `reactor/mod.rs`. `docs/architecture.md` walks that way.
//!
//! # Embedding it
//!
//! A program that has users of its own brings an [`access::Authenticator`] and runs a [`reactor::Server`] on a thread:
//!
//! ```
//! use std::collections::HashMap;
//!
//! use wardroom::access::{AuthError, Authenticator, Credential, Identity};
//! use wardroom::config::Config;
//! use wardroom::reactor::Server;
//! use wardroom::time::Now;
//!
//! /// Session ids of people who are signed in, with their user ids and names.
//! struct Sessions(HashMap<String, (String, String)>);
//!
//! impl Authenticator for Sessions {
//!     fn authenticate(&self, shown: Credential<'_>, _now: Now) -> Result<Identity, AuthError> {
//!         let (user, name) = self.0.get(shown.value).ok_or(AuthError::Invalid)?;
//!         Ok(Identity::new(user, name, None)?)
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = Config::default();
//! config.listen.address = ([127, 0, 0, 1], 0).into();
//! config.private.enabled = false;
//! config.limits.connections_per_user = 5;
//! let server = Server::bind(config, Box::new(Sessions(HashMap::new())))?;
//! println!("ws://{}/ws/chat", server.local_address());
//!
//! let stop = server.stop_handle();
//! let serving = std::thread::spawn(move || server.run());
//! // … the rest of the program …
//! stop.stop()?;
//! serving.join().expect("the server does not panic")?;
//! # Ok(())
//! # }
//! ```
//!
//! `examples/own_users.rs` is a whole program. A [`config::Config`] made by hand is not checked as a file is:
//! [`config::Config::load`] reads and checks one.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::print_stdout,
        clippy::print_stderr,
        clippy::too_many_lines
    )
)]
pub mod access;
pub mod cli;
pub mod config;
pub mod engine;
pub mod fault;
pub mod hash;
pub mod id;
pub mod limit;
pub mod protocol;
pub mod reactor;
pub mod rooms;
#[cfg(target_os = "linux")]
pub mod siege;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
pub mod store;
pub mod telemetry;
pub mod time;
pub mod web;
