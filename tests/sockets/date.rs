//! The real program on a machine whose date jumps by a day, forwards and back, while people chat.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::honest::Pair;
use crate::peer::Peer;
use crate::server::{Server, prepare, wardroom};

const DAY: i64 = 24 * 60 * 60;
const V1: &str = "Sec-WebSocket-Protocol: wardroom.v1\r\n";
/// Of a head that never ends.
const HEAD_TIME: Duration = Duration::from_secs(2);
/// In which everybody is looked at, who answers pings or not.
const LOOK_TIME: Duration = Duration::from_secs(10);
/// How long people chat at each date.
const TALK_TIME: Duration = Duration::from_secs(1);
/// Beyond a deadline of the server, on a busy machine.
const LATE: Duration = Duration::from_secs(2);

/// Who is silent for a second is looked at; rates of those who talk are not the question.
const CONFIG: &str = r#"
[deadlines]
ping = "1s"
pong = "10s"
head = "2s"
[limits]
connections_per_user = 100
plain_per_address = 100
connections_per_address = 100
offences_per_address = { burst = 100000, per = "1s" }
handshakes_per_address = { burst = 1000, per = "1s" }
commands_per_user = { burst = 1000, per = "1s" }
messages_per_user = { burst = 1000, per = "1s" }
messages_per_connection = { burst = 1000, per = "1s" }
messages_per_address = { burst = 1000, per = "1s" }
control_frames_per_connection = { burst = 1000, per = "1s" }
"#;

/// A server whose date is moved by hand.
struct Moved {
    server: Server,
    library: std::path::PathBuf,
    offset: File,
}

