//! Everything that somebody said is deleted, whatever happens in the middle of it.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::{act, config, join, send};
use crate::line::Caller;
use crate::server::Server;

/// Some twenty steps of the store.
const MESSAGES: u64 = 5_000;
/// Attempts at meeting the middle of one, on a machine that is busy with other tests.
const ROUNDS: usize = 8;

fn say_many(server: &Server) {
    let mut victim = Caller::of(server, "victim");
    victim.done(join("den"));
    for number in 0..MESSAGES {
        let evil = send("den", &format!("evil {number}"));
        match number % 100 {
            99 => victim.done(evil)["id"].as_u64(),
            _ => victim.request(evil),
        };
    }
}

/// Messages with a text that the victim's name stands at, as the file has them.
fn left_in_file(server: &Server) -> i64 {
    let file = server.folder().join("data/wardroom.sqlite");
    let connection = Connection::open(file).expect("the store");
    let sql = "SELECT count(*) FROM messages WHERE sender = 'victim' AND text <> ''";
    let count = connection.query_row(sql, [], |row| row.get(0));
    count.expect("a count")
}

/// Numbers of messages that can be read, of which nobody should be able to read one.
fn readable(owner: &mut Caller) -> Vec<Value> {
    let (mut after, mut readable) = (0, Vec::new());
    loop {
        let page = json!({"type": "history", "room": "den", "after": after, "limit": 1000});
        let page = owner.done(page);
        let messages = page["messages"].as_array().expect("messages");
        let Some(last) = messages.last() else {
            return readable;
        };
        after = last["seq"].as_u64().expect("a number");
        let with_text = messages.iter().filter(|found| found["message"].is_string());
        readable.extend(with_text.map(|found| found["seq"].clone()));
    }
}

#[test]
fn a_purge_cut_short_by_kill_9_leaves_nothing_to_read() {
    let mut server = Server::serve(&config("page_entries_max = 1000"));
    Caller::of(&server, "owner").done(json!({"type": "create", "room": "den"}));
    let mut left = Vec::new();
    for _ in 0..ROUNDS {
        say_many(&server);
        let mut owner = Caller::of(&server, "owner");
        owner.done(join("den"));
        owner.request(act("purge", "den", "victim"));
        let moderated = owner.wait_for("moderation");
        server.kill();
        assert_eq!(moderated["action"], "purge");
        left.push(left_in_file(&server));
        server.start_again();
        let mut owner = Caller::of(&server, "owner");
        let readable = readable(&mut owner);
        assert!(readable.is_empty(), "{left:?} left, read: {readable:?}");
        if left.last() > Some(&0) {
            break;
        }
    }
    println!("left in the file after kill -9: {left:?}");
    assert!(left.last() > Some(&0), "always too late: {left:?}");
    // What nobody waits for is done beside everything else.
    let until = std::time::Instant::now() + crate::server::PATIENCE;
    while left_in_file(&server) > 0 {
        assert!(std::time::Instant::now() < until, "it goes on by itself");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
