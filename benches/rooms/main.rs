//! Whether rooms cost more when there are more of them, more people in them or more messages kept: the running server over real
//! sockets, small next to large in one run.
//!
//! `cargo bench --bench rooms [-- [--server EXECUTABLE] PART…]`. Prints one table; it decides nothing about Wardroom, and talks to loopback only.
#![forbid(unsafe_code)]

mod crowd;
mod durable;
mod ephemeral;
mod history;
mod many;
#[path = "../store/rooms.rs"]
#[allow(dead_code, reason = "the benchmark of the store asks it more")]
mod questions;
mod senders;
mod server;
#[path = "../shared/mod.rs"]
#[allow(dead_code, reason = "the benchmark of the server speaks binary too")]
mod shared;
mod syncs;
mod table;
mod visitors;

use std::process::ExitCode;

use crate::shared::failure::Failure;
use crate::shared::process;
use crate::table::Row;

type Part = fn() -> Result<Vec<Row>, Failure>;

/// In the order of the table.
const PARTS: [(&str, Part); 5] = [
    ("crowd", crowd::measure),
    ("many", many::measure),
    ("history", history::measure),
    ("durable", durable::measure),
    ("ephemeral", ephemeral::measure),
];

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if words.first().is_some_and(|word| word == "leashed") {
        let command = words.get(2..).unwrap_or_default();
        return told(process::become_leashed(command));
    }
    // `cargo test --all-targets` runs bench targets too, without `--bench`: that is no time to measure.
    if !words.iter().any(|word| word == "--bench") {
        return ExitCode::SUCCESS;
    }
    process::raise_open_files_limit();
    let named = |name: &str| words.iter().any(|word| word == name);
    let is_chosen = |name: &str| named(name) || !PARTS.iter().any(|(name, _)| named(name));
    for (name, measure) in PARTS.iter().filter(|(name, _)| is_chosen(name)) {
        eprintln!("{name}");
        match measure() {
            Ok(rows) => print!("{}", table::text(name, &rows)),
            Err(failure) => return told(Err(failure)),
        }
    }
    ExitCode::SUCCESS
}

fn told(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("rooms bench: {failure}");
            ExitCode::FAILURE
        }
    }
}
