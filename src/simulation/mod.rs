//! The world that tests, fuzz targets and benches share: the real engine under a virtual clock, with virtual
//! sockets and clients. From one seed, the same every time.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a virtual world that was set up wrongly must fail its test at once"
)]

mod client;
#[cfg(test)]
mod dictionaries;
pub mod fuzz;
mod recording;
pub mod reference;
mod scratch;
pub mod swarm;
mod world;

pub use crate::protocol::client::{frame, masked, text, upgrade_request};
pub use client::{Client, Ending, Frame, Response};
pub use recording::Recording;
pub use world::{Names, World};
