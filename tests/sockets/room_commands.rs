//! The commands about rooms, against the real program and its store on a disk.

use std::time::Instant;

use serde_json::Value;

use crate::peer::Peer;
use crate::server::{PATIENCE, Server};
use crate::server_api::{done, failed, full, json};

const DURABLE: &str = "[rooms]\ndurable = [\"general\"]\n";

/// A server on a new store, which knows its rooms by now: until then their changes are answered with 503.
fn serve(config: &str) -> Server {
    let server = Server::serve(config);
    let until = Instant::now() + PATIENCE;
    for room in ["lobby", "general", "random"] {
        while json(&server, &["room", "show", room])["log"]["number"] == 0 {
            assert!(
                Instant::now() < until,
                "the store does not get to know {room}"
            );
        }
    }
    server
}

/// The one reply to a request.
fn reply(peer: &mut Peer, request: &str) -> Value {
    peer.say(request);
    loop {
        let notice = peer.notice();
        if notice["type"] == "ok" || notice["type"] == "error" {
            return notice;
        }
    }
}

fn code(peer: &mut Peer, request: &str) -> String {
    let reply = reply(peer, request);
    reply["code"].as_str().unwrap_or("ok").to_owned()
}

#[test]
fn an_owner_can_not_lift_a_ban_that_was_made_by_command_and_the_command_can() {
    let server = serve("");
    let told = done(&server, &["affiliate", "general", "olga", "owner"]);
    assert_eq!(
        told,
        "ROOM     ACTION     USER  ENTRY\ngeneral  affiliate  olga  2\n"
    );
    let mut owner = full(&server, "olga");
    let mut victim = full(&server, "mallory");
    let join = r#"{"type":"join","id":1,"room":"general"}"#;
    assert_eq!(code(&mut owner, join), "ok");
    assert_eq!(code(&mut victim, join), "ok");
    let ban = [
        "ban",
        "general",
        "mallory",
        "--for",
        "1d",
        "--reason",
        "see the house rules",
    ];
    assert_eq!(json(&server, &ban)["number"], 3);
    let removed = loop {
        let notice = victim.notice();
        if notice["type"] == "removed" {
            break notice;
        }
    };
    assert_eq!(removed["code"], "banned");
    assert_eq!(removed["reason"], "see the house rules");
    assert!(removed["until"].is_number(), "{removed}");
    let unban = r#"{"type":"unban","id":2,"room":"general","user":"mallory"}"#;
    assert_eq!(code(&mut owner, unban), "operator_ban");
    assert_eq!(code(&mut victim, join), "banned");

    let people = done(&server, &["room", "people", "general"]);
    assert!(people.starts_with("USER     AFFILIATION  BAN"), "{people}");
    assert!(
        people.contains("by the operator: see the house rules"),
        "{people}"
    );
    done(&server, &["unban", "general", "mallory"]);
    assert_eq!(code(&mut victim, join), "ok");
    let told = failed(&server, &["unban", "general", "mallory"], 1);
    assert!(
        told.contains("It is so already") && told.contains("409"),
        "{told}"
    );
    let line = server.wait_for_line("private: ban in general");
    assert!(!line.contains("house rules"), "{line}");
}

