//! The real server at its most talkative: what must never stand in a log.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use backend::Backend;

use rustix::process::{Pid, Signal, kill_process};
use wardroom::simulation::{text, upgrade_request};

#[path = "sockets/backend.rs"]
#[expect(dead_code, reason = "shared with the tests of the sockets")]
mod backend;

const SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff0";
const MESSAGE: &str = "nobody-but-the-room";

/// A server of its own, ended and read when the test is done.
struct Server {
    process: Child,
    address: String,
    log: Vec<String>,
    reader: BufReader<std::process::ChildStderr>,
}

impl Server {
    fn start(directory: &std::path::Path, flags: &[String]) -> Server {
        let mut process = command(directory)
            .args(["--set", "listen.address=127.0.0.1:0"])
            .args(["--set", "private.address=127.0.0.1:0"])
            .args(flags)
            .env("RUST_LOG", "trace,tungstenite=trace")
            // Nobody is there: what goes through it is lost.
            .env("http_proxy", "http://127.0.0.1:9")
            .env("ALL_PROXY", "http://127.0.0.1:9")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut reader = BufReader::new(process.stderr.take().expect("a pipe"));
        let mut log = Vec::new();
        let address = loop {
            let mut line = String::new();
            let read = reader.read_line(&mut line).expect("a line");
            assert!(read > 0, "the server ended: {log:?}");
            let address = line.split("listening on ").nth(1).map(str::trim);
            let address = address.map(str::to_owned);
            log.push(line);
            if let Some(address) = address {
                break address;
            }
        };
        Server {
            process,
            address,
            log,
            reader,
        }
    }

    fn connect(&self, request: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).expect("a listener");
        let limit = Some(Duration::from_secs(10));
        socket.set_read_timeout(limit).expect("a timeout");
        socket.write_all(request.as_bytes()).expect("sent");
        socket
    }

    /// Lines are written in order, though not at once: after that of the stop there is none from before it.
    fn everything_logged(mut self) -> String {
        kill_process(Pid::from_child(&self.process), Signal::TERM).expect("it runs");
        let mut line = String::new();
        while !line.contains("event=stopped") {
            line.clear();
            let read = self.reader.read_line(&mut line).expect("a line");
            self.log.push(line.clone());
            assert!(read > 0, "the end before the stop: {:?}", self.log);
        }
        self.process.kill().expect("its own child");
        self.process.wait().expect("it ended");
        let mut rest = String::new();
        self.reader.read_to_string(&mut rest).expect("text");
        self.log.concat() + &rest
    }
}

fn command(directory: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardroom"));
    command.current_dir(directory);
    command
}

/// Reads until `mark` has come.
fn read_until(socket: &mut TcpStream, mark: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(mark) {
        let mut piece = [0; 4096];
        let read = socket.read(&mut piece).expect("an answer in time");
        let all = String::from_utf8_lossy(&seen);
        assert!(read > 0, "the end before {mark:?}: {all}");
        seen.extend_from_slice(&piece[..read]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

fn token(directory: &std::path::Path) -> String {
    let made = command(directory)
        .args(["token", "--sub", "alice"])
        .output()
        .expect("the binary runs");
    let token = String::from_utf8(made.stdout).expect("text");
    token.trim().to_owned()
}

/// A data directory whose secret is [`SECRET`].
fn write_secret(directory: &std::path::Path) {
    let data = directory.join("wardroom-data");
    std::fs::create_dir(&data).expect("a directory");
    let secret = data.join("secret");
    std::fs::write(&secret, SECRET).expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&secret, owner_only).expect("changed");
    }
}

#[test]
fn neither_credentials_nor_messages_reach_the_log_at_any_level() {
    let directory = tempfile::tempdir().expect("a directory");
    write_secret(directory.path());
    let token = token(directory.path());
    let server = Server::start(directory.path(), &[]);

    let chat = |path: &str, fields: &str| server.connect(&upgrade_request(path, fields));
    let mut query = chat(&format!("/ws/chat?token={token}"), "");
    read_until(&mut query, "has joined the chat.");
    let said = format!(r#"{{"message":"{MESSAGE}"}}"#);
    query.write_all(&text(&said)).expect("sent");
    read_until(&mut query, MESSAGE);

    let bearer = format!("Authorization: Bearer {token}\r\n");
    let mut asking = server.connect(&format!(
        "POST /ticket HTTP/1.1\r\nHost: a\r\n{bearer}Connection: close\r\n\r\n"
    ));
    let answer = read_until(&mut asking, "expires_in_ms");
    let ticket = answer.split('"').nth(3).expect("a ticket").to_owned();
    let protocol = format!("Sec-WebSocket-Protocol: wardroom.v1, wardroom.ticket.{ticket}\r\n");
    read_until(&mut chat("/ws/chat", &protocol), "hello");
    // Used up, and a forged one: what is refused is not repeated either.
    read_until(&mut chat("/ws/chat", &protocol), "invalid credentials");
    let forged = format!("Authorization: Bearer {token}x\r\n");
    read_until(&mut chat("/ws/chat", &forged), "invalid credentials");

    let log = server.everything_logged();
    assert!(
        log.contains("TRACE mio"),
        "nothing was logged at its finest level: {log}"
    );
    assert!(
        log.contains("event=signed_in address=127.0.0.1 path=\"/ws/chat\" user=\"alice\""),
        "{log}"
    );
    assert!(log.contains("event=sign_in_failed"), "{log}");
    let signature = token.rsplit('.').next().expect("three parts").to_owned();
    let hex: String = said.bytes().map(|byte| format!("{byte:02x}")).collect();
    for forbidden in [&token, &signature, &ticket, SECRET, MESSAGE, &hex] as [&str; 6] {
        assert!(!log.contains(forbidden), "{forbidden} in the log:\n{log}");
    }
}

#[test]
fn nothing_that_the_authentication_hook_is_told_reaches_the_log_at_any_level() {
    let directory = tempfile::tempdir().expect("a directory");
    write_secret(directory.path());
    let answers = Backend::start(backend::good);
    let garbage = Backend::start(backend::garbage);
    let unavailable = "is not available";
    for (backend, expected, refused_as) in [
        (&answers, "has joined", "invalid credentials"),
        (&garbage, unavailable, unavailable),
    ] {
        let flags = [
            format!("--set=auth.hook.url=http://{}/who", backend.address),
            "--set=auth.hook.secret_file=wardroom-data/secret".to_owned(),
        ];
        let server = Server::start(directory.path(), &flags);
        let fields = "Authorization: Bearer good-credential-of-nobody-else\r\n";
        let mut chat = server.connect(&upgrade_request("/ws/chat", fields));
        read_until(&mut chat, expected);
        let refused = "Authorization: Bearer bad-credential\r\n";
        let mut chat = server.connect(&upgrade_request("/ws/chat", refused));
        read_until(&mut chat, refused_as);
        let log = server.everything_logged();
        assert!(log.contains("TRACE mio"), "{log}");
        for forbidden in ["good-credential-of-nobody-else", "bad-credential", SECRET] {
            assert!(!log.contains(forbidden), "{forbidden} in the log:\n{log}");
        }
    }
}
