//! The whole-server benchmark: server CPU and memory per unit of work, next to a raw reference and to peers.
//!
//! `cargo bench --bench server`. The server under test runs on one core, the load generator ([`client`], this
//! executable again) on another. It measures and reports; it decides nothing about Wardroom, and talks to loopback only.
#![forbid(unsafe_code)]

mod client;
mod machine;
mod options;
mod raw;
mod report;
mod rounds;
mod rows;
mod servers;
#[path = "../shared/mod.rs"]
#[allow(dead_code, reason = "the benchmark of rooms asks more of a process")]
mod shared;

use std::process::ExitCode;

use clap::Parser;

use crate::options::{Options, Part};
use crate::shared::failure::Failure;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("server bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    match &options.part {
        Some(Part::Client(client)) => client::run(client),
        Some(Part::Raw(raw)) => raw::run(raw),
        Some(Part::Leashed(leashed)) => shared::process::become_leashed(&leashed.command),
        // `cargo test --all-targets` runs bench targets too, without `--bench`: that is no time to measure.
        None if !options.bench => Ok(()),
        None => measure(options),
    }
}

fn measure(options: &Options) -> Result<(), Failure> {
    shared::process::raise_open_files_limit();
    let rows = options.rows()?;
    let servers = options.servers()?;
    let machine = machine::describe(&servers);
    let fleet = servers::Fleet::prepare(&servers)?;
    let measured = rounds::run(&rows, &servers, &fleet, options)?;
    print!("{}", report::table(&machine, &measured));
    let path = options.json_path()?;
    report::write_json(&path, &machine, &measured, options)?;
    println!("\nAll rounds: {}", path.display());
    Ok(())
}
