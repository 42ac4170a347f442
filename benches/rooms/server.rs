//! Wardroom as it is measured here: every limit on but set high, its store on the disk of the target directory.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use wardroom::rooms::record::RoomQuestion;
use wardroom::store::{Company, Sqlite};

use crate::questions;
use crate::shared::credentials::Secret;
use crate::shared::failure::{Doing, Failure};
use crate::shared::limits;
use crate::shared::listening::{free_address, wait_until_it_listens};
use crate::shared::process::{Process, SERVER_CORE, leashed, wait_on_the_clients_core};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_wardroom");

/// A directory with a secret and a store, for one server after the other.
pub struct Site {
    directory: TempDir,
    secret: Secret,
}

/// A server that listens.
pub struct Running {
    pub process: Process,
    pub address: SocketAddr,
    /// From starting the process to the first connection accepted.
    pub start_time: Duration,
}

impl Site {
    /// Makes a site whose store answers `questions` first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn with(questions: impl Iterator<Item = RoomQuestion>) -> Result<Self, Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::Wrong(error.to_string());
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .doing("making a temporary directory")?;
        let secret = Secret::write(&directory.path().join("secret"))?;
        let store = directory.path().join("store");
        let mut store = Sqlite::open(&store, Company::Alone).map_err(|error| wrong(&error))?;
        questions::put(&mut store, questions).map_err(|error| wrong(&error))?;
        Ok(Site { directory, secret })
    }

    /// The credential of `user-NUMBER`.
    pub fn token(&self, user: usize) -> Result<String, Failure> {
        self.secret.token(&json!({ "sub": format!("user-{user}") }))
    }

    /// The credential of somebody who may do this in every room.
    pub fn token_with(&self, user: &str, capabilities: &Value) -> Result<String, Failure> {
        let claims = json!({ "sub": user, "rooms": { "*": capabilities } });
        self.secret.token(&claims)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The program and its configuration, to listen on `address`.
    pub fn command(&self, address: SocketAddr) -> Result<Command, Failure> {
        let file = self.file("wardroom.toml");
        fs::write(&file, configuration(address)).doing("writing the configuration")?;
        let mut command = Command::new(executable());
        command.args(["serve", "--config"]).arg(file);
        leashed(&command)
    }

    /// Starts a server on its core, and waits until it accepts connections.
    pub fn start(&self) -> Result<Running, Failure> {
        let address = free_address()?;
        self.run(self.command(address)?, address)
    }

    pub fn run(&self, mut command: Command, address: SocketAddr) -> Result<Running, Failure> {
        let log = self.file("log");
        let log_file = File::create(&log).doing("making a log file")?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log_file);
        let began = Instant::now();
        let mut process = Process::start("Wardroom", &mut command, SERVER_CORE)?;
        wait_on_the_clients_core()?;
        let start_time = wait_until_it_listens(&mut process, address, began, &log)?;
        Ok(Running {
            process,
            address,
            start_time,
        })
    }
}

impl Running {
    /// Microseconds of the server's processor time for each of `units`, while `work` is done.
    pub fn cost<T>(
        &self,
        units: u64,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<f64, Failure> {
        let before = self.process.cpu()?;
        work()?;
        let spent = self.process.cpu()?.saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e6 / units as f64)
    }
}

/// The one that was built with this benchmark, or that which `--server` names.
fn executable() -> OsString {
    let mut words = std::env::args_os().skip_while(|word| word != "--server");
    words.nth(1).unwrap_or_else(|| EXECUTABLE.into())
}

/// Lists of people hold ten of them: what differs is who they are chosen from.
fn configuration(address: SocketAddr) -> String {
    let limits = limits::roomy();
    format!(
        r#"memory = "4GiB"
[listen]
address = "{address}"
[private]
enabled = false
[auth]
query_token = true
refuse_with = "http"
[[auth.key]]
algorithms = ["HS256"]
secret_file = "secret"
[limits]
members_listed_max = 10
{limits}
[deadlines]
idle = "10m"
ping = "10m"
[drain]
window = "100ms"
time_max = "2s"
[rooms]
rooms_max = 20000
people_max = 20000
retention_messages_max = 10000000
[store]
directory = "store"
"#
    )
}
