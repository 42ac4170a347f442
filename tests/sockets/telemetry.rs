//! What the running server tells an operator: the scrape, the dashboard that reads it, and the jail that reads its log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use wardroom::simulation::{masked, upgrade_request};

use crate::never_reads::hears_that_left;
use crate::peer::Peer;
use crate::server::Server;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(root(path)).expect("a file of the repository")
}

/// Head and body of what the private listener answers.
pub fn ask(server: &Server, path: &str, fields: &str) -> (String, String) {
    let private = server.private.expect("a private listener");
    let mut peer = Peer::connect(private);
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {private}\r\nConnection: close\r\n{fields}\r\n");
    peer.send(request.as_bytes());
    let head = peer.head().expect("an answer");
    (head, String::from_utf8(peer.rest()).expect("text"))
}

/// Every sample of a scrape, by name and labels.
pub fn scrape(server: &Server) -> BTreeMap<String, f64> {
    let (head, body) = ask(server, "/metrics", "");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let samples = body.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a sample");
            (name.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

#[test]
fn a_scrape_shows_what_happened_and_what_the_process_holds() {
    let server = Server::serve("");
    let token = server.token("alice");
    let mut alice = Peer::open(&server, "/ws/chat", &token);
    alice.say("{\"message\":\"hi\"}");
    while alice.notice()["message"] != "hi" {}
    assert_eq!(Peer::connect(server.address).get("/nothing"), "404");
    let samples = scrape(&server);
    for (name, value) in [
        ("wardroom_ready", 1.0),
        ("wardroom_connections{state=\"tutorial\"}", 1.0),
        ("wardroom_connections{state=\"private\"}", 1.0),
        ("wardroom_handshakes_total{outcome=\"upgraded\"}", 1.0),
        ("wardroom_handshakes_total{outcome=\"not_found\"}", 1.0),
        ("wardroom_messages_said_total", 1.0),
        ("wardroom_seats", 1.0),
        ("wardroom_log_lines_dropped_total", 0.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name}");
    }
    for (name, least) in [
        ("process_resident_memory_bytes", 1e6),
        ("process_start_time_seconds", 1.7e9),
        ("process_open_fds", 8.0),
        ("process_max_fds", 64.0),
        ("wardroom_turn_duration_seconds_count", 3.0),
        ("wardroom_turn_duration_seconds_sum", 1e-6),
        ("wardroom_turn_events_count", 3.0),
        ("wardroom_received_bytes_total", 100.0),
        ("wardroom_sent_bytes_total", 100.0),
    ] {
        assert!(samples[name] >= least, "{name} {}", samples[name]);
    }
}

#[test]
fn a_scraper_gets_openmetrics_when_it_asks_for_it() {
    let server = Server::serve("");
    let (head, body) = ask(
        &server,
        "/metrics",
        "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n",
    );
    assert!(
        head.contains(
            "\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"
        ),
        "{head}"
    );
    assert!(body.ends_with("# EOF\n"));
    let (head, body) = ask(&server, "/metrics", "");
    assert!(
        head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
        "{head}"
    );
    assert!(!body.contains("# EOF"));
}

#[test]
fn strangers_find_no_metrics_at_the_public_door() {
    let server = Server::serve("");
    for path in ["/metrics", "/readyz"] {
        assert_eq!(Peer::connect(server.address).get(path), "404", "{path}");
    }
}

#[test]
fn a_server_that_is_full_is_alive_and_not_ready() {
    let server = Server::serve(
        "[limits]\nconnections_max = 1\nconnections_per_user = 1\nconnections_per_address = 1\nunauthenticated_max = 1\n",
    );
    let status = |path| ask(&server, path, "").0.get(9..12).map(str::to_owned);
    assert_eq!(status("/readyz").as_deref(), Some("200"));
    let _alice = Peer::open(&server, "/ws/chat", &server.token("alice"));
    assert_eq!(status("/healthz").as_deref(), Some("200"));
    let (head, body) = ask(&server, "/readyz", "");
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert!(body.contains("connections_max"), "{body}");
    assert_eq!(scrape(&server)["wardroom_ready"], 0.0);
}

/// The names of metrics in every query of the dashboard.
fn names_in_dashboard() -> BTreeSet<String> {
    fn collect(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let text = value
                        .as_str()
                        .filter(|_| ["expr", "definition"].contains(&name.as_str()));
                    into.extend(text.into_iter().flat_map(names).map(str::to_owned));
                    collect(value, into);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
            _ => {}
        }
    }
    let dashboard = read("docs/deploy/grafana-dashboard.json");
    let mut found = BTreeSet::new();
    collect(&serde_json::from_str(&dashboard).expect("JSON"), &mut found);
    found
}

fn names(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("wardroom_") || word.starts_with("process_"))
}

