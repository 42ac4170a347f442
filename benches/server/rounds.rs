//! The order of work: row by row, in each row round by round, in each round every server in turn.
//!
//! Taking turns spreads whatever else the machine does over all of them. Each measurement has a server of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde::Serialize;

use crate::client::{Done, READY};
use crate::options::{Options, Workload, id_of};
use crate::rows::{Kind, Load, Row};
use crate::servers::{Fleet, Running, Server};
use crate::shared::failure::{Doing, Failure};
use crate::shared::process::{CLIENT_CORE, Process, leashed, open_files_limit};

/// For connecting, and for finishing what is outstanding at the end.
const PATIENCE: Duration = Duration::from_secs(120);
/// After the last connection is made, before the memory is looked at.
const SETTLE: Duration = Duration::from_millis(500);
/// Files a server or client opens besides its connections.
const SPARE_FILES: u64 = 64;

/// All that was measured for one row.
pub struct Measured {
    pub row: &'static Row,
    pub columns: Vec<Column>,
}

/// One server's rounds of one row.
#[derive(Serialize)]
pub struct Column {
    pub server: &'static str,
    pub rounds: Vec<Round>,
    /// Why there are none, or no more.
    pub not_measured: Option<String>,
    #[serde(skip)]
    pub of: Server,
}

#[derive(Serialize)]
pub struct Round {
    /// In the row's unit.
    pub value: f64,
    #[serde(flatten)]
    pub done: Option<Done>,
}

pub fn run(
    rows: &[&'static Row],
    servers: &[Server],
    fleet: &Fleet,
    options: &Options,
) -> Result<Vec<Measured>, Failure> {
    let mut measured = Vec::new();
    for row in rows {
        let column = |of: &Server| Column {
            server: of.name(),
            rounds: Vec::new(),
            not_measured: None,
            of: *of,
        };
        let mut columns: Vec<_> = servers.iter().map(column).collect();
        for round in 1..=options.rounds() {
            eprintln!("{}, round {round} of {}", row.title, options.rounds());
            for column in columns
                .iter_mut()
                .filter(|column| column.not_measured.is_none())
            {
                match measure(row.kind, column.of, fleet, options) {
                    Ok(round) => column.rounds.push(round),
                    Err(failure) => column.not_measured = Some(failure.to_string()),
                }
            }
        }
        measured.push(Measured { row, columns });
    }
    Ok(measured)
}

fn measure(kind: Kind, server: Server, fleet: &Fleet, options: &Options) -> Result<Round, Failure> {
    let alone = |value| Ok(Round { value, done: None });
    match kind {
        Kind::Load(load) => cpu_per_unit(load, &fleet.launch(server, load.workload)?, options),
        Kind::Idle {
            connections,
            workload,
        } => {
            let running = fleet.launch(server, workload)?;
            rss_per_connection(connections, workload, &running, options)
        }
        Kind::Start => alone(
            fleet
                .launch(server, Workload::Idle)?
                .start_time
                .as_secs_f64()
                * 1e3,
        ),
        Kind::RssAtStart => alone(fleet.launch(server, Workload::Idle)?.rss_at_start as f64 / 1e6),
        Kind::Binary => alone(fleet.binary_bytes(server)? as f64 / 1e6),
    }
}

fn cpu_per_unit(load: Load, running: &Running, options: &Options) -> Result<Round, Failure> {
    let mut client = Client::start(load, running, options)?;
    let before = running.process.cpu()?;
    client.go()?;
    let done = client.done()?;
    let cpu = running.process.cpu()?.saturating_sub(before);
    client.go()?;
    if done.units == 0 {
        return Err(Failure::Wrong("not one unit of work was done".to_owned()));
    }
    Ok(Round {
        value: cpu.as_secs_f64() * 1e6 / done.units as f64,
        done: Some(done),
    })
}

fn rss_per_connection(
    connections: usize,
    workload: Workload,
    running: &Running,
    options: &Options,
) -> Result<Round, Failure> {
    if open_files_limit() < connections as u64 + SPARE_FILES {
        return Err(Failure::Missing(format!(
            "a process may open only {} files",
            open_files_limit()
        )));
    }
    let load = Load {
        workload,
        connections,
        bytes: 0,
        in_flight: 0,
    };
    let mut client = Client::start(load, running, options)?;
    std::thread::sleep(SETTLE);
    let added = running.process.rss()?.saturating_sub(running.rss_at_start);
    client.go()?;
    let done = client.done()?;
    client.go()?;
    Ok(Round {
        value: added as f64 / connections as f64,
        done: Some(done),
    })
}

/// The load generator, connected and warm.
struct Client {
    /// What it says, line by line; closed when it has ended.
    lines: Receiver<String>,
    errors: Receiver<String>,
    input: ChildStdin,
    _process: Process,
}

impl Client {
    fn start(load: Load, running: &Running, options: &Options) -> Result<Self, Failure> {
        let mut command = command(load, running, options)?;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Process::start("the client", &mut command, CLIENT_CORE)?;
        let child = process.child();
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Failure::Wrong(
                "the client has no standard streams".to_owned(),
            ));
        };
        let mut client = Client {
            lines: lines_of(output),
            errors: lines_of(errors),
            input,
            _process: process,
        };
        match client.line()? {
            line if line == READY => Ok(client),
            line => Err(Failure::Wrong(format!("the client said {line:?}"))),
        }
    }

    fn line(&mut self) -> Result<String, Failure> {
        self.lines
            .recv_timeout(PATIENCE)
            .map_err(|error| match error {
                RecvTimeoutError::Timeout => {
                    Failure::Wrong(format!("the client did not answer within {PATIENCE:?}"))
                }
                RecvTimeoutError::Disconnected => {
                    Failure::Wrong(self.errors.iter().collect::<Vec<_>>().join(" "))
                }
            })
    }

    fn go(&mut self) -> Result<(), Failure> {
        writeln!(self.input, "go").doing("speaking to the client")
    }

    fn done(&mut self) -> Result<Done, Failure> {
        let line = self.line()?;
        serde_json::from_str(&line).map_err(|_| Failure::Wrong(format!("the client said {line:?}")))
    }
}

fn command(load: Load, running: &Running, options: &Options) -> Result<Command, Failure> {
    let mut command = Command::new(std::env::current_exe().doing("finding this executable")?);
    command.args(["client", "--address", &running.address.to_string()]);
    command.args([
        "--workload",
        &id_of(&load.workload),
        "--language",
        &id_of(&running.access.language),
    ]);
    command.args(["--target", running.access.target]);
    let numbers = [
        ("--connections", load.connections as u128),
        ("--bytes", load.bytes as u128),
        ("--in-flight", load.in_flight as u128),
        ("--warm-up-ms", options.warm_up().as_millis()),
        ("--measured-ms", options.measured().as_millis()),
    ];
    for (name, number) in numbers {
        command.args([name, &number.to_string()]);
    }
    if let Some(certificate) = &running.access.certificate {
        command.arg("--certificate").arg(certificate);
    }
    if let Some(tokens) = &running.access.tokens {
        command.arg("--tokens").arg(tokens);
    }
    leashed(&command)
}

/// Reads on a thread of its own, so that waiting for a line can end. The thread ends with the stream.
fn lines_of(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
