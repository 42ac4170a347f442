//! The servers that are attacked: how each is installed, started and spoken to.

mod nginx;
mod node_ws;
mod tungstenite;
mod tutorial;
mod uwebsockets;
mod wardroom;

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::language::Language;
use crate::shared::credentials::Secret;
use crate::shared::failure::{Doing, Failure};
use crate::shared::listening::{free_address, wait_until_it_listens};
use crate::shared::machine::target_directory;
use crate::shared::process::{Process, SERVER_CORE, leashed, wait_on_the_clients_core};

/// What has to be known of a server to attack it.
pub trait Adapter {
    /// As it is asked for.
    fn id(&self) -> &'static str;

    /// As it stands in tables.
    fn name(&self) -> &'static str;

    fn language(&self) -> Language {
        Language::Plain
    }

    /// Whether a bad token is refused.
    fn looks_at_tokens(&self) -> bool {
        true
    }

    /// Gets everything ready that its ecosystem has for it.
    ///
    /// # Errors
    /// [`Failure::Missing`] with what this machine lacks.
    fn install(&self, place: &Place) -> Result<(), Failure>;

    /// Of the server and what it stands on.
    fn version(&self, place: &Place) -> String;

    /// The programs that make it up, each with where it listens; the last one is spoken to, at `address`.
    ///
    /// # Errors
    /// When a file that it needs can not be written.
    fn programs(&self, place: &Place, address: SocketAddr) -> Result<Vec<Program>, Failure>;
}

pub struct Program {
    pub command: Command,
    pub address: SocketAddr,
}

/// All of them, in the order of the tables.
pub fn all() -> [&'static dyn Adapter; 7] {
    [
        &wardroom::Wardroom,
        &tutorial::Tutorial {
            is_behind_nginx: false,
        },
        &tutorial::Tutorial {
            is_behind_nginx: true,
        },
        &node_ws::NodeWs,
        &uwebsockets::UWebSockets,
        &nginx::Nchan,
        &tungstenite::Tungstenite,
    ]
}

/// Where peers are installed, and what a run needs and leaves behind.
pub struct Place {
    /// Stays, so that the next run need not install again.
    pub installed: PathBuf,
    /// For configurations, logs and stores; removed at the end.
    directory: TempDir,
    pub secret: Secret,
}

/// A server that listens.
pub struct Running {
    pub address: SocketAddr,
    processes: Vec<Process>,
}

impl Place {
    /// # Errors
    /// When there is no place for temporary files, or no randomness.
    pub fn make() -> Result<Self, Failure> {
        let directory = tempfile::tempdir().doing("making a temporary directory")?;
        let secret = Secret::write(&directory.path().join("secret"))?;
        Ok(Place {
            installed: target_directory()?.join("bench").join("flood"),
            directory,
            secret,
        })
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn secret_file(&self) -> PathBuf {
        self.path().join("secret")
    }

    /// Starts `adapter`'s server on its core, and waits until it accepts connections.
    ///
    /// # Errors
    /// When it can not be run, ends, or does not listen in time; the text tells the end of its log.
    pub fn launch(&self, adapter: &dyn Adapter) -> Result<Running, Failure> {
        let address = free_address()?;
        let mut processes = Vec::new();
        for (number, program) in adapter.programs(self, address)?.into_iter().enumerate() {
            let mut command = leashed(&program.command)?;
            let settings = program.command.get_envs();
            command.envs(settings.filter_map(|(name, value)| Some((name, value?))));
            let log = self.path().join(format!("{}-{number}.log", adapter.id()));
            let log_file = File::create(&log).doing("making a log file")?;
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log_file);
            let began = Instant::now();
            let mut process = Process::start(adapter.name(), &mut command, SERVER_CORE)?;
            wait_on_the_clients_core()?;
            wait_until_it_listens(&mut process, program.address, began, &log)?;
            processes.push(process);
        }
        Ok(Running { address, processes })
    }
}

impl Running {
    /// Time that its programs have spent on a core.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        self.processes.iter().map(Process::cpu).sum()
    }

    /// Time that they could have run and waited for a core.
    pub fn waited(&self) -> Result<Duration, Failure> {
        self.processes.iter().map(Process::waited).sum()
    }

    /// Resident memory of all of them in bytes.
    pub fn rss(&self) -> Result<u64, Failure> {
        self.processes.iter().map(Process::rss).sum()
    }
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/flood/peers")
}

/// Lets the script beside the peers install one of them.
fn install(peer: &str, place: &Place) -> Result<(), Failure> {
    let script = peers().join("install");
    let mut command = Command::new(script);
    command.arg(peer).arg(&place.installed);
    complete(&mut command).map(drop)
}

/// What a program says on standard output and error, once it has ended well.
fn complete(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Failure::Missing(format!("{program}: {error}")))?;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(said);
    }
    Err(Failure::Missing(reason(&said).to_owned()))
}

/// The first line that calls itself an error, or the last of all.
fn reason(said: &str) -> &str {
    const BEGINNINGS: [&str; 3] = ["error", "npm error", "e: "];
    let is_error = |line: &&str| {
        let line = line.trim().to_ascii_lowercase();
        BEGINNINGS.iter().any(|begin| line.starts_with(begin))
    };
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    said.lines().find(is_error).or(last).unwrap_or_default()
}

/// The version that `pip` was told to install of `name`.
fn python_version(name: &str) -> String {
    let text = fs::read_to_string(peers().join("requirements.txt")).unwrap_or_default();
    let pinned = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix("=="));
    format!("{name} {}", pinned.unwrap_or("unknown"))
}

fn python(place: &Place) -> PathBuf {
    place.installed.join("venv/bin/python")
}
