//! Inside its sandbox the store does all that it must: the sandbox forbids nothing that SQLite needs for large changes.

use serde_json::json;

use super::{act, config, join, patiently, with};
use crate::line::Caller;
use crate::server::Server;
use crate::telemetry::ask;

/// More than the 2 MB of pages that SQLite keeps in memory.
const MESSAGES: u64 = 5000;
const WAITING_MAX: u64 = 100;
const KEPT: u64 = 100;

/// Says a lot without waiting for each reply.
fn fill(caller: &mut Caller, room: &str) {
    caller.done(join(room));
    let text = "x".repeat(480);
    let (mut sent, mut kept) = (0, 0);
    while kept < MESSAGES {
        if sent < MESSAGES && sent - kept < WAITING_MAX {
            sent += 1;
            let said =
                json!({"type": "send", "room": room, "message": text, "key": format!("k{sent}")});
            caller.request(said).expect("the server lives");
            continue;
        }
        let notice = caller.notice().expect("the server lives");
        assert_ne!(notice["type"], "error", "{notice}");
        kept += u64::from(notice["type"] == "ok");
    }
}

fn expect_well(server: &Server) {
    let (_, health) = ask(server, "/healthz", "");
    assert_eq!(health, "ok\nstore: ok\n");
}

fn expect_nothing_wrong(log: &str) {
    assert!(!log.contains(" ERROR ") && !log.contains(" WARN "), "{log}");
}

#[test]
fn inside_the_sandbox_thousands_of_messages_are_purged_forgotten_and_deleted_and_a_crash_is_recovered_from()
 {
    let sandbox = "[process]\nsandbox = \"require\"\n";
    let mut server = Server::serve(&(config("") + sandbox));
    let mut owner = Caller::of(&server, "owner");
    for room in ["purged", "trimmed", "deleted"] {
        owner.done(json!({"type": "create", "room": room}));
        owner.done(join(room));
        fill(&mut Caller::of(&server, "talker"), room);
    }
    owner.done(act("purge", "purged", "talker"));
    let trim = json!({"type": "update", "room": "trimmed", "retention_messages": KEPT});
    owner.done(trim);
    owner.done(json!({"type": "delete", "room": "deleted"}));
    let page = owner.done(json!({"type": "history", "room": "purged", "after": 0}));
    assert!(page["messages"][0]["deleted"].is_number(), "{page}");
    // What is beyond the bound goes with the next messages, in small steps.
    let trimmed = loop {
        owner.done(with(
            json!({"type": "send", "message": "on"}),
            json!({"room": "trimmed"}),
        ));
        let page = owner.done(json!({"type": "history", "room": "trimmed", "after": 0}));
        if page["first_seq"].as_u64() > Some(MESSAGES - 2 * KEPT) {
            break page["first_seq"].clone();
        }
    };
    expect_well(&server);
    expect_nothing_wrong(&server.log_so_far().join("\n"));
    server.kill_and_start_again();
    expect_well(&server);
    let mut owner = Caller::of(&server, "owner");
    let page = owner.done(json!({"type": "history", "room": "trimmed", "after": 0}));
    assert!(page["first_seq"].as_u64() >= trimmed.as_u64(), "{page}");
    assert_eq!(patiently(&mut owner, join("deleted")), "unknown_room");
    server.terminate();
    assert!(server.wait().success());
    let log = server.whole_log();
    assert!(log.contains("(seccomp)"), "{log}");
    expect_nothing_wrong(&log);
}
