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
pub mod hash;
pub mod id;
pub mod limit;
pub mod protocol;
pub mod reactor;
pub mod rooms;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
pub mod time;
pub mod web;
