//! Turns so short that hardly anything fits into one: nothing is lost by going on in the next.

use crate::peer::Peer;
use crate::server::Server;

const PEOPLE: usize = 60;
const MESSAGES: usize = 50;

const CONFIG: &str = r#"
[turn]
people_microseconds_max = 100
strangers_microseconds_max = 100
reads_max = 2
writes_max = 3
accepts_max = 1
frames_per_connection_max = 1
signature_checks_max = 1
[limits]
connections_per_address = 100
plain_per_address = 100
handshakes_per_address = { burst = 1000000, per = "1s" }
commands_per_user = { burst = 1000000, per = "1s" }
messages_per_user = { burst = 1000000, per = "1s" }
messages_per_connection = { burst = 1000000, per = "1s" }
messages_per_address = { burst = 1000000, per = "1s" }
bytes_per_address = { burst = 1000000000, per = "1s" }
"#;

#[test]
fn in_the_shortest_turns_everybody_gets_in_and_hears_every_message_once_and_in_order() {
    let server = Server::serve(CONFIG);
    let before = server.figures();
    let open = |n| {
        let token = server.token(&format!("user-{n}"));
        Peer::open(&server, "/ws/chat", &token)
    };
    let mut people: Vec<Peer> = (0..PEOPLE).map(open).collect();
    // All in one write: what does not fit into a turn stays in the socket, of which nothing will tell again.
    let said: Vec<String> = (0..MESSAGES).map(|n| format!("message {n}")).collect();
    let bytes: Vec<u8> = said
        .iter()
        .flat_map(|words| wardroom::simulation::text(&format!("{{\"message\":\"{words}\"}}")))
        .collect();
    people[0].send(&bytes);
    for peer in &mut people {
        let mut heard = Vec::new();
        while heard.len() < MESSAGES {
            let notice = peer.notice();
            assert!(notice["error"].is_null(), "{notice}");
            if notice["sender"] != "System" {
                heard.push(notice["message"].as_str().unwrap_or_default().to_owned());
            }
        }
        assert_eq!(heard, said);
    }
    drop(people);
    server.expect_unchanged(before, "user-0");
}