#[test]
fn the_dashboard_asks_for_metrics_that_exist_and_leaves_none_out() {
    let server = Server::serve("");
    let (_, text) = ask(&server, "/metrics", "");
    let typed = |kind: &str| {
        let line = format!(" {kind}");
        text.lines()
            .filter_map(|found| found.strip_prefix("# TYPE ")?.strip_suffix(&line))
            .collect::<BTreeSet<_>>()
    };
    let histograms = typed("histogram");
    let family = |name: &str| {
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix));
        base.filter(|base| histograms.contains(base))
            .unwrap_or(name)
            .to_owned()
    };
    let asked: BTreeSet<String> = names_in_dashboard()
        .iter()
        .map(|name| family(name))
        .collect();
    let mut existing: BTreeSet<String> = histograms.iter().map(|name| (*name).to_owned()).collect();
    for kind in ["counter", "gauge"] {
        existing.extend(typed(kind).into_iter().map(str::to_owned));
    }
    assert!(existing.len() > 30, "{existing:?}");
    assert_eq!(asked, existing);
    let documented = read("docs/metrics.md");
    for name in &existing {
        assert!(
            documented.contains(&format!("| `{name}` |")),
            "{name} is not documented"
        );
    }
}

/// How many lines of the log the filter takes, and which addresses it finds.
fn fail2ban(log: &Path, mode: &str) -> Option<(usize, BTreeSet<String>)> {
    let filter = format!(
        "{}[mode={mode}]",
        root("docs/deploy/fail2ban/filter.conf").display()
    );
    let run = Command::new("fail2ban-regex")
        .args(["--out", "ip"])
        .arg(log)
        .arg(&filter)
        .output();
    let run = match run {
        Ok(run) => run,
        Err(error) => {
            println!("skipped: fail2ban-regex does not run here: {error}");
            return None;
        }
    };
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let found = String::from_utf8(run.stdout).expect("text");
    let lines: Vec<&str> = found
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    Some((
        lines.len(),
        lines.iter().map(|line| (*line).to_owned()).collect(),
    ))
}

