//! What a newcomer types first: the program alone, and with a file. And how it ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use wardroom::simulation::{masked, upgrade_request};

use crate::peer::Peer;
use crate::server::{PATIENCE, Server, wardroom};

/// The program alone, but for a free port, in this directory.
fn alone(directory: &Path) -> Command {
    let mut command = wardroom(directory);
    command.args(["--set", "listen.address=127.0.0.1:0"]);
    command.args(["--set", "private.address=127.0.0.1:0"]);
    command
}

/// The tokens of the two printed links.
fn tokens(server: &Server) -> [String; 2] {
    ["Alice:", "Bob:"].map(|name| {
        let line = server.results.recv_timeout(PATIENCE).expect("a link");
        let start = format!("http://{}/#token=", server.address);
        let (who, token) = line.split_once(&start).expect("a link to this server");
        assert_eq!(who.trim(), name);
        token.to_owned()
    })
}

/// Opens the chat as the page does: with the token in the query, from the server's own origin.
fn open_as_page(server: &Server, token: &str) -> Peer {
    let mut peer = Peer::connect(server.address);
    let fields = format!("Origin: http://{}\r\n", server.address);
    peer.send(upgrade_request(&format!("/ws/chat?token={token}"), &fields).as_bytes());
    let head = peer.head().expect("an answer");
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    peer
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn alone_in_an_empty_directory_it_makes_a_secret_and_two_links_that_work() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().to_owned();
    let secret_file = path.join("wardroom-data/secret");

    let server = Server::start(alone(&path), tempfile::tempdir().expect("a directory"));
    let [alice, bob] = tokens(&server);
    assert_eq!(mode(&secret_file), 0o600);
    assert_eq!(mode(&path.join("wardroom-data")), 0o700);
    let left: Vec<String> = fs::read_dir(path.join("wardroom-data"))
        .expect("it is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let is_draft = |name: &str| name.starts_with("secret.") || name.starts_with("private.key.");
    assert!(!left.iter().any(|name| is_draft(name)), "{left:?}");
    assert_eq!(mode(&path.join("wardroom-data/private.key")), 0o600);
    let secret = fs::read(&secret_file).expect("it is there");
    talk(&server, [&alice, &bob]);
    let page = Peer::connect(server.address).get("/");
    assert_eq!(page, "200");

    let made = wardroom(&path)
        .args(["token", "--sub", "carol", "--name", "Carol"])
        .output()
        .expect("the program starts");
    let carol = String::from_utf8(made.stdout).expect("a token");
    drop(open_as_page(&server, carol.trim()));
    drop(server);

    let again = Server::start(alone(&path), tempfile::tempdir().expect("a directory"));
    assert_eq!(fs::read(&secret_file).expect("it is there"), secret);
    talk(&again, [&alice, &bob]);
}

/// Two people hear each other.
fn talk(server: &Server, tokens: [&str; 2]) {
    let [mut alice, mut bob] = tokens.map(|token| open_as_page(server, token));
    for (speaker, listener, name) in [(0, 1, "Alice"), (1, 0, "Bob")] {
        let peers = [&mut alice, &mut bob];
        peers[speaker].say(&format!("{{\"message\":\"I am {name}\"}}"));
        let heard = loop {
            let notice = peers[listener].notice();
            if notice["message"] == format!("I am {name}") {
                break notice;
            }
        };
        assert_eq!(heard["sender"], name);
    }
}

#[test]
fn a_busy_port_is_exit_code_1_and_names_the_setting() {
    let server = Server::serve("");
    let home: TempDir = tempfile::tempdir().expect("a directory");
    let private = server.private.expect("a private listener");
    for (setting, taken, other) in [
        ("listen.address", server.address, "private.address"),
        ("private.address", private, "listen.address"),
    ] {
        let output = wardroom(home.path())
            .args(["--set", &format!("{setting}={taken}")])
            .args(["--set", &format!("{other}=127.0.0.1:0")])
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(&format!("--set {setting}=")), "{told}");
        assert!(told.contains(&taken.to_string()), "{told}");
        assert!(
            output.stdout.is_empty(),
            "no link to a server that is not there"
        );
    }
}

#[test]
fn sigterm_says_1001_to_everybody_and_is_exit_code_0() {
    let mut server = Server::serve("");
    let mut plain = Peer::open(&server, "/ws/chat", &server.token("alice"));
    let mut full = Peer::open_with(
        &server,
        "/ws/chat",
        &server.token("bob"),
        "Sec-WebSocket-Protocol: wardroom.v1\r\n",
    );
    let mut half_a_head = Peer::connect(server.address);
    half_a_head.send(b"GET / HT");
    server.terminate();
    while full.notice()["type"] != "bye" {}
    for peer in [&mut plain, &mut full] {
        assert_eq!(peer.close_code(), Some(1001));
        peer.send(&masked(0x88, &[0x03, 0xE9]));
        peer.expect_end();
    }
    // Its time to ask for something runs out.
    let told = String::from_utf8_lossy(&half_a_head.rest()).into_owned();
    assert!(told.starts_with("HTTP/1.1 408 "), "and no reset: {told}");
    drop((plain, full, half_a_head));
    assert_eq!(server.wait().code(), Some(0));
}
