//! The real program in a directory of its own, and what the kernel says about it.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::peer::Peer;

/// How long anything may take before a test says that it will not happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a server may have grown by when everybody has gone: the allocator's slack, not the peers' bytes.
pub const GROWTH_KIB_MAX: u64 = 8 * 1024;

pub const SECRET: &str = "f963095b126c6d633ef7396dc4b836a04bfada0cf43f90aea0faae14df5b50f1";
/// What is shown to the private listener of a server that has a configuration.
pub const PRIVATE_KEY: &str = "8c1f5b7d20a94e3e6c0d7f2b91e8a4c35d6e7f8091a2b3c4d5e6f708192a3b4c";

/// A running `wardroom`, ended with the test.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// Where its private listener is, if it has one.
    pub private: Option<SocketAddr>,
    /// Its standard output, line by line.
    pub results: Receiver<String>,
    log: Receiver<String>,
    /// Lines of it that were looked at.
    logged: RefCell<Vec<String>>,
    directory: TempDir,
}

/// What a process holds and has used.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// VmRSS, in KiB.
    pub resident_kib: u64,
    /// Open descriptors.
    pub descriptors: usize,
    /// Time on a processor.
    pub cpu: Duration,
}

/// The program, seeing nothing of the test's own environment.
pub fn wardroom(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardroom"));
    command.current_dir(directory).env_clear();
    command
}

pub fn write_secret(path: &Path, secret: &str) {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).expect("a new file");
    file.write_all(secret.as_bytes()).expect("a secret");
}

/// Empties a pipe for as long as the process lives, whether or not anybody listens.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (line, lines) = channel();
    std::thread::spawn(move || {
        for text in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = line.send(text);
        }
    });
    lines
}

/// The command that serves with these lines of configuration on a free port, in a directory of its own.
pub fn prepare(config: &str) -> (Command, TempDir) {
    prepare_in(tempfile::tempdir().expect("a directory"), config)
}

/// The same in a directory that holds what the configuration names.
pub fn prepare_in(directory: TempDir, config: &str) -> (Command, TempDir) {
    furnish(directory.path(), ANY_PORT, config);
    let mut command = wardroom(directory.path());
    command.args(["serve", "--config", "wardroom.toml"]);
    (command, directory)
}

/// The private and the public address. Reads byte by byte, so that nothing beyond the line is taken from the pipe.
fn addresses_in(log: &mut impl Read) -> (Option<SocketAddr>, SocketAddr) {
    let mut said = String::new();
    loop {
        let mut byte = [0];
        log.read_exact(&mut byte)
            .expect("the server says where it listens");
        said.push(char::from(byte[0]));
        if !said.ends_with('\n') {
            continue;
        }
        let after = |words: &str| {
            let (_, rest) = said.split_once(words)?;
            rest.lines().next()?.parse().ok()
        };
        if let Some(address) = after("listening on ") {
            return (after("private listener on "), address);
        }
    }
}

/// A directory with secrets and a configuration of these lines.
pub fn home(listen: &str, config: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    furnish(directory.path(), listen, config);
    directory
}

fn furnish(directory: &Path, listen: &str, config: &str) {
    write_secret(&directory.join("secret"), SECRET);
    write_secret(&directory.join("private.key"), PRIVATE_KEY);
    write_config(directory, listen, config);
}

/// Writes the configuration as a careful operator does: another file under the same name.
pub fn write_config(directory: &Path, listen: &str, config: &str) {
    let config = format!(
        "[listen]\n{listen}\n[private]\naddress = \"127.0.0.1:0\"\nkey_file = \"private.key\"\n[[auth.key]]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n{config}"
    );
    let draft = directory.join("wardroom.toml.new");
    fs::write(&draft, config).expect("a configuration");
    fs::rename(draft, directory.join("wardroom.toml")).expect("its name");
}