/// A log that the real server wrote while some misbehaved, tried to put other people's addresses into it, and some did
/// nothing wrong.
fn a_log_of_attacks(server: &Server) -> PathBuf {
    const VICTIM: &str = "198.51.100.1";
    let forged_line = format!(
        "2026-01-01T00:00:00.000Z wardroom security: event=flood address={VICTIM} reason=x"
    );
    let head = |bytes: &[u8]| {
        let mut peer = Peer::connect(server.address);
        peer.send(bytes);
        peer.head()
    };
    // Five with bad credentials, whose paths say something else.
    for path in [
        "/ws/chat?token=x",
        "/ws/chat?a=\n",
        "/ws/chat?address=198.51.100.1",
    ] {
        let path = path.trim_end();
        head(upgrade_request(path, "Authorization: Bearer x\r\n").as_bytes());
    }
    let spaced = format!("/ws/chat?event=flood%20address={VICTIM}");
    head(upgrade_request(&spaced, "Authorization: Bearer x\r\n").as_bytes());
    head(
        upgrade_request(
            "/ws/chat",
            &format!("Authorization: Bearer {forged_line}\r\n"),
        )
        .as_bytes(),
    );
    // Four that are no requests, with lines in their paths, methods and fields.
    for request in [
        format!("GET /x\" address={VICTIM} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET /x\n{forged_line}\n HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("{forged_line}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: \x0b{forged_line}\r\nHost: b\r\n\r\n"),
    ] {
        head(request.as_bytes());
    }
    // One whose name is a line, who then breaks the protocol, and one who behaves.
    let name = format!("mallory\" event=flood address={VICTIM} reason=x");
    let mut mallory = Peer::open(server, "/ws/chat", &server.token(&name));
    mallory.send(&[0xFF, 0xFF]);
    assert_eq!(mallory.close_code(), Some(1002));
    let mut alice = Peer::open(server, "/ws/chat", &server.token("alice"));
    alice.send(&masked(0x88, &[3, 232]));
    alice.rest();
    // One who claims to be a proxy and to speak for somebody, and one with a wrong key: three lines, with the request.
    head(format!("PROXY TCP4 {VICTIM} 10.0.0.1 1 2\r\n").as_bytes());
    let private = server.private.expect("a private listener");
    let mut guess = Peer::connect(private);
    guess.send(b"GET /api/v1/rooms HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer x\r\n\r\n");
    assert!(guess.head().is_some_and(|head| head.contains(" 401 ")));
    // One who sends too much, and one who reads too little.
    let mut flood = Peer::open(server, "/ws/chat", &server.token("flood"));
    while flood.try_send(&masked(0x89, b"")) {}
    let deaf = Peer::open(server, "/ws/chat", &server.token("deaf"));
    deaf.narrow();
    let mut talker = Peer::open(server, "/ws/chat", &server.token("talker"));
    let message = "z".repeat(500);
    while !hears_that_left(&mut talker, "deaf", &message) {}
    server.folder().join("security.log")
}

#[test]
fn fail2ban_finds_who_misbehaved_and_nobody_else() {
    let mut server = Server::serve(
        "[log]\nsecurity_file = \"security.log\"\n\
         [rooms]\nreturn_time_max = 0\n\
         [limits]\ncommands_per_user = { burst = 1000000, per = \"1s\" }\n\
         messages_per_user = { burst = 1000000, per = \"1s\" }\nmessages_per_connection = { burst = 1000000, per = \"1s\" }\n\
         messages_per_address = { burst = 1000000, per = \"1s\" }\nbytes_per_connection = { burst = 1000000000, per = \"1s\" }\n\
         bytes_per_address = { burst = 1000000000, per = \"1s\" }\n\
         frames_per_connection = { burst = 50000, per = \"10m\" }\n",
    );
    let log = a_log_of_attacks(&server);
    server.terminate();
    assert!(server.wait().success());
    let text = fs::read_to_string(&log).expect("a log");
    println!("{text}");
    assert!(
        text.lines()
            .all(|line| line.contains("Z wardroom security: event="))
    );
    let only: BTreeSet<String> = ["127.0.0.1".to_owned()].into();
    let Some(normal) = fail2ban(&log, "normal") else {
        return;
    };
    // Five bad credentials, and one each who broke the protocol, forged an address, guessed the key, sent too much.
    assert_eq!(normal, (9, only.clone()));
    // And the five that were no requests, and one who read too little.
    assert_eq!(fail2ban(&log, "aggressive"), Some((15, only)));
}

#[test]
fn the_jail_names_the_filter_and_its_modes() {
    let jail = read("docs/deploy/fail2ban/jail.conf");
    let filter = read("docs/deploy/fail2ban/filter.conf");
    assert!(jail.contains("\nfilter = wardroom\n"));
    for mode in ["normal", "aggressive"] {
        assert!(filter.contains(&format!("\nmdre-{mode} = ")), "{mode}");
    }
}
