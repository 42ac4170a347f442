//! Sessions and revocations on a real file: what the command says was done is done, whatever happens to the process.

use std::process::Output;

use serde_json::Value;

use crate::peer::Peer;
use crate::server::{Server, wardroom};

/// The store stands in the server's own directory.
const CONFIG: &str = "[store]\ndirectory = \"data\"\n";

/// Runs a command on the server's configuration file; its standard output.
fn command(server: &Server, arguments: &[&str]) -> Result<Value, String> {
    let mut command = wardroom(server.folder());
    command.args(arguments);
    command.args(["--config", "wardroom.toml", "--json"]);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program runs");
    if status.success() {
        return Ok(serde_json::from_slice(&stdout).expect("JSON"));
    }
    Err(String::from_utf8_lossy(&stderr).into_owned())
}

fn new_session(server: &Server, user: &str) -> (String, String) {
    let made = command(
        server,
        &["session", "new", "--user", user, "--label", "test"],
    );
    let made = made.expect("a session");
    let text = |name: &str| made[name].as_str().expect(name).to_owned();
    (text("value"), text("session"))
}

fn open(server: &Server, value: &str) -> Peer {
    let offer = "Sec-WebSocket-Protocol: wardroom.v1\r\n";
    Peer::open_with(server, "/ws/chat", value, offer)
}

/// The next frame's payload as text.
fn next(peer: &mut Peer) -> String {
    let frame = peer.frame().expect("a frame, not the end");
    String::from_utf8_lossy(&frame.payload).into_owned()
}

/// What the first frame says to who shows this.
fn knock(server: &Server, value: &str) -> String {
    next(&mut open(server, value))
}

/// Reads up to the close frame; its reason.
fn end(peer: &mut Peer) -> String {
    loop {
        let frame = peer.frame().expect("a close frame, not the end");
        if let (8, [_, _, reason @ ..]) = (frame.opcode, frame.payload.as_slice()) {
            return String::from_utf8_lossy(reason).into_owned();
        }
    }
}

#[test]
fn a_session_opens_the_chat_and_survives_kill_9_and_a_restart() {
    let mut server = Server::serve(CONFIG);
    let (value, id) = new_session(&server, "alice");
    assert!(knock(&server, &value).contains("\"hello\""));
    server.kill_and_start_again();
    assert!(knock(&server, &value).contains("\"hello\""));
    let listed = command(&server, &["session", "list"]).expect("a list");
    assert_eq!(listed["sessions"][0]["session"], id.as_str());
    assert!(listed["sessions"][0]["last_used"].is_number(), "{listed}");
    let garbage = format!("wrs_{}", "A".repeat(43));
    assert!(knock(&server, &garbage).contains("invalid credentials"));
}

#[test]
fn what_was_revoked_stays_so_after_kill_9_and_its_socket_has_gone() {
    let mut server = Server::serve(CONFIG);
    let (value, id) = new_session(&server, "alice");
    let bob = server.token("bob");
    let mut inside = open(&server, &value);
    assert!(next(&mut inside).contains("\"hello\""));
    assert!(knock(&server, &bob).contains("\"hello\""));
    command(&server, &["session", "revoke", &id]).expect("revoked");
    assert_eq!(end(&mut inside), "revoked");
    command(&server, &["revoke", "--user", "bob"]).expect("revoked");
    // At once: the store has it, the process not necessarily.
    server.kill_and_start_again();
    assert!(knock(&server, &value).contains("invalid credentials"));
    assert!(knock(&server, &bob).contains("revoked"));
}

#[test]
fn a_second_server_on_the_same_store_does_not_start_unless_it_is_told_to() {
    let server = Server::serve(CONFIG);
    let second = |shared: &str| {
        let mut command = wardroom(server.folder());
        command.args(["serve", "--config", "wardroom.toml", "--set"]);
        command.arg(format!("store.shared={shared}"));
        command
    };
    let refused = second("false").output().expect("it ends");
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("another server uses it"), "{told}");
    let (value, _) = new_session(&server, "alice");
    let mut shared = second("true");
    shared.args(["--set", "listen.address=127.0.0.1:0"]);
    let other = Server::start(shared, tempfile::tempdir().expect("a directory"));
    assert!(knock(&other, &value).contains("\"hello\""));
}

#[test]
fn a_store_that_can_not_be_read_is_a_start_up_error_with_a_remedy() {
    let server = Server::serve(CONFIG);
    let folder = server.folder().to_owned();
    let path = folder.join("spoiled");
    std::fs::create_dir(&path).expect("a directory");
    std::fs::write(path.join("wardroom.sqlite"), vec![b'x'; 9000]).expect("a file");
    let mut command = wardroom(&folder);
    command.args([
        "serve",
        "--config",
        "wardroom.toml",
        "--set",
        "store.directory=spoiled",
    ]);
    let refused = command.output().expect("it ends");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("damaged; restore a copy"), "{told}");
}

#[test]
fn commands_say_what_is_wrong_with_what_was_typed() {
    let server = Server::serve(CONFIG);
    let rows: [(&[&str], &str); 6] = [
        (&["session", "new", "--user", ""], "1 to 128 bytes"),
        (&["session", "new", "--user", "System"], "the server's own"),
        (
            &["session", "new", "--user", "a", "--ttl", "401d"],
            "auth.session.lifetime",
        ),
        (&["session", "revoke", "nothex"], "32 hexadecimal digits"),
        (&["revoke"], "--user"),
        (
            &["revoke", "--user", "a", "--token-id", "b"],
            "cannot be used with",
        ),
    ];
    for (arguments, words) in rows {
        let told = command(&server, arguments).expect_err("refused");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}