/// Any port of this machine.
pub const ANY_PORT: &str = "address = \"127.0.0.1:0\"";

impl Server {
    /// Serves with these lines of configuration, on a free port.
    pub fn serve(config: &str) -> Server {
        let (command, directory) = prepare(config);
        Server::start(command, directory)
    }

    /// The same in a directory that holds what the configuration names.
    pub fn serve_in(directory: TempDir, config: &str) -> Server {
        let (command, directory) = prepare_in(directory, config);
        Server::start(command, directory)
    }

    /// Starts `command` and waits for its address.
    pub fn start(command: Command, directory: TempDir) -> Server {
        Server::start_with_input(command, directory, Stdio::null())
    }

    /// The same with a standard input.
    pub fn start_with_input(mut command: Command, directory: TempDir, input: Stdio) -> Server {
        let mut child = command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let results = lines(child.stdout.take().expect("it is piped"));
        let log = lines(child.stderr.take().expect("it is piped"));
        let mut server = Server {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            private: None,
            results,
            log,
            logged: RefCell::default(),
            directory,
        };
        server.wait_for_addresses();
        server
    }

    /// Starts `command` with a standard error that is read up to the server's address, and no further but by the caller.
    pub fn start_unread(mut command: Command, directory: TempDir) -> (Server, ChildStderr) {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let results = lines(child.stdout.take().expect("it is piped"));
        let mut log = child.stderr.take().expect("it is piped");
        let (private, address) = addresses_in(&mut log);
        let server = Server {
            address,
            child,
            results,
            private,
            log: channel().1,
            logged: RefCell::default(),
            directory,
        };
        (server, log)
    }

