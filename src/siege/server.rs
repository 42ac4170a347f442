//! The server that a siege starts for itself: this very program as a child, in a directory that goes with it, on any free
//! ports of 127.0.0.1. Also what the kernel says about it.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustls::ClientConfig;

use super::SiegeError;
use super::bounds::{START_TIME_MAX, STOP_TIME_MAX};
use super::interrupt::Belongings;
use super::machine::Cores;
use super::target::Target;
use super::tls::Identity;

const SECRET_BYTES: usize = 32;
/// Lines of the child's log that are kept, the last of them, to say why it did not start or go on.
const LINES_KEPT_MAX: usize = 20;
/// How long the last of them may be on their way when the child has ended.
const LAST_WORDS_TIME_MAX: Duration = Duration::from_secs(1);

/// A directory with a secret and a certificate, removed at the end.
pub struct Home {
    directory: PathBuf,
    identity: Identity,
    belongings: Arc<Belongings>,
}

impl Home {
    /// Makes it where the system keeps what is temporary, for nobody else to look at.
    ///
    /// # Errors
    /// [`SiegeError::Io`] when it can not be made.
    pub fn make() -> Result<Self, SiegeError> {
        let name = format!("wardroom-siege-{}", random_hex::<8>()?);
        let directory = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&directory)?;
        let belongings = Belongings::watched(Some(directory.clone()))?;
        let identity = Identity::make()?;
        let home = Home {
            directory,
            identity,
            belongings,
        };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let secret = random_hex::<SECRET_BYTES>()?;
        options.open(home.secret())?.write_all(secret.as_bytes())?;
        let [certificate, key] =
            ["certificate.pem", "key.pem"].map(|name| home.directory.join(name));
        fs::write(certificate, &home.identity.certificate)?;
        options.open(key)?.write_all(home.identity.key.as_bytes())?;
        let config = "[[auth.key]]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n";
        fs::write(home.config(), config)?;
        Ok(home)
    }

    /// The secret that the child's tokens are signed with.
    pub fn secret(&self) -> PathBuf {
        self.directory.join("secret")
    }

    /// What clients need when the child speaks TLS.
    pub(super) fn client(&self) -> Result<Arc<ClientConfig>, SiegeError> {
        Ok(self.identity.client()?)
    }

    /// Forgets what a server has kept here.
    pub(super) fn clear(&self) {
        // The next server says what is wrong with a directory that can not be removed.
        let _ = fs::remove_dir_all(self.directory.join("data"));
    }

    /// Whether the siege is to end.
    pub(super) fn told(&self) -> &AtomicBool {
        self.belongings.told()
    }

    fn config(&self) -> PathBuf {
        self.directory.join("siege.toml")
    }

    fn path(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What can not be removed is a few kilobytes in a directory for such things.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn random_hex<const BYTES: usize>() -> Result<String, SiegeError> {
    let mut bytes = [0; BYTES];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| io::Error::other("no random bytes"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Settings whose value is this server's own, or names what is the operator's.
const OWN: [&str; 8] = [
    "listen.address",
    "private.address",
    // The siege asks for counters as often as it must.
    "private.connections_max",
    "private.enabled",
    "private.key_file",
    "private.requests",
    "store.directory",
    "log.security_file",
];

/// Why a setting of the operator's does not go to the child; `None`: it does.
pub fn left_out(key: &str) -> Option<&'static str> {
    match key {
        _ if OWN.contains(&key) => Some("which has its own"),
        "tls.minimum" => None,
        "tls.certificate" | "tls.key" => Some("which has a certificate that is made for it"),
        _ if key.starts_with("tls.") => {
            Some("whose people have no certificates and come to one port")
        }
        _ if key.starts_with("auth.hook.") => Some("since your program would be attacked with it"),
        _ if key.starts_with("auth.key[") => Some("which has a secret that is made for it"),
        _ => None,
    }
}

/// What is different for one attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) has_tls: bool,
    pub(super) changes: &'static [(&'static str, &'static str)],
}

/// The last lines of a child's log.
type Log = Arc<Mutex<VecDeque<String>>>;

/// A child, ended with this value.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    pub(super) target: Target,
    pub(super) private: SocketAddr,
    ended: Receiver<()>,
    log: Log,
    belongings: Arc<Belongings>,
}

