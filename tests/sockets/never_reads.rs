//! Peers that send and never read: cut off, and nobody waits for them.

use wardroom::simulation::masked;

use crate::peer::Peer;
use crate::server::Server;

/// Messages after which somebody who reads nothing must be gone: each is half a kilobyte and more, the queue holds 256 KiB, and the kernel takes
/// no more ahead of it than `limits.unsent_bytes_per_connection_max`, where it would take 4 MiB.
const MESSAGES_MAX: usize = 1000;

const CONFIG: &str = r#"
[echo]
enabled = true
[limits]
connections_per_user = 3
handshakes_per_address = { burst = 1000000, per = "1s" }
commands_per_user = { burst = 1000000, per = "1s" }
frames_per_connection = { burst = 1000000, per = "1s" }
bytes_per_connection = { burst = 1000000000, per = "1s" }
bytes_per_address = { burst = 1000000000, per = "1s" }
messages_per_user = { burst = 1000000, per = "1s" }
messages_per_connection = { burst = 1000000, per = "1s" }
messages_per_address = { burst = 1000000, per = "1s" }
[rooms]
return_time_max = 0
[deadlines]
close = "200ms"
"#;

#[test]
fn an_echo_that_nobody_reads_ends_the_connection() {
    let server = Server::serve(CONFIG);
    let before = server.figures();
    let mut peer = Peer::open(&server, "/ws/echo", &server.token("mallory"));
    let message = masked(0x82, &[b'x'; 8192]);
    let mut sent = 0;
    // Ends when the server has closed the socket: until then a write waits for it.
    while peer.try_send(&message) {
        sent += message.len();
    }
    println!("{sent} bytes were taken");
    server.expect_unchanged(before, "mallory");
}

#[test]
fn a_member_who_never_reads_is_cut_off_and_nobody_waits() {
    let server = Server::serve(CONFIG);
    let before = server.figures();
    let mut talker = Peer::open(&server, "/ws/chat", &server.token("talker"));
    let mut sleeper = Peer::open(&server, "/ws/chat", &server.token("sleeper"));
    sleeper.narrow();
    let message = "z".repeat(500);
    let mut sent = 0;
    while !hears_that_left(&mut talker, "sleeper", &message) {
        sent += 1;
        assert!(sent < MESSAGES_MAX, "the sleeper is still waited for");
    }
    println!("{sent} messages were read by one and not by the other");
    assert!(sleeper.is_reset(), "nothing of it is left to the kernel");
    drop((talker, sleeper));
    server.expect_unchanged(before, "sleeper");
}

/// Says `message` and waits until it comes back; whether `user` was said to have left before that.
pub fn hears_that_left(talker: &mut Peer, user: &str, message: &str) -> bool {
    talker.say(&format!("{{\"message\":\"{message}\"}}"));
    let mut has_left = false;
    loop {
        let notice = talker.notice();
        assert!(notice["error"].is_null(), "{notice}");
        has_left |= notice["message"] == format!("User {user} has left the chat.");
        if notice["message"] == message {
            return has_left;
        }
    }
}