    /// Starts `command`, which serves at `address`, with a standard error that tells this test nothing.
    pub fn start_with_log(
        mut command: Command,
        directory: TempDir,
        address: SocketAddr,
        log: File,
    ) -> Server {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let results = lines(child.stdout.take().expect("it is piped"));
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "nobody listens on {address}");
            std::thread::yield_now();
        }
        Server {
            child,
            address,
            results,
            private: None,
            log: channel().1,
            logged: RefCell::default(),
            directory,
        }
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the program wrote to its standard error since the last look, as far as it has come.
    pub fn log_so_far(&self) -> Vec<String> {
        self.log.try_iter().collect()
    }

    /// Waits for a line of standard error that holds `words`.
    pub fn wait_for_line(&self, words: &str) -> String {
        self.logged(&[words])
    }

    /// The same for one that holds all of `words`.
    pub fn logged(&self, words: &[&str]) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.log.recv_timeout(left) {
                Ok(line) => {
                    self.logged.borrow_mut().push(line.clone());
                    if words.iter().all(|word| line.contains(word)) {
                        return line;
                    }
                }
                Err(_) => panic!("the server does not say {words:?}: {:#?}", self.logged),
            }
        }
    }

    fn wait_for_addresses(&mut self) {
        let until = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        while let Ok(line) = self
            .log
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            self.logged.borrow_mut().push(line.clone());
            if let Some((_, address)) = line.split_once("private listener on ") {
                self.private = Some(address.parse().expect("an address"));
            }
            if let Some((_, address)) = line.split_once("listening on ") {
                self.address = address.parse().expect("an address");
                return;
            }
            said.push(line);
        }
        panic!("the server does not say where it listens: {said:#?}");
    }

    /// Asks the private listener by a sub-command of the program itself.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let url = format!("http://{}", self.private.expect("a private listener"));
        wardroom(self.directory.path())
            .args(arguments)
            .args(["--private", &url, "--key-file", "private.key"])
            .output()
            .expect("the program starts")
    }

    /// The folder with its files.
    pub fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// Another configuration, which is not read before the server is told to.
    pub fn write_config(&self, config: &str) {
        write_config(self.directory.path(), ANY_PORT, config);
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("its own child");
    }

    /// Whether a line that was waited for, or one before it, holds `text`.
    pub fn has_logged(&self, text: &str) -> bool {
        self.logged.borrow().iter().any(|line| line.contains(text))
    }

    /// Everything that the program has written to its standard error, up to its end, which must come.
    pub fn whole_log(&self) -> String {
        let rest = self.log.iter();
        let mut logged = self.logged.borrow_mut();
        logged.extend(rest);
        logged.join("\n")
    }

    /// A file of the process in `/proc`.
    pub fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(path).expect("the server lives")
    }

    /// A token for `user`, made by the program itself.
    pub fn token(&self, user: &str) -> String {
        let made = wardroom(self.directory.path())
            .args(["token", "--config", "wardroom.toml", "--sub", user])
            .output()
            .expect("the program starts");
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout)
            .expect("a token")
            .trim()
            .to_owned()
    }

    pub fn figures(&self) -> Figures {
        let proc = |file: &str| format!("/proc/{}/{file}", self.child.id());
        let status = fs::read_to_string(proc("status")).expect("the server lives");
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .expect("VmRSS");
        let schedstat = fs::read_to_string(proc("schedstat")).expect("the server lives");
        let nanoseconds = schedstat.split(' ').next().expect("a number");
        Figures {
            resident_kib: resident.trim().parse().expect("a number"),
            descriptors: fs::read_dir(proc("fd")).expect("the server lives").count(),
            cpu: Duration::from_nanos(nanoseconds.parse().expect("a number")),
        }
    }

    /// The figures once the server holds no more than `descriptors`. Each look follows a request that it answered.
    pub fn settled(&self, descriptors: usize) -> Figures {
        let until = Instant::now() + PATIENCE;
        loop {
            Peer::connect(self.address).get("/healthz");
            let figures = self.figures();
            if figures.descriptors <= descriptors {
                return figures;
            }
            assert!(
                Instant::now() < until,
                "the server keeps {} descriptors, {descriptors} expected",
                figures.descriptors
            );
        }
    }

    /// Everything is as it was `before`, when nobody was connected: descriptors, memory but for the allocator's slack,
    /// and room for exactly three connections of `user`.
    pub fn expect_unchanged(&self, before: Figures, user: &str) {
        let after = self.settled(before.descriptors);
        println!("before: {before:?}\nafter:  {after:?}");
        assert_eq!(after.descriptors, before.descriptors);
        let growth = after.resident_kib.saturating_sub(before.resident_kib);
        assert!(
            growth <= GROWTH_KIB_MAX,
            "the server grew by {growth} KiB: {before:?} {after:?}"
        );
        let token = self.token(user);
        let three = [(); 3].map(|()| Peer::open(self, "/ws/chat", &token));
        let mut fourth = Peer::open(self, "/ws/chat", &token);
        assert_eq!(fourth.close_code(), Some(1008), "three are the limit");
        for mut peer in three {
            peer.say("{\"message\":\"here\"}");
            while peer.notice()["message"] != "here" {}
        }
    }

    /// Ends the process as a crash does, and starts it again in the same directory.
    pub fn kill_and_start_again(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Ends the process as a crash does.
    pub fn kill(&mut self) {
        self.child.kill().expect("its own child");
        self.child.wait().expect("its own child");
    }

    /// Starts the program in the same directory, once what ran there has ended.
    pub fn start_again(&mut self) {
        self.begin_to_start();
        self.wait_for_addresses();
    }

    /// The same without waiting until it serves.
    pub fn begin_to_start(&mut self) {
        let mut command = wardroom(self.directory.path());
        command.args(["serve", "--config", "wardroom.toml"]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        self.results = lines(child.stdout.take().expect("it is piped"));
        self.log = lines(child.stderr.take().expect("it is piped"));
        self.child = child;
    }

    /// Asks the process to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for the end of the process.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("its own child")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            self.log.iter().for_each(|line| eprintln!("server: {line}"));
        }
    }
}