impl Server {
    /// Starts it with these settings on a core of its own, and waits until it listens.
    pub(super) fn start(
        home: &Home,
        settings: &[(String, String)],
        variant: Variant,
        cores: &Cores,
    ) -> Result<Self, SiegeError> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .env_clear()
            .current_dir(home.path())
            .arg("serve")
            .arg("--config")
            .arg(home.config());
        let passed_on = settings.iter().filter(|(key, _)| left_out(key).is_none());
        let passed_on = passed_on.map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in passed_on.chain(variant.changes.iter().copied()) {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        if variant.has_tls {
            command.args(["--set", "tls.certificate=certificate.pem"]);
            command.args(["--set", "tls.key=key.pem"]);
        }
        for own in [
            "listen.address=127.0.0.1:0",
            "private.address=127.0.0.1:0",
            "store.directory=data",
        ] {
            command.args(["--set", own]);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        cores.move_to_servers();
        let child = home.belongings.start(&mut command);
        cores.move_to_others();
        let mut child = child?;
        let log = child
            .stderr
            .take()
            .ok_or_else(|| io::Error::other("no log"))?;
        let kept = Log::default();
        let (lines, ended) = follow(log, Arc::clone(&kept));
        let mut server = Server {
            child,
            target: Target::from_loopback(SocketAddr::from(([127, 0, 0, 1], 0)))?,
            private: SocketAddr::from(([127, 0, 0, 1], 0)),
            ended,
            log: kept,
            belongings: Arc::clone(&home.belongings),
        };
        server.wait(&lines)?;
        Ok(server)
    }

    fn wait(&mut self, lines: &Receiver<String>) -> Result<(), SiegeError> {
        while let Ok(line) = lines.recv_timeout(START_TIME_MAX) {
            let address = |words: &str| line.split_once(words)?.1.parse::<SocketAddr>().ok();
            if let Some(private) = address("private listener on ") {
                self.private = private;
            } else if let Some(public) = address("] listening on ") {
                self.target = Target::from_loopback(public)?;
                return Ok(());
            }
        }
        Err(SiegeError::Server(self.last_words()))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended and what it said last; `None`: it runs.
    pub(super) fn obituary(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok()??;
        self.belongings.has_ended();
        let _ = self.ended.recv_timeout(LAST_WORDS_TIME_MAX);
        Some(format!("{status}. Its last words:\n{}", self.last_words()))
    }

    fn last_words(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = log.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    /// Whether it still runs.
    pub(super) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Server {
    /// Lets it end, and waits for that.
    pub(super) fn end(&mut self) {
        // Its number may be somebody else's by now.
        if !self.lives() {
            return self.belongings.has_ended();
        }
        // Each fails only for a child that has ended.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        if self.ended.recv_timeout(STOP_TIME_MAX) == Err(RecvTimeoutError::Timeout) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        self.belongings.has_ended();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads the child's log for as long as it lives: its lines for as long as somebody takes them, the last of them, and its end.
fn follow(log: ChildStderr, last: Log) -> (Receiver<String>, Receiver<()>) {
    let (line, lines) = channel();
    let (end, ended) = channel();
    std::thread::spawn(move || {
        let mut taker = Some(line);
        for text in BufReader::new(log).lines().map_while(Result::ok) {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.len() >= LINES_KEPT_MAX {
                last.pop_front();
            }
            last.push_back(text.clone());
            drop(last);
            taker = taker.filter(|line| line.send(text).is_ok());
        }
        drop((taker, end));
    });
    (lines, ended)
}

/// What a process holds and has used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    pub(super) resident_bytes: u64,
    /// The most of that since it was last begun anew.
    pub(super) highest_bytes: u64,
    /// What of it is no file's: the heap and stacks.
    pub(super) own_bytes: u64,
    /// Time on a core, of all threads.
    pub(super) cpu: Duration,
    /// Time that its first thread wanted a core and another program had it.
    pub(super) waited: Duration,
}

impl Figures {
    /// `None`: it has ended.
    pub(super) fn of(pid: u32) -> Option<Figures> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
            Some(kib * 1024)
        };
        let mut nanos = 0;
        let mut waited = Duration::ZERO;
        for task in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
            let (ran, stood) = schedule(&task.path()).unwrap_or_default();
            nanos += ran;
            if task.file_name().to_str() == Some(&pid.to_string()) {
                waited = Duration::from_nanos(stood);
            }
        }
        Some(Figures {
            resident_bytes: bytes("VmRSS:")?,
            highest_bytes: bytes("VmHWM:")?,
            own_bytes: bytes("RssAnon:")?,
            cpu: Duration::from_nanos(nanos),
            waited,
        })
    }
}

/// Has the system note the most that a process holds anew from now on (proc_pid_clear_refs(5)); whether it does.
pub(super) fn begin_height(pid: u32) -> bool {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").is_ok()
}

/// How long this thread of ours has wanted a core and another had it.
pub(super) fn own_wait(thread: i32) -> Duration {
    let path = format!("/proc/self/task/{thread}");
    let (_, stood) = schedule(Path::new(&path)).unwrap_or_default();
    Duration::from_nanos(stood)
}

/// Nanoseconds that a thread ran, and that it waited to.
fn schedule(task: &Path) -> Option<(u64, u64)> {
    let text = fs::read_to_string(task.join("schedstat")).ok()?;
    let mut numbers = text.split_whitespace().map(str::parse::<u64>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
