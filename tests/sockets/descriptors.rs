//! A process that gets no more descriptors: people stay, strangers make room for each other, and the log is not filled.

use std::fs;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::peer::Peer;
use crate::server::Server;
use crate::telemetry::scrape;

const CONFIG: &str =
    "[limits]\nplain_per_address = 100\n[deadlines]\nhead = \"5m\"\nsign_in = \"5m\"\n";

#[test]
fn without_a_descriptor_for_one_more_silent_strangers_make_room_and_people_stay() {
    let mut server = Server::serve(CONFIG);
    let mut alice = Peer::open(&server, "/ws/chat", &server.token("alice"));
    let silent: Vec<Peer> = (0..20).map(|_| Peer::connect(server.address)).collect();
    // Whoever comes after them is answered: all of them were accepted.
    assert_eq!(Peer::connect(server.address).get("/healthz"), "200");
    let folder = format!("/proc/{}/fd", server.pid());
    let open = fs::read_dir(folder).expect("the server lives").count() as u64;
    let pid = i32::try_from(server.pid()).ok().and_then(Pid::from_raw);
    let most = Rlimit {
        current: Some(open - 1),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    prlimit(pid, Resource::Nofile, most).expect("a process of one's own");
    for _ in 0..30 {
        assert_eq!(Peer::connect(server.address).get("/healthz"), "200");
    }
    alice.say("{\"message\":\"hi\"}");
    while alice.notice()["message"] != "hi" {}
    assert!(scrape(&server)["wardroom_connections_unaccepted_total"] >= 1.0);
    drop(silent);
    server.terminate();
    server.wait();
    let log = server.whole_log();
    let told = log.matches("no connection can be accepted").count();
    assert!(
        (1..=2).contains(&told),
        "at most once in ten seconds: {log}"
    );
}