impl Moved {
    /// `None`, said aloud, where a library can not be put before the C library.
    fn start() -> Option<Moved> {
        if cfg!(not(target_env = "gnu")) {
            println!("skipped: the program brings its own C library");
            return None;
        }
        let (mut command, directory) = prepare(CONFIG);
        let library = directory.path().join("date.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/date.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status();
        if !compiled.is_ok_and(|status| status.success()) {
            println!("skipped: no C compiler");
            return None;
        }
        let path = directory.path().join("offset");
        fs::write(&path, 0_i64.to_ne_bytes()).expect("written");
        let offset = File::options()
            .write(true)
            .open(&path)
            .expect("it is there");
        command
            .env("LD_PRELOAD", &library)
            .env("DATE_OFFSET", &path);
        Some(Moved {
            server: Server::start(command, directory),
            library,
            offset,
        })
    }

    fn move_to(&self, seconds: i64) {
        let written = self.offset.write_all_at(&seconds.to_ne_bytes(), 0);
        written.expect("the server sees it at once");
    }

    /// The last word that a command of the program prints at the server's date: a token, a session's value.
    fn made(&self, arguments: &[&str]) -> String {
        let folder = self.server.folder();
        let made = wardroom(folder)
            .env("LD_PRELOAD", &self.library)
            .env("DATE_OFFSET", folder.join("offset"))
            .args(arguments)
            .args(["--config", "wardroom.toml"])
            .output()
            .expect("the program starts");
        assert!(made.status.success(), "{made:?}");
        let text = String::from_utf8(made.stdout).expect("text");
        text.split_whitespace().last().expect("a word").to_owned()
    }

    fn token(&self, user: &str, ttl: &str) -> String {
        self.made(&["token", "--sub", user, "--ttl", ttl])
    }

    fn enter(&self, credential: &str) -> Peer {
        let mut peer = Peer::open_with(&self.server, "/ws/chat", credential, V1);
        let hello = peer.notice();
        assert_eq!(hello["type"], "hello", "{hello}");
        peer
    }

    /// The close code of who is not let in.
    fn refused(&self, credential: &str) -> Option<u16> {
        Peer::open_with(&self.server, "/ws/chat", credential, V1).close_code()
    }

    /// Who is in by credentials for an hour, and by those for a week, tokens and sessions.
    fn people(&self, ttl: &str) -> Vec<Peer> {
        let token = self.token("dave", ttl);
        let session = self.made(&["session", "new", "--user", "erin", "--ttl", ttl]);
        assert!(session.starts_with("wrs_"), "{session}");
        let credentials = [token, session].into_iter().cycle().take(20);
        credentials.map(|it| self.enter(&it)).collect()
    }
}

/// Half a head, and when it was begun.
fn half(server: &Server) -> (Peer, Instant) {
    let mut peer = Peer::connect(server.address);
    peer.send(b"GET / HTTP/1.1\r\nHo");
    (peer, Instant::now())
}

/// How long the server gave it: the deadline, whatever the date says.
fn end_of((mut peer, begun): (Peer, Instant)) -> Duration {
    let head = peer.head().expect("an answer");
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    let took = begun.elapsed();
    assert!(took > HEAD_TIME - Duration::from_millis(100), "{took:?}");
    assert!(took < HEAD_TIME + LATE, "{took:?}");
    took
}

fn expect_in(peers: &mut [Peer]) {
    for (number, peer) in peers.iter_mut().enumerate() {
        peer.say(&format!(r#"{{"type":"ping","id":"in-{number}"}}"#));
        while peer.notice()["id"] != format!("in-{number}") {}
    }
}

#[test]
fn a_date_that_jumps_by_a_day_and_back_ends_what_expired_and_harms_nobody_else() {
    let Some(moved) = Moved::start() else {
        return;
    };
    let mut lasting = moved.people("7d");
    let mut ending = moved.people("1h");
    let [alice, bob] = ["alice", "bob"]
        .map(|user| Peer::open(&moved.server, "/ws/chat", &moved.token(user, "7d")));
    let an_hour = moved.token("carol", "1h");
    let pair = Pair::between(alice, bob);
    sleep(TALK_TIME);
    let head = half(&moved.server);

    expect_in(&mut lasting);
    expect_in(&mut ending);
    moved.move_to(DAY);
    let jumped = Instant::now();
    for peer in &mut ending {
        assert_eq!(peer.close_code(), Some(1008), "it ended a day ago");
    }
    let ended = jumped.elapsed();
    assert!(ended < LOOK_TIME + LATE, "{ended:?}");
    assert_eq!(moved.refused(&an_hour), Some(1008));
    let mut tomorrow = moved.enter(&moved.token("carol", "1h"));
    tomorrow.say(r#"{"type":"ping"}"#);
    let told = tomorrow.notice()["timestamp"].as_f64().expect("a date");
    let here = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a date");
    let ahead = told - here.as_secs_f64();
    assert!((ahead - DAY as f64).abs() < 60.0, "{ahead}");
    expect_in(&mut lasting);
    let forwards = end_of(head);
    sleep(TALK_TIME);

    let head = half(&moved.server);
    moved.move_to(-DAY);
    assert_eq!(moved.refused(&an_hour), Some(1008), "not issued yet");
    let mut yesterday = moved.enter(&moved.token("carol", "1h"));
    expect_in(&mut lasting);
    expect_in(std::slice::from_mut(&mut tomorrow));
    let backwards = end_of(head);
    sleep(TALK_TIME);

    expect_in(&mut lasting);
    expect_in(std::slice::from_mut(&mut yesterday));
    moved.move_to(0);
    let jumped = Instant::now();
    assert_eq!(yesterday.close_code(), Some(1008), "it ended a day ago");
    let ended_too = jumped.elapsed();
    assert!(ended_too < LOOK_TIME + LATE, "{ended_too:?}");
    drop(moved.enter(&an_hour));
    expect_in(&mut lasting);
    expect_in(std::slice::from_mut(&mut tomorrow));
    let talk = pair.end();
    println!(
        "{} who had expired ended within {ended:?}, one of yesterday within {ended_too:?}; {} others stayed; half a head was given {forwards:?} and \
         {backwards:?} of {HEAD_TIME:?}; honest pair: {talk:?}, none lost",
        ending.len(),
        lasting.len(),
    );
    assert!(talk.messages > 50, "{talk:?}");
    assert!(talk.slowest < LATE, "{talk:?}");
}
