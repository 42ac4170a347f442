//! The servers that are compared: how each is got ready, started, and spoken to.

mod peers;
mod wardroom;

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use tempfile::TempDir;

use crate::client::link::NAME;
use crate::options::{Language, Workload, id_of};
use crate::shared::failure::{Doing, Failure};
use crate::shared::listening::{free_address, wait_until_it_listens};
use crate::shared::process::{Process, SERVER_CORE, leashed, wait_on_the_clients_core};

pub use peers::version;

/// In the order of the table's columns, and of the turns they take in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Server {
    Raw,
    Wardroom,
    TokioTungstenite,
    NodeWs,
}

impl Server {
    pub fn name(self) -> &'static str {
        match self {
            Server::Raw => "raw",
            Server::Wardroom => "Wardroom",
            Server::TokioTungstenite => "tokio-tungstenite",
            Server::NodeWs => "Node ws",
        }
    }
}

/// In the directory of a run.
pub const CERTIFICATE: &str = "certificate.pem";
pub const KEY: &str = "key.pem";

/// Everything that has to be there before the first server starts.
pub struct Fleet {
    wardroom: wardroom::Wardroom,
    /// The executable, or why there is none.
    tungstenite: Result<PathBuf, String>,
    /// The script beside its modules, or why there is none.
    node: Result<PathBuf, String>,
    /// For logs and for what Wardroom needs; removed at the end.
    directory: TempDir,
}

/// A server that listens.
pub struct Running {
    pub process: Process,
    pub address: SocketAddr,
    pub access: Access,
    /// From the start of the process to the first connection accepted.
    pub start_time: Duration,
    pub rss_at_start: u64,
}

/// How a client is let in.
pub struct Access {
    pub language: Language,
    pub target: &'static str,
    pub tokens: Option<PathBuf>,
    /// What the server shows; without one it is plain.
    pub certificate: Option<PathBuf>,
}

impl Fleet {
    /// Builds the peers among `servers`. One that cannot be built is reported in its cells and stops nobody.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub fn prepare(servers: &[Server]) -> Result<Self, Failure> {
        let directory = tempfile::tempdir().doing("making a temporary directory")?;
        let build = |server, build: fn() -> Result<PathBuf, Failure>| {
            if !servers.contains(&server) {
                return Err("not asked for".to_owned());
            }
            build().map_err(|failure| failure.to_string())
        };
        issue(directory.path())?;
        Ok(Fleet {
            wardroom: wardroom::Wardroom::prepare(directory.path())?,
            tungstenite: build(Server::TokioTungstenite, peers::build_tungstenite),
            node: build(Server::NodeWs, peers::install_node_ws),
            directory,
        })
    }

    /// Starts `server` for `workload` on its core, and waits until it accepts connections.
    ///
    /// # Errors
    /// When it cannot be run, ends, or does not listen in time; the text tells the end of its log.
    pub fn launch(&self, server: Server, workload: Workload) -> Result<Running, Failure> {
        let address = free_address()?;
        let mut command = leashed(&self.command(server, workload, address)?)?;
        let log = self
            .directory
            .path()
            .join(format!("{}.log", id_of(&server)));
        let log_file = File::create(&log).doing("making a log file")?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log_file);
        let began = Instant::now();
        let mut process = Process::start(server.name(), &mut command, SERVER_CORE)?;
        wait_on_the_clients_core()?;
        let start_time = wait_until_it_listens(&mut process, address, began, &log)?;
        std::thread::sleep(Duration::from_millis(50));
        let rss_at_start = process.rss()?;
        Ok(Running {
            process,
            address,
            access: self.access(server, workload),
            start_time,
            rss_at_start,
        })
    }

    fn command(
        &self,
        server: Server,
        workload: Workload,
        address: SocketAddr,
    ) -> Result<Command, Failure> {
        let missing = |reason: &String| Failure::Missing(reason.clone());
        let port = address.port().to_string();
        let mut command = match server {
            // Bytes without TLS are no reference for it.
            Server::Raw if workload.is_secure() => return Err(Failure::Missing("–".to_owned())),
            Server::Raw => Command::new(std::env::current_exe().doing("finding this executable")?),
            Server::Wardroom => return self.wardroom.command(address, workload),
            Server::TokioTungstenite => Command::new(self.tungstenite.as_ref().map_err(missing)?),
            Server::NodeWs => Command::new("node"),
        };
        match server {
            Server::Raw => command.args(["raw", "--port", &port, "--workload", &id_of(&workload)]),
            Server::NodeWs => command
                .arg(self.node.as_ref().map_err(missing)?)
                .args([&port, peer_mode(workload)]),
            _ => command.args([&port, peer_mode(workload)]),
        };
        if workload.is_secure() {
            command.args([self.certificate(), self.directory.path().join(KEY)]);
        }
        Ok(command)
    }

    fn access(&self, server: Server, workload: Workload) -> Access {
        // The raw reference knows no handshake but in the row that is about handshakes.
        let language = match (server, workload) {
            (Server::Raw, _) => Language::Bytes,
            (Server::Wardroom, Workload::FanOut | Workload::Idle | Workload::SecureIdle) => {
                Language::Chat
            }
            _ => Language::WebSocket,
        };
        let (target, tokens) = match server {
            Server::Wardroom => (
                wardroom::target(workload),
                Some(self.wardroom.tokens(workload)),
            ),
            _ => ("/", None),
        };
        Access {
            language,
            target,
            tokens,
            certificate: workload.is_secure().then(|| self.certificate()),
        }
    }

    fn certificate(&self) -> PathBuf {
        self.directory.path().join(CERTIFICATE)
    }

    /// Of the stripped executable.
    ///
    /// # Errors
    /// For a peer: only Wardroom's is of interest.
    pub fn binary_bytes(&self, server: Server) -> Result<u64, Failure> {
        match server {
            Server::Wardroom => wardroom::stripped_bytes(self.directory.path()),
            _ => Err(Failure::Missing("–".to_owned())),
        }
    }
}

/// Writes a certificate that is its own authority, and its key (ECDSA P-256), for all servers.
fn issue(directory: &Path) -> Result<(), Failure> {
    let wrong = |error: rcgen::Error| Failure::Wrong(error.to_string());
    let params = rcgen::CertificateParams::new(vec![NAME.to_owned()]).map_err(wrong)?;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(wrong)?;
    let certificate = params.self_signed(&key).map_err(wrong)?;
    fs::write(directory.join(CERTIFICATE), certificate.pem()).doing("writing a certificate")?;
    let mut owner_only = fs::OpenOptions::new();
    let file = owner_only
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(directory.join(KEY));
    file.and_then(|mut file| file.write_all(key.serialize_pem().as_bytes()))
        .doing("writing a key")
}

/// A member of a room broadcasts; in the other rows a peer has only to answer.
fn peer_mode(workload: Workload) -> &'static str {
    if workload == Workload::FanOut {
        "fan-out"
    } else {
        "echo"
    }
}
