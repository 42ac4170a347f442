//! The command line: what a person may ask for, and the hidden parts this executable plays as its own child.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::rows::{ROWS, Row};
use crate::servers::Server;
use crate::shared::failure::Failure;
use crate::shared::machine::target_directory;

/// Server CPU and memory per unit of work: Wardroom, a raw reference and peers.
#[derive(Parser)]
#[command(name = "server")]
pub struct Options {
    /// Fewer and shorter rounds: for a first look, not for a result.
    #[arg(long)]
    pub quick: bool,
    /// Rows to measure, by id; all when not given.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Servers to measure, by id; all when not given. Ratios need `raw`.
    #[arg(long, value_delimiter = ',')]
    servers: Vec<Server>,
    /// Rounds of each row [default: 5, or 2 with --quick].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: Option<u32>,
    /// Where the JSON goes [default: bench/server.json in the target directory].
    #[arg(long)]
    json: Option<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    pub bench: bool,
    #[command(subcommand)]
    pub part: Option<Part>,
}

#[derive(Subcommand)]
pub enum Part {
    #[command(hide = true)]
    Client(ClientOptions),
    #[command(hide = true)]
    Raw(RawOptions),
    #[command(hide = true)]
    Leashed(LeashedOptions),
}

/// The load generator's task.
#[derive(Args)]
pub struct ClientOptions {
    #[arg(long)]
    pub address: SocketAddr,
    #[arg(long)]
    pub workload: Workload,
    #[arg(long)]
    pub language: Language,
    /// Request target of the upgrade.
    #[arg(long, default_value = "/")]
    pub target: String,
    /// A file with one token a line; connection i shows the i-th, round and round.
    #[arg(long)]
    pub tokens: Option<PathBuf>,
    /// The servers' certificate as PEM; without one, connections are plain.
    #[arg(long)]
    pub certificate: Option<PathBuf>,
    #[arg(long)]
    pub connections: usize,
    /// Of one message.
    #[arg(long)]
    pub bytes: usize,
    #[arg(long)]
    pub in_flight: usize,
    #[arg(long)]
    pub warm_up_ms: u64,
    #[arg(long)]
    pub measured_ms: u64,
}

#[derive(Args)]
pub struct RawOptions {
    #[arg(long)]
    pub port: u16,
    #[arg(long)]
    pub workload: Workload,
}

/// Another program, which ends when its parent does.
#[derive(Args)]
pub struct LeashedOptions {
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

/// What the connections do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    Echo,
    FanOut,
    /// Connect, upgrade, close; each ends in the closing handshake of RFC 6455 §7.
    Connect,
    Idle,
    /// The same over TLS, each connection by a full handshake.
    SecureConnect,
    SecureIdle,
}

impl Workload {
    pub fn is_secure(self) -> bool {
        matches!(self, Workload::SecureConnect | Workload::SecureIdle)
    }

    pub fn is_idle(self) -> bool {
        matches!(self, Workload::Idle | Workload::SecureIdle)
    }
}

/// What server and client say to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// The frames of a WebSocket client, which the raw reference does not look at; no upgrade.
    Bytes,
    WebSocket,
    /// Subprotocol `wardroom.v1`.
    Chat,
}

/// One name for the command line and for people.
pub fn id_of(value: &impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map(|known| known.get_name().to_owned())
        .unwrap_or_default()
}

impl Options {
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 2 } else { 5 })
    }

    pub fn warm_up(&self) -> Duration {
        Duration::from_millis(if self.quick { 100 } else { 300 })
    }

    pub fn measured(&self) -> Duration {
        Duration::from_millis(if self.quick { 500 } else { 2000 })
    }

    pub fn rows(&self) -> Result<Vec<&'static Row>, Failure> {
        if let Some(unknown) = self
            .rows
            .iter()
            .find(|id| !ROWS.iter().any(|row| row.id == **id))
        {
            let known: Vec<_> = ROWS.iter().map(|row| row.id).collect();
            return Err(Failure::Wrong(format!(
                "no row is called {unknown}; there are {}",
                known.join(", ")
            )));
        }
        Ok(ROWS
            .iter()
            .filter(|row| self.rows.is_empty() || self.rows.iter().any(|id| row.id == id))
            .collect())
    }

    pub fn servers(&self) -> Result<Vec<Server>, Failure> {
        let all = Server::value_variants().iter().copied();
        Ok(all
            .filter(|server| self.servers.is_empty() || self.servers.contains(server))
            .collect())
    }

    pub fn json_path(&self) -> Result<PathBuf, Failure> {
        self.json.clone().map_or_else(
            || Ok(target_directory()?.join("bench").join("server.json")),
            Ok,
        )
    }
}
