//! The binary: hands the process's surroundings to the command line, and its outcome to the system.

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

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use wardroom::cli::{self, Failure, Surroundings};
use wardroom::time::Wall;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info"))
        // It writes whole messages at its finest level; here no level shows what people say.
        .filter_module("tungstenite", log::LevelFilter::Off)
        .init();
    let surroundings = Surroundings {
        arguments: std::env::args_os().collect(),
        environment: std::env::vars_os().collect(),
        now: today(),
        output: &mut io::stdout(),
    };
    match cli::run(surroundings, cli::serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
    // Nobody is left to tell when these streams are closed.
    let _ = if failure.is_result() {
        writeln!(io::stdout(), "{failure}")
    } else {
        writeln!(io::stderr(), "{failure}")
    };
    ExitCode::from(failure.exit_code())
}

/// A clock before 1970 makes tokens that are long expired; nothing worse.
fn today() -> Wall {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Wall::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
