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

use env_logger::fmt::Formatter;
use log::Record;
use wardroom::cli::{self, Failure, Surroundings};
use wardroom::reactor::log_queue::FLUSH_TIME_MAX;
use wardroom::reactor::{LogQueue, StandardError};
use wardroom::telemetry::Rfc3339;
use wardroom::time::Wall;

fn main() -> ExitCode {
    let log = match StandardError::open().and_then(LogQueue::start) {
        Ok(log) => log,
        Err(error) => {
            let _ = writeln!(io::stderr(), "no log can be written: {error}");
            return ExitCode::FAILURE;
        }
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info"))
        // It writes whole messages at its finest level; here no level shows what people say.
        .filter_module("tungstenite", log::LevelFilter::Off)
        // It warns of what peers do, as often as they do it.
        .filter_module("rustls", log::LevelFilter::Off)
        // Nobody promises that these keep what is sent to the authentication hook to themselves.
        .filter_module("ureq", log::LevelFilter::Off)
        .filter_module("ureq_proto", log::LevelFilter::Off)
        .target(env_logger::Target::Pipe(Box::new(log.clone())))
        .format(write_line)
        .init();
    log.take_panics();
    let surroundings = Surroundings {
        arguments: std::env::args_os().collect(),
        environment: std::env::vars_os().collect(),
        now: today(),
        input: &mut io::stdin(),
        output: &mut io::stdout(),
    };
    let serve = |config, source, announce: cli::Announce<'_>| {
        cli::serve(config, source, announce, log.clone())
    };
    let code = match cli::run(surroundings, serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure, &log),
    };
    log.flush(FLUSH_TIME_MAX);
    code
}

/// Dates as in the security log. What a message says on further lines is indented: none of them passes for another's.
fn write_line(line: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let (level, target) = (record.level(), record.target());
    let message = record.args().to_string().replace('\n', "\n    ");
    writeln!(line, "[{} {level:<5} {target}] {message}", Rfc3339(today()))
}

fn report(failure: &Failure, log: &LogQueue) -> ExitCode {
    if failure.is_result() {
        // Nobody is left to tell when this stream is closed.
        let _ = writeln!(io::stdout(), "{failure}");
    } else {
        for line in failure.to_string().lines() {
            log.push(format!("{line}\n").as_bytes());
        }
    }
    ExitCode::from(failure.exit_code())
}

/// A clock before 1970 makes tokens that are long expired; nothing worse.
fn today() -> Wall {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Wall::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