#[test]
fn a_room_is_made_set_shown_archived_and_deleted_by_command() {
    let server = serve("");
    let made = done(
        &server,
        &[
            "room",
            "new",
            "team",
            "--owner",
            "olga",
            "--kind",
            "members",
            "--topic",
            "Plans",
            "--slow-mode",
            "5s",
            "--retention",
            "30d",
        ],
    );
    for (field, value) in [
        ("created_by", "olga"),
        ("kind", "members"),
        ("join_rule", "invite"),
        ("topic", "Plans"),
        ("slow_mode_ms", "5000"),
        ("retention_ms", "2592000000"),
        ("ephemeral", "false"),
        ("log.number", "1"),
    ] {
        let row = made
            .lines()
            .find(|line| line.split_whitespace().next() == Some(field));
        let row = row.unwrap_or_else(|| panic!("{field}: {made}"));
        assert_eq!(row.split_whitespace().nth(1), Some(value), "{made}");
    }
    let set = [
        "room",
        "set",
        "team",
        "--topic",
        "Other plans",
        "--locked",
        "true",
    ];
    assert_eq!(json(&server, &set)["action"], "update");
    let shown = json(&server, &["room", "show", "team"]);
    assert_eq!(shown["settings"]["topic"], "Other plans");
    assert_eq!(shown["settings"]["locked"], true);
    assert_eq!(
        shown["settings"]["slow_mode_ms"], 5000,
        "what is not given stays"
    );
    assert_eq!(shown.get("members"), None);
    done(&server, &["room", "archive", "team"]);
    assert_eq!(
        json(&server, &["room", "show", "team"])["settings"]["archived"],
        true
    );
    done(&server, &["room", "archive", "team", "--undo"]);
    let log = done(&server, &["room", "log", "team"]);
    let actions: Vec<&str> = log
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(3))
        .collect();
    assert_eq!(
        actions,
        ["create", "update", "archive", "unarchive"],
        "{log}"
    );
    assert!(log.contains("topic=Other plans, locked=true"), "{log}");
    done(&server, &["room", "delete", "team"]);
    let told = failed(&server, &["room", "show", "team"], 1);
    assert!(told.contains("There is no such room"), "{told}");
    let told = failed(&server, &["room", "new", "l0bby", "--owner", "olga"], 1);
    assert!(
        told.contains("There is a room of this id already"),
        "{told}"
    );
    let told = failed(&server, &["room", "delete", "lobby"], 1);
    assert!(told.contains("the configuration names this room"), "{told}");
}

#[test]
fn messages_are_read_by_command_page_by_page_and_deleted() {
    let server = serve(&format!("{DURABLE}page_entries_max = 3\n"));
    for number in 1..=10 {
        done(
            &server,
            &["publish", "general", &format!("m{number}"), "--as", "bot"],
        );
    }
    let seqs = |arguments: &[&str]| -> Vec<u64> {
        let page = json(
            &server,
            &[&["room", "history", "general"], arguments].concat(),
        );
        let messages = page["messages"].as_array().expect("a list");
        messages
            .iter()
            .filter_map(|message| message["seq"].as_u64())
            .collect()
    };
    assert_eq!(seqs(&[]), (1..=10).collect::<Vec<_>>());
    assert_eq!(seqs(&["--limit", "4"]), [7, 8, 9, 10]);
    assert_eq!(seqs(&["--limit", "5", "--before", "8"]), [3, 4, 5, 6, 7]);
    assert_eq!(seqs(&["--limit", "5", "--after", "2"]), [3, 4, 5, 6, 7]);
    assert!(seqs(&["--after", "10"]).is_empty());
    done(
        &server,
        &["delete-message", "general", "2", "--reason", "an address"],
    );
    let table = done(
        &server,
        &[
            "room", "history", "general", "--limit", "2", "--before", "4",
        ],
    );
    let rows: Vec<&str> = table.lines().collect();
    assert!(
        rows[1].ends_with("(deleted)") && rows[2].ends_with("m3"),
        "{table}"
    );
    done(&server, &["purge", "general", "bot"]);
    let page = json(&server, &["room", "history", "general"]);
    let messages = page["messages"].as_array().expect("a list");
    assert!(
        messages
            .iter()
            .all(|message| message["deleted"].is_number()),
        "{page}"
    );
    let told = failed(&server, &["delete-message", "general", "99"], 1);
    assert!(told.contains("There is no such message"), "{told}");
    let told = failed(&server, &["room", "history", "lobby"], 1);
    assert!(told.contains("keeps no messages"), "{told}");
}

#[test]
fn a_mute_and_a_kick_by_command_act_on_whoever_is_there() {
    let server = serve("");
    let mut guest = full(&server, "guest");
    let join = r#"{"type":"join","id":1,"room":"random"}"#;
    let send = r#"{"type":"send","id":1,"room":"random","message":"hi"}"#;
    assert_eq!(code(&mut guest, join), "ok");
    done(&server, &["mute", "random", "guest", "--for", "10m"]);
    assert_eq!(code(&mut guest, send), "muted");
    done(&server, &["unmute", "random", "guest"]);
    assert_eq!(code(&mut guest, send), "ok");
    done(&server, &["kick", "random", "guest", "--reason", "enough"]);
    assert_eq!(code(&mut guest, send), "not_in_room");
    assert_eq!(code(&mut guest, join), "ok");
}
