//! The same attacks against Wardroom and against what one might use instead, on one machine in one run, and what honest
//! people feel beside each.
//!
//! `cargo bench --bench flood`. The server under attack runs on one core; attackers and honest people are threads of this
//! program on another. It measures and reports, and talks to loopback only; `bounds` bounds all of it.
#![forbid(unsafe_code)]

mod attacks;
mod bounds;
mod cell;
mod felt;
mod ground;
mod kept;
mod language;
mod options;
mod page;
mod people;
mod plot;
mod report;
mod servers;
#[path = "../shared/mod.rs"]
#[allow(dead_code, reason = "other benchmarks ask more of it")]
mod shared;
mod socket;
mod swarm;

use std::process::ExitCode;

use clap::Parser;

use crate::options::{Options, Part};
use crate::report::{Block, Cell, NO_TOKENS, Report};
use crate::servers::{Adapter, Place};
use crate::shared::failure::Failure;
use crate::shared::process::{become_leashed, raise_open_files_limit};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("flood bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    match &options.part {
        Some(Part::Leashed(leashed)) => become_leashed(&leashed.command),
        None if options.list => {
            list();
            Ok(())
        }
        // `cargo test --all-targets` runs bench targets too, without `--bench`: that is no time to measure.
        None if !options.bench => Ok(()),
        None => measure(options),
    }
}

fn list() {
    for adapter in servers::all() {
        println!("{:18}  {}", adapter.id(), adapter.name());
    }
    println!();
    for attack in attacks::all() {
        println!("{:18}  {}", attack.name, attack.what);
    }
}

fn measure(options: &Options) -> Result<(), Failure> {
    raise_open_files_limit();
    let (servers, attacks) = (options.servers()?, options.attacks()?);
    let place = Place::make()?;
    let installed: Vec<Result<(), Failure>> = servers
        .iter()
        .map(|adapter| {
            eprintln!("installing {}", adapter.name());
            adapter.install(&place)
        })
        .collect();
    let mut report = Report::new(&servers, &place, options.time());
    for attack in attacks {
        let mut block = Block::new(attack);
        for (adapter, installed) in servers.iter().zip(&installed) {
            eprintln!("{}: {}", attack.name, adapter.name());
            block.cells.push(match installed {
                Err(failure) => Cell::not(*adapter, format!("not installed: {failure}")),
                Ok(()) => cell(*adapter, attack, &place, options),
            });
        }
        print!("{}", report::block(&block));
        report.add(block);
    }
    kept::keep(&report, options.keep)
}

fn cell(
    adapter: &'static dyn Adapter,
    attack: &attacks::Attack,
    place: &Place,
    options: &Options,
) -> Cell {
    if attack.is_about_tokens && !adapter.looks_at_tokens() {
        return Cell::not(adapter, NO_TOKENS.to_owned());
    }
    match cell::measure(adapter, attack, place, options.time()) {
        Ok(measured) => Cell::of(adapter, measured),
        Err(failure) => Cell::not(adapter, format!("not measured: {failure}")),
    }
}
